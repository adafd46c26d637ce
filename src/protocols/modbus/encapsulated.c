/* SPDX-License-Identifier: BSD-2-Clause */
/* Encapsulated interface transport: 43 with MEI type 13, CANopen (AP 6.20, content by CiA 309,
 * carried as bytes), and 14, read device identification (AP 6.21). */
#include "protocols/modbus/codec.h"

#define CANOPEN_MAX       251u /* PDU less function and MEI type */
#define READ_BASIC        1u
#define READ_INDIVIDUAL   4u
#define MORE_FOLLOWS      0xffu
#define OBJECTS_BYTES_MAX 246u /* PDU less function and the six bytes before the list */

static enum sl_reason decode_canopen(struct sl_reader *pdu, struct modbus_message *message)
{
    message->count = (uint16_t)sl_remaining(pdu);
    if (message->count)
        memcpy(message->value.bytes, sl_read_bytes(pdu, message->count), message->count);
    return SL_REASON_NONE;
}

static enum sl_reason check_canopen(const struct modbus_message *message)
{
    if (message->read_code || message->object || message->conformity || message->more ||
        message->parts)
        return SL_REASON_PADDING;
    if (message->count < 1)
        return SL_REASON_TRUNCATED;
    return message->count > CANOPEN_MAX ? SL_REASON_TRAILING_BYTES : SL_REASON_NONE;
}

static enum sl_reason check_read_code(const struct modbus_message *message)
{
    return message->read_code < READ_BASIC || message->read_code > READ_INDIVIDUAL
               ? SL_REASON_READ_DEVICE_ID_CODE
               : SL_REASON_NONE;
}

enum sl_reason modbus_decode_encapsulated_request(struct sl_reader *pdu,
                                                  struct modbus_message *message)
{
    message->mei = sl_read_u8(pdu);
    if (pdu->failed)
        return SL_REASON_TRUNCATED;
    if (message->mei == MODBUS_MEI_CANOPEN)
        return decode_canopen(pdu, message);
    if (message->mei != MODBUS_MEI_DEVICE_IDENTIFICATION)
        return SL_REASON_MEI_TYPE;
    message->read_code = sl_read_u8(pdu);
    message->object = sl_read_u8(pdu);
    return SL_REASON_NONE;
}

void modbus_encode_encapsulated_request(struct sl_writer *pdu, const struct modbus_message *message)
{
    sl_write_u8(pdu, message->mei);
    if (message->mei == MODBUS_MEI_CANOPEN) {
        sl_write_bytes(pdu, message->value.bytes, message->count);
        return;
    }
    sl_write_u8(pdu, message->read_code);
    sl_write_u8(pdu, message->object);
}

enum sl_reason modbus_check_encapsulated_request(const struct modbus_message *message)
{
    if (message->mei == MODBUS_MEI_CANOPEN)
        return check_canopen(message);
    if (message->mei != MODBUS_MEI_DEVICE_IDENTIFICATION)
        return SL_REASON_MEI_TYPE;
    if (message->count)
        return SL_REASON_PADDING;
    return check_read_code(message);
}

enum sl_reason modbus_decode_encapsulated_reply(struct sl_reader *pdu,
                                                struct modbus_message *message)
{
    message->mei = sl_read_u8(pdu);
    if (pdu->failed)
        return SL_REASON_TRUNCATED;
    if (message->mei == MODBUS_MEI_CANOPEN)
        return decode_canopen(pdu, message);
    if (message->mei != MODBUS_MEI_DEVICE_IDENTIFICATION)
        return SL_REASON_MEI_TYPE;
    message->read_code = sl_read_u8(pdu);
    message->conformity = sl_read_u8(pdu);
    message->more = sl_read_u8(pdu);
    message->object = sl_read_u8(pdu);
    message->parts = sl_read_u8(pdu);
    size_t length = sl_remaining(pdu);
    if (pdu->failed)
        return SL_REASON_TRUNCATED;
    message->count = (uint16_t)length;
    memcpy(message->value.bytes, sl_read_bytes(pdu, length), length);
    return SL_REASON_NONE;
}

void modbus_encode_encapsulated_reply(struct sl_writer *pdu, const struct modbus_message *message)
{
    sl_write_u8(pdu, message->mei);
    if (message->mei == MODBUS_MEI_DEVICE_IDENTIFICATION) {
        sl_write_u8(pdu, message->read_code);
        sl_write_u8(pdu, message->conformity);
        sl_write_u8(pdu, message->more);
        sl_write_u8(pdu, message->object);
        sl_write_u8(pdu, message->parts);
    }
    sl_write_bytes(pdu, message->value.bytes, message->count);
}

/* The list is exactly `parts` objects: id, length, value. */
static enum sl_reason check_objects(const struct modbus_message *message)
{
    struct sl_reader objects = sl_reader(message->value.bytes, message->count);
    for (unsigned i = 0; i < message->parts; i++) {
        (void)sl_read_u8(&objects); /* any id: 0x80 to 0xff are the device's own */
        size_t length = sl_read_u8(&objects);
        (void)sl_read_bytes(&objects, length);
    }
    if (objects.failed)
        return SL_REASON_TRUNCATED;
    return sl_consumed(&objects) ? SL_REASON_NONE : SL_REASON_TRAILING_BYTES;
}

enum sl_reason modbus_check_encapsulated_reply(const struct modbus_message *message)
{
    if (message->mei == MODBUS_MEI_CANOPEN)
        return check_canopen(message);
    if (message->mei != MODBUS_MEI_DEVICE_IDENTIFICATION)
        return SL_REASON_MEI_TYPE;
    enum sl_reason reason = check_read_code(message);
    if (reason != SL_REASON_NONE)
        return reason;
    unsigned level = message->conformity & 0x7fu; /* the high bit: individual access as well */
    if (level < 1 || level > 3)
        return SL_REASON_CONFORMITY_LEVEL;
    if (message->more != 0 && message->more != MORE_FOLLOWS)
        return SL_REASON_MORE_FOLLOWS;
    if (message->more == 0 && message->object != 0)
        return SL_REASON_OBJECT_ID;
    if (message->read_code == READ_INDIVIDUAL && message->more != 0)
        return SL_REASON_MORE_FOLLOWS;
    if (message->read_code == READ_INDIVIDUAL && message->parts != 1)
        return SL_REASON_QUANTITY_OUT_OF_RANGE;
    if (message->count > OBJECTS_BYTES_MAX)
        return SL_REASON_TRAILING_BYTES;
    return check_objects(message);
}
