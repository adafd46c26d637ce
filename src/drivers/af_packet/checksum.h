/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SLUICE_CHECKSUM_H
#define SLUICE_CHECKSUM_H

#include <stdint.h>

/* Completes the TCP or UDP checksum of an Ethernet frame that its sender left to hardware
 * (RFC 9293 section 3.1, RFC 768). Leaves alone what is not IPv4 with TCP or UDP inside, what is
 * a fragment, and what does not fit in its own lengths. */
void checksum_complete(uint8_t *frame, uint32_t length);

#endif
