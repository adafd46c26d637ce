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
    audit.policy = slot->policy_tag;
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
    if (!protocol_of(emit, &slot->record, &service) || !(service->flags & POLICY_SERVICE_LEARNS))
        length = 0;
    struct sl_record settled = slot->record;
    settled.type = SL_RECORD_SETTLED;
    settled.length = (uint16_t)length;
    slot->outstanding = false;
    slot_forget(emit, slot);
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

static struct series *series_of(struct policy_emit *emit, const struct slot *slot)
{
    return emit->has_link ? &emit->link.series[slot - emit->slot] : NULL;
}

static void fail(struct policy_emit *emit, struct slot *slot, enum sl_reason reason)
{
    const struct series *series = series_of(emit, slot);
    const bool begun = slot->given_up || (series && series->parts > 0);
    size_t length = 0;
    if (reason != SL_REASON_CLIENT_LEFT && !begun)
        length =
            refusal(emit, &slot->record, reason, slot_request(emit, slot), slot->request_length);
    settle(emit, slot);
    answer(emit, &slot->record, emit->emitted, length);
}

/* A reply, or a part of one, is not fit to pass on. While int_frontend has the slot in use, which
 * it says by `flags`, nobody else can have it. */
static void reject(struct policy_emit *emit, struct slot *slot, unsigned flags,
                   enum sl_reason reason)
{
    if (flags & SL_FLAG_MORE)
        slot->given_up = true;
    else
        fail(emit, slot, reason);
}

/* What the policy says of a valid reply that is in the clients' addresses and matches. */
static enum sl_reason objection(const struct sl_protocol *protocol,
                                const struct policy_service *service, const uint8_t *request,
                                size_t request_length, const uint8_t *reply, size_t length)
{
    if (!protocol->decide_reply)
        return SL_REASON_NONE;
    const struct sl_decision decision =
        protocol->decide_reply(service, request, request_length, reply, length);
    return decision.allowed ? SL_REASON_NONE : decision.reason;
}

/* Bytes for the client in `emit->emitted`, their number in `*length`; or why there are none. */
static enum sl_reason encode_reply(struct policy_emit *emit, const struct sl_protocol *protocol,
                                   const struct policy_service *service, struct slot *slot,
                                   const uint8_t *reply, size_t reply_length, size_t *length)
{
    struct series *series = series_of(emit, slot);
    *length = protocol->encode(SL_REPLY, reply, reply_length,
                               protocol->keeps_key
                                   ? protocol->key(reply, reply_length)
                                   : protocol->key(slot_request(emit, slot), slot->request_length),
                               emit->emitted, sizeof emit->emitted);
    if (*length == 0 || !protocol->reply_within)
        return SL_REASON_NONE; /* a reply that cannot be encoded is silence */
    series->parts++;
    series->bytes += (uint32_t)*length;
    return protocol->reply_within(service, series->parts, series->bytes);
}

/* The matched `reply` is fit to pass on: all of it, or one part of several. */
static void pass_on(struct policy_emit *emit, const struct sl_protocol *protocol, struct slot *slot,
                    const struct sl_traits *traits, const uint8_t *reply, size_t reply_length,
                    size_t length)
{
    if (traits->asks_confirm)
        tell_delivered(emit, protocol, &slot->record, reply, reply_length, length);
    if (!traits->more) {
        answer(emit, &slot->record, emit->emitted, length);
        return;
    }
    emit->link.series[slot - emit->slot].expect = traits->next_key;
    slot->record.time = emit->now; /* the next part has as long to come */
    struct sl_record part = slot->record;
    part.flags |= SL_FLAG_MORE;
    answer(emit, &part, emit->emitted, length);
}

