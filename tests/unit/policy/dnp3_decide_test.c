/* SPDX-License-Identifier: BSD-2-Clause */
/* Decisions on DNP3 requests, rule key by rule key. */
#include "dnp3_fixture.h"

static struct fixture f;

static const char *decide_between(uint32_t client, uint16_t master, uint16_t outstation,
                                  const char *text)
{
    const struct decoded asked = dnp3_message(SL_REQUEST, master, outstation, text);
    const struct sl_decision decision =
        dnp3_decide(policy_service(f.image, 0), client, &asked.message, asked.length);
    assert_int_equal(decision.allowed, decision.reason == SL_REASON_NONE);
    return sl_reason_name(decision.reason);
}

static const char *verdict(const char *text)
{
    return decide_between(HMI, 3, 4, text);
}

#define WITH_RULES(rules) fixture_want_image(&f, DNP3_RULES rules)

/* Requests: application control, function code, objects. */
#define READ_CLASS_123 "c1 01 3c02 06 3c03 06 3c04 06"
#define READ_CLASS_ALL READ_CLASS_123 " 3c01 06"
#define READ_INPUTS    "c1 01 1e00 00 02 05" /* g30v0, 2 to 5 */
#define READ_ALL_30    "c1 01 1e00 06"
#define COLD_RESTART   "c1 0d"
/* Control block of point 3: code, count 1, on 100 ms, off 0. */
#define BLOCK(function, code) "c1 " function " 0c01 17 01 03 " code " 01 64000000 00000000 00"
#define SELECT                "03"
#define OPERATE               "04"
#define DIRECT                "05"
#define DIRECT_NO_ACK         "06"

static void nothing_passes_without_a_rule(void **unused)
{
    (void)unused;
    fixture_want_image(&f, DNP3_HEAD);
    assert_string_equal(verdict(READ_INPUTS), "no-rule-for-client");
    assert_string_equal(verdict("c0 00"), "none"); /* a confirmation needs none */
    fixture_close(&f);
}

static void who_and_where(void **unused)
{
    (void)unused;
    WITH_RULES("      - { allow: read, from: hmi, outstation: 4 }\n"
               "      - { allow: restart, from: office, master: 7 }\n");
    assert_string_equal(verdict(READ_INPUTS), "none");
    assert_string_equal(decide_between(HISTORIAN, 3, 4, READ_INPUTS), "no-rule-for-client");
    assert_string_equal(decide_between(HMI, 3, 5, READ_INPUTS), "no-rule-for-station");
    assert_string_equal(decide_between(HMI, 7, 4, READ_INPUTS), "none");
    assert_string_equal(decide_between(HMI, 3, 6, READ_INPUTS), "no-station");
    assert_string_equal(decide_between(HMI, 7, 5, READ_INPUTS), "no-station");
    assert_string_equal(decide_between(HMI, 3, 6, "c0 00"), "no-station");
    assert_string_equal(decide_between(HMI, 3, 65535, READ_INPUTS), "no-rule-for-station");
    assert_string_equal(decide_between(HMI, 3, 65534, READ_INPUTS), "no-station");
    assert_string_equal(decide_between(OFFICE, 7, 4, COLD_RESTART), "none");
    assert_string_equal(decide_between(OFFICE, 3, 4, COLD_RESTART), "no-rule-for-station");
    assert_string_equal(decide_between(OFFICE, 7, 4, READ_INPUTS), "no-rule-for-function");
    fixture_close(&f);
}

