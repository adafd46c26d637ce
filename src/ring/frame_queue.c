/* SPDX-License-Identifier: BSD-2-Clause */
#include "ring/frame_queue.h"

#include "sluice/barrier.h"

/* consumer_signalled, from the consumer's side */
#define AWAKE  1u
#define ASLEEP 0u

uint32_t frame_ring_region_size(uint16_t capacity)
{
    return (uint32_t)sizeof(struct frame_ring) +
           capacity * (uint32_t)sizeof(struct frame_descriptor);
}

uint32_t frame_data_region_size(uint16_t capacity)
{
    return capacity * FRAME_BUFFER_SIZE;
}

void frame_end_init(struct frame_end *end, void *region, uint16_t capacity)
{
    *end = (struct frame_end){.shared = region, .capacity = capacity};
}

/* Indices are 16 bits wide and C computes in int: every difference is cut back to 16 bits, or
 * it is negative once tail has wrapped and head has not. */
static uint16_t distance(uint16_t from, uint16_t to)
{
    return (uint16_t)(to - from);
}

static struct frame_descriptor *descriptor_at(const struct frame_end *end)
{
    return &end->shared->descriptor[end->index & (end->capacity - 1)];
}

enum ring_result frame_put(struct frame_end *producer, uint64_t offset, uint16_t length)
{
    if (distance(producer->other, producer->index) == producer->capacity) {
        const uint16_t head = sl_load_acquire(&producer->shared->head);
        if (distance(head, producer->index) > producer->capacity)
            return RING_FAULT;
        producer->other = head;
        if (distance(head, producer->index) == producer->capacity)
            return RING_FULL;
    }
    struct frame_descriptor *descriptor = descriptor_at(producer);
    descriptor->offset = offset;
    descriptor->length = length;
    producer->index++;
    sl_store_release(&producer->shared->tail, producer->index);
    return RING_OK;
}

enum ring_result frame_take(struct frame_end *consumer, uint64_t *offset, uint16_t *length)
{
    if (consumer->other == consumer->index) {
        const uint16_t tail = sl_load_acquire(&consumer->shared->tail);
        if (distance(consumer->index, tail) > consumer->capacity)
            return RING_FAULT;
        consumer->other = tail;
        if (tail == consumer->index)
            return RING_EMPTY;
    }
    /* One load each: what is checked is what is used, whatever the producer does. */
    struct frame_descriptor *descriptor = descriptor_at(consumer);
    const uint64_t found_offset = sl_load_relaxed((_Atomic uint64_t *)&descriptor->offset);
    const uint16_t found_length = sl_load_relaxed((_Atomic uint16_t *)&descriptor->length);
    if (found_offset % FRAME_BUFFER_SIZE != 0 ||
        found_offset >= frame_data_region_size(consumer->capacity) ||
        found_length > FRAME_BUFFER_SIZE)
        return RING_FAULT;
    *offset = found_offset;
    *length = found_length;
    consumer->index++;
    sl_store_release(&consumer->shared->head, consumer->index);
    return RING_OK;
}

bool frame_should_notify(struct frame_end *producer)
{
    if (producer->index == producer->announced)
        return false; /* nothing new: a consumer that sleeps has seen all there is */
    producer->announced = producer->index;
    sl_fence_full(); /* tail is out before the flag is read; pairs with frame_may_sleep's */
    if (sl_load_relaxed(&producer->shared->consumer_signalled) != ASLEEP)
        return false;
    sl_store_relaxed(&producer->shared->consumer_signalled, AWAKE);
    /* The flag is out before the notification: were it late, it would overwrite the ASLEEP of a
     * consumer that the notification has woken and that sleeps again, and nobody would wake it. */
    sl_fence_full();
    return true;
}

bool frame_may_sleep(struct frame_end *consumer)
{
    if (consumer->other != consumer->index)
        return false;
    sl_store_relaxed(&consumer->shared->consumer_signalled, ASLEEP);
    sl_fence_full(); /* the flag is out before tail is read again; see frame_should_notify */
    if (sl_load_relaxed(&consumer->shared->tail) == consumer->index)
        return true;
    sl_store_relaxed(&consumer->shared->consumer_signalled, AWAKE);
    return false;
}

void frame_ignore(struct frame_end *consumer)
{
    sl_store_relaxed(&consumer->shared->consumer_signalled, AWAKE);
}
