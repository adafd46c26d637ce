/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trusted edge in front of a stock sDDF Ethernet driver (sDDF 0.7), behind the NIC driver
 * seam. The stock driver puts the bus addresses that it is given into its device unchecked; so
 * they are made here and nowhere else, frames are copied between its DMA buffers and ours, and
 * what it hands back must be a buffer that it holds.
 *
 * sDDF's queues are laid out as struct frame_ring (ring/frame_queue.h); here descriptors hold
 * bus addresses. The stock driver may miss a wake-up when it sleeps (its re-check can be
 * compiled away), so it is notified of every batch and looked at once in a while besides.
 */
#ifndef SLUICE_SDDF_NET_H
#define SLUICE_SDDF_NET_H

#include "drivers/nic_driver.h"
#include "ring/frame_queue.h"

#define SDDF_MAX_BUFFERS 512u /* of one direction */

/* One direction's buffers: memory that the device reaches by DMA. */
struct sddf_buffers {
    uint8_t *memory;
    uint64_t address; /* on the device's bus */
    uint16_t count;   /* a power of two: the capacity of both queues too */
    bool with_driver[SDDF_MAX_BUFFERS];
    struct frame_ring *to_driver, *from_driver;
    uint16_t to_tail, from_head; /* our truth; the shared ones are only published */
};

struct sddf_net {
    struct nic_driver driver; /* first: the operations get a pointer to it */
    struct sddf_buffers receive, transmit;
    uint16_t idle[SDDF_MAX_BUFFERS]; /* transmit buffers that the driver does not hold */
    uint16_t idle_count;
    bool gave_receive, gave_transmit; /* since the driver was last notified */
    const char *broken; /* what the driver said that cannot be; it is not listened to any more */
};

/* Where one direction lies. Sizes: frame_ring_region_size(count), count * FRAME_BUFFER_SIZE. */
struct sddf_place {
    void *to_driver, *from_driver, *memory;
    uint64_t address;
    uint16_t count;
};

/* Shared memory starts zeroed. `mac` is what frames are sent from and to. */
void sddf_net_start(struct sddf_net *net, const struct sddf_place *receive,
                    const struct sddf_place *transmit, const uint8_t mac[6]);

#endif
