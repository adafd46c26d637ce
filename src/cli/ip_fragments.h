/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Putting IP fragments together (RFC 791 section 3.2, RFC 8200 section 4.5). Where two overlap
 * the bytes that came first stay. A bounded number of datagrams is held; the oldest gives way.
 */
#ifndef SLUICE_CLI_IP_FRAGMENTS_H
#define SLUICE_CLI_IP_FRAGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What fragments of one datagram have in common. Unused bytes are zero. */
struct fragment_key {
    uint8_t from[16], to[16];
    uint32_t identification;
    uint8_t family;
    uint8_t protocol; /* IPv4; for IPv6 it is the first fragment's word */
    uint8_t unused[2];
};

struct ip_fragments;

/* NULL when there is no memory. */
struct ip_fragments *ip_fragments_new(void);
/* Frees it; returns how many fragments never became a datagram. */
uint64_t ip_fragments_free(struct ip_fragments *fragments);

/* Takes the payload of one fragment; `offset` in bytes. When it was the last one missing,
 * returns the datagram's payload (valid until the next call), its length and the protocol that
 * its first fragment named; otherwise NULL. */
const uint8_t *ip_fragments_add(struct ip_fragments *fragments, const struct fragment_key *key,
                                uint8_t protocol, size_t offset, bool more, const uint8_t *bytes,
                                size_t length, size_t *datagram_length, uint8_t *first_protocol);

#endif