static void functions_by_name_number_and_group(void **unused)
{
    static const struct {
        const char *allow, *allowed, *denied;
    } cases[] = {
        {"read", READ_INPUTS, "c1 02 3201 07 01 000000000000"},
        {"1", READ_INPUTS, COLD_RESTART},
        {"write", "c1 02 3201 07 01 000000000000", READ_INPUTS},
        {"control", BLOCK(DIRECT_NO_ACK, "01"), "c1 07 1400 06"},
        {"control", BLOCK(SELECT, "01"), READ_INPUTS},
        {"select", BLOCK(SELECT, "01"), BLOCK(OPERATE, "01")},
        {"freeze", "c1 0a 1400 06", BLOCK(DIRECT, "01")},
        {"restart", COLD_RESTART, "c1 0f"},
        {"[cold-restart, 14]", "c1 0e", "c1 13"},
        {"application", "c1 12", COLD_RESTART},
        {"time", "c1 17", "c1 02 5001 00 07 07 00"},
        {"time", "c1 02 3201 07 01 000000000000", "c1 02 5001 00 07 07 00"},
        {"time", "c1 02 3203 07 01 000000000000", "c1 0d"},
        {"file", "c1 1a 4604 5b 01 0d00 01000000 00000000 0100 0000 00", "c1 01 1e00 06"},
        {"file", "c1 01 4605 5b 01 0800 01000000 00000000", "c1 02 3201 07 01 000000000000"},
        {"configuration", "c1 15 3c02 06", "c1 0d"},
        {"configuration", "c1 13", READ_INPUTS},
        {"enable-unsolicited", "c1 14 3c02 06 3c03 06", "c1 15 3c02 06"},
    };
    char text[2048];
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(text, sizeof text, DNP3_RULES "      - { allow: %s }\n", cases[i].allow);
        fixture_want_image(&f, text);
        if (strcmp(verdict(cases[i].allowed), "none") != 0 ||
            strcmp(verdict(cases[i].denied), "none") == 0) {
            fprintf(stderr, "allow: %s: %s, %s\n", cases[i].allow, verdict(cases[i].allowed),
                    verdict(cases[i].denied));
            fail();
        }
        fixture_close(&f);
    }
}

static void one_rule_covers_every_header(void **unused)
{
    (void)unused;
    WITH_RULES("      - { allow: read, group: 60, variation: 2-4 }\n"
               "      - { allow: read, group: 60, variation: 1 }\n"
               "      - { allow: read, group: [1, 30], index: 0-9 }\n");
    assert_string_equal(verdict(READ_CLASS_123), "none");
    assert_string_equal(verdict("c1 01 3c01 06"), "none");
    assert_string_equal(verdict(READ_CLASS_ALL), "no-rule-for-object");
    assert_string_equal(verdict(READ_INPUTS), "none");
    assert_string_equal(verdict("c1 01 1e00 00 02 05 0100 00 00 09"), "none");
    assert_string_equal(verdict("c1 01 1e00 00 02 05 0100 00 00 0a"), "no-rule-for-object");
    assert_string_equal(verdict("c1 01 1e00 00 02 05 1400 00 00 01"), "no-rule-for-object");
    assert_string_equal(verdict("c1 01 1e01 17 02 00 09"), "none");
    assert_string_equal(verdict("c1 01 1e01 17 02 00 0a"), "no-rule-for-object");
    assert_string_equal(verdict(READ_ALL_30), "no-rule-for-object"); /* all there are */
    assert_string_equal(verdict("c1 01 1e00 07 03"), "no-rule-for-object");
    fixture_close(&f);
}

static void gaps_between_indexes(void **unused)
{
    (void)unused;
    WITH_RULES("      - { allow: read, group: 30, index: [0-2, 5, 7-9, 100000-4294967295] }\n"
               "      - { allow: read, group: 30, index: 2-5 }\n");
    assert_string_equal(verdict("c1 01 1e00 00 00 02"), "none");
    assert_string_equal(verdict("c1 01 1e00 00 02 05"), "none");
    assert_string_equal(verdict("c1 01 1e00 00 00 05"), "no-rule-for-object"); /* two rules */
    assert_string_equal(verdict("c1 01 1e00 00 05 07"), "no-rule-for-object"); /* 6 is in none */
    assert_string_equal(verdict("c1 01 1e00 02 a0860100 ffffffff"), "none");
    assert_string_equal(verdict("c1 01 1e00 02 9f860100 ffffffff"), "no-rule-for-object");
    fixture_close(&f);
}

static void a_denied_part_denies_all(void **unused)
{
    (void)unused;
    WITH_RULES("      - { allow: read }\n"
               "      - { name: no-30, deny: read, group: 30, variation: 5, index: 3-4 }\n"
               "      - { deny: read, from: historian, group: 60, variation: 1 }\n");
    assert_string_equal(verdict("c1 01 1e05 00 00 02"), "none");
    assert_string_equal(verdict("c1 01 1e05 00 00 03"), "deny-rule-for-object");
    assert_string_equal(verdict("c1 01 0100 06 1e05 17 02 00 04"), "deny-rule-for-object");
    assert_string_equal(verdict("c1 01 1e05 06"), "deny-rule-for-object");
    assert_string_equal(verdict("c1 01 1e05 00 05 09"), "none");
    assert_string_equal(verdict("c1 01 1e04 00 00 09"), "none");
    /* any variation is also that one */
    assert_string_equal(verdict("c1 01 1e00 00 00 09"), "deny-rule-for-object");
    assert_string_equal(verdict(READ_CLASS_ALL), "none");
    assert_string_equal(decide_between(HISTORIAN, 3, 4, READ_CLASS_ALL), "deny-rule-for-object");
    fixture_close(&f);
}

