/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system call filter that a process runs under, instruction by instruction, against the one
 * that sandbox.c makes. The kernel tells it a tracer with CAP_SYS_ADMIN; the process stands still
 * for that moment.
 */
#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hosts/linux/sandbox.h"
#include "topology/linux_look.h"

/* A service manager may have given the launcher filters too; each only takes away. */
#define MAX_FILTERS 64

struct program {
    size_t count;
    struct sock_filter instruction[BPF_MAXINSNS];
};

static bool expect_program(struct program *program, unsigned devices)
{
    const int fd = memfd_create("filter", MFD_CLOEXEC);
    ssize_t length = -1;
    if (fd >= 0 && sandbox_write_filter(devices, fd))
        length = pread(fd, program->instruction, sizeof program->instruction, 0);
    if (fd >= 0)
        close(fd);
    program->count = length > 0 ? (size_t)length / sizeof *program->instruction : 0;
    return program->count > 0;
}

static bool stop(pid_t pid)
{
    return ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0 &&
           ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 && waitpid(pid, NULL, __WALL) == pid;
}

/* Filter number `number` from the oldest on; -1: errno says why there is none. */
static long take_program(pid_t pid, long number, struct program *program)
{
    const long count = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, number, NULL);
    if (count <= 0 || count > BPF_MAXINSNS)
        return -1;
    program->count = (size_t)count;
    return ptrace(PTRACE_SECCOMP_GET_FILTER, pid, number, program->instruction);
}

const char *look_at_filter(const struct look *look, unsigned component, bool *unknown)
{
    static struct program expected, found; /* too large for the stack */
    static char text[160];
    const pid_t pid = look->pid[component];
    const char *differs = NULL;
    *unknown = true;
    if (!expect_program(&expected, look->topology->component[component].device ? 1 : 0))
        return "the filter to compare with cannot be made";
    if (!stop(pid)) {
        snprintf(text, sizeof text, "the process cannot be traced: %s", strerror(errno));
        return text;
    }
    for (long i = 0; i < MAX_FILTERS; i++) {
        if (take_program(pid, i, &found) < 0) {
            if (i == 0)
                snprintf(text, sizeof text, "the kernel does not tell it: %s", strerror(errno));
            break;
        }
        *unknown = false;
        size_t same = 0;
        while (same < found.count && same < expected.count &&
               memcmp(&found.instruction[same], &expected.instruction[same],
                      sizeof *found.instruction) == 0)
            same++;
        if (same == found.count && same == expected.count) {
            ptrace(PTRACE_DETACH, pid, NULL, NULL);
            return NULL;
        }
        snprintf(text, sizeof text, "%zu instructions, expected %zu; instruction %zu is another",
                 found.count, expected.count, same);
    }
    differs = text;
    ptrace(PTRACE_DETACH, pid, NULL, NULL);
    return differs;
}
