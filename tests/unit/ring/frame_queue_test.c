/* SPDX-License-Identifier: BSD-2-Clause */
/* Frame queue: sDDF's layout, 16-bit indices over every wrap, hostile descriptors, flags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ring/frame_queue.h"

struct pair {
    struct frame_ring *ring;
    struct frame_end producer, consumer;
};

static void open_pair(struct pair *pair, uint16_t capacity)
{
    pair->ring = calloc(1, frame_ring_region_size(capacity));
    frame_end_init(&pair->producer, pair->ring, capacity);
    frame_end_init(&pair->consumer, pair->ring, capacity);
}

/* As if `index` descriptors had gone through already. */
static void start_at(struct pair *pair, uint16_t index)
{
    pair->producer.index = pair->producer.other = index;
    pair->consumer.index = pair->consumer.other = index;
    atomic_store(&pair->ring->tail, index);
    atomic_store(&pair->ring->head, index);
}

static void layout_is_sddfs(void **state)
{
    (void)state;
    assert_int_equal(offsetof(struct frame_ring, tail), 0);
    assert_int_equal(offsetof(struct frame_ring, head), 2);
    assert_int_equal(offsetof(struct frame_ring, consumer_signalled), 4);
    assert_int_equal(offsetof(struct frame_ring, descriptor), 8);
    assert_int_equal(offsetof(struct frame_descriptor, offset), 0);
    assert_int_equal(offsetof(struct frame_descriptor, length), 8);
    assert_int_equal(frame_ring_region_size(512), 8 + 512 * 16);
    assert_int_equal(frame_data_region_size(512), 512 * 2048);
    assert_int_equal(frame_data_region_size(32768), 32768 * 2048);
}

/* Empty, filled to the last place, full, emptied: from each of the 65536 starting indices. */
static void full_and_empty_are_right_at_every_index(void **state)
{
    static const uint16_t capacities[] = {1, 2, 8};
    (void)state;
    for (size_t c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++) {
        struct pair pair;
        uint64_t offset = 0;
        uint16_t length = 0;
        open_pair(&pair, capacities[c]);
        for (uint32_t start = 0; start <= UINT16_MAX; start++) {
            start_at(&pair, (uint16_t)start);
            assert_int_equal(frame_take(&pair.consumer, &offset, &length), RING_EMPTY);
            for (uint16_t i = 0; i < capacities[c]; i++)
                assert_int_equal(frame_put(&pair.producer, i * FRAME_BUFFER_SIZE, i), RING_OK);
            assert_int_equal(frame_put(&pair.producer, 0, 0), RING_FULL);
            for (uint16_t i = 0; i < capacities[c]; i++) {
                assert_int_equal(frame_take(&pair.consumer, &offset, &length), RING_OK);
                assert_int_equal(offset, i * FRAME_BUFFER_SIZE);
                assert_int_equal(length, i);
            }
            assert_int_equal(frame_take(&pair.consumer, &offset, &length), RING_EMPTY);
        }
        free(pair.ring);
    }
}

/* Every capacity, kept nearly full, until the indices have wrapped twice. */
static void order_holds_over_the_wraps_of_every_capacity(void **state)
{
    (void)state;
    for (uint32_t capacity = 1; capacity <= 32768; capacity *= 2) {
        struct pair pair;
        uint32_t sent = 0, received = 0;
        uint64_t offset = 0;
        uint16_t length = 0;
        open_pair(&pair, (uint16_t)capacity);
        while (received < 2 * 65536 + 100) {
            while (frame_put(&pair.producer, (uint64_t)(sent % capacity) * FRAME_BUFFER_SIZE,
                             (uint16_t)(sent % 2049)) == RING_OK)
                sent++;
            assert_int_equal(sent - received, capacity);
            for (uint32_t i = 0; i <= capacity / 3; i++) {
                assert_int_equal(frame_take(&pair.consumer, &offset, &length), RING_OK);
                assert_int_equal(offset, (uint64_t)(received % capacity) * FRAME_BUFFER_SIZE);
                assert_int_equal(length, received % 2049);
                received++;
            }
        }
        free(pair.ring);
    }
}

