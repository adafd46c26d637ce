/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages for tests, written as PDUs in hex. "[0001*3]" repeats what is before the star;
 * spaces are for the eye. The MBAP header is put in front.
 */
#ifndef SLUICE_TESTS_MODBUS_WIRE_H
#define SLUICE_TESTS_MODBUS_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocols/modbus/modbus.h"

#define WIRE_TRANSACTION 0x1234u
#define WIRE_UNIT        0x11u
#define WIRE_SIZE        1024u

struct wire {
    uint8_t bytes[WIRE_SIZE];
    size_t length;
};

static inline unsigned wire_digit(char c)
{
    return (unsigned)(c >= 'a' ? c - 'a' + 10 : c - '0');
}

static inline void wire_hex(struct wire *wire, const char *text, const char *end)
{
    while (text < end) {
        if (*text == ' ') {
            text++;
            continue;
        }
        if (*text == '[') {
            const char *star = strchr(text, '*');
            unsigned long times = strtoul(star + 1, NULL, 10);
            for (unsigned long i = 0; i < times; i++)
                wire_hex(wire, text + 1, star);
            text = strchr(star, ']') + 1;
            continue;
        }
        assert_true(wire->length < sizeof wire->bytes);
        wire->bytes[wire->length++] = (uint8_t)(wire_digit(text[0]) << 4 | wire_digit(text[1]));
        text += 2;
    }
}

/* Sets the MBAP length field to what follows it. */
static inline void wire_fix_length(struct wire *wire)
{
    wire->bytes[4] = (uint8_t)((wire->length - 6) >> 8);
    wire->bytes[5] = (uint8_t)(wire->length - 6);
}

static inline struct wire wire_adu(const char *pdu)
{
    struct wire wire = {
        .bytes = {WIRE_TRANSACTION >> 8, WIRE_TRANSACTION & 0xff, 0, 0, 0, 0, WIRE_UNIT},
        .length = MODBUS_MBAP_SIZE};
    wire_hex(&wire, pdu, pdu + strlen(pdu));
    wire_fix_length(&wire);
    return wire;
}

/* One decoded message in memory of exactly its length, so that a read beyond it is found. */
struct decoded {
    enum sl_reason reason;
    struct modbus_message *message;
    size_t length;
};

static inline struct decoded wire_decode(enum sl_direction direction, const uint8_t *bytes,
                                         size_t length)
{
    struct modbus_message whole;
    struct decoded decoded = {0};
    memset(&whole, 0xa5, sizeof whole); /* what decode leaves unset must not matter */
    uint8_t *exact = malloc(length ? length : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, length);
    decoded.reason = modbus_decode(direction, NULL, exact, length, &whole, &decoded.length);
    free(exact);
    assert_in_range(decoded.length, MODBUS_HEAD_SIZE, sizeof whole);
    decoded.message = malloc(decoded.length);
    assert_non_null(decoded.message);
    memcpy(decoded.message, &whole, decoded.length);
    return decoded;
}

static inline struct decoded wire_decode_pdu(enum sl_direction direction, const char *pdu)
{
    struct wire wire = wire_adu(pdu);
    return wire_decode(direction, wire.bytes, wire.length);
}

/* A message of every kind, both directions, with the longest and the shortest of each. */
struct wire_example {
    enum sl_direction direction;
    const char *pdu;
};

#define REQUEST(pdu)                                                                               \
    {                                                                                              \
        SL_REQUEST, pdu                                                                            \
    }
#define REPLY(pdu)                                                                                 \
    {                                                                                              \
        SL_REPLY, pdu                                                                              \
    }
