/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other hosts on a frontend's wire, as a test wants them: they answer ARP for every address
 * but the frontend's, and speak just enough TCP, segment by segment. No retransmission, no
 * timers: what a test does not send is not sent.
 */
#ifndef TESTS_FRONTEND_PEER_H
#define TESTS_FRONTEND_PEER_H

#include "world.h"

#define TCP_FIN 1u
#define TCP_SYN 2u
#define TCP_RST 4u
#define TCP_PSH 8u
#define TCP_ACK 16u

struct peer {
    bool used;
    uint32_t address, other_address; /* own, the frontend's */
    uint16_t port, other_port;
    uint32_t next_sequence; /* of the next byte to send */
    uint32_t acknowledge;   /* of the next byte expected */
    uint32_t acknowledged;  /* by the frontend */
    uint16_t window;        /* told to the frontend */
    uint16_t other_window;
    uint32_t other_initial; /* the frontend's initial sequence number */
    bool open, finished, was_reset;
    bool silent;       /* acknowledges nothing by itself */
    unsigned segments; /* with data, received */
    uint32_t received_length;
    uint8_t received[1 << 16];
};

extern bool peers_deaf;       /* SYNs to peers_listen are not answered */
extern bool peers_refuse;     /* are answered with RST */
extern uint16_t peers_listen; /* port on which every address accepts; 0: none */
extern unsigned peers_arp_replies, peers_echo_replies;
extern bool peers_absent; /* ARP is not answered */

/* The last datagrams that the node sent, oldest first. */
#define PEERS_DATAGRAMS 64u
struct datagram {
    uint32_t from, to;
    uint16_t from_port, to_port, length;
    uint8_t bytes[1500];
};
extern struct datagram peers_datagram[PEERS_DATAGRAMS];
extern unsigned peers_datagrams;   /* ever */
extern unsigned peers_unreachable; /* ICMP port unreachable */

/* The wire_function for a node on this network. */
void peers_wire(struct node *from, const uint8_t *frame, uint16_t length);

/* A client's connection to `address`:`port`, established. */
struct peer *peer_connect(struct node *node, uint32_t own, uint16_t own_port, uint32_t address,
                          uint16_t port);
/* The newest connection that the node made to us, or NULL. */
struct peer *peer_accepted(void);
/* None of the connections so far exists any more. */
void peers_forget(void);
/* Data at the next sequence number, one segment. */
void peer_send(struct node *node, struct peer *peer, const void *bytes, uint16_t length);
/* A UDP datagram to `target`. */
void peer_datagram(struct node *node, uint32_t own, uint16_t own_port, uint32_t target,
                   uint16_t target_port, const void *bytes, uint16_t length);
/* Any segment; sequence relative to the next byte to send. */
void peer_segment(struct node *node, struct peer *peer, uint8_t flags, int32_t offset,
                  const void *bytes, uint16_t length);
void peer_finish(struct node *node, struct peer *peer);
void peer_reset(struct node *node, struct peer *peer);
void peer_arp_request(struct node *node, uint32_t own, uint32_t target);
void peer_ping(struct node *node, uint32_t own, uint32_t target, uint16_t size);

/* A frame of `bytes` as an IP payload, `fragment` = flags and offset field. */
void peer_ip(struct node *node, uint32_t own, uint32_t target, uint8_t protocol,
             uint16_t identifier, uint16_t fragment, const uint8_t *bytes, uint16_t length);
/* The TCP segment that peer_segment would send, without sending. Returns its length. */
uint16_t peer_build(struct peer *peer, uint8_t flags, int32_t offset, const void *bytes,
                    uint16_t length, uint8_t *segment);

#endif
