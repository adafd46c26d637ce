/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The launcher's own lines in the audit stream: one JSON object each, common members as in
 * Suricata's EVE log ("timestamp", "event_type"), event_type "gateway", then "event" and what
 * belongs to it.
 */
#ifndef SLUICE_LINUX_GATEWAY_EVENT_H
#define SLUICE_LINUX_GATEWAY_EVENT_H

#include <stdint.h>

#include "hosts/linux/launch.h"
#include "sluice/json.h"

#define GATEWAY_EVENT_SIZE 4096u

struct gateway_event {
    struct sl_json json;
    char text[GATEWAY_EVENT_SIZE];
};

/* Starts a line of `component` ("launcher", or "output", the monitor's way out), in the monitor's
 * order of common members. "seq" is the monitor's count alone: these lines are counted as
 * "launcher_seq" and "output_seq". Add members to event->json, then finish. */
void gateway_event_start(struct gateway_event *event, const struct launch *launch,
                         const char *component, const char *name, uint32_t epoch);
void gateway_event_finish(struct gateway_event *event);

/* Finishes the line and writes it, waiting at most 100 ms for a reader that is behind; for the
 * launcher only. */
void gateway_event_send(struct gateway_event *event, const struct launch *launch);

#endif
