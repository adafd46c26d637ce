/* SPDX-License-Identifier: BSD-2-Clause */
/* What decisions remember of commands: selects, last values, rates. */
#include "dnp3_fixture.h"

#include "sluice/audit.h"

static struct fixture f;
static struct policy_state state;

#define SECOND UINT64_C(1000000000)
#define WALL   (UINT64_C(1800000000) * SECOND)

static uint64_t now;

static void begin(const char *text)
{
    fixture_want_image(&f, text);
    memset(&state, 0, sizeof state);
    policy_state_init(&state, f.image);
    now = 100 * SECOND;
}

/* Decides, and where it passes sends; `*order` is what the message is remembered by. */
static const char *ask_as(uint32_t client, uint16_t master, uint16_t outstation, const char *text,
                          uint32_t *order)
{
    const struct policy_service *service = policy_service(f.image, 0);
    const struct decoded asked = dnp3_message(SL_REQUEST, master, outstation, text);
    policy_state_begin(&state, now, WALL, client);
    const struct sl_decision decision =
        dnp3_decide_in(service, &state, client, &asked.message, asked.length);
    if (decision.allowed) {
        policy_state_spend(&state);
        dnp3_note_sent(service, &state, &asked.message, asked.length);
        if (order)
            *order = state.order;
    }
    return sl_reason_name(decision.reason);
}

static void answer_at(uint16_t master, uint16_t outstation, const char *asked_text,
                      const char *told_text, uint32_t order)
{
    const struct policy_service *service = policy_service(f.image, 0);
    const struct decoded asked = dnp3_message(SL_REQUEST, master, outstation, asked_text);
    if (told_text == NULL) {
        dnp3_note_outcome(service, &state, &asked.message, asked.length, order, NULL, 0);
        return;
    }
    const struct decoded told = dnp3_message(SL_REPLY, master, outstation, told_text);
    dnp3_note_outcome(service, &state, &asked.message, asked.length, order, &told.message,
                      told.length);
}

static const char *ask(const char *text)
{
    return ask_as(HMI, 3, 4, text, NULL);
}

/* Asks, and the outstation answers; NULL: it does not. */
static const char *exchange(const char *asked, const char *told)
{
    uint32_t order = 0;
    const char *reason = ask_as(HMI, 3, 4, asked, &order);
    if (strcmp(reason, "none") == 0)
        answer_at(3, 4, asked, told, order);
    return reason;
}

#define CLOSE_3   " 0c01 17 01 03 41 01 64000000 00000000 "
#define CLOSE_2   " 0c01 17 01 02 41 01 64000000 00000000 "
#define SELECT    "c1 03" CLOSE_3 "00"
#define SELECTED  "c1 81 0000" CLOSE_3 "00"
#define OPERATE   "c2 04" CLOSE_3 "00"
#define OPERATED  "c2 81 0000" CLOSE_3 "00"
#define SBO_RULES DNP3_RULES "      - { allow: control, select-before-operate: required }\n"

static void an_operate_follows_its_select(void **unused)
{
    (void)unused;
    begin(SBO_RULES);
    assert_string_equal(ask(OPERATE), "no-select");
    assert_string_equal(exchange(SELECT, SELECTED), "none");
    assert_string_equal(exchange(OPERATE, OPERATED), "none");
    assert_string_equal(ask(OPERATE), "no-select"); /* one select, one operate */
    assert_string_equal(exchange("cf 03" CLOSE_3 "00", "cf 81 0000" CLOSE_3 "00"), "none");
    assert_string_equal(ask("c0 04" CLOSE_3 "00"), "none"); /* 0 comes after 15 */
    fixture_close(&f);
}

static void a_direct_operate_needs_another_rule(void **unused)
{
    (void)unused;
    begin(SBO_RULES);
    assert_string_equal(ask("c1 05" CLOSE_3 "00"), "no-rule-for-function");
    assert_string_equal(ask("c1 06" CLOSE_3 "00"), "no-rule-for-function");
    fixture_close(&f);
}

