/* SPDX-License-Identifier: BSD-2-Clause */
/* A simulated virtio-mmio device, obedient unless told otherwise. Bus addresses are pointers. */
#ifndef SLUICE_TEST_VIRTIO_DEVICE_H
#define SLUICE_TEST_VIRTIO_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "drivers/virtio_mmio/virtio_mmio.h"

struct device_queue {
    uint32_t size_max, size, ready;
    uint64_t descriptors, available, used;
    uint16_t seen; /* entries of available taken so far */
};

struct device {
    uint32_t magic, version, id;
    uint64_t features, accepted;
    uint32_t features_select, driver_select, queue_select;
    uint32_t status, interrupt_status;
    bool refuses_features, never_resets;
    unsigned resets, notifies[2], acknowledgements;
    struct device_queue queue[2];
};

static inline void device_init(struct device *device, uint32_t id)
{
    memset(device, 0, sizeof *device);
    device->magic = VIRTIO_MAGIC_VALUE;
    device->version = 2;
    device->id = id;
    device->features = UINT64_C(1) << 32 | 1u << 5 | 1u << 1;
    device->queue[0].size_max = device->queue[1].size_max = 1024;
}

static inline uint32_t device_read(void *context, uint32_t offset)
{
    struct device *device = context;
    struct device_queue *queue = &device->queue[device->queue_select & 1];
    switch (offset) {
    case VIRTIO_MAGIC:
        return device->magic;
    case VIRTIO_VERSION:
        return device->version;
    case VIRTIO_DEVICE:
        return device->id;
    case VIRTIO_DEVICE_FEATURES:
        return (uint32_t)(device->features >> (device->features_select ? 32 : 0));
    case VIRTIO_QUEUE_SIZE_MAX:
        return queue->size_max;
    case VIRTIO_QUEUE_READY:
        return queue->ready;
    case VIRTIO_INTERRUPT_STATUS:
        return device->interrupt_status;
    case VIRTIO_STATUS:
        return device->status;
    default: /* the configuration space is nobody's business */
        return 0;
    }
}

static inline void device_set_status(struct device *device, uint32_t value)
{
    if (value == 0) {
        device->resets++;
        if (device->never_resets)
            return;
        for (unsigned i = 0; i < 2; i++) {
            device->queue[i].ready = 0;
            device->queue[i].seen = 0;
        }
        device->interrupt_status = 0;
    }
    device->status = value;
    if (device->refuses_features)
        device->status &= ~(uint32_t)VIRTIO_FEATURES_OK;
}

static inline void half(uint64_t *address, bool high, uint32_t value)
{
    uint64_t keep = high ? *address & UINT32_MAX : *address & ~(uint64_t)UINT32_MAX;
    *address = keep | (high ? (uint64_t)value << 32 : value);
}

static inline void device_write(void *context, uint32_t offset, uint32_t value)
{
    struct device *device = context;
    struct device_queue *queue = &device->queue[device->queue_select & 1];
    switch (offset) {
    case VIRTIO_DEVICE_FEATURES_SELECT:
        device->features_select = value;
        break;
    case VIRTIO_DRIVER_FEATURES_SELECT:
        device->driver_select = value;
        break;
    case VIRTIO_DRIVER_FEATURES:
        half(&device->accepted, device->driver_select != 0, value);
        break;
    case VIRTIO_QUEUE_SELECT:
        device->queue_select = value;
        break;
    case VIRTIO_QUEUE_SIZE:
        queue->size = value;
        break;
    case VIRTIO_QUEUE_READY:
        queue->ready = value;
        break;
    case VIRTIO_QUEUE_NOTIFY:
        device->notifies[value & 1]++;
        break;
    case VIRTIO_INTERRUPT_ACK:
        device->interrupt_status &= ~value;
        device->acknowledgements++;
        break;
    case VIRTIO_STATUS:
        device_set_status(device, value);
        break;
    case VIRTIO_QUEUE_DESCRIPTORS:
    case VIRTIO_QUEUE_DESCRIPTORS + 4:
        half(&queue->descriptors, offset & 4, value);
        break;
    case VIRTIO_QUEUE_AVAILABLE:
    case VIRTIO_QUEUE_AVAILABLE + 4:
        half(&queue->available, offset & 4, value);
        break;
    case VIRTIO_QUEUE_USED:
    case VIRTIO_QUEUE_USED + 4:
        half(&queue->used, offset & 4, value);
        break;
    default:
        break;
    }
}

static inline struct virtio_bus device_bus(struct device *device)
{
    return (struct virtio_bus){device_read, device_write, device};
}

/* The device's view of a queue's memory. */
static inline struct virtq_used *device_used(struct device *device, unsigned queue)
{
    return (struct virtq_used *)(uintptr_t)device->queue[queue].used;
}

static inline struct virtq_available *device_available(struct device *device, unsigned queue)
{
    return (struct virtq_available *)(uintptr_t)device->queue[queue].available;
}

static inline struct virtq_descriptor *device_descriptor(struct device *device, unsigned queue,
                                                         uint16_t id)
{
    return (struct virtq_descriptor *)(uintptr_t)device->queue[queue].descriptors + id;
}

/* Takes the next buffer that the driver gave; -1: none. */
static inline int device_take(struct device *device, unsigned number)
{
    struct device_queue *queue = &device->queue[number];
    struct virtq_available *available = device_available(device, number);
    if (queue->seen == available->index)
        return -1;
    return available->ring[queue->seen++ % queue->size];
}

/* Says that buffer `id` is used. Any lie may be told here. */
static inline void device_give(struct device *device, unsigned number, uint32_t id, uint32_t length)
{
    struct virtq_used *used = device_used(device, number);
    struct virtq_used_element *element = &used->ring[used->index % device->queue[number].size];
    element->id = id;
    element->length = length;
    used->index++;
    device->interrupt_status |= 1;
}

#endif
