/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One audit record as one JSON line, with the field names of Suricata's EVE log where it has
 * them (timestamp, event_type, flow_id, src_ip, src_port, dest_ip, dest_port, proto, app_proto).
 */
#ifndef SLUICE_AUDIT_LINE_H
#define SLUICE_AUDIT_LINE_H

#include "sluice/audit.h"
#include "sluice/config.h"
#include "sluice/json.h"
#include "sluice/protocol.h"

#define AUDIT_LINE_MAX 2048u

/* What stands on every line of one run. */
struct audit_run {
    const struct sl_monitor_config *config;
    const void *policy;  /* image; its names are used where the record's numbers are valid */
    const uint8_t *hash; /* of the policy that the line is of, 8 bytes; NULL: the image's own */
};

/* A run that was read. */
struct audit_extent {
    struct sl_extent run;
    bool gaps; /* not all between were */
    bool more; /* and others, for which there was no room */
};

/* What a line stands for that tells of several messages. */
struct audit_tally {
    uint64_t count;
    uint64_t since; /* sl_now's clock: when the first of them came; the record has the last one's */
    const struct audit_extent *extent; /* reads: what they asked for */
    unsigned extents;
};

/* How long a count waits to be told: first this, then twice as long each time. */
#define AUDIT_FIRST_WAIT UINT64_C(1000000000)  /* ns */
#define AUDIT_INTERVAL   UINT64_C(60000000000) /* where the configuration says nothing */
/* And at the end of a flow: other components' last records of it are here by then. */
#define AUDIT_END_WAIT UINT64_C(20000000)

/* In place of an audit ring's number, for what the monitor says of itself. */
#define AUDIT_OF_MONITOR UINT32_MAX

/* The leading members of every line; the caller goes on and closes the object. `time` on
 * sl_now's clock; `component`: whose audit ring it is of. */
void audit_line_start(struct sl_json *json, const struct audit_run *run, uint64_t sequence,
                      uint64_t time, const char *event_type, unsigned component);

/* The whole line. The record may hold anything. `tally` NULL: of this one record. */
void audit_line(struct sl_json *json, const struct audit_run *run, uint64_t sequence,
                const struct sl_audit *record, const struct audit_tally *tally);

#endif
