/* SPDX-License-Identifier: BSD-2-Clause */
/* Where messages end in a stream, however it is cut; and where no end can be trusted. */
#include "modbus/wire.h"

static struct sl_frame frame(const uint8_t *bytes, size_t length)
{
    uint8_t *exact = malloc(length ? length : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, length);
    struct sl_frame found = modbus_frame(SL_REQUEST, exact, length);
    struct sl_frame reply = modbus_frame(SL_REPLY, exact, length);
    assert_int_equal(found.status, reply.status);
    assert_int_equal(found.length, reply.length);
    free(exact);
    return found;
}

static void a_message_is_complete_with_its_last_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < WIRE_EXAMPLES; i++) {
        struct wire wire = wire_adu(wire_examples[i].pdu);
        for (size_t length = 0; length < wire.length; length++)
            assert_int_equal(frame(wire.bytes, length).status, SL_FRAME_MORE);
        /* With what follows it in the stream or without: the same message. */
        for (size_t length = wire.length; length < wire.length + 20; length++) {
            struct sl_frame found = frame(wire.bytes, length);
            assert_int_equal(found.status, SL_FRAME_COMPLETE);
            assert_int_equal(found.length, wire.length);
        }
    }
}

static void length_field_has_limits(void **state)
{
    (void)state;
    static const struct {
        unsigned field;
        bool lost;
    } cases[] = {{0, true},   {1, true},   {2, false},  {254, false},
                 {255, true}, {256, true}, {258, true}, {0xffff, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint8_t header[6] = {
            0, 0, 0, 0, (uint8_t)(cases[i].field >> 8), (uint8_t)cases[i].field};
        struct sl_frame found = frame(header, sizeof header);
        assert_int_equal(found.status, cases[i].lost ? SL_FRAME_LOST : SL_FRAME_MORE);
        assert_int_equal(found.reason, cases[i].lost ? SL_REASON_LENGTH_FIELD : SL_REASON_NONE);
    }
}

static void protocol_identifier_must_be_zero(void **state)
{
    (void)state;
    static const uint8_t http[] = "GET / HTTP/1.1\r\n";
    assert_int_equal(frame(http, 3).status, SL_FRAME_MORE);
    for (size_t length = 4; length < sizeof http; length++) {
        struct sl_frame found = frame(http, length);
        assert_int_equal(found.status, SL_FRAME_LOST);
        assert_int_equal(found.reason, SL_REASON_PROTOCOL_IDENTIFIER);
    }
    static const uint8_t low[] = {0, 0, 0, 1, 0, 6};
    static const uint8_t high[] = {0, 0, 1, 0, 0, 6};
    assert_int_equal(frame(low, sizeof low).reason, SL_REASON_PROTOCOL_IDENTIFIER);
    assert_int_equal(frame(high, sizeof high).reason, SL_REASON_PROTOCOL_IDENTIFIER);
}

static void key_is_the_transaction(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0xab, 0xcd};
    assert_int_equal(modbus_frame_key(bytes, 2), 0xabcd);
    assert_int_equal(modbus_frame_key(bytes, 1), 0);
    assert_int_equal(modbus_frame_key(bytes, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_complete_with_its_last_byte),
        cmocka_unit_test(length_field_has_limits),
        cmocka_unit_test(protocol_identifier_must_be_zero),
        cmocka_unit_test(key_is_the_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
