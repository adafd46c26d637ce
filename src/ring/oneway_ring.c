/* SPDX-License-Identifier: BSD-2-Clause */
#include "ring/oneway_ring.h"

#include <string.h>

#include "sluice/barrier.h"

#define WORD_SIZE ((uint32_t)sizeof(uint64_t))

/* More slots than any producer fills between two looks (two years at one a nanosecond): an
 * index that runs further ahead is not a count. */
#define MAX_LEAD (UINT64_C(1) << 56)

/* How often one take() may be lapped before it gives the caller its turn back. A producer that
 * laps faster than one slot is copied must not hold its consumer. */
#define MAX_LAPS 8u

static uint32_t slot_count_of(uint32_t region_size, uint32_t slot_size)
{
    const uint32_t header = sizeof(struct oneway_ring);
    if (slot_size < WORD_SIZE || region_size < header || (region_size - header) < slot_size)
        return 0;
    const uint32_t fitting = (region_size - header) / slot_size;
    uint32_t count = 1;
    while (count <= fitting / 2)
        count *= 2;
    return count;
}

uint32_t oneway_ring_region_size(uint32_t slot_size, uint32_t slot_count)
{
    return (uint32_t)sizeof(struct oneway_ring) + slot_size * slot_count;
}

void oneway_producer_init(struct oneway_producer *producer, void *region, uint32_t region_size,
                          uint32_t slot_size)
{
    *producer = (struct oneway_producer){
        .ring = region,
        .slot_words = slot_size / WORD_SIZE,
        .slot_count = slot_count_of(region_size, slot_size),
    };
    if (region && producer->slot_count > 0)
        producer->tail = sl_load_relaxed(&producer->ring->tail);
}

void oneway_consumer_init(struct oneway_consumer *consumer, const void *region,
                          uint32_t region_size, uint32_t slot_size)
{
    *consumer = (struct oneway_consumer){
        .ring = region,
        .slot_words = slot_size / WORD_SIZE,
        .slot_count = slot_count_of(region_size, slot_size),
    };
}

void oneway_skip(struct oneway_consumer *consumer, uint64_t taken)
{
    consumer->tail = sl_load_acquire(&consumer->ring->tail);
    consumer->next = consumer->tail;
    consumer->lost = taken < consumer->tail ? consumer->tail - taken : 0;
}

/* Index of the first word of slot number `number`. */
static size_t slot_at(uint64_t number, uint32_t slot_count, uint32_t slot_words)
{
    return (size_t)(number & (slot_count - 1)) * slot_words;
}

void oneway_put(struct oneway_producer *producer, const void *record, uint32_t length)
{
    const uint8_t *bytes = record;
    struct oneway_ring *ring = producer->ring;
    if (producer->slot_count == 0)
        return;
    _Atomic uint64_t *slot =
        ring->words + slot_at(producer->tail, producer->slot_count, producer->slot_words);

    /* Who reads a word of the new record, fences, and reads reserve, finds it counted. */
    sl_store_relaxed(&ring->reserve, producer->tail + 1);
    sl_fence_release();

    for (uint32_t i = 0; i < producer->slot_words; i++) {
        uint64_t word = 0;
        if (length >= WORD_SIZE) {
            memcpy(&word, bytes, WORD_SIZE);
            bytes += WORD_SIZE;
            length -= WORD_SIZE;
        } else if (length > 0) {
            memcpy(&word, bytes, length);
            length = 0;
        }
        sl_store_relaxed(&slot[i], word);
    }
    producer->tail++;
    sl_store_release(&ring->tail, producer->tail);
}

/* Looks at the producer's tail. */
static enum ring_result refresh_tail(struct oneway_consumer *consumer)
{
    const uint64_t tail = sl_load_acquire(&consumer->ring->tail);
    if (tail < consumer->tail || tail - consumer->tail > MAX_LEAD)
        return RING_FAULT;
    consumer->tail = tail;
    return RING_OK;
}

/* Skips what is overwritten, and an eighth of the ring more: the producer is still running, and
 * the oldest slot of all would be overwritten while it is copied. */
static void catch_up(struct oneway_consumer *consumer)
{
    const uint64_t slack = consumer->slot_count / 8 + 1;
    const uint64_t kept = consumer->slot_count - slack;
    uint64_t next = consumer->next + 1;
    if (next + kept < consumer->tail)
        next = consumer->tail - kept;
    consumer->lost += next - consumer->next;
    consumer->next = next;
}

enum ring_result oneway_take(struct oneway_consumer *consumer, void *record)
{
    uint64_t *words = record;
    if (consumer->slot_count == 0)
        return RING_EMPTY;
    for (unsigned laps = 0; laps < MAX_LAPS; laps++) {
        if (consumer->next == consumer->tail) {
            if (refresh_tail(consumer) != RING_OK)
                return RING_FAULT;
            if (consumer->next == consumer->tail)
                return RING_EMPTY;
        }

        const _Atomic uint64_t *slot =
            consumer->ring->words +
            slot_at(consumer->next, consumer->slot_count, consumer->slot_words);
        for (uint32_t i = 0; i < consumer->slot_words; i++)
            words[i] = sl_load_relaxed(&slot[i]);
        sl_fence_acquire();

        const uint64_t reserve = sl_load_relaxed(&consumer->ring->reserve);
        if (reserve < consumer->tail || reserve < consumer->reserve ||
            reserve - consumer->tail > MAX_LEAD)
            return RING_FAULT;
        consumer->reserve = reserve;
        /* Slot n is next overwritten by slot n + count, which stores reserve n + count + 1. */
        if (reserve - consumer->next <= consumer->slot_count) {
            consumer->next++;
            return RING_OK;
        }
        if (refresh_tail(consumer) != RING_OK)
            return RING_FAULT;
        catch_up(consumer);
    }
    return RING_EMPTY;
}