static void matched(struct policy_emit *emit, struct slot *slot, const struct sl_record *record)
{
    const struct policy_service *service;
    const struct sl_protocol *protocol = protocol_of(emit, &slot->record, &service);
    uint8_t *const reply = emit->in.taken + sizeof *record; /* private already */
    const uint8_t *const request = slot_request(emit, slot);
    enum sl_reason reason = protocol->validate(SL_REPLY, service, reply, record->length);
    if (reason != SL_REASON_NONE) {
        audit_reply(emit, slot, SL_VERDICT_DENY, SL_AUDIT_FAILED, SL_REASON_CANONICAL_INVALID, NULL,
                    0);
        reject(emit, slot, record->flags, SL_REASON_CANONICAL_INVALID);
        return;
    }
    struct sl_traits traits = {0};
    if (protocol->traits)
        traits = protocol->traits(SL_REPLY, reply, record->length);
    const struct series *series = series_of(emit, slot);
    const uint16_t key = series && series->parts > 0 ? series->expect : slot->record.key;
    size_t length = record->length, emitted = 0;
    if (protocol->translate && !protocol->translate(service, SL_REPLY, reply, length))
        reason = SL_REASON_REPLY_STATION;
    if (reason == SL_REASON_NONE)
        reason = protocol->match(service, request, slot->request_length, key, reply, length);
    if (reason == SL_REASON_NONE && traits.more != !!(record->flags & SL_FLAG_MORE))
        reason = SL_REASON_REPLY_SHAPE;
    if (reason == SL_REASON_NONE)
        reason = objection(protocol, service, request, slot->request_length, reply, length);
    if (reason != SL_REASON_NONE) {
        audit_reply(emit, slot, SL_VERDICT_DENY, SL_AUDIT_MESSAGE, reason, reply, length);
        reject(emit, slot, record->flags, reason);
        return;
    }
    const size_t request_length = slot->request_length;
    if (!traits.more)
        settle_with(emit, slot, reply, length); /* before what validate() would not take */
    length = protocol->normalise(request, request_length, reply, length);
    reason = encode_reply(emit, protocol, service, slot, reply, length, &emitted);
    if (reason != SL_REASON_NONE) {
        audit_reply(emit, slot, SL_VERDICT_DENY, SL_AUDIT_MESSAGE, reason, reply, length);
        slot->given_up = true;
        if (!traits.more)
            answer(emit, &slot->record, NULL, 0);
        return;
    }
    if (protocol->notable(reply, length))
        audit_reply(emit, slot, SL_VERDICT_ALLOW, SL_AUDIT_MESSAGE, SL_REASON_NONE, reply, length);
    if (!traits.more)
        answered_note(emit, &slot->record);
    pass_on(emit, protocol, slot, &traits, reply, length, emitted);
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

static bool passes_unread(const struct policy_emit *emit, const struct sl_record *record)
{
    return (record->type == SL_RECORD_SESSION_END || record->type == SL_RECORD_DEVICE) &&
           record->length == 0 && record->session < emit->config->sessions;
}

/* Nothing of a reply that was given up passes, and its end is all that is waited for. */
static void given_up(struct policy_emit *emit, struct slot *slot, const struct sl_record *record)
{
    if (!(record->flags & SL_FLAG_MORE))
        fail(emit, slot, SL_REASON_REPLY_SHAPE);
}

static void outcome(struct policy_emit *emit, struct slot *slot, const struct sl_record *record)
{
    if (slot->given_up) {
        given_up(emit, slot, record);
        return;
    }
    switch (record->type) {
    case SL_RECORD_MESSAGE:
        matched(emit, slot, record);
        return;
    case SL_RECORD_MALFORMED:
        audit_reply(emit, slot, SL_VERDICT_MALFORMED, SL_AUDIT_MESSAGE,
                    (enum sl_reason)record->reason, slot_request(emit, slot), slot->request_length);
        reject(emit, slot, record->flags, SL_REASON_REPLY_SHAPE);
        return;
    case SL_RECORD_FAILED:
        audit_reply(emit, slot, SL_VERDICT_DENY, SL_AUDIT_FAILED, (enum sl_reason)record->reason,
                    slot_request(emit, slot), slot->request_length);
        fail(emit, slot, (enum sl_reason)record->reason);
        return;
    default: /* SENT: nothing will come back */
        settle(emit, slot);
        answer(emit, &slot->record, NULL, 0);
    }
}

void reply_handle(void *self, const struct sl_record *record, const uint8_t *payload)
{
    struct policy_emit *emit = self;
    const bool message = record->type == SL_RECORD_MESSAGE || record->type == SL_RECORD_MALFORMED;
    if (passes_unread(emit, record)) {
        put_record(emit, &emit->out, record, NULL);
        return;
    }
    if (!message && record->type != SL_RECORD_FAILED && record->type != SL_RECORD_SENT) {
        audit_dropped(emit, record, SL_REASON_RECORD_INVALID);
        return;
    }
    if (message && record->slot == SL_NO_SLOT && emit->has_link) {
        unsolicited_handle(emit, record, payload);
        return;
    }
    struct slot *slot = outstanding_slot(emit, record);
    if (!slot) {
        audit_dropped(emit, record, SL_REASON_REPLY_UNMATCHED);
        return;
    }
    outcome(emit, slot, record);
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
    if (record->slot >= emit->slots || !protocol_of(emit, record, &service)) {
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
    slot->policy_tag = (uint8_t)(record->flags >> SL_FLAG_POLICY_SHIFT);
    slot->record.flags &= (1u << SL_FLAG_POLICY_SHIFT) - 1;
    slot->outstanding = true;
    slot->given_up = !slot_keep(emit, slot, payload, record->length);
    if (slot->given_up) /* no room for it: what is not known cannot be matched */
        audit_dropped(emit, record, SL_REASON_CAPACITY);
    if (emit->has_link)
        emit->link.series[record->slot] = (struct series){0};
}

/* int_frontend answers every request in time; a request that it does not answer at all must
 * still not hold its client's slot for ever. */
void reply_tick(struct policy_emit *emit)
{
    if (emit->now < emit->next_tick)
        return;
    emit->next_tick = emit->now + TICK;
    answered_tick(emit);
    for (unsigned i = 0; i < emit->slots; i++) {
        struct slot *slot = &emit->slot[i];
        if (!slot->outstanding)
            continue;
        const struct policy_service *service;
        (void)protocol_of(emit, &slot->record, &service);
        if (emit->now > slot->record.time + service->timeout + PATIENCE) {
            audit_reply(emit, slot, SL_VERDICT_DENY, SL_AUDIT_FAILED, SL_REASON_DEVICE_TIMEOUT,
                        slot_request(emit, slot), slot->request_length);
            fail(emit, slot, SL_REASON_DEVICE_TIMEOUT);
        }
    }
}
