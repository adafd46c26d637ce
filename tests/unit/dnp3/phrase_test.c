/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages in words: whole, cut short as in an audit record, hostile. */
#include "dnp3/wire.h"
#include "sluice/audit.h"

#define WORDS_SIZE 160u

static const struct {
    const char *fragment, *text;
} requests[] = {
    {"c0 01 3c0206 3c0306 3c0406 3c0106", "read class 1, 2, 3, 0"},
    {"c0 01 3c020705 0200 06", "read class 1, all binary input events"},
    {"c0 01 0100000009 1e0501 0300 0300 020006", "read binary inputs 0-9, analog input 3, "
                                                 "all binary input events"},
    {"c0 01 140017 04 00010203", "read counters 0, 1, 2, ..."},
    {"c0 01 0200 07 05", "read 5 binary input events"},
    {"c0 01 00f2 00 00 00", "read device attribute 242 0"},
    {"c0 01 0100000001 0100000303 0100000505 0100000707 0100000909",
     "read binary inputs 0-1, binary input 3, binary input 5, binary input 7, ..."},
    {"c0 03 0c01 17 01 03 03 01 64000000 00000000 00", "select binary output 3 (latch-on)"},
    {"c0 04 0c01 17 01 03 81 01 64000000 32000000 00",
     "operate binary output 3 (pulse-on trip, 100 ms on, 50 ms off)"},
    {"c0 05 0c01 28 0100 0203 41 03 64000000 00000000 00",
     "operate directly binary output 770 (pulse-on close, 3 times, 100 ms on)"},
    {"c0 06 2901 17 02 01 faffffff 00 02 07000000 00",
     "operate directly, unanswered, analog output 1 := -6, analog output 2 := 7"},
    {"c0 05 2903 17 01 02 0000f040 00 2904 17 01 03 000000000000d0bf 00 2902 17 01 04 fbff 00",
     "operate directly analog output 2 := 7.5, analog output 3 := -0.25, ..."},
    {"c0 05 0c01 17 04 [00030100000000000000 0000*4]",
     "operate directly binary output 0 (latch-on), binary output 0 (latch-on), ..."},
    {"c0 03 0c0207 01 01 01 64000000 64000000 00 0c0300 04 07 0f",
     "select binary output (pulse-on, 100 ms on, 100 ms off), binary outputs 4-7"},
    {"c0 07 140006", "freeze all counters"},
    {"c0 0a 1400 00 00 04", "freeze and clear, unanswered, counters 0-4"},
    {"c0 0d", "cold-restart"},
    {"c0 14 3c0206 3c0406", "enable unsolicited responses of class 1, 3"},
    {"c0 15 3c0306", "disable unsolicited responses of class 2"},
    {"c0 16 3c0306 0100 00 00 09", "assign class 2, binary inputs 0-9"},
    {"c0 02 5001 00 07 07 00", "clear the restart indication"},
    {"c0 02 5001 00 04 04 00", "clear the need-time indication"},
    {"c0 02 5001 00 07 07 01", "write internal indication 7"},
    {"c0 02 3201 07 01 00e8b4fa9d01", "set the clock to 2026-05-06T00:34:13Z"},
    {"c0 02 3201 07 01 ffffffffffff", "set the clock to 281474976710655 ms since 1970"},
    {"c0 02 2202 17 01 05 e8030000", "write analog input dead-band 5"},
    {"c0 17", "delay-measurement"},
    {"c3 00", "confirm response 3"},
    {"d3 00", "confirm unsolicited response 3"},
    {"c0 19 4603 5b 01 2000 1a00 0600 000000000000 ffff 00000000 00000000 0100 0004 0700 "
     "2f6162072e63",
     "open file '/ab?.c' to read it"},
    {"c0 1b 4603 5b 01 1b00 1a00 0100 000000000000 0000 00000000 00000000 0000 0000 0700 61",
     "delete file 'a'"},
    {"c0 1c 4607 5b 01 1600 1400 0200 0100 00000000 000000000000 0000 0700 6162",
     "ask about file 'ab'"},
    {"c0 1a 4604 5b 01 0d00 05000000 00000000 0000 0700 00", "close file handle 5"},
    {"c0 01 4605 5b 01 0800 05000000 03000080", "read block 3 of file handle 5"},
    {"c0 02 4605 5b 01 0a00 05000000 03000080 6162", "write block 3 of file handle 5"},
    {"c0 20 7801 5b 01 0d00 00000000 0100 03 01 6162636465", "authentication-request"},
};

static const struct {
    const char *fragment, *text;
} replies[] = {
    {"c0 81 0000", "response"},
    {"c0 81 0002", "response: object unknown"},
    {"c0 81 0005", "response: function not supported, parameter error"},
    {"c0 81 0000 0102 00 00 01 0101", "response: binary inputs 0-1"},
    {"c0 81 0000 0c01 17 01 03 03 01 64000000 00000000 09",
     "response: binary output 3 (latch-on) not-authorized"},
    {"f0 82 0000 0201 17 01 05 81", "unsolicited-response: binary input event 5"},
};

static void decode(enum sl_direction direction, const char *fragment, struct decoded *decoded)
{
    struct wire wire = wire_message(direction, fragment);
    *decoded = wire_decode(direction, &wire);
}

