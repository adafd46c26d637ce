/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DNP3 messages for tests, written as application fragments in hex. "[0001*3]" repeats what is
 * before the star; spaces are for the eye. Link frames are put around them by code that shares
 * nothing with the module: its CRC goes bit by bit.
 */
#ifndef SLUICE_TESTS_DNP3_WIRE_H
#define SLUICE_TESTS_DNP3_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocols/dnp3/dnp3.h"

#define WIRE_MASTER     3u
#define WIRE_OUTSTATION 4u
#define WIRE_SIZE       8192u
#define USER_DATA       0x44u /* PRM, unconfirmed user data */
#define FROM_MASTER     0x80u

struct wire {
    uint8_t bytes[WIRE_SIZE];
    size_t length;
};

static inline unsigned wire_digit(char c)
{
    return (unsigned)(c >= 'a' ? c - 'a' + 10 : c - '0');
}

static inline void wire_put(struct wire *wire, uint8_t octet)
{
    assert_true(wire->length < sizeof wire->bytes);
    wire->bytes[wire->length++] = octet;
}

static inline void wire_range(struct wire *wire, const char *text, const char *end)
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
                wire_range(wire, text + 1, star);
            text = strchr(star, ']') + 1;
            continue;
        }
        wire_put(wire, (uint8_t)(wire_digit(text[0]) << 4 | wire_digit(text[1])));
        text += 2;
    }
}

static inline void wire_hex(struct wire *wire, const char *text)
{
    wire_range(wire, text, text + strlen(text));
}

static inline void wire_crc(struct wire *wire, size_t from)
{
    unsigned crc = 0;
    for (size_t i = from; i < wire->length; i++) {
        crc ^= wire->bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xa6bc : crc >> 1;
    }
    crc ^= 0xffff;
    wire_put(wire, (uint8_t)crc);
    wire_put(wire, (uint8_t)(crc >> 8));
}

/* One link frame; `data` is transport octet and segment. */
static inline void wire_frame(struct wire *wire, uint8_t control, uint16_t destination,
                              uint16_t source, const uint8_t *data, size_t length)
{
    size_t start = wire->length;
    wire_put(wire, 0x05);
    wire_put(wire, 0x64);
    wire_put(wire, (uint8_t)(5 + length));
    wire_put(wire, control);
    wire_put(wire, (uint8_t)destination);
    wire_put(wire, (uint8_t)(destination >> 8));
    wire_put(wire, (uint8_t)source);
    wire_put(wire, (uint8_t)(source >> 8));
    wire_crc(wire, start);
    for (size_t at = 0; at < length; at += 16) {
        size_t block = wire->length;
        for (size_t i = at; i < length && i < at + 16; i++)
            wire_put(wire, data[i]);
        wire_crc(wire, block);
    }
}

/* A fragment in segments of `segment` octets at most, the first numbered `sequence`. */
static inline void wire_segments(struct wire *wire, uint8_t control, uint16_t destination,
                                 uint16_t source, const struct wire *fragment, size_t segment,
                                 uint8_t sequence)
{
    for (size_t at = 0; at < fragment->length; at += segment) {
        uint8_t data[256];
        size_t left = fragment->length - at;
        size_t length = left < segment ? left : segment;
        data[0] = sequence & 0x3f;
        data[0] |= at == 0 ? 0x40 : 0;
        data[0] |= length == left ? 0x80 : 0;
        memcpy(data + 1, fragment->bytes + at, length);
        wire_frame(wire, control, destination, source, data, length + 1);
        sequence++;
    }
}

/* `text` as a whole message between the two stations. */
static inline struct wire wire_message(enum sl_direction direction, const char *text)
{
    static struct wire fragment;
    struct wire wire = {.length = 0};
    fragment.length = 0;
    wire_hex(&fragment, text);
    bool request = direction == SL_REQUEST;
    wire_segments(&wire, USER_DATA | (request ? FROM_MASTER : 0),
                  request ? WIRE_OUTSTATION : WIRE_MASTER, request ? WIRE_MASTER : WIRE_OUTSTATION,
                  &fragment, 249, 0);
    return wire;
}

struct decoded {
    struct dnp3_message message;
    size_t length;
    enum sl_reason reason;
};

static inline struct decoded wire_decode(enum sl_direction direction, const struct wire *wire)
{
    struct decoded decoded;
    memset(&decoded, 0xa5, sizeof decoded);
    /* exactly as long as it says, so that a read beyond is found */
    uint8_t *bytes = malloc(wire->length ? wire->length : 1);
    memcpy(bytes, wire->bytes, wire->length);
    decoded.reason =
        dnp3_decode(direction, NULL, bytes, wire->length, &decoded.message, &decoded.length);
    free(bytes);
    return decoded;
}

/* Decodes `text`; what is accepted must validate, and encode to a message that decodes to the
 * same. Returns the reason's name, so that a failed comparison can be read. */
static inline const char *wire_verdict(enum sl_direction direction, const char *text)
{
    struct wire wire = wire_message(direction, text);
    struct decoded decoded = wire_decode(direction, &wire);
    if (decoded.reason != SL_REASON_NONE) {
        assert_int_equal(dnp3_validate_malformed(&decoded.message, decoded.length), SL_REASON_NONE);
        assert_int_not_equal(dnp3_validate(direction, NULL, &decoded.message, decoded.length),
                             SL_REASON_NONE);
        return sl_reason_name(decoded.reason);
    }
    assert_string_equal(
        sl_reason_name(dnp3_validate(direction, NULL, &decoded.message, decoded.length)), "none");
    struct wire again = {.length = 0};
    again.length =
        dnp3_encode(direction, &decoded.message, decoded.length,
                    dnp3_key(&decoded.message, decoded.length), again.bytes, sizeof again.bytes);
    assert_true(again.length > 0);
    assert_int_equal(
        dnp3_encode(direction, &decoded.message, decoded.length, 0, again.bytes, again.length - 1),
        0);
    again.length =
        dnp3_encode(direction, &decoded.message, decoded.length,
                    dnp3_key(&decoded.message, decoded.length), again.bytes, sizeof again.bytes);
    struct decoded second = wire_decode(direction, &again);
    assert_int_equal(second.reason, SL_REASON_NONE);
    assert_int_equal(second.length, decoded.length);
    assert_memory_equal(&second.message, &decoded.message, decoded.length);
    return "accept";
}

#define assert_request(text, verdict) assert_string_equal(wire_verdict(SL_REQUEST, text), verdict)
#define assert_reply(text, verdict)   assert_string_equal(wire_verdict(SL_REPLY, text), verdict)

#endif