static const struct wire_example wire_examples[] = {
    REQUEST("01 0000 0001"),
    REQUEST("01 f830 07d0"),
    REPLY("01 01 05"),
    REPLY("01 fa [a5*250]"),
    REQUEST("02 00c4 0016"),
    REPLY("02 03 acdb35"),
    REQUEST("03 006b 0003"),
    REQUEST("03 ff83 007d"),
    REPLY("03 06 022b 0000 0064"),
    REPLY("03 fa [1234*125]"),
    REQUEST("04 0008 0001"),
    REPLY("04 02 000a"),
    REQUEST("05 00ac ff00"),
    REPLY("05 00ac 0000"),
    REQUEST("06 0001 0003"),
    REPLY("06 ffff ffff"),
    REQUEST("07"),
    REPLY("07 6d"),
    REQUEST("08 0000 a537"),
    REQUEST("08 0000 [a537*125]"),
    REPLY("08 0000 a537"),
    REQUEST("08 0001 0000"),
    REQUEST("08 0001 ff00"),
    REPLY("08 0001 ff00"),
    REQUEST("08 0002 0000"),
    REPLY("08 0002 1234"),
    REQUEST("08 0003 0d00"),
    REPLY("08 0003 0d00"),
    REQUEST("08 0004 0000"),
    REQUEST("08 000a 0000"),
    REPLY("08 000a 0000"),
    REQUEST("08 0012 0000"),
    REPLY("08 0012 ffff"),
    REQUEST("08 0014 0000"),
    REPLY("08 0014 0000"),
    REQUEST("0b"),
    REPLY("0b ffff 0108"),
    REPLY("0b 0000 0000"),
    REQUEST("0c"),
    REPLY("0c 08 0000 0108 0121 2000"),
    REPLY("0c 06 ffff 0000 0000"),
    REPLY("0c 46 0000 0001 0002 [20*64]"),
    REQUEST("0f 0013 000a 02 cd01"),
    REQUEST("0f 0000 07b0 f6 [ff*246]"),
    REPLY("0f 0013 000a"),
    REQUEST("10 0001 0002 04 000a 0102"),
    REQUEST("10 0000 007b f6 [beef*123]"),
    REPLY("10 0001 0002"),
    REQUEST("11"),
    REPLY("11 01 ff"),
    REPLY("11 fb [41*251]"),
    REQUEST("14 0e 06 0004 0001 0002 06 0003 0009 0002"),
    REQUEST("14 f5 [06 0001 0000 0001*35]"),
    REPLY("14 0c 05 06 0dfe 0020 05 06 33cd 0040"),
    REPLY("14 fa f9 06 [abcd*124]"),
    REPLY("14 8c [03 06 0102*35]"),
    REQUEST("15 0d 06 0004 0007 0003 06af 04be 100d"),
    REPLY("15 0d 06 0004 0007 0003 06af 04be 100d"),
    REQUEST("15 f3 [06 0001 270f 0001 5555*27]"),
    REPLY("15 fb 06 ffff 0000 007a [5555*122]"),
    REQUEST("16 0004 00f2 0025"),
    REPLY("16 0004 00f2 0025"),
    REQUEST("17 0003 0006 000e 0003 06 00ff 00ff 00ff"),
    REQUEST("17 0000 007d 0000 0079 f2 [0102*121]"),
    REPLY("17 0c 00fe 0acd 0001 0003 000d 00ff"),
    REQUEST("18 04de"),
    REPLY("18 0006 0002 01b8 1284"),
    REPLY("18 0002 0000"),
    REPLY("18 0040 001f [0f0f*31]"),
    REQUEST("2b 0d 00"),
    REQUEST("2b 0d [77*251]"),
    REPLY("2b 0d 0102"),
    REQUEST("2b 0e 01 00"),
    REQUEST("2b 0e 04 ff"),
    REPLY("2b 0e 01 01 00 00 03 00 02 4142 01 01 43 02 00"),
    REPLY("2b 0e 03 83 ff 80 01 00 f4 [5a*244]"),
    REPLY("2b 0e 04 81 00 00 01 02 03 313233"),
    REPLY("2b 0e 02 02 00 00 00"),
    REPLY("83 02"),
    REPLY("ab 01"),
    REPLY("ab ff"),
};
#undef REQUEST
#undef REPLY
#define WIRE_EXAMPLES (sizeof wire_examples / sizeof wire_examples[0])

#endif
