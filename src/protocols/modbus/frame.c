/* SPDX-License-Identifier: BSD-2-Clause */
/* Where one message ends in a stream: the MBAP header (MG 3.1.3). */
#include "protocols/modbus/modbus.h"
#include "sluice/cursor.h"

#define LENGTH_FIELD_END 6u /* transaction, protocol, length */
#define LENGTH_MIN       2u /* unit and function code */
#define LENGTH_MAX       (MODBUS_MAX_PDU + 1)

static struct sl_frame lost(enum sl_reason reason)
{
    return (struct sl_frame){.status = SL_FRAME_LOST, .length = 0, .reason = reason};
}

static struct sl_frame more(void)
{
    return (struct sl_frame){.status = SL_FRAME_MORE, .length = 0, .reason = SL_REASON_NONE};
}

struct sl_frame modbus_frame(enum sl_direction direction, const uint8_t *bytes, size_t length)
{
    (void)direction; /* the header is the same both ways */
    struct sl_reader header = sl_reader(bytes, length);
    (void)sl_read_u16be(&header);
    uint16_t protocol = sl_read_u16be(&header);
    if (header.failed)
        return more();
    if (protocol != MODBUS_PROTOCOL_IDENTIFIER)
        return lost(SL_REASON_PROTOCOL_IDENTIFIER);
    uint16_t following = sl_read_u16be(&header);
    if (header.failed)
        return more();
    if (following < LENGTH_MIN || following > LENGTH_MAX)
        return lost(SL_REASON_LENGTH_FIELD);
    if (length < LENGTH_FIELD_END + following)
        return more();
    return (struct sl_frame){.status = SL_FRAME_COMPLETE,
                             .length = LENGTH_FIELD_END + following,
                             .reason = SL_REASON_NONE};
}

uint16_t modbus_frame_key(const uint8_t *bytes, size_t length)
{
    struct sl_reader header = sl_reader(bytes, length);
    return sl_read_u16be(&header);
}

uint8_t modbus_frame_unit(const uint8_t *bytes, size_t length)
{
    struct sl_reader header = sl_reader(bytes, length);
    (void)sl_read_bytes(&header, MODBUS_MBAP_SIZE - 1);
    return sl_read_u8(&header);
}
