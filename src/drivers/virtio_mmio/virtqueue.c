/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/virtio_mmio/virtqueue.h"

#include <string.h>

#include "sluice/barrier.h"

#define NO_INTERRUPT 1u /* VIRTQ_AVAIL_F_NO_INTERRUPT */

/* Section 2.7: descriptors aligned to 16, available to 2, used to 4; with a line of its own each,
 * so that driver and device do not write the same one. Both rings end in an event index. */
static uint32_t lines(uint32_t bytes)
{
    return (bytes + 63u) / 64u * 64u;
}

struct virtqueue_layout virtqueue_layout(uint16_t size)
{
    struct virtqueue_layout layout;
    layout.available = lines(size * (uint32_t)sizeof(struct virtq_descriptor));
    layout.used = layout.available + lines(6u + 2u * size);
    layout.total = layout.used + lines(6u + size * (uint32_t)sizeof(struct virtq_used_element));
    return layout;
}

void virtqueue_init(struct virtqueue *queue, void *memory, uint16_t size)
{
    struct virtqueue_layout layout = virtqueue_layout(size);
    uint8_t *bytes = memory;
    memset(memory, 0, layout.total);
    memset(queue, 0, sizeof *queue);
    queue->descriptors = memory;
    queue->available = (void *)(bytes + layout.available);
    queue->used = (const void *)(bytes + layout.used);
    queue->size = size;
}

void virtqueue_give(struct virtqueue *queue, uint16_t id, uint64_t address, uint32_t length,
                    bool device_writes)
{
    queue->descriptors[id] = (struct virtq_descriptor){
        .address = address, .length = length, .flags = device_writes ? VIRTQ_DEVICE_WRITES : 0};
    queue->given[id] = length;
    queue->available->ring[queue->available_index % queue->size] = id;
    queue->available_index++;
    sl_fence_device(); /* the entry before the index that shows it (section 2.7.13.2) */
    sl_store_release(&queue->available->index, queue->available_index);
}

enum virtqueue_result virtqueue_take(struct virtqueue *queue, uint16_t *id, uint32_t *length)
{
    uint16_t used = sl_load_acquire(&queue->used->index);
    uint16_t waiting = (uint16_t)(used - queue->used_index);
    if (waiting == 0)
        return VIRTQUEUE_EMPTY;
    uint16_t held = (uint16_t)(queue->available_index - queue->used_index);
    if (waiting > held)
        return VIRTQUEUE_BROKEN;
    sl_fence_device();
    const struct virtq_used_element *element = &queue->used->ring[queue->used_index % queue->size];
    uint32_t said_id = sl_load_relaxed(&element->id);
    uint32_t said_length = sl_load_relaxed(&element->length);
    if (said_id >= queue->size || queue->given[said_id] == 0 || said_length > queue->given[said_id])
        return VIRTQUEUE_BROKEN;
    queue->given[said_id] = 0;
    queue->used_index++;
    *id = (uint16_t)said_id;
    *length = said_length;
    return VIRTQUEUE_OK;
}

void virtqueue_interrupts(struct virtqueue *queue, bool wanted)
{
    sl_store_relaxed(&queue->available->flags, (uint16_t)(wanted ? 0 : NO_INTERRUPT));
    sl_fence_full(); /* against the device's store of used.index and its look at the flag */
    sl_fence_device();
}

bool virtqueue_idle(const struct virtqueue *queue)
{
    return sl_load_acquire(&queue->used->index) == queue->used_index;
}