static void broadcasts_reach_whom_a_rule_protects(void **unused)
{
    (void)unused;
    WITH_RULES("      - { allow: control, outstation: [4, 65535] }\n"
               "      - { deny: control, outstation: 5, index: 3 }\n");
    assert_string_equal(verdict(BLOCK(DIRECT, "01")), "none");
    assert_string_equal(decide_between(HMI, 3, 65535, BLOCK(DIRECT_NO_ACK, "01")),
                        "deny-rule-for-object");
    fixture_close(&f);
}

static void control_blocks(void **unused)
{
    (void)unused;
    WITH_RULES("      - { allow: control, index: 0-3, operation: [pulse-on, latch-on],"
               " trip-close: [nul, close], on-time: 100-500, off-time: 0, count: 1 }\n"
               "      - { allow: control, index: 9, operation: nul }\n");
    assert_string_equal(verdict(BLOCK(SELECT, "01")), "none");
    assert_string_equal(verdict(BLOCK(OPERATE, "03")), "none");
    assert_string_equal(verdict(BLOCK(DIRECT, "41")), "none");
    assert_string_equal(verdict(BLOCK(DIRECT, "81")), "no-rule-for-value"); /* trip */
    assert_string_equal(verdict(BLOCK(DIRECT, "04")), "no-rule-for-value"); /* latch off */
    assert_string_equal(verdict(BLOCK(DIRECT, "11")), "no-rule-for-value"); /* queue */
    assert_string_equal(verdict(BLOCK(DIRECT, "21")), "no-rule-for-value"); /* clear */
    assert_string_equal(verdict("c1 05 0c01 17 01 03 01 01 63000000 00000000 00"),
                        "no-rule-for-value");
    assert_string_equal(verdict("c1 05 0c01 17 01 03 01 01 f4010000 00000000 00"), "none");
    assert_string_equal(verdict("c1 05 0c01 17 01 03 01 01 f5010000 00000000 00"),
                        "no-rule-for-value");
    assert_string_equal(verdict("c1 05 0c01 17 01 03 01 02 64000000 00000000 00"),
                        "no-rule-for-value");
    assert_string_equal(verdict("c1 05 0c01 17 01 03 01 01 64000000 01000000 00"),
                        "no-rule-for-value");
    assert_string_equal(verdict("c1 05 0c01 17 01 04 01 01 64000000 00000000 00"),
                        "no-rule-for-object");
    /* two commands, one of them out of bounds; with indexes of two octets */
    assert_string_equal(verdict("c1 05 0c01 28 0200 0300 01 01 64000000 00000000 00"
                                " 0200 01 01 64000000 00000000 00"),
                        "none");
    assert_string_equal(verdict("c1 05 0c01 28 0200 0300 01 01 64000000 00000000 00"
                                " 0200 01 01 64000000 00000001 00"),
                        "no-rule-for-value");
    assert_string_equal(verdict("c1 05 0c01 17 01 09 00 ff ffffffff ffffffff 00"), "none");
    /* an analog command is another thing */
    assert_string_equal(verdict("c1 05 2902 17 01 03 0100 00"), "no-rule-for-object");
    fixture_close(&f);
}

static void pattern_masks(void **unused)
{
    (void)unused;
#define PATTERN "c1 05 0c02 07 01 01 01 64000000 00000000 00 0c03 00 00 07 81"
    WITH_RULES("      - { allow: control, index: 0-7, operation: pulse-on }\n");
    assert_string_equal(verdict(PATTERN), "none");
    fixture_close(&f);
    WITH_RULES("      - { allow: control, index: 0-6, operation: pulse-on }\n");
    assert_string_equal(verdict(PATTERN), "no-rule-for-object");
    fixture_close(&f);
    WITH_RULES("      - { allow: control, operation: latch-on }\n");
    assert_string_equal(verdict(PATTERN), "no-rule-for-value");
    fixture_close(&f);
    WITH_RULES("      - { allow: control }\n"
               "      - { deny: control, index: 7, operation: pulse-on }\n");
    assert_string_equal(verdict(PATTERN), "deny-rule-for-value");
    fixture_close(&f);
}

