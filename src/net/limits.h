/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bounds of the two frontends and their lwIP: what one client, or all of them, can make us hold.
 *
 * A client's unread requests live in its session's own buffer, and its TCP window is no larger than
 * the room there: no sender can make a frontend hold more, and none takes from another's share.
 * Replies that clients have not yet acknowledged live in lwIP's blocks; a request is admitted only
 * with room for its reply there.
 */
#ifndef SLUICE_NET_LIMITS_H
#define SLUICE_NET_LIMITS_H

#include "sluice/config.h"

#ifndef NET_MAX_SESSIONS /* less where a host's memory is small */
#define NET_MAX_SESSIONS SL_MAX_SESSIONS
#endif
/* int: connections that serve several clients, of all services */
#define NET_MAX_SHARED (NET_MAX_SESSIONS / 8)
/* UDP. ext: one a service; int: one for each that would be a connection over TCP. */
#define NET_MAX_SOCKETS (NET_MAX_SESSIONS / 2 + NET_MAX_SHARED)
/* What every request and reply has room for; longer ones, of protocols with a link layer, share
 * few places (struct ext_link, struct int_link). */
#define NET_MAX_MESSAGE  260u
#define NET_MAX_FRAME    292u  /* of a link layer */
#define NET_MAX_DATAGRAM 1472u /* of an Ethernet frame without IP options */
#define NET_ASSEMBLIES   32u   /* messages of several frames that are not all there yet */
/* int: requests longer than NET_MAX_MESSAGE under way */
#define NET_LONG_REQUESTS 16u
/* int: connections that devices go on sending on while their clients have no room */
#define NET_HELD 16u
/* int: replies that nobody asked for and nobody has confirmed; topology/pipeline.c has room for
 * them in the rings */
#define NET_UNSOLICITED SL_MAX_UNSOLICITED

#define NET_MSS 536u /* RFC 9293 3.7.1: the least that every host takes */
/* ext. A client sends once there is room for half the largest window that it has seen (RFC 9293
 * 3.8.6.2.1; Linux: tcp_bound_to_half_wnd): half of it holds the longest message or frame. */
#define NET_EXT_SEGMENT NET_MAX_FRAME
#define NET_EXT_WINDOW  (2u * NET_EXT_SEGMENT)
/* ext: the window stays whole beside a message or frame that is not all there yet. */
#define NET_EXT_BUFFER (NET_EXT_WINDOW + NET_MAX_FRAME)
/* int: replies are consumed as they come; room for a device's burst. */
#define NET_INT_WINDOW (8u * NET_MSS)

#define NET_SEND_BUFFER      (8u * NET_MSS)  /* bytes unacknowledged on one connection */
#define NET_LONG_SEND_BUFFER (32u * NET_MSS) /* the same with messages over NET_MAX_MESSAGE */
#define NET_SEND_QUEUE       64u             /* blocks likewise */
#define NET_LONG_SEND_QUEUE  128u
/* What is written at once: two fill a segment, each fits a block. */
#define NET_WRITE_SIZE (NET_MSS / 2)

/* Connections that a client has begun and not yet finished beginning; the oldest goes first. */
#define NET_HALF_OPEN 96u
/* These, TIME_WAIT and closing connections, beside the sessions. */
#define NET_SPARE_PCBS (NET_HALF_OPEN + 16u)

/* A block holds the longest message with its headers: struct pbuf 24, Ethernet 14, IP 20, TCP 20
 * bytes, aligned. */
#define NET_BLOCK_SIZE 352u
#ifndef NET_BLOCKS /* less where a host's memory is small */
#define NET_BLOCKS (2u * SL_MAX_SLOTS + 48u)
#endif
/* Of them never for replies. */
#define NET_BLOCKS_RESERVED 32u
/* Packets that wait for a neighbour's hardware address. */
#define NET_ARP_QUEUE 96u
/* Acknowledgements, SYNs and short replies fit these. */
#define NET_SMALL_BLOCK_SIZE 112u
#define NET_SMALL_BLOCKS     (NET_HALF_OPEN + NET_ARP_QUEUE + 32u)
/* ICMP echo replies of a full frame. */
#define NET_LARGE_BLOCK_SIZE 1664u
#define NET_LARGE_BLOCKS     4u

/* Received frames: on their way through the stack, out of order, or fragments. */
#define NET_FRAME_PBUFS     64u
#define NET_FRAME_PBUF_SIZE 640u

/* Frame buffers in use at most, each way; a power of two. */
#define NET_MAX_BUFFERS 512u

#endif