static void check(enum sl_direction direction, const char *fragment, const char *expected)
{
    struct decoded decoded;
    char text[WORDS_SIZE], whole[WORDS_SIZE];
    decode(direction, fragment, &decoded);
    dnp3_phrase(text, sizeof text, direction, &decoded.message, decoded.length);
    snprintf(whole, sizeof whole, "%s, %s", expected,
             direction == SL_REQUEST ? "master 3 to outstation 4" : "outstation 4 to master 3");
    assert_string_equal(text, whole);
}

static void test_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        check(SL_REQUEST, requests[i].fragment, requests[i].text);
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++)
        check(SL_REPLY, replies[i].fragment, replies[i].text);
}

/* As on the line of a request that got none. */
static void test_the_reply_that_did_not_come(void **state)
{
    (void)state;
    struct decoded decoded;
    char text[WORDS_SIZE];
    decode(SL_REQUEST, "c0 01 3c01 06", &decoded);
    dnp3_phrase(text, sizeof text, SL_REPLY, &decoded.message, decoded.length);
    assert_string_equal(text, "reply to read class 0, master 3 to outstation 4");
}

static void test_link_frames_and_malformed_ones(void **state)
{
    (void)state;
    char text[WORDS_SIZE];
    struct wire wire = {.length = 0};
    wire_frame(&wire, 0xc9, WIRE_OUTSTATION, WIRE_MASTER, NULL, 0);
    struct decoded decoded = wire_decode(SL_REQUEST, &wire);
    dnp3_phrase(text, sizeof text, SL_REQUEST, &decoded.message, decoded.length);
    assert_string_equal(text, "request-link-status, master 3 to outstation 4");
    wire.length = 0;
    wire_frame(&wire, 0xc1, WIRE_OUTSTATION, WIRE_MASTER, NULL, 0);
    decoded = wire_decode(SL_REQUEST, &wire);
    dnp3_phrase(text, sizeof text, SL_REQUEST, &decoded.message, decoded.length);
    assert_string_equal(text, "link function 1, master 3 to outstation 4");
    decode(SL_REQUEST, "c0 05 ffff06", &decoded);
    dnp3_phrase(text, sizeof text, SL_REQUEST, &decoded.message, decoded.length);
    assert_string_equal(text, "direct-operate, master 3 to outstation 4");
    decode(SL_REQUEST, "c0 50", &decoded);
    dnp3_phrase(text, sizeof text, SL_REQUEST, &decoded.message, decoded.length);
    assert_string_equal(text, "function 80, master 3 to outstation 4");
}

/* An audit record keeps the head of a message. */
static void test_cut_as_in_a_record(void **state)
{
    (void)state;
    struct decoded decoded;
    char text[WORDS_SIZE];
    decode(SL_REQUEST, "c0 05 0c01 28 0800 [0203 41 01 64000000 00000000 00*8] ", &decoded);
    assert_true(decoded.length > SL_AUDIT_DETAIL);
    dnp3_phrase(text, sizeof text, SL_REQUEST, &decoded.message, SL_AUDIT_DETAIL);
    assert_string_equal(text,
                        "operate directly binary output 770 (pulse-on close, 100 ms on), ..., "
                        "master 3 to outstation 4");
}

static void test_cut_off_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct decoded decoded;
        decode(SL_REQUEST, requests[i].fragment, &decoded);
        for (size_t cut = 0; cut <= decoded.length; cut++)
            for (size_t size = 1; size < 80; size++) {
                void *exact = malloc(cut ? cut : 1);
                char *text = malloc(size);
                assert_non_null(exact);
                assert_non_null(text);
                memcpy(exact, &decoded.message, cut);
                dnp3_phrase(text, size, SL_REQUEST, exact, cut);
                assert_true(strlen(text) < size);
                free(exact);
                free(text);
            }
    }
}

static void test_any_bytes(void **state)
{
    (void)state;
    static struct dnp3_message message;
    char text[WORDS_SIZE];
    srand(1);
    for (unsigned round = 0; round < 50000; round++) {
        uint8_t *bytes = (uint8_t *)&message;
        size_t length = (size_t)rand() % 200;
        for (size_t i = 0; i < length; i++)
            bytes[i] = (uint8_t)rand();
        message.kind = (uint8_t)(rand() % 4);
        message.function = (uint8_t)(rand() % 8 ? rand() % 34 : 129 + rand() % 3);
        if (length > DNP3_HEAD_SIZE + 3 && rand() % 4) {
            static const uint8_t groups[] = {1, 12, 12, 41, 41, 50, 60, 70, 70, 80, 110, 0};
            static const uint8_t qualifiers[] = {0, 1, 2, 6, 7, 8, 0x17, 0x28, 0x39, 0x5b};
            message.objects[0] = groups[(size_t)rand() % sizeof groups];
            message.objects[1] = (uint8_t)(rand() % 8);
            message.objects[2] = qualifiers[(size_t)rand() % sizeof qualifiers];
        }
        void *exact = malloc(length ? length : 1);
        assert_non_null(exact);
        memcpy(exact, &message, length);
        dnp3_phrase(text, sizeof text, (enum sl_direction)(rand() & 1), exact, length);
        assert_true(strlen(text) < sizeof text);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_the_reply_that_did_not_come),
        cmocka_unit_test(test_link_frames_and_malformed_ones),
        cmocka_unit_test(test_cut_as_in_a_record),
        cmocka_unit_test(test_cut_off_anywhere),
        cmocka_unit_test(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
