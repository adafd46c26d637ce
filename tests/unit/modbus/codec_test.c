/* SPDX-License-Identifier: BSD-2-Clause */
/* Decode, validate and encode of every kind of message; nothing shorter or longer passes. */
#include "modbus/wire.h"

#define OTHER_KEY 0xbeefu

static struct wire encode(enum sl_direction direction, const struct decoded *decoded, uint16_t key)
{
    struct wire wire = {0};
    wire.length = modbus_encode(direction, decoded->message, decoded->length, key, wire.bytes,
                                MODBUS_MAX_ADU);
    return wire;
}

static void every_example_comes_back_as_it_was(void **state)
{
    (void)state;
    for (size_t i = 0; i < WIRE_EXAMPLES; i++) {
        const struct wire_example *example = &wire_examples[i];
        struct wire sent = wire_adu(example->pdu);
        struct decoded first = wire_decode(example->direction, sent.bytes, sent.length);
        if (first.reason != SL_REASON_NONE)
            fail_msg("%s: %s", example->pdu, sl_reason_name(first.reason));
        assert_int_equal(first.length, modbus_canonical_size(first.message));
        assert_int_equal(modbus_validate(example->direction, NULL, first.message, first.length),
                         SL_REASON_NONE);

        struct wire again = encode(example->direction, &first, WIRE_TRANSACTION);
        if (again.length != sent.length || memcmp(again.bytes, sent.bytes, sent.length) != 0)
            fail_msg("%s: encoded otherwise", example->pdu);

        struct decoded second = wire_decode(example->direction, again.bytes, again.length);
        assert_int_equal(second.length, first.length);
        assert_memory_equal(second.message, first.message, first.length);

        struct wire keyed = encode(example->direction, &first, OTHER_KEY);
        assert_int_equal(modbus_frame_key(keyed.bytes, keyed.length), OTHER_KEY);
        assert_memory_equal(keyed.bytes + 2, sent.bytes + 2, sent.length - 2);
        assert_int_equal(modbus_key(first.message, first.length), WIRE_TRANSACTION);
        free(first.message);
        free(second.message);
    }
}

static void encode_needs_all_its_room(void **state)
{
    (void)state;
    for (size_t i = 0; i < WIRE_EXAMPLES; i++) {
        const struct wire_example *example = &wire_examples[i];
        struct decoded decoded = wire_decode_pdu(example->direction, example->pdu);
        size_t length = encode(example->direction, &decoded, 0).length;
        for (size_t size = 0; size < length; size++) {
            uint8_t *exact = malloc(size ? size : 1);
            assert_non_null(exact);
            assert_int_equal(
                modbus_encode(example->direction, decoded.message, decoded.length, 0, exact, size),
                0);
            free(exact);
        }
        free(decoded.message);
    }
}

/* Server identification, CANopen and query data have no length of their own beside the MBAP's:
 * a shorter one is another message. */
static bool ends_where_the_header_says(const char *pdu)
{
    return strncmp(pdu, "2b 0d", 5) == 0 || strncmp(pdu, "08 0000", 7) == 0;
}

static void refuse_as_malformed(enum sl_direction direction, const struct wire *wire,
                                const char *what)
{
    struct decoded decoded = wire_decode(direction, wire->bytes, wire->length);
    if (decoded.reason == SL_REASON_NONE)
        fail_msg("accepted: %s, %zu bytes", what, wire->length);
    assert_int_equal(decoded.message->kind, MODBUS_MALFORMED);
    assert_int_equal(decoded.length, MODBUS_HEAD_SIZE);
    assert_int_equal(modbus_validate_malformed(decoded.message, decoded.length), SL_REASON_NONE);
    assert_int_not_equal(modbus_validate(direction, NULL, decoded.message, decoded.length),
                         SL_REASON_NONE);
    free(decoded.message);
}

static void no_truncation_passes(void **state)
{
    (void)state;
    for (size_t i = 0; i < WIRE_EXAMPLES; i++) {
        const struct wire_example *example = &wire_examples[i];
        struct wire whole = wire_adu(example->pdu);
        for (size_t length = 0; length < whole.length; length++) {
            struct wire cut = whole; /* the header still says the old length */
            cut.length = length;
            refuse_as_malformed(example->direction, &cut, example->pdu);
            if (length <= MODBUS_MBAP_SIZE || ends_where_the_header_says(example->pdu))
                continue;
            wire_fix_length(&cut);
            refuse_as_malformed(example->direction, &cut, example->pdu);
        }
    }
}

static void no_trailing_byte_passes(void **state)
{
    (void)state;
    for (size_t i = 0; i < WIRE_EXAMPLES; i++) {
        const struct wire_example *example = &wire_examples[i];
        struct wire longer = wire_adu(example->pdu);
        longer.length++;
        for (unsigned byte = 0; byte < 256; byte++) {
            longer.bytes[longer.length - 1] = (uint8_t)byte;
            refuse_as_malformed(example->direction, &longer, example->pdu);
        }
        if (strncmp(example->pdu, "2b 0d", 5) == 0 && longer.length <= MODBUS_MAX_ADU)
            continue;
        wire_fix_length(&longer);
        for (unsigned byte = 0; byte < 256; byte++) {
            longer.bytes[longer.length - 1] = (uint8_t)byte;
            refuse_as_malformed(example->direction, &longer, example->pdu);
        }
    }
}

