/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of a DNP3 service: commands with their values, polls summed up, repeats counted. */
#include "monitor_fixture.h"

#include "policy/dnp3_fixture.h"

static const char policy[] = DNP3_RULES "      - { name: all, allow: [read, control, write] }\n";

static struct sl_audit about(enum sl_direction direction, const char *text, enum sl_verdict verdict)
{
    const struct decoded decoded = dnp3_message(direction, 3, 4, text);
    struct sl_audit record = {.time = now,
                              .event = SL_AUDIT_MESSAGE,
                              .verdict = (uint8_t)verdict,
                              .direction = (uint8_t)direction,
                              .client = HMI,
                              .rule = SL_NO_RULE,
                              .session = 1};
    record.detail_length =
        (uint8_t)(decoded.length < SL_AUDIT_DETAIL ? decoded.length : SL_AUDIT_DETAIL);
    if (verdict == SL_VERDICT_DENY)
        record.reason = SL_REASON_NO_RULE_OBJECT;
    memcpy(record.detail, &decoded.message, record.detail_length);
    return record;
}

static void put_allowed(const char *text)
{
    const struct sl_audit record = about(SL_REQUEST, text, SL_VERDICT_ALLOW);
    put(&record);
}

static void later(void)
{
    wake(1);
    now += SECOND;
    wake(1);
}

static void told_last(const char *text)
{
    if (!strstr(told.last, text)) {
        print_error("%s\nhas no %s\n", told.last, text);
        fail();
    }
}

static void polls_are_summed_up(void **state)
{
    (void)state;
    put_allowed("c0 01 3c02 06 3c03 06 3c04 06 3c01 06");
    wake(1);
    assert_int_equal(told.lines, 1);
    for (unsigned i = 0; i < 9; i++) {
        char text[64];
        snprintf(text, sizeof text, "c%x 01 3c02 06 1e05 00 %02x %02x", i, i, i + 3);
        put_allowed(text);
    }
    put_allowed("c1 01 0100 06");
    put_allowed("c1 01 0a00 17 02 07 09");
    later();
    assert_int_equal(told.lines, 2);
    assert_int_equal(told.allowed, 12);
    told_last("\"extents\":[{\"outstation\":4,\"group\":60,\"variation\":2},"
              "{\"outstation\":4,\"group\":30,\"start\":0,\"stop\":11},"
              "{\"outstation\":4,\"group\":1},"
              "{\"outstation\":4,\"group\":10,\"start\":7,\"stop\":7},"
              "{\"outstation\":4,\"group\":10,\"start\":9,\"stop\":9}]");
    told_last("hmi to substation: read class 1, outstation 4; "
              "read analog inputs 0-11, outstation 4; read all binary inputs, outstation 4; "
              "read binary output 7, outstation 4; read binary output 9, outstation 4: "
              "allowed, 11 times");
}

/* More than a record shows of one read, and more runs than a line has. */
static void long_polls_say_that_there_is_more(void **state)
{
    (void)state;
    put_allowed("c0 01 3c02 06");
    put_allowed("c1 01 [0100 00 00 01 * 16]");
    later();
    told_last("{\"outstation\":4,\"group\":1,\"start\":0,\"stop\":1}],\"more\":true");
    put_allowed("c1 01 1e00 17 0a 00 02 04 06 08 0a 0c 0e 10 12");
    later();
    later();
    told_last("\"stop\":14}],\"more\":true");
    assert_int_equal(told.allowed, 3);
}

