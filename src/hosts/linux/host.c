/* SPDX-License-Identifier: BSD-2-Clause */
/* sluice/host.h for a component in a Linux process. */
#include "sluice/host.h"

#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "drivers/nic_driver.h"
#include "hosts/linux/process.h"
#include "hosts/linux/report.h"
#include "hosts/linux/sandbox.h"

void sl_notify(struct sl_host *host, unsigned channel)
{
    if (channel >= SL_MAX_CHANNELS)
        return;
    struct bell *bell = &host->bell[channel];
    if (bell->local)
        bell->local->pending |= bell->badge;
    else if (bell->fd >= 0)
        host->rung |= UINT32_C(1) << channel;
}

uint64_t sl_now(struct sl_host *host)
{
    (void)host;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t sl_wall(struct sl_host *host)
{
    (void)host;
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    return wall.tv_sec < 0 ? 0
                           : (uint64_t)wall.tv_sec * UINT64_C(1000000000) + (uint64_t)wall.tv_nsec;
}

void sl_deadline(struct sl_host *host, uint64_t when)
{
    host->deadline = when;
}

void sl_random(struct sl_host *host, void *bytes, size_t length)
{
    uint8_t *next = bytes;
    while (length > 0) {
        /* Not the library's: newer ones map memory for it, which is forbidden here. */
        long got = syscall(SYS_getrandom, next, length, 0);
        if (got <= 0)
            sl_fault(host, "no random bytes from the kernel", 0, length);
        next += got;
        length -= (size_t)got;
    }
}

static size_t append(char *line, size_t length, size_t size, const char *text)
{
    for (; *text && length < size; text++) {
        unsigned char c = (unsigned char)*text;
        line[length++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
    }
    return length;
}

void sl_log(struct sl_host *host, const char *text)
{
    char line[512];
    size_t length = append(line, 0, sizeof line - 1, "sluice: ");
    length = append(line, length, sizeof line - 1, host->name);
    length = append(line, length, sizeof line - 1, ": ");
    length = append(line, length, sizeof line - 1, text);
    line[length++] = '\n';
    ssize_t written = write(FD_LOG, line, length);
    (void)written; /* nobody listens: nothing to do about it */
}

void sl_emit_line(struct sl_host *host, const char *line, size_t length)
{
    output_line(&host->process->output, line, length);
}

_Noreturn void sl_fault(struct sl_host *host, const char *what, uint64_t found, uint64_t expected)
{
    report_fault(host->process->report, host->number, what, found, expected);
}

struct nic_driver *nic_driver_of(struct sl_host *host)
{
    return host->nic;
}