/* Points 4 to 11 by one mask, 300 and 301 by another. */
#define MASKED(code, low, high)                                                                    \
    "c1 05 0c02 07 01 " code " 01 64000000 00000000 00 0c03 00 04 0b " low                         \
    " 0c03 01 2c01 2d01 " high

/* Only the points whose bits are set are operated (1815 A.8.3). */
static void a_mask_is_about_the_points_it_chooses(void **unused)
{
    (void)unused;
    WITH_RULES("      - { allow: control }\n"
               "      - { deny: control, index: [6, 301], trip-close: trip }\n");
    assert_string_equal(verdict(MASKED("81", "fb", "01")), "none");
    assert_string_equal(verdict(MASKED("81", "04", "01")), "deny-rule-for-value");
    assert_string_equal(verdict(MASKED("81", "ff", "01")), "deny-rule-for-value");
    assert_string_equal(verdict(MASKED("81", "fb", "02")), "deny-rule-for-value");
    assert_string_equal(verdict(MASKED("41", "ff", "03")), "none");
    /* a mask that chooses nothing is asked about as a whole */
    assert_string_equal(verdict(MASKED("81", "00", "01")), "deny-rule-for-value");
    fixture_close(&f);
    WITH_RULES("      - { allow: control, index: [4-5, 7-11, 300], operation: latch-on }\n");
    assert_string_equal(verdict(MASKED("03", "fb", "01")), "none");
    assert_string_equal(verdict(MASKED("03", "ff", "01")), "no-rule-for-object");
    assert_string_equal(verdict(MASKED("03", "fb", "03")), "no-rule-for-object");
    assert_string_equal(verdict(MASKED("03", "00", "01")), "no-rule-for-object");
    assert_string_equal(verdict(MASKED("04", "fb", "01")), "no-rule-for-value");
    fixture_close(&f);
    static const struct {
        const char *variation, *denied;
    } cases[] = {{"1", "none"}, {"[1, 2]", "deny-rule-for-object"}, {"3", "deny-rule-for-object"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text,
                 DNP3_RULES "      - { allow: control }\n"
                            "      - { deny: control, group: 12, variation: %s, index: 6 }\n",
                 cases[i].variation);
        fixture_want_image(&f, text);
        assert_string_equal(verdict(MASKED("03", "fb", "01")), "none");
        assert_string_equal(verdict(MASKED("03", "04", "01")), cases[i].denied);
        fixture_close(&f);
    }
}

static void denied_operations(void **unused)
{
    (void)unused;
    WITH_RULES("      - { allow: control }\n"
               "      - { deny: control, trip-close: trip, index: 3 }\n"
               "      - { deny: control, index: 4, value: [100-200, -1e10--1e9] }\n");
    assert_string_equal(verdict(BLOCK(DIRECT, "41")), "none");
    assert_string_equal(verdict(BLOCK(DIRECT, "91")), "deny-rule-for-value");
    assert_string_equal(verdict("c1 05 0c01 17 01 04 81 01 64000000 00000000 00"), "none");
    assert_string_equal(verdict("c1 05 2902 17 01 04 6300 00"), "none");
    assert_string_equal(verdict("c1 05 2902 17 01 04 6400 00"), "deny-rule-for-value");
    assert_string_equal(verdict("c1 05 2901 17 01 04 6400ff7f 00"), "none");
    assert_string_equal(verdict("c1 05 2903 17 01 04 0000c842 00"), "deny-rule-for-value");
    /* not a number: nobody knows what becomes of it */
    assert_string_equal(verdict("c1 05 2903 17 01 04 0000c07f 00"), "deny-rule-for-value");
    assert_string_equal(verdict("c1 05 2903 17 01 03 0000c07f 00"), "none");
    fixture_close(&f);
}

