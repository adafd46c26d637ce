/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio over memory-mapped registers, version 2 (virtio 1.2 section 4.2). Registers are reached
 * through two functions, so that a test can stand in for the device.
 */
#ifndef SLUICE_VIRTIO_MMIO_H
#define SLUICE_VIRTIO_MMIO_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/virtio_mmio/virtqueue.h"

/* Section 4.2.2, byte offsets */
enum virtio_register {
    VIRTIO_MAGIC = 0x000,
    VIRTIO_VERSION = 0x004,
    VIRTIO_DEVICE = 0x008,
    VIRTIO_DEVICE_FEATURES = 0x010,
    VIRTIO_DEVICE_FEATURES_SELECT = 0x014,
    VIRTIO_DRIVER_FEATURES = 0x020,
    VIRTIO_DRIVER_FEATURES_SELECT = 0x024,
    VIRTIO_QUEUE_SELECT = 0x030,
    VIRTIO_QUEUE_SIZE_MAX = 0x034,
    VIRTIO_QUEUE_SIZE = 0x038,
    VIRTIO_QUEUE_READY = 0x044,
    VIRTIO_QUEUE_NOTIFY = 0x050,
    VIRTIO_INTERRUPT_STATUS = 0x060,
    VIRTIO_INTERRUPT_ACK = 0x064,
    VIRTIO_STATUS = 0x070,
    VIRTIO_QUEUE_DESCRIPTORS = 0x080, /* low half; the high half follows */
    VIRTIO_QUEUE_AVAILABLE = 0x090,
    VIRTIO_QUEUE_USED = 0x0a0,
    VIRTIO_CONFIGURATION = 0x100,
};
#define VIRTIO_REGISTERS_SIZE 0x200u

#define VIRTIO_MAGIC_VALUE UINT32_C(0x74726976) /* "virt" */

enum virtio_device_id { VIRTIO_NETWORK = 1, VIRTIO_ENTROPY = 4 }; /* section 5 */

/* Section 2.1 */
enum virtio_status {
    VIRTIO_ACKNOWLEDGE = 1,
    VIRTIO_DRIVER = 2,
    VIRTIO_DRIVER_OK = 4,
    VIRTIO_FEATURES_OK = 8,
    VIRTIO_NEEDS_RESET = 64,
    VIRTIO_FAILED = 128,
};

struct virtio_bus {
    uint32_t (*read)(void *context, uint32_t offset);
    void (*write)(void *context, uint32_t offset, uint32_t value);
    void *context;
};

/* The bus whose registers are mapped at `registers` (uncached). */
struct virtio_bus virtio_mapped_bus(void *registers);

/* Sections 3.1.1 and 4.2.3.1 up to FEATURES_OK: resets the device, checks that it is a version 2
 * device of kind `id`, and accepts VERSION_1 and what it offers of `wanted` (feature bits).
 * `*accepted` is what was agreed. Returns NULL, or what is wrong, in words. */
const char *virtio_start(const struct virtio_bus *bus, enum virtio_device_id id, uint64_t wanted,
                         uint64_t *accepted);

/* Section 4.2.3.2: makes queue `number` known to the device; `address` is the bus address of its
 * memory. Returns NULL, or what is wrong. */
const char *virtio_add_queue(const struct virtio_bus *bus, uint32_t number,
                             const struct virtqueue *queue, uint64_t address);

/* From here on the device works. */
void virtio_go(const struct virtio_bus *bus);

/* Tells the device that there is something new in queue `number`. */
void virtio_notify(const struct virtio_bus *bus, uint32_t number);

/* Acknowledges the device's interrupts; to be done before the queues are drained, or what comes
 * after the drain and before the acknowledgement is never announced. */
void virtio_acknowledge(const struct virtio_bus *bus);

/* The device cannot go on until it is reset (section 2.1.1), or is not in the state we left. */
bool virtio_needs_reset(const struct virtio_bus *bus);

/* Stops the device: it uses no more memory. False when it does not obey. */
bool virtio_reset(const struct virtio_bus *bus);

#endif
