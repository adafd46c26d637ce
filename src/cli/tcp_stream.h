/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One direction of one TCP connection, from captured segments in any order to its bytes in
 * order. Where segments overlap, the bytes that came first stay; a retransmission with other
 * bytes is reported. A capture that starts inside a connection starts the stream at the first
 * segment that carries data. Bytes that the capture never had end the stream: what follows
 * them has no message boundary that could be trusted.
 */
#ifndef SLUICE_CLI_TCP_STREAM_H
#define SLUICE_CLI_TCP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/capture.h"

/* What one stream tells its owner. Offsets count the stream's bytes from its start. */
struct tcp_stream_events {
    void (*data)(void *context, const uint8_t *bytes, size_t length);
    /* A segment brought other bytes than were taken for this place before. */
    void (*conflict)(void *context, uint64_t offset);
    /* No more will come. `missing` is 0 for a regular end, otherwise the number of bytes that
     * are not in the capture at `offset`, with data after them. */
    void (*end)(void *context, uint64_t offset, uint64_t missing);
};

#define TCP_STREAM_HELD    ((size_t)1 << 20) /* bytes waiting for earlier ones, at most */
#define TCP_STREAM_PIECES  4096u             /* in so many pieces, at most */
#define TCP_STREAM_HISTORY ((size_t)1 << 16) /* bytes kept to compare retransmissions with */

struct tcp_held;

struct tcp_stream {
    const struct tcp_stream_events *events;
    void *context;
    bool started;      /* `next` is known */
    bool synchronised; /* by a SYN, not by the first data of a capture that starts later */
    bool ended;
    bool fin_seen;
    uint32_t next;         /* sequence number of the next byte */
    uint32_t initial;      /* sequence number of the SYN, where seen */
    uint32_t fin;          /* sequence number after the last byte */
    uint64_t offset;       /* bytes handed on */
    struct tcp_held *held; /* sorted by distance, not overlapping */
    size_t held_bytes, held_pieces;
    uint8_t *history; /* ring of the last bytes handed on; allocated at the first */
};

void tcp_stream_init(struct tcp_stream *stream, const struct tcp_stream_events *events,
                     void *context);
/* Takes one segment of this direction. */
void tcp_stream_segment(struct tcp_stream *stream, const struct tcp_segment *segment);
/* The connection was reset, or the capture is over: frees what is held. Safe to call again. */
void tcp_stream_close(struct tcp_stream *stream);

#endif