static void analog_values(void **unused)
{
    (void)unused;
    WITH_RULES("      - { allow: control, index: 1, value: [0.1-100, -5.5] }\n"
               "      - { allow: control, index: 2, value: -2147483648-2147483647 }\n");
    assert_string_equal(verdict("c1 05 2901 17 01 01 01000000 00"), "none");
    assert_string_equal(verdict("c1 05 2901 17 01 01 00000000 00"), "no-rule-for-value");
    assert_string_equal(verdict("c1 05 2901 17 01 01 64000000 00"), "none");
    assert_string_equal(verdict("c1 05 2901 17 01 01 65000000 00"), "no-rule-for-value");
    assert_string_equal(verdict("c1 05 2902 17 01 01 6400 00"), "none");
    assert_string_equal(verdict("c1 05 2902 17 01 01 ffff 00"), "no-rule-for-value");
    /* 0.1 as a float, which is above the double, and the float below it */
    assert_string_equal(verdict("c1 05 2903 17 01 01 cdcccc3d 00"), "none");
    assert_string_equal(verdict("c1 05 2903 17 01 01 cccccc3d 00"), "no-rule-for-value");
    assert_string_equal(verdict("c1 05 2903 17 01 01 0000c842 00"), "none");
    assert_string_equal(verdict("c1 05 2903 17 01 01 0100c842 00"), "no-rule-for-value");
    assert_string_equal(verdict("c1 05 2903 17 01 01 0000b0c0 00"), "none"); /* -5.5 */
    assert_string_equal(verdict("c1 05 2903 17 01 01 0000c07f 00"), "no-rule-for-value");
    assert_string_equal(verdict("c1 05 2903 17 01 01 0000807f 00"), "no-rule-for-value");
    assert_string_equal(verdict("c1 05 2904 17 01 01 9a9999999999b93f 00"), "none"); /* 0.1 */
    assert_string_equal(verdict("c1 05 2904 17 01 01 999999999999b93f 00"), "no-rule-for-value");
    assert_string_equal(verdict("c1 05 2904 17 01 01 00000000000016c0 00"), "none"); /* -5.5 */
    assert_string_equal(verdict("c1 05 2901 17 01 02 00000080 00"), "none");
    assert_string_equal(verdict("c1 05 2901 17 01 02 ffffff7f 00"), "none");
    assert_string_equal(verdict("c1 05 2904 17 01 02 000000000000e041 00"),
                        "no-rule-for-value"); /* 2^31 */
    assert_string_equal(verdict(BLOCK(DIRECT, "01")), "no-rule-for-object");
    fixture_close(&f);
}

static void replies(void **unused)
{
    (void)unused;
    const char *const texts[] = {DNP3_HEAD, DNP3_HEAD "    unsolicited: allow\n"};
    for (unsigned allowed = 0; allowed < 2; allowed++) {
        fixture_want_image(&f, texts[allowed]);
        const struct policy_service *service = policy_service(f.image, 0);
        const struct decoded asked = dnp3_message(SL_REQUEST, 3, 4, READ_INPUTS);
        const struct decoded told = dnp3_message(SL_REPLY, 3, 4, "c1 81 0000");
        const struct decoded event = dnp3_message(SL_REPLY, 3, 4, "f1 82 0000 0201 17 01 03 81");
        const struct decoded stranger = dnp3_message(SL_REPLY, 3, 9, "f1 82 0000");
        assert_int_equal(
            dnp3_decide_reply(service, &asked.message, asked.length, &told.message, told.length)
                .reason,
            SL_REASON_NONE);
        assert_int_equal(dnp3_decide_reply(service, NULL, 0, &told.message, told.length).reason,
                         SL_REASON_REPLY_UNMATCHED);
        assert_int_equal(dnp3_decide_reply(service, NULL, 0, &event.message, event.length).reason,
                         allowed ? SL_REASON_NONE : SL_REASON_UNSOLICITED);
        assert_int_equal(
            dnp3_decide_reply(service, NULL, 0, &stranger.message, stranger.length).reason,
            SL_REASON_NO_STATION);
        fixture_close(&f);
    }
    fixture_want_image(&f, DNP3_HEAD "    response-fragments: 3\n    response-size: 5000\n");
    const struct policy_service *service = policy_service(f.image, 0);
    assert_int_equal(dnp3_reply_within(service, 3, 5000), SL_REASON_NONE);
    assert_int_equal(dnp3_reply_within(service, 4, 5000), SL_REASON_RESPONSE_LIMIT);
    assert_int_equal(dnp3_reply_within(service, 3, 5001), SL_REASON_RESPONSE_LIMIT);
    fixture_close(&f);
}

