/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers: replies to 3, 4 and 23, 6 both ways, requests of 16 and 23, 22 both ways, 24
 * (AP 6.3, 6.4, 6.6, 6.12, 6.16 to 6.18). */
#include "protocols/modbus/codec.h"

enum sl_reason modbus_decode_registers_read(struct sl_reader *pdu, struct modbus_message *message)
{
    unsigned byte_count = sl_read_u8(pdu);
    if (pdu->failed)
        return SL_REASON_TRUNCATED;
    if (byte_count < 2 || byte_count > 2 * MODBUS_MAX_REGISTERS || byte_count % 2)
        return SL_REASON_BYTE_COUNT;
    message->count = (uint16_t)(byte_count / 2);
    sl_read_u16be_array(pdu, message->value.registers, message->count);
    return SL_REASON_NONE;
}

void modbus_encode_registers_read(struct sl_writer *pdu, const struct modbus_message *message)
{
    sl_write_u8(pdu, (uint8_t)(2 * message->count));
    sl_write_u16be_array(pdu, message->value.registers, message->count);
}

enum sl_reason modbus_check_registers_read(const struct modbus_message *message)
{
    return message->count < 1 || message->count > MODBUS_MAX_REGISTERS ? SL_REASON_BYTE_COUNT
                                                                       : SL_REASON_NONE;
}

enum sl_reason modbus_decode_single_register(struct sl_reader *pdu, struct modbus_message *message)
{
    message->address = sl_read_u16be(pdu);
    message->quantity = 1;
    message->count = 1;
    message->value.registers[0] = sl_read_u16be(pdu);
    return SL_REASON_NONE;
}

void modbus_encode_single_register(struct sl_writer *pdu, const struct modbus_message *message)
{
    sl_write_u16be(pdu, message->address);
    sl_write_u16be(pdu, message->value.registers[0]);
}

enum sl_reason modbus_check_single_register(const struct modbus_message *message)
{
    return message->count != 1 ? SL_REASON_QUANTITY_OUT_OF_RANGE : SL_REASON_NONE;
}

enum sl_reason modbus_decode_registers_written(struct sl_reader *pdu,
                                               struct modbus_message *message)
{
    modbus_decode_range(pdu, message);
    unsigned byte_count = sl_read_u8(pdu);
    if (pdu->failed)
        return SL_REASON_TRUNCATED;
    enum sl_reason reason = modbus_check_range(message, MODBUS_MAX_WRITE_REGISTERS);
    if (reason != SL_REASON_NONE)
        return reason;
    if (byte_count != 2u * message->quantity)
        return SL_REASON_BYTE_COUNT;
    message->count = message->quantity;
    sl_read_u16be_array(pdu, message->value.registers, message->count);
    return SL_REASON_NONE;
}

void modbus_encode_registers_written(struct sl_writer *pdu, const struct modbus_message *message)
{
    modbus_encode_range(pdu, message);
    modbus_encode_registers_read(pdu, message);
}

enum sl_reason modbus_check_registers_written(const struct modbus_message *message)
{
    return message->count != message->quantity ? SL_REASON_QUANTITY_OUT_OF_RANGE : SL_REASON_NONE;
}

enum sl_reason modbus_decode_mask_write(struct sl_reader *pdu, struct modbus_message *message)
{
    message->address = sl_read_u16be(pdu);
    message->quantity = 1;
    message->and_mask = sl_read_u16be(pdu);
    message->or_mask = sl_read_u16be(pdu);
    return SL_REASON_NONE;
}

void modbus_encode_mask_write(struct sl_writer *pdu, const struct modbus_message *message)
{
    sl_write_u16be(pdu, message->address);
    sl_write_u16be(pdu, message->and_mask);
    sl_write_u16be(pdu, message->or_mask);
}

/* The write's own range; the read's is the table's. */
static enum sl_reason check_write_range(const struct modbus_message *message)
{
    const struct modbus_message write = {.address = message->write_address,
                                         .quantity = message->write_quantity};
    return modbus_check_range(&write, MODBUS_MAX_WRITE_IN_READ_WRITE);
}

enum sl_reason modbus_decode_read_write(struct sl_reader *pdu, struct modbus_message *message)
{
    modbus_decode_range(pdu, message);
    message->write_address = sl_read_u16be(pdu);
    message->write_quantity = sl_read_u16be(pdu);
    unsigned byte_count = sl_read_u8(pdu);
    if (pdu->failed)
        return SL_REASON_TRUNCATED;
    enum sl_reason reason = check_write_range(message);
    if (reason != SL_REASON_NONE)
        return reason;
    if (byte_count != 2u * message->write_quantity)
        return SL_REASON_BYTE_COUNT;
    message->count = message->write_quantity;
    sl_read_u16be_array(pdu, message->value.registers, message->count);
    return SL_REASON_NONE;
}

void modbus_encode_read_write(struct sl_writer *pdu, const struct modbus_message *message)
{
    modbus_encode_range(pdu, message);
    sl_write_u16be(pdu, message->write_address);
    sl_write_u16be(pdu, message->write_quantity);
    modbus_encode_registers_read(pdu, message);
}

enum sl_reason modbus_check_read_write(const struct modbus_message *message)
{
    if (message->count != message->write_quantity)
        return SL_REASON_QUANTITY_OUT_OF_RANGE;
    return check_write_range(message);
}

enum sl_reason modbus_decode_fifo_pointer(struct sl_reader *pdu, struct modbus_message *message)
{
    message->address = sl_read_u16be(pdu);
    message->quantity = 1;
    return SL_REASON_NONE;
}

void modbus_encode_fifo_pointer(struct sl_writer *pdu, const struct modbus_message *message)
{
    sl_write_u16be(pdu, message->address);
}

/* The only byte count of 16 bits; it counts the FIFO count too (AP 6.18). */
enum sl_reason modbus_decode_fifo(struct sl_reader *pdu, struct modbus_message *message)
{
    unsigned byte_count = sl_read_u16be(pdu);
    unsigned fifo_count = sl_read_u16be(pdu);
    if (pdu->failed)
        return SL_REASON_TRUNCATED;
    if (fifo_count > MODBUS_MAX_FIFO)
        return SL_REASON_QUANTITY_OUT_OF_RANGE;
    if (byte_count != 2 + 2 * fifo_count)
        return SL_REASON_BYTE_COUNT;
    message->count = (uint16_t)fifo_count;
    sl_read_u16be_array(pdu, message->value.registers, fifo_count);
    return SL_REASON_NONE;
}

void modbus_encode_fifo(struct sl_writer *pdu, const struct modbus_message *message)
{
    sl_write_u16be(pdu, (uint16_t)(2 + 2 * message->count));
    sl_write_u16be(pdu, message->count);
    sl_write_u16be_array(pdu, message->value.registers, message->count);
}

enum sl_reason modbus_check_fifo(const struct modbus_message *message)
{
    return message->count > MODBUS_MAX_FIFO ? SL_REASON_QUANTITY_OUT_OF_RANGE : SL_REASON_NONE;
}
