/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replies that nobody asked for, towards the client whose session int_frontend says they are for;
 * ext_frontend knows whether there is one of that service. None has a slot. Each leaves an audit
 * line, there being none of a request.
 */
#include "components/policy_emit/policy_emit.h"

void tell_delivered(struct policy_emit *emit, const struct sl_protocol *protocol,
                    const struct sl_record *record, const uint8_t *reply, size_t length,
                    size_t emitted)
{
    if (message_ring_room(&emit->out, sizeof *record + emitted) != RING_OK)
        return;
    const uint32_t parties = protocol->traits(SL_REPLY, reply, length).parties;
    struct sl_record delivered = *record;
    delivered.type = SL_RECORD_DELIVERED;
    delivered.length = sizeof parties;
    delivered.key = protocol->key(reply, length);
    emit->refused = true; /* many may be under way: the peer is not left asleep over them */
    put_record(emit, &emit->peer_out, &delivered, &parties);
}

static void audit(struct policy_emit *emit, const struct sl_record *record, enum sl_verdict verdict,
                  enum sl_reason reason, const uint8_t *canonical)
{
    struct sl_audit line =
        audit_about(record, SL_AUDIT_MESSAGE, emit->config->component, emit->now);
    line.verdict = (uint8_t)verdict;
    line.direction = SL_REPLY;
    line.reason = (uint16_t)reason;
    line.policy = emit->policy_tag;
    audit_detail(&line, canonical, record->length);
    audit_put(&emit->audit, &line);
}

static enum sl_reason objection(const struct sl_protocol *protocol,
                                const struct policy_service *service, uint8_t *reply, size_t length)
{
    const struct sl_traits traits = protocol->traits(SL_REPLY, reply, length);
    if (!traits.unsolicited || traits.more)
        return SL_REASON_REPLY_UNMATCHED;
    if (protocol->translate && !protocol->translate(service, SL_REPLY, reply, length))
        return SL_REASON_NO_STATION;
    if (!protocol->decide_reply)
        return SL_REASON_NONE;
    const struct sl_decision decision = protocol->decide_reply(service, NULL, 0, reply, length);
    return decision.allowed ? SL_REASON_NONE : decision.reason;
}

static void malformed(struct policy_emit *emit, const struct sl_protocol *protocol,
                      const struct sl_record *record, const uint8_t *canonical)
{
    struct sl_record shown = *record;
    if (protocol->validate_malformed(canonical, record->length) != SL_REASON_NONE)
        shown.length = 0;
    audit(emit, &shown, SL_VERDICT_MALFORMED, (enum sl_reason)record->reason, canonical);
}

void unsolicited_handle(struct policy_emit *emit, const struct sl_record *record,
                        const uint8_t *payload)
{
    const struct policy_service *service;
    const struct sl_protocol *protocol = protocol_of(emit, record, &service);
    uint8_t *const reply = emit->in.taken + sizeof *record; /* private already */
    if (!protocol || !protocol->traits || record->session >= emit->config->sessions) {
        audit_dropped(emit, record, SL_REASON_RECORD_INVALID);
        return;
    }
    if (record->type == SL_RECORD_MALFORMED) {
        malformed(emit, protocol, record, payload);
        return;
    }
    if (protocol->validate(SL_REPLY, service, reply, record->length) != SL_REASON_NONE) {
        audit_dropped(emit, record, SL_REASON_CANONICAL_INVALID);
        return;
    }
    const enum sl_reason reason = objection(protocol, service, reply, record->length);
    audit(emit, record, reason == SL_REASON_NONE ? SL_VERDICT_ALLOW : SL_VERDICT_DENY, reason,
          reply);
    if (reason != SL_REASON_NONE)
        return;
    struct sl_record message = *record;
    message.key = 0;
    message.flags = 0;
    message.length = (uint16_t)protocol->encode(SL_REPLY, reply, record->length,
                                                protocol->key(reply, record->length), emit->emitted,
                                                sizeof emit->emitted);
    if (message.length == 0)
        return;
    if (protocol->traits(SL_REPLY, reply, record->length).asks_confirm)
        tell_delivered(emit, protocol, record, reply, record->length, message.length);
    put_record(emit, &emit->out, &message, emit->emitted);
}
