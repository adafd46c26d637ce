/* SPDX-License-Identifier: BSD-2-Clause */
#include "peer.h"

#include <string.h>

#define MAX_PEERS 700u

bool peers_deaf, peers_refuse;
uint16_t peers_listen;
unsigned peers_arp_replies, peers_echo_replies, peers_datagrams, peers_unreachable;
bool peers_absent;
struct datagram peers_datagram[PEERS_DATAGRAMS];
static struct peer *peers[MAX_PEERS];
static unsigned peer_count;
static struct peer *newest_accepted;

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, (uint16_t)(value >> 16));
    put16(at + 2, (uint16_t)value);
}

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static uint32_t sum(const uint8_t *bytes, size_t length, uint32_t start)
{
    for (size_t i = 0; i < length; i++)
        start += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    return start;
}

static uint16_t folded(uint32_t value)
{
    while (value >> 16)
        value = (value & 0xffff) + (value >> 16);
    return (uint16_t)~value;
}

static void mac_of(uint8_t *mac, uint32_t address)
{
    mac[0] = 0x06;
    mac[1] = 0;
    put32(mac + 2, address);
}

static void frame_head(struct node *node, uint8_t *frame, uint32_t own, uint16_t type)
{
    memcpy(frame, node->config.mac, 6);
    mac_of(frame + 6, own);
    put16(frame + 12, type);
}

void peer_ip(struct node *node, uint32_t own, uint32_t target, uint8_t protocol,
             uint16_t identifier, uint16_t fragment, const uint8_t *bytes, uint16_t length)
{
    uint8_t frame[FRAME_BUFFER_SIZE] = {0};
    frame_head(node, frame, own, 0x0800);
    uint8_t *ip = frame + 14;
    ip[0] = 0x45;
    put16(ip + 2, (uint16_t)(20 + length));
    put16(ip + 4, identifier);
    put16(ip + 6, fragment);
    ip[8] = 64;
    ip[9] = protocol;
    put32(ip + 12, own);
    put32(ip + 16, target);
    put16(ip + 10, folded(sum(ip, 20, 0)));
    memcpy(ip + 20, bytes, length);
    const uint16_t total = (uint16_t)(34 + length);
    CHECK(node_receive(node, frame, total < 60 ? 60 : total));
}

uint16_t peer_build(struct peer *peer, uint8_t flags, int32_t offset, const void *bytes,
                    uint16_t length, uint8_t *segment)
{
    memset(segment, 0, 20);
    put16(segment, peer->port);
    put16(segment + 2, peer->other_port);
    put32(segment + 4, peer->next_sequence + (uint32_t)offset);
    put32(segment + 8, flags & TCP_ACK ? peer->acknowledge : 0);
    segment[12] = 5 << 4;
    segment[13] = flags;
    put16(segment + 14, peer->window);
    if (length)
        memcpy(segment + 20, bytes, length);
    uint8_t pseudo[12] = {0};
    put32(pseudo, peer->address);
    put32(pseudo + 4, peer->other_address);
    pseudo[9] = 6;
    put16(pseudo + 10, (uint16_t)(20 + length));
    put16(segment + 16, folded(sum(segment, 20u + length, sum(pseudo, 12, 0))));
    return (uint16_t)(20 + length);
}

void peer_segment(struct node *node, struct peer *peer, uint8_t flags, int32_t offset,
                  const void *bytes, uint16_t length)
{
    static uint16_t identifier;
    uint8_t segment[FRAME_BUFFER_SIZE];
    const uint16_t size = peer_build(peer, flags, offset, bytes, length, segment);
    peer_ip(node, peer->address, peer->other_address, 6, ++identifier, 0, segment, size);
}

static struct peer *new_peer(void)
{
    CHECK(peer_count < MAX_PEERS);
    struct peer *peer = calloc(1, sizeof *peer);
    peers[peer_count++] = peer;
    peer->used = true;
    peer->window = 60000;
    peer->next_sequence = 1000 * peer_count;
    return peer;
}