static void descriptors_outside_the_buffers_are_faults(void **state)
{
    static const struct {
        uint64_t offset;
        uint16_t length;
        enum ring_result result;
    } rows[] = {
        {0, 0, RING_OK},
        {7 * 2048, 2048, RING_OK},
        {7 * 2048, 2049, RING_FAULT},
        {0, UINT16_MAX, RING_FAULT},
        {8 * 2048, 60, RING_FAULT},
        {1, 60, RING_FAULT},
        {2047, 60, RING_FAULT},
        {UINT64_C(1) << 32, 60, RING_FAULT},
        {UINT64_MAX - 2047, 60, RING_FAULT},
        {UINT64_MAX, 60, RING_FAULT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pair pair;
        uint64_t offset = 0;
        uint16_t length = 0;
        open_pair(&pair, 8);
        assert_int_equal(frame_put(&pair.producer, rows[i].offset, rows[i].length), RING_OK);
        assert_int_equal(frame_take(&pair.consumer, &offset, &length), rows[i].result);
        free(pair.ring);
    }
}

static void impossible_indices_are_faults(void **state)
{
    (void)state;
    for (uint32_t wrong = 0; wrong <= UINT16_MAX; wrong++) {
        struct pair pair;
        uint64_t offset = 0;
        uint16_t length = 0;
        open_pair(&pair, 4);
        start_at(&pair, 65534);
        atomic_store(&pair.ring->tail, (uint16_t)wrong);
        const uint16_t available = (uint16_t)(wrong - 65534);
        assert_int_equal(frame_take(&pair.consumer, &offset, &length), available == 0 ? RING_EMPTY
                                                                       : available <= 4
                                                                           ? RING_OK
                                                                           : RING_FAULT);
        for (int i = 0; i < 4; i++)
            assert_int_equal(frame_put(&pair.producer, 0, 0), RING_OK);
        atomic_store(&pair.ring->head, (uint16_t)wrong);
        const uint16_t used = (uint16_t)(65534 + 4 - wrong);
        assert_int_equal(frame_put(&pair.producer, 0, 0), used == 4  ? RING_FULL
                                                          : used < 4 ? RING_OK
                                                                     : RING_FAULT);
        free(pair.ring);
    }
}

static void notifies_only_a_sleeper_and_once(void **state)
{
    struct pair pair;
    uint64_t offset = 0;
    uint16_t length = 0;
    (void)state;
    open_pair(&pair, 4);
    assert_true(frame_may_sleep(&pair.consumer));
    frame_put(&pair.producer, 0, 1);
    assert_true(frame_should_notify(&pair.producer));
    frame_put(&pair.producer, 2048, 1);
    assert_false(frame_should_notify(&pair.producer)); /* asked for once, given once */
    assert_false(frame_may_sleep(&pair.consumer));
    assert_int_equal(frame_take(&pair.consumer, &offset, &length), RING_OK);
    assert_false(frame_may_sleep(&pair.consumer)); /* one more, already seen */
    assert_int_equal(frame_take(&pair.consumer, &offset, &length), RING_OK);
    assert_true(frame_may_sleep(&pair.consumer));
    frame_ignore(&pair.consumer);
    frame_put(&pair.producer, 4096, 1);
    assert_false(frame_should_notify(&pair.producer));
    free(pair.ring);
}

/* A sleeper that has seen everything is left alone: two ends that woke each other for nothing
 * would never sleep again. */
static void nothing_new_is_no_reason_to_notify(void **state)
{
    struct pair pair;
    uint64_t offset = 0;
    uint16_t length = 0;
    (void)state;
    open_pair(&pair, 4);
    assert_true(frame_may_sleep(&pair.consumer));
    assert_false(frame_should_notify(&pair.producer));
    frame_put(&pair.producer, 0, 1);
    assert_true(frame_should_notify(&pair.producer));
    assert_int_equal(frame_take(&pair.consumer, &offset, &length), RING_OK);
    assert_true(frame_may_sleep(&pair.consumer));
    assert_false(frame_should_notify(&pair.producer));
    free(pair.ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_is_sddfs),
        cmocka_unit_test(full_and_empty_are_right_at_every_index),
        cmocka_unit_test(order_holds_over_the_wraps_of_every_capacity),
        cmocka_unit_test(descriptors_outside_the_buffers_are_faults),
        cmocka_unit_test(impossible_indices_are_faults),
        cmocka_unit_test(notifies_only_a_sleeper_and_once),
        cmocka_unit_test(nothing_new_is_no_reason_to_notify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
