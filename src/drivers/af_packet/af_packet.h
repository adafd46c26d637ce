/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Raw frames on a Linux network interface: a TPACKET_V2 receive ring shared with the kernel and
 * plain sends. Opened by the launcher, which may; attached by the process that owns the NIC.
 */
#ifndef SLUICE_AF_PACKET_H
#define SLUICE_AF_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/nic_driver.h"

struct af_packet {
    struct nic_driver driver; /* first: the operations get a pointer to it */
    int fd;
    uint8_t *ring;
    unsigned next; /* frame of the ring that the kernel fills next */
};

/* A packet socket with its receive ring, not bound to an interface: it receives nothing. Making
 * and closing one takes the kernel tens of milliseconds, so make it before there is a hurry.
 * Returns the descriptor; -1: `error` says what to do. Needs CAP_NET_RAW. */
int af_packet_prepare(char *error, size_t error_size);

/* Binds a prepared socket to `interface`: from now on it receives what is addressed to `mac`
 * (NULL: the interface's own address). False: `error` says what is wrong and what to do. */
bool af_packet_bind(int fd, const char *interface, const uint8_t *mac, char *error,
                    size_t error_size);

/* Maps the receive ring of `fd` and fills in packet->driver. False: errno says why. */
bool af_packet_attach(struct af_packet *packet, int fd);

#endif
