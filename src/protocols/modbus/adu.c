/* SPDX-License-Identifier: BSD-2-Clause */
/* One ADU: MBAP header, function code, content (MG 3.1.2). Decode and encode. */
#include "protocols/modbus/codec.h"

#define EXCEPTION_BIT 0x80u /* AP 4.1 */

_Static_assert(sizeof((struct modbus_message *)0)->value >= MODBUS_MAX_PDU - 1,
               "whatever follows a function code fits");

/* What is known of a message whose content is not understood: enough to refuse and to report. */
static enum sl_reason malformed(enum sl_direction direction, struct modbus_message *message,
                                struct sl_reader content, uint8_t function, enum sl_reason reason,
                                size_t *canonical_length)
{
    uint8_t unit = message->unit;
    uint16_t transaction = message->transaction;
    memset(message, 0, MODBUS_HEAD_SIZE);
    message->kind = MODBUS_MALFORMED;
    message->function = function;
    message->unit = unit;
    message->transaction = transaction;
    *canonical_length = MODBUS_HEAD_SIZE;
    const struct modbus_codec *codec = modbus_codec(direction, function);
    if (!codec)
        return reason;
    size_t there = sl_remaining(&content);
    message->parts = (uint8_t)(there < codec->leading ? there : codec->leading);
    if (function == MODBUS_DIAGNOSTICS) {
        message->subfunction = sl_read_u16be(&content);
    } else if (function == MODBUS_ENCAPSULATED_INTERFACE) {
        message->mei = sl_read_u8(&content);
    } else if (codec->leading) {
        message->address = sl_read_u16be(&content);
        if (codec->leading >= 4)
            message->quantity = sl_read_u16be(&content);
        if (codec->leading >= 8) {
            message->write_address = sl_read_u16be(&content);
            message->write_quantity = sl_read_u16be(&content);
        }
    }
    return reason;
}

static enum sl_reason decode_exception(const struct policy_service *service,
                                       struct sl_reader *content, struct modbus_message *message)
{
    message->kind = MODBUS_EXCEPTION;
    if (!modbus_has_function(service, message->function))
        return SL_REASON_FUNCTION_UNKNOWN;
    message->exception = sl_read_u8(content);
    if (content->failed)
        return SL_REASON_TRUNCATED;
    return message->exception ? SL_REASON_NONE : SL_REASON_EXCEPTION_CODE;
}

static enum sl_reason decode_opaque(enum sl_direction direction,
                                    const struct policy_service *service, struct sl_reader *content,
                                    struct modbus_message *message)
{
    message->kind = MODBUS_OPAQUE;
    size_t length = sl_remaining(content);
    message->count = (uint16_t)length;
    if (length)
        memcpy(message->value.bytes, sl_read_bytes(content, length), length);
    return modbus_check_opaque(direction, service, message);
}

static enum sl_reason decode_content(enum sl_direction direction,
                                     const struct policy_service *service,
                                     struct sl_reader *content, uint8_t function,
                                     struct modbus_message *message)
{
    const struct modbus_codec *codec = NULL;
    enum sl_reason reason;
    message->function = function;
    if (direction == SL_REPLY && function > EXCEPTION_BIT) {
        message->function = (uint8_t)(function & ~EXCEPTION_BIT);
        reason = decode_exception(service, content, message);
    } else {
        codec = modbus_codec(direction, function);
        message->kind = direction == SL_REQUEST ? MODBUS_REQUEST : MODBUS_REPLY;
        reason = codec ? codec->decode(content, message)
                       : decode_opaque(direction, service, content, message);
    }
    if (reason != SL_REASON_NONE)
        return reason;
    if (content->failed)
        return SL_REASON_TRUNCATED;
    if (!sl_consumed(content))
        return SL_REASON_TRAILING_BYTES;
    return codec ? modbus_check(codec, message) : SL_REASON_NONE;
}

