/* SPDX-License-Identifier: BSD-2-Clause */
/* Link frames and transport segments: CRCs, control octets, addresses, reassembly, framing. */
#include "dnp3/wire.h"
#include "protocols/dnp3/link.h"

static const char *decode_name(enum sl_direction direction, const struct wire *wire)
{
    return sl_reason_name(wire_decode(direction, wire).reason);
}

static void crc_vectors(void **state)
{
    (void)state;
    /* 1815 annex E; the check value of CRC-16/DNP in the catalogue of CRC algorithms */
    static const uint8_t digits[] = "123456789";
    assert_int_equal(dnp3_crc(digits, 9), 0xea82);
    static const uint8_t header[] = {0x05, 0x64, 0x05, 0xc0, 0x01, 0x00, 0x00, 0x04};
    assert_int_equal(dnp3_crc(header, 8), 0x21e9);
    static const uint8_t status[] = {0x05, 0x64, 0x05, 0x49, 0x01, 0x00, 0x64, 0x00};
    struct wire wire = {.length = 0};
    for (size_t i = 0; i < sizeof status; i++)
        wire_put(&wire, status[i]);
    wire_crc(&wire, 0);
    assert_int_equal(dnp3_crc(status, 8), wire.bytes[8] | wire.bytes[9] << 8);
    assert_int_equal(dnp3_crc(NULL, 0), 0xffff);
}

static void each_bit_of_a_frame_counts(void **state)
{
    (void)state;
    struct wire wire = wire_message(SL_REQUEST, "c001 [3c0206*10]");
    assert_string_equal(decode_name(SL_REQUEST, &wire), "none");
    for (size_t bit = 0; bit < 8 * wire.length; bit++) {
        struct wire broken = wire;
        broken.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(wire_decode(SL_REQUEST, &broken).reason, SL_REASON_NONE);
        struct sl_frame frame = dnp3_frame(SL_REQUEST, broken.bytes, broken.length);
        if (bit < 8 * LINK_HEADER_SIZE)
            assert_int_equal(frame.status, SL_FRAME_LOST);
        else
            assert_int_equal(frame.status, SL_FRAME_COMPLETE);
    }
}

static void control_octets(void **state)
{
    (void)state;
    /* with PRM: function and FCV (table 9-1); without: function (table 9-2) */
    static const uint8_t asks[] = {0x40, 0x52, 0x53, 0x44, 0x49}, tells[] = {0, 1, 11, 15};
    for (unsigned control = 0; control < 0x80; control++) {
        bool known = false;
        for (size_t i = 0; control & 0x40 && i < sizeof asks; i++)
            known = known || (control & 0x5f) == asks[i];
        for (size_t i = 0; !(control & 0x40) && i < sizeof tells; i++)
            known = known || (control & 0x0f) == tells[i];
        bool data = (control & 0x4f) == 0x43 || (control & 0x4f) == 0x44;
        struct wire wire = {.length = 0};
        static const uint8_t segment[] = {0xc0, 0xc0, 0x17};
        wire_frame(&wire, (uint8_t)(control | FROM_MASTER), 4, 3, segment, data ? 3 : 0);
        assert_string_equal(decode_name(SL_REQUEST, &wire), known ? "none" : "link-control");
        assert_string_equal(decode_name(SL_REPLY, &wire),
                            known ? "link-direction" : "link-control");
    }
}

