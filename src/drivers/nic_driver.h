/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device seam: what a NIC driver component (src/components/nic_drv) asks of its NIC. Only
 * NIC drivers see it. A host that owns a NIC fills in struct nic_driver and hands it out by
 * nic_driver_of(); the component moves frames between it and the frame queues.
 *
 * Implementations: src/drivers/af_packet (Linux). None of the calls blocks. The device wakes
 * its component with SL_BADGE_DEVICE when frames arrive; spurious wakes are legal.
 */
#ifndef SLUICE_NIC_DRIVER_H
#define SLUICE_NIC_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

struct sl_host;
struct nic_driver;

/* Ethernet without frame check sequence: 14 bytes of header, an 802.1Q tag perhaps, which stands in
 * the frame as on the wire, 1500 of payload. */
#define NIC_MIN_FRAME 14u
#define NIC_VLAN_TAG  4u
#define NIC_MAX_FRAME (1514u + NIC_VLAN_TAG)

struct nic_frame {
    const uint8_t *bytes;
    uint16_t length; /* NIC_MIN_FRAME..NIC_MAX_FRAME; the driver pads what its medium needs */
};

struct nic_counters {
    uint64_t received;         /* frames handed to the component */
    uint64_t receive_dropped;  /* too long, damaged, or the device had no room */
    uint64_t transmitted;      /* frames the device took */
    uint64_t transmit_dropped; /* frames the device refused for good */
};

struct nic_operations {
    /* Copies the next received frame, its checksums complete, to `buffer`, which has room for
     * NIC_MAX_FRAME bytes. Returns its length; 0 when none is waiting. */
    uint16_t (*receive)(struct nic_driver *driver, uint8_t *buffer);

    /* Sends frames, in order, copying them. Returns how many the device has dealt with (sent, or
     * dropped and counted); fewer than `count` when it has no room now. */
    unsigned (*transmit)(struct nic_driver *driver, const struct nic_frame *frames, unsigned count);

    /* After receive() gave 0: true when the device will wake the component for the next frame;
     * false: look again. */
    bool (*may_sleep)(struct nic_driver *driver);
};

struct nic_driver {
    const struct nic_operations *operations;
    struct nic_counters counters;
    uint8_t mac[6]; /* the NIC's own */
};

/* The NIC of the component that runs on `host`; NULL where it owns none. */
struct nic_driver *nic_driver_of(struct sl_host *host);

#endif
