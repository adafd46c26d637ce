/* SPDX-License-Identifier: BSD-2-Clause */
/* Coils and discrete inputs: replies to 1 and 2, 5 both ways, requests of 15 (AP 6.1, 6.2, 6.5,
 * 6.11). */
#include "protocols/modbus/codec.h"

#define COIL_ON  0xff00u /* AP 6.5 */
#define COIL_OFF 0x0000u

static uint8_t padding_mask(unsigned count)
{
    return count % 8 ? (uint8_t)(0xffu << count % 8) : 0;
}

void modbus_clear_padding(uint8_t *coils, unsigned count)
{
    if (count)
        coils[(count - 1) / 8] &= (uint8_t)~padding_mask(count);
}

enum sl_reason modbus_decode_coils_read(struct sl_reader *pdu, struct modbus_message *message)
{
    unsigned byte_count = sl_read_u8(pdu);
    if (pdu->failed)
        return SL_REASON_TRUNCATED;
    if (byte_count < 1 || byte_count > MODBUS_MAX_COILS / 8)
        return SL_REASON_BYTE_COUNT;
    const uint8_t *coils = sl_read_bytes(pdu, byte_count);
    if (!coils)
        return SL_REASON_TRUNCATED;
    memcpy(message->value.coils, coils, byte_count);
    message->count = (uint16_t)(8 * byte_count);
    return SL_REASON_NONE;
}

/* A normalised reply's count need not be a multiple of 8. */
void modbus_encode_coils_read(struct sl_writer *pdu, const struct modbus_message *message)
{
    size_t byte_count = (message->count + 7u) / 8;
    sl_write_u8(pdu, (uint8_t)byte_count);
    sl_write_bytes(pdu, message->value.coils, byte_count);
}

enum sl_reason modbus_check_coils_read(const struct modbus_message *message)
{
    if (message->count < 8 || message->count > MODBUS_MAX_COILS || message->count % 8)
        return SL_REASON_BYTE_COUNT;
    return SL_REASON_NONE;
}

enum sl_reason modbus_decode_single_coil(struct sl_reader *pdu, struct modbus_message *message)
{
    message->address = sl_read_u16be(pdu);
    uint16_t value = sl_read_u16be(pdu);
    if (value != COIL_ON && value != COIL_OFF)
        return SL_REASON_VALUE_OUT_OF_RANGE;
    message->quantity = 1;
    message->count = 1;
    message->value.coils[0] = value == COIL_ON;
    return SL_REASON_NONE;
}

void modbus_encode_single_coil(struct sl_writer *pdu, const struct modbus_message *message)
{
    sl_write_u16be(pdu, message->address);
    sl_write_u16be(pdu, message->value.coils[0] ? COIL_ON : COIL_OFF);
}

enum sl_reason modbus_check_single_coil(const struct modbus_message *message)
{
    if (message->count != 1)
        return SL_REASON_QUANTITY_OUT_OF_RANGE;
    return message->value.coils[0] > 1 ? SL_REASON_VALUE_OUT_OF_RANGE : SL_REASON_NONE;
}

enum sl_reason modbus_decode_coils_written(struct sl_reader *pdu, struct modbus_message *message)
{
    modbus_decode_range(pdu, message);
    unsigned byte_count = sl_read_u8(pdu);
    if (pdu->failed)
        return SL_REASON_TRUNCATED;
    enum sl_reason reason = modbus_check_range(message, MODBUS_MAX_WRITE_COILS);
    if (reason != SL_REASON_NONE)
        return reason;
    if (byte_count != (message->quantity + 7u) / 8)
        return SL_REASON_BYTE_COUNT;
    const uint8_t *coils = sl_read_bytes(pdu, byte_count);
    if (!coils)
        return SL_REASON_TRUNCATED;
    memcpy(message->value.coils, coils, byte_count);
    modbus_clear_padding(message->value.coils, message->quantity);
    message->count = message->quantity;
    return SL_REASON_NONE;
}

void modbus_encode_coils_written(struct sl_writer *pdu, const struct modbus_message *message)
{
    modbus_encode_range(pdu, message);
    modbus_encode_coils_read(pdu, message);
}

enum sl_reason modbus_check_coils_written(const struct modbus_message *message)
{
    if (message->count != message->quantity)
        return SL_REASON_QUANTITY_OUT_OF_RANGE;
    if (message->value.coils[(message->count - 1) / 8] & padding_mask(message->count))
        return SL_REASON_PADDING;
    return SL_REASON_NONE;
}
