/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions that AP 6 marks "serial line only": 7, 8, 11, 12, 17 (AP 6.7 to 6.10, 6.13). */
#include "protocols/modbus/codec.h"

#define STATUS_READY      0x0000u /* AP 6.9 */
#define STATUS_BUSY       0xffffu
#define EVENTS_MAX        64u     /* AP 6.10 */
#define EVENT_LOG_FIXED   6u      /* status, event count, message count: part of the byte count */
#define QUERY_DATA_MAX    250u    /* PDU less function and subfunction */
#define SERVER_ID_MAX     251u    /* PDU less function and byte count */
#define RESTART_CLEAR_LOG 0xff00u /* AP 6.8.1, subfunction 1 */

enum sl_reason modbus_decode_exception_status(struct sl_reader *pdu, struct modbus_message *message)
{
    message->status = sl_read_u8(pdu);
    return SL_REASON_NONE;
}

void modbus_encode_exception_status(struct sl_writer *pdu, const struct modbus_message *message)
{
    sl_write_u8(pdu, (uint8_t)message->status);
}

enum sl_reason modbus_check_exception_status(const struct modbus_message *message)
{
    return message->status > UINT8_MAX ? SL_REASON_VALUE_OUT_OF_RANGE : SL_REASON_NONE;
}

/* What stands in the data field of a diagnostics message (AP 6.8.1). */
enum diagnostics_data {
    DATA_NEVER,     /* no such message */
    DATA_WORDS,     /* any, whole words */
    DATA_ZERO,      /* 0x0000 */
    DATA_ANY,       /* one word */
    DATA_RESTART,   /* 0x0000 or 0xff00 */
    DATA_CHARACTER, /* a character, then 0x00 */
};

static const struct {
    uint8_t request, reply; /* enum diagnostics_data */
    bool echoed;
} diagnostics[] = {
    [0] = {DATA_WORDS, DATA_WORDS, true},         /* return query data */
    [1] = {DATA_RESTART, DATA_RESTART, true},     /* restart communications option */
    [2] = {DATA_ZERO, DATA_ANY, false},           /* return diagnostic register */
    [3] = {DATA_CHARACTER, DATA_CHARACTER, true}, /* change ASCII input delimiter */
    [4] = {DATA_ZERO, DATA_NEVER, false},         /* force listen only mode: no response */
    [10] = {DATA_ZERO, DATA_ZERO, true},          /* clear counters and diagnostic register */
    [11] = {DATA_ZERO, DATA_ANY, false},          /* return bus message count */
    [12] = {DATA_ZERO, DATA_ANY, false},          /* return bus communication error count */
    [13] = {DATA_ZERO, DATA_ANY, false},          /* return bus exception error count */
    [14] = {DATA_ZERO, DATA_ANY, false},          /* return server message count */
    [15] = {DATA_ZERO, DATA_ANY, false},          /* return server no response count */
    [16] = {DATA_ZERO, DATA_ANY, false},          /* return server NAK count */
    [17] = {DATA_ZERO, DATA_ANY, false},          /* return server busy count */
    [18] = {DATA_ZERO, DATA_ANY, false},          /* return bus character overrun count */
    [20] = {DATA_ZERO, DATA_ZERO, true},          /* clear overrun counter and flag */
};
#define DIAGNOSTICS_COUNT (sizeof diagnostics / sizeof diagnostics[0])

bool modbus_diagnostics_echoed(unsigned subfunction)
{
    return subfunction < DIAGNOSTICS_COUNT && diagnostics[subfunction].echoed;
}

/* The content is checked afterwards; here only that there are whole words of it. */
enum sl_reason modbus_decode_diagnostics(struct sl_reader *pdu, struct modbus_message *message)
{
    message->subfunction = sl_read_u16be(pdu);
    size_t count = sl_remaining(pdu);
    if (pdu->failed)
        return SL_REASON_TRUNCATED;
    message->count = (uint16_t)count;
    memcpy(message->value.bytes, sl_read_bytes(pdu, count), count);
    return SL_REASON_NONE;
}

void modbus_encode_diagnostics(struct sl_writer *pdu, const struct modbus_message *message)
{
    sl_write_u16be(pdu, message->subfunction);
    sl_write_bytes(pdu, message->value.bytes, message->count);
}