static void what_voids_a_select(void **unused)
{
    static const struct {
        const char *why, *selected, *operate;
    } cases[] = {
        {"no answer", NULL, OPERATE},
        {"refused", "c1 81 0000" CLOSE_3 "04", OPERATE},
        {"rejected", "c1 81 0004", OPERATE},
        {"no echo", "c1 81 0000", OPERATE},
        {"the same number", SELECTED, "c1 04" CLOSE_3 "00"},
        {"one too many", SELECTED, "c3 04" CLOSE_3 "00"},
        {"another point", SELECTED, "c2 04" CLOSE_2 "00"},
        {"another time", SELECTED, "c2 04 0c01 17 01 03 41 01 65000000 00000000 00"},
        {"one command more", SELECTED, "c2 04" CLOSE_3 "00" CLOSE_2 "00"},
        {"another qualifier", SELECTED, "c2 04 0c01 28 0100 0300 41 01 64000000 00000000 00"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(SBO_RULES);
        assert_string_equal(exchange(SELECT, cases[i].selected), "none");
        if (strcmp(ask(cases[i].operate), "no-select") != 0) {
            fprintf(stderr, "%s\n", cases[i].why);
            fail();
        }
        fixture_close(&f);
    }
}

static void something_in_between_voids_it(void **unused)
{
    (void)unused;
    begin(SBO_RULES "      - { allow: read }\n");
    assert_string_equal(exchange(SELECT, SELECTED), "none");
    assert_string_equal(ask("c2 01 3c02 06"), "none");
    assert_string_equal(ask(OPERATE), "no-select");
    /* a confirmation is no request of its own */
    assert_string_equal(exchange(SELECT, SELECTED), "none");
    assert_string_equal(ask("c1 00"), "none");
    assert_string_equal(ask(OPERATE), "none");
    /* the select's answer must have come before the operate is decided on */
    uint32_t order = 0;
    assert_string_equal(ask_as(HMI, 3, 4, SELECT, &order), "none");
    assert_string_equal(ask(OPERATE), "no-select");
    answer_at(3, 4, SELECT, SELECTED, order);
    assert_string_equal(ask(OPERATE), "none");
    /* an answer to an older select says nothing of this one */
    assert_string_equal(ask_as(HMI, 3, 4, SELECT, &order), "none");
    assert_string_equal(ask("c5 03" CLOSE_3 "00"), "none");
    answer_at(3, 4, SELECT, SELECTED, order);
    assert_string_equal(ask("c6 04" CLOSE_3 "00"), "no-select");
    fixture_close(&f);
}

static void a_select_is_its_clients_and_its_stations(void **unused)
{
    (void)unused;
    begin(SBO_RULES);
    assert_string_equal(exchange(SELECT, SELECTED), "none");
    assert_string_equal(ask_as(HISTORIAN, 3, 4, OPERATE, NULL), "no-select");
    assert_string_equal(ask_as(HMI, 7, 4, OPERATE, NULL), "no-select");
    assert_string_equal(ask_as(HMI, 3, 5, OPERATE, NULL), "no-select");
    assert_string_equal(ask(OPERATE), "none");
    fixture_close(&f);
}

static void a_select_is_its_sessions(void **unused)
{
    (void)unused;
    begin(SBO_RULES);
    assert_string_equal(exchange(SELECT, SELECTED), "none");
    state.session = 1; /* another connection of the client */
    assert_string_equal(ask(OPERATE), "no-select");
    policy_selects_forget(&state, 1);
    state.session = 0;
    assert_string_equal(ask(OPERATE), "none");
    assert_string_equal(exchange(SELECT, SELECTED), "none");
    policy_selects_forget(&state, 0);
    assert_string_equal(ask(OPERATE), "no-select");
    /* a client has one place for two stations: the later select has it */
    assert_string_equal(exchange(SELECT, SELECTED), "none");
    state.session = 1;
    assert_string_equal(exchange(SELECT, SELECTED), "none");
    state.session = 0;
    assert_string_equal(ask(OPERATE), "no-select");
    state.session = 1;
    assert_string_equal(ask(OPERATE), "none");
    state.session = 0;
    fixture_close(&f);
}

static void a_select_grows_old(void **unused)
{
    (void)unused;
    begin(DNP3_RULES "      - { allow: control, select-before-operate: { within: 2s } }\n");
    assert_string_equal(exchange(SELECT, SELECTED), "none");
    now += 2 * SECOND + 1;
    assert_string_equal(ask(OPERATE), "no-select");
    assert_string_equal(exchange(SELECT, SELECTED), "none");
    now += 2 * SECOND;
    assert_string_equal(ask(OPERATE), "none");
    fixture_close(&f);
}

static void more_clients_than_places(void **unused)
{
    (void)unused;
    begin(SBO_RULES);
    uint32_t order = 0;
    for (uint32_t client = 0; client < 3 * POLICY_SELECTS; client++) {
        assert_string_equal(ask_as(client, 3, 4, SELECT, &order), "none");
        answer_at(3, 4, SELECT, SELECTED, order);
    }
    assert_string_equal(ask_as(0, 3, 4, OPERATE, NULL), "no-select");
    for (uint32_t client = 2 * POLICY_SELECTS; client < 3 * POLICY_SELECTS; client++)
        assert_string_equal(ask_as(client, 3, 4, OPERATE, NULL), "none");
    /* too long to be remembered, and it makes nothing of the one before */
    static const char *const longer = "c1 03 0c01 28 1900 [0300 41 01 64000000 00000000 00*25]";
    assert_string_equal(exchange(SELECT, SELECTED), "none");
    assert_string_equal(exchange(longer, "c1 81 0000 0c01 28 1900"
                                         "[0300 41 01 64000000 00000000 00*25]"),
                        "none");
    assert_string_equal(ask("c2 04 0c01 28 1900 [0300 41 01 64000000 00000000 00*25]"),
                        "no-select");
    assert_string_equal(ask(OPERATE), "no-select");
    fixture_close(&f);
}

/* An analog command of 16 bits to point 6: 100 is 6400. */
#define SET(sequence, value)  sequence " 05 2902 17 01 06 " value " 00"
#define DONE(sequence, value) sequence " 81 0000 2902 17 01 06 " value " 00"
#define STEP_RULES                                                                                 \
    DNP3_RULES "      - { allow: read }\n"                                                         \
               "      - { allow: control, index: 6, max-step: "

static void steps(void **unused)
{
    (void)unused;
    begin(STEP_RULES "5.5 }\n");
    assert_string_equal(ask(SET("c1", "6400")), "no-rule-for-step"); /* none is known */
    /* the outstation says 100, online */
    assert_string_equal(exchange("c1 01 2800 06", "c1 81 0000 2802 00 05 07 01 0000 01 6400"
                                                  " 01 0000"),
                        "none");
    assert_string_equal(ask(SET("c2", "6a00")), "no-rule-for-step"); /* 106 */
    assert_string_equal(exchange(SET("c2", "6900"), DONE("c2", "6900")), "none");
    assert_string_equal(exchange(SET("c3", "6e00"), DONE("c3", "6e00")), "none");
    assert_string_equal(ask(SET("c4", "6400")), "no-rule-for-step"); /* 110 to 100 */
    /* floating point: 115.5, and one bit more */
    assert_string_equal(ask("c4 05 2903 17 01 06 0100e742 00"), "no-rule-for-step");
    assert_string_equal(ask("c4 05 2903 17 01 06 0000e742 00"), "none");
    fixture_close(&f);
}

/* Master 7 has no rule with a step; what it commands moves the point all the same. */
static void steps_and_another_masters_commands(void **unused)
{
    uint32_t order = 0;
    (void)unused;
    begin(DNP3_RULES "      - { allow: control, master: 3, index: 6, max-step: 5 }\n"
                     "      - { allow: read, master: 3 }\n"
                     "      - { allow: control, master: 7, index: 6 }\n");
    assert_string_equal(exchange("c1 01 2800 06", "c1 81 0000 2802 17 01 06 01 6400"), "none");
    assert_string_equal(ask_as(HMI, 7, 4, SET("c1", "c800"), &order), "none"); /* 200 */
    answer_at(7, 4, SET("c1", "c800"), DONE("c1", "c800"), order);
    assert_string_equal(ask(SET("c2", "6900")), "no-rule-for-step"); /* 200 to 105 */
    assert_string_equal(ask(SET("c2", "c300")), "none");
    fixture_close(&f);
}

/* Each within 5 of 100, but 10 from one to the other. */
static void steps_within_one_message(void **unused)
{
    static const char *const twice[] = {
        "c2 05 2902 17 02 06 6900 00 06 5f00 00",
        "c2 05 2902 17 01 06 6900 00 2901 17 01 06 5f000000 00",
        "c2 05 2902 17 03 06 6900 00 07 6900 00 06 5f00 00",
        "c2 05 2902 17 01 06 6900 00 2902 28 0100 0600 5f00 00",
        "c2 03 2902 17 02 06 6400 00 06 6400 00",
    };
    (void)unused;
    begin(DNP3_RULES
          "      - { allow: control, index: [6, 7], max-step: { by: 5, first: allow } }\n");
    for (unsigned known = 0; known < 2; known++) {
        for (size_t i = 0; i < sizeof twice / sizeof twice[0]; i++)
            assert_string_equal(ask(twice[i]), "no-rule-for-step");
        assert_string_equal(exchange(SET("c1", "6400"), DONE("c1", "6400")), "none");
    }
    assert_string_equal(ask("c2 05 2902 17 02 06 6900 00 07 5f00 00"), "none");
    fixture_close(&f);
}

static void steps_of_what_failed(void **unused)
{
    (void)unused;
    begin(STEP_RULES "{ by: 5, first: allow } }\n");
    assert_string_equal(exchange(SET("c1", "6400"), DONE("c1", "6400")), "none");
    /* nobody knows whether 105 was written: from 100 to 105 it may be anything */
    assert_string_equal(exchange(SET("c2", "6900"), NULL), "none");
    assert_string_equal(ask(SET("c3", "6b00")), "no-rule-for-step");
    assert_string_equal(exchange(SET("c3", "6500"), DONE("c3", "6500")), "none");
    /* refused by the outstation: as before, or not */
    assert_string_equal(exchange(SET("c4", "6900"), "c4 81 0000 2902 17 01 06 6900 04"), "none");
    assert_string_equal(ask(SET("c5", "6b00")), "no-rule-for-step");
    /* a reading while nothing is under way says what is */
    assert_string_equal(exchange("c5 01 2800 06", "c5 81 0000 2803 17 01 06 01 0000d442"), "none");
    assert_string_equal(ask(SET("c6", "6b00")), "none");
    fixture_close(&f);
}

static void steps_of_outstations_apart(void **unused)
{
    uint32_t order = 0;
    (void)unused;
    begin(STEP_RULES "{ by: 5, first: allow } }\n");
    assert_string_equal(ask_as(HMI, 3, 4, SET("c1", "6400"), &order), "none");
    answer_at(3, 4, SET("c1", "6400"), DONE("c1", "6400"), order);
    assert_string_equal(ask_as(HMI, 3, 5, SET("c1", "0000"), NULL), "none");
    /* another master, the same outstation */
    assert_string_equal(ask_as(HMI, 7, 4, SET("c1", "0000"), NULL), "no-rule-for-step");
    assert_string_equal(ask_as(HMI, 7, 4, SET("c1", "6900"), NULL), "none");
    /* a broadcast reaches all, and nobody says that it did */
    assert_string_equal(ask_as(HMI, 3, 65535, "c1 06 2902 17 01 06 6400 00", NULL),
                        "no-rule-for-step");
    fixture_close(&f);
}

static void rates_and_hours(void **unused)
{
    (void)unused;
    begin(DNP3_RULES "      - { allow: control, rate: 2/min }\n"
                     "      - { allow: read, expires: 2026-12-31 }\n"
                     "      - { deny: freeze, expires: 2026-12-31 }\n"
                     "      - { allow: freeze }\n");
    assert_string_equal(ask(SET("c1", "0000")), "none");
    assert_string_equal(ask(SET("c2", "0000")), "none");
    assert_string_equal(ask(SET("c3", "0000")), "rate");
    now += 31 * SECOND;
    assert_string_equal(ask(SET("c4", "0000")), "none");
    assert_string_equal(ask("c1 01 3c02 06"), "rule-expired"); /* WALL is in 2027 */
    assert_string_equal(ask("c1 07 1400 06"), "none");
    fixture_close(&f);
}

/* --- what stood there, for audit lines ------------------------------------------------------ */

/* "7, ?, 0.5": what was there before each of the message's commands. */
static const char *old_at(uint16_t master, uint16_t outstation, const char *text)
{
    static char words[256];
    struct sl_audit record = {.event = SL_AUDIT_MESSAGE};
    const struct decoded asked = dnp3_message(SL_REQUEST, master, outstation, text);
    struct sl_value value[SL_AUDIT_OLD];
    dnp3_old_values(policy_service(f.image, 0), &state, &asked.message, asked.length, &record);
    const unsigned count = dnp3_written(&asked.message, asked.length, value, SL_AUDIT_OLD);
    words[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        strcat(words, i ? ", " : "");
        strcat(words, dnp3_old_value(&record, i, value) ? value->text : "?");
    }
    return words;
}

#define ANALOG(index, value)              "c1 05 2902 17 01 " index " " value " 00"
#define LATCH(index, code)                "c1 05 0c01 17 01 " index " " code " 01 00000000 00000000 00"
#define ECHO_ANALOG(index, value, status) "c1 81 0000 2902 17 01 " index " " value " " status
#define ECHO_LATCH(index, code)           "c1 81 0000 0c01 17 01 " index " " code " 01 00000000 00000000 00"

static const char *old(const char *text)
{
    return old_at(3, 4, text);
}

static void commands_leave_what_they_set(void **unused)
{
    (void)unused;
    begin(DNP3_RULES "      - { allow: [control, read, write] }\n");
    assert_true(policy_service(f.image, 0)->flags & POLICY_SERVICE_LEARNS);
    assert_string_equal(old(ANALOG("02", "0500")), "?");
    exchange(ANALOG("02", "f9ff"), ECHO_ANALOG("02", "f9ff", "00"));
    assert_string_equal(old(ANALOG("02", "0500")), "-7");
    assert_string_equal(old("c1 03 2901 17 02 01 01000000 00 02 01000000 00"), "?, -7");
    assert_string_equal(old_at(7, 4, ANALOG("02", "0500")), "-7"); /* whoever asks */
    assert_string_equal(old_at(3, 5, ANALOG("02", "0500")), "?");
    assert_string_equal(old(LATCH("02", "03")), "?"); /* a binary output is another thing */
    /* refused: the outstation says that nothing was done, and where it stands is not said */
    exchange(ANALOG("02", "0100"), ECHO_ANALOG("02", "0100", "04"));
    assert_string_equal(old(ANALOG("02", "0500")), "?");
    exchange("c1 05 2903 17 01 02 0000c0c0 00", "c1 81 0000 2903 17 01 02 0000c0c0 00");
    assert_string_equal(old(ANALOG("02", "0500")), "-6");
    exchange("c1 05 2904 17 01 02 000000000000e03f 00",
             "c1 81 0000 2904 17 01 02 000000000000e03f 00");
    assert_string_equal(old(ANALOG("02", "0500")), "0.5");
    exchange("c1 05 2904 17 01 02 9a9999999999b93f 00", /* no float has 0.1 */
             "c1 81 0000 2904 17 01 02 9a9999999999b93f 00");
    assert_string_equal(old(ANALOG("02", "0500")), "?");
    exchange(LATCH("03", "03"), ECHO_LATCH("03", "03"));
    assert_string_equal(old(LATCH("03", "04")), "1");
    exchange(LATCH("03", "04"), ECHO_LATCH("03", "04"));
    assert_string_equal(old(LATCH("03", "03")), "0");
    ask(LATCH("03", "03")); /* on its way: nobody knows */
    assert_string_equal(old(LATCH("03", "04")), "?");
    exchange(LATCH("03", "41"), ECHO_LATCH("03", "41")); /* a pulse ends */
    assert_string_equal(old(LATCH("03", "04")), "?");
    fixture_close(&f);
}

static void reads_tell_what_stands_there(void **unused)
{
    (void)unused;
    begin(DNP3_RULES "      - { allow: [control, read, write] }\n");
    exchange("c1 01 2800 06",
             "c1 81 0000 2801 00 00 01 01 0a000000 00 0b000000 2803 17 01 05 01 0000403f");
    assert_string_equal(old("c1 05 2902 17 03 00 0000 00 01 0000 00 05 0000 00"),
                        "10, ?, 0.75"); /* point 1 is not online */
    exchange("c1 01 0a00 06", "c1 81 0000 0a02 00 00 01 81 01");
    assert_string_equal(old("c1 05 0c01 17 02 00 03 01 00000000 00000000 00"
                            " 01 03 01 00000000 00000000 00"),
                        "1, 0");
    exchange("c1 01 0a00 06", "c1 81 0000 0a01 00 08 11 0002");
    assert_string_equal(old(LATCH("11", "03")), "1");
    assert_string_equal(old(LATCH("10", "03")), "0");
    assert_string_equal(old("c1 05 0c02 07 01 03 01 00000000 00000000 00 0c03 00 00 01 01"), "?");
    /* a pattern's points, as they were or not: not known any more */
    ask("c1 05 0c02 07 01 03 01 00000000 00000000 00 0c03 01 0000 1000 01 00 01");
    assert_string_equal(old(LATCH("00", "03")), "?");
    assert_string_equal(old(LATCH("01", "03")), "0");
    assert_string_equal(old(LATCH("10", "03")), "?");
    ask("c1 02 0a01 00 01 01 01");
    assert_string_equal(old(LATCH("01", "03")), "?");
    assert_string_equal(old(ANALOG("00", "0000")), "10");
    ask_as(HMI, 3, 65535, "c1 06 2902 17 01 07 0000 00", NULL); /* reaches every outstation */
    assert_string_equal(old(ANALOG("00", "0000")), "?");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_operate_follows_its_select),
        cmocka_unit_test(a_direct_operate_needs_another_rule),
        cmocka_unit_test(what_voids_a_select),
        cmocka_unit_test(something_in_between_voids_it),
        cmocka_unit_test(a_select_is_its_clients_and_its_stations),
        cmocka_unit_test(a_select_is_its_sessions),
        cmocka_unit_test(a_select_grows_old),
        cmocka_unit_test(more_clients_than_places),
        cmocka_unit_test(steps),
        cmocka_unit_test(steps_and_another_masters_commands),
        cmocka_unit_test(steps_within_one_message),
        cmocka_unit_test(steps_of_what_failed),
        cmocka_unit_test(steps_of_outstations_apart),
        cmocka_unit_test(rates_and_hours),
        cmocka_unit_test(commands_leave_what_they_set),
        cmocka_unit_test(reads_tell_what_stands_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
