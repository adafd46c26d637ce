/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frame queue between a NIC driver and its frontend, laid out as sDDF's network queues: a free
 * and an active queue of 16-byte descriptors and a region of 2 KiB buffers; descriptors hold
 * offsets into it. Both ends belong to one side, so both queues are writable by both.
 *
 *   receive    the frontend puts empty buffers on free; the driver fills and puts on active
 *   transmit   the driver puts sent buffers on free; the frontend fills and puts on active
 *
 * At init the consumer side of free does not own any buffer: the frontend fills receive's free
 * queue; transmit's buffers all start with the frontend.
 */
#ifndef SLUICE_FRAME_QUEUE_H
#define SLUICE_FRAME_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ring/message_ring.h" /* enum ring_result */

#define FRAME_BUFFER_SIZE 2048u

struct frame_descriptor {
    uint64_t offset; /* of the buffer in the data region; sDDF: io_or_offset */
    uint16_t length; /* bytes of the frame */
    uint8_t padding[6];
};
_Static_assert(sizeof(struct frame_descriptor) == 16, "sDDF's net_buff_desc_t");

/* One direction of descriptors, as sDDF's net_queue_t. */
struct frame_ring {
    _Atomic uint16_t tail;
    _Atomic uint16_t head;
    _Atomic uint32_t consumer_signalled; /* 1: consumer awake, no notification needed */
    struct frame_descriptor descriptor[];
};
_Static_assert(sizeof(struct frame_ring) == 8, "sDDF's net_queue_t header");

/* One end's private view of one ring. */
struct frame_end {
    struct frame_ring *shared;
    uint16_t capacity;  /* power of two, at most 32768 */
    uint16_t index;     /* own index: tail for a producer, head for a consumer */
    uint16_t other;     /* the other end's index, when last looked at */
    uint16_t announced; /* producer: index at the last frame_should_notify */
};

uint32_t frame_ring_region_size(uint16_t capacity);
uint32_t frame_data_region_size(uint16_t capacity);

void frame_end_init(struct frame_end *end, void *region, uint16_t capacity);

/* RING_FULL, RING_FAULT (the other's index is impossible). */
enum ring_result frame_put(struct frame_end *producer, uint64_t offset, uint16_t length);
/* RING_EMPTY; RING_FAULT also when offset or length do not fit: offset is a multiple of the
 * buffer size within capacity buffers, length at most the buffer size. */
enum ring_result frame_take(struct frame_end *consumer, uint64_t *offset, uint16_t *length);

/* After puts: true when something was put since the last call and the consumer asked to be
 * notified; clears the request. */
bool frame_should_notify(struct frame_end *producer);
/* Before sleeping: true when empty and a notification was asked for; false: look again. */
bool frame_may_sleep(struct frame_end *consumer);
/* A consumer that does not care about new entries for now (e.g. free buffers it has plenty of). */
void frame_ignore(struct frame_end *consumer);

#endif
