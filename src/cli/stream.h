/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One direction of one stream, from its bytes to its messages with their verdicts: the same
 * framing, decoding and deciding as in the gateway. Where the protocol has a link layer
 * (stream_link.c), messages whose frames interleave end one by one, each with its own offset.
 */
#ifndef SLUICE_CLI_STREAM_H
#define SLUICE_CLI_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/state.h"
#include "sluice/audit.h"
#include "sluice/protocol.h"

struct stream_message {
    uint64_t offset; /* of the first byte, in this direction of the stream */
    size_t length;   /* bytes; where framing is lost: the fewest that show it */
    const uint8_t *bytes;
    enum sl_verdict verdict;
    enum sl_reason reason; /* NONE: nothing to say */
    uint16_t rule;         /* that decided, or SL_NO_RULE */
    const void *canonical; /* what is known of it; NULL when it was not decoded */
    size_t canonical_length;
};

typedef void (*message_sink)(void *context, const struct stream_message *message);

/* Messages of several link frames that may be under way at once, as on a gateway's connection
 * (net/assembly.h); for one more the oldest is given up. */
#define STREAM_PARTS 4u
struct stream_part {
    uint64_t order; /* counts beginnings; 0: free */
    uint64_t offset;
    uint64_t end; /* offset after the last frame taken */
    uint32_t parties;
    size_t length;
    uint8_t *bytes; /* protocol->max_message */
};

struct stream {
    const struct sl_protocol *protocol;
    enum sl_direction direction;
    bool by_content; /* where the protocol tells, the first message says which direction it is */
    const struct policy_service *service; /* NULL: no policy, requests are only accepted */
    uint32_t client;                      /* IPv4, host byte order: who sends the requests */
    uint32_t session;                     /* with a state: one number a connection */
    struct policy_state *state;           /* NULL: each request is decided by itself */
    uint64_t now;                         /* with a state: Unix time of what is pushed, ns */
    message_sink sink;
    void *context;
    bool ended;
    bool datagrams;  /* stream_datagram() was called: lost framing ends with the datagram */
    uint64_t offset; /* of buffer[0] */
    size_t held;     /* bytes in the buffer */
    uint8_t *buffer; /* protocol->max_message bytes, then max_canonical; own */
    void *canonical;
    uint64_t begun; /* parts, ever */
    struct stream_part part[STREAM_PARTS];
};

/* The caller fills the members up to `context` and zeroes the rest. False: no memory. */
bool stream_open(struct stream *stream);
/* The next bytes. After lost framing they are ignored: no boundary among them can be trusted. */
void stream_push(struct stream *stream, const uint8_t *bytes, size_t length);
/* The next datagram, of a protocol that has them: it holds whole parts of messages. What does not
 * is reported and dropped, and the next one starts anew. `missing` bytes of it are not there. */
void stream_datagram(struct stream *stream, const uint8_t *bytes, size_t length, size_t missing);
/* No more will come: what is left of messages is incomplete. Safe to call again. */
void stream_end(struct stream *stream);
void stream_free(struct stream *stream);

/* Decodes and decides one message and hands it to the sink. */
void stream_judge(struct stream *stream, const uint8_t *bytes, size_t length, uint64_t offset);
/* Hands on what was not decoded. */
void stream_report(const struct stream *stream, const uint8_t *bytes, size_t length,
                   uint64_t offset, enum sl_verdict verdict, enum sl_reason reason);
/* Framing is lost at the buffer's head. */
void stream_lost(struct stream *stream, enum sl_reason reason);

#endif
