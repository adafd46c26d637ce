/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/linux/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "control/operation.h"
#include "hosts/linux/audit_writer.h"
#include "hosts/linux/epoch.h"
#include "hosts/linux/gateway_event.h"
#include "hosts/linux/parts.h"
#include "hosts/linux/report.h"
#include "hosts/linux/service_manager.h"

#define NS_PER_MS UINT64_C(1000000)

/* A process that has taken no turn for so long is hung: killed, and the gateway goes on without it
 * as after any death. Looked for so often. */
#define HANG_LIMIT_NS (UINT64_C(3000) * NS_PER_MS)
#define HANG_LOOK_NS  (UINT64_C(500) * NS_PER_MS)
/* As START_LIMIT_NS, for a component to take another policy, or to leave the one before. */
#define POLICY_LIMIT_NS (UINT64_C(5000) * NS_PER_MS)

/* How far the policy in `launch` has got. */
enum policy_step { POLICY_SETTLED, POLICY_NAMING, POLICY_ADOPTING, POLICY_RETIRING };

struct supervisor {
    struct launch *launch;
    struct epoch epoch;
    uint32_t number;    /* of the epoch: restarts since the gateway's start */
    int signals;        /* signalfd: SIGTERM, SIGINT, SIGHUP, SIGUSR1 */
    bool running;       /* all processes are up */
    uint64_t up;        /* since when */
    uint32_t published; /* generation of the policy that the processes were given */
    enum policy_step step;
    uint64_t step_limit;
    struct parts parts; /* where launch_has_parts */
    uint64_t looked;    /* for hung processes, last */
    uint64_t back_off;
    uint64_t detected; /* when the last death was seen; 0: none yet */
    struct service_manager manager;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void log_started(struct supervisor *supervisor)
{
    const struct launch *launch = supervisor->launch;
    static const char *const grouping[] = {"isolated", "merged", "fused"};
    struct gateway_event event;
    uint64_t took = supervisor->detected ? now_ns() - supervisor->detected : 0;
    gateway_event_start(&event, launch, "launcher", supervisor->detected ? "restarted" : "started",
                        supervisor->number);
    if (supervisor->detected) {
        sl_json_number(&event.json, "restart_us", took / 1000);
        sl_json_number(&event.json, "back_off_ms", supervisor->back_off / NS_PER_MS);
    }
    sl_json_string(&event.json, "grouping", grouping[launch->grouping]);
    sl_json_signed(&event.json, "cpu", launch->cpu);
    sl_json_open_array(&event.json, "processes");
    for (unsigned i = 0; i < launch->process_count; i++) {
        char name[GATEWAY_EVENT_SIZE / 4];
        launch_process_name(launch, i, name, sizeof name);
        sl_json_open_object(&event.json, NULL);
        sl_json_string(&event.json, "name", name);
        sl_json_number(&event.json, "pid", (uint64_t)supervisor->epoch.process[i].pid);
        sl_json_close_object(&event.json);
    }
    sl_json_close_array(&event.json);
    char message[64] = "the gateway is up";
    if (supervisor->detected)
        snprintf(message, sizeof message, "restarted in %.1f ms", (double)took / (double)NS_PER_MS);
    sl_json_string(&event.json, "message", message);
    gateway_event_send(&event, launch);
    if (supervisor->detected)
        fprintf(stderr, "sluice: %s\n", message);
}

/* The cause of an end, as `info` from waitid and what the process said before. `part` of those that
 * stop; NULL: all. */
static void log_death(struct supervisor *supervisor, const struct death *death, const char *part)
{
    const struct launch *launch = supervisor->launch;
    struct gateway_event event;
    char process[GATEWAY_EVENT_SIZE / 4], cause[REPORT_TEXT + 128];
    const char *component = process;
    launch_process_name(launch, death->process, process, sizeof process);
    if (death->faulted && death->fault.component < launch->topology->component_count &&
        launch->component[death->fault.component].process == death->process)
        component = launch->topology->component[death->fault.component].name;

    gateway_event_start(&event, launch, "launcher", "component-died", supervisor->number);
    sl_json_string(&event.json, "died", component);
    sl_json_string(&event.json, "process", process);
    sl_json_number(&event.json, "pid", (uint64_t)death->pid);
    if (part)
        sl_json_string(&event.json, "part", part);
    if (death->faulted) {
        sl_json_string(&event.json, "cause", "fault");
        sl_json_string(&event.json, "fault", death->fault.what);
        sl_json_number(&event.json, "found", death->fault.found);
        sl_json_number(&event.json, "expected", death->fault.expected);
        snprintf(cause, sizeof cause, "fault: %s (found %llu, expected %llu)", death->fault.what,
                 (unsigned long long)death->fault.found, (unsigned long long)death->fault.expected);
    } else if (death->late) {
        sl_json_string(&event.json, "cause", "start-timeout");
        snprintf(cause, sizeof cause, "did not start within %llu ms",
                 (unsigned long long)(START_LIMIT_NS / NS_PER_MS));
    } else if (death->hung) {
        sl_json_string(&event.json, "cause", "hung");
        snprintf(cause, sizeof cause, "took no turn for %llu ms",
                 (unsigned long long)(HANG_LIMIT_NS / NS_PER_MS));
    } else if (death->kept_policy) {
        sl_json_string(&event.json, "cause", "policy-timeout");
        snprintf(cause, sizeof cause, "did not take the new policy within %llu ms",
                 (unsigned long long)(POLICY_LIMIT_NS / NS_PER_MS));
    } else if (death->signal) {
        char signal[32];
        const char *name = sigabbrev_np(death->signal);
        snprintf(signal, sizeof signal, "SIG%s", name ? name : "?");
        sl_json_string(&event.json, "cause", "signal");
        sl_json_string(&event.json, "signal", signal);
        if (death->signal == SIGSYS)
            sl_json_string(&event.json, "meaning", "forbidden system call");
        snprintf(cause, sizeof cause, "killed by %s", signal);
    } else {
        sl_json_string(&event.json, "cause", "exit");
        snprintf(cause, sizeof cause, "exited with status %d", death->status);
    }
    if (!death->signal && !death->late && !death->kept_policy && !death->hung)
        sl_json_signed(&event.json, "exit_status", death->status);
    const struct epoch_unaudited *unaudited = &supervisor->epoch.unaudited;
    if (!part && unaudited->records + unaudited->untold > 0) {
        sl_json_number(&event.json, "audit_records_lost", unaudited->records);
        sl_json_number(&event.json, "audit_untold", unaudited->untold);
    }
    char message[REPORT_TEXT + GATEWAY_EVENT_SIZE / 4 + 192];
    snprintf(message, sizeof message, "%s: %s; %s stopped", component, cause,
             part ? part : "traffic");
    sl_json_string(&event.json, "message", message);
    gateway_event_send(&event, launch);
    fprintf(stderr, "sluice: %s\n", message);
}

static void log_plain(const struct supervisor *supervisor, const char *name, const char *error)
{
    struct gateway_event event;
    gateway_event_start(&event, supervisor->launch, "launcher", name, supervisor->number);
    if (error)
        sl_json_string(&event.json, "error", error);
    gateway_event_send(&event, supervisor->launch);
}

/* ---- what an operator asks ---- */

static struct operation_view view_of(const struct supervisor *supervisor)
{
    const bool fresh = supervisor->published == supervisor->launch->policy_generation;
    return (struct operation_view){
        .epoch = &supervisor->epoch,
        .number = supervisor->number,
        .running = supervisor->running,
        .busy = supervisor->epoch.count > 0 &&
                (!supervisor->running || !parts_all_up(&supervisor->parts) || !fresh ||
                 supervisor->step != POLICY_SETTLED),
        .now = now_ns(),
        .up = supervisor->up,
    };
}

static void begin_step(struct supervisor *supervisor, enum policy_step step)
{
    supervisor->step = step;
    supervisor->step_limit = now_ns() + POLICY_LIMIT_NS;
    if (step == POLICY_SETTLED)
        epoch_policy_settled(&supervisor->epoch);
}

/* One policy at a time: the monitor knows it, then all take it, then all leave the one before, then
 * another may follow. */
static void move_policy(struct supervisor *supervisor)
{
    struct launch *launch = supervisor->launch;
    struct epoch *epoch = &supervisor->epoch;
    if (!supervisor->running)
        return;
    if (supervisor->step == POLICY_SETTLED && parts_all_up(&supervisor->parts) &&
        supervisor->published != launch->policy_generation) {
        supervisor->published = launch->policy_generation;
        epoch_publish(epoch, launch);
        begin_step(supervisor, POLICY_NAMING);
    }
    if (supervisor->step == POLICY_NAMING && epoch_can_name(epoch, supervisor->published)) {
        epoch_take(epoch);
        begin_step(supervisor, POLICY_ADOPTING);
    }
    if (supervisor->step == POLICY_ADOPTING && epoch_adopted(epoch, supervisor->published)) {
        const struct operation_view view = view_of(supervisor);
        operation_in_force(launch->operation, &view);
        epoch_retire(epoch);
        begin_step(supervisor, POLICY_RETIRING);
    }
    if (supervisor->step == POLICY_RETIRING && epoch_retired(epoch, supervisor->published))
        begin_step(supervisor, POLICY_SETTLED);
}

static void serve(struct supervisor *supervisor)
{
    if (!supervisor->launch->operation)
        return;
    const struct operation_view view = view_of(supervisor);
    operation_serve(supervisor->launch->operation, &view);
    move_policy(supervisor);
}

/* False: a stop was asked for. */
static bool take_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo info;
    while (read(supervisor->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo != SIGHUP && info.ssi_signo != SIGUSR1)
            return false;
        if (supervisor->launch->writer)
            audit_writer_reopen(supervisor->launch->writer);
        if (supervisor->launch->operation && info.ssi_signo == SIGHUP)
            supervisor->launch->operation->hang_up = true;
    }
    return true;
}

