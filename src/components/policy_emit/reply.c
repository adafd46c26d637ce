/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Towards the clients: a reply must answer a request that is outstanding, in every respect that
 * the request determines, and is encoded anew with the client's own transaction. Who gets it is
 * what the request instance published, never what came back with the reply.
 */
#include "components/policy_emit/policy_emit.h"

#define TICK     UINT64_C(1000000000) /* how often unanswered requests are looked for, ns */
#define PATIENCE UINT64_C(1000000000) /* beyond the timeout that int_frontend enforces, ns */

static void audit_reply(struct policy_emit *emit, const struct slot *slot, enum sl_verdict verdict,
                        enum sl_audit_event event, enum sl_reason reason, const uint8_t *canonical,
                        size_t length)
{
    struct sl_audit audit = audit_about(&slot->record, event, emit->config->component, emit->now);
    audit.verdict = (uint8_t)verdict;
    audit.direction = SL_REPLY;
    audit.reason = (uint16_t)reason;
    audit.rule = slot->rule;
    audit_detail(&audit, canonical, length);
    audit_put(&emit->audit, &audit);
}

/* One outcome for the client: `length` bytes, or silence. */
static void answer(struct policy_emit *emit, const struct sl_record *request, const uint8_t *bytes,
                   size_t length)
{
    struct sl_record reply = *request;
    reply.type = length ? SL_RECORD_MESSAGE : SL_RECORD_SILENT;
    reply.length = (uint16_t)length;
    reply.key = 0;
    put_record(emit, &emit->out, &reply, bytes);
}

/* The request instance may use the slot again before ext_frontend does: settle first. Where its
 * rules ask for last values, it is shown the reply (`length` 0: there was none). */
static void settle_with(struct policy_emit *emit, struct slot *slot, const uint8_t *reply,
                        size_t length)
{
    const struct policy_service *service;
    if (!protocol_of(emit, &slot->record, &service) || !(service->flags & POLICY_SERVICE_LEARNS) ||
        length > STORED_REQUEST_MAX)
        length = 0;
    struct sl_record settled = slot->record;
    settled.type = SL_RECORD_SETTLED;
    settled.length = (uint16_t)length;
    slot->outstanding = false;
    put_record(emit, &emit->peer_out, &settled, reply);
}

static void settle(struct policy_emit *emit, struct slot *slot)
{
    settle_with(emit, slot, NULL, 0);
}

/* What the standard leaves unanswered is not refused either. */
static size_t refusal(struct policy_emit *emit, const struct sl_record *record,
                      enum sl_reason reason, const uint8_t *canonical, size_t length)
{
    const struct policy_service *service;
    const struct sl_protocol *protocol = protocol_of(emit, record, &service);
    if (length == 0 || !protocol->expects_reply(service, canonical, length))
        return 0;
    return protocol->refuse(canonical, length, reason, emit->emitted, sizeof emit->emitted);
}

static void fail(struct policy_emit *emit, struct slot *slot, enum sl_reason reason)
{
    size_t length = 0;
    if (reason != SL_REASON_CLIENT_LEFT)
        length = refusal(emit, &slot->record, reason, slot->request, slot->request_length);
    settle(emit, slot);
    answer(emit, &slot->record, emit->emitted, length);
}

static void matched(struct policy_emit *emit, struct slot *slot, const struct sl_record *record,
                    const uint8_t *canonical)
{
    const struct policy_service *service;
    const struct sl_protocol *protocol = protocol_of(emit, &slot->record, &service);
    enum sl_reason reason = protocol->validate(SL_REPLY, service, canonical, record->length);
    if (reason != SL_REASON_NONE) {
        audit_reply(emit, slot, SL_VERDICT_DENY, SL_AUDIT_FAILED, SL_REASON_CANONICAL_INVALID, NULL,
                    0);
        fail(emit, slot, SL_REASON_CANONICAL_INVALID);
        return;
    }
    reason = protocol->match(service, slot->request, slot->request_length, slot->record.key,
                             canonical, record->length);
    if (reason != SL_REASON_NONE) {
        audit_reply(emit, slot, SL_VERDICT_DENY, SL_AUDIT_MESSAGE, reason, canonical,
                    record->length);
        fail(emit, slot, reason);
        return;
    }
    settle_with(emit, slot, canonical, record->length); /* before what validate() would not take */
    uint8_t *reply = emit->in.taken + sizeof(struct sl_record); /* private already */
    size_t length = protocol->normalise(slot->request, slot->request_length, reply, record->length);
    if (protocol->notable(reply, length))
        audit_reply(emit, slot, SL_VERDICT_ALLOW, SL_AUDIT_MESSAGE, SL_REASON_NONE, reply, length);
    length = protocol->encode(SL_REPLY, reply, length,
                              protocol->key(slot->request, slot->request_length), emit->emitted,
                              sizeof emit->emitted);
    answer(emit, &slot->record, emit->emitted, length);
}