static enum sl_reason check_diagnostics(const struct modbus_message *message, unsigned rule)
{
    if (rule == DATA_NEVER)
        return SL_REASON_SUBFUNCTION_UNKNOWN;
    if (message->count < 2)
        return SL_REASON_TRUNCATED;
    if (rule == DATA_WORDS) {
        if (message->count > QUERY_DATA_MAX)
            return SL_REASON_TRAILING_BYTES;
        return message->count % 2 ? SL_REASON_TRUNCATED : SL_REASON_NONE;
    }
    if (message->count > 2)
        return SL_REASON_TRAILING_BYTES;
    const uint8_t *data = message->value.bytes;
    unsigned word = (unsigned)data[0] << 8 | data[1];
    bool good = rule == DATA_ANY || word == 0 ||
                (rule == DATA_RESTART && word == RESTART_CLEAR_LOG) ||
                (rule == DATA_CHARACTER && data[1] == 0);
    return good ? SL_REASON_NONE : SL_REASON_VALUE_OUT_OF_RANGE;
}

enum sl_reason modbus_check_diagnostics_request(const struct modbus_message *message)
{
    if (message->subfunction >= DIAGNOSTICS_COUNT)
        return SL_REASON_SUBFUNCTION_UNKNOWN;
    return check_diagnostics(message, diagnostics[message->subfunction].request);
}

enum sl_reason modbus_check_diagnostics_reply(const struct modbus_message *message)
{
    if (message->subfunction >= DIAGNOSTICS_COUNT)
        return SL_REASON_SUBFUNCTION_UNKNOWN;
    return check_diagnostics(message, diagnostics[message->subfunction].reply);
}

enum sl_reason modbus_decode_event_counter(struct sl_reader *pdu, struct modbus_message *message)
{
    message->status = sl_read_u16be(pdu);
    message->events = sl_read_u16be(pdu);
    return SL_REASON_NONE;
}

void modbus_encode_event_counter(struct sl_writer *pdu, const struct modbus_message *message)
{
    sl_write_u16be(pdu, message->status);
    sl_write_u16be(pdu, message->events);
}

enum sl_reason modbus_check_status_word(const struct modbus_message *message)
{
    bool good = message->status == STATUS_READY || message->status == STATUS_BUSY;
    return good ? SL_REASON_NONE : SL_REASON_VALUE_OUT_OF_RANGE;
}

enum sl_reason modbus_decode_event_log(struct sl_reader *pdu, struct modbus_message *message)
{
    unsigned byte_count = sl_read_u8(pdu);
    message->status = sl_read_u16be(pdu);
    message->events = sl_read_u16be(pdu);
    message->messages = sl_read_u16be(pdu);
    if (pdu->failed)
        return SL_REASON_TRUNCATED;
    if (byte_count < EVENT_LOG_FIXED || byte_count > EVENT_LOG_FIXED + EVENTS_MAX)
        return SL_REASON_BYTE_COUNT;
    message->count = (uint16_t)(byte_count - EVENT_LOG_FIXED);
    const uint8_t *events = sl_read_bytes(pdu, message->count);
    if (!events)
        return SL_REASON_TRUNCATED;
    memcpy(message->value.bytes, events, message->count);
    return SL_REASON_NONE;
}

void modbus_encode_event_log(struct sl_writer *pdu, const struct modbus_message *message)
{
    sl_write_u8(pdu, (uint8_t)(EVENT_LOG_FIXED + message->count));
    sl_write_u16be(pdu, message->status);
    sl_write_u16be(pdu, message->events);
    sl_write_u16be(pdu, message->messages);
    sl_write_bytes(pdu, message->value.bytes, message->count);
}

enum sl_reason modbus_check_event_log(const struct modbus_message *message)
{
    return message->count > EVENTS_MAX ? SL_REASON_BYTE_COUNT : modbus_check_status_word(message);
}

/* Where the device-specific server id ends and the run indicator stands only the device knows:
 * at least the indicator must be there. */
enum sl_reason modbus_decode_server_id(struct sl_reader *pdu, struct modbus_message *message)
{
    unsigned byte_count = sl_read_u8(pdu);
    if (pdu->failed)
        return SL_REASON_TRUNCATED;
    if (byte_count < 1 || byte_count > SERVER_ID_MAX)
        return SL_REASON_BYTE_COUNT;
    const uint8_t *data = sl_read_bytes(pdu, byte_count);
    if (!data)
        return SL_REASON_TRUNCATED;
    memcpy(message->value.bytes, data, byte_count);
    message->count = (uint16_t)byte_count;
    return SL_REASON_NONE;
}

void modbus_encode_server_id(struct sl_writer *pdu, const struct modbus_message *message)
{
    sl_write_u8(pdu, (uint8_t)message->count);
    sl_write_bytes(pdu, message->value.bytes, message->count);
}

enum sl_reason modbus_check_server_id(const struct modbus_message *message)
{
    return message->count < 1 || message->count > SERVER_ID_MAX ? SL_REASON_BYTE_COUNT
                                                                : SL_REASON_NONE;
}
