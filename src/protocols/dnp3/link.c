/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocols/dnp3/link.h"

#define FIXED_LENGTH 5u /* control and addresses, in the length octet */

_Static_assert(FIXED_LENGTH + LINK_MAX_DATA == UINT8_MAX, "the length is one octet");

static enum link_status lost(enum sl_reason *reason, enum sl_reason why)
{
    *reason = why;
    return LINK_LOST;
}

enum link_status link_read_header(const uint8_t *bytes, size_t length, struct link_frame *frame,
                                  enum sl_reason *reason)
{
    struct sl_reader header = sl_reader(bytes, length);
    *reason = SL_REASON_NONE;
    static const uint8_t start[] = {LINK_START_1, LINK_START_2};
    for (size_t i = 0; i < sizeof start && i < length; i++)
        if (sl_read_u8(&header) != start[i])
            return lost(reason, SL_REASON_START_OCTETS);
    uint8_t counted = sl_read_u8(&header);
    if (header.failed)
        return LINK_MORE;
    if (counted < FIXED_LENGTH)
        return lost(reason, SL_REASON_LENGTH_FIELD);
    frame->control = sl_read_u8(&header);
    frame->destination = sl_read_u16le(&header);
    frame->source = sl_read_u16le(&header);
    uint16_t crc = sl_read_u16le(&header);
    if (header.failed)
        return LINK_MORE;
    if (crc != dnp3_crc(bytes, LINK_HEADER_SIZE - LINK_CRC_SIZE))
        return lost(reason, SL_REASON_CRC);
    frame->data_length = (size_t)counted - FIXED_LENGTH;
    size_t blocks = (frame->data_length + LINK_BLOCK - 1) / LINK_BLOCK;
    frame->wire_length = LINK_HEADER_SIZE + frame->data_length + blocks * LINK_CRC_SIZE;
    return LINK_COMPLETE;
}

static bool is_user_data(uint8_t control)
{
    uint8_t function = control & LINK_FUNCTION;
    return (control & LINK_PRM) &&
           (function == LINK_CONFIRMED_USER_DATA || function == LINK_UNCONFIRMED_USER_DATA);
}

bool link_carries_data(const struct link_frame *frame)
{
    return is_user_data(frame->control) && frame->data_length > 0;
}

bool link_same_stations(const struct link_frame *a, const struct link_frame *b)
{
    return a->source == b->source && a->destination == b->destination &&
           ((a->control ^ b->control) & LINK_DIR) == 0;
}

/* Tables 9-1 and 9-2: which functions there are, and with PRM whether FCV is set. The obsolete
 * ones (reset of user process, link not functioning) are none. */
static bool control_known(uint8_t control)
{
    bool counted = control & LINK_FCV;
    if (!(control & LINK_PRM)) {
        switch (control & LINK_FUNCTION) {
        case LINK_ACK:
        case LINK_NACK:
        case LINK_STATUS:
        case LINK_NOT_SUPPORTED:
            return true;
        default:
            return false;
        }
    }
    switch (control & LINK_FUNCTION) {
    case LINK_TEST_STATES:
    case LINK_CONFIRMED_USER_DATA:
        return counted;
    case LINK_RESET_STATES:
    case LINK_UNCONFIRMED_USER_DATA:
    case LINK_REQUEST_STATUS:
        return !counted;
    default:
        return false;
    }
}

/* 9.2.4.1.4: FFF0 to FFFB are reserved; above stand the self-address and the broadcasts, to
 * which only a master sends, to broadcasts only user data (AN table 1, row 17). */
static bool stations_possible(const struct link_frame *frame)
{
    if (frame->source > LINK_LAST_STATION)
        return false;
    if (frame->destination <= LINK_LAST_STATION)
        return true;
    if (frame->destination < LINK_SELF_ADDRESS || !(frame->control & LINK_DIR))
        return false;
    return frame->destination < LINK_FIRST_BROADCAST || is_user_data(frame->control);
}

