/* SPDX-License-Identifier: BSD-2-Clause */
/* What a message is to the exchange that it belongs to: confirmed, unsolicited, continued. */
#include "protocols/dnp3/dnp3.h"
#include "protocols/dnp3/link.h"

/* From the application control octet and the function code (1815 4.2.2.4). */
static struct sl_traits traits_of(enum sl_direction direction, uint16_t source,
                                  uint16_t destination, uint8_t control, uint8_t function)
{
    const uint8_t sequence = control & DNP3_SEQUENCE;
    const bool reply = direction == SL_REPLY;
    struct sl_traits traits = {
        .parties =
            reply ? (uint32_t)destination << 16 | source : (uint32_t)source << 16 | destination,
        .key = (uint16_t)(sequence | (control & DNP3_UNS ? DNP3_KEY_UNSOLICITED : 0) |
                          (control & DNP3_FIR ? 0 : DNP3_KEY_CONTINUES)),
        .confirms = !reply && function == DNP3_CONFIRM,
        .asks_confirm = reply && control & DNP3_CON,
        .unsolicited = control & DNP3_UNS || function == DNP3_UNSOLICITED_RESPONSE,
        .more = reply && !(control & DNP3_FIN),
    };
    if (traits.more) /* 4.2.2.4.5: the next number */
        traits.next_key = (uint16_t)(((sequence + 1u) & DNP3_SEQUENCE) | DNP3_KEY_CONTINUES);
    return traits;
}

static struct sl_traits no_fragment(enum sl_direction direction, uint16_t source,
                                    uint16_t destination)
{
    struct sl_traits traits =
        traits_of(direction, source, destination, DNP3_FIR | DNP3_FIN, DNP3_RESPONSE);
    traits.key = DNP3_KEY_LINK;
    return traits;
}

struct sl_traits dnp3_traits(enum sl_direction direction, const void *canonical, size_t length)
{
    const struct dnp3_message *message = canonical;
    if (length < DNP3_HEAD_SIZE)
        return no_fragment(direction, 0, 0);
    if (message->kind != DNP3_FRAGMENT)
        return no_fragment(direction, message->source, message->destination);
    return traits_of(direction, message->source, message->destination,
                     (uint8_t)(message->control | message->sequence), message->function);
}

/* Transport octet, application control, function code: the head of a message's first frame. */
#define FRAME_HEAD 3u

struct sl_traits dnp3_frame_traits(enum sl_direction direction, const uint8_t *bytes, size_t length)
{
    struct link_frame frame;
    enum sl_reason reason;
    if (link_read_header(bytes, length, &frame, &reason) != LINK_COMPLETE)
        return no_fragment(direction, 0, 0);
    if (!link_carries_data(&frame) || frame.data_length < FRAME_HEAD || length < frame.wire_length)
        return no_fragment(direction, frame.source, frame.destination);
    const uint8_t *const head = bytes + LINK_HEADER_SIZE;
    return traits_of(direction, frame.source, frame.destination, head[1], head[2]);
}