#define OTHER_POLLS (2u + OPERATION_POLLS)

/* Waits for `set` (`count` entries, after room for OTHER_POLLS), for signals, for the audit writer,
 * and for whoever asks something, at most until `limit`. False: a stop was asked for. */
static bool wait_until(struct supervisor *supervisor, struct pollfd *set, nfds_t count,
                       uint64_t limit)
{
    const struct operation *operation = supervisor->launch->operation;
    struct audit_writer *writer = supervisor->launch->writer;
    struct pollfd *next = set + count;
    service_manager_alive(&supervisor->manager, now_ns());
    const uint64_t sign = service_manager_next(&supervisor->manager, now_ns());
    limit = sign < limit ? sign : limit;
    *next++ = (struct pollfd){.fd = supervisor->signals, .events = POLLIN};
    if (writer) {
        audit_writer_tend(writer, supervisor->launch, supervisor->number);
        *next++ = (struct pollfd){.fd = writer->pidfd, .events = POLLIN};
        const uint64_t beat = now_ns() + PULSE_MS * NS_PER_MS;
        limit = beat < limit ? beat : limit;
    }
    if (operation) {
        next += operation_poll_set(operation, next);
        const uint64_t due = operation_deadline(operation, view_of(supervisor).busy);
        if (due < limit)
            limit = due;
    }
    if (supervisor->step != POLICY_SETTLED && supervisor->step_limit < limit)
        limit = supervisor->step_limit;
    if (supervisor->running && supervisor->looked + HANG_LOOK_NS < limit)
        limit = supervisor->looked + HANG_LOOK_NS;
    if (supervisor->running && parts_next(&supervisor->parts) < limit)
        limit = parts_next(&supervisor->parts);
    const uint64_t now = now_ns();
    int wait_ms = -1;
    if (limit != UINT64_MAX)
        wait_ms = limit <= now                              ? 0
                  : limit - now > INT32_MAX * NS_PER_MS / 2 ? INT32_MAX / 2
                                                            : (int)((limit - now) / NS_PER_MS) + 1;
    if (poll(set, (nfds_t)(next - set), wait_ms) < 0 && errno != EINTR)
        return false;
    const bool going = take_signals(supervisor);
    serve(supervisor);
    return going;
}

