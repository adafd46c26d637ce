/* SPDX-License-Identifier: BSD-2-Clause */
/* Which lines the monitor writes: whatever it counts, every message is told once. */
#include "monitor_fixture.h"

#include "sluice/barrier.h"
#include "sluice/counters.h"

static const char policy[] = FIXTURE_HEAD "    rules:\n"
                                          "      - { allow: read, address: 0-99 }\n"
                                          "      - { allow: write, address: 2 }\n";

static struct sl_audit about(const struct modbus_message *message, enum sl_verdict verdict,
                             uint16_t session)
{
    struct sl_audit record = {.time = now,
                              .event = SL_AUDIT_MESSAGE,
                              .verdict = (uint8_t)verdict,
                              .client = HMI,
                              .rule = SL_NO_RULE,
                              .session = session,
                              .detail_length = 36};
    if (verdict == SL_VERDICT_DENY)
        record.reason = SL_REASON_NO_RULE_ADDRESS;
    memcpy(record.detail, message, record.detail_length);
    return record;
}

static void put_read(uint16_t session, uint16_t address, uint16_t quantity, uint16_t transaction)
{
    struct modbus_message message = reads(3, address, quantity);
    message.transaction = transaction;
    const struct sl_audit record = about(&message, SL_VERDICT_ALLOW, session);
    put(&record);
}

static void put_write(uint16_t session, uint16_t address, uint16_t value, enum sl_verdict verdict,
                      uint16_t transaction)
{
    struct modbus_message message = writes(6, address, 1, &value);
    message.transaction = transaction;
    const struct sl_audit record = about(&message, verdict, session);
    put(&record);
}

static void reads_wait_and_are_told(void **state)
{
    (void)state;
    put_read(1, 0, 4, 1);
    wake(1);
    assert_int_equal(told.lines, 1);
    for (uint16_t i = 0; i < 10; i++)
        put_read(1, (uint16_t)(i * 2), 2, i);
    wake(1);
    assert_int_equal(told.lines, 1);
    now += SECOND;
    wake(1);
    assert_int_equal(told.lines, 2);
    assert_int_equal(told.allowed, 11);
    assert_non_null(strstr(told.last, "\"extents\":[{\"function\":3,\"unit\":1,\"address\":0,"
                                      "\"quantity\":20}]"));
    /* the next wait is twice as long */
    put_read(1, 0, 1, 1);
    wake(1);
    now += SECOND + SECOND / 2;
    wake(1);
    assert_int_equal(told.lines, 2);
    now += SECOND;
    wake(1);
    assert_int_equal(told.lines, 3);
    /* and never longer than the interval */
    for (unsigned i = 0; i < 12; i++) {
        put_read(1, 0, 1, 1);
        wake(1);
        now += 61 * SECOND;
        wake(1);
    }
    assert_int_equal(told.lines, 15);
    assert_int_equal(told.allowed, 24);
}

static void runs_of_addresses(void **state)
{
    (void)state;
    put_read(1, 0, 1, 1);
    put_read(1, 10, 10, 1);
    put_read(1, 30, 10, 1);
    put_read(1, 20, 10, 1); /* joins both */
    for (uint16_t i = 0; i < 7; i++)
        put_read(1, (uint16_t)(1000 + i * 100), 1, 1);
    put_read(1, 5000, 1, 1); /* no room: taken in by a run, which says so */
    put_read(1, 65535, 1, 1);
    now += SECOND;
    wake(1);
    now += SECOND;
    wake(1);
    assert_int_equal(told.allowed, 13);
    assert_non_null(
        strstr(told.last, "{\"function\":3,\"unit\":1,\"address\":10,\"quantity\":30}"));
    assert_non_null(strstr(told.last, "\"gaps\":true"));
}