static void link_frames_round_trip(void **state)
{
    (void)state;
    static const struct {
        uint8_t sent, canonical;
    } cases[] = {
        {0x40, 0x40}, {0x60, 0x40}, {0x52, 0x52}, {0x72, 0x72}, {0x49, 0x49}, {0x69, 0x49},
        {0x00, 0x00}, {0x10, 0x10}, {0x20, 0x00}, {0x01, 0x01}, {0x0b, 0x0b}, {0x2f, 0x0f},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire wire = {.length = 0};
        wire_frame(&wire, cases[i].sent, 3, 4, NULL, 0);
        struct decoded decoded = wire_decode(SL_REPLY, &wire);
        assert_int_equal(decoded.reason, SL_REASON_NONE);
        assert_int_equal(decoded.message.kind, DNP3_LINK);
        assert_int_equal(decoded.message.link_control, cases[i].canonical);
        assert_int_equal(decoded.length, DNP3_HEAD_SIZE);
        assert_int_equal(dnp3_validate(SL_REPLY, NULL, &decoded.message, decoded.length),
                         SL_REASON_NONE);
        struct wire again;
        again.length = dnp3_encode(SL_REPLY, &decoded.message, decoded.length, DNP3_KEY_LINK,
                                   again.bytes, sizeof again.bytes);
        assert_int_equal(again.length, LINK_HEADER_SIZE);
        struct decoded second = wire_decode(SL_REPLY, &again);
        assert_memory_equal(&second.message, &decoded.message, DNP3_HEAD_SIZE);
        assert_int_equal(dnp3_frame_key(again.bytes, again.length), DNP3_KEY_LINK);
    }
}

static const char *between(enum sl_direction direction, uint8_t control, uint16_t destination,
                           uint16_t source)
{
    static const uint8_t segment[] = {0xc0, 0xc0, 0x17};
    static const uint8_t answer[] = {0xc0, 0xc0, 0x81, 0x00, 0x00};
    bool data = (control & 0x4f) == 0x43 || (control & 0x4f) == 0x44;
    bool request = direction == SL_REQUEST;
    struct wire wire = {.length = 0};
    wire_frame(&wire, (uint8_t)(control | (request ? FROM_MASTER : 0)), destination, source,
               request ? segment : answer,
               !data     ? 0
               : request ? sizeof segment
                         : sizeof answer);
    return decode_name(direction, &wire);
}

static void station_addresses(void **state)
{
    (void)state;
    static const char *const no = "station-address";
    for (unsigned address = 0xffe0; address <= 0xffff; address++) {
        const char *plain = address <= 0xffef ? "none" : no;
        /* a source is never reserved, self or broadcast */
        assert_string_equal(between(SL_REQUEST, USER_DATA, 4, (uint16_t)address), plain);
        assert_string_equal(between(SL_REPLY, USER_DATA, 3, (uint16_t)address), plain);
        /* an outstation does not send to them either */
        assert_string_equal(between(SL_REPLY, USER_DATA, (uint16_t)address, 4), plain);
        /* a master does: to the self-address anything, to all stations user data */
        assert_string_equal(between(SL_REQUEST, USER_DATA, (uint16_t)address, 3),
                            address >= 0xfffc ? "none" : plain);
        assert_string_equal(between(SL_REQUEST, 0x53, (uint16_t)address, 3),
                            address >= 0xfffc ? "none" : plain);
        assert_string_equal(between(SL_REQUEST, 0x49, (uint16_t)address, 3),
                            address == 0xfffc ? "none" : plain);
    }
    assert_string_equal(between(SL_REQUEST, USER_DATA, 0, 0), "none");
}

static void lengths(void **state)
{
    (void)state;
    uint8_t data[250];
    memset(data, 0, sizeof data);
    struct wire wire = {.length = 0};
    wire_frame(&wire, 0xc9, 4, 3, data, 1); /* link status with data */
    assert_string_equal(decode_name(SL_REQUEST, &wire), "length-field");
    wire.length = 0;
    wire_frame(&wire, 0xc4, 4, 3, NULL, 0); /* user data without */
    assert_string_equal(decode_name(SL_REQUEST, &wire), "length-field");
    wire.length = 0;
    data[0] = 0xc0;
    wire_frame(&wire, 0xc4, 4, 3, data, 1); /* nothing but the transport octet */
    assert_string_equal(decode_name(SL_REQUEST, &wire), "segment-empty");
    /* the length octet counts control and addresses: 5 at least */
    for (unsigned length = 0; length < 5; length++) {
        wire.length = 0;
        wire_frame(&wire, 0xc9, 4, 3, NULL, 0);
        wire.bytes[2] = (uint8_t)length;
        wire.length = 8;
        wire_crc(&wire, 0);
        assert_int_equal(dnp3_frame(SL_REQUEST, wire.bytes, 2).status, SL_FRAME_MORE);
        struct sl_frame frame = dnp3_frame(SL_REQUEST, wire.bytes, 3);
        assert_int_equal(frame.status, SL_FRAME_LOST);
        assert_int_equal(frame.reason, SL_REASON_LENGTH_FIELD);
        assert_string_equal(decode_name(SL_REQUEST, &wire), "length-field");
    }
}

