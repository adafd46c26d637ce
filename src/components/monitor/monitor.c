/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * monitor: collects the audit records of all components over one-way rings and writes them out
 * as JSON lines. Nothing flows from it to any other component, so it is not told when there is
 * something to read: it looks on its own clock, often when there was something last time.
 *
 * Unless every record is to have a line: reads that pass are summed up by flow (read_flows.h), what
 * repeats is counted (repeats.h), and each write that passes has its line. Counts are told at the
 * latest when the host says that this is the last wake.
 */
#include "components/monitor/monitor.h"

#include "components/monitor/count.h"
#include "policy/image.h"
#include "sluice/component.h"
#include "sluice/host.h"
#include "sluice/protocol.h"

#define POLL_BUSY UINT64_C(1000000)  /* ns between looks while there is traffic */
#define POLL_IDLE UINT64_C(10000000) /* and at most, while there is none */

/* ---- where it stands, for the monitor after it ---- */

/* UINT64_MAX: nobody knows. */
static uint64_t place_taken(const struct sl_monitor_place *place, unsigned ring)
{
    return place ? sl_load_relaxed(&place->taken[ring]) : UINT64_MAX;
}

/* Between two turns: what was taken has gone the way of lines by now. */
static void note_place(struct monitor *monitor)
{
    struct sl_monitor_place *place = monitor->place;
    if (!place)
        return;
    for (unsigned i = 0; i < monitor->run.config->ring_count; i++)
        sl_store_relaxed(&place->taken[i], monitor->ring[i].next);
    sl_store_relaxed(&place->lines, monitor->sequence);
    sl_store_relaxed(&place->untold, monitor->untold);
    sl_store_relaxed(&place->epoch, monitor->run.config->epoch);
}

static void init(void *self, const struct sl_environment *environment)
{
    struct monitor *monitor = self;
    monitor->host = environment->host;
    monitor->run.config = environment->config;
    monitor->run.policy = environment->policy;
    monitor->counters = environment->counters;
    monitor->place = environment->place;
    policies_adopt(&monitor->policies, environment->policy, environment->policy_tag);
    monitor->poll = POLL_IDLE;
    monitor->each = monitor->run.config->lines == SL_AUDIT_EACH;
    const uint64_t interval = monitor->run.config->interval;
    read_flows_init(&monitor->reads, interval ? interval : AUDIT_INTERVAL);
    repeats_init(&monitor->repeats, interval ? interval : AUDIT_INTERVAL);
    for (unsigned i = 0; i < monitor->run.config->ring_count; i++) {
        oneway_consumer_init(&monitor->ring[i], environment->port[i].region[0],
                             environment->port[i].size[0], sizeof(struct sl_audit));
        /* Another monitor has told what it had read of what is there. */
        if (environment->restarts)
            oneway_skip(&monitor->ring[i], place_taken(monitor->place, i));
    }
    monitor->resumed = environment->restarts && monitor->place;
    sl_deadline(monitor->host, 0);
}

/* ---- lines ---- */

static void emit(struct monitor *monitor, struct sl_json *json)
{
    monitor->sequence++;
    sl_emit_line(monitor->host, json->text, json->length);
}

static void write_line(struct monitor *monitor, const struct sl_audit *record,
                       const struct audit_tally *tally)
{
    struct sl_audit shown = *record;
    struct sl_json json;
    policies_choose(&monitor->policies, &monitor->run, &shown);
    sl_json_start(&json, monitor->line, sizeof monitor->line);
    audit_line(&json, &monitor->run, monitor->sequence, &shown, tally);
    if (tally)
        monitor->untold -= tally->count;
    emit(monitor, &json);
}

/* What the monitor before had numbered and counted: fewer lines in the log are lost ones. */
static void say_resumed(struct monitor *monitor, uint64_t now)
{
    const struct sl_monitor_place *place = monitor->place;
    struct sl_json json;
    policies_choose(&monitor->policies, &monitor->run, &(struct sl_audit){0});
    sl_json_start(&json, monitor->line, sizeof monitor->line);
    audit_line_start(&json, &monitor->run, monitor->sequence, now, "gateway", AUDIT_OF_MONITOR);
    sl_json_string(&json, "event", "audit-resumed");
    sl_json_number(&json, "epoch_before", sl_load_relaxed(&place->epoch));
    sl_json_number(&json, "lines_before", sl_load_relaxed(&place->lines));
    sl_json_number(&json, "untold", sl_load_relaxed(&place->untold));
    sl_json_close_object(&json);
    emit(monitor, &json);
    monitor->resumed = false;
}

static void tell(void *self, const struct sl_audit *record, const struct audit_tally *tally)
{
    write_line(self, record, tally);
}

enum account { ACCOUNT_LINE, ACCOUNT_READ, ACCOUNT_REPEAT };

/* What becomes of a record. A write that passed or failed always has its line; of a confirmation it
 * is enough to know how often. */
static enum account account_of(const struct sl_audit *record, const struct sl_protocol *protocol,
                               struct read_runs *runs)
{
    const size_t length = record->detail_length <= SL_AUDIT_DETAIL ? record->detail_length : 0;
    if (record->event == SL_AUDIT_DROPPED)
        return ACCOUNT_REPEAT;
    if (!protocol || (record->event != SL_AUDIT_MESSAGE && record->event != SL_AUDIT_FAILED))
        return ACCOUNT_LINE;
    runs->count = protocol->reads ? protocol->reads(record->detail, length, runs->extent,
                                                    READ_EXTENTS, &runs->more)
                                  : 0;
    if (record->event == SL_AUDIT_FAILED)
        return runs->count ? ACCOUNT_REPEAT : ACCOUNT_LINE;
    if (record->verdict != SL_VERDICT_ALLOW || record->direction == SL_REPLY ||
        (protocol->traits && protocol->traits(SL_REQUEST, record->detail, length).confirms))
        return ACCOUNT_REPEAT;
    return runs->count ? ACCOUNT_READ : ACCOUNT_LINE;
}

