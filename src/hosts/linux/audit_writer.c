/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/linux/audit_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hosts/linux/audit_writer_work.h"
#include "hosts/linux/gateway_event.h"
#include "hosts/linux/output.h"

#define NS_PER_MS UINT64_C(1000000)
#define PIPE_SIZE 1048576 /* what fits a burst; the most that needs no privilege */
#define FINISH_MS 2000
/* Longer than a component's: a slow disk may hold it up, and killing it makes no disk faster. */
#define HANG_LIMIT_NS (UINT64_C(5000) * NS_PER_MS)
/* One that lived no longer waits so long before the next one. */
#define LIVED_NS    (UINT64_C(1000) * NS_PER_MS)
#define BACK_OFF_NS (UINT64_C(500) * NS_PER_MS)

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static bool start_process(struct audit_writer *writer)
{
    const pid_t launcher = getpid();
    pulse_share(&writer->pulse, true);
    writer->pid = fork();
    if (writer->pid == 0)
        audit_writer_run(writer, launcher);
    writer->pidfd = writer->pid > 0 ? pidfd_open(writer->pid, 0) : -1;
    const int saved = errno;
    pulse_share(&writer->pulse, false);
    writer->killed = false;
    writer->started = now_ns();
    pulse_watch_begin(&writer->watch, writer->started);
    if (writer->pidfd >= 0)
        return true;
    if (writer->pid > 0) {
        kill(writer->pid, SIGKILL);
        waitpid(writer->pid, NULL, 0);
    }
    writer->pid = 0;
    errno = saved;
    return false;
}

static bool make_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE); /* a smaller one loses lines earlier, no more */
    return true;
}

bool audit_writer_start(struct audit_writer *writer, const struct site *site, const char *path,
                        const uint8_t *boot, char *error, size_t error_size)
{
    *writer = (struct audit_writer){.site = site, .path = path, .boot = boot, .pidfd = -1};
    const int file = output_open(path);
    if (file < 0) {
        snprintf(error, error_size, "cannot append to audit file '%s': %s", path, strerror(errno));
        return false;
    }
    close(file);
    if (pulse_create(&writer->pulse) && make_pipe(writer->monitor) && make_pipe(writer->launcher) &&
        start_process(writer))
        return true;
    snprintf(error, error_size, "cannot start the audit writer: %s", strerror(errno));
    return false;
}

void audit_writer_reopen(const struct audit_writer *writer)
{
    if (writer->pid > 0)
        kill(writer->pid, SIGHUP);
}

static void forget(struct audit_writer *writer)
{
    if (writer->pidfd >= 0)
        close(writer->pidfd);
    writer->pid = 0;
    writer->pidfd = -1;
}

static bool ended(const struct audit_writer *writer, int wait_ms)
{
    return poll(&(struct pollfd){.fd = writer->pidfd, .events = POLLIN}, 1, wait_ms) > 0;
}

static void log_death(const struct audit_writer *writer, const struct launch *launch,
                      uint32_t epoch, int status)
{
    struct gateway_event event;
    char cause[64], signal[32] = "";
    const char *name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;
    snprintf(signal, sizeof signal, "SIG%s", name ? name : "?");
    gateway_event_start(&event, launch, "launcher", "component-died", epoch);
    sl_json_string(&event.json, "died", "audit_writer");
    sl_json_string(&event.json, "process", "audit_writer");
    sl_json_number(&event.json, "pid", (uint64_t)writer->pid);
    sl_json_string(&event.json, "part", "audit_writer");
    if (writer->killed) {
        sl_json_string(&event.json, "cause", "hung");
        snprintf(cause, sizeof cause, "took no turn for %llu ms",
                 (unsigned long long)(HANG_LIMIT_NS / NS_PER_MS));
    } else if (WIFSIGNALED(status)) {
        sl_json_string(&event.json, "cause", "signal");
        sl_json_string(&event.json, "signal", signal);
        snprintf(cause, sizeof cause, "killed by %s", signal);
    } else {
        sl_json_string(&event.json, "cause", "exit");
        sl_json_signed(&event.json, "exit_status", WEXITSTATUS(status));
        snprintf(cause, sizeof cause, "exited with status %d", WEXITSTATUS(status));
    }
    char message[128];
    snprintf(message, sizeof message, "audit_writer: %s; traffic goes on, audit lines wait", cause);
    sl_json_string(&event.json, "message", message);
    gateway_event_send(&event, launch);
    fprintf(stderr, "sluice: %s\n", message);
}

static void start_again(struct audit_writer *writer, const struct launch *launch, uint32_t epoch)
{
    struct gateway_event event;
    if (!start_process(writer)) {
        writer->due = now_ns() + BACK_OFF_NS;
        fprintf(stderr,
                "sluice: cannot start the audit writer again: %s; audit lines wait, it is tried "
                "again every half second\n",
                strerror(errno));
        return;
    }
    gateway_event_start(&event, launch, "launcher", "restarted", epoch);
    sl_json_string(&event.json, "part", "audit_writer");
    sl_json_number(&event.json, "pid", (uint64_t)writer->pid);
    sl_json_number(&event.json, "restart_us", (writer->started - writer->died) / 1000);
    sl_json_string(&event.json, "message", "another audit writer goes on");
    gateway_event_send(&event, launch);
}

void audit_writer_tend(struct audit_writer *writer, const struct launch *launch, uint32_t epoch)
{
    const uint64_t now = now_ns();
    pulse_beat(&writer->pulse, PULSE_LAUNCHER, now);
    if (writer->pid > 0 && ended(writer, 0)) {
        int status = 0;
        waitpid(writer->pid, &status, 0);
        if (!writer->killed) {
            writer->died = now;
            log_death(writer, launch, epoch, status);
        }
        forget(writer);
        writer->due = now - writer->started < LIVED_NS ? now + BACK_OFF_NS : now;
    } else if (writer->pid > 0 && !writer->killed &&
               pulse_silence(&writer->pulse, PULSE_WRITER, &writer->watch, now) >= HANG_LIMIT_NS) {
        writer->killed = true; /* what waits for a dead disk ends when that says so */
        writer->died = now;
        log_death(writer, launch, epoch, 0);
        kill(writer->pid, SIGKILL);
    }
    if (writer->pid == 0 && now >= writer->due)
        start_again(writer, launch, epoch);
}

/* True when the process has ended by itself. */
static bool finish(struct audit_writer *writer)
{
    if (writer->pid <= 0)
        return false;
    const bool good = ended(writer, FINISH_MS);
    if (!good)
        kill(writer->pid, SIGKILL);
    if (good || ended(writer, FINISH_MS))
        waitpid(writer->pid, NULL, 0);
    forget(writer);
    return good;
}

void audit_writer_finish(struct audit_writer *writer)
{
    close(writer->monitor[1]);
    close(writer->launcher[1]);
    /* One that hangs is replaced once more, for what waits. */
    if (!finish(writer) && !(start_process(writer) && finish(writer)))
        fprintf(stderr, "sluice: the audit writer does not end: audit lines that waited for it "
                        "are lost\n");
    close(writer->monitor[0]);
    close(writer->launcher[0]);
    pulse_destroy(&writer->pulse);
}
