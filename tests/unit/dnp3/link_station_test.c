/* SPDX-License-Identifier: BSD-2-Clause */
/* The gateway's own end of a link: what it answers, what it passes on, what it takes once. */
#include "dnp3/wire.h"

#include "protocols/dnp3/link.h"

static const struct sl_station stations[] = {
    {0, 1, 10}, {0, WIRE_MASTER, WIRE_OUTSTATION}, {0, WIRE_MASTER, 5}};
#define PARTIES ((uint32_t)WIRE_MASTER << 16 | WIRE_OUTSTATION)

static struct sl_link_view view;
static struct sl_link_state state;

static int begin(void **unused)
{
    (void)unused;
    view = (struct sl_link_view){.far = SL_LINK_FAR_UP, .station_count = 3, .station = stations};
    memset(&state, 0, sizeof state);
    return 0;
}

static struct sl_link_step step_of(const struct wire *wire)
{
    return dnp3_link(SL_REQUEST, &view, &state, wire->bytes, wire->length);
}

/* A frame of the master's, its user data in hex. */
static struct sl_link_step from_master(uint8_t control, uint16_t destination, const char *data)
{
    struct wire octets = {0}, wire = {0};
    wire_hex(&octets, data);
    wire_frame(&wire, FROM_MASTER | control, destination, WIRE_MASTER, octets.bytes, octets.length);
    struct sl_link_step step = step_of(&wire);
    assert_true(step.length == 0 || step.length == wire.length);
    return step;
}

static void assert_answer(const struct sl_link_step *step, uint8_t control)
{
    struct wire wire = {0};
    wire_frame(&wire, control, WIRE_MASTER, WIRE_OUTSTATION, NULL, 0);
    assert_int_equal(step->status, SL_LINK_OWN);
    assert_int_equal(step->answer_length, wire.length);
    assert_memory_equal(step->answer, wire.bytes, wire.length);
}

#define DATA      "c0 c301 3c0106"
#define CONFIRMED 0x53u /* PRM, FCV */
#define FCB       0x20u

static void status_and_reset(void **unused)
{
    (void)unused;
    struct sl_link_step step = from_master(0x49, WIRE_OUTSTATION, "");
    assert_answer(&step, LINK_STATUS);
    step = from_master(0x52, WIRE_OUTSTATION, ""); /* test of a link that was not reset */
    assert_answer(&step, LINK_NACK);
    step = from_master(0x40, WIRE_OUTSTATION, "");
    assert_answer(&step, LINK_ACK);
    step = from_master(0x52 | FCB, WIRE_OUTSTATION, "");
    assert_answer(&step, LINK_ACK);
    step = from_master(0x00, WIRE_OUTSTATION, ""); /* an answer to nothing */
    assert_int_equal(step.status, SL_LINK_OWN);
    assert_int_equal(step.answer_length, 0);
}

static void answers_of_a_master(void **unused)
{
    (void)unused;
    struct wire wire = {0}, expected = {0};
    wire_frame(&wire, 0x49, WIRE_MASTER, WIRE_OUTSTATION, NULL, 0);
    wire_frame(&expected, FROM_MASTER | LINK_STATUS, WIRE_OUTSTATION, WIRE_MASTER, NULL, 0);
    struct sl_link_step step = dnp3_link(SL_REPLY, &view, &state, wire.bytes, wire.length);
    assert_int_equal(step.status, SL_LINK_OWN);
    assert_int_equal(step.parties, PARTIES);
    assert_memory_equal(step.answer, expected.bytes, expected.length);
}

/* 9.2.6: each frame once, acknowledged each time. */
static void confirmed_user_data(void **unused)
{
    (void)unused;
    struct sl_link_step step = from_master(CONFIRMED | FCB, WIRE_OUTSTATION, DATA);
    assert_answer(&step, LINK_NACK);
    (void)from_master(0x40, WIRE_OUTSTATION, "");
    for (unsigned i = 0; i < 3; i++) {
        const uint8_t fcb = i % 2 ? 0 : FCB;
        step = from_master(CONFIRMED | fcb, WIRE_OUTSTATION, DATA);
        assert_int_equal(step.status, SL_LINK_MESSAGE);
        assert_int_equal(step.reason, SL_REASON_NONE);
        assert_int_equal(step.answer_length, 10);
        assert_int_equal(step.answer[3], LINK_ACK);
        step = from_master(CONFIRMED | fcb, WIRE_OUTSTATION, DATA);
        assert_answer(&step, LINK_ACK);
    }
    (void)from_master(0x40, WIRE_OUTSTATION, "");
    step = from_master(CONFIRMED, WIRE_OUTSTATION, DATA); /* expected is FCB again */
    assert_answer(&step, LINK_ACK);
}

static void each_neighbour_has_its_own(void **unused)
{
    (void)unused;
    (void)from_master(0x40, WIRE_OUTSTATION, "");
    struct sl_link_step step = from_master(CONFIRMED | FCB, 5, DATA);
    assert_int_equal(step.status, SL_LINK_OWN);
    assert_int_equal(step.answer[3], LINK_NACK);
    (void)from_master(0x40, 5, "");
    step = from_master(CONFIRMED | FCB, WIRE_OUTSTATION, DATA);
    assert_int_equal(step.status, SL_LINK_MESSAGE);
    step = from_master(CONFIRMED | FCB, 5, DATA);
    assert_int_equal(step.status, SL_LINK_MESSAGE);
}

