/* SPDX-License-Identifier: BSD-2-Clause */
/* One-way ring: order, padding, laps counted, torn slots refused, impossible indices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ring/oneway_ring.h"

#define SLOT_SIZE 32u

struct pair {
    struct oneway_ring *ring;
    struct oneway_producer producer;
    struct oneway_consumer consumer;
};

static void open_pair(struct pair *pair, uint32_t slot_count)
{
    const uint32_t size = oneway_ring_region_size(SLOT_SIZE, slot_count);
    pair->ring = calloc(1, size);
    oneway_producer_init(&pair->producer, pair->ring, size, SLOT_SIZE);
    oneway_consumer_init(&pair->consumer, pair->ring, size, SLOT_SIZE);
}

static void put(struct pair *pair, uint64_t number)
{
    uint64_t record[SLOT_SIZE / 8];
    for (uint64_t i = 0; i < SLOT_SIZE / 8; i++)
        record[i] = number * 1000 + i;
    oneway_put(&pair->producer, record, sizeof(record));
}

static enum ring_result take(struct pair *pair, uint64_t *number)
{
    uint64_t record[SLOT_SIZE / 8];
    const enum ring_result result = oneway_take(&pair->consumer, record);
    if (result != RING_OK)
        return result;
    *number = record[0] / 1000;
    for (uint64_t i = 0; i < SLOT_SIZE / 8; i++)
        assert_int_equal(record[i], *number * 1000 + i);
    return RING_OK;
}

static void slot_count_is_the_largest_power_of_two_that_fits(void **state)
{
    static const struct {
        uint32_t region, count;
    } rows[] = {{0, 0},
                {64, 0},
                {64 + SLOT_SIZE - 1, 0},
                {64 + SLOT_SIZE, 1},
                {64 + 3 * SLOT_SIZE, 2},
                {64 + 4 * SLOT_SIZE, 4},
                {UINT32_MAX, 1u << 26}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct oneway_producer producer;
        struct oneway_consumer consumer;
        oneway_producer_init(&producer, NULL, rows[i].region, SLOT_SIZE);
        oneway_consumer_init(&consumer, NULL, rows[i].region, SLOT_SIZE);
        assert_int_equal(producer.slot_count, rows[i].count);
        assert_int_equal(consumer.slot_count, rows[i].count);
    }
}

static void records_come_in_order_and_none_is_lost_while_the_consumer_keeps_up(void **state)
{
    struct pair pair;
    uint64_t number = 0, sent = 0, received = 0;
    (void)state;
    open_pair(&pair, 8);
    assert_int_equal(take(&pair, &number), RING_EMPTY);
    while (sent < 1000) {
        for (uint64_t i = 0; i <= sent % 7; i++)
            put(&pair, sent++);
        while (take(&pair, &number) == RING_OK)
            assert_int_equal(number, received++);
        assert_int_equal(received, sent);
    }
    assert_int_equal(pair.consumer.lost, 0);
    free(pair.ring);
}

static void a_short_record_is_padded_with_zeros(void **state)
{
    struct pair pair;
    uint8_t record[SLOT_SIZE], found[SLOT_SIZE], wanted[SLOT_SIZE];
    (void)state;
    open_pair(&pair, 1);
    memset(record, 0xaa, sizeof(record));
    for (uint32_t length = 0; length <= SLOT_SIZE; length++) {
        oneway_put(&pair.producer, record, sizeof(record));
        assert_int_equal(oneway_take(&pair.consumer, (uint64_t *)(void *)found), RING_OK);
        oneway_put(&pair.producer, record, length);
        assert_int_equal(oneway_take(&pair.consumer, (uint64_t *)(void *)found), RING_OK);
        memset(wanted, 0, sizeof(wanted));
        memset(wanted, 0xaa, length);
        assert_memory_equal(found, wanted, SLOT_SIZE);
    }
    free(pair.ring);
}

static void a_long_record_is_cut_to_the_slot(void **state)
{
    struct pair pair;
    uint8_t record[SLOT_SIZE + 8];
    uint64_t found[SLOT_SIZE / 8];
    (void)state;
    open_pair(&pair, 2); /* the second slot must stay as it is, and ASan watches its end */
    memset(record, 0xaa, sizeof(record));
    oneway_put(&pair.producer, record, sizeof(record));
    assert_int_equal(atomic_load(&pair.ring->words[SLOT_SIZE / 8]), 0);
    oneway_put(&pair.producer, record, sizeof(record));
    assert_int_equal(oneway_take(&pair.consumer, found), RING_OK);
    assert_memory_equal(found, record, SLOT_SIZE);
    free(pair.ring);
}

