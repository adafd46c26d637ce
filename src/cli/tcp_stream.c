/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/tcp_stream.h"

#include <stdlib.h>
#include <string.h>

/* Bytes that wait for earlier ones. */
struct tcp_held {
    struct tcp_held *after;
    uint32_t sequence;
    size_t length;
    uint8_t bytes[];
};

/* Sequence numbers wrap: the signed distance from one to another (RFC 9293 section 3.4). */
static int64_t distance(uint32_t from, uint32_t to)
{
    return (int32_t)(to - from);
}

void tcp_stream_init(struct tcp_stream *stream, const struct tcp_stream_events *events,
                     void *context)
{
    *stream = (struct tcp_stream){.events = events, .context = context};
}

static void end_stream(struct tcp_stream *stream, uint64_t missing)
{
    stream->ended = true;
    stream->events->end(stream->context, stream->offset, missing);
    while (stream->held) {
        struct tcp_held *held = stream->held;
        stream->held = held->after;
        free(held);
    }
    stream->held_bytes = stream->held_pieces = 0;
    free(stream->history);
    stream->history = NULL;
}

static void hand_on(struct tcp_stream *stream, const uint8_t *bytes, size_t length)
{
    stream->events->data(stream->context, bytes, length);
    if (!stream->history)
        stream->history = malloc(TCP_STREAM_HISTORY);
    for (size_t i = 0; stream->history && i < length; i++)
        stream->history[(stream->offset + i) % TCP_STREAM_HISTORY] = bytes[i];
    stream->next += (uint32_t)length;
    stream->offset += length;
}

/* Compares what was handed on already, as far back as it is kept. */
static void compare_history(struct tcp_stream *stream, uint32_t sequence, const uint8_t *bytes,
                            size_t length)
{
    uint64_t back = (uint64_t)distance(sequence, stream->next);
    if (!stream->history || back > stream->offset)
        return; /* before the capture's start */
    uint64_t kept_from =
        stream->offset > TCP_STREAM_HISTORY ? stream->offset - TCP_STREAM_HISTORY : 0;
    uint64_t at = stream->offset - back;
    for (size_t i = 0; i < length; i++, at++) {
        if (at < kept_from || stream->history[at % TCP_STREAM_HISTORY] == bytes[i])
            continue;
        stream->events->conflict(stream->context, at);
        return;
    }
}

static bool insert_held(struct tcp_stream *stream, struct tcp_held **place, uint32_t sequence,
                        const uint8_t *bytes, size_t length)
{
    struct tcp_held *held = malloc(sizeof *held + length);
    if (!held)
        return false;
    held->after = *place;
    held->sequence = sequence;
    held->length = length;
    memcpy(held->bytes, bytes, length);
    *place = held;
    stream->held_bytes += length;
    stream->held_pieces++;
    return true;
}

/* Keeps what lies ahead of `next`, only where nothing is held yet. False: it cannot be kept. */
static bool hold(struct tcp_stream *stream, uint32_t sequence, const uint8_t *bytes, size_t length)
{
    struct tcp_held **place = &stream->held;
    while (length) {
        struct tcp_held *held = *place;
        int64_t ahead = held ? distance(sequence, held->sequence) : INT64_MAX;
        if (ahead > 0) { /* a hole before `held`, or the end of the list */
            size_t here = (uint64_t)ahead < length ? (size_t)ahead : length;
            if (!insert_held(stream, place, sequence, bytes, here))
                return false;
            place = &(*place)->after;
            sequence += (uint32_t)here;
            bytes += here;
            length -= here;
            continue;
        }
        uint64_t into = (uint64_t)-ahead;
        if (into < held->length) {
            size_t same = held->length - (size_t)into;
            same = same < length ? same : length;
            if (memcmp(held->bytes + into, bytes, same) != 0)
                stream->events->conflict(
                    stream->context, stream->offset + (uint64_t)distance(stream->next, sequence));
            sequence += (uint32_t)same;
            bytes += same;
            length -= same;
        }
        place = &held->after;
    }
    return stream->held_bytes <= TCP_STREAM_HELD && stream->held_pieces <= TCP_STREAM_PIECES;
}

/* Hands on what now follows without a hole. */
static void release_held(struct tcp_stream *stream)
{
    while (stream->held && stream->held->sequence == stream->next) {
        struct tcp_held *held = stream->held;
        stream->held = held->after;
        stream->held_bytes -= held->length;
        stream->held_pieces--;
        hand_on(stream, held->bytes, held->length);
        free(held);
    }
}

static void take_data(struct tcp_stream *stream, uint32_t sequence, const uint8_t *bytes,
                      size_t length)
{
    int64_t ahead = distance(stream->next, sequence);
    if (ahead == -1 && length <= 1)
        return; /* a keep-alive probe; its byte means nothing (RFC 9293 section 3.8.4) */
    if (ahead < 0) {
        size_t old = (uint64_t)-ahead < length ? (size_t)-ahead : length;
        compare_history(stream, sequence, bytes, old);
        sequence += (uint32_t)old;
        bytes += old;
        length -= old;
    }
    if (!length)
        return;
    /* Through the list even when nothing is missing: what is held came first. */
    if (!hold(stream, sequence, bytes, length)) {
        tcp_stream_close(stream);
        return;
    }
    release_held(stream);
}

void tcp_stream_segment(struct tcp_stream *stream, const struct tcp_segment *segment)
{
    if (stream->ended)
        return;
    uint32_t sequence = segment->sequence;
    if (segment->syn) {
        if (!stream->started) {
            stream->started = stream->synchronised = true;
            stream->initial = sequence;
            stream->next = sequence + 1;
        }
        sequence++; /* the SYN takes the first number */
    }
    if (!stream->started && segment->length) {
        stream->started = true;
        stream->next = sequence;
    }
    if (segment->fin && !stream->fin_seen && stream->started) {
        stream->fin_seen = true;
        stream->fin = sequence + (uint32_t)(segment->length + segment->missing);
    }
    if (segment->length)
        take_data(stream, sequence, segment->payload, segment->length);
    if (!stream->ended && stream->fin_seen && distance(stream->next, stream->fin) <= 0)
        end_stream(stream, 0);
}

void tcp_stream_close(struct tcp_stream *stream)
{
    if (stream->ended)
        return;
    /* Data that is held, or a FIN beyond what came, shows that something before it is missing. */
    int64_t missing = 0;
    if (stream->held)
        missing = distance(stream->next, stream->held->sequence);
    else if (stream->fin_seen)
        missing = distance(stream->next, stream->fin);
    end_stream(stream, missing > 0 ? (uint64_t)missing : 0);
}