static void take(struct monitor *monitor, const struct sl_audit *record, uint64_t now)
{
    const struct policy_service *service = policy_service(monitor->run.policy, record->service);
    const struct sl_protocol *protocol = service ? sl_protocol(service->protocol) : NULL;
    struct read_runs runs;
    const enum account account = monitor->each ? ACCOUNT_LINE : account_of(record, protocol, &runs);
    if ((account == ACCOUNT_READ && read_flows_take(&monitor->reads, record, &runs, now)) ||
        (account == ACCOUNT_REPEAT &&
         repeats_take(&monitor->repeats, record, protocol, now, tell, monitor))) {
        monitor->untold += record->event == SL_AUDIT_DROPPED ? record->value : 1;
        return;
    }
    if (!monitor->each && record->event != SL_AUDIT_DROPPED) {
        const bool ended = record->event == SL_AUDIT_SESSION_CLOSE;
        repeats_tell_flow(&monitor->repeats, record, ended, now, tell, monitor);
        if (ended)
            read_flows_end(&monitor->reads, record, now);
    }
    write_line(monitor, record, NULL);
}

static void tell_due(struct monitor *monitor, uint64_t now)
{
    struct sl_audit record;
    struct audit_tally tally;
    repeats_tell_due(&monitor->repeats, now, tell, monitor);
    while (read_flows_due(&monitor->reads, now, &record, &tally))
        write_line(monitor, &record, &tally);
}

static void report_loss(struct monitor *monitor, unsigned ring)
{
    uint64_t lost = monitor->ring[ring].lost - monitor->reported_lost[ring];
    if (lost == 0)
        return;
    monitor->reported_lost[ring] = monitor->ring[ring].lost;
    count_lost(monitor->counters, lost);
    struct sl_json json;
    policies_choose(&monitor->policies, &monitor->run, &(struct sl_audit){0});
    sl_json_start(&json, monitor->line, sizeof monitor->line);
    audit_line_start(&json, &monitor->run, monitor->sequence, sl_now(monitor->host), "gateway",
                     ring);
    sl_json_string(&json, "event", "audit-lost");
    sl_json_number(&json, "count", lost);
    sl_json_number(&json, "total", monitor->ring[ring].lost);
    sl_json_close_object(&json);
    emit(monitor, &json);
}

/* A component's audit is its own word, and ends where it writes what no index can be. The others'
 * goes on: one that is taken over must not be able to keep the monitor from them. */
static void stop_link(struct monitor *monitor, unsigned ring)
{
    struct sl_json json;
    monitor->stopped[ring] = true;
    policies_choose(&monitor->policies, &monitor->run, &(struct sl_audit){0});
    sl_json_start(&json, monitor->line, sizeof monitor->line);
    audit_line_start(&json, &monitor->run, monitor->sequence, sl_now(monitor->host), "gateway",
                     ring);
    sl_json_string(&json, "event", "audit-stopped");
    sl_json_close_object(&json);
    emit(monitor, &json);
}

/* At most one ring's worth a look, so that no producer can keep the monitor from the others. */
static bool collect(struct monitor *monitor, unsigned ring, uint64_t now)
{
    struct sl_audit record;
    struct oneway_consumer *consumer = &monitor->ring[ring];
    bool any = false;
    for (uint32_t i = 0; i < consumer->slot_count && !monitor->stopped[ring]; i++) {
        enum ring_result result = oneway_take(consumer, &record);
        if (result == RING_FAULT)
            stop_link(monitor, ring);
        if (result != RING_OK)
            break;
        record.component = (uint8_t)ring; /* whose ring it is, not what the record says */
        any = true;
        count_record(monitor->counters, &record);
        if (record.event != SL_AUDIT_ANSWERED)
            take(monitor, &record, now);
    }
    report_loss(monitor, ring);
    return any;
}

static void wake(void *self, uint64_t badges)
{
    struct monitor *monitor = self;
    const uint64_t now = sl_now(monitor->host);
    bool any = false;
    if (monitor->resumed)
        say_resumed(monitor, now);
    note_place(monitor);
    for (unsigned i = 0; i < monitor->run.config->ring_count; i++)
        any |= collect(monitor, i, now);
    tell_due(monitor, badges & SL_BADGE_CLOSING ? SL_NEVER : now);
    if (badges & SL_BADGE_CLOSING) /* there is no next turn */
        note_place(monitor);
    monitor->poll = any ? POLL_BUSY : monitor->poll * 2;
    if (monitor->poll > POLL_IDLE)
        monitor->poll = POLL_IDLE;
    sl_deadline(monitor->host, sl_now(monitor->host) + monitor->poll);
}

/* At a policy's end all that was decided by it is on the rings: each is read to where it was, and
 * what is still counted of it is told. */
static void adopt(void *self, const void *policy, size_t size, uint8_t tag)
{
    struct monitor *monitor = self;
    const uint64_t now = sl_now(monitor->host);
    (void)size;
    if (policy) {
        policies_adopt(&monitor->policies, policy, tag);
        return;
    }
    for (unsigned i = 0; i < monitor->run.config->ring_count; i++)
        collect(monitor, i, now);
    tell_due(monitor, SL_NEVER);
    policies_retire(&monitor->policies);
    policies_choose(&monitor->policies, &monitor->run, &(struct sl_audit){0});
}

const struct sl_component monitor_component = {
    .name = "monitor",
    .self_size = sizeof(struct monitor),
    .init = init,
    .wake = wake,
    .adopt = adopt,
};
