/* SPDX-License-Identifier: BSD-2-Clause */
/* Where one message ends in a stream of link frames. */
#include "protocols/dnp3/dnp3.h"
#include "protocols/dnp3/link.h"

static struct sl_frame complete(size_t length)
{
    return (struct sl_frame){SL_FRAME_COMPLETE, length, SL_REASON_NONE};
}

/* `whole` octets are frames of a fragment that goes on. */
static struct sl_frame more(size_t whole)
{
    return (struct sl_frame){SL_FRAME_MORE, whole, SL_REASON_NONE};
}

struct sl_frame dnp3_frame(enum sl_direction direction, const uint8_t *bytes, size_t length)
{
    (void)direction; /* frames are the same both ways */
    struct link_frame first = {0};
    size_t whole = 0; /* octets of whole frames that belong together */
    for (;;) {
        struct link_frame frame;
        enum sl_reason reason;
        const uint8_t *next = bytes + whole;
        size_t here = length - whole;
        if (whole > DNP3_MAX_MESSAGE - LINK_HEADER_SIZE)
            return complete(whole); /* too long: decode() will see no FIN */
        switch (link_read_header(next, here, &frame, &reason)) {
        case LINK_MORE:
            return more(whole);
        case LINK_LOST:
            if (whole)
                return complete(whole);
            return (struct sl_frame){SL_FRAME_LOST, 0, reason};
        case LINK_COMPLETE:
            break;
        }
        bool data = link_carries_data(&frame);
        if (whole && (!data || !link_same_stations(&first, &frame) ||
                      whole + frame.wire_length > DNP3_MAX_MESSAGE))
            return complete(whole);
        if (here < frame.wire_length)
            return more(whole);
        if (!data)
            return complete(frame.wire_length);
        if (!link_first_block_intact(next, &frame)) /* FIR and FIN cannot be trusted */
            return complete(whole + frame.wire_length);
        uint8_t transport = next[LINK_HEADER_SIZE];
        bool begins = transport & TRANSPORT_FIR;
        if (whole && begins)
            return complete(whole);
        if (!whole && !begins)
            return complete(frame.wire_length);
        if (!whole)
            first = frame;
        whole += frame.wire_length;
        if (transport & TRANSPORT_FIN)
            return complete(whole);
    }
}

uint16_t dnp3_frame_key(const uint8_t *bytes, size_t length)
{
    struct link_frame frame;
    enum sl_reason reason;
    if (link_read_header(bytes, length, &frame, &reason) != LINK_COMPLETE ||
        !link_carries_data(&frame) || frame.data_length < 2 || length < frame.wire_length)
        return DNP3_KEY_LINK;
    return bytes[LINK_HEADER_SIZE + 1] & (DNP3_UNS | DNP3_SEQUENCE);
}

bool dnp3_runs(const uint8_t *bytes, size_t length, enum sl_direction *direction)
{
    struct link_frame frame;
    enum sl_reason reason;
    if (link_read_header(bytes, length, &frame, &reason) != LINK_COMPLETE)
        return false;
    *direction = frame.control & LINK_DIR ? SL_REQUEST : SL_REPLY;
    return true;
}
