/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/virtio_mmio/virtio_entropy.h"

#include <stddef.h>
#include <string.h>

#define QUEUE_SIZE  4u
#define DATA_OFFSET 2048u /* of the answer in the DMA page, after the queue */

const char *virtio_entropy_start(struct virtio_entropy *entropy, struct virtio_bus bus,
                                 void *memory, uint64_t address)
{
    uint64_t features;
    memset(entropy, 0, sizeof *entropy);
    entropy->bus = bus;
    entropy->memory = memory;
    entropy->address = address;
    const char *wrong = virtio_start(&entropy->bus, VIRTIO_ENTROPY, 0, &features);
    if (wrong)
        return wrong;
    virtqueue_init(&entropy->queue, memory, QUEUE_SIZE);
    wrong = virtio_add_queue(&entropy->bus, 0, &entropy->queue, address);
    if (wrong)
        return wrong;
    virtqueue_interrupts(&entropy->queue, false);
    virtio_go(&entropy->bus);
    return NULL;
}

void virtio_entropy_ask(struct virtio_entropy *entropy, uint32_t length)
{
    uint32_t asked = length < VIRTIO_ENTROPY_MAX ? length : VIRTIO_ENTROPY_MAX;
    virtqueue_give(&entropy->queue, 0, entropy->address + DATA_OFFSET, asked, true);
    virtio_notify(&entropy->bus, 0);
}

int virtio_entropy_answer(struct virtio_entropy *entropy, uint8_t *bytes)
{
    uint16_t id;
    uint32_t length;
    switch (virtqueue_take(&entropy->queue, &id, &length)) {
    case VIRTQUEUE_EMPTY:
        return 0;
    case VIRTQUEUE_BROKEN:
        return -1;
    case VIRTQUEUE_OK:
        break;
    }
    if (length == 0) /* section 5.4.6.1: at least one byte */
        return -1;
    memcpy(bytes, entropy->memory + DATA_OFFSET, length);
    return (int)length;
}
