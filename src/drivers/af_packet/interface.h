/* SPDX-License-Identifier: BSD-2-Clause */
/* What the launcher asks the kernel about a network interface. */
#ifndef SLUICE_INTERFACE_H
#define SLUICE_INTERFACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct interface {
    int index;
    uint8_t mac[6];
    uint32_t address; /* IPv4 that the kernel itself has there, host byte order; 0: none */
};

/* False: `error` says what is wrong with it (missing, with the names of those that exist; down;
 * not Ethernet) and what to do. */
bool interface_find(const char *name, struct interface *found, char *error, size_t error_size);

/* Asks that received packets are not joined and sent ones not left to be split, since frames
 * above 1514 bytes are dropped. Needs CAP_NET_ADMIN; not possible everywhere, which is no error.
 * The other end of a veth decides for itself: there it takes 'ethtool -K PEER tso off gso off'. */
void interface_disable_offloads(const char *name);

/* The address of the interface that packet socket `fd` is bound to. */
bool interface_own_mac(int fd, uint8_t mac[6]);

/* Makes the interface this gateway's for as long as it runs. False, with `error`, when another
 * gateway in this network namespace has it: two on one wire would answer the same clients. */
bool interface_claim(const char *name, char *error, size_t error_size);

#endif
