/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions that a service carries unread: direction, lengths and leading bytes must match. */
#include "modbus/wire.h"
#include "protocols/modbus/opaque.h"

static const struct modbus_opaque list[] = {
    {90, SL_REQUEST, 2, {0x00, 0x01}, 3, 5},
    {90, SL_REPLY, 0, {0}, 0, 252},
    {3, SL_REQUEST, 0, {0}, 0, 252}, /* a standard function stays what the standard says */
};
static const uint64_t service_memory[8];
#define SERVICE ((const struct policy_service *)(const void *)service_memory)

/* Stands in for the policy image. */
const struct modbus_opaque *modbus_opaque_find(const struct policy_service *service,
                                               uint8_t function, enum sl_direction direction)
{
    assert_ptr_equal(service, SERVICE);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (list[i].function == function && list[i].direction == direction)
            return &list[i];
    return NULL;
}

static const struct {
    enum sl_direction direction;
    const char *pdu;
    enum sl_reason reason;
} cases[] = {
    {SL_REQUEST, "5a 0001", SL_REASON_OPAQUE_MISMATCH},
    {SL_REQUEST, "5a 0001 02", SL_REASON_NONE},
    {SL_REQUEST, "5a 0001 020304", SL_REASON_NONE},
    {SL_REQUEST, "5a 0001 02030405", SL_REASON_OPAQUE_MISMATCH},
    {SL_REQUEST, "5a 0002 02", SL_REASON_OPAQUE_MISMATCH},
    {SL_REQUEST, "5a 0101 02", SL_REASON_OPAQUE_MISMATCH},
    {SL_REPLY, "5a", SL_REASON_NONE},
    {SL_REPLY, "5a [77*252]", SL_REASON_NONE},
    {SL_REQUEST, "5b 0001 02", SL_REASON_FUNCTION_UNKNOWN},
    {SL_REPLY, "5b", SL_REASON_FUNCTION_UNKNOWN},
    {SL_REQUEST, "03 0000", SL_REASON_TRUNCATED},
    {SL_REQUEST, "da 0001 02", SL_REASON_FUNCTION_UNKNOWN},
};

static void only_what_is_listed_passes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire wire = wire_adu(cases[i].pdu);
        struct modbus_message message;
        size_t length;
        enum sl_reason reason =
            modbus_decode(cases[i].direction, SERVICE, wire.bytes, wire.length, &message, &length);
        if (reason != cases[i].reason)
            fail_msg("%s: %s", cases[i].pdu, sl_reason_name(reason));
        if (reason != SL_REASON_NONE)
            continue;
        assert_int_equal(message.kind, MODBUS_OPAQUE);
        assert_int_equal(modbus_validate(cases[i].direction, SERVICE, &message, length),
                         SL_REASON_NONE);
        /* nothing is opaque where no service says so */
        assert_int_equal(modbus_validate(cases[i].direction, NULL, &message, length),
                         SL_REASON_FUNCTION_UNKNOWN);
        uint8_t bytes[MODBUS_MAX_ADU];
        assert_int_equal(modbus_encode(cases[i].direction, &message, length, WIRE_TRANSACTION,
                                       bytes, sizeof bytes),
                         wire.length);
        assert_memory_equal(bytes, wire.bytes, wire.length);
    }
}

/* A device may refuse what the service lets through, and nothing else. */
static void an_exception_answers_a_function_that_is_listed(void **state)
{
    (void)state;
    static const struct {
        const char *pdu;
        enum sl_reason reason;
    } replies[] = {
        {"da 01", SL_REASON_NONE},
        {"da ff", SL_REASON_NONE},
        {"83 80", SL_REASON_NONE},
        {"db 01", SL_REASON_FUNCTION_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        struct wire wire = wire_adu(replies[i].pdu);
        struct modbus_message message;
        size_t length;
        assert_int_equal(
            modbus_decode(SL_REPLY, SERVICE, wire.bytes, wire.length, &message, &length),
            replies[i].reason);
    }
    struct modbus_message forged = {
        .kind = MODBUS_EXCEPTION, .function = 90, .unit = 1, .exception = 1};
    assert_int_equal(modbus_validate(SL_REPLY, SERVICE, &forged, MODBUS_HEAD_SIZE), SL_REASON_NONE);
    assert_int_equal(modbus_validate(SL_REPLY, NULL, &forged, MODBUS_HEAD_SIZE),
                     SL_REASON_CANONICAL_INVALID);
    forged.function = 91;
    assert_int_equal(modbus_validate(SL_REPLY, SERVICE, &forged, MODBUS_HEAD_SIZE),
                     SL_REASON_CANONICAL_INVALID);
}

static void a_standard_function_is_never_opaque(void **state)
{
    (void)state;
    struct modbus_message message = {.kind = MODBUS_OPAQUE, .function = 3};
    assert_int_equal(modbus_validate(SL_REQUEST, SERVICE, &message, MODBUS_HEAD_SIZE),
                     SL_REASON_CANONICAL_INVALID);
}

static void opaque_replies_match_by_function(void **state)
{
    (void)state;
    struct modbus_message request = {.kind = MODBUS_OPAQUE, .function = 90, .unit = 1};
    struct modbus_message reply = {
        .kind = MODBUS_OPAQUE, .function = 90, .unit = 1, .transaction = 7};
    assert_int_equal(modbus_match(SERVICE, &request, MODBUS_HEAD_SIZE, 7, &reply, MODBUS_HEAD_SIZE),
                     SL_REASON_NONE);
    reply.function = 91;
    assert_int_equal(modbus_match(SERVICE, &request, MODBUS_HEAD_SIZE, 7, &reply, MODBUS_HEAD_SIZE),
                     SL_REASON_REPLY_FUNCTION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_listed_passes),
        cmocka_unit_test(an_exception_answers_a_function_that_is_listed),
        cmocka_unit_test(a_standard_function_is_never_opaque),
        cmocka_unit_test(opaque_replies_match_by_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
