/* SPDX-License-Identifier: BSD-2-Clause */
/* The other side of each ring writes anything at all into its half. What this side does with it
 * is a valid result, or a fault; it never reads or writes outside (the regions have their exact
 * size and ASan watches), and it never writes into a half that is not its own. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ring/frame_queue.h"
#include "ring/message_ring.h"
#include "ring/oneway_ring.h"

#define ROUNDS 100000

static uint64_t random_state = 0x9e3779b97f4a7c15u;
static uint64_t random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Mostly near the edges, where a check is off by one, sometimes anything. */
static uint64_t near(uint64_t value, uint64_t range)
{
    switch (random64() % 8) {
    case 0:
        return random64();
    case 1:
        return value + range;
    case 2:
        return value + range + 8;
    case 3:
        return value - 8;
    case 4:
        return value + random64() % (range + 1);
    default:
        return value + (random64() % (range + 1) & ~UINT64_C(7));
    }
}

static void scribble(uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)random64();
}

static void message_ring_consumer_survives_its_producer(void **state)
{
    const uint32_t capacity = 64, region = message_ring_region_size(capacity);
    struct message_ring_producer_half *theirs = calloc(1, region);
    struct message_ring_consumer_half *mine = calloc(1, sizeof(*mine));
    uint8_t *record = malloc(48);
    unsigned seen[4] = {0};
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct message_ring_consumer consumer;
        message_ring_consumer_init(&consumer, theirs, mine, region);
        consumer.head = consumer.tail = (uint32_t)random64() & ~7u;
        for (unsigned step = 0; step < 8; step++) {
            const uint32_t head = consumer.head;
            scribble(theirs->data, capacity);
            if (random64() % 4 != 0) { /* a length near one that is possible */
                const uint32_t length = (uint32_t)near(0, capacity);
                memcpy(theirs->data + head % capacity, &length, sizeof(length));
            }
            atomic_store(&theirs->tail, (uint32_t)near(head, capacity));
            uint32_t length = UINT32_MAX;
            const enum ring_result result = message_ring_take(&consumer, record, 48, &length);
            assert_in_range(result, RING_OK, RING_FAULT);
            seen[result]++;
            if (result == RING_OK) {
                assert_in_range(length, 0, 48);
                assert_in_range(consumer.head - head, 8, capacity);
                assert_int_equal(consumer.head % 8, 0);
            } else {
                assert_int_equal(consumer.head, head);
                (void)message_ring_may_sleep(&consumer);
            }
        }
    }
    assert_true(seen[RING_OK] && seen[RING_EMPTY] && seen[RING_FAULT] && !seen[RING_FULL]);
    free(record);
    free(mine);
    free(theirs);
}

static void message_ring_producer_survives_its_consumer(void **state)
{
    const uint32_t capacity = 64, region = message_ring_region_size(capacity);
    struct message_ring_producer_half *mine = calloc(1, region);
    struct message_ring_consumer_half *theirs = calloc(1, sizeof(*theirs));
    uint8_t bytes[64] = {0};
    unsigned seen[4] = {0};
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct message_ring_producer producer;
        message_ring_producer_init(&producer, mine, theirs, region);
        producer.tail = producer.head = (uint32_t)random64() & ~7u;
        uint32_t head = producer.head; /* the furthest possible one that was seen */
        for (unsigned step = 0; step < 8; step++) {
            atomic_store(&theirs->head, (uint32_t)near(producer.head, capacity));
            atomic_store(&theirs->wants_wake, (uint32_t)random64());
            const enum ring_result result = message_ring_put(
                &producer, bytes, (uint32_t)random64() % 40, bytes, (uint32_t)random64() % 24);
            assert_true(result == RING_OK || result == RING_FULL || result == RING_FAULT);
            seen[result]++;
            assert_in_range(producer.tail - producer.head, 0, capacity);
            assert_in_range(producer.head - head, 0, capacity); /* never backwards */
            head = producer.head;
            (void)message_ring_should_notify(&producer);
        }
    }
    assert_true(seen[RING_OK] && seen[RING_FULL] && seen[RING_FAULT] && !seen[RING_EMPTY]);
    free(theirs);
    free(mine);
}

static void oneway_consumer_survives_its_producer(void **state)
{
    const uint32_t region = oneway_ring_region_size(16, 8);
    struct oneway_ring *ring = calloc(1, region);
    uint64_t *record = malloc(16);
    unsigned seen[4] = {0};
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct oneway_consumer consumer;
        oneway_consumer_init(&consumer, ring, region, 16);
        for (unsigned step = 0; step < 8; step++) {
            const uint64_t next = consumer.next, lost = consumer.lost;
            const uint64_t tail = near(consumer.tail, 16);
            atomic_store(&ring->tail, tail);
            atomic_store(&ring->reserve, near(tail, 16));
            const enum ring_result result = oneway_take(&consumer, record);
            assert_in_range(result, RING_OK, RING_FAULT);
            seen[result]++;
            assert_int_equal(consumer.next - next,
                             consumer.lost - lost + (result == RING_OK ? 1 : 0));
            assert_true(consumer.next <= consumer.tail);
        }
    }
    assert_true(seen[RING_OK] && seen[RING_EMPTY] && seen[RING_FAULT] && !seen[RING_FULL]);
    free(record);
    free(ring);
}

