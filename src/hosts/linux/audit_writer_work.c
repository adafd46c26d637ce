/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/linux/audit_writer_work.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hosts/linux/output.h"
#include "hosts/linux/sandbox.h"
#include "hosts/linux/syslog.h"
#include "sluice/json.h"
#include "util/timestamp.h"

#define CHUNK 65536u
/* In one look, of a monitor that never stops: more than fits the pipe. */
#define MOST_CHUNKS 32u
#define GATHER_NS   5000000L /* after each look: fewer, larger writes, and fewer wakes */
#define RETRY_MS    200      /* for what a receiver or a full disk did not take */
/* As for a component: a launcher that has taken no turn for so long hangs. */
#define LAUNCHER_LIMIT_NS UINT64_C(3000000000)
#define NS_PER_MS         UINT64_C(1000000)
#define LAST_SYSLOG_MS    1000

/* One pipe's bytes on their way to be lines. */
struct source {
    int fd;
    bool ended;
    bool cut; /* another process took the beginning of the first line with it */
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
    struct pulse_watch watch; /* of the launcher */
    uint64_t launcher_hung;   /* monotonic ns, since when; 0: it does not */
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* A line of the writer's own. */
struct own_line {
    struct sl_json json;
    char text[1024];
};

static void own_line_start(struct own_line *line, struct task *task, const char *event)
{
    char timestamp[TIMESTAMP_SIZE];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    timestamp_format((uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec,
                     timestamp);
    sl_json_start(&line->json, line->text, sizeof line->text);
    sl_json_open_object(&line->json, NULL);
    sl_json_string(&line->json, "timestamp", timestamp);
    sl_json_string(&line->json, "event_type", "gateway");
    sl_json_number(&line->json, "writer_seq", task->sequence++);
    sl_json_hex(&line->json, "boot", task->writer->boot, 8);
    sl_json_string(&line->json, "component", "writer");
    sl_json_string(&line->json, "event", event);
}

static void own_line_finish(struct own_line *line, struct task *task, const char *message)
{
    sl_json_string(&line->json, "message", message);
    sl_json_close_object(&line->json);
    output_line(&task->file, line->json.text, line->json.length);
    syslog_line(&task->syslog, line->json.text, line->json.length);
}

static void loss_line(struct task *task, const char *where, uint64_t count, int error)
{
    struct own_line line;
    own_line_start(&line, task, "audit-lost");
    sl_json_number(&line.json, "count", count);
    sl_json_string(&line.json, "to", where);
    if (error)
        sl_json_string(&line.json, "error", strerror(error));
    char message[256];
    snprintf(message, sizeof message, "%llu audit line%s could not be written to %s%s%s",
             (unsigned long long)count, count == 1 ? "" : "s", where, error ? ": " : "",
             error ? strerror(error) : "");
    own_line_finish(&line, task, message);
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

/* Whether a line is whole from its beginning: each begins with one of these members. */
static bool is_whole(const char *line, size_t length)
{
    static const char timestamp[] = "{\"timestamp\"", uptime[] = "{\"uptime_us\"";
    return (length > sizeof timestamp && memcmp(line, timestamp, sizeof timestamp - 1) == 0) ||
           (length > sizeof uptime && memcmp(line, uptime, sizeof uptime - 1) == 0);
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
        if (source->cut && !is_whole(source->text + begin, length))
            task->file.lost++;
        else
            take_line(task, source->text + begin, length);
        source->cut = false;
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

/* Says of a launcher that takes no turns that it does not, and when it goes on. */
static void watch_launcher(struct task *task, uint64_t now)
{
    const uint64_t silent = pulse_silence(&task->writer->pulse, PULSE_LAUNCHER, &task->watch, now);
    const bool hangs = silent >= LAUNCHER_LIMIT_NS;
    struct own_line line;
    char message[160];
    if (task->launcher.ended || hangs == (task->launcher_hung != 0))
        return;
    own_line_start(&line, task, hangs ? "launcher-hung" : "launcher-resumed");
    if (hangs) {
        task->launcher_hung = now - silent;
        snprintf(message, sizeof message,
                 "the launcher took no turn for %llu ms: until it goes on nothing that dies is "
                 "started anew, and no override ends",
                 (unsigned long long)(silent / NS_PER_MS));
    } else {
        snprintf(message, sizeof message, "the launcher goes on, after %llu ms",
                 (unsigned long long)((now - task->launcher_hung) / NS_PER_MS));
        task->launcher_hung = 0;
    }
    own_line_finish(&line, task, message);
    fprintf(stderr, "sluice: %s\n", message);
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
        poll(set, sizeof set / sizeof *set, waits ? RETRY_MS : PULSE_MS);
        const uint64_t now = now_ns();
        pulse_beat(&task->writer->pulse, PULSE_WRITER, now);
        watch_launcher(task, now);
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

/* A place that cannot be written to, at a start after the first: lines wait in the pipes. */
static int open_file(const struct audit_writer *writer, pid_t launcher)
{
    bool said = false;
    for (;;) {
        const int file = output_open(writer->path);
        if (file >= 0)
            return file;
        if (!said)
            fprintf(stderr,
                    "sluice: audit file '%s': %s; traffic goes on, audit lines wait, it is tried "
                    "again every half second\n",
                    writer->path, strerror(errno));
        said = true;
        if (getppid() != launcher)
            _exit(1);
        pulse_beat(&writer->pulse, PULSE_WRITER, now_ns());
        nanosleep(&(struct timespec){0, PULSE_MS * 1000000L}, NULL);
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

_Noreturn void audit_writer_run(const struct audit_writer *writer, pid_t launcher)
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
    arrange(writer, open_file(writer, launcher), signals);
    const char *refused = sandbox_drop_capabilities();
    if (refused)
        fprintf(stderr, "sluice: audit writer: %s: %s\n", refused, strerror(errno));
    task.writer = writer;
    task.monitor.fd = FD_FROM_MONITOR;
    task.launcher.fd = FD_FROM_LAUNCHER;
    task.monitor.cut = task.launcher.cut = writer->died != 0;
    pulse_watch_begin(&task.watch, now_ns());
    output_use(&task.file, FD_FILE);
    measure(&task);
    syslog_start(&task.syslog, &writer->site->syslog, launcher);
    work(&task, FD_SIGNALS);
}
