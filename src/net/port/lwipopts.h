/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lwIP for both frontends: TCP over IPv4 over Ethernet by the raw API, no operating system, all
 * memory static. Sizes follow from src/net/limits.h; where lwIP's default holds, it is not here.
 */
#ifndef SLUICE_NET_PORT_LWIPOPTS_H
#define SLUICE_NET_PORT_LWIPOPTS_H

#include "net/limits.h"

#define NO_SYS               1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET          0
#define LWIP_NETCONN         0
#define LWIP_STATS           0
#define LWIP_HOOK_FILENAME   "hooks.h"

/* What is spoken: TCP, UDP, ICMP echo, ARP. */
#define LWIP_UDP                 1
#define LWIP_UDPLITE             0
#define SO_REUSE                 1 /* sockets to several devices from one port */
#define IP_SOF_BROADCAST         1 /* no datagram to all is sent or taken */
#define IP_SOF_BROADCAST_RECV    1
#define LWIP_RAW                 0
#define LWIP_DHCP                0
#define LWIP_DNS                 0
#define LWIP_IGMP                0
#define LWIP_AUTOIP              0
#define LWIP_IPV6                0
#define IP_FORWARD               0
#define IP_FRAG                  0 /* no segment of ours is longer than a frame */
#define IP_REASSEMBLY            1
#define LWIP_NETIF_HWADDRHINT    1 /* one look instead of a search of the ARP table */
#define ARP_TABLE_SIZE           127
#define ARP_QUEUEING             1 /* connections that start at once while ARP is under way */
#define ARP_QUEUE_LEN            NET_ARP_QUEUE
#define MEMP_NUM_ARP_QUEUE       NET_ARP_QUEUE
#define ETHARP_TABLE_MATCH_NETIF 0 /* all our interfaces are one NIC */

/* Memory: pools only. */
#define MEM_ALIGNMENT                 8
#define MEM_LIBC_MALLOC               0
#define MEMP_MEM_MALLOC               0
#define MEM_USE_POOLS                 1
#define MEM_USE_POOLS_TRY_BIGGER_POOL 1
#define MEMP_USE_CUSTOM_POOLS         1
#define MEMP_NUM_TCP_PCB              (NET_MAX_SESSIONS + NET_SPARE_PCBS)
#define MEMP_NUM_TCP_PCB_LISTEN       SL_MAX_SERVICES
#define MEMP_NUM_UDP_PCB              NET_MAX_SOCKETS
#define MEMP_NUM_PBUF                 8
#define PBUF_POOL_SIZE                NET_FRAME_PBUFS
#define PBUF_POOL_BUFSIZE             NET_FRAME_PBUF_SIZE
/* One a block in a send queue, one a frame kept out of order. */
#define MEMP_NUM_TCP_SEG   (NET_BLOCKS + NET_SMALL_BLOCKS + NET_FRAME_PBUFS)
#define MEMP_NUM_REASSDATA 8
#define IP_REASS_MAX_PBUFS 24 /* of the NET_FRAME_PBUFS */
#define IP_REASS_MAXAGE    5  /* s; a LAN's fragments come together */

/* TCP. The receive window is the frontend's, see net/limits.h. lwIP would check sizes that are
 * macros only; stack.c asserts the same. */
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1
extern const unsigned short net_receive_window;
#define TCP_WND               net_receive_window
#define TCP_MSS               NET_MSS
#define TCP_SND_BUF           NET_LONG_SEND_BUFFER
#define TCP_SND_QUEUELEN      NET_LONG_SEND_QUEUE
#define TCP_QUEUE_OOSEQ       1
#define TCP_OOSEQ_MAX_PBUFS   4 /* of one connection */
#define TCP_LISTEN_BACKLOG    0 /* half-open connections are bounded in all, see connection.c */
#define LWIP_TCP_KEEPALIVE    1
#define TCP_KEEPIDLE_DEFAULT  60000UL /* ms */
#define TCP_KEEPINTVL_DEFAULT 10000UL
#define TCP_KEEPCNT_DEFAULT   5U
#define TCP_MSL               15000UL /* ms; TIME_WAIT is twice this, its PCBs are reclaimed first */
/* Retransmission and delayed acknowledgement count in these, ms: plants time out within a
 * second, lwIP's default of 250 is too coarse for that. */
#define TCP_TMR_INTERVAL 100

#endif
