/* SPDX-License-Identifier: BSD-2-Clause */
/* Where lwIP calls back beyond its port interface. */
#ifndef SLUICE_NET_PORT_HOOKS_H
#define SLUICE_NET_PORT_HOOKS_H

#include "lwip/ip_addr.h"

struct tcp_pcb;
struct tcp_hdr;

u32_t net_initial_sequence_number(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
                                  u16_t remote_port);

#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port)                                  \
    net_initial_sequence_number((local), (local_port), (remote), (remote_port))

/* src/net/connection.c: makes room for one more attempt to connect. */
void connection_begins(const struct tcp_pcb *listener, const struct tcp_hdr *header);

struct netif;
/* src/net/stack.c: the router of a static route, NULL for the side's own. */
const ip4_addr_t *net_router(const struct netif *netif, const ip4_addr_t *destination);

#define LWIP_HOOK_ETHARP_GET_GW(netif, destination) net_router((netif), (destination))

#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, header, options, options1, options2, packet)               \
    (connection_begins((pcb), (header)), ERR_OK)

#endif