static void each_command_has_its_line(void **state)
{
    static const struct {
        const char *request, *line;
    } cases[] = {
        {"c1 05 0c01 17 01 03 03 01 00000000 00000000 00", "\"new\":[\"latch-on\"]"},
        {"c1 04 0c01 28 0200 0300 81 01 64000000 00000000 00 0200 04 01 00000000 00000000 00",
         "\"new\":[\"pulse-on trip\",\"latch-off\"]"},
        {"c1 05 2902 17 02 00 ffff 00 01 0a00 00", "\"new\":[-1,10]"},
        {"c1 06 2903 17 01 00 0000c8c0 00", "\"new\":[-6.25"},
        {"c1 05 2904 17 01 00 000000000000f07f 00", "\"new\":[\"infinity\"]"},
        {"c1 03 0c02 07 01 03 01 00000000 00000000 00 0c03 00 00 07 55", "\"new\":[\"latch-on\"]"},
        {"c1 02 2203 17 01 05 0000003f", "\"new\":[0.5"},
        {"c1 02 2201 00 05 06 0a00 ffff", "\"new\":[10,65535]"},
        {"c1 02 5001 00 07 07 00", "\"new\":[0]"},
        {"c1 02 0a01 00 00 02 05", "\"new\":[1,0,1]"},
        {"c1 02 3201 07 01 0100000000 00", "\"new\":[1]"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_allowed(cases[i].request);
        put_allowed(cases[i].request);
        wake(1);
        told_last(cases[i].line);
        assert_int_equal(told.lines, 2 * (i + 1));
    }
}

static void old_values_stand_beside_the_new(void **state)
{
    (void)state;
    struct sl_audit record =
        about(SL_REQUEST, "c1 05 2902 17 03 00 0100 00 01 0200 00 02 0300 00", SL_VERDICT_ALLOW);
    record.old[0] = 0xfff9;
    record.old[1] = 0xffff;
    record.old[4] = 0x0000;
    record.old[5] = 0x40f0; /* 7.5 */
    record.old_known = 1u << 0 | 1u << 2 | 1u << 6;
    put(&record);
    wake(1);
    told_last("\"new\":[1,2,3],\"old\":[-7,null,7.5");
    record = about(SL_REQUEST, "c1 05 0c01 17 01 03 04 01 00000000 00000000 00", SL_VERDICT_ALLOW);
    record.old[0] = 1;
    record.old_known = 1;
    put(&record);
    wake(1);
    told_last("\"new\":[\"latch-off\"],\"old\":[1],\"message\":\"hmi to substation: operate "
              "directly binary output 3 (latch-off), master 3 to outstation 4, was 1: allowed\"");
}

static void repeats_are_counted_whatever_their_sequence(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 32; i++) {
        char text[96];
        snprintf(text, sizeof text, "c%x 05 0c01 17 01 03 81 01 64000000 00000000 00", i % 16);
        const struct sl_audit record = about(SL_REQUEST, text, SL_VERDICT_DENY);
        put(&record);
        /* as long as a record holds */
        snprintf(text, sizeof text, "c%x 05 2902 17 14 [00 0100 00 * 20]", i % 16);
        const struct sl_audit full = about(SL_REQUEST, text, SL_VERDICT_DENY);
        assert_int_equal(full.detail_length, SL_AUDIT_DETAIL);
        put(&full);
    }
    wake(1);
    assert_int_equal(told.lines, 2);
    later();
    assert_int_equal(told.lines, 4);
    assert_int_equal(told.denied, 64);
    told_last("\"count\":31");
}

static void confirmations_and_events_are_counted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        char text[64];
        snprintf(text, sizeof text, "f%x 82 8200 0201 17 01 %02x 81", i, i);
        const struct sl_audit event = about(SL_REPLY, text, SL_VERDICT_ALLOW);
        put(&event);
        snprintf(text, sizeof text, "d%x 00", i);
        put_allowed(text);
    }
    wake(1);
    assert_int_equal(told.lines, 2);
    later();
    assert_int_equal(told.lines, 4);
    assert_int_equal(told.allowed, 32);
    /* other indications are another thing, classes with events are not */
    struct sl_audit event = about(SL_REPLY, "f0 82 0e00 2002 17 01 00 01 0000", SL_VERDICT_ALLOW);
    put(&event);
    wake(1);
    assert_int_equal(told.lines, 5);
    event = about(SL_REPLY, "f0 82 0000 2002 17 01 00 01 0000", SL_VERDICT_ALLOW);
    put(&event);
    wake(1);
    assert_int_equal(told.lines, 5);
}

static void any_record(void **state)
{
    (void)state;
    srand(3);
    for (unsigned round = 0; round < 20000; round++) {
        struct sl_audit record =
            about(SL_REQUEST,
                  rand() % 2 ? "c1 05 2902 17 02 00 ffff 00 01 0a00 00" : "c1 01 1e00 17 02 00 01",
                  SL_VERDICT_ALLOW);
        for (unsigned i = 0; i < 4; i++)
            record.detail[rand() % (record.detail_length + 8)] = (uint8_t)rand();
        record.event = rand() % 4 ? SL_AUDIT_MESSAGE : SL_AUDIT_FAILED;
        record.direction = rand() % 2;
        record.detail_length = (uint8_t)(rand() % 100);
        record.old_known = (uint8_t)rand();
        put(&record);
        wake(1);
    }
}

static int open_policy(void **state)
{
    (void)state;
    fixture_want_image(&fixture, policy);
    return 0;
}

static int close_policy(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(polls_are_summed_up, make, release),
        cmocka_unit_test_setup_teardown(long_polls_say_that_there_is_more, make, release),
        cmocka_unit_test_setup_teardown(each_command_has_its_line, make, release),
        cmocka_unit_test_setup_teardown(old_values_stand_beside_the_new, make, release),
        cmocka_unit_test_setup_teardown(repeats_are_counted_whatever_their_sequence, make, release),
        cmocka_unit_test_setup_teardown(confirmations_and_events_are_counted, make, release),
        cmocka_unit_test_setup_teardown(any_record, make, release),
    };
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