static void the_far_side(void **unused)
{
    (void)unused;
    static const uint8_t asks[] = {0x49, 0x40, 0x52};
    for (unsigned i = 0; i < 3; i++) {
        view.far = SL_LINK_FAR_UNKNOWN;
        assert_int_equal(from_master(asks[i], WIRE_OUTSTATION, "").status, SL_LINK_WAIT);
        view.far = SL_LINK_FAR_DOWN;
        struct sl_link_step step = from_master(asks[i], WIRE_OUTSTATION, "");
        assert_int_equal(step.status, SL_LINK_OWN);
        assert_int_equal(step.answer_length, 0);
    }
    assert_int_equal(from_master(CONFIRMED | FCB, WIRE_OUTSTATION, DATA).status, SL_LINK_OWN);
    assert_int_equal(from_master(0x44, WIRE_OUTSTATION, DATA).status, SL_LINK_MESSAGE);
}

/* What is not answered goes on as a message, so that it stands in the log. */
static void what_is_nobodys(void **unused)
{
    (void)unused;
    static const struct {
        uint8_t control;
        uint16_t destination;
        const char *data;
        enum sl_reason reason;
    } cases[] = {
        {0x49, 99, "", SL_REASON_STATION_ADDRESS},
        {0x40, 0xfffc, "", SL_REASON_STATION_ADDRESS},
        {CONFIRMED, 99, DATA, SL_REASON_STATION_ADDRESS},
        {0x44, 99, DATA, SL_REASON_NONE}, /* policy's to say */
        {0x44, 0xffff, DATA, SL_REASON_NONE},
        {CONFIRMED, 0xffff, DATA, SL_REASON_NONE}, /* no acknowledgement, whatever FCB is */
        {CONFIRMED, 0xfffd, DATA, SL_REASON_NONE},
        {0x41, WIRE_OUTSTATION, "", SL_REASON_LINK_CONTROL},
        {0x49, 0xffff, "", SL_REASON_STATION_ADDRESS},
        {0x49, WIRE_OUTSTATION, DATA, SL_REASON_LENGTH_FIELD},
        {0x44, WIRE_OUTSTATION, "", SL_REASON_LENGTH_FIELD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sl_link_step step =
            from_master(cases[i].control, cases[i].destination, cases[i].data);
        assert_int_equal(step.status, SL_LINK_MESSAGE);
        assert_int_equal(step.reason, cases[i].reason);
        assert_int_equal(step.answer_length, 0);
    }
    struct wire wire = {0};
    wire_frame(&wire, 0x44, WIRE_OUTSTATION, WIRE_MASTER, (const uint8_t *)"\xc0\xc3\x01", 3);
    assert_int_equal(step_of(&wire).reason, SL_REASON_LINK_DIRECTION);
}

/* Who only looks gets all user data, and link frames as they are. */
static void looking_from_aside(void **unused)
{
    (void)unused;
    view = (struct sl_link_view){.far = SL_LINK_FAR_ASIDE, .any = true};
    static const struct {
        uint8_t control;
        const char *data;
        enum sl_link_status status;
    } cases[] = {
        {0x49, "", SL_LINK_OWN},
        {0x40, "", SL_LINK_OWN},
        {0x00, "", SL_LINK_OWN},
        {0x44, DATA, SL_LINK_MESSAGE},
        {CONFIRMED, DATA, SL_LINK_MESSAGE},
        {CONFIRMED, DATA, SL_LINK_MESSAGE},
        {CONFIRMED | FCB, "40 c301", SL_LINK_FIRST},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sl_link_step step = from_master(cases[i].control, WIRE_OUTSTATION, cases[i].data);
        assert_int_equal(step.status, cases[i].status);
        assert_int_equal(step.reason, SL_REASON_NONE);
        assert_int_equal(step.answer_length, 0);
    }
}

static void parts(void **unused)
{
    (void)unused;
    static const struct {
        const char *data;
        enum sl_link_status status;
    } cases[] = {
        {"c0 c301", SL_LINK_MESSAGE}, {"40 c301", SL_LINK_FIRST}, {"01 3c", SL_LINK_NEXT},
        {"82 01", SL_LINK_LAST},      {"82", SL_LINK_LAST},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sl_link_step step = from_master(0x44, WIRE_OUTSTATION, cases[i].data);
        assert_int_equal(step.status, cases[i].status);
        assert_int_equal(step.parties, PARTIES);
    }
}

static void broken_checks_are_content(void **unused)
{
    (void)unused;
    struct wire wire = {0};
    wire_frame(&wire, 0xc4, WIRE_OUTSTATION, WIRE_MASTER, (const uint8_t *)"\xc0\xc3\x01", 3);
    for (size_t i = 0; i < wire.length; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            wire.bytes[i] ^= (uint8_t)(1u << bit);
            struct sl_link_step step = step_of(&wire);
            wire.bytes[i] ^= (uint8_t)(1u << bit);
            assert_int_equal(step.status, i < 10 ? SL_LINK_NOISE : SL_LINK_MESSAGE);
            assert_int_not_equal(step.reason, SL_REASON_NONE);
        }
    }
    for (size_t length = 0; length < wire.length; length++)
        assert_int_equal(dnp3_link(SL_REQUEST, &view, &state, wire.bytes, length).status,
                         SL_LINK_MORE);
}

