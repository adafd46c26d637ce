/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process of the gateway tells the launcher, over a pipe of its own, one way: that its
 * components are up, that they took a new policy, and, before it ends for a fault, which. The
 * launcher believes only that this process said so.
 */
#ifndef SLUICE_LINUX_REPORT_H
#define SLUICE_LINUX_REPORT_H

#include <stdbool.h>
#include <stdint.h>

enum report_kind {
    REPORT_READY = 1,
    REPORT_FAULT,
    REPORT_ADOPTED, /* found: the generation by which its components decide */
    REPORT_RETIRED, /* found: the one before this generation is used here no more */
    REPORT_ALIVE,   /* every REPORT_ALIVE_NS, between two wakes */
};

/* How often a process says that it still takes turns; found: its clock. */
#define REPORT_ALIVE_NS UINT64_C(500000000)

#define REPORT_TEXT         128u
#define REPORT_NO_COMPONENT UINT32_MAX

struct report {
    uint32_t kind;      /* enum report_kind */
    uint32_t component; /* index in the topology; REPORT_NO_COMPONENT before there is one */
    char what[REPORT_TEXT];
    uint64_t found, expected;
};

/* Exit status of a process that ended after REPORT_FAULT. */
#define FAULT_STATUS 70

void report_ready(int fd);

void report_alive(int fd, uint64_t now);
void report_policy(int fd, enum report_kind kind, uint32_t generation);

/* Sends the fault and ends the process. */
_Noreturn void report_fault(int fd, uint32_t component, const char *what, uint64_t found,
                            uint64_t expected);

/* The launcher's end: false when no whole report is there. The text is terminated and has no
 * control characters. */
bool report_take(int fd, struct report *report);

#endif
