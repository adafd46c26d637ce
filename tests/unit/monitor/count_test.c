/* SPDX-License-Identifier: BSD-2-Clause */
/* The monitor's counters: buckets of durations, what each record counts as, records that hold
 * anything; and which policy a record's line is of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "components/monitor/count.h"
#include "components/monitor/policies.h"
#include "policy/board.h"

static struct sl_counters counters;

static void test_every_duration_is_below_its_buckets_limit(void **state)
{
    (void)state;
    unsigned last = 0;
    for (uint64_t us = 0; us < 5000; us++) {
        const unsigned bucket = sl_duration_bucket(us * 1000 + 999);
        assert_true(bucket == last || bucket == last + 1); /* none is left out */
        last = bucket;
        assert_true(us < sl_duration_limit(bucket));
        assert_true(bucket == 0 || us >= sl_duration_limit(bucket - 1));
    }
    for (unsigned power = 3; power < 33; power++) { /* a quarter at most is added */
        const uint64_t us = (UINT64_C(1) << power) + (UINT64_C(1) << (power - 1)) - 1;
        const uint64_t limit = sl_duration_limit(sl_duration_bucket(us * 1000));
        assert_true(us < limit && limit <= us + us / 4 + 1);
    }
    assert_int_equal(sl_duration_bucket(UINT64_MAX), SL_DURATION_BUCKETS - 1);
}

static void record(struct sl_audit record)
{
    count_record(&counters, &record);
}

static int reset(void **state)
{
    (void)state;
    memset((void *)&counters, 0, sizeof counters);
    return 0;
}

static void test_sessions(void **state)
{
    (void)state;
    record((struct sl_audit){
        .event = SL_AUDIT_SESSION_OPEN, .service = 2, .session = 7, .generation = 5, .time = 100});
    const struct sl_audit allowed = {.event = SL_AUDIT_MESSAGE,
                                     .verdict = SL_VERDICT_ALLOW,
                                     .service = 2,
                                     .session = 7,
                                     .generation = 5,
                                     .time = 200,
                                     .value = 3000};
    record(allowed);
    struct sl_audit other = allowed;
    other.generation = 4; /* an earlier use of the number */
    record(other);
    assert_int_equal(counters.session[7].open, 3);
    assert_int_equal(counters.session[7].allowed, 1);
    assert_int_equal(counters.session[7].last, 200);
    assert_int_equal(counters.service[2].allowed, 2);
    assert_int_equal(counters.service[2].decision.count[3], 2);
    other.event = SL_AUDIT_SESSION_CLOSE;
    record(other);
    assert_int_equal(counters.session[7].open, 3);
    other.generation = 5;
    record(other);
    assert_int_equal(counters.session[7].open, 0);
}

static void test_device_states(void **state)
{
    (void)state;
    struct sl_service_counters *const service = &counters.service[0];
    const struct sl_audit open = {.event = SL_AUDIT_DEVICE_OPEN};
    struct sl_audit closed = {
        .event = SL_AUDIT_DEVICE_CLOSE, .reason = SL_REASON_CLIENT_LEFT, .value = 1};
    record(open);
    record(open);
    record(closed);
    assert_int_equal(service->device_state, SL_DEVICE_UP);
    record(closed);
    assert_int_equal(service->device_state, SL_DEVICE_IDLE);
    closed.value = 0; /* an attempt that failed */
    closed.reason = SL_REASON_DEVICE_UNREACHABLE;
    record(closed);
    assert_int_equal(service->device_state, SL_DEVICE_DOWN);
    assert_int_equal(service->device_reason, SL_REASON_DEVICE_UNREACHABLE);
    assert_int_equal(service->device_opened, service->device_closed);
}

static void test_answers_come_in_bundles(void **state)
{
    (void)state;
    struct sl_audit answers = {.event = SL_AUDIT_ANSWERED, .detail_length = 3, .value = 9000};
    memcpy(answers.detail, "\x01\x05\xff", 3); /* the last one is none: it is kept within */
    record(answers);
    assert_int_equal(counters.service[0].answered, 3);
    assert_int_equal(counters.service[0].answer.sum, 9000);
    assert_int_equal(counters.service[0].answer.count[1], 1);
    assert_int_equal(counters.service[0].answer.count[127], 1);
}

static void test_any_record_is_counted_within_bounds(void **state)
{
    (void)state;
    srand(1);
    for (unsigned i = 0; i < 200000; i++) {
        struct sl_audit any;
        for (size_t k = 0; k < sizeof any; k++)
            ((uint8_t *)&any)[k] = (uint8_t)rand();
        any.event = (uint8_t)(rand() % 16);
        record(any);
    }
    count_record(NULL, &(struct sl_audit){.event = SL_AUDIT_MESSAGE});
    count_lost(NULL, 1);
}

static void test_the_policy_that_a_line_is_of(void **state)
{
    (void)state;
    static struct policy_image image[3];
    static struct policies policies;
    struct audit_run run = {0};
    for (unsigned i = 0; i < 3; i++)
        memset(image[i].hash, (int)(i + 1), sizeof image[i].hash);
    policies_adopt(&policies, &image[0], policy_tag(1));
    policies_adopt(&policies, &image[1], policy_tag(2));
    struct sl_audit about = {.policy = policy_tag(1), .rule = 9};
    policies_choose(&policies, &run, &about);
    assert_ptr_equal(run.policy, &image[0]);
    assert_int_equal(run.hash[0], 1);
    about.policy = 0; /* of who has no policy */
    policies_choose(&policies, &run, &about);
    assert_ptr_equal(run.policy, &image[1]);
    assert_int_equal(about.rule, 9);
    policies_retire(&policies);
    about.policy = policy_tag(1); /* a reply that comes late: its rule has no name any more */
    policies_choose(&policies, &run, &about);
    assert_ptr_equal(run.policy, &image[1]);
    assert_int_equal(run.hash[0], 1);
    assert_int_equal(about.rule, SL_NO_RULE);
    for (uint32_t generation = 0; generation < 1000; generation++) {
        assert_int_not_equal(policy_tag(generation), 0);
        assert_int_not_equal(policy_tag(generation), policy_tag(generation + 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_duration_is_below_its_buckets_limit),
        cmocka_unit_test_setup(test_sessions, reset),
        cmocka_unit_test_setup(test_device_states, reset),
        cmocka_unit_test_setup(test_answers_come_in_bundles, reset),
        cmocka_unit_test_setup(test_any_record_is_counted_within_bounds, reset),
        cmocka_unit_test(test_the_policy_that_a_line_is_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
