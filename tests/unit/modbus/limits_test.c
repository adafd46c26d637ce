/* SPDX-License-Identifier: BSD-2-Clause */
/* Every limit of the specification, on both sides of its edge. */
#include "modbus/wire.h"

struct limit {
    enum sl_direction direction;
    const char *pdu;
    enum sl_reason reason;
};
#define REQUEST(pdu, reason)                                                                       \
    {                                                                                              \
        SL_REQUEST, pdu, SL_REASON_##reason                                                        \
    }
#define REPLY(pdu, reason)                                                                         \
    {                                                                                              \
        SL_REPLY, pdu, SL_REASON_##reason                                                          \
    }

static const struct limit limits[] = {
    /* AP 6.1, 6.2: quantity 1 to 2000 */
    REQUEST("01 0000 0000", QUANTITY_OUT_OF_RANGE),
    REQUEST("01 0000 0001", NONE),
    REQUEST("01 0000 07d0", NONE),
    REQUEST("01 0000 07d1", QUANTITY_OUT_OF_RANGE),
    REQUEST("02 0000 0000", QUANTITY_OUT_OF_RANGE),
    REQUEST("02 0000 07d0", NONE),
    REQUEST("02 0000 07d1", QUANTITY_OUT_OF_RANGE),
    /* address + quantity at most 65536 */
    REQUEST("01 ffff 0001", NONE),
    REQUEST("01 ffff 0002", ADDRESS_OUT_OF_RANGE),
    REQUEST("02 f830 07d0", NONE),
    REQUEST("02 f831 07d0", ADDRESS_OUT_OF_RANGE),
    REQUEST("03 ffff 0001", NONE),
    REQUEST("03 ffff 0002", ADDRESS_OUT_OF_RANGE),
    REQUEST("04 ff83 007d", NONE),
    REQUEST("04 ff84 007d", ADDRESS_OUT_OF_RANGE),
    REPLY("01 00", BYTE_COUNT),
    REPLY("01 01 00", NONE),
    REPLY("01 fa [00*250]", NONE),
    REPLY("01 fb [00*251]", BYTE_COUNT),
    REPLY("02 02 00", TRUNCATED),
    REPLY("02 02 000000", TRAILING_BYTES),
    /* AP 6.3, 6.4: 1 to 125 */
    REQUEST("03 0000 0000", QUANTITY_OUT_OF_RANGE),
    REQUEST("03 0000 007d", NONE),
    REQUEST("03 0000 007e", QUANTITY_OUT_OF_RANGE),
    REQUEST("04 0000 0000", QUANTITY_OUT_OF_RANGE),
    REQUEST("04 0000 007d", NONE),
    REQUEST("04 0000 007e", QUANTITY_OUT_OF_RANGE),
    REPLY("03 00", BYTE_COUNT),
    REPLY("03 02 0000", NONE),
    REPLY("03 03 000000", BYTE_COUNT),
    REPLY("03 fa [0000*125]", NONE),
    REPLY("03 fb [00*251]", BYTE_COUNT),
    REPLY("03 fc [00*250]", BYTE_COUNT),
    REPLY("04 01 00", BYTE_COUNT),
    /* AP 6.5: 0x0000 or 0xff00 */
    REQUEST("05 0000 0000", NONE),
    REQUEST("05 0000 ff00", NONE),
    REQUEST("05 0000 ff01", VALUE_OUT_OF_RANGE),
    REQUEST("05 0000 fe00", VALUE_OUT_OF_RANGE),
    REQUEST("05 0000 0001", VALUE_OUT_OF_RANGE),
    REQUEST("05 0000 0100", VALUE_OUT_OF_RANGE),
    REPLY("05 ffff ff00", NONE),
    REPLY("05 0000 00ff", VALUE_OUT_OF_RANGE),
    /* AP 6.8: sub-functions 0 to 4, 10 to 18, 20 */
    REQUEST("08 0000", TRUNCATED),
    REQUEST("08 0000 0000", NONE),
    REQUEST("08 0000 000000", TRUNCATED),
    REQUEST("08 0000 [00*250]", NONE),
    REQUEST("08 0001 0001", VALUE_OUT_OF_RANGE),
    REQUEST("08 0001 ff01", VALUE_OUT_OF_RANGE),
    REQUEST("08 0001 00", TRUNCATED),
    REQUEST("08 0001 000000", TRAILING_BYTES),
    REQUEST("08 0002 0001", VALUE_OUT_OF_RANGE),
    REPLY("08 0002 ffff", NONE),
    REQUEST("08 0003 0a00", NONE),
    REQUEST("08 0003 0a01", VALUE_OUT_OF_RANGE),
    REQUEST("08 0004 0000", NONE),
    REQUEST("08 0004 0001", VALUE_OUT_OF_RANGE),
    REPLY("08 0004 0000", SUBFUNCTION_UNKNOWN),
    REQUEST("08 0005 0000", SUBFUNCTION_UNKNOWN),
    REQUEST("08 0009 0000", SUBFUNCTION_UNKNOWN),
    REQUEST("08 000a 0000", NONE),
    REQUEST("08 000a 0001", VALUE_OUT_OF_RANGE),
    REPLY("08 000a 0001", VALUE_OUT_OF_RANGE),
    REQUEST("08 000b 0000", NONE),
    REQUEST("08 000b 0100", VALUE_OUT_OF_RANGE),
    REPLY("08 000b 0100", NONE),
    REQUEST("08 0012 0000", NONE),
    REQUEST("08 0013 0000", SUBFUNCTION_UNKNOWN),
    REQUEST("08 0014 0000", NONE),
    REQUEST("08 0015 0000", SUBFUNCTION_UNKNOWN),
    REQUEST("08 ffff 0000", SUBFUNCTION_UNKNOWN),
    REPLY("08 0015 0000", SUBFUNCTION_UNKNOWN),
    REPLY("08 ffff 0000", SUBFUNCTION_UNKNOWN),
    /* AP 6.9, 6.10: status all zeros or all ones; 0 to 64 events */
    REPLY("0b 0001 0000", VALUE_OUT_OF_RANGE),
    REPLY("0b fffe 0000", VALUE_OUT_OF_RANGE),
    REPLY("0b 0000 ffff", NONE),
    REPLY("0c 05 0000 0000 00", TRUNCATED),
    REPLY("0c 05 0000 0000 0000", BYTE_COUNT),
    REPLY("0c 06 0000 0000 0000", NONE),
    REPLY("0c 06 0001 0000 0000", VALUE_OUT_OF_RANGE),
    REPLY("0c 46 0000 0000 0000 [00*64]", NONE),
    REPLY("0c 47 0000 0000 0000 [00*65]", BYTE_COUNT),
    /* AP 6.11: 1 to 1968 coils */
    REQUEST("0f 0000 0000 00", QUANTITY_OUT_OF_RANGE),
    REQUEST("0f 0000 0000 01 00", QUANTITY_OUT_OF_RANGE),
    REQUEST("0f 0000 0001 01 01", NONE),
    REQUEST("0f 0000 0008 01 ff", NONE),
    REQUEST("0f 0000 0009 01 ff", BYTE_COUNT),
    REQUEST("0f 0000 0008 02 ffff", BYTE_COUNT),
    REQUEST("0f 0000 07b0 f6 [00*246]", NONE),
    REQUEST("0f 0000 07b1 f7 [00*247]", QUANTITY_OUT_OF_RANGE),
    REQUEST("0f 0000 0808 01 00", QUANTITY_OUT_OF_RANGE), /* byte count modulo 256 fits */
    REQUEST("0f fff8 0008 01 00", NONE),
    REQUEST("0f fff9 0008 01 00", ADDRESS_OUT_OF_RANGE),
    REPLY("0f 0000 0000", QUANTITY_OUT_OF_RANGE),
    REPLY("0f 0000 07b0", NONE),
    REPLY("0f 0000 07b1", QUANTITY_OUT_OF_RANGE),
    REPLY("0f ffff 0002", ADDRESS_OUT_OF_RANGE),
    /* AP 6.12: 1 to 123 registers */
    REQUEST("10 0000 0000 00", QUANTITY_OUT_OF_RANGE),
    REQUEST("10 0000 0001 02 0000", NONE),
    REQUEST("10 0000 0001 01 00", BYTE_COUNT),
    REQUEST("10 0000 0001 04 00000000", BYTE_COUNT),
    REQUEST("10 0000 007b f6 [0000*123]", NONE),
    REQUEST("10 0000 007c f8 [00*247]", QUANTITY_OUT_OF_RANGE),
    REQUEST("10 0000 0081 02 0000", QUANTITY_OUT_OF_RANGE), /* 2 * 129 modulo 256 fits */
    REQUEST("10 fffe 0002 04 00000000", NONE),
    REQUEST("10 ffff 0002 04 00000000", ADDRESS_OUT_OF_RANGE),
    REPLY("10 0000 007b", NONE),
    REPLY("10 0000 007c", QUANTITY_OUT_OF_RANGE),
    /* AP 6.13 */
    REPLY("11 00", BYTE_COUNT),
    REPLY("11 01 00", NONE),
    REPLY("11 02 00", TRUNCATED),
    REPLY("11 01 0000", TRAILING_BYTES),
    REPLY("11 fc [00*251]", BYTE_COUNT),
    /* AP 6.14 */
    REQUEST("14 00", BYTE_COUNT),
    REQUEST("14 06 06 0001 0000 00", BYTE_COUNT),
    REQUEST("14 07 06 0001 0000 0001", NONE),
    REQUEST("14 08 06 0001 0000 0001 06", BYTE_COUNT),
    REQUEST("14 07 05 0001 0000 0001", REFERENCE_TYPE),
    REQUEST("14 07 07 0001 0000 0001", REFERENCE_TYPE),
    REQUEST("14 07 06 0000 0000 0001", FILE_NUMBER),
    REQUEST("14 07 06 ffff 0000 0001", NONE),
    REQUEST("14 07 06 0001 270f 0001", NONE),
    REQUEST("14 07 06 0001 270f 0002", RECORD_NUMBER),
    REQUEST("14 07 06 0001 2710 0001", RECORD_NUMBER),
    REQUEST("14 07 06 0001 0000 0000", RECORD_LENGTH),
    REQUEST("14 07 06 0001 0000 007c", NONE), /* 2 + 2 + 248: a PDU of 252 */
    REQUEST("14 07 06 0001 0000 007d", RECORD_LENGTH),
    REQUEST("14 07 06 0001 0000 ffff", RECORD_NUMBER),
    REQUEST("14 0e 06 0001 0000 003d 06 0001 0000 003e", NONE), /* 2 + 2*2 + 246 */
    REQUEST("14 0e 06 0001 0000 003e 06 0001 0000 003e", RECORD_LENGTH),
    REQUEST("14 f5 [06 0001 0000 0001*35]", NONE),
    REQUEST("14 fc [06 0001 0000 0001*35]", BYTE_COUNT),
    REQUEST("14 0e 06 0001 0000 0001", TRUNCATED),
    REPLY("14 00", BYTE_COUNT),
    REPLY("14 02 01 06", RECORD_LENGTH),
    REPLY("14 04 03 06 0000", NONE),
    REPLY("14 04 02 06 0000", RECORD_LENGTH),
    REPLY("14 05 04 06 000000", RECORD_LENGTH),
    REPLY("14 04 05 06 0000", RECORD_LENGTH), /* a part beyond its parent */
    REPLY("14 04 05 06 0000 0000", RECORD_LENGTH),
    REPLY("14 04 03 05 0000", REFERENCE_TYPE),
    REPLY("14 05 03 06 0000 00", RECORD_LENGTH),
    REPLY("14 8c [03 06 0000*35]", NONE),
    REPLY("14 90 [03 06 0000*36]", RECORD_LENGTH),
    REPLY("14 fa f9 06 [0000*124]", NONE),
    REPLY("14 fc [00*251]", BYTE_COUNT),
    /* AP 6.15 */
    REQUEST("15 07 06 0001 0000 0001", BYTE_COUNT),
    REQUEST("15 09 06 0001 0000 0001 0000", NONE),
    REQUEST("15 09 05 0001 0000 0001 0000", REFERENCE_TYPE),
    REQUEST("15 09 06 0000 0000 0001 0000", FILE_NUMBER),
    REQUEST("15 09 06 0001 270f 0001 0000", NONE),
    REQUEST("15 09 06 0001 2710 0001 0000", RECORD_NUMBER),
    REQUEST("15 0b 06 0001 270f 0002 0000 0000", RECORD_NUMBER),
    REQUEST("15 09 06 0001 0000 0000 0000", RECORD_LENGTH),
    REQUEST("15 09 06 0001 0000 0002 0000", RECORD_LENGTH),
    REQUEST("15 09 06 0001 0000 0002 0000 0000", RECORD_LENGTH), /* beyond its parent */
    REQUEST("15 0a 06 0001 0000 0001 0000 06", RECORD_LENGTH),
    REQUEST("15 fb 06 0001 0000 007a [0000*122]", NONE),
    REQUEST("15 fc [00*251]", BYTE_COUNT),
    REPLY("15 08 06 0001 0000 0001 00", BYTE_COUNT),
    REPLY("15 09 06 0001 2710 0001 0000", RECORD_NUMBER),
    /* AP 6.17: read 1 to 125, write 1 to 121, each with its own address */
    REQUEST("17 0000 0000 0000 0001 02 0000", QUANTITY_OUT_OF_RANGE),
    REQUEST("17 0000 007d 0000 0001 02 0000", NONE),
    REQUEST("17 0000 007e 0000 0001 02 0000", QUANTITY_OUT_OF_RANGE),
    REQUEST("17 0000 0001 0000 0000 00", QUANTITY_OUT_OF_RANGE),
    REQUEST("17 0000 0001 0000 0079 f2 [0000*121]", NONE),
    REQUEST("17 0000 0001 0000 007a f4 [00*243]", QUANTITY_OUT_OF_RANGE),
    REQUEST("17 0000 0001 0000 0081 02 0000", QUANTITY_OUT_OF_RANGE),
    REQUEST("17 0000 0001 0000 0001 03 000000", BYTE_COUNT),
    REQUEST("17 ffff 0001 ffff 0001 02 0000", NONE),
    REQUEST("17 ffff 0002 0000 0001 02 0000", ADDRESS_OUT_OF_RANGE),
    REQUEST("17 0000 0001 ffff 0002 04 00000000", ADDRESS_OUT_OF_RANGE),
    REPLY("17 00", BYTE_COUNT),
    REPLY("17 03 000000", BYTE_COUNT),
    REPLY("17 fa [0000*125]", NONE),
    /* AP 6.18: a byte count of 16 bits, at most 31 registers */
    REPLY("18 0002 0000", NONE),
    REPLY("18 0000 0000", BYTE_COUNT),
    REPLY("18 0004 0000", BYTE_COUNT),
    REPLY("18 0040 001f [0000*31]", NONE),
    REPLY("18 0042 0020 [0000*32]", QUANTITY_OUT_OF_RANGE),
    REPLY("18 0104 0001 0000", BYTE_COUNT),
    REPLY("18 04 01 0000", BYTE_COUNT), /* a byte count of 8 bits */
    /* AP 6.19 to 6.21 */
    REQUEST("2b", TRUNCATED),
    REQUEST("2b 0c 00", MEI_TYPE),
    REQUEST("2b 0f 00", MEI_TYPE),
    REQUEST("2b 0d", TRUNCATED),
    REQUEST("2b 0d 00", NONE),
    REQUEST("2b 0e 00 00", READ_DEVICE_ID_CODE),
    REQUEST("2b 0e 01 00", NONE),
    REQUEST("2b 0e 04 00", NONE),
    REQUEST("2b 0e 05 00", READ_DEVICE_ID_CODE),
    REPLY("2b 0c 00", MEI_TYPE),
    REPLY("2b 0e 00 01 00 00 01 00 00", READ_DEVICE_ID_CODE),
    REPLY("2b 0e 05 01 00 00 01 00 00", READ_DEVICE_ID_CODE),
    REPLY("2b 0e 01 00 00 00 01 00 00", CONFORMITY_LEVEL),
    REPLY("2b 0e 01 03 00 00 01 00 00", NONE),
    REPLY("2b 0e 01 04 00 00 01 00 00", CONFORMITY_LEVEL),
    REPLY("2b 0e 01 80 00 00 01 00 00", CONFORMITY_LEVEL),
    REPLY("2b 0e 01 81 00 00 01 00 00", NONE),
    REPLY("2b 0e 01 83 00 00 01 00 00", NONE),
    REPLY("2b 0e 01 84 00 00 01 00 00", CONFORMITY_LEVEL),
    REPLY("2b 0e 01 01 01 00 01 00 00", MORE_FOLLOWS),
    REPLY("2b 0e 01 01 fe 00 01 00 00", MORE_FOLLOWS),
    REPLY("2b 0e 01 01 ff 01 01 00 00", NONE),
    REPLY("2b 0e 01 01 00 01 01 00 00", OBJECT_ID),
    REPLY("2b 0e 04 81 ff 01 01 00 00", MORE_FOLLOWS),
    REPLY("2b 0e 04 81 00 00 00", QUANTITY_OUT_OF_RANGE),
    REPLY("2b 0e 04 81 00 00 01 00 00", NONE),
    REPLY("2b 0e 04 81 00 00 02 00 00 01 00", QUANTITY_OUT_OF_RANGE),
    REPLY("2b 0e 01 01 00 00 02 00 00", TRUNCATED),
    REPLY("2b 0e 01 01 00 00 01 00 01", TRUNCATED),
    REPLY("2b 0e 01 01 00 00 01 00 00 00", TRAILING_BYTES),
    REPLY("2b 0e 01 01 00 00 ff 00 00", TRUNCATED),
    /* AP 4.1, 7 */
    REPLY("83", TRUNCATED),
    REPLY("83 00", EXCEPTION_CODE),
    REPLY("83 01", NONE),
    REPLY("83 ff", NONE),
    REPLY("83 0101", TRAILING_BYTES),
    REPLY("80 01", FUNCTION_UNKNOWN),
    REPLY("81 01", NONE),
    REPLY("ff 01", FUNCTION_UNKNOWN), /* no function of the standard: nothing to answer so */
    REPLY("e4 01", FUNCTION_UNKNOWN),
    REQUEST("83 01", FUNCTION_UNKNOWN),
    REQUEST("00", FUNCTION_UNKNOWN),
    REPLY("00", FUNCTION_UNKNOWN),
};