static void start_octets(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x05, 0x64, 0x05, 0x05};
    assert_int_equal(dnp3_frame(SL_REQUEST, bytes, 0).status, SL_FRAME_MORE);
    assert_int_equal(dnp3_frame(SL_REQUEST, bytes, 2).status, SL_FRAME_MORE);
    assert_int_equal(dnp3_frame(SL_REQUEST, bytes + 1, 1).status, SL_FRAME_LOST);
    assert_int_equal(dnp3_frame(SL_REQUEST, bytes + 2, 1).status, SL_FRAME_MORE);
    assert_int_equal(dnp3_frame(SL_REQUEST, bytes + 2, 2).status, SL_FRAME_LOST);
    assert_int_equal(dnp3_frame(SL_REQUEST, bytes + 2, 2).reason, SL_REASON_START_OCTETS);
}

/* --- transport ----------------------------------------------------------------------------- */

static void put_segment(struct wire *wire, uint8_t transport, const char *text)
{
    struct wire data = {.length = 0};
    wire_put(&data, transport);
    wire_hex(&data, text);
    wire_frame(wire, USER_DATA | FROM_MASTER, 4, 3, data.bytes, data.length);
}

static const char *segments(const uint8_t *transport, size_t count)
{
    static const char *const parts[] = {"c0", "01"};
    struct wire wire = {.length = 0};
    for (size_t i = 0; i < count; i++)
        put_segment(&wire, transport[i], i == count - 1 ? "3c0206" : parts[i]);
    return decode_name(SL_REQUEST, &wire);
}

static void transport_sequences(void **state)
{
    (void)state;
    static const uint8_t any[] = {0x40 | 62, 63, 0x80 | 0}; /* wraps after 63 */
    assert_string_equal(segments(any, 3), "none");
    static const uint8_t repeated[] = {0x40, 1, 0x80 | 1};
    assert_string_equal(segments(repeated, 3), "transport-sequence");
    static const uint8_t skipped[] = {0x40, 2, 0x80 | 3};
    assert_string_equal(segments(skipped, 3), "transport-sequence");
    static const uint8_t headless[] = {1, 2, 0x80 | 3};
    assert_string_equal(segments(headless, 3), "transport-sequence");
    static const uint8_t endless[] = {0x40, 1, 2};
    assert_string_equal(segments(endless, 3), "transport-incomplete");
    static const uint8_t twice[] = {0x40, 0x41, 0x82};
    assert_string_equal(segments(twice, 3), "transport-incomplete");
    static const uint8_t after[] = {0xc0, 0xc1};
    struct wire wire = {.length = 0};
    put_segment(&wire, after[0], "c017");
    put_segment(&wire, after[1], "c017");
    assert_string_equal(decode_name(SL_REQUEST, &wire), "trailing-bytes");
    wire.length = 0;
    put_segment(&wire, 0x40, "c017");
    put_segment(&wire, 0x01, "");
    assert_string_equal(decode_name(SL_REQUEST, &wire), "segment-empty");
}

