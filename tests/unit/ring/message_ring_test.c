/* SPDX-License-Identifier: BSD-2-Clause */
/* Message ring: edges, wrap of data and of indices, and the sleep/wake flags of one thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ring/message_ring.h"

/* Both halves on the heap at their exact size: one byte outside is one that ASan sees. */
struct pair {
    struct message_ring_producer_half *producer_half;
    struct message_ring_consumer_half *consumer_half;
    struct message_ring_producer producer;
    struct message_ring_consumer consumer;
};

static void open_pair(struct pair *pair, uint32_t capacity)
{
    const uint32_t size = message_ring_region_size(capacity);
    pair->producer_half = calloc(1, size);
    pair->consumer_half = calloc(1, sizeof(*pair->consumer_half));
    message_ring_producer_init(&pair->producer, pair->producer_half, pair->consumer_half, size);
    message_ring_consumer_init(&pair->consumer, pair->producer_half, pair->consumer_half, size);
}

/* As if `index` bytes had gone through already. */
static void start_at(struct pair *pair, uint32_t index)
{
    pair->producer.tail = pair->producer.head = pair->producer.notified_tail = index;
    pair->consumer.tail = pair->consumer.head = index;
    atomic_store(&pair->producer_half->tail, index);
    atomic_store(&pair->consumer_half->head, index);
}

static void close_pair(struct pair *pair)
{
    free(pair->producer_half);
    free(pair->consumer_half);
}

