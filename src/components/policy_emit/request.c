/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Towards the devices: validate, decide, publish as outstanding, encode anew, send. What is not
 * allowed goes to the reply instance, which refuses it in the protocol's own words.
 */
#include "components/policy_emit/policy_emit.h"

#include <string.h>

static void audit_message(struct policy_emit *emit, const struct sl_record *record,
                          enum sl_verdict verdict, enum sl_reason reason, uint16_t rule,
                          const uint8_t *canonical, unsigned flags)
{
    struct sl_audit audit =
        audit_about(record, SL_AUDIT_MESSAGE, emit->config->component, emit->now);
    audit.verdict = (uint8_t)verdict;
    audit.direction = SL_REQUEST;
    audit.reason = (uint16_t)reason;
    audit.rule = rule;
    audit.flags = (uint8_t)flags;
    audit.policy = emit->policy_tag;
    const struct policy_service *service;
    const struct sl_protocol *protocol = protocol_of(emit, record, &service);
    if (verdict != SL_VERDICT_MALFORMED && service->flags & POLICY_SERVICE_LEARNS &&
        protocol->old_values)
        protocol->old_values(service, &emit->state, canonical, record->length, &audit);
    audit_detail(&audit, canonical, record->length);
    audit_put(&emit->audit, &audit);
    emit->count.allowed += verdict == SL_VERDICT_ALLOW;
    emit->count.denied += verdict == SL_VERDICT_DENY;
    emit->count.malformed += verdict == SL_VERDICT_MALFORMED;
}

/* `known`: the canonical bytes can be trusted to build a refusal from. */
static void refuse(struct policy_emit *emit, const struct sl_record *record, enum sl_reason reason,
                   const uint8_t *canonical, bool known)
{
    if (emit->config->mode == SL_ONE_WAY)
        return; /* nobody hears of it; it is on the audit line */
    struct sl_record refused = *record;
    refused.type = SL_RECORD_REFUSED;
    refused.reason = (uint16_t)reason;
    refused.length = known ? record->length : 0;
    emit->refused = true;
    put_record(emit, &emit->peer_out, &refused, canonical);
}

/* Last values of points: what is on its way may be at the device already. */
static void learn_sent(struct policy_emit *emit, const struct sl_protocol *protocol,
                       const struct policy_service *service, struct slot *slot,
                       const struct sl_record *record, const uint8_t *canonical)
{
    if (!(service->flags & POLICY_SERVICE_LEARNS) || !protocol->note_sent)
        return;
    protocol->note_sent(service, &emit->state, canonical, record->length);
    slot->order = emit->state.order;
    slot->record = *record;
    (void)slot_keep(emit, slot, canonical, record->length); /* else its outcome teaches nothing */
}

/* The reply instance's word, checked like everybody's. */
static void learn_outcome(struct policy_emit *emit, struct slot *slot, const uint8_t *reply,
                          size_t length)
{
    const struct policy_service *service;
    const struct sl_protocol *protocol = protocol_of(emit, &slot->record, &service);
    if (!slot->outstanding || !protocol || !(service->flags & POLICY_SERVICE_LEARNS) ||
        !protocol->note_outcome || slot->request_length == 0)
        return;
    if (length && protocol->validate(SL_REPLY, service, reply, length) != SL_REASON_NONE)
        length = 0;
    protocol->note_outcome(service, &emit->state, slot_request(emit, slot), slot->request_length,
                           slot->order, length ? reply : NULL, length);
}

