/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP over a frontend's frame queues: one Ethernet interface, its addresses, clock, random
 * numbers and time-outs. lwIP keeps its state in globals, so there is one stack a process (or,
 * fused, one a copy of lwIP); everything else is here.
 */
#ifndef SLUICE_NET_STACK_H
#define SLUICE_NET_STACK_H

#include <stdbool.h>
#include <stdint.h>

#include "lwip/netif.h"
#include "net/frames.h"
#include "net/isn.h"
#include "sluice/component.h"
#include "sluice/config.h"

struct stack {
    struct sl_host *host;
    struct frames frames;
    uint64_t now;           /* sl_now at the start of this pass, ns */
    uint64_t armed;         /* deadline that the host has */
    bool short_of_transmit; /* a frame was not sent for want of a buffer */
    uint8_t isn_key[ISN_KEY_SIZE];
    uint8_t mac[6];
    uint16_t vlan; /* 0: none */
    bool no_ping;
    uint8_t route_count;
    struct {
        ip4_addr_t destination, netmask, via;
    } route[SL_MAX_ROUTES];
    uint64_t frames_dropped; /* received, no memory for them */
    unsigned address_count;
    struct netif netif[1 + SL_MAX_SERVICES]; /* [0] the interface's own address, then others */
};

/* Brings the interface up and announces its address (gratuitous ARP). */
void stack_init(struct stack *stack, const struct sl_environment *environment,
                const struct sl_frontend_config *config);

/* One more address (IPv4, host byte order) that the interface answers for; nothing when it has
 * it already. */
void stack_add_address(struct stack *stack, uint32_t address);

/* True when the hardware address of the next hop to `address` (IPv4, host byte order) is known, so
 * that a packet leaves at once. */
bool stack_reaches(struct stack *stack, uint32_t address);
/* Asks for it, and again every second for some seconds. */
void stack_seek(struct stack *stack, uint32_t address);

/* Start of a pass: reads the clock. */
void stack_begin(struct stack *stack);
/* Hands received frames, at most one queue's worth, and due time-outs to lwIP. */
void stack_receive(struct stack *stack);
/* True when there is nothing to receive and the driver will notify. */
bool stack_may_sleep(struct stack *stack);
/* Asks for a wake at `when` (SL_NEVER: none) or at lwIP's next time-out if that is earlier. A
 * wake too early costs less than telling the host of every change: a later one is not told. */
void stack_sleep_until(struct stack *stack, uint64_t when);

#endif
