/* SPDX-License-Identifier: BSD-2-Clause */
#include "ring/message_ring.h"

#include <string.h>

#include "sluice/barrier.h"

#define RECORD_ALIGNMENT 8u
#define LENGTH_SIZE      ((uint32_t)sizeof(uint32_t))

/* Bytes that a record occupies. 64 bits wide: no length that a caller or a peer can name makes
 * it overflow. */
static uint64_t record_extent(uint64_t length)
{
    return (LENGTH_SIZE + length + (RECORD_ALIGNMENT - 1)) & ~(uint64_t)(RECORD_ALIGNMENT - 1);
}

/* Zero when not even the smallest record fits: such a ring is always full and always empty. */
static uint32_t capacity_of(uint32_t region_size)
{
    const uint32_t header = sizeof(struct message_ring_producer_half);
    uint32_t capacity = RECORD_ALIGNMENT;
    if (region_size < header + capacity)
        return 0;
    while (capacity <= (region_size - header) / 2)
        capacity *= 2;
    return capacity;
}

uint32_t message_ring_region_size(uint32_t capacity)
{
    return (uint32_t)sizeof(struct message_ring_producer_half) + capacity;
}

void message_ring_producer_init(struct message_ring_producer *ring, void *producer_half,
                                const void *consumer_half, uint32_t producer_region_size)
{
    *ring = (struct message_ring_producer){
        .mine = producer_half,
        .theirs = consumer_half,
        .capacity = capacity_of(producer_region_size),
    };
}

void message_ring_consumer_init(struct message_ring_consumer *ring, const void *producer_half,
                                void *consumer_half, uint32_t producer_region_size)
{
    *ring = (struct message_ring_consumer){
        .theirs = producer_half,
        .mine = consumer_half,
        .capacity = capacity_of(producer_region_size),
    };
}

static void copy_in(struct message_ring_producer *ring, uint32_t index, const void *bytes,
                    uint32_t length)
{
    const uint32_t at = index & (ring->capacity - 1);
    const uint32_t before_end = ring->capacity - at;
    if (length == 0) /* an empty part may be NULL */
        return;
    if (length <= before_end) {
        memcpy(ring->mine->data + at, bytes, length);
        return;
    }
    memcpy(ring->mine->data + at, bytes, before_end);
    memcpy(ring->mine->data, (const uint8_t *)bytes + before_end, length - before_end);
}

static void copy_out(const struct message_ring_consumer *ring, uint32_t index, void *bytes,
                     uint32_t length)
{
    const uint32_t at = index & (ring->capacity - 1);
    const uint32_t before_end = ring->capacity - at;
    if (length == 0)
        return;
    if (length <= before_end) {
        memcpy(bytes, ring->theirs->data + at, length);
        return;
    }
    memcpy(bytes, ring->theirs->data + at, before_end);
    memcpy((uint8_t *)bytes + before_end, ring->theirs->data, length - before_end);
}

/* Looks at the consumer's head. It may only have moved forward, and not past our tail. */
static enum ring_result refresh_head(struct message_ring_producer *ring)
{
    const uint32_t head = sl_load_acquire(&ring->theirs->head);
    if (ring->tail - head > ring->tail - ring->head || head % RECORD_ALIGNMENT != 0)
        return RING_FAULT;
    ring->head = head;
    return RING_OK;
}

enum ring_result message_ring_room(struct message_ring_producer *ring, uint64_t length)
{
    const uint64_t extent = record_extent(length);
    if (extent <= ring->capacity - (ring->tail - ring->head))
        return RING_OK;
    if (refresh_head(ring) != RING_OK)
        return RING_FAULT;
    return extent <= ring->capacity - (ring->tail - ring->head) ? RING_OK : RING_FULL;
}

enum ring_result message_ring_put(struct message_ring_producer *ring, const void *first,
                                  uint32_t first_length, const void *second, uint32_t second_length)
{
    const uint64_t length = (uint64_t)first_length + second_length;
    const uint64_t extent = record_extent(length);
    const enum ring_result room = message_ring_room(ring, length);
    if (room != RING_OK)
        return room;

    /* Records start at multiples of 8, so the length itself never wraps. */
    const uint32_t length32 = (uint32_t)length;
    copy_in(ring, ring->tail, &length32, LENGTH_SIZE);
    copy_in(ring, ring->tail + LENGTH_SIZE, first, first_length);
    copy_in(ring, ring->tail + LENGTH_SIZE + first_length, second, second_length);
    ring->tail += (uint32_t)extent;
    sl_store_release(&ring->mine->tail, ring->tail);
    return RING_OK;
}

bool message_ring_should_notify(struct message_ring_producer *ring)
{
    if (ring->notified_tail == ring->tail)
        return false;
    ring->notified_tail = ring->tail;
    sl_fence_full(); /* tail is out before the flag is read; pairs with may_sleep's */
    return sl_load_relaxed(&ring->theirs->wants_wake) != 0;
}

/* Looks at the producer's tail, when all up to the last one seen is consumed. */
static enum ring_result refresh_tail(struct message_ring_consumer *ring)
{
    const uint32_t tail = sl_load_acquire(&ring->theirs->tail);
    if (tail - ring->head > ring->capacity || tail % RECORD_ALIGNMENT != 0)
        return RING_FAULT;
    ring->tail = tail;
    return tail == ring->head ? RING_EMPTY : RING_OK;
}

static void set_wants_wake(struct message_ring_consumer *ring, bool wanted)
{
    ring->wants_wake = wanted;
    sl_store_relaxed(&ring->mine->wants_wake, wanted);
}

enum ring_result message_ring_take(struct message_ring_consumer *ring, void *record, uint32_t size,
                                   uint32_t *length)
{
    if (ring->tail == ring->head) {
        const enum ring_result result = refresh_tail(ring);
        if (result != RING_OK)
            return result;
    }

    /* One load of the length: what is checked is what is used, whatever the producer does. */
    const uint8_t *at = ring->theirs->data + (ring->head & (ring->capacity - 1));
    const uint32_t found = sl_load_relaxed((const _Atomic uint32_t *)(const void *)at);
    const uint64_t extent = record_extent(found);
    if (found > size || extent > ring->tail - ring->head)
        return RING_FAULT;

    copy_out(ring, ring->head + LENGTH_SIZE, record, found);
    *length = found;
    ring->head += (uint32_t)extent;
    sl_store_release(&ring->mine->head, ring->head);
    if (ring->wants_wake)
        set_wants_wake(ring, false);
    return RING_OK;
}

bool message_ring_may_sleep(struct message_ring_consumer *ring)
{
    if (ring->tail != ring->head)
        return false;
    set_wants_wake(ring, true);
    sl_fence_full(); /* the flag is out before tail is read again; pairs with should_notify's */
    if (sl_load_relaxed(&ring->theirs->tail) == ring->head)
        return true;
    set_wants_wake(ring, false);
    return false;
}
