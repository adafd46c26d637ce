/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of one policy_emit, private to this folder. */
#ifndef SLUICE_POLICY_EMIT_H
#define SLUICE_POLICY_EMIT_H

#include "components/audit.h"
#include "components/record_io.h"
#include "policy/state.h"
#include "sluice/config.h"
#include "sluice/counters.h"
#include "sluice/host.h"
#include "sluice/protocol.h"

#define STORED_REQUEST_MAX 512u /* bytes of a canonical request kept for its reply */
/* Longer ones, of protocols that have them: so many at once. */
#define LONG_REQUESTS 32u
#define NO_PLACE      UINT8_MAX
/* Replies that wait for their confirmation; the oldest goes for one more. */
#define AWAITED_MAX 256u

/* A reply slot as this instance sees it. The request instance uses only the first two, and for
 * services that learn values the request and its order. */
struct slot {
    bool outstanding;
    uint8_t turn;       /* counts the slot's uses; high byte of the key towards the device */
    uint8_t place;      /* of the request among the long ones, or NO_PLACE */
    bool given_up;      /* reply: a part was not fit to pass on, so nothing that follows is */
    uint8_t policy_tag; /* reply: of the policy that `rule` is of */
    uint16_t rule;
    uint16_t request_length;
    uint32_t order;          /* request: of the message among those sent (policy/state.h) */
    struct sl_record record; /* of the request, as the request instance published it */
    _Alignas(8) uint8_t request[STORED_REQUEST_MAX]; /* canonical */
};

/* Where a protocol has a link layer. */
struct emit_link {
    uint16_t long_free_count;
    uint8_t long_free[LONG_REQUESTS];
    _Alignas(8) uint8_t long_request[LONG_REQUESTS][SL_MAX_PAYLOAD];
    /* reply: of the slot's reply so far */
    struct series {
        uint32_t bytes; /* as encoded for the client */
        uint16_t parts;
        uint16_t expect; /* what the next part carries */
    } series[SL_MAX_SLOTS];
    /* request: replies that the client has and may confirm */
    uint16_t awaited_next;
    struct awaited {
        uint32_t parties;
        uint32_t generation;
        uint16_t session;
        uint16_t key;
        bool on;
    } awaited[AWAITED_MAX];
};

/* Replies of one service that the monitor has not been told of. */
struct answered {
    uint64_t sum; /* ns */
    uint8_t count;
    uint8_t bucket[SL_AUDIT_DETAIL];
};

struct policy_emit {
    struct sl_host *host;
    const void *policy;
    uint8_t policy_tag;
    const struct sl_stage_config *config;
    uint8_t out_channel, peer_channel;
    struct record_inbox in, peer_in;
    struct message_ring_producer out, peer_out;
    uint16_t oneway_key;               /* one-way: of the last request */
    struct oneway_producer out_oneway; /* one-way: instead of `out`; there is no peer */
    struct oneway_producer audit;
    uint64_t now; /* of this wake */
    bool refused; /* request: this wake sent the peer something it must act on */
    struct {
        uint64_t allowed, denied, malformed, reported; /* reported: their sum, when last told */
        uint64_t next;
    } count;            /* one-way: nobody else knows how many there were */
    uint64_t next_tick; /* reply: when to look for requests that nobody answered */
    struct answered answered[SL_MAX_SERVICES]; /* reply */
    uint16_t slots;
    struct slot slot[SL_MAX_SLOTS];
    struct policy_state state; /* request */
    _Alignas(8) uint8_t emitted[SL_MAX_PAYLOAD];
    _Alignas(8) uint8_t emitted_slot[SL_MAX_RECORD]; /* one-way: header and bytes as one */
    bool has_link;
    struct emit_link link; /* behind the rest (sl_component.link_size) */
};

/* kept.c: the requests that replies are held against */
void kept_init(struct policy_emit *emit);
/* False: too long, and there is no room for one more of these. */
bool slot_keep(struct policy_emit *emit, struct slot *slot, const uint8_t *request,
               uint16_t length);
void slot_forget(struct policy_emit *emit, struct slot *slot);
/* slot->request_length bytes. */
const uint8_t *slot_request(const struct policy_emit *emit, const struct slot *slot);
/* The request instance's replies that wait for confirmation: one more; one is here. */
void awaited_add(struct policy_emit *emit, const struct sl_record *record, uint32_t parties);
bool awaited_take(struct policy_emit *emit, const struct sl_record *record, uint32_t parties,
                  uint16_t key);

/* request.c: from parser_norm; from the reply instance */
void request_handle(void *self, const struct sl_record *record, const uint8_t *payload);
void request_peer_handle(void *self, const struct sl_record *record, const uint8_t *payload);
/* reply.c, unsolicited.c: from parser_norm; from the request instance */
void reply_handle(void *self, const struct sl_record *record, const uint8_t *payload);
void reply_peer_handle(void *self, const struct sl_record *record, const uint8_t *payload);
void reply_tick(struct policy_emit *emit);
void unsolicited_handle(struct policy_emit *emit, const struct sl_record *record,
                        const uint8_t *payload);
/* answered.c: a reply was handed on; once a second */
void answered_note(struct policy_emit *emit, const struct sl_record *request);
void answered_tick(struct policy_emit *emit);
/* oneway.c: to be called at the end of a wake; when to be woken again, SL_NEVER: no need */
uint64_t oneway_tick(struct policy_emit *emit);
/* Ends all sessions that an earlier life of this side left at the other. */
void oneway_begin(struct policy_emit *emit);
void oneway_send_end(struct policy_emit *emit, const struct sl_record *record);
void oneway_send(struct policy_emit *emit, const struct sl_protocol *protocol,
                 const struct sl_record *record, uint8_t *canonical);

/* unsolicited.c: the reply, in the clients' addresses, is about to reach its client as so many
 * bytes. Not told where there is no room for these: what a client did not get, it cannot confirm.
 */
void tell_delivered(struct policy_emit *emit, const struct sl_protocol *protocol,
                    const struct sl_record *record, const uint8_t *reply, size_t length,
                    size_t emitted);

/* policy_emit.c */
void drain_peer(struct policy_emit *emit);
/* False, with an audit record, when the ring is full. */
bool put_record(struct policy_emit *emit, struct message_ring_producer *ring,
                const struct sl_record *record, const void *payload);
void audit_dropped(struct policy_emit *emit, const struct sl_record *record, enum sl_reason reason);
/* The protocol of the record's service, and the service; NULL when there is none. */
const struct sl_protocol *protocol_of(const struct policy_emit *emit,
                                      const struct sl_record *record,
                                      const struct policy_service **service);

#endif