enum sl_reason modbus_decode(enum sl_direction direction, const struct policy_service *service,
                             const uint8_t *bytes, size_t length, void *canonical,
                             size_t *canonical_length)
{
    struct modbus_message *message = canonical;
    memset(message, 0, MODBUS_HEAD_SIZE);
    struct sl_reader adu = sl_reader(bytes, length);
    message->transaction = sl_read_u16be(&adu);
    uint16_t protocol = sl_read_u16be(&adu);
    uint16_t following = sl_read_u16be(&adu);
    enum sl_reason reason = SL_REASON_NONE;
    if (adu.failed)
        reason = SL_REASON_TRUNCATED;
    else if (protocol != MODBUS_PROTOCOL_IDENTIFIER)
        reason = SL_REASON_PROTOCOL_IDENTIFIER;
    else if (following != sl_remaining(&adu) || length > MODBUS_MAX_ADU)
        reason = SL_REASON_LENGTH_FIELD;
    message->unit = sl_read_u8(&adu);
    uint8_t function = sl_read_u8(&adu);
    if (reason == SL_REASON_NONE && adu.failed)
        reason = SL_REASON_LENGTH_FIELD;
    const struct sl_reader start = adu;
    if (reason == SL_REASON_NONE)
        reason = decode_content(direction, service, &adu, function, message);
    if (reason != SL_REASON_NONE)
        return malformed(direction, message, start, function, reason, canonical_length);
    *canonical_length = modbus_canonical_size(message);
    return SL_REASON_NONE;
}

/* The header is written last, when the length is known. */
static size_t with_header(const struct modbus_message *message, uint16_t transaction,
                          struct sl_writer adu)
{
    if (adu.failed)
        return 0;
    struct sl_writer header = sl_writer(adu.bytes, MODBUS_MBAP_SIZE);
    sl_write_u16be(&header, transaction);
    sl_write_u16be(&header, MODBUS_PROTOCOL_IDENTIFIER);
    sl_write_u16be(&header, (uint16_t)(adu.length - (MODBUS_MBAP_SIZE - 1)));
    sl_write_u8(&header, message->unit);
    return adu.length;
}

static struct sl_writer room_for_header(uint8_t *bytes, size_t size)
{
    struct sl_writer adu = sl_writer(bytes, size);
    static const uint8_t room[MODBUS_MBAP_SIZE];
    sl_write_bytes(&adu, room, sizeof room);
    return adu;
}

size_t modbus_encode(enum sl_direction direction, const void *canonical, size_t length,
                     uint16_t key, uint8_t *bytes, size_t size)
{
    const struct modbus_message *message = canonical;
    (void)length;
    struct sl_writer adu = room_for_header(bytes, size);
    if (message->kind == MODBUS_EXCEPTION) {
        sl_write_u8(&adu, (uint8_t)(message->function | EXCEPTION_BIT));
        sl_write_u8(&adu, message->exception);
        return with_header(message, key, adu);
    }
    sl_write_u8(&adu, message->function);
    if (message->kind == MODBUS_OPAQUE) {
        sl_write_bytes(&adu, message->value.bytes, message->count);
        return with_header(message, key, adu);
    }
    const struct modbus_codec *codec = modbus_codec(direction, message->function);
    if (!codec)
        return 0;
    codec->encode(&adu, message);
    return with_header(message, key, adu);
}

size_t modbus_encode_exception(const struct modbus_message *message, uint8_t code, uint8_t *bytes,
                               size_t size)
{
    struct sl_writer adu = room_for_header(bytes, size);
    sl_write_u8(&adu, (uint8_t)(message->function | EXCEPTION_BIT));
    sl_write_u8(&adu, code);
    return with_header(message, message->transaction, adu);
}

uint16_t modbus_key(const void *canonical, size_t length)
{
    const struct modbus_message *message = canonical;
    return length >= MODBUS_HEAD_SIZE ? message->transaction : 0;
}