struct peer *peer_connect(struct node *node, uint32_t own, uint16_t own_port, uint32_t address,
                          uint16_t port)
{
    struct peer *peer = new_peer();
    peer->address = own;
    peer->port = own_port;
    peer->other_address = address;
    peer->other_port = port;
    peer_segment(node, peer, TCP_SYN, 0, NULL, 0);
    peer->next_sequence++;
    world_run();
    return peer;
}

struct peer *peer_accepted(void)
{
    return newest_accepted;
}

void peer_send(struct node *node, struct peer *peer, const void *bytes, uint16_t length)
{
    peer_segment(node, peer, TCP_ACK | TCP_PSH, 0, bytes, length);
    peer->next_sequence += length;
}

void peer_finish(struct node *node, struct peer *peer)
{
    peer_segment(node, peer, TCP_ACK | TCP_FIN, 0, NULL, 0);
    peer->next_sequence++;
}

void peer_reset(struct node *node, struct peer *peer)
{
    peer_segment(node, peer, TCP_RST | TCP_ACK, 0, NULL, 0);
}

static void arp(struct node *node, uint16_t operation, uint32_t own, const uint8_t *mac,
                uint32_t target)
{
    uint8_t frame[60] = {0};
    frame_head(node, frame, own, 0x0806);
    uint8_t *body = frame + 14;
    put16(body, 1);
    put16(body + 2, 0x0800);
    body[4] = 6;
    body[5] = 4;
    put16(body + 6, operation);
    mac_of(body + 8, own);
    put32(body + 14, own);
    memcpy(body + 18, mac, 6);
    put32(body + 24, target);
    CHECK(node_receive(node, frame, sizeof frame));
}

void peer_arp_request(struct node *node, uint32_t own, uint32_t target)
{
    static const uint8_t unknown[6];
    arp(node, 1, own, unknown, target);
}

void peer_ping(struct node *node, uint32_t own, uint32_t target, uint16_t size)
{
    uint8_t echo[1480] = {8, 0};
    put16(echo + 2, folded(sum(echo, size, 0)));
    peer_ip(node, own, target, 1, 77, 0, echo, size);
}

static void arp_frame(struct node *node, const uint8_t *body)
{
    const uint32_t target = get32(body + 24);
    if (get16(body + 6) == 2)
        peers_arp_replies++;
    else if (target != get32(body + 14) && !peers_absent) /* not gratuitous */
        arp(node, 2, target, body + 8, get32(body + 14));
}

static struct peer *find(uint32_t own, uint16_t own_port, uint32_t other, uint16_t other_port)
{
    for (unsigned i = peer_count; i-- > 0;)
        if (peers[i]->address == own && peers[i]->port == own_port &&
            peers[i]->other_address == other && peers[i]->other_port == other_port)
            return peers[i];
    return NULL;
}

static void accept_connection(struct node *node, const uint8_t *ip, const uint8_t *tcp)
{
    struct peer *peer = new_peer();
    peer->address = get32(ip + 16);
    peer->port = get16(tcp + 2);
    peer->other_address = get32(ip + 12);
    peer->other_port = get16(tcp);
    peer->other_initial = get32(tcp + 4);
    peer->acknowledge = peer->other_initial + 1;
    if (peers_refuse) {
        peer_segment(node, peer, TCP_RST | TCP_ACK, 0, NULL, 0);
        return;
    }
    peer_segment(node, peer, TCP_SYN | TCP_ACK, 0, NULL, 0);
    peer->next_sequence++;
    newest_accepted = peer;
}