static void stations_by_either_side(void **unused)
{
    (void)unused;
    fixture_want_image(&f, DNP3_HEAD);
    const struct policy_service *service = policy_service(f.image, 0);
    assert_int_equal(dnp3_station_of(service, 3, 5)->device_outstation, 1);
    assert_int_equal(dnp3_station_of(service, 7, 4)->device_master, 100);
    assert_ptr_equal(dnp3_station_of_device(service, 100, 4), dnp3_station_of(service, 7, 4));
    assert_ptr_equal(dnp3_station_of_device(service, 3, 1), dnp3_station_of(service, 3, 5));
    assert_null(dnp3_station_of_device(service, 7, 4));
    assert_null(dnp3_station_of_device(service, 3, 65535));
    assert_null(dnp3_station_of(service, 7, 5));
    fixture_close(&f);
}

static void many_rules(void **unused)
{
    (void)unused;
    enum { POINTS = 1500 };
    static char text[POINTS * 80 + 4096];
    size_t length = (size_t)sprintf(text, "%s", DNP3_RULES);
    for (unsigned i = 0; i < POINTS; i++)
        length += (size_t)sprintf(text + length,
                                  "      - { allow: direct-operate, index: %u, value: %u-%u }\n",
                                  2 * i, i, i + 10);
    fixture_want_image(&f, text);
    for (unsigned i = 0; i < POINTS; i += 7) {
        char message[80];
        sprintf(message, "c1 05 2902 28 0100 %02x%02x %02x%02x 00", 2 * i & 0xff, 2 * i >> 8,
                (i + 10) & 0xff, (i + 10) >> 8);
        const struct decoded asked = dnp3_message(SL_REQUEST, 3, 4, message);
        const struct sl_decision decision =
            dnp3_decide(policy_service(f.image, 0), HMI, &asked.message, asked.length);
        assert_true(decision.allowed);
        assert_int_equal(decision.rule, i);
        sprintf(message, "c1 05 2902 28 0100 %02x%02x %02x%02x 00", (2 * i + 1) & 0xff,
                (2 * i + 1) >> 8, i & 0xff, i >> 8);
        assert_string_equal(verdict(message), "no-rule-for-object");
    }
    fixture_close(&f);
}

static void profiles(void **unused)
{
    (void)unused;
    fixture_want_image(&f,
                       "profiles: { rtu: { rules: [ { name: polls, allow: read } ] } }\n" DNP3_HEAD
                       "    profile: rtu\n"
                       "    rules: [ { allow: restart } ]\n");
    assert_string_equal(verdict(READ_CLASS_ALL), "none");
    assert_string_equal(verdict(COLD_RESTART), "none");
    assert_string_equal(policy_rule_name(f.image, 0), "polls");
    fixture_close(&f);
}

static void points_by_name(void **unused)
{
    (void)unused;
    fixture_want_image(&f, DNP3_HEAD "    points:\n"
                                     "      breaker: { group: [10, 12], index: 3 }\n"
                                     "      spare: { group: [10, 12], index: 8-9 }\n"
                                     "      level: { group: 41, index: 0 }\n"
                                     "    rules:\n"
                                     "      - { allow: control, point: [breaker, spare] }\n"
                                     "      - { allow: control, point: level, value: 0-100 }\n"
                                     "      - { allow: read, point: breaker }\n");
    assert_string_equal(verdict(BLOCK(DIRECT, "01")), "none");
    assert_string_equal(verdict("c1 05 0c01 17 01 09 01 01 64000000 00000000 00"), "none");
    assert_string_equal(verdict("c1 05 0c01 17 01 07 01 01 64000000 00000000 00"),
                        "no-rule-for-object");
    assert_string_equal(verdict("c1 05 2902 17 01 00 6400 00"), "none");
    assert_string_equal(verdict("c1 05 2902 17 01 00 6500 00"), "no-rule-for-value");
    assert_string_equal(verdict("c1 05 2902 17 01 03 6400 00"), "no-rule-for-object");
    assert_string_equal(verdict("c1 01 0a02 00 03 03"), "none");
    assert_string_equal(verdict("c1 01 0a02 00 03 08"), "no-rule-for-object");
    fixture_close(&f);
}

