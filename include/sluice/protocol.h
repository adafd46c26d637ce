/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protocol seam: what the pipeline asks of a protocol. One folder in src/protocols fills
 * one struct sl_protocol; the components, the tools and the fuzzers know nothing else of it.
 *
 * All functions are pure: no allocation, no host calls, no state beyond their arguments, the
 * same on every host. A canonical message is a flat struct in host byte order, trimmed to
 * `length`; a function that takes one from another component may be handed anything at all,
 * which is why validate() comes first and is total.
 */
#ifndef SLUICE_PROTOCOL_H
#define SLUICE_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/config.h"
#include "sluice/json.h"
#include "sluice/reason.h"

struct sl_audit;       /* sluice/audit.h */
struct policy_state;   /* src/policy/state.h: clock, rates and last values */
struct policy_service; /* src/policy/image.h: one service, its rules and options, in place */

enum sl_protocol_id { SL_PROTOCOL_MODBUS_TCP = 0, SL_PROTOCOL_DNP3 = 1, SL_PROTOCOL_COUNT };

enum sl_frame_status {
    SL_FRAME_MORE,     /* not all there yet; `length` bytes are whole parts of it (link frames) */
    SL_FRAME_COMPLETE, /* `length` bytes are one message */
    SL_FRAME_LOST,     /* `reason`: no boundary can be trusted any more; close the session */
};
struct sl_frame {
    enum sl_frame_status status;
    size_t length;
    enum sl_reason reason;
};

struct sl_decision {
    bool allowed;
    enum sl_reason reason; /* why not; SL_REASON_NONE when allowed */
    uint16_t rule;         /* index into the image's rules; SL_NO_RULE (audit.h) */
};

/* A link layer below messages: frames with a head and checks of their own, which each frontend
 * exchanges with its own neighbour. None of it crosses the gateway. */
#define SL_LINK_ANSWER 10u /* bytes of a frame without user data */
#define SL_LINK_PEERS  8u  /* neighbours whose frames are numbered, on one connection */

enum sl_link_status {
    SL_LINK_MORE,    /* not a whole frame yet */
    SL_LINK_WAIT,    /* whole, and not to be answered before the far side's state is known */
    SL_LINK_NOISE,   /* `length` bytes are no part of a frame; `reason` */
    SL_LINK_OWN,     /* a frame for this end alone, or one again; perhaps with an answer */
    SL_LINK_MESSAGE, /* a frame that is a message. `reason` not NONE: or would be, but for that */
    SL_LINK_FIRST,   /* one with the beginning of a message, whatever came before */
    SL_LINK_NEXT,    /* with more of it */
    SL_LINK_LAST,    /* with its end */
};

/* What a frame comes to. `answer` goes back to who sent it, once the frame is taken. */
struct sl_link_step {
    enum sl_link_status status;
    enum sl_reason reason;
    size_t length;    /* of the frame */
    size_t noise;     /* reason CRC: of it, where bytes between frames are skipped: it may be cut
                       * short, and the next one inside */
    uint32_t parties; /* between whom it runs: master << 16 | outstation */
    uint8_t answer_length;
    uint8_t answer[SL_LINK_ANSWER];
};

/* What one end of a link remembers. All zero at first. */
struct sl_link_state {
    uint32_t parties[SL_LINK_PEERS];
    uint8_t flags[SL_LINK_PEERS]; /* the protocol's own */
    uint8_t next;
};

/* What this end stands for: the stations beyond the gateway. ASIDE: nobody; whoever looks answers
 * nothing and counts nothing, and gets confirmed user data as it gets other data. */
enum sl_link_far { SL_LINK_FAR_UNKNOWN, SL_LINK_FAR_UP, SL_LINK_FAR_DOWN, SL_LINK_FAR_ASIDE };
struct sl_link_view {
    enum sl_link_far far;
    bool any; /* others are let through too */
    uint16_t station_count;
    const struct sl_station *station; /* those there are, as this side's neighbours call them */
};

/* What a message is to the exchange that it belongs to. */
struct sl_traits {
    uint32_t parties;  /* between whom it runs: master << 16 | outstation */
    uint16_t key;      /* as key() */
    uint16_t next_key; /* `more`: of the message that continues it */
    bool confirms;     /* a request: says only that a reply came; `key` is that reply's */
    bool asks_confirm; /* a reply: waits for such a request */
    bool unsolicited;  /* a reply to no request, or what confirms one */
    bool more;         /* a reply: another message continues it */
};

/* A run of what a read asks for, for a summary of many. */
struct sl_extent {
    uint32_t place;       /* of whom and of what: the protocol's own */
    uint32_t first, last; /* addresses or indexes, both included */
};

