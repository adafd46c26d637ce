/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules and Secure Authentication: messages in aggressive mode are decided by what they are about,
 * and a command that the outstation challenges is done when the challenge was answered. */
#include "dnp3_fixture.h"

static struct fixture f;
static struct policy_state state;

#define SECOND UINT64_C(1000000000)
#define WALL   (UINT64_C(1800000000) * SECOND)

static void begin(const char *text)
{
    fixture_want_image(&f, text);
    memset(&state, 0, sizeof state);
    policy_state_init(&state, f.image);
}

static const char *ask_as(uint32_t client, const char *text, uint32_t *order)
{
    const struct policy_service *service = policy_service(f.image, 0);
    const struct decoded asked = dnp3_message(SL_REQUEST, 3, 4, text);
    policy_state_begin(&state, 100 * SECOND, WALL, client);
    const struct sl_decision decision =
        dnp3_decide_in(service, &state, client, &asked.message, asked.length);
    if (decision.allowed)
        dnp3_note_sent(service, &state, &asked.message, asked.length);
    *order = state.order;
    return sl_reason_name(decision.reason);
}

static const char *ask(const char *text)
{
    uint32_t order;
    return ask_as(HMI, text, &order);
}

static void answer(const char *asked_text, const char *told_text, uint32_t order)
{
    const struct policy_service *service = policy_service(f.image, 0);
    const struct decoded asked = dnp3_message(SL_REQUEST, 3, 4, asked_text);
    const struct decoded told = dnp3_message(SL_REPLY, 3, 4, told_text);
    dnp3_note_outcome(service, &state, &asked.message, asked.length, order, &told.message,
                      told.length);
}

static const char *exchange(const char *asked, const char *told)
{
    uint32_t order;
    const char *reason = ask_as(HMI, asked, &order);
    if (strcmp(reason, "none") == 0)
        answer(asked, told, order);
    return reason;
}

#define CLOSE(point) " 0c01 17 01 " #point " 41 01 64000000 00000000 "
#define LEVEL(value) " 2901 17 01 00 " value "000000 "
#define FIRST(count) " 7803 07 01 " count "000000 0100 "
#define MAC(octets)  " 7809 5b 01 0400 " octets
/* sequence number and user, algorithm, reason; random data */
#define CHALLENGE " 7801 5b 01 0c00 01000000 0100 05 01 a1a2a3a4"
#define REPLY     " 7802 5b 01 0a00 01000000 0100 b1b2b3b4"
#define STATUS    " 7804 07 01 0100"

#define ALLOW  DNP3_RULES "      - { allow: control, group: 12, index: 3, operation: pulse-on }\n"
#define ANSWER "      - { allow: authentication-request }\n"

static void aggressive_mode_is_decided_by_its_content(void **unused)
{
    (void)unused;
    begin(ALLOW "      - { allow: cold-restart }\n");
    assert_string_equal(ask("c1 05" FIRST("01") CLOSE(03) "00" MAC("deadbeef")), "none");
    assert_string_equal(ask("c1 05" FIRST("01") CLOSE(04) "00" MAC("deadbeef")),
                        "no-rule-for-object");
    assert_string_equal(
        ask("c1 05" FIRST("01") " 0c01 17 01 03 03 01 64000000 00000000 00" MAC("deadbeef")),
        "no-rule-for-value");
    assert_string_equal(ask("c1 05" FIRST("01") CLOSE(03) "00" CLOSE(04) "00" MAC("deadbeef")),
                        "no-rule-for-object");
    assert_string_equal(ask("c1 0d" FIRST("01") MAC("deadbeef")), "none");
    assert_string_equal(ask("c1 0e" FIRST("01") MAC("deadbeef")), "no-rule-for-function");
    fixture_close(&f);
}

static void aggressive_mode_is_denied_by_its_content(void **unused)
{
    (void)unused;
    begin(DNP3_RULES "      - { allow: [control, restart] }\n"
                     "      - { name: point, deny: control, group: 12, index: 4 }\n"
                     "      - { name: restart, deny: cold-restart }\n");
    assert_string_equal(ask("c1 05" FIRST("01") CLOSE(03) "00" MAC("deadbeef")), "none");
    assert_string_equal(ask("c1 05" FIRST("01") CLOSE(04) "00" MAC("deadbeef")),
                        "deny-rule-for-object");
    assert_string_equal(ask("c1 0d" FIRST("01") MAC("deadbeef")), "deny-rule");
    assert_string_equal(ask("c1 0e" FIRST("01") MAC("deadbeef")), "none");
    fixture_close(&f);
    begin(DNP3_RULES "      - { allow: control }\n"
                     "      - { name: aggressive, deny: control, group: 120 }\n");
    assert_string_equal(ask("c1 05" FIRST("01") CLOSE(03) "00" MAC("deadbeef")),
                        "deny-rule-for-object");
    assert_string_equal(ask("c1 05" CLOSE(03) "00"), "none");
    fixture_close(&f);
}

#define SBO DNP3_RULES "      - { allow: control, select-before-operate: required }\n" ANSWER

/* Each has a number and a signature of its own; what is selected and operated is the same. */
static void an_operate_after_its_select_in_aggressive_mode(void **unused)
{
    static const char select[] = "c1 03" FIRST("01") CLOSE(03) "00" MAC("deadbeef");
    static const char selected[] = "c1 81 0000" CLOSE(03) "00";
    (void)unused;
    begin(SBO);
    assert_string_equal(exchange(select, selected), "none");
    assert_string_equal(ask("c2 04" FIRST("02") CLOSE(03) "00" MAC("feedbeef")), "none");
    assert_string_equal(ask("c2 04" FIRST("02") CLOSE(03) "00" MAC("feedbeef")), "no-select");
    assert_string_equal(exchange(select, selected), "none");
    assert_string_equal(ask("c2 04" FIRST("02") CLOSE(04) "00" MAC("feedbeef")), "no-select");
    fixture_close(&f);
}

