/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One way: what is allowed goes over a one-way ring, without waiting and without ever knowing
 * whether it came; what is not goes nowhere but to the audit lines. The verdicts are counted,
 * so that they add up also where audit lines were lost.
 */
#include "components/policy_emit/policy_emit.h"

#define REPORT_INTERVAL UINT64_C(1000000000) /* ns */

void oneway_send(struct policy_emit *emit, const struct sl_protocol *protocol,
                 const struct sl_record *record, uint8_t *canonical)
{
    const struct policy_service *service;
    struct sl_record request = *record;
    (void)protocol_of(emit, record, &service);
    request.key =
        protocol->keeps_key ? protocol->key(canonical, record->length) : ++emit->oneway_key;
    const bool there =
        !protocol->translate || protocol->translate(service, SL_REQUEST, canonical, record->length);
    size_t length = !there ? 0
                           : protocol->encode(SL_REQUEST, canonical, record->length, request.key,
                                              emit->emitted_slot + sizeof request,
                                              emit->config->slot_size - sizeof request);
    if (length == 0) {
        audit_dropped(emit, record, SL_REASON_CANONICAL_INVALID);
        return;
    }
    request.reason = SL_REASON_NONE;
    request.flags = 0;
    /* Replies pace what int_frontend sends; they go no further. */
    if (!protocol->expects_reply(service, canonical, record->length))
        request.flags = SL_FLAG_NO_REPLY;
    request.length = (uint16_t)length;
    memcpy(emit->emitted_slot, &request, sizeof request);
    oneway_put(&emit->out_oneway, emit->emitted_slot, (uint32_t)(sizeof request + length));
}

void oneway_send_end(struct policy_emit *emit, const struct sl_record *record)
{
    oneway_put(&emit->out_oneway, record, sizeof *record);
}

void oneway_begin(struct policy_emit *emit)
{
    const struct sl_record all = {
        .type = SL_RECORD_SESSION_END, .session = SL_EVERY_SESSION, .slot = SL_NO_SLOT};
    oneway_put(&emit->out_oneway, &all, sizeof all);
}

static void tell(struct policy_emit *emit, enum sl_verdict verdict, uint64_t count)
{
    audit_put(&emit->audit, &(struct sl_audit){.time = emit->now,
                                               .event = SL_AUDIT_COUNTERS,
                                               .verdict = (uint8_t)verdict,
                                               .rule = SL_NO_RULE,
                                               .component = (uint8_t)emit->config->component,
                                               .policy = emit->policy_tag,
                                               .value = count});
}

uint64_t oneway_tick(struct policy_emit *emit)
{
    uint64_t sum = emit->count.allowed + emit->count.denied + emit->count.malformed;
    if (sum == emit->count.reported)
        return SL_NEVER;
    if (emit->now < emit->count.next)
        return emit->count.next;
    tell(emit, SL_VERDICT_ALLOW, emit->count.allowed);
    tell(emit, SL_VERDICT_DENY, emit->count.denied);
    tell(emit, SL_VERDICT_MALFORMED, emit->count.malformed);
    emit->count.reported = sum;
    emit->count.next = emit->now + REPORT_INTERVAL;
    return SL_NEVER;
}
