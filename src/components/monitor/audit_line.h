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

#define AUDIT_LINE_MAX 2048u

/* What stands on every line of one run. */
struct audit_run {
    const struct sl_monitor_config *config;
    const void *policy; /* image; its names are used where the record's numbers are valid */
};

/* The leading members of every line; the caller goes on and closes the object. `time` on
 * sl_now's clock. */
void audit_line_start(struct sl_json *json, const struct audit_run *run, uint64_t sequence,
                      uint64_t time, const char *event_type, unsigned component);

/* The whole line. The record may hold anything. */
void audit_line(struct sl_json *json, const struct audit_run *run, uint64_t sequence,
                const struct sl_audit *record);

#endif
