/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio entropy device (virtio 1.2 section 5.4): bytes of the machine's own randomness, polled. */
#ifndef SLUICE_VIRTIO_ENTROPY_H
#define SLUICE_VIRTIO_ENTROPY_H

#include "drivers/virtio_mmio/virtio_mmio.h"

#define VIRTIO_ENTROPY_MAX 1024u /* bytes in one request */

struct virtio_entropy {
    struct virtio_bus bus;
    struct virtqueue queue;
    uint8_t *memory;
    uint64_t address;
};

/* One page of DMA memory is enough. */
#define VIRTIO_ENTROPY_MEMORY 4096u

/* Returns NULL, or what is wrong. */
const char *virtio_entropy_start(struct virtio_entropy *entropy, struct virtio_bus bus,
                                 void *memory, uint64_t address);

/* Asks for up to `length` bytes; nothing may be asked for already. */
void virtio_entropy_ask(struct virtio_entropy *entropy, uint32_t length);

/* Copies what came to `bytes` and returns its length; 0: nothing yet; -1: the device's answer is
 * impossible. */
int virtio_entropy_answer(struct virtio_entropy *entropy, uint8_t *bytes);

#endif
