/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/virtio_mmio/virtio_mmio.h"

#include <stddef.h>

#include "sluice/barrier.h"

#define FEATURE_VERSION_1 (UINT64_C(1) << 32) /* section 6 */
#define RESET_LOOKS       1000000u            /* reads of status before a reset counts as failed */

static uint32_t mapped_read(void *context, uint32_t offset)
{
    volatile const uint32_t *registers = context;
    return registers[offset / 4];
}

static void mapped_write(void *context, uint32_t offset, uint32_t value)
{
    volatile uint32_t *registers = context;
    registers[offset / 4] = value;
}

struct virtio_bus virtio_mapped_bus(void *registers)
{
    return (struct virtio_bus){mapped_read, mapped_write, registers};
}

static uint32_t get(const struct virtio_bus *bus, uint32_t offset)
{
    return bus->read(bus->context, offset);
}

static void put(const struct virtio_bus *bus, uint32_t offset, uint32_t value)
{
    bus->write(bus->context, offset, value);
}

static uint64_t offered(const struct virtio_bus *bus)
{
    put(bus, VIRTIO_DEVICE_FEATURES_SELECT, 1);
    uint64_t features = (uint64_t)get(bus, VIRTIO_DEVICE_FEATURES) << 32;
    put(bus, VIRTIO_DEVICE_FEATURES_SELECT, 0);
    return features | get(bus, VIRTIO_DEVICE_FEATURES);
}

static void accept(const struct virtio_bus *bus, uint64_t features)
{
    put(bus, VIRTIO_DRIVER_FEATURES_SELECT, 1);
    put(bus, VIRTIO_DRIVER_FEATURES, (uint32_t)(features >> 32));
    put(bus, VIRTIO_DRIVER_FEATURES_SELECT, 0);
    put(bus, VIRTIO_DRIVER_FEATURES, (uint32_t)features);
}

bool virtio_reset(const struct virtio_bus *bus)
{
    put(bus, VIRTIO_STATUS, 0);
    for (unsigned i = 0; i < RESET_LOOKS; i++)
        if (get(bus, VIRTIO_STATUS) == 0)
            return true;
    return false;
}

static const char *failed(const struct virtio_bus *bus, const char *why)
{
    put(bus, VIRTIO_STATUS, VIRTIO_FAILED);
    return why;
}

/* Words that fit a fault's line on Microkit, 40 letters (hosts/microkit/fault.h). */
const char *virtio_start(const struct virtio_bus *bus, enum virtio_device_id id, uint64_t wanted,
                         uint64_t *accepted)
{
    *accepted = 0;
    if (get(bus, VIRTIO_MAGIC) != VIRTIO_MAGIC_VALUE)
        return "no virtio device at these registers";
    if (get(bus, VIRTIO_VERSION) != 2)
        return "legacy virtio (QEMU: force-legacy=false)";
    if (get(bus, VIRTIO_DEVICE) != (uint32_t)id)
        return "virtio slot is empty or of another kind";
    if (!virtio_reset(bus))
        return "virtio device does not reset";
    put(bus, VIRTIO_STATUS, VIRTIO_ACKNOWLEDGE);
    put(bus, VIRTIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    uint64_t features = offered(bus);
    if (!(features & FEATURE_VERSION_1))
        return failed(bus, "virtio device does not offer VERSION_1");
    *accepted = features & (wanted | FEATURE_VERSION_1);
    accept(bus, *accepted);
    put(bus, VIRTIO_STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    if (!(get(bus, VIRTIO_STATUS) & VIRTIO_FEATURES_OK))
        return failed(bus, "virtio device refuses the features it offered");
    return NULL;
}

static void put_address(const struct virtio_bus *bus, uint32_t offset, uint64_t address)
{
    put(bus, offset, (uint32_t)address);
    put(bus, offset + 4, (uint32_t)(address >> 32));
}

const char *virtio_add_queue(const struct virtio_bus *bus, uint32_t number,
                             const struct virtqueue *queue, uint64_t address)
{
    struct virtqueue_layout layout = virtqueue_layout(queue->size);
    put(bus, VIRTIO_QUEUE_SELECT, number);
    if (get(bus, VIRTIO_QUEUE_READY) != 0)
        return failed(bus, "virtio queue is in use after a reset");
    if (get(bus, VIRTIO_QUEUE_SIZE_MAX) < queue->size)
        return failed(bus, "virtio queue is missing or too small");
    put(bus, VIRTIO_QUEUE_SIZE, queue->size);
    put_address(bus, VIRTIO_QUEUE_DESCRIPTORS, address);
    put_address(bus, VIRTIO_QUEUE_AVAILABLE, address + layout.available);
    put_address(bus, VIRTIO_QUEUE_USED, address + layout.used);
    sl_fence_device();
    put(bus, VIRTIO_QUEUE_READY, 1);
    return NULL;
}

void virtio_go(const struct virtio_bus *bus)
{
    sl_fence_device();
    put(bus, VIRTIO_STATUS,
        VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}

void virtio_notify(const struct virtio_bus *bus, uint32_t number)
{
    sl_fence_device();
    put(bus, VIRTIO_QUEUE_NOTIFY, number);
}

void virtio_acknowledge(const struct virtio_bus *bus)
{
    uint32_t status = get(bus, VIRTIO_INTERRUPT_STATUS);
    if (status)
        put(bus, VIRTIO_INTERRUPT_ACK, status);
    sl_fence_device();
}

bool virtio_needs_reset(const struct virtio_bus *bus)
{
    uint32_t status = get(bus, VIRTIO_STATUS);
    return (status & VIRTIO_NEEDS_RESET) || !(status & VIRTIO_DRIVER_OK);
}
