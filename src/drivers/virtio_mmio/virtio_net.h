/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio network device (virtio 1.2 section 5.1) behind the NIC driver seam. Frames are copied
 * between the device's own buffers, which no other component maps, and the frame queues: the
 * copy is the trusted edge that DESIGN calls for. No checksum or segmentation offload is
 * accepted, so every frame is complete. Nothing else is asked of the device either, its MAC address
 * among it: the side's is the site's.
 *
 * A device that says something impossible, or asks for it, is reset and started again; frames
 * under way are lost and counted.
 */
#ifndef SLUICE_VIRTIO_NET_H
#define SLUICE_VIRTIO_NET_H

#include "drivers/nic_driver.h"
#include "drivers/virtio_mmio/virtio_mmio.h"

#define VIRTIO_NET_RECEIVE     64u   /* buffers; a power of two */
#define VIRTIO_NET_TRANSMIT    32u   /* likewise */
#define VIRTIO_NET_BUFFER_SIZE 2048u /* bytes; two to a page */

struct virtio_net {
    struct nic_driver driver; /* first: the operations get a pointer to it */
    struct virtio_bus bus;
    uint8_t *memory;
    uint64_t address; /* of memory, on the device's bus */
    struct virtqueue receive, transmit;
    uint16_t idle[VIRTIO_NET_TRANSMIT]; /* transmit buffers that the device does not hold */
    uint16_t idle_count;
    uint16_t unannounced; /* receive buffers given back since the device was last told */
    uint64_t resets;      /* since virtio_net_start */
    const char *broken;   /* why the device cannot be used at all; NULL: it can */
};

/* Bytes of DMA memory that the driver needs: a multiple of 4096. */
uint32_t virtio_net_memory_size(void);

/* Brings the device up. `memory` (virtio_net_memory_size() bytes, aligned to a page) is seen by
 * the device at `address`. Returns NULL, or what is wrong; `net` then moves no frames. */
const char *virtio_net_start(struct virtio_net *net, struct virtio_bus bus, void *memory,
                             uint64_t address);

/* To be called when the device's interrupt fired, before the component is woken and before the
 * interrupt is unmasked. */
void virtio_net_interrupt(struct virtio_net *net);

#endif