/* A frame cut short takes the next one's octets for its own: that one is found inside. */
static void a_frame_inside_a_broken_one(void **unused)
{
    (void)unused;
    struct wire wire = {0};
    wire_frame(&wire, 0xc4, WIRE_OUTSTATION, WIRE_MASTER, (const uint8_t *)"\xc0\xc3\x01\x3c", 4);
    wire.length = 13;
    wire_frame(&wire, 0xc4, WIRE_OUTSTATION, WIRE_MASTER, (const uint8_t *)"\xc0\xc3\x01", 3);
    struct sl_link_step step = step_of(&wire);
    assert_int_equal(step.status, SL_LINK_MESSAGE);
    assert_int_equal(step.reason, SL_REASON_CRC);
    assert_int_equal(step.length, 16);
    assert_int_equal(step.noise, 13);
    step = from_master(0x49, 99, ""); /* other reasons are content */
    assert_int_equal(step.noise, 0);
}

static void noise(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"00", 1},
        {"0000 05", 2},
        {"0005 64", 1},
        {"0505 64", 1},
        {"0564 04", 3},
        {"0506 07 0564", 3},
        {"41540d0a 0564", 4},
        {"0564 05 c4 0400 0300 0000 0564", 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire wire = {0};
        wire_hex(&wire, cases[i].text);
        struct sl_link_step step = step_of(&wire);
        assert_int_equal(step.status, SL_LINK_NOISE);
        assert_int_equal(step.length, cases[i].length);
    }
}

static void traits(void **unused)
{
    (void)unused;
    static const struct {
        enum sl_direction direction;
        const char *fragment;
        struct sl_traits traits;
    } cases[] = {
        {SL_REQUEST, "c301 3c0106", {.key = 3}},
        {SL_REQUEST, "c500", {.key = 5, .confirms = true}},
        {SL_REQUEST, "d500", {.key = 0x15, .confirms = true, .unsolicited = true}},
        {SL_REPLY, "c381 0000", {.key = 3}},
        {SL_REPLY, "e381 0000", {.key = 3, .asks_confirm = true}},
        {SL_REPLY, "af81 0000", {.key = 15, .next_key = 0x40, .asks_confirm = true, .more = true}},
        {SL_REPLY, "6081 0000", {.key = 0x40, .asks_confirm = true}},
        {SL_REPLY, "f282 0000", {.key = 0x12, .asks_confirm = true, .unsolicited = true}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire fragment = {0}, wire = {0};
        wire_hex(&fragment, cases[i].fragment);
        const bool request = cases[i].direction == SL_REQUEST;
        wire_segments(&wire, request ? 0xc4 : 0x44, request ? WIRE_OUTSTATION : WIRE_MASTER,
                      request ? WIRE_MASTER : WIRE_OUTSTATION, &fragment, 249, 0);
        struct dnp3_message message;
        size_t length;
        assert_int_equal(
            dnp3_decode(cases[i].direction, NULL, wire.bytes, wire.length, &message, &length),
            SL_REASON_NONE);
        struct sl_traits expected = cases[i].traits;
        expected.parties = PARTIES;
        const struct sl_traits found[] = {
            dnp3_frame_traits(cases[i].direction, wire.bytes, wire.length),
            dnp3_traits(cases[i].direction, &message, length)};
        for (unsigned j = 0; j < 2; j++) {
            assert_int_equal(found[j].parties, expected.parties);
            assert_int_equal(found[j].key, expected.key);
            assert_int_equal(found[j].next_key, expected.next_key);
            assert_int_equal(found[j].confirms, expected.confirms);
            assert_int_equal(found[j].asks_confirm, expected.asks_confirm);
            assert_int_equal(found[j].unsolicited, expected.unsolicited);
            assert_int_equal(found[j].more, expected.more);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(status_and_reset, begin),
        cmocka_unit_test_setup(answers_of_a_master, begin),
        cmocka_unit_test_setup(confirmed_user_data, begin),
        cmocka_unit_test_setup(each_neighbour_has_its_own, begin),
        cmocka_unit_test_setup(the_far_side, begin),
        cmocka_unit_test_setup(what_is_nobodys, begin),
        cmocka_unit_test_setup(looking_from_aside, begin),
        cmocka_unit_test_setup(parts, begin),
        cmocka_unit_test_setup(broken_checks_are_content, begin),
        cmocka_unit_test_setup(a_frame_inside_a_broken_one, begin),
        cmocka_unit_test_setup(noise, begin),
        cmocka_unit_test(traits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
