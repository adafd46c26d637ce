/* SPDX-License-Identifier: BSD-2-Clause */
/* Hostile canonical bytes: whatever validate() accepts is a message that the wire can carry. */
#include "modbus/wire.h"

static uint32_t random_state = 0x9e3779b9u; /* the same run every time */

static uint32_t random_number(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

/* Validates in memory of exactly `length` bytes; true when accepted, and then it must come back
 * from the wire as it was. */
static bool accepted(enum sl_direction direction, const void *canonical, size_t length)
{
    void *exact = malloc(length ? length : 1);
    assert_non_null(exact);
    memcpy(exact, canonical, length);
    bool good = modbus_validate(direction, NULL, exact, length) == SL_REASON_NONE;
    if (good) {
        uint8_t bytes[MODBUS_MAX_ADU];
        size_t written =
            modbus_encode(direction, exact, length, modbus_key(exact, length), bytes, sizeof bytes);
        assert_int_not_equal(written, 0);
        struct decoded again = wire_decode(direction, bytes, written);
        assert_int_equal(again.reason, SL_REASON_NONE);
        assert_int_equal(again.length, length);
        assert_memory_equal(again.message, exact, length);
        free(again.message);
    }
    (void)modbus_validate_malformed(exact, length);
    free(exact);
    return good;
}

static void a_changed_byte_is_found_or_harmless(void **state)
{
    (void)state;
    unsigned refused = 0;
    for (size_t i = 0; i < WIRE_EXAMPLES; i++) {
        enum sl_direction direction = wire_examples[i].direction;
        struct decoded decoded = wire_decode_pdu(direction, wire_examples[i].pdu);
        assert_true(accepted(direction, decoded.message, decoded.length));
        /* the other direction: only what looks the same both ways */
        (void)accepted(direction == SL_REQUEST ? SL_REPLY : SL_REQUEST, decoded.message,
                       decoded.length);
        assert_int_equal(modbus_validate_malformed(decoded.message, decoded.length),
                         SL_REASON_CANONICAL_INVALID);
        for (size_t at = 0; at < decoded.length; at++) {
            uint8_t *byte = (uint8_t *)decoded.message + at;
            uint8_t was = *byte;
            static const uint8_t changes[] = {1, 2, 4, 8, 16, 32, 64, 128, 255};
            for (size_t c = 0; c < sizeof changes; c++) {
                *byte = was ^ changes[c];
                refused += !accepted(direction, decoded.message, decoded.length);
            }
            *byte = was;
        }
        free(decoded.message);
    }
    assert_true(refused > 1000);
}

static void length_must_be_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < WIRE_EXAMPLES; i++) {
        enum sl_direction direction = wire_examples[i].direction;
        struct decoded decoded = wire_decode_pdu(direction, wire_examples[i].pdu);
        uint8_t padded[sizeof(struct modbus_message) + 64] = {0};
        memcpy(padded, decoded.message, decoded.length);
        for (size_t length = 0; length < sizeof padded; length++)
            assert_int_equal(accepted(direction, padded, length), length == decoded.length);
        free(decoded.message);
    }
}

static void random_bytes(void **state)
{
    (void)state;
    unsigned good = 0;
    for (unsigned run = 0; run < 200000; run++) {
        uint8_t bytes[sizeof(struct modbus_message)];
        struct modbus_message *message = (struct modbus_message *)bytes;
        memset(bytes, 0, sizeof bytes);
        for (unsigned n = random_number() % 12; n; n--)
            bytes[random_number() % sizeof bytes] = (uint8_t)random_number();
        /* near enough to a message that some get far */
        message->kind = (uint8_t)(random_number() % 7);
        message->function = (uint8_t)(random_number() % 48);
        if (random_number() % 2) {
            message->address = (uint16_t)random_number();
            message->quantity = (uint16_t)(random_number() % 2100);
        }
        message->count = (uint16_t)(random_number() % (random_number() % 4 ? 130 : 65536));
        message->parts = (uint8_t)(random_number() % 3 ? 0 : random_number() % 40);
        size_t length = modbus_canonical_size(message);
        assert_in_range(length, 0, sizeof bytes);
        if (random_number() % 8 == 0)
            length = random_number() % (sizeof bytes + 1);
        good += accepted((enum sl_direction)(random_number() % 2), bytes, length);
    }
    assert_true(good > 100);
}

static void malformed_says_no_more_than_it_may(void **state)
{
    (void)state;
    struct decoded decoded = wire_decode_pdu(SL_REQUEST, "03 0000 0000");
    struct modbus_message *message = decoded.message;
    assert_int_equal(modbus_validate_malformed(message, decoded.length), SL_REASON_NONE);
    assert_int_not_equal(modbus_validate_malformed(message, decoded.length - 1), SL_REASON_NONE);
    message->count = 1;
    assert_int_not_equal(modbus_validate_malformed(message, decoded.length), SL_REASON_NONE);
    message->count = 0;
    message->exception = 1;
    assert_int_not_equal(modbus_validate_malformed(message, decoded.length), SL_REASON_NONE);
    message->exception = 0;
    message->parts = 9;
    assert_int_not_equal(modbus_validate_malformed(message, decoded.length), SL_REASON_NONE);
    message->parts = 4;
    message->kind = MODBUS_REQUEST;
    assert_int_not_equal(modbus_validate_malformed(message, decoded.length), SL_REASON_NONE);
    free(decoded.message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_byte_is_found_or_harmless),
        cmocka_unit_test(length_must_be_exact),
        cmocka_unit_test(random_bytes),
        cmocka_unit_test(malformed_says_no_more_than_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