/* One that came twice, in frames that differ in their count bit, say, counts once. */
static void repeated_segments(void **state)
{
    (void)state;
    struct wire wire = {.length = 0};
    put_segment(&wire, 0x40, "c0");
    put_segment(&wire, 0x01, "01");
    put_segment(&wire, 0x01, "01");
    put_segment(&wire, 0x01, "01");
    put_segment(&wire, 0x82, "3c0206");
    assert_int_equal(dnp3_frame(SL_REQUEST, wire.bytes, wire.length).length, wire.length);
    struct decoded decoded = wire_decode(SL_REQUEST, &wire);
    assert_int_equal(decoded.reason, SL_REASON_NONE);
    assert_int_equal(decoded.message.function, DNP3_READ);
    assert_int_equal(decoded.message.header_count, 1);
    wire.length = 0;
    put_segment(&wire, 0x40, "c0");
    put_segment(&wire, 0x01, "01");
    put_segment(&wire, 0x01, "02"); /* another one */
    put_segment(&wire, 0x82, "3c0206");
    assert_string_equal(decode_name(SL_REQUEST, &wire), "transport-sequence");
    wire.length = 0;
    put_segment(&wire, 0x01, "01"); /* repeats nothing */
    put_segment(&wire, 0x01, "01");
    assert_string_equal(decode_name(SL_REQUEST, &wire), "transport-sequence");
}

/* Every size of segment carries the same fragment. */
static void any_segmentation(void **state)
{
    (void)state;
    struct wire fragment = {.length = 0}, whole = {.length = 0};
    wire_hex(&fragment, "c001 [3c0206*100]");
    wire_segments(&whole, 0xc4, 4, 3, &fragment, 249, 0);
    struct decoded wanted = wire_decode(SL_REQUEST, &whole);
    assert_int_equal(wanted.reason, SL_REASON_NONE);
    for (size_t size = 1; size <= 249; size++) {
        struct wire wire = {.length = 0};
        wire_segments(&wire, 0xc4, 4, 3, &fragment, size, 40);
        struct sl_frame frame = dnp3_frame(SL_REQUEST, wire.bytes, wire.length);
        if (wire.length > DNP3_MAX_MESSAGE) {
            assert_true(frame.status == SL_FRAME_COMPLETE && frame.length <= DNP3_MAX_MESSAGE);
            continue;
        }
        assert_int_equal(frame.status, SL_FRAME_COMPLETE);
        assert_int_equal(frame.length, wire.length);
        struct decoded decoded = wire_decode(SL_REQUEST, &wire);
        assert_int_equal(decoded.reason, SL_REASON_NONE);
        assert_memory_equal(&decoded.message, &wanted.message, wanted.length);
    }
}

static void longest_fragment(void **state)
{
    (void)state;
    /* 2 octets and 682 headers of 3: 2048 */
    struct wire wire = wire_message(SL_REQUEST, "c001 [3c0206*682]");
    assert_int_equal(wire.length, 2411);
    assert_request("c001 [3c0206*682]", "accept");
    assert_request("c001 [3c0206*682] 3c", "fragment-length");
    assert_request("c001 [3c0206*683]", "fragment-length");
}

/* --- framing ------------------------------------------------------------------------------- */

static void assert_frame(const struct wire *wire, size_t length)
{
    struct sl_frame frame = dnp3_frame(SL_REQUEST, wire->bytes, wire->length);
    assert_int_equal(frame.status, SL_FRAME_COMPLETE);
    assert_int_equal(frame.length, length);
    /* any fewer bytes are not enough, unless the message was cut short by what follows it */
    for (size_t part = 0; part < length; part++) {
        frame = dnp3_frame(SL_REQUEST, wire->bytes, part);
        assert_int_equal(frame.status, SL_FRAME_MORE);
        assert_true(frame.length <= part);
    }
}