static void send(struct policy_emit *emit, const struct sl_protocol *protocol,
                 const struct policy_service *service, const struct sl_record *record,
                 uint8_t *canonical, uint16_t rule)
{
    struct slot *slot = &emit->slot[record->slot];
    struct sl_record request = *record;
    request.key = protocol->keeps_key ? protocol->key(canonical, record->length)
                                      : (uint16_t)(++slot->turn << 8 | record->slot);
    request.type = SL_RECORD_OUTSTANDING;
    request.reason = rule;
    request.flags = (uint16_t)(record->flags | emit->policy_tag << SL_FLAG_POLICY_SHIFT);
    if (!put_record(emit, &emit->peer_out, &request, canonical))
        return;
    slot->outstanding = true;
    slot_forget(emit, slot); /* what it held was another policy's to learn from */
    slot->request_length = 0;
    learn_sent(emit, protocol, service, slot, record, canonical);
    const bool replies = protocol->expects_reply(service, canonical, record->length);
    const bool there =
        !protocol->translate || protocol->translate(service, SL_REQUEST, canonical, record->length);
    const size_t length = there ? protocol->encode(SL_REQUEST, canonical, record->length,
                                                   request.key, emit->emitted, sizeof emit->emitted)
                                : 0;
    if (length == 0) {
        refuse(emit, record, SL_REASON_CANONICAL_INVALID, canonical, false);
        return;
    }
    request.type = SL_RECORD_MESSAGE;
    request.reason = SL_REASON_NONE;
    request.flags = record->flags;
    request.length = (uint16_t)length;
    if (!replies)
        request.flags = SL_FLAG_NO_REPLY;
    if (!put_record(emit, &emit->out, &request, emit->emitted))
        refuse(emit, record, SL_REASON_RING_FULL, canonical, !protocol->translate);
}

/* What the policy denies: refused in the protocol's words, or as the service's on-deny says. */
static void deny(struct policy_emit *emit, const struct policy_service *service,
                 const struct sl_record *record, enum sl_reason reason, const uint8_t *canonical)
{
    struct sl_record denied = *record;
    if (service->flags & POLICY_SERVICE_CLOSE)
        denied.flags |= SL_FLAG_CLOSE;
    refuse(emit, &denied, reason, canonical,
           !(service->flags & (POLICY_SERVICE_CLOSE | POLICY_SERVICE_DROP)));
}

/* Needs no rule, but the reply that it confirms. */
static struct sl_decision confirmation(struct policy_emit *emit, const struct sl_record *record,
                                       const struct sl_traits *traits)
{
    const bool awaited = awaited_take(emit, record, traits->parties, traits->key);
    return (struct sl_decision){.allowed = awaited,
                                .reason = awaited ? SL_REASON_NONE : SL_REASON_CONFIRM_UNMATCHED,
                                .rule = SL_NO_RULE};
}

static struct sl_decision decision_on(struct policy_emit *emit, const struct sl_protocol *protocol,
                                      const struct policy_service *service,
                                      const struct sl_record *record, const uint8_t *canonical)
{
    struct sl_traits traits = {0};
    if (protocol->traits)
        traits = protocol->traits(SL_REQUEST, canonical, record->length);
    /* What the client has seen, the reply instance has told before: before a confirmation of it,
     * or what depends on its outcome. */
    if (emit->config->mode != SL_ONE_WAY &&
        (traits.confirms || service->flags & POLICY_SERVICE_LEARNS))
        drain_peer(emit);
    if (traits.confirms && emit->config->mode != SL_ONE_WAY)
        return confirmation(emit, record, &traits);
    if (!protocol->decide_in ||
        (!emit->state.conditions && !(service->flags & POLICY_SERVICE_LEARNS)))
        return protocol->decide(service, record->client, canonical, record->length);
    policy_state_begin(&emit->state, emit->now, sl_wall(emit->host), record->client);
    emit->state.session = record->session;
    const struct sl_decision decision =
        protocol->decide_in(service, &emit->state, record->client, canonical, record->length);
    if (!decision.allowed || policy_rate_allows(&emit->state, emit->policy, service->rate))
        return decision;
    return (struct sl_decision){.reason = SL_REASON_RATE, .rule = SL_NO_RULE};
}

static void decide(struct policy_emit *emit, const struct sl_record *record)
{
    uint8_t *const canonical = emit->in.taken + sizeof *record; /* private already */
    const struct policy_service *service;
    const struct sl_protocol *protocol = protocol_of(emit, record, &service);
    if (protocol->validate(SL_REQUEST, service, canonical, record->length) != SL_REASON_NONE) {
        audit_dropped(emit, record, SL_REASON_CANONICAL_INVALID);
        refuse(emit, record, SL_REASON_CANONICAL_INVALID, canonical, false);
        return;
    }
    const struct sl_decision decision = decision_on(emit, protocol, service, record, canonical);
    const bool let_through = !decision.allowed && service->flags & POLICY_SERVICE_MONITOR;
    audit_message(emit, record, decision.allowed ? SL_VERDICT_ALLOW : SL_VERDICT_DENY,
                  decision.reason, decision.rule, canonical,
                  let_through ? SL_AUDIT_LET_THROUGH : 0);
    if (decision.allowed)
        policy_state_spend(&emit->state);
    if ((decision.allowed || let_through) && emit->config->mode == SL_ONE_WAY)
        oneway_send(emit, protocol, record, canonical);
    else if (decision.allowed || let_through)
        send(emit, protocol, service, record, canonical, decision.rule);
    else
        deny(emit, service, record, decision.reason, canonical);
}

