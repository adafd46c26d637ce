/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop of a process: one system call waits for everything, one more rings each peer in
 * another process. Components in the same process wake each other by a bit in memory. Twice a
 * second the launcher hears that this loop still goes round.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "hosts/linux/gateway_event.h"
#include "hosts/linux/process.h"
#include "hosts/linux/report.h"
#include "hosts/linux/sandbox.h"

/* Wakes of components that keep each other busy before devices and other processes are looked
 * at again. */
#define MAX_ROUNDS 64u
#define MAX_EVENTS 32

static void ring_peers(struct sl_host *host)
{
    static const uint64_t one = 1;
    while (host->rung) {
        unsigned channel = (unsigned)__builtin_ctz(host->rung);
        host->rung &= host->rung - 1;
        /* Refused only when the counter is full, and then the peer was rung already. */
        ssize_t written = write(host->bell[channel].fd, &one, sizeof one);
        (void)written;
    }
}

static bool wake_pending(struct process *process)
{
    bool any = false;
    for (unsigned i = 0; i < process->count; i++) {
        struct sl_host *host = &process->host[i];
        uint64_t badges = host->pending;
        if (!badges)
            continue;
        any = true;
        host->pending = 0;
        host->program->wake(host->self, badges);
        ring_peers(host);
    }
    return any;
}

static uint64_t nearest_deadline(const struct process *process)
{
    uint64_t nearest = process->alive;
    for (unsigned i = 0; i < process->count; i++)
        if (process->host[i].deadline < nearest)
            nearest = process->host[i].deadline;
    return nearest;
}

static void mark_passed(struct process *process, uint64_t now)
{
    for (unsigned i = 0; i < process->count; i++) {
        struct sl_host *host = &process->host[i];
        if (host->deadline > now)
            continue;
        host->deadline = SL_NEVER;
        host->pending |= SL_BADGE_DEADLINE;
    }
}

/* Marks what has happened; waits for something when `busy` is false. */
static void wait_for_events(struct process *process, bool busy)
{
    struct timespec timeout = {0, 0};
    const struct timespec *limit = &timeout;
    uint64_t nearest = nearest_deadline(process);
    if (nearest != SL_NEVER) {
        uint64_t now = sl_now(NULL);
        if (nearest <= now) {
            mark_passed(process, now);
        } else if (!busy) {
            timeout.tv_sec = (time_t)((nearest - now) / UINT64_C(1000000000));
            timeout.tv_nsec = (long)((nearest - now) % UINT64_C(1000000000));
        }
    } else if (!busy) {
        limit = NULL;
    }

    struct epoll_event event[MAX_EVENTS];
    int count = epoll_pwait2(FD_EPOLL, event, MAX_EVENTS, limit, NULL);
    if (count < 0) {
        if (errno != EINTR)
            sl_fault(&process->host[0], "waiting for events failed", (uint64_t)errno, 0);
        return;
    }
    for (int i = 0; i < count; i++) {
        struct sl_host *host = &process->host[event[i].data.u64 >> 8];
        unsigned source = event[i].data.u64 & 0xff;
        if (source == PROCESS_CLOSING) {
            process->closing = host;
            continue;
        }
        if (source == PROCESS_POLICY) {
            process->policy_rung = true;
            continue;
        }
        if (source != PROCESS_DEVICE) {
            host->pending |= UINT64_C(1) << source;
            continue;
        }
        if (event[i].events & EPOLLERR)
            sl_fault(host, "network interface is down or gone", event[i].events, EPOLLIN);
        host->pending |= SL_BADGE_DEVICE;
    }
    if (count == 0 && limit)
        mark_passed(process, sl_now(NULL));
}

/* Audit lines go out once a round; what the reader does not take now waits for the next. */
static void flush_output(struct process *process)
{
    struct output *output = &process->output;
    if (output->length == 0 && output->lost == 0)
        return;
    if (!output_flush(output) || output->lost == 0)
        return;
    struct gateway_event event;
    gateway_event_start(&event, process->launch, "output", "audit-lost", process->epoch);
    sl_json_number(&event.json, "count", output->lost);
    gateway_event_finish(&event);
    output->lost = 0;
    output_line(output, event.text, event.json.length);
    output_flush(output);
}

/* Nobody else runs any more: what the others left on their audit rings is all there will be. */
static _Noreturn void look_once_more(struct process *process)
{
    struct sl_host *monitor = process->closing;
    monitor->program->wake(monitor->self, SL_BADGE_DEADLINE | SL_BADGE_CLOSING);
    flush_output(process);
    _exit(0);
}

static void say_alive(struct process *process)
{
    const uint64_t now = sl_now(NULL);
    if (now < process->alive)
        return;
    report_alive(process->report, now);
    process->alive = now + REPORT_ALIVE_NS;
}

_Noreturn void process_loop(struct process *process)
{
    for (;;) {
        say_alive(process);
        bool busy = true;
        for (unsigned round = 0; busy && round < MAX_ROUNDS; round++)
            busy = wake_pending(process);
        flush_output(process);
        wait_for_events(process, busy);
        if (process->policy_rung)
            process_adopt(process);
        if (process->closing)
            look_once_more(process);
    }
}