static void fields_are_where_the_header_says(void **state)
{
    (void)state;
    struct decoded d = wire_decode_pdu(SL_REQUEST, "17 0003 0006 000e 0002 04 00ff 1234");
    assert_int_equal(d.message->kind, MODBUS_REQUEST);
    assert_int_equal(d.message->function, 23);
    assert_int_equal(d.message->unit, WIRE_UNIT);
    assert_int_equal(d.message->address, 3);
    assert_int_equal(d.message->quantity, 6);
    assert_int_equal(d.message->write_address, 14);
    assert_int_equal(d.message->write_quantity, 2);
    assert_int_equal(d.message->count, 2);
    assert_int_equal(d.message->value.registers[1], 0x1234);
    free(d.message);

    d = wire_decode_pdu(SL_REQUEST, "05 00ac ff00");
    assert_int_equal(d.message->address, 0xac);
    assert_int_equal(d.message->quantity, 1);
    assert_int_equal(d.message->count, 1);
    assert_int_equal(d.message->value.coils[0], 1);
    free(d.message);

    d = wire_decode_pdu(SL_REQUEST, "06 0001 0003");
    assert_int_equal(d.message->quantity, 1);
    assert_int_equal(d.message->count, 1);
    assert_int_equal(d.message->value.registers[0], 3);
    free(d.message);

    d = wire_decode_pdu(SL_REPLY, "02 03 acdb35");
    assert_int_equal(d.message->count, 24);
    assert_int_equal(d.message->quantity, 0);
    free(d.message);

    d = wire_decode_pdu(SL_REQUEST, "15 14 06 0004 0007 0002 06af 04be 06 0009 0001 0001 100d");
    assert_int_equal(d.reason, SL_REASON_NONE);
    assert_int_equal(d.message->parts, 2);
    assert_int_equal(d.message->count, 3);
    assert_int_equal(d.message->part[1].file, 9);
    assert_int_equal(d.message->part[1].length, 1);
    assert_int_equal(d.message->value.registers[2], 0x100d);
    free(d.message);

    d = wire_decode_pdu(SL_REPLY, "83 02");
    assert_int_equal(d.message->kind, MODBUS_EXCEPTION);
    assert_int_equal(d.message->function, 3);
    assert_int_equal(d.message->exception, 2);
    free(d.message);
}

/* Rubbish beyond the last coil is accepted and becomes zero. */
static void padding_of_coils_is_cleared(void **state)
{
    (void)state;
    struct decoded d = wire_decode_pdu(SL_REQUEST, "0f 0013 000a 02 cdfd");
    assert_int_equal(d.reason, SL_REASON_NONE);
    assert_int_equal(d.message->value.coils[1], 1);
    struct wire clean = wire_adu("0f 0013 000a 02 cd01");
    struct wire encoded = encode(SL_REQUEST, &d, WIRE_TRANSACTION);
    assert_int_equal(encoded.length, clean.length);
    assert_memory_equal(encoded.bytes, clean.bytes, clean.length);
    free(d.message);
}

static void malformed_keeps_what_was_read(void **state)
{
    (void)state;
    struct decoded d = wire_decode_pdu(SL_REQUEST, "03 0102 ffff");
    assert_int_equal(d.reason, SL_REASON_QUANTITY_OUT_OF_RANGE);
    assert_int_equal(d.message->function, 3);
    assert_int_equal(d.message->unit, WIRE_UNIT);
    assert_int_equal(d.message->transaction, WIRE_TRANSACTION);
    assert_int_equal(d.message->address, 0x102);
    assert_int_equal(d.message->quantity, 0xffff);
    assert_int_equal(d.message->parts, 4);
    free(d.message);

    d = wire_decode_pdu(SL_REQUEST, "17 0102 0304 0506");
    assert_int_equal(d.reason, SL_REASON_TRUNCATED);
    assert_int_equal(d.message->write_address, 0x506);
    assert_int_equal(d.message->write_quantity, 0);
    assert_int_equal(d.message->parts, 6);
    free(d.message);

    d = wire_decode_pdu(SL_REQUEST, "83 0102 0304");
    assert_int_equal(d.reason, SL_REASON_FUNCTION_UNKNOWN);
    assert_int_equal(d.message->function, 0x83);
    assert_int_equal(d.message->parts, 0);
    free(d.message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_comes_back_as_it_was),
        cmocka_unit_test(encode_needs_all_its_room),
        cmocka_unit_test(no_truncation_passes),
        cmocka_unit_test(no_trailing_byte_passes),
        cmocka_unit_test(fields_are_where_the_header_says),
        cmocka_unit_test(padding_of_coils_is_cleared),
        cmocka_unit_test(malformed_keeps_what_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