/* Every byte of the image wrong in a few ways: its check says so, or every decision stays within.
 */
static void damaged_images(void **unused)
{
    (void)unused;
    WITH_RULES(
        "      - { allow: read, from: [hmi, office], group: [1, 30], index: [0-9, 20] }\n"
        "      - { allow: control, index: 3, operation: pulse-on, count: 1-2, on-time: 100 }\n"
        "      - { allow: control, index: 4, value: [1-2, 5], max-step: 3, rate: 1/s }\n"
        "      - { deny: control, master: 7, value: 7 }\n");
    static const char *const asked[] = {READ_INPUTS, BLOCK(DIRECT, "01"),
                                        "c1 05 2904 17 01 04 00000000000016c0 00"};
    uint8_t *const copy = malloc(f.size);
    unsigned used = 0;
    for (size_t at = 0; at < f.size; at++)
        for (unsigned way = 0; way < 4; way++) {
            memcpy(copy, f.image, f.size);
            copy[at] = way == 0 ? 0 : way == 1 ? 0xff : (uint8_t)(copy[at] ^ (way == 2 ? 1 : 0x80));
            if (policy_image_check(copy, f.size))
                continue;
            used++;
            for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
                const struct decoded request = dnp3_message(SL_REQUEST, 3, 4, asked[i]);
                (void)dnp3_decide(policy_service(copy, 0), HMI, &request.message, request.length);
                (void)dnp3_station_of_device(policy_service(copy, 0), 3, 1);
            }
        }
    assert_true(used > 1000);
    free(copy);
    fixture_close(&f);
}

/* Opens a file named a: mode 1 to read, 2 to write it anew, 3 to append. */
#define OPEN(mode)                                                                                 \
    "c1 19 4603 5b 01 1b00 1a00 0100 000000000000 0000 00000000 00000000 " mode " 0000 0000 61"

static void files_opened_to_write(void **unused)
{
    (void)unused;
    WITH_RULES("      - { allow: [open-file, read, close-file], group: 70 }\n"
               "      - { allow: write, from: historian, group: 70 }\n"
               "      - { allow: write, from: office, group: 50 }\n");
    static const char *const others[] = {OPEN("0000"), OPEN("0200"), OPEN("0300"), OPEN("0400"),
                                         OPEN("0101")};
    assert_string_equal(verdict(OPEN("0100")), "none");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_string_equal(verdict(others[i]), "no-rule-for-function");
        assert_string_equal(decide_between(OFFICE, 3, 4, others[i]), "no-rule-for-function");
        assert_string_equal(decide_between(HISTORIAN, 3, 4, others[i]), "none");
    }
    fixture_close(&f);
    WITH_RULES("      - { allow: file }\n"
               "      - { deny: write, from: historian, group: 70, variation: 5 }\n");
    assert_string_equal(verdict(OPEN("0200")), "none");
    assert_string_equal(decide_between(HISTORIAN, 3, 4, OPEN("0100")), "none");
    assert_string_equal(decide_between(HISTORIAN, 3, 4, OPEN("0200")), "deny-rule-for-object");
    fixture_close(&f);
    WITH_RULES("      - { allow: file }\n"
               "      - { deny: open-file, from: historian }\n");
    assert_string_equal(decide_between(HISTORIAN, 3, 4, OPEN("0100")), "deny-rule");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_passes_without_a_rule),
        cmocka_unit_test(who_and_where),
        cmocka_unit_test(functions_by_name_number_and_group),
        cmocka_unit_test(one_rule_covers_every_header),
        cmocka_unit_test(gaps_between_indexes),
        cmocka_unit_test(a_denied_part_denies_all),
        cmocka_unit_test(broadcasts_reach_whom_a_rule_protects),
        cmocka_unit_test(control_blocks),
        cmocka_unit_test(pattern_masks),
        cmocka_unit_test(a_mask_is_about_the_points_it_chooses),
        cmocka_unit_test(denied_operations),
        cmocka_unit_test(analog_values),
        cmocka_unit_test(replies),
        cmocka_unit_test(stations_by_either_side),
        cmocka_unit_test(many_rules),
        cmocka_unit_test(profiles),
        cmocka_unit_test(points_by_name),
        cmocka_unit_test(files_opened_to_write),
        cmocka_unit_test(damaged_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
