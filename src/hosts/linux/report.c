/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/linux/report.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(struct report) <= PIPE_BUF, "a report is written whole or not at all");

static void send_report(int fd, const struct report *report)
{
    /* A launcher that cannot read any more is about to kill us: nothing to do about it. */
    ssize_t written = write(fd, report, sizeof *report);
    (void)written;
}

void report_ready(int fd)
{
    send_report(fd, &(struct report){.kind = REPORT_READY, .component = REPORT_NO_COMPONENT});
}

void report_alive(int fd, uint64_t now)
{
    send_report(
        fd, &(struct report){.kind = REPORT_ALIVE, .component = REPORT_NO_COMPONENT, .found = now});
}

void report_policy(int fd, enum report_kind kind, uint32_t generation)
{
    send_report(fd, &(struct report){.kind = (uint32_t)kind,
                                     .component = REPORT_NO_COMPONENT,
                                     .found = generation});
}

_Noreturn void report_fault(int fd, uint32_t component, const char *what, uint64_t found,
                            uint64_t expected)
{
    struct report report = {
        .kind = REPORT_FAULT, .component = component, .found = found, .expected = expected};
    size_t length = strlen(what);
    memcpy(report.what, what, length < REPORT_TEXT ? length : REPORT_TEXT - 1);
    send_report(fd, &report);
    _exit(FAULT_STATUS);
}

bool report_take(int fd, struct report *report)
{
    if (read(fd, report, sizeof *report) != (ssize_t)sizeof *report)
        return false;
    report->what[REPORT_TEXT - 1] = '\0';
    for (char *c = report->what; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
            *c = '?';
    return true;
}
