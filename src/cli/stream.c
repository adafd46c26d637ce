/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cli/stream_link.h"

bool stream_open(struct stream *stream)
{
    stream->buffer = malloc(stream->protocol->max_message);
    stream->canonical = aligned_alloc(8, (stream->protocol->max_canonical + 7) & ~(size_t)7);
    return stream->buffer && stream->canonical && stream_link_open(stream);
}

void stream_free(struct stream *stream)
{
    free(stream->buffer);
    free(stream->canonical);
    stream->buffer = NULL;
    stream->canonical = NULL;
    stream_link_free(stream);
}

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

/* As parser_norm and policy_emit would. */
void stream_judge(struct stream *stream, const uint8_t *bytes, size_t length, uint64_t offset)
{
    const struct sl_protocol *protocol = stream->protocol;
    struct stream_message message = {.offset = offset,
                                     .length = length,
                                     .bytes = bytes,
                                     .verdict = SL_VERDICT_ACCEPT,
                                     .rule = SL_NO_RULE,
                                     .canonical = stream->canonical};
    message.reason = protocol->decode(stream->direction, stream->service, bytes, length,
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

void stream_report(const struct stream *stream, const uint8_t *bytes, size_t length,
                   uint64_t offset, enum sl_verdict verdict, enum sl_reason reason)
{
    const struct stream_message message = {.offset = offset,
                                           .length = length,
                                           .bytes = bytes,
                                           .verdict = verdict,
                                           .reason = reason,
                                           .rule = SL_NO_RULE};
    stream->sink(stream->context, &message);
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

void stream_lost(struct stream *stream, enum sl_reason reason)
{
    stream->ended = true;
    stream_report(stream, stream->buffer, shortest_lost(stream), stream->offset,
                  SL_VERDICT_MALFORMED, reason);
}

/* One message at the buffer's head; 0 where that needs more bytes or none will come. */
static size_t take_message(struct stream *stream)
{
    struct sl_frame frame =
        stream->protocol->frame(stream->direction, stream->buffer, stream->held);
    if (frame.status == SL_FRAME_LOST) {
        stream_lost(stream, frame.reason);
        return 0;
    }
    if (frame.status == SL_FRAME_MORE) {
        assert(stream->held < stream->protocol->max_message);
        return 0;
    }
    assert(frame.length && frame.length <= stream->held);
    stream_judge(stream, stream->buffer, frame.length, stream->offset);
    return frame.length;
}

/* Takes the buffer's head; false when that needs more bytes. */
static bool take_head(struct stream *stream)
{
    if (stream->by_content &&
        stream->protocol->runs(stream->buffer, stream->held, &stream->direction))
        stream->by_content = false;
    const size_t taken = stream->protocol->link ? stream_link_take(stream) : take_message(stream);
    stream->held -= taken;
    stream->offset += taken;
    memmove(stream->buffer, stream->buffer + taken, stream->held);
    return taken > 0;
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
        while (stream->held && take_head(stream))
            ;
    }
}

/* What is left of messages when no more of them comes. */
static void cut(struct stream *stream, enum sl_verdict verdict, enum sl_reason reason)
{
    if (!stream_link_cut(stream, verdict, reason) && stream->held)
        stream_report(stream, stream->buffer, stream->held, stream->offset, verdict, reason);
}

void stream_datagram(struct stream *stream, const uint8_t *bytes, size_t length, size_t missing)
{
    const uint64_t end = stream->offset + stream->held + length;
    stream->datagrams = true;
    stream_push(stream, bytes, length);
    if (!stream->ended && !missing && !stream->held)
        return;
    if (!stream->ended)
        cut(stream, missing ? SL_VERDICT_INCOMPLETE : SL_VERDICT_MALFORMED,
            missing ? SL_REASON_NONE : SL_REASON_TRUNCATED);
    stream->ended = false; /* framing was lost up to this datagram's end, not beyond */
    stream->held = 0;
    stream->offset = end;
}

void stream_end(struct stream *stream)
{
    if (!stream->ended)
        cut(stream, SL_VERDICT_INCOMPLETE, SL_REASON_NONE);
    stream->ended = true;
}
