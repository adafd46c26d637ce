/* SPDX-License-Identifier: BSD-2-Clause */
/* File records: 20 and 21, a list of parts, each with its own lengths (AP 6.14, 6.15). */
#include "protocols/modbus/codec.h"

#define REFERENCE_TYPE  6u
#define RECORDS         10000u /* of one file, numbered 0..9999 */
#define READ_PART_SIZE  7u     /* reference type, file, record, length */
#define READ_BYTES_MIN  0x07u
#define READ_BYTES_MAX  0xf5u
#define WRITE_BYTES_MIN 0x09u
#define WRITE_BYTES_MAX 0xfbu
/* AP 6.14 gives a reply 0x07 to 0xf5 bytes in its table, but 5-byte parts in its example, and in
 * words: all that fits in the PDU of 253. Words and example agree; the table repeats the
 * request's. */
#define REPLY_BYTES_MAX (MODBUS_MAX_PDU - 2)
#define REPLY_PART_HEAD 2u /* length, reference type */

/* Values before parts: what is between is zero. */
static void clear_gap(struct modbus_message *message)
{
    size_t used = 2u * message->count;
    memset(message->value.bytes + used, 0, sizeof message->value - used);
}

static enum sl_reason check_gap(const struct modbus_message *message)
{
    static const uint8_t zeros[sizeof message->value];
    size_t used = 2u * message->count;
    return memcmp(message->value.bytes + used, zeros, sizeof zeros - used) ? SL_REASON_PADDING
                                                                           : SL_REASON_NONE;
}

static enum sl_reason check_part(const struct modbus_file_part *part)
{
    if (part->file == 0)
        return SL_REASON_FILE_NUMBER;
    if (part->record >= RECORDS)
        return SL_REASON_RECORD_NUMBER;
    if (part->length == 0)
        return SL_REASON_RECORD_LENGTH;
    return (unsigned)part->record + part->length > RECORDS ? SL_REASON_RECORD_NUMBER
                                                           : SL_REASON_NONE;
}

/* Registers of all parts together; at most 35 * 65535. */
static unsigned total_length(const struct modbus_message *message)
{
    unsigned total = 0;
    for (unsigned i = 0; i < message->parts; i++)
        total += message->part[i].length;
    return total;
}

enum sl_reason modbus_decode_file_read_request(struct sl_reader *pdu,
                                               struct modbus_message *message)
{
    unsigned byte_count = sl_read_u8(pdu);
    if (pdu->failed)
        return SL_REASON_TRUNCATED;
    if (byte_count < READ_BYTES_MIN || byte_count > READ_BYTES_MAX || byte_count % READ_PART_SIZE)
        return SL_REASON_BYTE_COUNT;
    struct sl_reader parts = sl_read_block(pdu, byte_count);
    while (sl_remaining(&parts)) {
        if (sl_read_u8(&parts) != REFERENCE_TYPE)
            return SL_REASON_REFERENCE_TYPE;
        struct modbus_file_part *part = &message->part[message->parts++];
        part->file = sl_read_u16be(&parts);
        part->record = sl_read_u16be(&parts);
        part->length = sl_read_u16be(&parts);
    }
    clear_gap(message);
    return SL_REASON_NONE;
}

void modbus_encode_file_read_request(struct sl_writer *pdu, const struct modbus_message *message)
{
    sl_write_u8(pdu, (uint8_t)(READ_PART_SIZE * message->parts));
    for (unsigned i = 0; i < message->parts; i++) {
        sl_write_u8(pdu, REFERENCE_TYPE);
        sl_write_u16be(pdu, message->part[i].file);
        sl_write_u16be(pdu, message->part[i].record);
        sl_write_u16be(pdu, message->part[i].length);
    }
}

enum sl_reason modbus_check_file_read_request(const struct modbus_message *message)
{
    if (message->parts < 1)
        return SL_REASON_BYTE_COUNT;
    for (unsigned i = 0; i < message->parts; i++) {
        enum sl_reason reason = check_part(&message->part[i]);
        if (reason != SL_REASON_NONE)
            return reason;
    }
    if (REPLY_PART_HEAD * message->parts + 2 * total_length(message) > REPLY_BYTES_MAX)
        return SL_REASON_RECORD_LENGTH;
    return check_gap(message);
}