static void a_session_that_ends_is_told(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        put_read(3, 0, 4, 1);
        put_write(3, 50, 1, SL_VERDICT_DENY, (uint16_t)i);
    }
    const struct sl_audit close = {.time = now,
                                   .event = SL_AUDIT_SESSION_CLOSE,
                                   .client = HMI,
                                   .session = 3,
                                   .rule = SL_NO_RULE};
    put(&close);
    put_read(3, 0, 4, 1); /* was still on its way */
    wake(1);
    now += SECOND / 10;
    wake(1);
    assert_int_equal(told.allowed, 6);
    assert_int_equal(told.denied, 5);
    /* a session of the same number is another flow */
    struct modbus_message message = reads(3, 0, 1);
    struct sl_audit next = about(&message, SL_VERDICT_ALLOW, 3);
    next.generation = 1;
    const unsigned before = told.lines;
    put(&next);
    wake(1);
    assert_int_equal(told.lines, before + 1);
}

static void the_same_denial_is_counted_and_another_is_not(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        put_write(1, 50, 1, SL_VERDICT_DENY, (uint16_t)i);
        put_write(1, 51, 1, SL_VERDICT_DENY, (uint16_t)i);
    }
    wake(1);
    assert_int_equal(told.lines, 2); /* in turn or one after the other */
    now += SECOND;
    wake(1);
    assert_int_equal(told.denied, 12);
    assert_int_equal(told.lines, 4);
    /* what stayed away is news again */
    now += 200 * SECOND;
    wake(1);
    now += 200 * SECOND;
    wake(1);
    put_write(1, 50, 1, SL_VERDICT_DENY, 1);
    wake(1);
    assert_int_equal(told.denied, 13);
    assert_int_equal(told.lines, 5);
}

static void writes_that_pass_are_never_counted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        put_write(1, 2, 7, SL_VERDICT_ALLOW, (uint16_t)i);
    wake(1);
    assert_int_equal(told.lines, 20);
}

static void drops_add_up(void **state)
{
    (void)state;
    for (uint16_t port = 1; port <= 9; port++) {
        const struct sl_audit dropped = {.time = now,
                                         .event = SL_AUDIT_DROPPED,
                                         .reason = SL_REASON_QUOTA,
                                         .client = HMI,
                                         .client_port = port,
                                         .session = UINT16_MAX,
                                         .rule = SL_NO_RULE,
                                         .value = 3};
        put(&dropped);
    }
    wake(1);
    now += SECOND;
    wake(1);
    assert_int_equal(told.dropped, 27);
    assert_int_equal(told.lines, 2);
}

/* However much comes, and whatever: at the end all of it was told. */
static void nothing_is_lost_at_the_end(void **state)
{
    (void)state;
    uint64_t allowed = 0, denied = 0, failed = 0;
    srand(7);
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned i = 0; i < 400; i++) {
            const uint16_t session = (uint16_t)(rand() % 700);
            const uint16_t address = (uint16_t)(rand() % 65536);
            struct modbus_message message = reads(3, address, (uint16_t)(1 + rand() % 125));
            switch (rand() % 4) {
            case 0:
                put_write(session, (uint16_t)(address % 3), 1, SL_VERDICT_DENY, address);
                denied++;
                break;
            case 1: {
                struct sl_audit record = about(&message, SL_VERDICT_DENY, session);
                record.event = SL_AUDIT_FAILED;
                put(&record);
                failed++;
                break;
            }
            default: {
                struct sl_audit record = about(&message, SL_VERDICT_ALLOW, session);
                record.generation = (uint32_t)(rand() % 3);
                put(&record);
                allowed++;
            }
            }
        }
        if (rand() % 3 == 0) {
            const struct sl_audit close = {.time = now,
                                           .event = SL_AUDIT_SESSION_CLOSE,
                                           .session = (uint16_t)(rand() % 700),
                                           .generation = (uint32_t)(rand() % 3),
                                           .rule = SL_NO_RULE};
            put(&close);
        }
        now += (uint64_t)(rand() % 100) * 50000000u;
        wake(1);
    }
    wake(SL_BADGE_DEADLINE | SL_BADGE_CLOSING);
    assert_int_equal(told.allowed, allowed);
    assert_int_equal(told.denied, denied);
    assert_int_equal(told.failed, failed);
}

static struct sl_counters counters;

