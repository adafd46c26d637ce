/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/linux/audit_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hosts/linux/output.h"
#include "hosts/linux/sandbox.h"
#include "hosts/linux/syslog.h"
#include "sluice/json.h"
#include "util/timestamp.h"

#define PIPE_SIZE 1048576 /* what fits a burst; the most that needs no privilege */
#define CHUNK     65536u
/* In one look, of a monitor that never stops: more than fits the pipe. */
#define MOST_CHUNKS    (2 * PIPE_SIZE / CHUNK)
#define GATHER_NS      5000000L /* after each look: fewer, larger writes, and fewer wakes */
#define RETRY_MS       200      /* for what a receiver or a full disk did not take */
#define FINISH_MS      2000
#define LAST_SYSLOG_MS 1000

/* One pipe's bytes on their way to be lines. */
struct source {
    int fd;
    bool ended;
    size_t length;
    char text[CHUNK];
};

struct task {
    const struct audit_writer *writer;
    struct source monitor, launcher;
    struct output file;
    struct syslog syslog;
    uint64_t size;   /* of the file, bytes */
    int said;        /* errno of the file that standard error has been told; 0: all is well */
    int syslog_said; /* likewise, of syslog */
    int rotate_said;
    uint64_t sequence;
};

static void loss_line(struct task *task, const char *where, uint64_t count, int error)
{
    char text[1024], timestamp[TIMESTAMP_SIZE];
    struct timespec now;
    struct sl_json json;
    clock_gettime(CLOCK_REALTIME, &now);
    timestamp_format((uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec,
                     timestamp);
    sl_json_start(&json, text, sizeof text);
    sl_json_open_object(&json, NULL);
    sl_json_string(&json, "timestamp", timestamp);
    sl_json_string(&json, "event_type", "gateway");
    sl_json_number(&json, "writer_seq", task->sequence++);
    sl_json_hex(&json, "boot", task->writer->boot, 8);
    sl_json_string(&json, "component", "writer");
    sl_json_string(&json, "event", "audit-lost");
    sl_json_number(&json, "count", count);
    sl_json_string(&json, "to", where);
    if (error)
        sl_json_string(&json, "error", strerror(error));
    char message[256];
    snprintf(message, sizeof message, "%llu audit line%s could not be written to %s%s%s",
             (unsigned long long)count, count == 1 ? "" : "s", where, error ? ": " : "",
             error ? strerror(error) : "");
    sl_json_string(&json, "message", message);
    sl_json_close_object(&json);
    output_line(&task->file, json.text, json.length);
    syslog_line(&task->syslog, json.text, json.length);
}

static void measure(struct task *task)
{
    struct stat status;
    task->size = fstat(task->file.fd, &status) == 0 && S_ISREG(status.st_mode)
                     ? (uint64_t)status.st_size
                     : 0;
}

/* What standard error is told of the file: when it begins to fail and when it works again. */
static void say_file(struct task *task)
{
    const int error = task->file.error;
    if (error == task->said)
        return;
    if (error)
        fprintf(stderr,
                "sluice: audit file '%s': %s; traffic goes on, audit lines are lost and counted "
                "until it can be written again\n",
                task->writer->path, strerror(error));
    else
        fprintf(stderr, "sluice: audit file '%s' can be written again\n", task->writer->path);
    task->said = error;
}

static void flush_file(struct task *task)
{
    struct output *file = &task->file;
    static int last_error;
    const bool good = output_flush(file);
    if (file->error)
        last_error = file->error;
    if (good && file->lost) {
        const uint64_t lost = file->lost;
        file->lost = 0;
        loss_line(task, task->writer->path, lost, last_error);
        last_error = 0;
        output_flush(file);
    }
    say_file(task);
    measure(task);
}

static void rotate_when_large(struct task *task, size_t more)
{
    const struct site *site = task->writer->site;
    if (site->audit_size == 0 || task->size == 0 ||
        task->size + task->file.length + more <= site->audit_size)
        return;
    flush_file(task);
    if (task->size + more <= site->audit_size)
        return;
    if (output_rotate(&task->file, task->writer->path, site->audit_keep)) {
        task->rotate_said = 0;
        measure(task);
    } else if (task->rotate_said != errno) {
        task->rotate_said = errno;
        fprintf(stderr, "sluice: audit file '%s' cannot be rotated: %s; it grows\n",
                task->writer->path, strerror(errno));
    }
}

static void take_line(struct task *task, const char *line, size_t length)
{
    if (length == 0)
        return;
    rotate_when_large(task, length + 1);
    output_line(&task->file, line, length);
    syslog_line(&task->syslog, line, length);
}

static void take_lines(struct task *task, struct source *source)
{
    size_t begin = 0;
    for (;;) {
        const char *end = memchr(source->text + begin, '\n', source->length - begin);
        if (!end)
            break;
        const size_t length = (size_t)(end - (source->text + begin));
        take_line(task, source->text + begin, length);
        begin += length + 1;
    }
    if (begin == 0 && source->length == CHUNK)
        begin = CHUNK; /* no line is as long: rubbish */
    source->length -= begin;
    memmove(source->text, source->text + begin, source->length);
}

/* True when there may be more. */
static bool take_bytes(struct source *source)
{
    const ssize_t got = read(source->fd, source->text + source->length, CHUNK - source->length);
    if (got > 0)
        source->length += (size_t)got;
    source->ended |= got == 0;
    return got > 0;
}

/* The launcher speaks last of what it speaks of: what it had written before this look comes after
 * what the monitor had written before this look. */
static void look(struct task *task)
{
    (void)take_bytes(&task->launcher);
    for (unsigned i = 0; i < MOST_CHUNKS && take_bytes(&task->monitor); i++) {
        take_lines(task, &task->monitor);
        flush_file(task);
    }
    take_lines(task, &task->launcher);
    flush_file(task);
}

static void flush_syslog(struct task *task)
{
    struct syslog *syslog = &task->syslog;
    char name[128];
    syslog_flush(syslog);
    syslog_name(syslog, name, sizeof name);
    if (syslog->error && syslog->error != task->syslog_said)
        fprintf(stderr, "sluice: syslog receiver %s: %s; trying again every second\n", name,
                strerror(syslog->error));
    if (!syslog->error && syslog->fd >= 0 && !syslog->connecting && syslog->lost) {
        const uint64_t lost = syslog->lost;
        syslog->lost = 0;
        loss_line(task, name, lost, task->syslog_said);
    }
    task->syslog_said = syslog->error;
}

static void reopen(struct task *task)
{
    flush_file(task);
    if (!output_reopen(&task->file, task->writer->path))
        fprintf(stderr, "sluice: audit file '%s' cannot be opened anew: %s; the old one is used\n",
                task->writer->path, strerror(errno));
    measure(task);
}

static void finish(struct task *task)
{
    flush_file(task);
    for (int waited = 0; waited < LAST_SYSLOG_MS && !syslog_flush(&task->syslog); waited += 10)
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    uint64_t lost = task->file.lost;
    for (size_t i = 0; i < task->file.length; i++)
        lost += task->file.text[i] == '\n';
    if (lost)
        fprintf(stderr, "sluice: audit file '%s': %llu lines were lost at the end\n",
                task->writer->path, (unsigned long long)lost);
    _exit(0);
}

static _Noreturn void work(struct task *task, int signals)
{
    for (;;) {
        struct pollfd set[] = {
            {.fd = signals, .events = POLLIN},
            {.fd = task->monitor.ended ? -1 : task->monitor.fd, .events = POLLIN},
            {.fd = task->launcher.ended ? -1 : task->launcher.fd, .events = POLLIN},
        };
        const bool waits =
            task->file.length || task->file.lost || task->syslog.length || task->syslog.lost;
        poll(set, sizeof set / sizeof *set, waits ? RETRY_MS : -1);
        look(task);
        flush_syslog(task);
        struct signalfd_siginfo asked;
        if (set[0].revents && read(signals, &asked, sizeof asked) > 0)
            reopen(task);
        if (task->monitor.ended && task->launcher.ended)
            finish(task);
        nanosleep(&(struct timespec){0, GATHER_NS}, NULL);
    }
}

/* What it keeps lies here, beside the standard streams; all else that the launcher has is closed.
 */
enum { FD_FILE = 3, FD_FROM_MONITOR, FD_FROM_LAUNCHER, FD_SIGNALS, FD_FREE, FD_ABOVE = 256 };

static void arrange(const struct audit_writer *writer, int file, int signals)
{
    const int kept[] = {file, writer->monitor[0], writer->launcher[0], signals};
    int above[sizeof kept / sizeof *kept];
    for (unsigned i = 0; i < sizeof kept / sizeof *kept; i++)
        above[i] = fcntl(kept[i], F_DUPFD_CLOEXEC, FD_ABOVE);
    for (unsigned i = 0; i < sizeof kept / sizeof *kept; i++)
        dup3(above[i], FD_FILE + (int)i, O_CLOEXEC);
    close_range(FD_FREE, ~0u, 0);
}

static _Noreturn void run(const struct audit_writer *writer, int file, pid_t launcher)
{
    static struct task task; /* too large for the stack */
    sigset_t hangup, others;
    prctl(PR_SET_NAME, "audit_writer", 0, 0, 0);
    /* It ends by itself after the last line, not when a terminal or a supervisor stops all. */
    sigfillset(&others);
    sigdelset(&others, SIGSEGV);
    sigdelset(&others, SIGBUS);
    sigprocmask(SIG_SETMASK, &others, NULL);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    const int signals = signalfd(-1, &hangup, SFD_CLOEXEC | SFD_NONBLOCK);
    arrange(writer, file, signals);
    const char *refused = sandbox_drop_capabilities();
    if (refused)
        fprintf(stderr, "sluice: audit writer: %s: %s\n", refused, strerror(errno));
    task.writer = writer;
    task.monitor.fd = FD_FROM_MONITOR;
    task.launcher.fd = FD_FROM_LAUNCHER;
    output_use(&task.file, FD_FILE);
    measure(&task);
    syslog_start(&task.syslog, &writer->site->syslog, launcher);
    work(&task, FD_SIGNALS);
}

static bool start_process(struct audit_writer *writer)
{
    const pid_t launcher = getpid();
    const int file = output_open(writer->path);
    if (file < 0)
        return false;
    writer->pid = fork();
    if (writer->pid == 0)
        run(writer, file, launcher);
    const int saved = errno;
    close(file);
    errno = saved;
    if (writer->pid < 0)
        return false;
    writer->pidfd = pidfd_open(writer->pid, 0);
    return writer->pidfd >= 0;
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
    if (make_pipe(writer->monitor) && make_pipe(writer->launcher) && start_process(writer))
        return true;
    snprintf(error, error_size, "cannot start the audit writer: %s", strerror(errno));
    return false;
}

void audit_writer_reopen(const struct audit_writer *writer)
{
    if (writer->pid > 0)
        kill(writer->pid, SIGHUP);
}

static void reap(struct audit_writer *writer)
{
    if (writer->pid > 0)
        waitpid(writer->pid, NULL, 0);
    if (writer->pidfd >= 0)
        close(writer->pidfd);
    writer->pid = 0;
    writer->pidfd = -1;
}

void audit_writer_restart(struct audit_writer *writer)
{
    reap(writer);
    if (!start_process(writer))
        fprintf(stderr, "sluice: cannot start the audit writer again: %s; audit lines are lost\n",
                strerror(errno));
}

void audit_writer_finish(struct audit_writer *writer)
{
    close(writer->monitor[1]);
    close(writer->launcher[1]);
    if (writer->pidfd >= 0 &&
        poll(&(struct pollfd){.fd = writer->pidfd, .events = POLLIN}, 1, FINISH_MS) <= 0)
        kill(writer->pid, SIGKILL);
    reap(writer);
    close(writer->monitor[0]);
    close(writer->launcher[0]);
}
