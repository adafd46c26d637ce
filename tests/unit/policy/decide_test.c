/* SPDX-License-Identifier: BSD-2-Clause */
/* Decisions on Modbus requests, case by case. */
#include "policy_fixture.h"

#define RULES(text) FIXTURE_HEAD "    rules:\n" text

static void expect(const struct fixture *f, uint32_t client, struct modbus_message message,
                   enum sl_reason reason, int rule, int line)
{
    const struct sl_decision decision = decide(f, client, &message);
    if (decision.reason != reason || decision.allowed != (reason == SL_REASON_NONE) ||
        decision.rule != (rule < 0 ? SL_NO_RULE : rule)) {
        print_error("line %d: function %u: %s by rule %u, expected %s by %d\n", line,
                    message.function, sl_reason_name(decision.reason), decision.rule,
                    sl_reason_name(reason), rule);
        fail();
    }
}
#define EXPECT(client, message, reason, rule)                                                      \
    expect(&f, client, message, SL_REASON_##reason, rule, __LINE__)

#define ONE(value)                                                                                 \
    1, (const uint16_t[])                                                                          \
    {                                                                                              \
        value                                                                                      \
    }
#define TWO(a, b)                                                                                  \
    2, (const uint16_t[])                                                                          \
    {                                                                                              \
        a, b                                                                                       \
    }

static void test_example(void **state)
{
    (void)state;
    struct fixture f;
    fixture_want_image(&f, RULES("      - allow: read\n"
                                 "        from: [hmi, historian]\n"
                                 "        unit: 1\n"
                                 "        address: 0-99\n"
                                 "      - name: setpoint\n"
                                 "        allow: write-single-register\n"
                                 "        from: hmi\n"
                                 "        unit: 1\n"
                                 "        address: 2\n"
                                 "        value: 150-250\n"));
    EXPECT(HMI, reads(3, 0, 100), NONE, 0);
    EXPECT(HISTORIAN, reads(1, 99, 1), NONE, 0);
    EXPECT(HMI, reads(3, 0, 101), NO_RULE_ADDRESS, -1);
    EXPECT(HMI, reads(4, 99, 2), NO_RULE_ADDRESS, -1);
    EXPECT(OFFICE, reads(3, 0, 1), NO_RULE_CLIENT, -1);
    struct modbus_message other_unit = reads(3, 0, 1);
    other_unit.unit = 2;
    EXPECT(HMI, other_unit, NO_RULE_UNIT, -1);
    EXPECT(HMI, writes(6, 2, ONE(150)), NONE, 1);
    EXPECT(HMI, writes(6, 2, ONE(250)), NONE, 1);
    EXPECT(HMI, writes(6, 2, ONE(149)), NO_RULE_VALUE, -1);
    EXPECT(HMI, writes(6, 2, ONE(251)), NO_RULE_VALUE, -1);
    EXPECT(HMI, writes(6, 3, ONE(200)), NO_RULE_ADDRESS, -1);
    EXPECT(HMI, writes(16, 2, ONE(200)), NO_RULE_FUNCTION, -1);
    EXPECT(HISTORIAN, writes(6, 2, ONE(200)), NO_RULE_FUNCTION, -1);
    EXPECT(HMI, reads(7, 0, 0), NO_RULE_FUNCTION, -1);
    EXPECT(HMI, reads(20, 0, 0), CANONICAL_INVALID, -1); /* no part: not a valid message */
    assert_string_equal(policy_rule_name(f.image, 0), "boiler/rule-1");
    assert_string_equal(policy_rule_name(f.image, 1), "setpoint");
    assert_null(policy_rule_name(f.image, SL_NO_RULE));
    assert_string_equal(policy_host_name(f.image, HMI), "hmi");
    assert_null(policy_host_name(f.image, OFFICE));
    assert_string_equal(policy_service_name(policy_service(f.image, 0)), "boiler");
    assert_null(policy_service(f.image, 1));
    fixture_close(&f);
}

static void test_deny_wins_wherever_it_stands(void **state)
{
    (void)state;
    struct fixture f;
    fixture_want_image(&f, RULES("      - { deny: write, address: 50-59 }\n"
                                 "      - { allow: [read, write], from: office }\n"
                                 "      - { deny: read, address: 7, from: 10.1.2.3 }\n"));
    EXPECT(OFFICE, reads(3, 0, 7), NONE, 1);
    EXPECT(OFFICE, reads(3, 0, 8), DENY_RULE_ADDRESS, 2);
    EXPECT(OFFICE + 1, reads(3, 0, 8), NONE, 1);
    EXPECT(OFFICE, writes(16, 48, TWO(1, 2)), NONE, 1);
    EXPECT(OFFICE, writes(16, 49, TWO(1, 2)), DENY_RULE_ADDRESS, 0);
    EXPECT(OFFICE, writes(16, 59, TWO(1, 2)), DENY_RULE_ADDRESS, 0);
    EXPECT(OFFICE, writes(16, 60, TWO(1, 2)), NONE, 1);
    EXPECT(HMI, writes(16, 59, TWO(1, 2)), DENY_RULE_ADDRESS, 0);
    EXPECT(HMI, writes(16, 60, TWO(1, 2)), NO_RULE_CLIENT, -1);
    fixture_close(&f);
}

static struct modbus_message read_write(uint16_t read, uint16_t quantity, uint16_t write,
                                        uint16_t value)
{
    struct modbus_message m = writes(23, read, ONE(value));
    m.quantity = quantity;
    m.write_address = write;
    m.write_quantity = 1;
    return m;
}

static void test_a_denied_unit_is_not_reached_by_broadcast(void **state)
{
    (void)state;
    static const char *const rules = "    rules:\n"
                                     "      - { allow: write }\n"
                                     "      - { deny: write, unit: 3, address: 7, value: 5 }\n"
                                     "      - { deny: write, unit: [1, 9], address: 50-59 }\n";
    char text[1024];
    struct modbus_message request = writes(6, 50, ONE(1));
    for (unsigned broadcast = 0; broadcast < 2; broadcast++) {
        struct fixture f;
        snprintf(text, sizeof text, FIXTURE_HEAD "%s%s", broadcast ? "    unit-0: broadcast\n" : "",
                 rules);
        fixture_want_image(&f, text);
        request.unit = 1;
        EXPECT(HMI, request, DENY_RULE_ADDRESS, 2);
        request.unit = 2;
        EXPECT(HMI, request, NONE, 0);
        request.unit = 0;
        if (broadcast)
            EXPECT(HMI, request, DENY_RULE_ADDRESS, 2);
        else
            EXPECT(HMI, request, NONE, 0);
        struct modbus_message other = writes(16, 6, TWO(1, 5));
        other.unit = 0;
        if (broadcast)
            EXPECT(HMI, other, DENY_RULE_VALUE, 1);
        else
            EXPECT(HMI, other, NONE, 0);
        other = writes(6, 60, ONE(1));
        other.unit = 0;
        EXPECT(HMI, other, NONE, 0);
        fixture_close(&f);
    }
}

static void test_function_23_has_two_parts(void **state)
{
    (void)state;
    struct fixture f;
    fixture_want_image(&f, RULES("      - { allow: read, address: 0-9 }\n"
                                 "      - { allow: write, address: 20-29, from: hmi }\n"
                                 "      - { allow: 23, address: 40-49, from: historian }\n"
                                 "      - { deny: write, address: 25 }\n"));
    EXPECT(HMI, read_write(0, 10, 20, 1), NONE, 1);
    EXPECT(HMI, read_write(1, 10, 20, 1), NO_RULE_ADDRESS, -1);
    EXPECT(HMI, read_write(0, 10, 30, 1), NO_RULE_ADDRESS, -1);
    EXPECT(HMI, read_write(0, 10, 25, 1), DENY_RULE_ADDRESS, 3);
    EXPECT(HMI, read_write(11, 1, 25, 1), DENY_RULE_ADDRESS, 3);
    EXPECT(OFFICE, read_write(0, 10, 20, 1), NO_RULE_FUNCTION, -1);
    EXPECT(HISTORIAN, read_write(40, 10, 49, 1), NONE, 2);
    EXPECT(HISTORIAN, read_write(0, 10, 49, 1), NONE, 2);
    EXPECT(HISTORIAN, writes(6, 49, ONE(1)), NO_RULE_FUNCTION, -1);
    fixture_close(&f);
}

static void test_values_of_32_bits(void **state)
{
    (void)state;
    struct fixture f;
    fixture_want_image(
        &f, RULES("      - { allow: write, address: 10-13, value: -5-70000, type: int32 }\n"
                  "      - { allow: write, address: 20-21, value: 1-65536, type: uint32,\n"
                  "          word-order: little }\n"
                  "      - { allow: write, address: 30-31, value: -1.5-2e3, type: float32 }\n"
                  "      - { allow: write, address: 40, value: -3-3, type: int16 }\n"
                  "      - { allow: write, address: 50-51, value: 0-1, type: float32 }\n"));
    EXPECT(HMI, writes(16, 50, TWO(0x8000, 0)), NONE, 4); /* minus zero is zero */
    EXPECT(HMI, writes(16, 50, TWO(0x8000, 1)), NO_RULE_VALUE, -1);
    EXPECT(HMI, writes(16, 10, TWO(0, 7)), NONE, 0);
    EXPECT(HMI, writes(16, 12, TWO(1, 0x1170)), NONE, 0);
    EXPECT(HMI, writes(16, 12, TWO(1, 0x1171)), NO_RULE_VALUE, -1);
    EXPECT(HMI, writes(16, 10, TWO(0xffff, 0xfffb)), NONE, 0);
    EXPECT(HMI, writes(16, 10, TWO(0xffff, 0xfffa)), NO_RULE_VALUE, -1);
    EXPECT(HMI, writes(16, 11, TWO(0, 0)), NO_RULE_VALUE, -1); /* halves of two values */
    EXPECT(HMI, writes(6, 10, ONE(0)), NO_RULE_VALUE, -1);     /* half of one */
    EXPECT(HMI, writes(16, 13, TWO(0, 0)), NO_RULE_ADDRESS, -1);
    const uint16_t four[] = {0, 1, 1, 0}, last_bad[] = {0, 1, 2, 0};
    EXPECT(HMI, writes(16, 10, 4, four), NONE, 0);
    EXPECT(HMI, writes(16, 10, 4, last_bad), NO_RULE_VALUE, -1);
    EXPECT(HMI, reads(22, 10, 0), NO_RULE_VALUE, -1); /* mask write: result not known */
    EXPECT(HMI, writes(16, 20, TWO(0, 1)), NONE, 1);
    EXPECT(HMI, writes(16, 20, TWO(1, 1)), NO_RULE_VALUE, -1);
    EXPECT(HMI, writes(16, 30, TWO(0xbfc0, 0)), NONE, 2);           /* -1.5 */
    EXPECT(HMI, writes(16, 30, TWO(0xbfc0, 1)), NO_RULE_VALUE, -1); /* just below */
    EXPECT(HMI, writes(16, 30, TWO(0x44fa, 0)), NONE, 2);           /* 2000 */
    EXPECT(HMI, writes(16, 30, TWO(0x44fa, 1)), NO_RULE_VALUE, -1); /* just above */
    EXPECT(HMI, writes(16, 30, TWO(0x8000, 0)), NONE, 2);           /* minus zero */
    EXPECT(HMI, writes(16, 30, TWO(0x7fc0, 0)), NO_RULE_VALUE, -1); /* not a number */
    EXPECT(HMI, writes(16, 30, TWO(0xffc0, 0)), NO_RULE_VALUE, -1);
    EXPECT(HMI, writes(16, 30, TWO(0x7f80, 0)), NO_RULE_VALUE, -1); /* infinite */
    EXPECT(HMI, writes(6, 40, ONE(0xfffd)), NONE, 3);
    EXPECT(HMI, writes(6, 40, ONE(0xfffc)), NO_RULE_VALUE, -1);
    EXPECT(HMI, writes(5, 40, ONE(1)), NO_RULE_FUNCTION, -1); /* registers' values, no coil's */
    fixture_close(&f);
}

static void test_a_denied_value(void **state)
{
    (void)state;
    struct fixture f;
    fixture_want_image(&f, RULES("      - { allow: [read, write] }\n"
                                 "      - { deny: write, address: 5, value: 100-200 }\n"
                                 "      - { deny: write, address: 8-9, value: 7, type: uint32 }\n"
                                 "      - { deny: [5, 15], address: 3, value: on }\n"));
    EXPECT(HMI, writes(6, 5, ONE(99)), NONE, 0);
    EXPECT(HMI, writes(6, 5, ONE(100)), DENY_RULE_VALUE, 1);
    EXPECT(HMI, writes(16, 4, TWO(100, 201)), NONE, 0);
    EXPECT(HMI, writes(16, 4, TWO(0, 200)), DENY_RULE_VALUE, 1);
    EXPECT(HMI, reads(22, 5, 0), DENY_RULE_VALUE, 1);
    EXPECT(HMI, reads(22, 6, 0), NONE, 0);
    EXPECT(HMI, writes(16, 8, TWO(0, 7)), DENY_RULE_VALUE, 2);
    EXPECT(HMI, writes(16, 8, TWO(0, 8)), NONE, 0);
    EXPECT(HMI, writes(6, 9, ONE(8)), DENY_RULE_VALUE, 2); /* half a value may be any */
    struct modbus_message coil = writes(5, 3, ONE(1));
    EXPECT(HMI, coil, DENY_RULE_VALUE, 3);
    coil.value.coils[0] = 0;
    EXPECT(HMI, coil, NONE, 0);
    struct modbus_message coils = reads(15, 0, 10);
    coils.count = 10;
    coils.value.coils[0] = 0xf7;
    EXPECT(HMI, coils, NONE, 0);
    coils.value.coils[0] = 0x08;
    EXPECT(HMI, coils, DENY_RULE_VALUE, 3);
    EXPECT(HMI, reads(3, 0, 20), NONE, 0);
    fixture_close(&f);
}

static struct modbus_message file(uint8_t function, uint16_t number, uint16_t record,
                                  uint16_t length)
{
    struct modbus_message m = reads(function, 0, 0);
    m.parts = 1;
    m.part[0] = (struct modbus_file_part){number, record, length};
    return m;
}

static void test_a_deny_rules_reason_is_what_it_names(void **state)
{
    (void)state;
    struct fixture f;
    fixture_want_image(&f, RULES("      - { allow: [read, write, 20, 21], from: hmi }\n"
                                 "      - { deny: 5 }\n"
                                 "      - { deny: 6, address: 0-65535 }\n"
                                 "      - { deny: 16, address: 4, value: 0-65535 }\n"
                                 "      - { deny: 20, file: 4 }\n"
                                 "      - { deny: 21, record: 7 }\n"
                                 "      - { deny: 8, unit: 1 }\n"));
    EXPECT(HMI, writes(5, 9, ONE(1)), DENY_RULE, 1);
    EXPECT(HMI, writes(6, 9, ONE(1)), DENY_RULE_ADDRESS, 2);
    EXPECT(HMI, writes(16, 4, ONE(1)), DENY_RULE_VALUE, 3);
    EXPECT(HMI, file(20, 4, 0, 1), DENY_RULE_ADDRESS, 4);
    EXPECT(HMI, file(21, 1, 7, 1), DENY_RULE_ADDRESS, 5);
    EXPECT(HMI, reads(8, 0, 0), DENY_RULE, 6);
    EXPECT(OFFICE, writes(6, 9, ONE(1)), DENY_RULE_ADDRESS, 2); /* whom nothing is allowed */
    fixture_close(&f);
}

static void test_functions_that_must_be_named(void **state)
{
    (void)state;
    struct fixture f;
    fixture_want_image(&f, RULES("      - { allow: [read, write], from: hmi }\n"
                                 "      - { allow: diagnostic, from: historian }\n"
                                 "      - { allow: 20, file: 4, record: 0-9, from: 10.1.0.0/16 }\n"
                                 "      - { allow: write, file: [5, 6-7], from: 10.1.0.0/16 }\n"
                                 "      - { allow: 8, subfunction: 0-2, from: 10.1.0.0/16 }\n"
                                 "      - { allow: 43, mei: 13, from: 10.1.0.0/16 }\n"));
    for (unsigned function = 1; function < 128; function++) {
        struct modbus_message m = file((uint8_t)function, 1, 1, 1);
        m.mei = 14;
        const bool serial = function == 7 || function == 8 || function == 11 || function == 12 ||
                            function == 17 || function == 43;
        const bool plain = (function >= 1 && function <= 6) || function == 15 || function == 16 ||
                           (function >= 22 && function <= 24);
        expect(&f, HMI, m, plain ? SL_REASON_NONE : SL_REASON_NO_RULE_FUNCTION, plain ? 0 : -1,
               (int)function);
        expect(&f, HISTORIAN, m, serial ? SL_REASON_NONE : SL_REASON_NO_RULE_FUNCTION,
               serial ? 1 : -1, (int)function);
    }
    EXPECT(OFFICE, file(20, 4, 0, 10), NONE, 2);
    EXPECT(OFFICE, file(20, 4, 0, 11), NO_RULE_ADDRESS, -1);
    EXPECT(OFFICE, file(20, 5, 0, 1), NO_RULE_ADDRESS, -1);
    EXPECT(OFFICE, file(21, 5, 9999, 100), NONE, 3);
    EXPECT(OFFICE, file(21, 8, 0, 1), NO_RULE_ADDRESS, -1);
    struct modbus_message two = file(20, 4, 0, 10);
    two.parts = 2;
    two.part[1] = (struct modbus_file_part){4, 9, 2};
    EXPECT(OFFICE, two, NO_RULE_ADDRESS, -1);
    two.part[1].length = 1;
    EXPECT(OFFICE, two, NONE, 2);
    struct modbus_message m = reads(8, 0, 0);
    EXPECT(OFFICE, m, NONE, 4);
    m.subfunction = 3;
    EXPECT(OFFICE, m, NO_RULE_ADDRESS, -1);
    m = reads(43, 0, 0);
    m.mei = 13;
    EXPECT(OFFICE, m, NONE, 5);
    EXPECT(HISTORIAN, m, NO_RULE_FUNCTION, -1);
    m.mei = 14;
    EXPECT(OFFICE, m, NO_RULE_FUNCTION, -1);
    EXPECT(OFFICE, reads(3, 0, 1), NO_RULE_FUNCTION, -1);
    fixture_close(&f);
}

static void test_opaque_functions(void **state)
{
    (void)state;
    struct fixture f;
    fixture_want_image(&f, FIXTURE_HEAD
                       "    opaque:\n"
                       "      - { function: 90, direction: request, length: 2-10, bytes: 00 01 }\n"
                       "      - { function: 90, direction: reply, length: 0-252 }\n"
                       "      - { function: 100, length: 3 }\n"
                       "    rules:\n"
                       "      - { allow: [read, write, diagnostic] }\n"
                       "      - { allow: 90, from: hmi }\n");
    const struct policy_service *service = policy_service(f.image, 0);
    const struct modbus_opaque *opaque = modbus_opaque_find(service, 90, SL_REQUEST);
    assert_non_null(opaque);
    assert_int_equal(opaque->min_length, 2);
    assert_int_equal(opaque->max_length, 10);
    assert_int_equal(opaque->prefix_length, 2);
    assert_memory_equal(opaque->prefix, "\0\1", 2);
    assert_int_equal(modbus_opaque_find(service, 90, SL_REPLY)->max_length, 252);
    assert_int_equal(modbus_opaque_find(service, 100, SL_REQUEST)->min_length, 3);
    assert_int_equal(modbus_opaque_find(service, 100, SL_REPLY)->max_length, 3);
    assert_null(modbus_opaque_find(service, 91, SL_REQUEST));
    assert_null(modbus_opaque_find(NULL, 90, SL_REQUEST));
    struct modbus_message m = reads(90, 0, 0);
    m.kind = MODBUS_OPAQUE;
    EXPECT(HMI, m, NONE, 1);
    EXPECT(HISTORIAN, m, NO_RULE_FUNCTION, -1);
    m.function = 100;
    EXPECT(HMI, m, NO_RULE_FUNCTION, -1);
    m.function = 3; /* a function that is understood never passes as opaque */
    EXPECT(HMI, m, NO_RULE_FUNCTION, -1);
    m.function = 90;
    m.kind = MODBUS_REQUEST;
    EXPECT(HMI, m, NO_RULE_FUNCTION, -1);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_deny_wins_wherever_it_stands),
        cmocka_unit_test(test_a_denied_unit_is_not_reached_by_broadcast),
        cmocka_unit_test(test_function_23_has_two_parts),
        cmocka_unit_test(test_values_of_32_bits),
        cmocka_unit_test(test_a_denied_value),
        cmocka_unit_test(test_a_deny_rules_reason_is_what_it_names),
        cmocka_unit_test(test_functions_that_must_be_named),
        cmocka_unit_test(test_opaque_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