enum sl_reason modbus_decode_file_read_reply(struct sl_reader *pdu, struct modbus_message *message)
{
    unsigned byte_count = sl_read_u8(pdu);
    if (pdu->failed)
        return SL_REASON_TRUNCATED;
    if (byte_count > REPLY_BYTES_MAX)
        return SL_REASON_BYTE_COUNT;
    struct sl_reader parts = sl_read_block(pdu, byte_count);
    while (sl_remaining(&parts)) {
        /* The length counts the reference type and whole registers. */
        unsigned length = sl_read_u8(&parts);
        if (length < 3 || length % 2 == 0 || message->parts == MODBUS_MAX_PARTS)
            return SL_REASON_RECORD_LENGTH;
        struct sl_reader part = sl_read_block(&parts, length);
        if (part.failed)
            return SL_REASON_RECORD_LENGTH;
        if (sl_read_u8(&part) != REFERENCE_TYPE)
            return SL_REASON_REFERENCE_TYPE;
        uint16_t registers = (uint16_t)(length / 2);
        sl_read_u16be_array(&part, message->value.registers + message->count, registers);
        message->part[message->parts++] = (struct modbus_file_part){.length = registers};
        message->count = (uint16_t)(message->count + registers);
    }
    clear_gap(message);
    return SL_REASON_NONE;
}

void modbus_encode_file_read_reply(struct sl_writer *pdu, const struct modbus_message *message)
{
    const uint16_t *registers = message->value.registers;
    sl_write_u8(pdu, (uint8_t)(REPLY_PART_HEAD * message->parts + 2u * message->count));
    for (unsigned i = 0; i < message->parts; i++) {
        uint16_t length = message->part[i].length;
        sl_write_u8(pdu, (uint8_t)(1 + 2 * length));
        sl_write_u8(pdu, REFERENCE_TYPE);
        sl_write_u16be_array(pdu, registers, length);
        registers += length;
    }
}

enum sl_reason modbus_check_file_read_reply(const struct modbus_message *message)
{
    if (message->parts < 1)
        return SL_REASON_BYTE_COUNT;
    for (unsigned i = 0; i < message->parts; i++) {
        const struct modbus_file_part *part = &message->part[i];
        if (part->file || part->record)
            return SL_REASON_PADDING;
        if (part->length == 0)
            return SL_REASON_RECORD_LENGTH;
    }
    if (total_length(message) != message->count ||
        REPLY_PART_HEAD * message->parts + 2u * message->count > REPLY_BYTES_MAX)
        return SL_REASON_RECORD_LENGTH;
    return check_gap(message);
}

/* The reply repeats the request. */
enum sl_reason modbus_decode_file_write(struct sl_reader *pdu, struct modbus_message *message)
{
    unsigned byte_count = sl_read_u8(pdu);
    if (pdu->failed)
        return SL_REASON_TRUNCATED;
    if (byte_count < WRITE_BYTES_MIN || byte_count > WRITE_BYTES_MAX)
        return SL_REASON_BYTE_COUNT;
    struct sl_reader parts = sl_read_block(pdu, byte_count);
    /* A part takes 9 bytes at least (the loop ends at a length of zero), so there are at most
     * 27 of them and fewer registers than the array has. */
    while (sl_remaining(&parts)) {
        if (sl_read_u8(&parts) != REFERENCE_TYPE)
            return SL_REASON_REFERENCE_TYPE;
        struct modbus_file_part *part = &message->part[message->parts++];
        part->file = sl_read_u16be(&parts);
        part->record = sl_read_u16be(&parts);
        part->length = sl_read_u16be(&parts);
        if (part->length == 0 || 2u * part->length > sl_remaining(&parts))
            return SL_REASON_RECORD_LENGTH;
        sl_read_u16be_array(&parts, message->value.registers + message->count, part->length);
        message->count = (uint16_t)(message->count + part->length);
    }
    clear_gap(message);
    return SL_REASON_NONE;
}

void modbus_encode_file_write(struct sl_writer *pdu, const struct modbus_message *message)
{
    const uint16_t *registers = message->value.registers;
    sl_write_u8(pdu, (uint8_t)(READ_PART_SIZE * message->parts + 2u * message->count));
    for (unsigned i = 0; i < message->parts; i++) {
        const struct modbus_file_part *part = &message->part[i];
        sl_write_u8(pdu, REFERENCE_TYPE);
        sl_write_u16be(pdu, part->file);
        sl_write_u16be(pdu, part->record);
        sl_write_u16be(pdu, part->length);
        sl_write_u16be_array(pdu, registers, part->length);
        registers += part->length;
    }
}

enum sl_reason modbus_check_file_write(const struct modbus_message *message)
{
    if (message->parts < 1)
        return SL_REASON_BYTE_COUNT;
    for (unsigned i = 0; i < message->parts; i++) {
        enum sl_reason reason = check_part(&message->part[i]);
        if (reason != SL_REASON_NONE)
            return reason;
    }
    if (total_length(message) != message->count ||
        READ_PART_SIZE * message->parts + 2u * message->count > WRITE_BYTES_MAX)
        return SL_REASON_RECORD_LENGTH;
    return check_gap(message);
}
