/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * int_nic_drv of the synthetic assembly: takes what policy_emit lets through off the one-way
 * ring, on its own clock since nothing may tell it, checks that each is a whole message, and
 * counts: those that came and those that were overwritten before.
 */
#include "components/audit.h"
#include "sluice/config.h"
#include "sluice/host.h"
#include "sluice/protocol.h"
#include "sluice/record.h"

#define POLL            UINT64_C(1000000) /* ns between looks */
#define REPORT_INTERVAL UINT64_C(1000000000)

struct sink {
    struct sl_host *host;
    const struct sl_synthetic_config *config;
    const struct sl_protocol *protocol;
    struct oneway_consumer in;
    struct oneway_producer audit;
    uint64_t delivered, reported, lost_reported;
    uint64_t broken; /* what came is no whole message */
    bool begun;      /* policy_emit's first record came, the end of all sessions (oneway_begin) */
    uint64_t next_report;
    _Alignas(8) uint8_t record[SL_MAX_RECORD];
    _Alignas(8) uint8_t canonical[SL_MAX_PAYLOAD];
};

static void init(void *self, const struct sl_environment *environment)
{
    struct sink *sink = self;
    const struct sl_port *in = &environment->port[SL_PORT_IN];
    sink->host = environment->host;
    sink->config = environment->config;
    sink->protocol = sl_protocol(sink->config->protocol);
    if (!sink->protocol || sink->config->slot_size > sizeof sink->record)
        sl_fault(sink->host, "slots are longer than a record", sink->config->slot_size,
                 sizeof sink->record);
    oneway_consumer_init(&sink->in, in->region[0], in->size[0], sink->config->slot_size);
    audit_init(&sink->audit, environment);
    sl_deadline(sink->host, 0);
}

static void tell(struct sink *sink, enum sl_audit_event event, enum sl_reason reason,
                 uint64_t value)
{
    audit_put(&sink->audit, &(struct sl_audit){.time = sl_now(sink->host),
                                               .event = (uint8_t)event,
                                               .reason = (uint16_t)reason,
                                               .rule = SL_NO_RULE,
                                               .component = (uint8_t)sink->config->component,
                                               .value = value});
}

static bool whole(struct sink *sink, const struct sl_record *record)
{
    size_t length = 0;
    return record->type == SL_RECORD_MESSAGE &&
           record->length <= sink->config->slot_size - sizeof *record &&
           sink->protocol->decode(SL_REQUEST, NULL, sink->record + sizeof *record, record->length,
                                  sink->canonical, &length) == SL_REASON_NONE;
}

static void collect(struct sink *sink)
{
    for (uint32_t i = 0; i < sink->in.slot_count; i++) {
        enum ring_result result = oneway_take(&sink->in, sink->record);
        if (result == RING_FAULT)
            sl_fault(sink->host, "policy_emit's ring index is impossible", 0, 0);
        if (result != RING_OK)
            return;
        struct sl_record record;
        memcpy(&record, sink->record, sizeof record);
        if (record.type == SL_RECORD_SESSION_END) {
            sink->begun = true; /* no request, and no session is kept here */
            continue;
        }
        if (whole(sink, &record))
            sink->delivered++;
        else
            sink->broken++;
    }
}

static void report(struct sink *sink, uint64_t now)
{
    /* policy_emit's first record is no request: one of those lost, when it did not come. */
    uint64_t lost = sink->in.lost - (!sink->begun && sink->in.lost) + sink->broken;
    if (lost != sink->lost_reported)
        tell(sink, SL_AUDIT_DROPPED, SL_REASON_CAPACITY, lost - sink->lost_reported);
    if (sink->delivered != sink->reported)
        tell(sink, SL_AUDIT_COUNTERS, SL_REASON_NONE, sink->delivered);
    sink->lost_reported = lost;
    sink->reported = sink->delivered;
    sink->next_report = now + REPORT_INTERVAL;
}

static void wake(void *self, uint64_t badges)
{
    struct sink *sink = self;
    (void)badges;
    collect(sink);
    uint64_t now = sl_now(sink->host);
    if (now >= sink->next_report)
        report(sink, now);
    sl_deadline(sink->host, now + POLL);
}

const struct sl_component sink_component = {
    .name = "sink",
    .self_size = sizeof(struct sink),
    .init = init,
    .wake = wake,
};
