/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of the monitor, private to this folder. */
#ifndef SLUICE_MONITOR_H
#define SLUICE_MONITOR_H

#include "components/monitor/audit_line.h"
#include "components/monitor/policies.h"
#include "components/monitor/read_flows.h"
#include "components/monitor/repeats.h"
#include "ring/oneway_ring.h"

struct sl_counters;
struct sl_host;

struct monitor {
    struct sl_host *host;
    struct audit_run run;
    struct policies policies;
    struct sl_counters *counters;
    struct oneway_consumer ring[SL_MAX_COMPONENTS];
    uint64_t reported_lost[SL_MAX_COMPONENTS];
    bool stopped[SL_MAX_COMPONENTS]; /* its indices were impossible: not read any more */
    uint64_t sequence;
    uint64_t untold; /* messages that are counted and have no line yet */
    struct sl_monitor_place *place;
    bool resumed; /* another was before, and what it left is not told yet */
    uint64_t poll;
    bool each; /* every record has a line */
    struct read_flows reads;
    struct repeats repeats;
    char line[AUDIT_LINE_MAX];
};

#endif