/* One that follows another tells nothing twice, and what the other leaves untold is counted. */
static void one_that_follows_says_what_is_missing(void **state)
{
    (void)state;
    environment.counters = &counters;
    environment.place = &counters.place;
    memset(&counters, 0, sizeof counters);
    monitor_component.init(monitor, &environment);
    put_write(1, 2, 7, SL_VERDICT_ALLOW, 1);
    for (uint16_t i = 0; i < 4; i++)
        put_write(1, 50, 1, SL_VERDICT_DENY, i);
    wake(1);
    assert_int_equal(told.lines, 2); /* three denials wait */
    wake(1);                         /* it lived for another turn, so these lines are out */
    for (uint16_t i = 0; i < 7; i++)
        put_write(1, 2, 7, SL_VERDICT_ALLOW, i); /* and these it never read */
    memset(monitor, 0, monitor_component.self_size);
    environment.restarts = 1;
    config.epoch = 1;
    memset(&told, 0, sizeof told);
    char lines[2][4096];
    monitor_component.init(monitor, &environment);
    lines_kept = lines;
    wake(1);
    lines_kept = NULL;
    assert_int_equal(told.lines, 2);
    assert_non_null(strstr(lines[0], "\"seq\":0"));
    assert_non_null(strstr(lines[0], "\"component\":\"monitor\",\"event\":\"audit-resumed\","
                                     "\"epoch_before\":0,\"lines_before\":2,\"untold\":3}"));
    assert_non_null(strstr(lines[1], "\"component\":\"policy\",\"event\":\"audit-lost\","
                                     "\"count\":7,\"total\":7}"));
    /* A place that no ring has reached was written by one that was taken over. */
    memset(monitor, 0, monitor_component.self_size);
    counters.place.taken[0] = UINT64_MAX / 2;
    memset(&told, 0, sizeof told);
    monitor_component.init(monitor, &environment);
    wake(1);
    assert_int_equal(told.lines, 1);
    put_write(1, 2, 7, SL_VERDICT_ALLOW, 1);
    wake(1);
    assert_int_equal(told.allowed, 1);
}

/* A component that breaks its own audit ring loses its own word, and nobody else's. */
static void a_broken_ring_stops_alone(void **state)
{
    (void)state;
    static _Alignas(64) uint8_t broken[sizeof(struct oneway_ring) + 64 * sizeof(struct sl_audit)];
    struct oneway_ring *indices = (void *)broken;
    memset(monitor, 0, monitor_component.self_size);
    config.ring_count = 2;
    memcpy(config.ring_name[1], "frontend", 9);
    environment.port[1].region[0] = broken;
    environment.port[1].size[0] = sizeof broken;
    monitor_component.init(monitor, &environment);
    sl_store_relaxed(&indices->tail, UINT64_MAX);
    wake(1);
    assert_int_equal(told.lines, 1);
    assert_non_null(strstr(told.last, "\"component\":\"frontend\",\"event\":\"audit-stopped\"}"));
    for (uint16_t i = 0; i < 3; i++) {
        put_write(1, 2, 7, SL_VERDICT_ALLOW, i);
        sl_store_relaxed(&indices->tail, i); /* nor is it believed again */
        wake(1);
    }
    assert_int_equal(told.lines, 4);
    assert_int_equal(told.allowed, 3);
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
        cmocka_unit_test_setup_teardown(reads_wait_and_are_told, make, release),
        cmocka_unit_test_setup_teardown(runs_of_addresses, make, release),
        cmocka_unit_test_setup_teardown(a_session_that_ends_is_told, make, release),
        cmocka_unit_test_setup_teardown(the_same_denial_is_counted_and_another_is_not, make,
                                        release),
        cmocka_unit_test_setup_teardown(writes_that_pass_are_never_counted, make, release),
        cmocka_unit_test_setup_teardown(drops_add_up, make, release),
        cmocka_unit_test_setup_teardown(nothing_is_lost_at_the_end, make, release),
        cmocka_unit_test_setup_teardown(a_broken_ring_stops_alone, make, release),
        cmocka_unit_test_setup_teardown(one_that_follows_says_what_is_missing, make, release),
    };
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
