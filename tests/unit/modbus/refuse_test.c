/* SPDX-License-Identifier: BSD-2-Clause */
/* Which exception a client gets for which reason. */
#include "modbus/wire.h"

#define SILENT 0

static int refusal(const struct decoded *request, enum sl_reason reason, uint8_t function)
{
    uint8_t bytes[MODBUS_MAX_ADU];
    size_t length = modbus_refuse(request->message, request->length, reason, bytes, sizeof bytes);
    if (length == 0)
        return SILENT;
    const uint8_t expected[] = {
        WIRE_TRANSACTION >> 8, WIRE_TRANSACTION & 0xff, 0, 0, 0, 3, WIRE_UNIT, function};
    assert_int_equal(length, 9);
    assert_memory_equal(bytes, expected, sizeof expected);
    for (size_t size = 0; size < length; size++)
        assert_int_equal(modbus_refuse(request->message, request->length, reason, bytes, size), 0);
    return bytes[8];
}

static void policy_and_device_reasons(void **state)
{
    (void)state;
    static const struct {
        enum sl_reason reason;
        int code;
    } cases[] = {
        {SL_REASON_NO_RULE, 1},
        {SL_REASON_NO_RULE_CLIENT, 1},
        {SL_REASON_NO_RULE_UNIT, 1},
        {SL_REASON_NO_RULE_FUNCTION, 1},
        {SL_REASON_NO_RULE_ADDRESS, 2},
        {SL_REASON_NO_RULE_VALUE, 3},
        {SL_REASON_DENY_RULE, 1},
        {SL_REASON_DENY_RULE_ADDRESS, 2},
        {SL_REASON_DENY_RULE_VALUE, 3},
        {SL_REASON_REPLY_UNMATCHED, 11},
        {SL_REASON_REPLY_TRANSACTION, 11},
        {SL_REASON_REPLY_UNIT, 11},
        {SL_REASON_REPLY_FUNCTION, 11},
        {SL_REASON_REPLY_SHAPE, 11},
        {SL_REASON_REPLY_ECHO, 11},
        {SL_REASON_DEVICE_UNREACHABLE, 11},
        {SL_REASON_DEVICE_TIMEOUT, 11},
        {SL_REASON_DEVICE_CLOSED, 11},
        {SL_REASON_DEVICE_FRAMING_LOST, 11},
        {SL_REASON_CLIENT_LEFT, SILENT},
        {SL_REASON_CLIENT_STALLED, SILENT},
        {SL_REASON_OUTCOME_OVERDUE, 11},
        {SL_REASON_QUOTA, 6},
        {SL_REASON_CAPACITY, 10},
        {SL_REASON_CANONICAL_INVALID, 4},
        {SL_REASON_RECORD_INVALID, 4},
        {SL_REASON_RING_FULL, 4},
        {SL_REASON_COUNT, 4},
        /* the request was good: the device's reply was not */
        {SL_REASON_TRUNCATED, 11},
        {SL_REASON_FUNCTION_UNKNOWN, 11},
        {SL_REASON_PROTOCOL_IDENTIFIER, 11},
    };
    struct decoded request = wire_decode_pdu(SL_REQUEST, "03 0000 0001");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(refusal(&request, cases[i].reason, 0x83), cases[i].code);
    free(request.message);
}

static void malformed_requests(void **state)
{
    (void)state;
    static const struct {
        const char *pdu;
        uint8_t function;
        int code;
    } cases[] = {
        {"03 0000 0000", 0x83, 3},
        {"03 0000", 0x83, 3},
        {"03 0000 0001 00", 0x83, 3},
        {"03 ffff 0002", 0x83, 2},
        {"05 0000 1234", 0x85, 3},
        {"08 0005 0000", 0x88, 1},
        {"08 0002 0001", 0x88, 3},
        {"0f 0000 0001 02 0000", 0x8f, 3},
        {"14 07 05 0001 0000 0001", 0x94, 2},
        {"14 07 06 0000 0000 0001", 0x94, 2},
        {"14 07 06 0001 2710 0001", 0x94, 2},
        {"14 07 06 0001 0000 0000", 0x94, 3},
        {"2b 0f 00", 0xab, 1},
        {"2b 0e 05 00", 0xab, 3},
        {"5a 00", 0xda, 1},
        {"00", 0x80, 1},
        {"83 0000 0001", 0x83, 1},
        {"ff", 0xff, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct decoded request = wire_decode_pdu(SL_REQUEST, cases[i].pdu);
        assert_int_not_equal(request.reason, SL_REASON_NONE);
        assert_int_equal(refusal(&request, request.reason, cases[i].function), cases[i].code);
        free(request.message);
    }
}

static void lost_framing_is_not_answered(void **state)
{
    (void)state;
    struct decoded request = wire_decode_pdu(SL_REQUEST, "5a 00");
    assert_int_equal(refusal(&request, SL_REASON_PROTOCOL_IDENTIFIER, 0xda), SILENT);
    assert_int_equal(refusal(&request, SL_REASON_LENGTH_FIELD, 0xda), SILENT);
    free(request.message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_and_device_reasons),
        cmocka_unit_test(malformed_requests),
        cmocka_unit_test(lost_framing_is_not_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