static void tcp_frame(struct node *node, const uint8_t *ip, const uint8_t *tcp, uint16_t size)
{
    uint8_t pseudo[12] = {0};
    memcpy(pseudo, ip + 12, 8);
    pseudo[9] = 6;
    put16(pseudo + 10, size);
    CHECK_EQUAL(folded(sum(tcp, size, sum(pseudo, 12, 0))), 0);
    const uint8_t flags = tcp[13];
    struct peer *peer = find(get32(ip + 16), get16(tcp + 2), get32(ip + 12), get16(tcp));
    if (!peer || (flags & TCP_SYN && !(flags & TCP_ACK) && peer->open)) {
        if (flags & TCP_SYN && get16(tcp + 2) == peers_listen && !peers_deaf)
            accept_connection(node, ip, tcp);
        return;
    }
    const uint32_t sequence = get32(tcp + 4);
    const uint16_t header = (uint16_t)((tcp[12] >> 4) * 4);
    const uint16_t length = (uint16_t)(size - header);
    if (flags & TCP_RST) {
        peer->was_reset = true;
        return;
    }
    if (flags & TCP_ACK)
        peer->acknowledged = get32(tcp + 8);
    peer->other_window = get16(tcp + 14);
    if (flags & TCP_SYN && flags & TCP_ACK) {
        peer->other_initial = sequence;
        peer->acknowledge = sequence + 1;
        peer->open = true;
        peer_segment(node, peer, TCP_ACK, 0, NULL, 0);
        return;
    }
    peer->open = true;
    if (sequence != peer->acknowledge || (length == 0 && !(flags & TCP_FIN)))
        return;
    CHECK(peer->received_length + length <= sizeof peer->received);
    memcpy(peer->received + peer->received_length, tcp + header, length);
    peer->received_length += length;
    peer->segments += length > 0;
    if (peer->silent)
        return;
    peer->acknowledge += length;
    if (flags & TCP_FIN) {
        peer->acknowledge++;
        peer->finished = true;
    }
    peer_segment(node, peer, TCP_ACK, 0, NULL, 0);
}

static void udp_frame(const uint8_t *ip, const uint8_t *udp)
{
    const uint16_t size = get16(udp + 4);
    uint8_t pseudo[12] = {0};
    memcpy(pseudo, ip + 12, 8);
    pseudo[9] = 17;
    put16(pseudo + 10, size);
    CHECK_EQUAL(size, get16(ip + 2) - 20);
    CHECK_EQUAL(folded(sum(udp, size, sum(pseudo, 12, 0))), 0);
    struct datagram *datagram = &peers_datagram[peers_datagrams++ % PEERS_DATAGRAMS];
    datagram->from = get32(ip + 12);
    datagram->to = get32(ip + 16);
    datagram->from_port = get16(udp);
    datagram->to_port = get16(udp + 2);
    datagram->length = (uint16_t)(size - 8);
    memcpy(datagram->bytes, udp + 8, datagram->length);
}

void peer_datagram(struct node *node, uint32_t own, uint16_t own_port, uint32_t target,
                   uint16_t target_port, const void *bytes, uint16_t length)
{
    uint8_t udp[8 + 1500] = {0}, pseudo[12] = {0};
    put16(udp, own_port);
    put16(udp + 2, target_port);
    put16(udp + 4, (uint16_t)(8 + length));
    memcpy(udp + 8, bytes, length);
    put32(pseudo, own);
    put32(pseudo + 4, target);
    pseudo[9] = 17;
    put16(pseudo + 10, (uint16_t)(8 + length));
    put16(udp + 6, folded(sum(udp, 8u + length, sum(pseudo, 12, 0))));
    peer_ip(node, own, target, 17, 0, 0, udp, (uint16_t)(8 + length));
}

void peers_wire(struct node *from, const uint8_t *frame, uint16_t length)
{
    CHECK(length >= 60);
    if (get16(frame + 12) == 0x0806) {
        arp_frame(from, frame + 14);
        return;
    }
    const uint8_t *ip = frame + 14;
    CHECK_EQUAL(get16(frame + 12), 0x0800);
    CHECK_EQUAL(folded(sum(ip, 20, 0)), 0);
    if (ip[9] == 1) {
        peers_echo_replies += ip[20] == 0;
        peers_unreachable += ip[20] == 3 && ip[21] == 3;
    } else if (ip[9] == 17)
        udp_frame(ip, ip + 20);
    else
        tcp_frame(from, ip, ip + 20, (uint16_t)(get16(ip + 2) - 20));
}

void peers_forget(void)
{
    for (unsigned i = 0; i < peer_count; i++)
        free(peers[i]);
    peer_count = 0;
    newest_accepted = NULL;
}
