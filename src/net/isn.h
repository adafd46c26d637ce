/* SPDX-License-Identifier: BSD-2-Clause */
/* Initial sequence numbers that an outsider cannot predict: RFC 6528. */
#ifndef SLUICE_NET_ISN_H
#define SLUICE_NET_ISN_H

#include <stddef.h>
#include <stdint.h>

#define ISN_KEY_SIZE 16u

/* SipHash-2-4 of `bytes` under a 16-byte `key` (Aumasson and Bernstein, 2012). */
uint64_t siphash(const uint8_t key[ISN_KEY_SIZE], const uint8_t *bytes, size_t length);

/* RFC 6528 3: ISN = M + F(localip, localport, remoteip, remoteport, secretkey), where M counts
 * 4 microseconds. `now` in nanoseconds; addresses and ports in any one byte order. */
uint32_t isn(const uint8_t key[ISN_KEY_SIZE], uint64_t now, uint32_t local, uint16_t local_port,
             uint32_t remote, uint16_t remote_port);

#endif