static struct slot *outstanding_slot(struct policy_emit *emit, const struct sl_record *record)
{
    if (record->slot >= emit->slots)
        return NULL;
    struct slot *slot = &emit->slot[record->slot];
    /* A request is published before it is sent: if it is not here yet, it is in the ring. */
    if (!slot->outstanding || slot->record.key != record->key)
        drain_peer(emit);
    return slot->outstanding && slot->record.key == record->key ? slot : NULL;
}

void reply_handle(void *self, const struct sl_record *record, const uint8_t *payload)
{
    struct policy_emit *emit = self;
    if (record->type == SL_RECORD_SESSION_END && record->length == 0 &&
        record->session < emit->config->sessions) {
        put_record(emit, &emit->out, record, NULL);
        return;
    }
    if (record->type != SL_RECORD_MESSAGE && record->type != SL_RECORD_MALFORMED &&
        record->type != SL_RECORD_FAILED && record->type != SL_RECORD_SENT) {
        audit_dropped(emit, record, SL_REASON_RECORD_INVALID);
        return;
    }
    struct slot *slot = outstanding_slot(emit, record);
    if (!slot) {
        audit_dropped(emit, record, SL_REASON_REPLY_UNMATCHED);
        return;
    }
    switch (record->type) {
    case SL_RECORD_MESSAGE:
        matched(emit, slot, record, payload);
        return;
    case SL_RECORD_MALFORMED:
        audit_reply(emit, slot, SL_VERDICT_MALFORMED, SL_AUDIT_MESSAGE,
                    (enum sl_reason)record->reason, slot->request, slot->request_length);
        fail(emit, slot, SL_REASON_REPLY_SHAPE);
        return;
    case SL_RECORD_FAILED:
        audit_reply(emit, slot, SL_VERDICT_DENY, SL_AUDIT_FAILED, (enum sl_reason)record->reason,
                    slot->request, slot->request_length);
        fail(emit, slot, (enum sl_reason)record->reason);
        return;
    default: /* SENT: nothing will come back */
        settle(emit, slot);
        answer(emit, &slot->record, NULL, 0);
    }
}

static void refused(struct policy_emit *emit, const struct sl_record *record,
                    const uint8_t *canonical)
{
    const size_t length =
        refusal(emit, record, (enum sl_reason)record->reason, canonical, record->length);
    if (emit->slot[record->slot].outstanding)
        settle(emit, &emit->slot[record->slot]);
    answer(emit, record, emit->emitted, length);
}

void reply_peer_handle(void *self, const struct sl_record *record, const uint8_t *payload)
{
    struct policy_emit *emit = self;
    const struct policy_service *service;
    if (record->slot >= emit->slots || record->length > STORED_REQUEST_MAX ||
        !protocol_of(emit, record, &service)) {
        audit_dropped(emit, record, SL_REASON_RECORD_INVALID);
        return;
    }
    if (record->type == SL_RECORD_REFUSED) {
        refused(emit, record, payload);
        return;
    }
    if (record->type != SL_RECORD_OUTSTANDING) {
        audit_dropped(emit, record, SL_REASON_RECORD_INVALID);
        return;
    }
    struct slot *slot = &emit->slot[record->slot];
    slot->record = *record;
    slot->rule = record->reason; /* OUTSTANDING carries the rule here */
    slot->request_length = record->length;
    memcpy(slot->request, payload, record->length);
    slot->outstanding = true;
}

/* int_frontend answers every request in time; a request that it does not answer at all must
 * still not hold its client's slot for ever. */
void reply_tick(struct policy_emit *emit)
{
    if (emit->now < emit->next_tick)
        return;
    emit->next_tick = emit->now + TICK;
    for (unsigned i = 0; i < emit->slots; i++) {
        struct slot *slot = &emit->slot[i];
        if (!slot->outstanding)
            continue;
        const struct policy_service *service;
        (void)protocol_of(emit, &slot->record, &service);
        if (emit->now > slot->record.time + service->timeout + PATIENCE) {
            audit_reply(emit, slot, SL_VERDICT_DENY, SL_AUDIT_FAILED, SL_REASON_DEVICE_TIMEOUT,
                        slot->request, slot->request_length);
            fail(emit, slot, SL_REASON_DEVICE_TIMEOUT);
        }
    }
}
