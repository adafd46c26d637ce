/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Modbus requests out of a seed: the same seed, the same requests, on every host. About one in
 * ten is malformed, always within intact framing, so that the stream goes on after it.
 */
#ifndef SLUICE_SYNTHETIC_REQUESTS_H
#define SLUICE_SYNTHETIC_REQUESTS_H

#include <stddef.h>
#include <stdint.h>

#define REQUEST_MAX 64u /* bytes of the longest request made here */

struct requests {
    uint64_t state; /* xorshift64*; never 0 */
    uint16_t transaction;
};

void requests_start(struct requests *requests, uint64_t seed);

/* A number below `limit` (at least 1). */
uint32_t requests_random(struct requests *requests, uint32_t limit);

/* The next request's bytes; returns their length. */
size_t requests_next(struct requests *requests, uint8_t bytes[REQUEST_MAX]);

#endif