static void malformed(struct policy_emit *emit, const struct sl_record *record,
                      const uint8_t *canonical)
{
    const struct policy_service *service;
    const struct sl_protocol *protocol = protocol_of(emit, record, &service);
    bool known = protocol->validate_malformed(canonical, record->length) == SL_REASON_NONE;
    struct sl_record shown = *record;
    if (!known)
        shown.length = 0;
    audit_message(emit, &shown, SL_VERDICT_MALFORMED, (enum sl_reason)record->reason, SL_NO_RULE,
                  canonical, 0);
    refuse(emit, record, (enum sl_reason)record->reason, canonical, known);
}

/* ext_frontend's word on slots is checked: a slot that is still outstanding cannot be used
 * again. The reply instance settles a slot before ext_frontend hears of it, so looking at the
 * peer's ring once more is enough. */
static bool slot_usable(struct policy_emit *emit, const struct sl_record *record)
{
    if (emit->config->mode == SL_ONE_WAY) /* nothing comes back, so nothing is held for it */
        return record->slot == SL_NO_SLOT;
    if (record->slot >= emit->slots || record->session >= emit->config->sessions)
        return false;
    if (emit->slot[record->slot].outstanding)
        drain_peer(emit);
    return !emit->slot[record->slot].outstanding;
}

void request_handle(void *self, const struct sl_record *record, const uint8_t *payload)
{
    struct policy_emit *emit = self;
    const struct policy_service *service;
    bool message = record->type == SL_RECORD_MESSAGE || record->type == SL_RECORD_MALFORMED;
    if (message && protocol_of(emit, record, &service) && slot_usable(emit, record)) {
        if (record->type == SL_RECORD_MESSAGE)
            decide(emit, record);
        else
            malformed(emit, record, payload);
        return;
    }
    const bool link = (record->type == SL_RECORD_SESSION_BEGIN ||
                       (record->type == SL_RECORD_ROOM && record->slot < emit->slots)) &&
                      protocol_of(emit, record, &service) && emit->config->mode != SL_ONE_WAY;
    if ((link || record->type == SL_RECORD_SESSION_END) && record->length == 0 &&
        record->session < emit->config->sessions) {
        if (record->type == SL_RECORD_SESSION_END)
            policy_selects_forget(&emit->state, record->session);
        if (emit->config->mode == SL_ONE_WAY)
            oneway_send_end(emit, record);
        else
            put_record(emit, &emit->out, record, NULL);
        return;
    }
    audit_dropped(emit, record, SL_REASON_RECORD_INVALID);
}

static bool settled(struct policy_emit *emit, const struct sl_record *record,
                    const uint8_t *payload)
{
    if (record->slot >= emit->slots)
        return false;
    struct slot *slot = &emit->slot[record->slot];
    learn_outcome(emit, slot, payload, record->length);
    slot_forget(emit, slot);
    slot->outstanding = false;
    return true;
}

static bool delivered(struct policy_emit *emit, const struct sl_record *record,
                      const uint8_t *payload)
{
    uint32_t parties;
    if (!emit->has_link || record->length != sizeof parties)
        return false;
    memcpy(&parties, payload, sizeof parties);
    awaited_add(emit, record, parties);
    return true;
}

void request_peer_handle(void *self, const struct sl_record *record, const uint8_t *payload)
{
    struct policy_emit *emit = self;
    if ((record->type == SL_RECORD_SETTLED && settled(emit, record, payload)) ||
        (record->type == SL_RECORD_DELIVERED && delivered(emit, record, payload)))
        return;
    audit_dropped(emit, record, SL_REASON_RECORD_INVALID);
}