static void every_slot_is_received_or_counted_lost(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= 64; count *= 2) {
        struct pair pair;
        uint64_t sent = 0, received = 0, number = 0, last = 0;
        open_pair(&pair, count);
        for (uint32_t burst = 0; burst < 3 * count + 20; burst++) {
            for (uint32_t i = 0; i < burst; i++)
                put(&pair, sent++);
            while (take(&pair, &number) == RING_OK) {
                assert_true(received == 0 || number > last);
                last = number;
                received++;
            }
            assert_int_equal(received + pair.consumer.lost, sent);
            if (burst <= count && pair.consumer.lost != 0)
                fail_msg("lost %u with room for all", (unsigned)pair.consumer.lost);
        }
        assert_true(pair.consumer.lost > 0);
        free(pair.ring);
    }
}

/* The producer has begun slot `next + count`, the one that overwrites `next`. */
static void a_slot_that_is_being_overwritten_is_not_accepted(void **state)
{
    struct pair pair;
    uint64_t number = 0;
    (void)state;
    open_pair(&pair, 4);
    for (uint64_t i = 0; i < 4; i++)
        put(&pair, i);
    atomic_store(&pair.ring->reserve, 5);
    assert_int_equal(take(&pair, &number), RING_OK);
    assert_int_equal(number, 1);
    assert_int_equal(pair.consumer.lost, 1);
    free(pair.ring);
}

/* A producer that laps all the time costs its consumer a bounded time. */
static void a_producer_that_always_laps_does_not_hold_the_consumer(void **state)
{
    struct pair pair;
    uint64_t number = 0;
    (void)state;
    open_pair(&pair, 4);
    atomic_store(&pair.ring->tail, 1000);
    atomic_store(&pair.ring->reserve, 2000);
    assert_int_equal(take(&pair, &number), RING_EMPTY);
    assert_true(pair.consumer.lost > 0 && pair.consumer.lost <= 1000);
    assert_int_equal(pair.consumer.lost, pair.consumer.next);
    free(pair.ring);
}

static void impossible_indices_are_faults(void **state)
{
    static const struct {
        uint64_t tail, reserve; /* after four slots, two of them taken */
    } rows[] = {
        {3, 4},                   /* tail went backwards */
        {0, 0},                   /* both did */
        {5, 4},                   /* published, never begun */
        {4, 3},                   /* begun fewer than before */
        {UINT64_MAX, UINT64_MAX}, /* not a count */
        {UINT64_C(1) << 57, UINT64_C(1) << 57},
        {5, UINT64_MAX},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pair pair;
        uint64_t number = 0;
        enum ring_result result = RING_OK;
        open_pair(&pair, 8);
        for (uint64_t n = 0; n < 4; n++)
            put(&pair, n);
        assert_int_equal(take(&pair, &number), RING_OK);
        assert_int_equal(take(&pair, &number), RING_OK);
        atomic_store(&pair.ring->tail, rows[i].tail);
        atomic_store(&pair.ring->reserve, rows[i].reserve);
        for (unsigned n = 0; n < 8 && result == RING_OK; n++)
            result = take(&pair, &number);
        assert_int_equal(result, RING_FAULT);
        assert_int_equal(take(&pair, &number), RING_FAULT); /* and it stays one */
        free(pair.ring);
    }
}

static void a_region_without_a_slot_is_never_read_or_written(void **state)
{
    struct pair pair;
    uint64_t number = 0;
    (void)state;
    open_pair(&pair, 0);
    put(&pair, 1);
    atomic_store(&pair.ring->tail, 1);
    assert_int_equal(take(&pair, &number), RING_EMPTY);
    free(pair.ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slot_count_is_the_largest_power_of_two_that_fits),
        cmocka_unit_test(records_come_in_order_and_none_is_lost_while_the_consumer_keeps_up),
        cmocka_unit_test(a_short_record_is_padded_with_zeros),
        cmocka_unit_test(a_long_record_is_cut_to_the_slot),
        cmocka_unit_test(every_slot_is_received_or_counted_lost),
        cmocka_unit_test(a_slot_that_is_being_overwritten_is_not_accepted),
        cmocka_unit_test(a_producer_that_always_laps_does_not_hold_the_consumer),
        cmocka_unit_test(impossible_indices_are_faults),
        cmocka_unit_test(a_region_without_a_slot_is_never_read_or_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