static void fill(uint8_t *bytes, uint32_t length, uint32_t seed)
{
    for (uint32_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(seed * 31 + i * 7 + 1);
}

static enum ring_result put(struct pair *pair, uint32_t first, uint32_t second, uint32_t seed)
{
    uint8_t bytes[512];
    fill(bytes, first + second, seed);
    return message_ring_put(&pair->producer, first ? bytes : NULL, first,
                            second ? bytes + first : NULL, second);
}

static void expect(struct pair *pair, uint32_t length, uint32_t seed)
{
    uint8_t wanted[512], found[512];
    uint32_t found_length = UINT32_MAX;
    fill(wanted, length, seed);
    assert_int_equal(message_ring_take(&pair->consumer, found, sizeof(found), &found_length),
                     RING_OK);
    assert_int_equal(found_length, length);
    assert_memory_equal(found, wanted, length);
}

static void expect_empty(struct pair *pair)
{
    uint8_t found[8];
    uint32_t length;
    assert_int_equal(message_ring_take(&pair->consumer, found, sizeof(found), &length), RING_EMPTY);
}

static void capacity_is_the_largest_power_of_two_that_fits(void **state)
{
    static const struct {
        uint32_t region, capacity;
    } rows[] = {{0, 0},
                {64, 0},
                {71, 0},
                {72, 8},
                {79, 8},
                {80, 16},
                {4096, 2048},
                {4096 + 63, 2048},
                {4096 + 64, 4096},
                {0x80000040u, 0x80000000u},
                {UINT32_MAX, 0x80000000u}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct message_ring_producer producer;
        struct message_ring_consumer consumer;
        message_ring_producer_init(&producer, NULL, NULL, rows[i].region);
        message_ring_consumer_init(&consumer, NULL, NULL, rows[i].region);
        assert_int_equal(producer.capacity, rows[i].capacity);
        assert_int_equal(consumer.capacity, rows[i].capacity);
    }
}

static void empty_then_one_then_empty(void **state)
{
    struct pair pair;
    (void)state;
    open_pair(&pair, 64);
    expect_empty(&pair);
    assert_int_equal(put(&pair, 3, 4, 1), RING_OK);
    expect(&pair, 7, 1);
    expect_empty(&pair);
    close_pair(&pair);
}

static void parts_may_be_empty(void **state)
{
    struct pair pair;
    (void)state;
    open_pair(&pair, 64);
    assert_int_equal(put(&pair, 0, 5, 1), RING_OK);
    assert_int_equal(put(&pair, 5, 0, 2), RING_OK);
    assert_int_equal(put(&pair, 0, 0, 3), RING_OK);
    expect(&pair, 5, 1);
    expect(&pair, 5, 2);
    expect(&pair, 0, 3);
    expect_empty(&pair);
    close_pair(&pair);
}

static void exact_fit_fills_the_ring_and_one_more_byte_never_fits(void **state)
{
    struct pair pair;
    (void)state;
    open_pair(&pair, 64);
    assert_int_equal(put(&pair, 61, 0, 1), RING_FULL);
    assert_int_equal(put(&pair, 30, 30, 1), RING_OK);
    assert_int_equal(put(&pair, 0, 0, 2), RING_FULL);
    expect(&pair, 60, 1);
    assert_int_equal(put(&pair, 0, 0, 2), RING_OK);
    expect(&pair, 0, 2);
    close_pair(&pair);
}

static void lengths_that_overflow_32_bits_do_not_fit(void **state)
{
    static const uint32_t lengths[][2] = {{UINT32_MAX, 0},          {UINT32_MAX, 1},
                                          {UINT32_MAX, UINT32_MAX}, {0x80000000u, 0x80000000u},
                                          {UINT32_MAX - 3, 0},      {UINT32_MAX - 10, 11}};
    struct pair pair;
    uint8_t byte = 0;
    (void)state;
    open_pair(&pair, 64);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        assert_int_equal(
            message_ring_put(&pair.producer, &byte, lengths[i][0], &byte, lengths[i][1]),
            RING_FULL);
    expect_empty(&pair);
    close_pair(&pair);
}

static void every_length_wraps_at_every_offset(void **state)
{
    const uint32_t capacity = 128;
    struct pair pair;
    (void)state;
    open_pair(&pair, capacity);
    for (uint32_t offset = 0; offset < capacity; offset += 8) {
        for (uint32_t length = 0; length <= capacity - 4; length++) {
            /* one half of the offsets crosses 2^32 as well */
            start_at(&pair, offset - (length % 2 ? capacity : 0));
            assert_int_equal(put(&pair, length / 3, length - length / 3, length), RING_OK);
            expect(&pair, length, length);
            expect_empty(&pair);
        }
    }
    close_pair(&pair);
}

static void indices_wrap_past_2_to_the_32(void **state)
{
    struct pair pair;
    uint32_t sent = 0, received = 0;
    (void)state;
    open_pair(&pair, 256);
    start_at(&pair, UINT32_MAX - 2047);
    while (received < 2000) {
        while (put(&pair, sent % 32, sent % 61, sent) == RING_OK)
            sent++;
        const uint32_t keep = received % 2; /* not always drained: the ring wraps while filled */
        while (received + keep < sent) {
            expect(&pair, received % 32 + received % 61, received);
            received++;
        }
    }
    assert_true(pair.producer.tail < 0x80000000u);
    close_pair(&pair);
}

static void a_record_longer_than_the_buffer_is_a_fault_and_is_not_consumed(void **state)
{
    struct pair pair;
    uint8_t found[8];
    uint32_t length = 77;
    (void)state;
    open_pair(&pair, 64);
    assert_int_equal(put(&pair, 9, 0, 1), RING_OK);
    assert_int_equal(message_ring_take(&pair.consumer, found, 8, &length), RING_FAULT);
    assert_int_equal(message_ring_take(&pair.consumer, found, 8, &length), RING_FAULT);
    assert_int_equal(length, 77);
    expect(&pair, 9, 1);
    close_pair(&pair);
}

static void a_ring_without_room_is_full_and_empty(void **state)
{
    struct pair pair;
    (void)state;
    open_pair(&pair, 0);
    assert_int_equal(put(&pair, 0, 0, 1), RING_FULL);
    expect_empty(&pair);
    close_pair(&pair);
}

static void notifies_only_a_sleeper_and_only_after_a_put(void **state)
{
    struct pair pair;
    (void)state;
    open_pair(&pair, 64);
    assert_false(message_ring_should_notify(&pair.producer));
    put(&pair, 1, 0, 1);
    assert_false(message_ring_should_notify(&pair.producer)); /* the consumer is awake */
    assert_false(message_ring_may_sleep(&pair.consumer));     /* there is a record */
    assert_int_equal(atomic_load(&pair.consumer_half->wants_wake), 0);
    expect(&pair, 1, 1);
    assert_true(message_ring_may_sleep(&pair.consumer));
    assert_int_equal(atomic_load(&pair.consumer_half->wants_wake), 1);
    assert_false(message_ring_should_notify(&pair.producer)); /* nothing new */
    put(&pair, 1, 0, 2);
    put(&pair, 1, 0, 3);
    assert_true(message_ring_should_notify(&pair.producer));
    assert_false(message_ring_should_notify(&pair.producer));
    expect(&pair, 1, 2);
    assert_int_equal(atomic_load(&pair.consumer_half->wants_wake), 0);
    assert_false(message_ring_may_sleep(&pair.consumer)); /* one more, already seen */
    expect(&pair, 1, 3);
    assert_true(message_ring_may_sleep(&pair.consumer));
    close_pair(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(capacity_is_the_largest_power_of_two_that_fits),
        cmocka_unit_test(empty_then_one_then_empty),
        cmocka_unit_test(parts_may_be_empty),
        cmocka_unit_test(exact_fit_fills_the_ring_and_one_more_byte_never_fits),
        cmocka_unit_test(lengths_that_overflow_32_bits_do_not_fit),
        cmocka_unit_test(every_length_wraps_at_every_offset),
        cmocka_unit_test(indices_wrap_past_2_to_the_32),
        cmocka_unit_test(a_record_longer_than_the_buffer_is_a_fault_and_is_not_consumed),
        cmocka_unit_test(a_ring_without_room_is_full_and_empty),
        cmocka_unit_test(notifies_only_a_sleeper_and_only_after_a_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
