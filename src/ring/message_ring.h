/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Message ring: single producer, single consumer, variable records, the two halves on
 * separately mapped pages. The producer's half (tail and data) is read-only to the consumer,
 * the consumer's half (head and wants_wake) read-only to the producer.
 *
 * Indices are byte counts that run freely; capacity is a power of two. A record is a u32
 * length, then its bytes, padded to 8; it wraps where the data ends. The consumer copies a
 * record once into private memory and looks only at the copy. An index or length that is
 * impossible is a FAULT: the caller reports it and stops using the ring.
 *
 * Sleep/wake: the consumer sets wants_wake, fences, looks again, then sleeps; the producer
 * publishes, fences, reads wants_wake, and notifies if it is set. proofs/ has the Spin model.
 */
#ifndef SLUICE_MESSAGE_RING_H
#define SLUICE_MESSAGE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct message_ring_producer_half {
    _Atomic uint32_t tail; /* bytes ever published, modulo 2^32 */
    uint8_t padding[60];
    uint8_t data[]; /* capacity bytes */
};
_Static_assert(sizeof(struct message_ring_producer_half) == 64, "data starts on a cache line");

struct message_ring_consumer_half {
    _Atomic uint32_t head; /* bytes ever consumed, modulo 2^32 */
    _Atomic uint32_t wants_wake;
};

enum ring_result { RING_OK, RING_EMPTY, RING_FULL, RING_FAULT };

struct message_ring_producer {
    struct message_ring_producer_half *mine;
    const struct message_ring_consumer_half *theirs;
    uint32_t capacity;
    uint32_t tail;          /* private truth; the shared one is only published */
    uint32_t notified_tail; /* tail at the last message_ring_should_notify */
    uint32_t head;          /* the consumer's, when last looked at */
};

struct message_ring_consumer {
    const struct message_ring_producer_half *theirs;
    struct message_ring_consumer_half *mine;
    uint32_t capacity;
    uint32_t head;   /* private truth; the shared one is only published */
    uint32_t tail;   /* the producer's, when last looked at */
    bool wants_wake; /* as last stored in the shared half */
};

/* Bytes of the producer's region for `capacity` bytes of data (a power of two). */
uint32_t message_ring_region_size(uint32_t capacity);

/* Attach one end. `producer_region_size` is the mapped size of the producer's half; the
 * capacity is the largest power of two that fits. Shared memory starts zeroed. */
void message_ring_producer_init(struct message_ring_producer *ring, void *producer_half,
                                const void *consumer_half, uint32_t producer_region_size);
void message_ring_consumer_init(struct message_ring_consumer *ring, const void *producer_half,
                                void *consumer_half, uint32_t producer_region_size);

/* Publishes one record made of two parts (a header and a payload; either may be empty).
 * RING_FULL when it does not fit now, RING_FAULT when the consumer's head is impossible. The
 * head is looked at only when the record does not fit by the last one seen. */
enum ring_result message_ring_put(struct message_ring_producer *ring, const void *first,
                                  uint32_t first_length, const void *second,
                                  uint32_t second_length);

/* RING_OK when a record of `length` bytes would be put now, RING_FULL, or RING_FAULT as above. */
enum ring_result message_ring_room(struct message_ring_producer *ring, uint64_t length);

/* After the puts of one wake: true when the consumer is asleep and must be notified. */
bool message_ring_should_notify(struct message_ring_producer *ring);

/* Copies the next record to `record` (at most `size` bytes) and consumes it. RING_FAULT when
 * the producer's tail or the record's length is impossible, or above `size`; nothing is consumed
 * then. The tail is looked at only when all up to the last one seen is consumed. */
enum ring_result message_ring_take(struct message_ring_consumer *ring, void *record, uint32_t size,
                                   uint32_t *length);

/* Before sleeping: true when the ring is empty and the producer will notify; false when there
 * is more to take (or a fault to find). */
bool message_ring_may_sleep(struct message_ring_consumer *ring);

#endif