static void limits_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct decoded decoded = wire_decode_pdu(limits[i].direction, limits[i].pdu);
        if (decoded.reason != limits[i].reason)
            fail_msg("%s %s: %s, not %s", limits[i].direction == SL_REQUEST ? "request" : "reply",
                     limits[i].pdu, sl_reason_name(decoded.reason),
                     sl_reason_name(limits[i].reason));
        free(decoded.message);
    }
}

static void other_functions_are_unknown(void **state)
{
    (void)state;
    static const uint8_t known[] = {1,  2,  3,  4,  5,  6,  7,  8,  11, 12,
                                    15, 16, 17, 20, 21, 22, 23, 24, 43};
    for (unsigned function = 0; function < 256; function++) {
        bool standard = memchr(known, (int)function, sizeof known) != NULL;
        bool exception = function > 128 && memchr(known, (int)function & 127, sizeof known);
        for (unsigned direction = SL_REQUEST; direction <= SL_REPLY; direction++) {
            struct wire wire = wire_adu("00");
            wire.bytes[MODBUS_MBAP_SIZE] = (uint8_t)function;
            struct decoded decoded =
                wire_decode((enum sl_direction)direction, wire.bytes, wire.length);
            bool unknown = decoded.reason == SL_REASON_FUNCTION_UNKNOWN;
            assert_int_equal(unknown, !(standard || (direction == SL_REPLY && exception)));
            free(decoded.message);
        }
        assert_int_equal(modbus_function_name(function) != NULL, standard);
    }
}