static void frame_queue_survives_the_other_end(void **state)
{
    const uint16_t capacity = 8;
    struct frame_ring *ring = calloc(1, frame_ring_region_size(capacity));
    unsigned seen[4] = {0};
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct frame_end producer, consumer;
        frame_end_init(&producer, ring, capacity);
        frame_end_init(&consumer, ring, capacity);
        producer.index = consumer.index = consumer.other = (uint16_t)random64();
        producer.other = (uint16_t)(producer.index - random64() % (capacity + 1));
        for (unsigned step = 0; step < 8; step++) {
            uint64_t offset = 0;
            uint16_t length = 0;
            atomic_store(&ring->tail, (uint16_t)near(consumer.index, capacity));
            for (uint16_t i = 0; i < capacity; i++) {
                ring->descriptor[i].offset =
                    random64() % 2 ? random64() % 12 * FRAME_BUFFER_SIZE : random64();
                ring->descriptor[i].length =
                    (uint16_t)(random64() % 2 ? random64() % 2048 : random64());
            }
            enum ring_result result = frame_take(&consumer, &offset, &length);
            assert_in_range(result, RING_OK, RING_FAULT);
            seen[result]++;
            assert_true(offset + length <= frame_data_region_size(capacity));
            (void)frame_may_sleep(&consumer);

            atomic_store(&ring->head, (uint16_t)near(producer.index, capacity));
            result = frame_put(&producer, 0, 0);
            assert_true(result != RING_EMPTY);
            seen[result]++;
            (void)frame_should_notify(&producer);
        }
    }
    assert_true(seen[RING_OK] && seen[RING_EMPTY] && seen[RING_FULL] && seen[RING_FAULT]);
    free(ring);
}

/* Runs `body` in a child: false when a page fault ended it. */
static bool survives(void (*body)(void *), void *argument)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL); /* the test runner's own would report a failed test */
        body(argument);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

struct halves {
    uint8_t *producer_half, *consumer_half;
    uint32_t region;
};

static void *page(void)
{
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    return memory;
}

static void consume_read_only(void *argument)
{
    const struct halves *halves = argument;
    struct message_ring_consumer consumer;
    uint8_t record[64];
    uint32_t length = 0;
    if (mprotect(halves->producer_half, 4096, PROT_READ) != 0)
        _exit(2);
    message_ring_consumer_init(&consumer, halves->producer_half, halves->consumer_half,
                               halves->region);
    for (unsigned i = 0; i < 3; i++)
        if (message_ring_take(&consumer, record, sizeof(record), &length) != RING_OK)
            _exit(3);
    if (message_ring_take(&consumer, record, sizeof(record), &length) != RING_EMPTY ||
        !message_ring_may_sleep(&consumer))
        _exit(4);
}

static void produce_read_only(void *argument)
{
    const struct halves *halves = argument;
    struct message_ring_producer producer;
    uint8_t record[64] = {0};
    if (mprotect(halves->consumer_half, 4096, PROT_READ) != 0)
        _exit(2);
    message_ring_producer_init(&producer, halves->producer_half, halves->consumer_half,
                               halves->region);
    while (message_ring_put(&producer, record, 10, record, 54) == RING_OK)
        (void)message_ring_should_notify(&producer);
}

static void consume_oneway_read_only(void *argument)
{
    struct oneway_consumer consumer;
    uint64_t record[2];
    if (mprotect(argument, 4096, PROT_READ) != 0)
        _exit(2);
    oneway_consumer_init(&consumer, argument, 4096, 16);
    for (unsigned i = 0; i < 3; i++)
        if (oneway_take(&consumer, record) != RING_OK)
            _exit(3);
    if (oneway_take(&consumer, record) != RING_EMPTY)
        _exit(4);
}

static void write_read_only(void *argument)
{
    if (mprotect(argument, 4096, PROT_READ) != 0)
        _exit(2);
    *(volatile uint8_t *)argument = 1;
}

static void neither_end_writes_the_half_that_it_may_only_read(void **state)
{
    struct halves halves = {page(), page(), 4096};
    struct message_ring_producer producer;
    uint8_t record[64] = {0};
    (void)state;
    message_ring_producer_init(&producer, halves.producer_half, halves.consumer_half,
                               halves.region);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(message_ring_put(&producer, record, 20, record, 21), RING_OK);
    assert_true(survives(consume_read_only, &halves));
    assert_true(survives(produce_read_only, &halves));

    struct oneway_producer oneway;
    void *ring = page();
    oneway_producer_init(&oneway, ring, 4096, 16);
    for (unsigned i = 0; i < 3; i++)
        oneway_put(&oneway, record, 16);
    assert_true(survives(consume_oneway_read_only, ring));

    assert_false(survives(write_read_only, ring)); /* the protection does what it should */
    munmap(ring, 4096);
    munmap(halves.producer_half, 4096);
    munmap(halves.consumer_half, 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_ring_consumer_survives_its_producer),
        cmocka_unit_test(message_ring_producer_survives_its_consumer),
        cmocka_unit_test(oneway_consumer_survives_its_producer),
        cmocka_unit_test(frame_queue_survives_the_other_end),
        cmocka_unit_test(neither_end_writes_the_half_that_it_may_only_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
