/* SPDX-License-Identifier: BSD-2-Clause */
/* The exception that tells a client why its request got no answer (AP 7). */
#include "protocols/modbus/codec.h"

enum exception_code {
    ILLEGAL_FUNCTION = 1,
    ILLEGAL_DATA_ADDRESS = 2,
    ILLEGAL_DATA_VALUE = 3,
    SERVER_DEVICE_FAILURE = 4,
    SERVER_DEVICE_BUSY = 6,
    GATEWAY_PATH_UNAVAILABLE = 10,
    GATEWAY_TARGET_FAILED = 11,
    NOTHING = 255, /* no exception: no one is answered */
};

/* Content reasons: of a malformed request, as the state diagrams of AP 6 answer it. */
static const uint8_t codes[SL_REASON_COUNT] = {
    [SL_REASON_NONE] = NOTHING,
    [SL_REASON_PROTOCOL_IDENTIFIER] = NOTHING, /* the session is closed */
    [SL_REASON_LENGTH_FIELD] = NOTHING,
    [SL_REASON_TRUNCATED] = ILLEGAL_DATA_VALUE,
    [SL_REASON_TRAILING_BYTES] = ILLEGAL_DATA_VALUE,
    [SL_REASON_FUNCTION_UNKNOWN] = ILLEGAL_FUNCTION,
    [SL_REASON_SUBFUNCTION_UNKNOWN] = ILLEGAL_FUNCTION,
    [SL_REASON_QUANTITY_OUT_OF_RANGE] = ILLEGAL_DATA_VALUE,
    [SL_REASON_ADDRESS_OUT_OF_RANGE] = ILLEGAL_DATA_ADDRESS,
    [SL_REASON_BYTE_COUNT] = ILLEGAL_DATA_VALUE,
    [SL_REASON_VALUE_OUT_OF_RANGE] = ILLEGAL_DATA_VALUE,
    [SL_REASON_PADDING] = ILLEGAL_DATA_VALUE,
    [SL_REASON_REFERENCE_TYPE] = ILLEGAL_DATA_ADDRESS, /* AP 6.14, 6.15 */
    [SL_REASON_FILE_NUMBER] = ILLEGAL_DATA_ADDRESS,
    [SL_REASON_RECORD_NUMBER] = ILLEGAL_DATA_ADDRESS,
    [SL_REASON_RECORD_LENGTH] = ILLEGAL_DATA_VALUE,
    [SL_REASON_MEI_TYPE] = ILLEGAL_FUNCTION,              /* AP 6.19 */
    [SL_REASON_READ_DEVICE_ID_CODE] = ILLEGAL_DATA_VALUE, /* AP 6.21 */
    [SL_REASON_OBJECT_ID] = ILLEGAL_DATA_ADDRESS,
    [SL_REASON_CONFORMITY_LEVEL] = ILLEGAL_DATA_VALUE,
    [SL_REASON_MORE_FOLLOWS] = ILLEGAL_DATA_VALUE,
    [SL_REASON_EXCEPTION_CODE] = ILLEGAL_DATA_VALUE,
    [SL_REASON_OPAQUE_MISMATCH] = ILLEGAL_DATA_VALUE,
    [SL_REASON_UNIT_IDENTIFIER] = ILLEGAL_DATA_VALUE,
    [SL_REASON_NO_RULE] = ILLEGAL_FUNCTION,
    [SL_REASON_NO_RULE_CLIENT] = ILLEGAL_FUNCTION,
    [SL_REASON_NO_RULE_UNIT] = ILLEGAL_FUNCTION,
    [SL_REASON_NO_RULE_FUNCTION] = ILLEGAL_FUNCTION,
    [SL_REASON_NO_RULE_ADDRESS] = ILLEGAL_DATA_ADDRESS,
    [SL_REASON_NO_RULE_VALUE] = ILLEGAL_DATA_VALUE,
    [SL_REASON_DENY_RULE] = ILLEGAL_FUNCTION,
    [SL_REASON_REPLY_UNMATCHED] = GATEWAY_TARGET_FAILED,
    [SL_REASON_REPLY_TRANSACTION] = GATEWAY_TARGET_FAILED,
    [SL_REASON_REPLY_UNIT] = GATEWAY_TARGET_FAILED,
    [SL_REASON_REPLY_FUNCTION] = GATEWAY_TARGET_FAILED,
    [SL_REASON_REPLY_SHAPE] = GATEWAY_TARGET_FAILED,
    [SL_REASON_REPLY_ECHO] = GATEWAY_TARGET_FAILED,
    [SL_REASON_DEVICE_UNREACHABLE] = GATEWAY_TARGET_FAILED,
    [SL_REASON_DEVICE_TIMEOUT] = GATEWAY_TARGET_FAILED,
    [SL_REASON_DEVICE_CLOSED] = GATEWAY_TARGET_FAILED,
    [SL_REASON_DEVICE_FRAMING_LOST] = GATEWAY_TARGET_FAILED,
    [SL_REASON_CLIENT_LEFT] = NOTHING,
    [SL_REASON_CLIENT_STALLED] = NOTHING,
    [SL_REASON_OUTCOME_OVERDUE] = GATEWAY_TARGET_FAILED,
    [SL_REASON_QUOTA] = SERVER_DEVICE_BUSY,
    [SL_REASON_QUEUE_TIMEOUT] = GATEWAY_PATH_UNAVAILABLE,
    [SL_REASON_CAPACITY] = GATEWAY_PATH_UNAVAILABLE,
    [SL_REASON_CANONICAL_INVALID] = SERVER_DEVICE_FAILURE,
    [SL_REASON_RECORD_INVALID] = SERVER_DEVICE_FAILURE,
    [SL_REASON_RING_FULL] = SERVER_DEVICE_FAILURE,
};
static bool about_content(enum sl_reason reason)
{
    return reason > SL_REASON_NONE && reason < SL_REASON_NO_RULE;
}

static uint8_t code_for(const struct modbus_message *request, enum sl_reason reason)
{
    /* The request was understood, so it is the device's reply that was not. */
    if (request->kind != MODBUS_MALFORMED && about_content(reason))
        return GATEWAY_TARGET_FAILED;
    /* A reason that has no line above is the gateway's own trouble. */
    if ((unsigned)reason >= SL_REASON_COUNT || codes[reason] == 0)
        return SERVER_DEVICE_FAILURE;
    return codes[reason];
}

size_t modbus_refuse(const void *canonical, size_t length, enum sl_reason reason, uint8_t *bytes,
                     size_t size)
{
    const struct modbus_message *request = canonical;
    if (length < MODBUS_HEAD_SIZE)
        return 0;
    uint8_t code = code_for(request, reason);
    if (code == NOTHING)
        return 0;
    return modbus_encode_exception(request, code, bytes, size);
}
