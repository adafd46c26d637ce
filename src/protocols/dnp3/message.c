/* SPDX-License-Identifier: BSD-2-Clause */
/* One message: from link frames to the canonical form and back. */
#include "protocols/dnp3/dnp3.h"
#include "protocols/dnp3/fragment.h"
#include "protocols/dnp3/link.h"

/* --- decode -------------------------------------------------------------------------------- */

/* Link and transport: the fragment's octets, put together. */
struct assembly {
    enum sl_direction direction;
    struct sl_reader frames;
    struct sl_writer fragment;
    struct link_frame first;
    unsigned count; /* frames taken */
    uint8_t sequence;
    bool finished;
    uint8_t before[LINK_MAX_DATA]; /* the last segment taken, of so many octets */
    size_t before_length;
};

/* 1815 8.2: the segment before once more, octet by octet, is passed over. */
static bool repeats(const struct assembly *assembly, const uint8_t *data, size_t length)
{
    if (length != assembly->before_length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (assembly->before[i] != data[i])
            return false;
    return true;
}

/* 1815 8.2: one segment. A sequence number that is not the next one makes the fragment void. */
static enum sl_reason take_segment(struct assembly *assembly, const uint8_t *data, size_t length)
{
    uint8_t transport = data[0];
    bool first = transport & TRANSPORT_FIR;
    if (!first && repeats(assembly, data, length))
        return SL_REASON_NONE;
    if (first != (assembly->count == 0))
        return first ? SL_REASON_TRANSPORT_INCOMPLETE : SL_REASON_TRANSPORT_SEQUENCE;
    if (!first && (transport & TRANSPORT_SEQUENCE) != assembly->sequence)
        return SL_REASON_TRANSPORT_SEQUENCE;
    if (length < 2)
        return SL_REASON_SEGMENT_EMPTY;
    sl_write_bytes(&assembly->fragment, data + 1, length - 1);
    if (assembly->fragment.failed)
        return SL_REASON_FRAGMENT_LENGTH;
    assembly->sequence = (transport + 1) & TRANSPORT_SEQUENCE;
    assembly->finished = transport & TRANSPORT_FIN;
    if (assembly->finished)
        return SL_REASON_NONE;
    memcpy(assembly->before, data, length);
    assembly->before_length = length;
    return SL_REASON_NONE;
}

static enum sl_reason take_frame(struct assembly *assembly)
{
    struct link_frame frame;
    enum sl_reason reason;
    const uint8_t *bytes = assembly->frames.bytes + assembly->frames.offset;
    switch (link_read_header(bytes, sl_remaining(&assembly->frames), &frame, &reason)) {
    case LINK_MORE:
        return SL_REASON_TRUNCATED;
    case LINK_LOST:
        return reason;
    case LINK_COMPLETE:
        break;
    }
    if (!sl_read_bytes(&assembly->frames, frame.wire_length))
        return SL_REASON_TRUNCATED;
    uint8_t data[LINK_MAX_DATA];
    if (!link_read_data(bytes, &frame, data))
        reason = SL_REASON_CRC;
    if (reason == SL_REASON_NONE)
        reason = link_check(assembly->direction, &frame);
    if (assembly->count == 0)
        assembly->first = frame;
    if (reason == SL_REASON_NONE && assembly->count &&
        (!link_carries_data(&frame) || !link_same_stations(&assembly->first, &frame)))
        reason = SL_REASON_TRANSPORT_INCOMPLETE;
    if (reason == SL_REASON_NONE && link_carries_data(&frame))
        reason = take_segment(assembly, data, frame.data_length);
    assembly->count++;
    return reason;
}

static enum sl_reason assemble(struct assembly *assembly)
{
    do {
        enum sl_reason reason = take_frame(assembly);
        if (reason != SL_REASON_NONE)
            return reason;
        if (!link_carries_data(&assembly->first) || assembly->finished)
            return sl_consumed(&assembly->frames) ? SL_REASON_NONE : SL_REASON_TRAILING_BYTES;
    } while (sl_remaining(&assembly->frames) > 0);
    return SL_REASON_TRANSPORT_INCOMPLETE;
}

/* What is known of a message whose content is not understood: enough to refuse and to report. */
static enum sl_reason malformed(const struct assembly *assembly, struct dnp3_message *message,
                                enum sl_reason reason, size_t *canonical_length)
{
    memset(message, 0, DNP3_HEAD_SIZE);
    message->kind = DNP3_MALFORMED;
    *canonical_length = DNP3_HEAD_SIZE;
    if (assembly->count == 0)
        return reason;
    message->known = DNP3_KNOWS_LINK;
    message->link_control = link_clean_control(assembly->first.control);
    message->source = assembly->first.source;
    message->destination = assembly->first.destination;
    struct sl_reader fragment = sl_reader(assembly->fragment.bytes, assembly->fragment.length);
    uint8_t control = sl_read_u8(&fragment);
    uint8_t function = sl_read_u8(&fragment);
    if (fragment.failed)
        return reason;
    message->known |= DNP3_KNOWS_APPLICATION;
    message->control = control & (uint8_t)~DNP3_SEQUENCE;
    message->sequence = control & DNP3_SEQUENCE;
    message->function = function;
    return reason;
}

enum sl_reason dnp3_decode(enum sl_direction direction, const struct policy_service *service,
                           const uint8_t *bytes, size_t length, void *canonical,
                           size_t *canonical_length)
{
    (void)service; /* no options */
    uint8_t fragment[DNP3_MAX_FRAGMENT];
    struct dnp3_message *message = canonical;
    struct assembly assembly = {.direction = direction,
                                .frames = sl_reader(bytes, length),
                                .fragment = sl_writer(fragment, sizeof fragment)};
    memset(message, 0, DNP3_HEAD_SIZE);
    enum sl_reason reason = assemble(&assembly);
    message->source = assembly.first.source;
    message->destination = assembly.first.destination;
    if (reason == SL_REASON_NONE && link_carries_data(&assembly.first)) {
        message->kind = DNP3_FRAGMENT;
        struct sl_reader in = sl_reader(fragment, assembly.fragment.length);
        reason = fragment_decode(direction, &in, message);
    } else {
        message->kind = DNP3_LINK;
        message->link_control = link_clean_control(assembly.first.control);
    }
    if (reason != SL_REASON_NONE)
        return malformed(&assembly, message, reason, canonical_length);
    *canonical_length = DNP3_HEAD_SIZE + message->objects_length;
    return SL_REASON_NONE;
}

/* --- encode -------------------------------------------------------------------------------- */

size_t dnp3_encode(enum sl_direction direction, const void *canonical, size_t length, uint16_t key,
                   uint8_t *bytes, size_t size)
{
    const struct dnp3_message *message = canonical;
    const uint8_t from = direction == SL_REQUEST ? LINK_DIR : 0;
    struct sl_writer out = sl_writer(bytes, size);
    if (length < DNP3_HEAD_SIZE)
        return 0;
    if (message->kind == DNP3_LINK) {
        link_write(&out, from | message->link_control, message->destination, message->source, NULL,
                   0);
        return out.failed ? 0 : out.length;
    }
    uint8_t octets[DNP3_MAX_FRAGMENT];
    struct sl_writer fragment = sl_writer(octets, sizeof octets);
    bool changed = false;
    if (message->kind != DNP3_FRAGMENT || fragment_encode(message, (uint8_t)(key & DNP3_SEQUENCE),
                                                          &fragment, &changed) != SL_REASON_NONE)
        return 0;
    struct sl_reader whole = sl_reader(octets, fragment.length);
    link_write_segments(&out, from | LINK_PRM | LINK_UNCONFIRMED_USER_DATA, message->destination,
                        message->source, &whole);
    return out.failed ? 0 : out.length;
}

/* --- validate ------------------------------------------------------------------------------ */

static bool link_valid(enum sl_direction direction, const struct dnp3_message *message,
                       uint8_t control, size_t data_length)
{
    const struct link_frame frame = {.control = control | (direction == SL_REQUEST ? LINK_DIR : 0),
                                     .destination = message->destination,
                                     .source = message->source,
                                     .data_length = data_length};
    return control == link_clean_control(control) &&
           link_check(direction, &frame) == SL_REASON_NONE;
}

static bool link_message_valid(enum sl_direction direction, const struct dnp3_message *message,
                               size_t length)
{
    return length == DNP3_HEAD_SIZE && !message->function && !message->control &&
           !message->sequence && !message->iin && !message->header_count &&
           !message->objects_length && link_valid(direction, message, message->link_control, 0);
}

static bool fragment_message_valid(enum sl_direction direction, const struct dnp3_message *message,
                                   size_t length)
{
    return length == DNP3_HEAD_SIZE + (size_t)message->objects_length && !message->link_control &&
           link_valid(direction, message, LINK_PRM | LINK_UNCONFIRMED_USER_DATA, 1);
}

enum sl_reason dnp3_validate(enum sl_direction direction, const struct policy_service *service,
                             const void *canonical, size_t length)
{
    (void)service;
    const struct dnp3_message *message = canonical;
    if (length < DNP3_HEAD_SIZE || length > sizeof *message || message->known)
        return SL_REASON_CANONICAL_INVALID;
    if (message->kind == DNP3_LINK)
        return link_message_valid(direction, message, length) ? SL_REASON_NONE
                                                              : SL_REASON_CANONICAL_INVALID;
    if (message->kind != DNP3_FRAGMENT || !fragment_message_valid(direction, message, length))
        return SL_REASON_CANONICAL_INVALID;
    return fragment_validate(direction, message);
}

enum sl_reason dnp3_validate_malformed(const void *canonical, size_t length)
{
    const struct dnp3_message *message = canonical;
    bool possible = length == DNP3_HEAD_SIZE && message->kind == DNP3_MALFORMED &&
                    !(message->known & ~(DNP3_KNOWS_LINK | DNP3_KNOWS_APPLICATION)) &&
                    message->sequence <= DNP3_SEQUENCE && !(message->control & DNP3_SEQUENCE) &&
                    !message->iin && !message->header_count && !message->objects_length;
    return possible ? SL_REASON_NONE : SL_REASON_CANONICAL_INVALID;
}

uint16_t dnp3_key(const void *canonical, size_t length)
{
    const struct dnp3_message *message = canonical;
    if (length < DNP3_HEAD_SIZE || message->kind == DNP3_LINK)
        return DNP3_KEY_LINK;
    return (uint16_t)(message->sequence | (message->control & DNP3_UNS ? DNP3_KEY_UNSOLICITED : 0));
}
