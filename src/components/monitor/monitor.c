/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * monitor: collects the audit records of all components over one-way rings and writes them out
 * as JSON lines. Nothing flows from it to any other component, so it is not told when there is
 * something to read: it looks on its own clock, often when there was something last time.
 */
#include "components/monitor/audit_line.h"
#include "ring/oneway_ring.h"
#include "sluice/component.h"
#include "sluice/host.h"

#define POLL_BUSY UINT64_C(1000000)  /* ns between looks while there is traffic */
#define POLL_IDLE UINT64_C(10000000) /* and at most, while there is none */

struct monitor {
    struct sl_host *host;
    struct audit_run run;
    struct oneway_consumer ring[SL_MAX_COMPONENTS];
    uint64_t reported_lost[SL_MAX_COMPONENTS];
    uint64_t sequence;
    uint64_t poll;
    char line[AUDIT_LINE_MAX];
};

static void init(void *self, const struct sl_environment *environment)
{
    struct monitor *monitor = self;
    monitor->host = environment->host;
    monitor->run.config = environment->config;
    monitor->run.policy = environment->policy;
    monitor->poll = POLL_IDLE;
    for (unsigned i = 0; i < monitor->run.config->ring_count; i++)
        oneway_consumer_init(&monitor->ring[i], environment->port[i].region[0],
                             environment->port[i].size[0], sizeof(struct sl_audit));
    sl_deadline(monitor->host, 0);
}

static void emit(struct monitor *monitor, struct sl_json *json)
{
    monitor->sequence++;
    sl_emit_line(monitor->host, json->text, json->length);
}

static void report_loss(struct monitor *monitor, unsigned ring)
{
    uint64_t lost = monitor->ring[ring].lost - monitor->reported_lost[ring];
    if (lost == 0)
        return;
    monitor->reported_lost[ring] = monitor->ring[ring].lost;
    struct sl_json json;
    sl_json_start(&json, monitor->line, sizeof monitor->line);
    audit_line_start(&json, &monitor->run, monitor->sequence, sl_now(monitor->host), "gateway",
                     ring);
    sl_json_string(&json, "event", "audit-lost");
    sl_json_number(&json, "count", lost);
    sl_json_number(&json, "total", monitor->ring[ring].lost);
    sl_json_close_object(&json);
    emit(monitor, &json);
}

/* At most one ring's worth a look, so that no producer can keep the monitor from the others. */
static bool collect(struct monitor *monitor, unsigned ring)
{
    struct sl_audit record;
    struct oneway_consumer *consumer = &monitor->ring[ring];
    bool any = false;
    for (uint32_t i = 0; i < consumer->slot_count; i++) {
        enum ring_result result = oneway_take(consumer, &record);
        if (result == RING_FAULT)
            sl_fault(monitor->host, "an audit ring's index is impossible", ring, 0);
        if (result != RING_OK)
            break;
        record.component = (uint8_t)ring; /* whose ring it is, not what the record says */
        struct sl_json json;
        sl_json_start(&json, monitor->line, sizeof monitor->line);
        audit_line(&json, &monitor->run, monitor->sequence, &record);
        emit(monitor, &json);
        any = true;
    }
    report_loss(monitor, ring);
    return any;
}

static void wake(void *self, uint64_t badges)
{
    struct monitor *monitor = self;
    (void)badges;
    bool any = false;
    for (unsigned i = 0; i < monitor->run.config->ring_count; i++)
        any |= collect(monitor, i);
    monitor->poll = any ? POLL_BUSY : monitor->poll * 2;
    if (monitor->poll > POLL_IDLE)
        monitor->poll = POLL_IDLE;
    sl_deadline(monitor->host, sl_now(monitor->host) + monitor->poll);
}

const struct sl_component monitor_component = {
    .name = "monitor",
    .self_size = sizeof(struct monitor),
    .init = init,
    .wake = wake,
};
