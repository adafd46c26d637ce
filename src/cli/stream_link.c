/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/stream_link.h"

#include <stdlib.h>
#include <string.h>

bool stream_link_open(struct stream *stream)
{
    const size_t size = stream->protocol->max_message;
    uint8_t *const bytes = stream->protocol->link ? malloc(STREAM_PARTS * size) : NULL;
    for (size_t i = 0; bytes && i < STREAM_PARTS; i++)
        stream->part[i] = (struct stream_part){.bytes = bytes + i * size};
    return bytes || !stream->protocol->link;
}

void stream_link_free(struct stream *stream)
{
    free(stream->part[0].bytes);
    memset(stream->part, 0, sizeof stream->part);
}

static struct stream_part *part_of(struct stream *stream, uint32_t parties)
{
    for (unsigned i = 0; i < STREAM_PARTS; i++)
        if (stream->part[i].order && stream->part[i].parties == parties)
            return &stream->part[i];
    return NULL;
}

/* NULL: none is under way. */
static struct stream_part *oldest(struct stream *stream)
{
    struct stream_part *found = NULL;
    for (unsigned i = 0; i < STREAM_PARTS; i++) {
        struct stream_part *const part = &stream->part[i];
        if (part->order && (!found || part->order < found->order))
            found = part;
    }
    return found;
}

/* What there is of it is judged as it is. */
static void end_part(struct stream *stream, struct stream_part *part)
{
    part->order = 0;
    stream_judge(stream, part->bytes, part->length, part->offset);
}

static struct stream_part *begin_part(struct stream *stream, uint32_t parties)
{
    struct stream_part *part = stream->part;
    while (part < stream->part + STREAM_PARTS && part->order)
        part++;
    if (part == stream->part + STREAM_PARTS) {
        part = oldest(stream);
        end_part(stream, part);
    }
    part->order = ++stream->begun;
    part->offset = stream->offset;
    part->parties = parties;
    part->length = 0;
    return part;
}

static void append_frame(struct stream *stream, struct stream_part *part, size_t length)
{
    memcpy(part->bytes + part->length, stream->buffer, length);
    part->length += length;
    part->end = stream->offset + length;
}

/* A frame with a message or a part of one. */
static void take_frame(struct stream *stream, const struct sl_link_step *step)
{
    struct stream_part *part = part_of(stream, step->parties);
    const bool begins = step->status == SL_LINK_FIRST || step->status == SL_LINK_MESSAGE;
    if (part && (begins || part->length + step->length > stream->protocol->max_message)) {
        end_part(stream, part);
        part = NULL;
    }
    if (step->status == SL_LINK_FIRST)
        part = begin_part(stream, step->parties);
    if (!part) { /* a whole message, or what is none by itself */
        stream_judge(stream, stream->buffer, step->length, stream->offset);
        return;
    }
    append_frame(stream, part, step->length);
    if (step->status == SL_LINK_LAST)
        end_part(stream, part);
}

size_t stream_link_take(struct stream *stream)
{
    static const struct sl_link_view aside = {.far = SL_LINK_FAR_ASIDE, .any = true};
    struct sl_link_state state = {.next = 0};
    const struct sl_link_step step =
        stream->protocol->link(stream->direction, &aside, &state, stream->buffer, stream->held);
    switch (step.status) {
    case SL_LINK_MORE:
    case SL_LINK_WAIT:
        return 0;
    case SL_LINK_NOISE:
        for (struct stream_part *part; !stream->datagrams && (part = oldest(stream));)
            end_part(stream, part);
        stream_lost(stream, step.reason);
        return 0;
    case SL_LINK_OWN:
        stream_judge(stream, stream->buffer, step.length, stream->offset);
        break;
    case SL_LINK_MESSAGE:
    case SL_LINK_FIRST:
    case SL_LINK_NEXT:
    case SL_LINK_LAST:
        if (step.reason == SL_REASON_NONE)
            take_frame(stream, &step);
        else /* not part of anything */
            stream_judge(stream, stream->buffer, step.length, stream->offset);
        break;
    }
    return step.length;
}

/* The one that a frame came for last; NULL: none is under way. */
static struct stream_part *latest(struct stream *stream)
{
    struct stream_part *found = NULL;
    for (unsigned i = 0; i < STREAM_PARTS; i++) {
        struct stream_part *const part = &stream->part[i];
        if (part->order && (!found || part->end > found->end))
            found = part;
    }
    return found;
}

bool stream_link_cut(struct stream *stream, enum sl_verdict verdict, enum sl_reason reason)
{
    struct stream_part *const goes_on = latest(stream);
    const size_t length = goes_on ? goes_on->length + stream->held : 0;
    const bool taken = goes_on && length <= stream->protocol->max_message;
    if (taken) {
        memcpy(goes_on->bytes + goes_on->length, stream->buffer, stream->held);
        goes_on->length = length;
    }
    for (struct stream_part *part; (part = oldest(stream));) {
        part->order = 0;
        stream_report(stream, part->bytes, part->length, part->offset, verdict, reason);
    }
    return taken;
}
