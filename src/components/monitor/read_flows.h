/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allowed reads, summed up by flow (a client's connection): the first has a line at once, the
 * others are counted, with what they asked for, and told from time to time and at the flow's end.
 * One entry a session, by its number; no other memory.
 */
#ifndef SLUICE_MONITOR_READ_FLOWS_H
#define SLUICE_MONITOR_READ_FLOWS_H

#include "components/monitor/audit_line.h"
#include "net/limits.h"
#include "sluice/protocol.h"

#define READ_EXTENTS 8u /* runs of addresses remembered for one line */

struct read_flow {
    bool used;   /* its first read had its line */
    bool ending; /* the session has ended: told once more, then forgotten */
    uint8_t extent_count;
    uint8_t service;
    uint8_t component; /* which decided */
    uint8_t policy;    /* by which (audit.h) */
    uint16_t client_port;
    uint16_t session;
    uint32_t client;
    uint32_t generation;
    uint64_t count;       /* since the last line */
    uint64_t since, last; /* when the first and the last of them came */
    uint64_t due;         /* the monitor's clock: when to tell; SL_NEVER: nothing to tell */
    uint64_t wait;        /* ns from the next first one to its telling */
    struct audit_extent extent[READ_EXTENTS];
};

struct read_flows {
    uint64_t interval; /* the longest wait, ns */
    uint64_t next;     /* nothing is due before */
    struct read_flow flow[NET_MAX_SESSIONS];
};

void read_flows_init(struct read_flows *flows, uint64_t interval);

/* What one read asks for. */
struct read_runs {
    unsigned count;
    bool more; /* and others */
    struct sl_extent extent[READ_EXTENTS];
};

/* An allowed read. False: it is to have a line of its own. */
bool read_flows_take(struct read_flows *flows, const struct sl_audit *record,
                     const struct read_runs *runs, uint64_t now);
/* The session has ended: what it read is told soon, after what may still be on its way here. */
void read_flows_end(struct read_flows *flows, const struct sl_audit *record, uint64_t now);
/* True with the next summary that is due (`now` SL_NEVER: all are); call until false. */
bool read_flows_due(struct read_flows *flows, uint64_t now, struct sl_audit *record,
                    struct audit_tally *tally);

#endif
