/* SPDX-License-Identifier: BSD-2-Clause */
/* An audit record's line, and its sentence for a person. */
#include "components/monitor/audit_line.h"
#include "policy/policy_fixture.h"

static const char policy[] = FIXTURE_HEAD "    rules:\n"
                                          "      - { name: setpoint, allow: write, from: hmi, "
                                          "address: 2, value: 150-250 }\n";

static char text[AUDIT_LINE_MAX];

static const char *line(const struct fixture *fixture, const struct sl_audit *record)
{
    static const struct sl_monitor_config config = {.ring_count = 1};
    const struct audit_run run = {.config = &config, .policy = fixture->image};
    struct sl_json json;
    sl_json_start(&json, text, sizeof text);
    audit_line(&json, &run, 7, record, NULL);
    assert_false(json.overflow);
    return text;
}

static struct sl_audit written(uint32_t client, uint16_t value, enum sl_verdict verdict)
{
    const struct modbus_message message = writes(6, 2, 1, &value);
    struct sl_audit record = {.event = SL_AUDIT_MESSAGE,
                              .verdict = (uint8_t)verdict,
                              .client = client,
                              .rule = SL_NO_RULE,
                              .detail_length = 36};
    memcpy(record.detail, &message, record.detail_length);
    return record;
}

static void test_sentences(void **state)
{
    struct fixture *fixture = *state;
    struct sl_audit record = written(HMI, 215, SL_VERDICT_ALLOW);
    record.rule = 0;
    assert_non_null(strstr(line(fixture, &record),
                           "\"message\":\"hmi to boiler: write 215 to "
                           "register 2, unit 1: allowed (rule setpoint)\""));
    record = written(OFFICE, 400, SL_VERDICT_DENY);
    record.reason = SL_REASON_NO_RULE_CLIENT;
    assert_non_null(strstr(line(fixture, &record),
                           "\"message\":\"10.1.2.3 to boiler: write 400 to register 2, unit 1: "
                           "denied, no-rule-for-client\""));
    record =
        (struct sl_audit){.event = SL_AUDIT_SESSION_OPEN, .client = HISTORIAN, .rule = SL_NO_RULE};
    assert_non_null(
        strstr(line(fixture, &record), "\"message\":\"historian to boiler connected\""));
}

static void test_any_record(void **state)
{
    struct fixture *fixture = *state;
    srand(2);
    for (unsigned round = 0; round < 20000; round++) {
        struct sl_audit record;
        for (size_t i = 0; i < sizeof record; i++)
            ((uint8_t *)&record)[i] = (uint8_t)rand();
        record.event = (uint8_t)(rand() % 12);
        record.service = (uint8_t)(rand() % 2);
        record.detail[0] = (uint8_t)(rand() % 6);
        record.detail_length = (uint8_t)(rand() % 100);
        line(fixture, &record);
    }
}

static int open_policy(void **state)
{
    static struct fixture fixture;
    fixture_want_image(&fixture, policy);
    *state = &fixture;
    return 0;
}

static int close_policy(void **state)
{
    fixture_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_any_record),
    };
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