static bool find_hung(struct supervisor *supervisor, struct death *death)
{
    const uint64_t now = now_ns();
    if (!supervisor->running || now < supervisor->looked + HANG_LOOK_NS)
        return false;
    if (now >= supervisor->looked + HANG_LIMIT_NS / 2) /* we did not run either */
        epoch_forgive(&supervisor->epoch, now);
    supervisor->looked = now;
    return epoch_find_hung(&supervisor->epoch, now, HANG_LIMIT_NS, death);
}

/* True: only the part of the gateway that it was in is to start anew. Not while a policy is on its
 * way: nobody would know who has it. */
static bool stops_a_part(struct supervisor *supervisor, const struct death *death)
{
    const struct launch *launch = supervisor->launch;
    if (!supervisor->running || !launch_stops_part_only(launch, death->process) ||
        supervisor->step != POLICY_SETTLED || supervisor->published != launch->policy_generation)
        return false;
    parts_stop(&supervisor->parts, &supervisor->epoch, launch, death->process, now_ns());
    log_death(supervisor, death, launch_part_name(launch_part_of(launch, death->process)));
    return true;
}

enum outcome { OUTCOME_READY, OUTCOME_DEATH, OUTCOME_STOP };

/* Waits until all processes are up (`limit`: or it has passed), one has died, or a stop is
 * asked for. */
