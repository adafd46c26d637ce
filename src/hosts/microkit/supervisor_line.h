/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A supervisor's lines (docs/audit.md), on both seL4 hosts. It writes to the serial port itself:
 * the monitor may be what died.
 */
#ifndef SLUICE_MICROKIT_SUPERVISOR_LINE_H
#define SLUICE_MICROKIT_SUPERVISOR_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if __has_include(<microkit.h>)
#include <microkit.h> /* with which message registers are not thread-local, whatever the SDK */
#else
#include <sel4/sel4.h>
#endif

#include "sluice/json.h"

/* What stands on each. */
struct supervisor_line {
    uint64_t now;         /* nanoseconds since the machine's start */
    uint64_t wall_offset; /* from these to Unix time; 0: no clock tells */
    uint64_t sequence, epoch;
    const uint8_t *boot, *policy_hash; /* 8 bytes each */
};

void supervisor_line_start(struct sl_json *json, char *text, size_t size,
                           const struct supervisor_line *line, const char *event);

/* Why a thread stopped, from the kernel's message to whoever handles its faults; before any other
 * system call takes the message registers. */
void supervisor_line_cause(struct sl_json *json, seL4_MessageInfo_t message);

/* `fresh`: whoever wrote before may have been stopped inside a line; ours starts a new one. */
void supervisor_line_send(struct sl_json *json, void *uart, bool fresh);

#endif
