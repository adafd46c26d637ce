/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A NIC that is not there: behind the NIC driver seam sits a Modbus client (outer side) or a Modbus
 * device (inner side) with just enough ARP and TCP for one connection on which nothing is ever
 * lost. Frames are made inside the machine, so that counting instructions gives the same number
 * every time. For measurement only.
 */
#ifndef SLUICE_SYNTHETIC_H
#define SLUICE_SYNTHETIC_H

#include "drivers/nic_driver.h"

#define SYNTHETIC_FRAMES 8u /* waiting to be received */

struct synthetic_endpoint {
    uint8_t mac[6];
    uint32_t address; /* IPv4, host byte order */
    uint16_t port;
};

struct synthetic {
    struct nic_driver driver; /* first: the operations get a pointer to it */
    bool client;
    struct synthetic_endpoint own, gateway;
    uint32_t sequence, acknowledge; /* next byte of ours; next byte of the gateway's */
    bool connected;
    uint64_t replies; /* client: replies that came whole */
    uint64_t wanted;  /* client: stops after so many */
    uint16_t transaction;
    uint8_t frame[SYNTHETIC_FRAMES][128];
    uint16_t length[SYNTHETIC_FRAMES];
    unsigned first, count;
};

/* The gateway's own address on this side, and for the client the port that it listens on. The
 * client reads one register `wanted` times, one request after the other. */
void synthetic_start(struct synthetic *synthetic, bool client, const struct synthetic_endpoint *own,
                     const struct synthetic_endpoint *gateway, uint64_t wanted);

/* True when a frame waits to be received. */
bool synthetic_pending(const struct synthetic *synthetic);

#endif