static void interrupted_fragments(void **state)
{
    (void)state;
    struct wire wire = {.length = 0};
    put_segment(&wire, 0x40, "c001");
    put_segment(&wire, 0x01, "3c0206");
    const size_t begun = wire.length;
    struct sl_frame frame = dnp3_frame(SL_REQUEST, wire.bytes, wire.length);
    assert_int_equal(frame.status, SL_FRAME_MORE);
    assert_int_equal(frame.length, begun); /* whole frames so far */

    struct wire next = wire;
    put_segment(&next, 0x82, "3c0306"); /* the end */
    assert_frame(&next, next.length);

    next = wire;
    put_segment(&next, 0xc0, "c017"); /* FIR: a new fragment */
    assert_frame(&next, begun);
    next.length = begun;
    assert_string_equal(decode_name(SL_REQUEST, &next), "transport-incomplete");

    next = wire;
    wire_frame(&next, 0xc9, 4, 3, NULL, 0); /* a frame without user data */
    assert_frame(&next, begun);
    next = wire;
    static const uint8_t segment[] = {0x82, 0x3c, 0x02, 0x06};
    wire_frame(&next, 0xc4, 5, 3, segment, sizeof segment); /* other stations */
    assert_frame(&next, begun);
    next = wire;
    wire_frame(&next, 0xc4, 4, 2, segment, sizeof segment);
    assert_frame(&next, begun);
    next = wire;
    wire_frame(&next, 0x44, 4, 3, segment, sizeof segment); /* the other way */
    assert_frame(&next, begun);
    next = wire;
    wire_put(&next, 0x99); /* junk */
    assert_frame(&next, begun);

    next = wire;
    put_segment(&next, 0x82, "3c0306");
    next.bytes[begun + LINK_HEADER_SIZE] ^= 0x80; /* its FIN is not to be trusted: CRC */
    assert_frame(&next, next.length);
    assert_string_equal(decode_name(SL_REQUEST, &next), "crc");
}

static void keys(void **state)
{
    (void)state;
    struct wire wire = wire_message(SL_REQUEST, "c701 3c0106");
    assert_int_equal(dnp3_frame_key(wire.bytes, wire.length), 7);
    struct decoded decoded = wire_decode(SL_REQUEST, &wire);
    assert_int_equal(dnp3_key(&decoded.message, decoded.length), 7);
    /* encode() takes the number from the key */
    wire.length = dnp3_encode(SL_REQUEST, &decoded.message, decoded.length, 12, wire.bytes,
                              sizeof wire.bytes);
    assert_int_equal(dnp3_frame_key(wire.bytes, wire.length), 12);
    wire = wire_message(SL_REPLY, "f982 0000");
    assert_int_equal(dnp3_frame_key(wire.bytes, wire.length), 9 | DNP3_KEY_UNSOLICITED);
    decoded = wire_decode(SL_REPLY, &wire);
    assert_int_equal(dnp3_key(&decoded.message, decoded.length), 9 | DNP3_KEY_UNSOLICITED);
    enum sl_direction direction = SL_REQUEST;
    assert_true(dnp3_runs(wire.bytes, wire.length, &direction));
    assert_int_equal(direction, SL_REPLY);
    assert_false(dnp3_runs(wire.bytes, 9, &direction));
}

static void truncations(void **state)
{
    (void)state;
    struct wire wire = wire_message(SL_REPLY, "c081 8000 1e05 00 0001 [0100000000*2]");
    for (size_t length = wire.length; length-- > 0;) {
        wire.length = length;
        assert_string_equal(decode_name(SL_REPLY, &wire), "truncated");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_vectors),
        cmocka_unit_test(each_bit_of_a_frame_counts),
        cmocka_unit_test(control_octets),
        cmocka_unit_test(link_frames_round_trip),
        cmocka_unit_test(station_addresses),
        cmocka_unit_test(lengths),
        cmocka_unit_test(start_octets),
        cmocka_unit_test(transport_sequences),
        cmocka_unit_test(repeated_segments),
        cmocka_unit_test(any_segmentation),
        cmocka_unit_test(longest_fragment),
        cmocka_unit_test(interrupted_fragments),
        cmocka_unit_test(keys),
        cmocka_unit_test(truncations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