static enum outcome watch(struct supervisor *supervisor, uint64_t limit, struct death *death)
{
    struct epoch *epoch = &supervisor->epoch;
    struct pollfd poll_set[2 * LAUNCH_MAX_PROCESSES + OTHER_POLLS];
    for (;;) {
        const nfds_t count = epoch_poll_set(epoch, poll_set);
        if (!wait_until(supervisor, poll_set, count, limit))
            return OUTCOME_STOP;
        bool died = epoch_find_death(epoch, death) || find_hung(supervisor, death);
        if (supervisor->running && !died)
            died = parts_go_on(&supervisor->parts, epoch, supervisor->launch, &supervisor->number,
                               death);
        if (died && !stops_a_part(supervisor, death))
            return OUTCOME_DEATH;
        move_policy(supervisor);
        if (supervisor->step != POLICY_SETTLED && now_ns() >= supervisor->step_limit) {
            epoch_blame_policy(epoch, supervisor->published, death);
            return OUTCOME_DEATH;
        }
        if (limit == UINT64_MAX)
            continue;
        if (epoch_ready(epoch))
            return OUTCOME_READY;
        if (now_ns() >= limit) {
            epoch_blame_late(epoch, death);
            return OUTCOME_DEATH;
        }
    }
}

/* False: a stop was asked for. */
static bool pause_before_restart(struct supervisor *supervisor, bool lived)
{
    if (lived) {
        supervisor->back_off = 0;
        return true;
    }
    supervisor->back_off = supervisor->back_off ? supervisor->back_off * 2 : BACK_OFF_MIN_NS;
    if (supervisor->back_off > BACK_OFF_MAX_NS)
        supervisor->back_off = BACK_OFF_MAX_NS;
    struct pollfd poll_set[OTHER_POLLS];
    const uint64_t limit = now_ns() + supervisor->back_off;
    while (now_ns() < limit)
        if (!wait_until(supervisor, poll_set, 0, limit))
            return false;
    return true;
}

/* One epoch from start to end. False: a stop was asked for. `*lived`: it was up for a while. */
static bool run_epoch(struct supervisor *supervisor, bool *lived)
{
    struct death death;
    enum outcome outcome = watch(supervisor, now_ns() + START_LIMIT_NS, &death);
    uint64_t up = now_ns();
    if (outcome == OUTCOME_READY) {
        supervisor->running = true;
        supervisor->up = up;
        supervisor->looked = up;
        parts_begin(&supervisor->parts, up);
        log_started(supervisor);
        service_manager_ready(&supervisor->manager);
        if (supervisor->launch->operation) {
            const struct operation_view view = view_of(supervisor);
            operation_in_force(supervisor->launch->operation, &view);
        }
        epoch_tidy(&supervisor->epoch, supervisor->launch);
        outcome = watch(supervisor, UINT64_MAX, &death);
    }
    supervisor->detected = now_ns();
    supervisor->running = false;
    supervisor->step = POLICY_SETTLED;
    epoch_kill(&supervisor->epoch, supervisor->launch);
    *lived = supervisor->detected - up >= LIVED_NS;
    if (outcome == OUTCOME_DEATH)
        log_death(supervisor, &death, NULL);
    return outcome == OUTCOME_DEATH;
}

static bool block_signals(struct supervisor *supervisor)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    /* Children inherit the mask: an interrupt from the terminal reaches only the launcher. */
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return false;
    signal(SIGPIPE, SIG_IGN);
    supervisor->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return supervisor->signals >= 0;
}

bool supervise(struct launch *launch)
{
    static struct supervisor supervisor; /* too large for the stack */
    supervisor = (struct supervisor){.launch = launch};
    epoch_init(&supervisor.epoch);
    service_manager_init(&supervisor.manager);
    if (launch->operation)
        launch->operation->manager = &supervisor.manager;
    if (!block_signals(&supervisor) || !launch_pin(launch->cpu)) {
        fprintf(stderr, "sluice: cannot run on CPU %d: %s\n", launch->cpu, strerror(errno));
        return false;
    }

    bool going = true;
    while (going) {
        char error[512];
        bool lived = false;
        supervisor.published = launch->policy_generation;
        if (epoch_start(&supervisor.epoch, launch, supervisor.number, error, sizeof error)) {
            going = run_epoch(&supervisor, &lived);
        } else {
            fprintf(stderr, "sluice: %s\n", error);
            if (supervisor.number == 0 && !supervisor.detected)
                return false;
            log_plain(&supervisor, "restart-failed", error);
        }
        going = going && pause_before_restart(&supervisor, lived);
        supervisor.number++;
    }
    supervisor.number--;
    service_manager_stopping(&supervisor.manager);
    log_plain(&supervisor, "stopped", NULL);
    close(supervisor.signals);
    return true;
}