/* A value as a line shows it. */
#define SL_VALUE_TEXT 32u
struct sl_value {
    bool number; /* `text` is a JSON number */
    char text[SL_VALUE_TEXT];
};

struct sl_protocol {
    const char *name;       /* as in the configuration: "modbus-tcp" */
    const char *event_type; /* as in EVE: "modbus" */
    uint16_t default_port;
    size_t max_message;   /* bytes of the longest message on the wire */
    size_t max_canonical; /* bytes of the longest canonical message */
    size_t max_emitted;   /* bytes of the longest message that encode() and refuse() make */
    bool keeps_key;       /* the client's own transaction goes to the device */
    bool datagrams;       /* runs over UDP too, each datagram holding whole parts of messages */

    /* The service's own tables in a policy image (policy/image.h): NULL when everything in them
     * stays within `size` bytes (aligned to 8) and their rule and condition numbers are below
     * these; otherwise what is wrong. Total; the functions below rely on it. */
    const char *(*check_rules)(const void *body, size_t size, unsigned rule_count,
                               unsigned condition_count);

    /* Framing. `bytes` is the head of what one direction of a stream still holds. */
    struct sl_frame (*frame)(enum sl_direction direction, const uint8_t *bytes, size_t length);

    /* NULL where messages do not say which way they run. True when these bytes begin with one that
     * does, then `*direction`. */
    bool (*runs)(const uint8_t *bytes, size_t length, enum sl_direction *direction);

    /* The protocol's own mark that ties a reply to its request on one connection, read from a
     * complete frame without trusting the rest of it. A hint: policy_emit checks. */
    uint16_t (*frame_key)(const uint8_t *bytes, size_t length);

    /* Who behind the device a request is for, likewise (Modbus: the unit); NULL: there is
     * nobody behind a device. */
    uint8_t (*frame_unit)(const uint8_t *bytes, size_t length);

    /* Protocols with a link layer; else NULL. The frame at the head of what a neighbour has sent
     * (`direction`: of what runs that way). `state` becomes what it is once the frame is taken. */
    struct sl_link_step (*link)(enum sl_direction direction, const struct sl_link_view *view,
                                struct sl_link_state *state, const uint8_t *bytes, size_t length);

    /* Of a complete message, without trusting the rest of it: a hint, as frame_key() is. Not NULL
     * where `link` is not. */
    struct sl_traits (*frame_traits)(enum sl_direction direction, const uint8_t *bytes,
                                     size_t length);

    /* Strict decode of exactly one message. Fills `canonical` (max_canonical bytes, aligned to
     * 8) and `*canonical_length`, also when the content is malformed: then with what is known
     * of it, enough for refuse() and describe(), its kind marked as such. `service` may be
     * NULL: no options then. */
    enum sl_reason (*decode)(enum sl_direction direction, const struct policy_service *service,
                             const uint8_t *bytes, size_t length, void *canonical,
                             size_t *canonical_length);

    /* Total: any bytes, any length. NONE means every other function below may use it. */
    enum sl_reason (*validate)(enum sl_direction direction, const struct policy_service *service,
                               const void *canonical, size_t length);

    /* The same for what decode() left of a malformed request; after it only refuse() and
     * describe() may use it. */
    enum sl_reason (*validate_malformed)(const void *canonical, size_t length);

    /* Default deny over the whole of a valid canonical request. */
    struct sl_decision (*decide)(const struct policy_service *service, uint32_t client,
                                 const void *request, size_t length);

    /* The same where rules may ask for the time, a rate or a last value (policy/state.h); NULL in
     * protocols without such rules. */
    struct sl_decision (*decide_in)(const struct policy_service *service,
                                    struct policy_state *state, uint32_t client,
                                    const void *request, size_t length);

    /* What a valid canonical message is to its exchange; NULL: every reply is one message and
     * answers a request, and nothing is confirmed. */
    struct sl_traits (*traits)(enum sl_direction direction, const void *canonical, size_t length);

    /* The policy's word on a valid reply: one that matches `request`, or an unsolicited one
     * (NULL). NULL: what matches passes. */
    struct sl_decision (*decide_reply)(const struct policy_service *service, const void *request,
                                       size_t request_length, const void *reply,
                                       size_t reply_length);

    /* NONE while a reply may come in so many messages, of so many bytes in all as encoded for the
     * client; NULL: it is always one. */
    enum sl_reason (*reply_within)(const struct policy_service *service, unsigned messages,
                                   uint32_t bytes);

    /* Stations have other numbers at the device: a valid request gets the device's numbers, before
     * it is encoded and after all else; a valid reply gets the clients', before it is matched or
     * decided on. False: there is no such station. NULL in protocols without. */
    bool (*translate)(const struct policy_service *service, enum sl_direction direction,
                      void *canonical, size_t length);

