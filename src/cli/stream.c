/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool stream_open(struct stream *stream)
{
    stream->buffer = malloc(stream->protocol->max_message);
    stream->canonical = aligned_alloc(8, (stream->protocol->max_canonical + 7) & ~(size_t)7);
    return stream->buffer && stream->canonical;
}

void stream_free(struct stream *stream)
{
    free(stream->buffer);
    free(stream->canonical);
    stream->buffer = NULL;
    stream->canonical = NULL;
}

/* One whole message at the buffer's head, judged as parser_norm and policy_emit would. */
/* As the gateway would: with the time, what passed before, and what is known of the device. */
static struct sl_decision decide(struct stream *stream, size_t length)
{
    const struct sl_protocol *const protocol = stream->protocol;
    const struct policy_service *const service = stream->service;
    if (!stream->state || !protocol->decide_in)
        return protocol->decide(service, stream->client, stream->canonical, length);
    const void *const image = (const uint8_t *)service - service->image;
    policy_state_begin(stream->state, stream->now, stream->now, stream->client);
    stream->state->session = stream->session;
    struct sl_decision decision =
        protocol->decide_in(service, stream->state, stream->client, stream->canonical, length);
    if (decision.allowed && !policy_rate_allows(stream->state, image, service->rate))
        decision = (struct sl_decision){.reason = SL_REASON_RATE, .rule = SL_NO_RULE};
    if (decision.allowed)
        policy_state_spend(stream->state);
    return decision;
}

static void judge(struct stream *stream, size_t length)
{
    const struct sl_protocol *protocol = stream->protocol;
    if (stream->by_content)
        (void)protocol->runs(stream->buffer, length, &stream->direction);
    stream->by_content = false;
    struct stream_message message = {.offset = stream->offset,
                                     .length = length,
                                     .bytes = stream->buffer,
                                     .verdict = SL_VERDICT_ACCEPT,
                                     .rule = SL_NO_RULE,
                                     .canonical = stream->canonical};
    message.reason = protocol->decode(stream->direction, stream->service, stream->buffer, length,
                                      stream->canonical, &message.canonical_length);
    if (message.reason == SL_REASON_NONE)
        message.reason = protocol->validate(stream->direction, stream->service, stream->canonical,
                                            message.canonical_length);
    if (message.reason != SL_REASON_NONE) {
        message.verdict = SL_VERDICT_MALFORMED;
    } else if (stream->service && stream->direction == SL_REQUEST) {
        const struct sl_decision decision = decide(stream, message.canonical_length);
        message.verdict = decision.allowed ? SL_VERDICT_ALLOW : SL_VERDICT_DENY;
        message.reason = decision.reason;
        message.rule = decision.rule;
        if (decision.reason == SL_REASON_LINK_FRAME) { /* each side's own; no rule is asked */
            message.verdict = SL_VERDICT_ACCEPT;
            message.reason = SL_REASON_NONE;
        }
    }
    stream->sink(stream->context, &message);
}

static void report(const struct stream *stream, size_t length, enum sl_verdict verdict,
                   enum sl_reason reason)
{
    const struct stream_message message = {.offset = stream->offset,
                                           .length = length,
                                           .bytes = stream->buffer,
                                           .verdict = verdict,
                                           .reason = reason,
                                           .rule = SL_NO_RULE};
    stream->sink(stream->context, &message);
}

static void report_rest(struct stream *stream, size_t length, enum sl_verdict verdict,
                        enum sl_reason reason)
{
    stream->ended = true;
    report(stream, length, verdict, reason);
}

/* How the bytes were split over segments must not show: the shortest head that is lost counts. */
static size_t shortest_lost(const struct stream *stream)
{
    size_t length = 1;
    while (length < stream->held &&
           stream->protocol->frame(stream->direction, stream->buffer, length).status !=
               SL_FRAME_LOST)
        length++;
    return length;
}

/* Takes one message off the buffer's head; false when that needs more bytes. */
static bool take_message(struct stream *stream)
{
    struct sl_frame frame =
        stream->protocol->frame(stream->direction, stream->buffer, stream->held);
    if (frame.status == SL_FRAME_LOST) {
        report_rest(stream, shortest_lost(stream), SL_VERDICT_MALFORMED, frame.reason);
        return false;
    }
    if (frame.status == SL_FRAME_MORE) {
        assert(stream->held < stream->protocol->max_message);
        return false;
    }
    assert(frame.length && frame.length <= stream->held);
    judge(stream, frame.length);
    stream->held -= frame.length;
    stream->offset += frame.length;
    memmove(stream->buffer, stream->buffer + frame.length, stream->held);
    return true;
}

void stream_push(struct stream *stream, const uint8_t *bytes, size_t length)
{
    while (!stream->ended && length) {
        size_t room = stream->protocol->max_message - stream->held;
        size_t part = length < room ? length : room;
        memcpy(stream->buffer + stream->held, bytes, part);
        stream->held += part;
        bytes += part;
        length -= part;
        while (stream->held && take_message(stream))
            ;
    }
}

/* True when what is held are whole parts of a message that goes on in the next datagram. */
static bool holds_whole_parts(const struct stream *stream)
{
    struct sl_frame frame =
        stream->protocol->frame(stream->direction, stream->buffer, stream->held);
    return frame.status == SL_FRAME_MORE && frame.length == stream->held;
}

void stream_datagram(struct stream *stream, const uint8_t *bytes, size_t length, size_t missing)
{
    const uint64_t end = stream->offset + stream->held + length;
    stream_push(stream, bytes, length);
    if (!stream->ended && !missing && (!stream->held || holds_whole_parts(stream)))
        return;
    if (!stream->ended && stream->held)
        report(stream, stream->held, missing ? SL_VERDICT_INCOMPLETE : SL_VERDICT_MALFORMED,
               missing ? SL_REASON_NONE : SL_REASON_TRUNCATED);
    stream->ended = false; /* framing was lost up to this datagram's end, not beyond */
    stream->held = 0;
    stream->offset = end;
}

void stream_end(struct stream *stream)
{
    if (!stream->ended && stream->held)
        report_rest(stream, stream->held, SL_VERDICT_INCOMPLETE, SL_REASON_NONE);
    stream->ended = true;
}
