/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy_emit: decides on the canonical form, default deny, and encodes anew. One program, two
 * instances: request.c is what the one towards the devices does, reply.c the one towards the
 * clients; here is what they share. Whatever comes from a parser_norm is taken as hostile.
 */
#include "components/policy_emit/policy_emit.h"

static void connect_two_way(struct policy_emit *emit, const struct sl_port *port)
{
    message_ring_producer_init(&emit->out, port[SL_PORT_OUT].region[0], port[SL_PORT_OUT].region[1],
                               port[SL_PORT_OUT].size[0]);
    message_ring_consumer_init(&emit->peer_in.ring, port[SL_PORT_PEER_IN].region[0],
                               port[SL_PORT_PEER_IN].region[1], port[SL_PORT_PEER_IN].size[0]);
    message_ring_producer_init(&emit->peer_out, port[SL_PORT_PEER_OUT].region[0],
                               port[SL_PORT_PEER_OUT].region[1], port[SL_PORT_PEER_OUT].size[0]);
}

/* Nothing is decided by an image that is not whole. */
static void check_policy(struct policy_emit *emit, const void *policy, size_t size)
{
    const char *wrong = policy_image_check(policy, size);
    if (wrong)
        sl_fault(emit->host, wrong, size, 0);
    const struct policy_service *service;
    for (unsigned i = 0; (service = policy_service(policy, i)) != NULL; i++) {
        const struct sl_protocol *protocol = sl_protocol(service->protocol);
        if (!protocol->link && protocol->max_canonical > STORED_REQUEST_MAX)
            sl_fault(emit->host, "a service's requests do not fit a slot", protocol->max_canonical,
                     STORED_REQUEST_MAX);
    }
}

static void adopt(void *self, const void *policy, size_t size, uint8_t tag)
{
    struct policy_emit *emit = self;
    if (policy == NULL)
        return; /* the one before was left at once */
    check_policy(emit, policy, size);
    emit->policy = policy;
    emit->policy_tag = tag;
    policy_state_adopt(&emit->state, policy);
}

static void begin_one_way(struct policy_emit *emit, const struct sl_port *out)
{
    oneway_producer_init(&emit->out_oneway, out->region[0], out->size[0], emit->config->slot_size);
    oneway_begin(emit);
}

static void init(void *self, const struct sl_environment *environment)
{
    struct policy_emit *emit = self;
    const struct sl_port *port = environment->port;
    emit->host = environment->host;
    emit->policy = environment->policy;
    emit->policy_tag = environment->policy_tag;
    emit->config = environment->config;
    emit->out_channel = port[SL_PORT_OUT].channel;
    emit->peer_channel = port[SL_PORT_PEER_OUT].channel;
    emit->slots = emit->config->slots < SL_MAX_SLOTS ? emit->config->slots : SL_MAX_SLOTS;
    message_ring_consumer_init(&emit->in.ring, port[SL_PORT_IN].region[0],
                               port[SL_PORT_IN].region[1], port[SL_PORT_IN].size[0]);
    if (emit->config->mode == SL_ONE_WAY)
        begin_one_way(emit, &port[SL_PORT_OUT]);
    else
        connect_two_way(emit, port);
    audit_init(&emit->audit, environment);

    check_policy(emit, environment->policy, environment->policy_size);
    policy_state_init(&emit->state, environment->policy);
    const struct policy_service *service;
    for (unsigned i = 0; (service = policy_service(environment->policy, i)) != NULL; i++)
        emit->has_link |= sl_protocol(service->protocol)->link != NULL;
    kept_init(emit);
    /* Keys of an earlier life of this gateway should not be guessable as this one's. */
    for (unsigned i = 0; i < emit->slots; i++)
        sl_random(emit->host, &emit->slot[i].turn, sizeof emit->slot[i].turn);
}

const struct sl_protocol *protocol_of(const struct policy_emit *emit,
                                      const struct sl_record *record,
                                      const struct policy_service **service)
{
    *service = policy_service(emit->policy, record->service);
    return *service ? sl_protocol((*service)->protocol) : NULL;
}

void audit_dropped(struct policy_emit *emit, const struct sl_record *record, enum sl_reason reason)
{
    struct sl_audit audit =
        audit_about(record, SL_AUDIT_DROPPED, emit->config->component, emit->now);
    audit.direction = emit->config->direction;
    audit.reason = (uint16_t)reason;
    audit.policy = emit->policy_tag;
    audit.value = 1;
    audit_put(&emit->audit, &audit);
}

bool put_record(struct policy_emit *emit, struct message_ring_producer *ring,
                const struct sl_record *record, const void *payload)
{
    enum ring_result result =
        message_ring_put(ring, record, sizeof *record, payload, record->length);
    if (result == RING_FAULT)
        sl_fault(emit->host, "a consumer's ring index is impossible", 0, 0);
    if (result == RING_OK)
        return true;
    audit_dropped(emit, record, SL_REASON_RING_FULL);
    return false;
}

static bool drain(struct policy_emit *emit, struct record_inbox *inbox,
                  void (*handle)(void *, const struct sl_record *, const uint8_t *))
{
    bool fault = false;
    bool done = record_drain(inbox, handle, emit, &fault);
    if (fault)
        sl_fault(emit->host, "a producer's ring index or record length is impossible", 0, 0);
    return done;
}

static bool drain_peer_once(struct policy_emit *emit)
{
    bool request = emit->config->direction == SL_REQUEST;
    return drain(emit, &emit->peer_in, request ? request_peer_handle : reply_peer_handle);
}

void drain_peer(struct policy_emit *emit)
{
    (void)drain_peer_once(emit);
}

static void wake(void *self, uint64_t badges)
{
    struct policy_emit *emit = self;
    bool request = emit->config->direction == SL_REQUEST;
    (void)badges;
    emit->now = sl_now(emit->host);
    emit->refused = false;
    if (emit->config->mode == SL_ONE_WAY) {
        bool all = drain(emit, &emit->in, request_handle);
        uint64_t tick = oneway_tick(emit);
        sl_deadline(emit->host, all ? tick : 0);
        return; /* over a one-way ring nothing is signalled */
    }
    bool done = drain_peer_once(emit);
    done &= drain(emit, &emit->in, request ? request_handle : reply_handle);
    if (!request)
        reply_tick(emit);
    if (message_ring_should_notify(&emit->out))
        sl_notify(emit->host, emit->out_channel);
    /* OUTSTANDING and SETTLED can wait: each is read before it is needed (see drain_peer's
     * callers), which spares two wakes a request. */
    if (emit->refused && message_ring_should_notify(&emit->peer_out))
        sl_notify(emit->host, emit->peer_channel);
    sl_deadline(emit->host, !done ? 0 : request ? SL_NEVER : emit->next_tick);
}

const struct sl_component policy_emit_component = {
    .name = "policy_emit",
    .self_size = offsetof(struct policy_emit, link),
    .link_size = sizeof(struct policy_emit) - offsetof(struct policy_emit, link),
    .init = init,
    .wake = wake,
    .adopt = adopt,
};
