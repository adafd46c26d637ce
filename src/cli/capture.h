/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a capture file (pcap or pcapng) as TCP segments and UDP datagrams: Ethernet with VLAN
 * tags, Linux cooked v1 and v2, raw IP and loopback; IPv4 and IPv6 with fragments put together.
 * Checksums are not looked at: a capture taken on the sending machine has them half-made.
 */
#ifndef SLUICE_CLI_CAPTURE_H
#define SLUICE_CLI_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/time.h>

struct ip_fragments;

struct endpoint {
    uint8_t family;      /* 4 or 6 */
    uint8_t address[16]; /* network byte order; IPv4 uses the first four, the rest is zero */
    uint16_t port;
};

/* A TCP segment, or a UDP datagram. */
struct tcp_segment {
    struct timeval time;
    bool datagram; /* UDP: no sequence number, no flags */
    struct endpoint from, to;
    uint32_t sequence;
    bool syn, acknowledges, fin, reset;
    const uint8_t *payload;
    size_t length;  /* of payload, as far as the capture has it */
    size_t missing; /* bytes of payload after it that the capture cut off */
};

struct capture_counts {
    uint64_t packets;
    uint64_t other;     /* neither TCP nor UDP over IP */
    uint64_t damaged;   /* headers that contradict themselves or were cut off */
    uint64_t fragments; /* of datagrams of which not all fragments are there */
};

typedef void (*segment_sink)(void *context, const struct tcp_segment *segment);

/* IPv4 in host byte order; 0 for IPv6. */
uint32_t endpoint_ipv4(const struct endpoint *endpoint);

/* One captured packet: hands on its segment or datagram, if it is one. `link` is one of pcap's DLT_
 * numbers that capture_read() accepts, `wire_length` what the packet had on the wire. */
void capture_packet(int link, const struct timeval *time, const uint8_t *bytes, size_t length,
                    size_t wire_length, struct ip_fragments *fragments, segment_sink sink,
                    void *context, struct capture_counts *counts);

/* Reads all of `path` ("-": standard input). False when it cannot be read to its end, which is
 * then said on `errors`; what came before was handed on. */
bool capture_read(const char *path, segment_sink sink, void *context, struct capture_counts *counts,
                  FILE *errors);

#endif