static void every_unit_passes(void **state)
{
    (void)state;
    for (unsigned unit = 0; unit < 256; unit++) {
        struct wire wire = wire_adu("03 0000 0001");
        wire.bytes[6] = (uint8_t)unit;
        struct decoded decoded = wire_decode(SL_REQUEST, wire.bytes, wire.length);
        assert_int_equal(decoded.reason, SL_REASON_NONE);
        assert_int_equal(decoded.message->unit, unit);
        free(decoded.message);
    }
}

static void header_must_agree(void **state)
{
    (void)state;
    struct wire wire = wire_adu("03 0000 0001");
    wire.bytes[3] = 1;
    struct decoded decoded = wire_decode(SL_REQUEST, wire.bytes, wire.length);
    assert_int_equal(decoded.reason, SL_REASON_PROTOCOL_IDENTIFIER);
    free(decoded.message);
    static const int steps[] = {-1, 1, 256};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        wire = wire_adu("03 0000 0001");
        wire.bytes[4] = (uint8_t)((6 + steps[i]) >> 8);
        wire.bytes[5] = (uint8_t)(6 + steps[i]);
        decoded = wire_decode(SL_REQUEST, wire.bytes, wire.length);
        assert_int_equal(decoded.reason, SL_REASON_LENGTH_FIELD);
        free(decoded.message);
    }
    wire = wire_adu("2b 0d [00*252]"); /* one byte above the longest */
    decoded = wire_decode(SL_REQUEST, wire.bytes, wire.length);
    assert_int_equal(decoded.reason, SL_REASON_LENGTH_FIELD);
    free(decoded.message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(other_functions_are_unknown),
        cmocka_unit_test(every_unit_passes),
        cmocka_unit_test(header_must_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
