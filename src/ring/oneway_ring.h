/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One-way ring: fixed slots, the producer overwrites, the consumer finds and counts what it
 * lost. Nothing of the consumer's is mapped in the producer, so nothing flows back.
 *
 * Producer: store reserve, fence, write the slot in relaxed words, store tail (release).
 * Consumer: read tail (acquire), copy, fence, read reserve again, discard what was lapped.
 */
#ifndef SLUICE_ONEWAY_RING_H
#define SLUICE_ONEWAY_RING_H

#include <stdatomic.h>
#include <stdint.h>

#include "ring/message_ring.h" /* enum ring_result */

struct oneway_ring {
    _Atomic uint64_t tail;    /* slots ever published */
    _Atomic uint64_t reserve; /* slots ever begun */
    uint8_t padding[48];
    _Atomic uint64_t words[]; /* slot_count * slot_size / 8 */
};
_Static_assert(sizeof(struct oneway_ring) == 64, "slots start on a cache line");

struct oneway_producer {
    struct oneway_ring *ring;
    uint32_t slot_words;
    uint32_t slot_count; /* power of two */
    uint64_t tail;
};

struct oneway_consumer {
    const struct oneway_ring *ring;
    uint32_t slot_words;
    uint32_t slot_count;
    uint64_t next;    /* number of the next slot to read */
    uint64_t lost;    /* slots overwritten before they were read */
    uint64_t tail;    /* the producer's, when last looked at */
    uint64_t reserve; /* likewise */
};

/* `slot_size` in bytes, a multiple of 8. */
uint32_t oneway_ring_region_size(uint32_t slot_size, uint32_t slot_count);

/* The slot count is the largest power of two that fits in the region. A producer that comes to a
 * ring in use goes on behind what was published; nobody else may be writing to it. */
void oneway_producer_init(struct oneway_producer *producer, void *region, uint32_t region_size,
                          uint32_t slot_size);
void oneway_consumer_init(struct oneway_consumer *consumer, const void *region,
                          uint32_t region_size, uint32_t slot_size);

/* A consumer that comes to a ring in use: what is there already is not read, and counted as lost
 * from slot number `taken` on, up to which the consumer before had got. A number that the ring has
 * not reached counts as nothing. */
void oneway_skip(struct oneway_consumer *consumer, uint64_t taken);

/* Never fails, never waits. `length` at most slot_size; the rest of the slot is zeroed, and what
 * is longer is cut. */
void oneway_put(struct oneway_producer *producer, const void *record, uint32_t length);

/* Copies the next intact slot to `record` (slot_size bytes, aligned to 8). RING_EMPTY when
 * there is none; RING_FAULT when tail or reserve went backwards or ran ahead impossibly.
 * Lapped slots are added to consumer->lost; RING_EMPTY also when the producer laps faster than
 * one slot can be copied, so that it cannot hold its consumer. */
enum ring_result oneway_take(struct oneway_consumer *consumer, void *record);

#endif