    /* Last values of points, for services that keep them: a request that passes is about to be
     * sent; later it has its outcome, `reply` valid and matched, or NULL: failed. `order`:
     * state->order just after note_sent. */
    void (*note_sent)(const struct policy_service *service, struct policy_state *state,
                      const void *request, size_t length);
    void (*note_outcome)(const struct policy_service *service, struct policy_state *state,
                         const void *request, size_t request_length, uint32_t order,
                         const void *reply, size_t reply_length);

    /* The values before a write, as far as its state knows them, into the record's old and
     * old_known, as old_value() takes them from there. NULL: none ever. */
    void (*old_values)(const struct policy_service *service, const struct policy_state *state,
                       const void *request, size_t length, struct sl_audit *record);

    /* False where the standard says that nothing comes back, good or bad. `request` is valid, or
     * passed validate_malformed(). */
    bool (*expects_reply)(const struct policy_service *service, const void *request, size_t length);

    /* NONE when a valid `reply` answers the valid `request` that was sent with `key`. */
    enum sl_reason (*match)(const struct policy_service *service, const void *request,
                            size_t request_length, uint16_t key, const void *reply,
                            size_t reply_length);

    /* After match(): makes of the valid `reply` what the request determines and the reply's own
     * wire does not carry, e.g. how many of the last byte's coils count (the others become zero)
     * or, where the service takes a reply from any unit, which unit was asked.
     * Returns the canonical length from then on, never above `reply_length`. */
    size_t (*normalise)(const void *request, size_t request_length, void *reply,
                        size_t reply_length);

    /* True when a matched reply deserves an audit line of its own: the device refused. */
    bool (*notable)(const void *reply, size_t length);

    /* Bytes anew from a valid canonical message, with `key` in place of its transaction.
     * Returns the length, 0 when `size` is too small. */
    size_t (*encode)(enum sl_direction direction, const void *canonical, size_t length,
                     uint16_t key, uint8_t *bytes, size_t size);

    /* The protocol's own refusal of `request` for `reason`, as bytes for the client with the
     * client's own transaction. Returns the length; 0 where the standard answers nothing. */
    size_t (*refuse)(const void *request, size_t length, enum sl_reason reason, uint8_t *bytes,
                     size_t size);

    /* One-way mode: what a device would say to this frame, where the standard makes that a matter
     * of the request alone (a write's confirmation), as bytes for the client. No decision, no
     * check of content. Returns the length; 0 where there is no such answer. */
    size_t (*confirm)(const uint8_t *frame, size_t length, uint8_t *bytes, size_t size);

    /* The transaction that the sender gave the canonical message. */
    uint16_t (*key)(const void *canonical, size_t length);

    /* Decoded fields as JSON members. Takes any bytes; prints what is within `length` (audit
     * records carry only the leading SL_AUDIT_DETAIL bytes). `own_object`: no other members stand
     * beside them; `sluice decode` has `source` for the file. */
    void (*describe)(struct sl_json *json, enum sl_direction direction, const void *canonical,
                     size_t length, bool own_object);

    /* For audit lines; each takes any bytes, as describe(), and may be NULL.
     * reads: the first `room` runs of what a request asks for that only reads; how many, 0: it does
     * more. `*more`: there are others. Lines of these are summed up. NULL: a line each.
     * written: the values that a request writes, the first `room` of them; how many.
     * old_value: what stood where the i-th of these goes, as old_values() noted it; false: not
     * known.
     * untie: takes out of a message what differs between two that want the same (transaction), or
     * that are summed up with each other; returns how much of it is left. */
    unsigned (*reads)(const void *request, size_t length, struct sl_extent *extent, unsigned room,
                      bool *more);
    unsigned (*written)(const void *request, size_t length, struct sl_value *value, unsigned room);
    bool (*old_value)(const struct sl_audit *record, unsigned i, struct sl_value *value);
    size_t (*untie)(enum sl_direction direction, void *canonical, size_t length);
    /* What a run of reads asked for: as JSON members, and as words() would say it. */
    void (*describe_extent)(struct sl_json *json, const struct sl_extent *extent);
    void (*extent_words)(char *text, size_t size, const struct sl_extent *extent);

    /* What the message wants, for a person: "write 215 to register 2, unit 1", ended by NUL and
     * cut off at `size`. Takes any bytes, as describe(). NULL: no words for this protocol yet. */
    void (*words)(char *text, size_t size, enum sl_direction direction, const void *canonical,
                  size_t length);
};

extern const struct sl_protocol modbus_tcp_protocol;
extern const struct sl_protocol dnp3_protocol;

/* NULL for a number that is none. */
const struct sl_protocol *sl_protocol(unsigned id);
/* NULL for a name that is none. */
const struct sl_protocol *sl_protocol_by_name(const char *name);

#endif