enum sl_reason link_check(enum sl_direction direction, const struct link_frame *frame)
{
    if (!control_known(frame->control))
        return SL_REASON_LINK_CONTROL;
    if (!(frame->control & LINK_DIR) != (direction == SL_REPLY))
        return SL_REASON_LINK_DIRECTION;
    if (!stations_possible(frame))
        return SL_REASON_STATION_ADDRESS;
    bool data = frame->data_length > 0;
    return is_user_data(frame->control) == data ? SL_REASON_NONE : SL_REASON_LENGTH_FIELD;
}

uint8_t link_clean_control(uint8_t control)
{
    uint8_t meant = LINK_PRM | LINK_FCV | LINK_FUNCTION; /* LINK_DFC is the same bit */
    if ((control & LINK_PRM) && (control & LINK_FCV))
        meant |= LINK_FCB;
    return control & meant;
}

static bool block_intact(const uint8_t *block, size_t length)
{
    return dnp3_crc(block, length) == (block[length] | block[length + 1] << 8);
}

bool link_first_block_intact(const uint8_t *bytes, const struct link_frame *frame)
{
    size_t length = frame->data_length < LINK_BLOCK ? frame->data_length : LINK_BLOCK;
    return block_intact(bytes + LINK_HEADER_SIZE, length);
}

bool link_read_data(const uint8_t *bytes, const struct link_frame *frame, uint8_t *data)
{
    struct sl_reader blocks =
        sl_reader(bytes + LINK_HEADER_SIZE, frame->wire_length - LINK_HEADER_SIZE);
    for (size_t done = 0; done < frame->data_length;) {
        size_t left = frame->data_length - done;
        size_t length = left < LINK_BLOCK ? left : LINK_BLOCK;
        const uint8_t *block = sl_read_bytes(&blocks, length + LINK_CRC_SIZE);
        if (!block || !block_intact(block, length))
            return false;
        memcpy(data + done, block, length);
        done += length;
    }
    return true;
}

void link_write(struct sl_writer *out, uint8_t control, uint16_t destination, uint16_t source,
                const uint8_t *data, size_t length)
{
    uint8_t bytes[LINK_HEADER_SIZE];
    struct sl_writer header = sl_writer(bytes, sizeof bytes);
    sl_write_u8(&header, LINK_START_1);
    sl_write_u8(&header, LINK_START_2);
    sl_write_u8(&header, (uint8_t)(FIXED_LENGTH + length));
    sl_write_u8(&header, control);
    sl_write_u16le(&header, destination);
    sl_write_u16le(&header, source);
    sl_write_u16le(&header, dnp3_crc(bytes, LINK_HEADER_SIZE - LINK_CRC_SIZE));
    sl_write_bytes(out, bytes, sizeof bytes);
    for (size_t done = 0; done < length;) {
        size_t part = length - done < LINK_BLOCK ? length - done : LINK_BLOCK;
        sl_write_bytes(out, data + done, part);
        sl_write_u16le(out, dnp3_crc(data + done, part));
        done += part;
    }
}

void link_write_segments(struct sl_writer *out, uint8_t control, uint16_t destination,
                         uint16_t source, struct sl_reader *fragment)
{
    uint8_t sequence = 0;
    while (sl_remaining(fragment) > 0) {
        uint8_t data[LINK_MAX_DATA];
        size_t left = sl_remaining(fragment);
        size_t length = left < LINK_MAX_SEGMENT ? left : LINK_MAX_SEGMENT;
        data[0] = sequence;
        if (fragment->offset == 0)
            data[0] |= TRANSPORT_FIR;
        if (length == left)
            data[0] |= TRANSPORT_FIN;
        memcpy(data + 1, sl_read_bytes(fragment, length), length);
        link_write(out, control, destination, source, data, length + 1);
        sequence = (sequence + 1) & TRANSPORT_SEQUENCE;
    }
}