#define SELECT   "c1 03" CLOSE(03) "00"
#define SELECTED "c1 81 0000" CLOSE(03) "00"
#define OPERATE  "c2 04" CLOSE(03) "00"

static void an_operate_after_its_challenged_select(void **unused)
{
    (void)unused;
    begin(SBO);
    assert_string_equal(exchange(SELECT, "c1 83 0000" CHALLENGE), "none");
    assert_string_equal(ask(OPERATE), "no-select"); /* nobody said that it was selected */
    assert_string_equal(exchange(SELECT, "c1 83 0000" CHALLENGE), "none");
    assert_string_equal(exchange("c1 20" REPLY, SELECTED), "none");
    assert_string_equal(exchange(OPERATE, "c2 83 0000" CHALLENGE), "none");
    assert_string_equal(exchange("c2 20" REPLY, "c2 81 0000" CLOSE(03) "00"), "none");
    assert_string_equal(ask(OPERATE), "no-select"); /* one select, one operate */
    fixture_close(&f);
}

static void what_voids_a_challenged_select(void **unused)
{
    static const struct {
        const char *why, *reply, *told;
    } cases[] = {
        {"refused", "c1 20" REPLY, "c1 81 0000" CLOSE(03) "04"},
        {"rejected", "c1 20" REPLY, "c1 81 0004"},
        {"of another point", "c1 20" REPLY, "c1 81 0000" CLOSE(04) "00"},
        {"of one more", "c1 20" REPLY, "c1 81 0000" CLOSE(03) "00" CLOSE(04) "00"},
        {"of nothing", "c1 20" REPLY, "c1 81 0000"},
        {"no answer to it", "c1 20" STATUS, SELECTED},
        {"another request", "c1 03" CLOSE(02) "00", "c1 81 0000" CLOSE(02) "00"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin(SBO);
        assert_string_equal(exchange(SELECT, "c1 83 0000" CHALLENGE), "none");
        assert_string_equal(exchange(cases[i].reply, cases[i].told), "none");
        if (strcmp(ask(OPERATE), "no-select") != 0) {
            fprintf(stderr, "%s\n", cases[i].why);
            fail();
        }
        fixture_close(&f);
    }
    /* somebody else's answer is not this client's */
    uint32_t order;
    begin(SBO);
    assert_string_equal(exchange(SELECT, "c1 83 0000" CHALLENGE), "none");
    assert_string_equal(ask_as(HISTORIAN, "c1 20" REPLY, &order), "none");
    answer("c1 20" REPLY, SELECTED, order);
    assert_string_equal(ask(OPERATE), "no-select");
    fixture_close(&f);
}

#define STEPS                                                                                      \
    DNP3_RULES "      - { allow: control, index: 0, max-step: { by: 2, first: allow } }\n"         \
               "      - { allow: read, group: 40 }\n" ANSWER
#define READ     "c7 01 2801 06"
#define READS(v) "c7 81 0000 2801 00 00 00 01 " v "000000"

/* A command that was challenged may be done after a read that still says the value before. */
static void steps_of_challenged_commands(void **unused)
{
    (void)unused;
    begin(STEPS);
    assert_string_equal(exchange(READ, READS("05")), "none");
    assert_string_equal(exchange("c1 05" LEVEL("07") "00", "c1 83 0000" CHALLENGE), "none");
    assert_string_equal(exchange(READ, READS("05")), "none");
    assert_string_equal(ask("c2 05" LEVEL("03") "00"), "no-rule-for-step"); /* 7 to 3 */
    assert_string_equal(exchange("c1 20" REPLY, "c1 81 0000" LEVEL("07") "00"), "none");
    assert_string_equal(exchange("c2 05" LEVEL("09") "00", "c2 81 0000" LEVEL("09") "00"), "none");
    /* one that comes to nothing leaves the point where a read finds it */
    assert_string_equal(exchange("c3 05" LEVEL("0b") "00", "c3 83 0000" CHALLENGE), "none");
    assert_string_equal(exchange("c3 20" REPLY, "c3 81 0000" LEVEL("0b") "04"), "none");
    assert_string_equal(ask("c4 05" LEVEL("07") "00"), "no-rule-for-step");
    assert_string_equal(exchange(READ, READS("09")), "none");
    assert_string_equal(ask("c4 05" LEVEL("07") "00"), "none");
    fixture_close(&f);
}

/* In aggressive mode a command is done at once, and steps are as without. */
static void steps_in_aggressive_mode(void **unused)
{
    (void)unused;
    begin(STEPS);
    assert_string_equal(exchange("c1 05" FIRST("01") LEVEL("07") "00" MAC("deadbeef"),
                                 "c1 81 0000" LEVEL("07") "00"),
                        "none");
    assert_string_equal(ask("c2 05" FIRST("02") LEVEL("0a") "00" MAC("deadbeef")),
                        "no-rule-for-step");
    assert_string_equal(ask("c2 05" FIRST("02") LEVEL("09") "00" MAC("deadbeef")), "none");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aggressive_mode_is_decided_by_its_content),
        cmocka_unit_test(aggressive_mode_is_denied_by_its_content),
        cmocka_unit_test(an_operate_after_its_select_in_aggressive_mode),
        cmocka_unit_test(an_operate_after_its_challenged_select),
        cmocka_unit_test(what_voids_a_challenged_select),
        cmocka_unit_test(steps_of_challenged_commands),
        cmocka_unit_test(steps_in_aggressive_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
