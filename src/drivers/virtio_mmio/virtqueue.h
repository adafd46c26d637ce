/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueue (virtio 1.2 section 2.7), the driver's half. Each descriptor is one whole
 * buffer; nothing is chained. What the device says it used is believed only when it is a
 * descriptor that it holds and a length that the buffer has: else the queue is broken.
 *
 * The memory is shared with the device. Without an IOMMU a hostile device reads and writes all
 * memory anyway; these checks are for one that errs, and keep what it says from becoming an
 * index or a length in the driver.
 */
#ifndef SLUICE_VIRTQUEUE_H
#define SLUICE_VIRTQUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define VIRTQUEUE_MAX 256u /* entries of one queue, at most */

/* Section 2.7.5. Little-endian, as all supported hosts are. */
struct virtq_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};
_Static_assert(sizeof(struct virtq_descriptor) == 16, "section 2.7.5");
#define VIRTQ_DEVICE_WRITES 2u /* VIRTQ_DESC_F_WRITE */

/* Section 2.7.6 */
struct virtq_available {
    _Atomic uint16_t flags; /* 1: do not interrupt */
    _Atomic uint16_t index;
    uint16_t ring[];
};

/* Section 2.7.8 */
struct virtq_used_element {
    _Atomic uint32_t id;
    _Atomic uint32_t length;
};
struct virtq_used {
    _Atomic uint16_t flags;
    _Atomic uint16_t index;
    struct virtq_used_element ring[];
};

/* Where the three parts of a queue of `size` entries (a power of two) lie, from its start. */
struct virtqueue_layout {
    uint32_t available, used, total; /* bytes; total is a multiple of 64 */
};
struct virtqueue_layout virtqueue_layout(uint16_t size);

struct virtqueue {
    struct virtq_descriptor *descriptors;
    struct virtq_available *available;
    const struct virtq_used *used;
    uint16_t size;
    uint16_t available_index;      /* buffers ever given, modulo 2^16 */
    uint16_t used_index;           /* buffers ever taken back, modulo 2^16 */
    uint32_t given[VIRTQUEUE_MAX]; /* bytes of the buffer that the device holds; 0: it does not */
};

enum virtqueue_result { VIRTQUEUE_OK, VIRTQUEUE_EMPTY, VIRTQUEUE_BROKEN };

/* `memory` is virtqueue_layout(size).total bytes, aligned to 64; is zeroed. */
void virtqueue_init(struct virtqueue *queue, void *memory, uint16_t size);

/* Hands descriptor `id`, which the device must not hold, to the device: `length` bytes (not 0) at
 * the bus address `address`. Visible to the device when it is next notified, or sooner. */
void virtqueue_give(struct virtqueue *queue, uint16_t id, uint64_t address, uint32_t length,
                    bool device_writes);

/* The next buffer that the device is done with, and how many bytes it says it wrote: at most as
 * many as it was given. BROKEN: its word is impossible; nothing was taken. */
enum virtqueue_result virtqueue_take(struct virtqueue *queue, uint16_t *id, uint32_t *length);

/* Asks for interrupts, or not; a hint (section 2.7.7). */
void virtqueue_interrupts(struct virtqueue *queue, bool wanted);

/* True when there is nothing to take. After virtqueue_interrupts(true): true means that an
 * interrupt will tell of the next. */
bool virtqueue_idle(const struct virtqueue *queue);

#endif
