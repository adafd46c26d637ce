/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random bytes for one component: ChaCha20 (RFC 8439 section 2.3) with fast key erasure: the
 * first half of each block is the next key, so that what was given out cannot be worked out from
 * the state found later.
 */
#ifndef SLUICE_MICROKIT_RANDOM_H
#define SLUICE_MICROKIT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#define RANDOM_KEY 32u

struct random {
    uint8_t key[RANDOM_KEY];
};

/* One ChaCha20 block. */
void chacha20_block(const uint8_t key[32], uint32_t counter, const uint8_t nonce[12],
                    uint8_t block[64]);

void random_seed(struct random *random, const uint8_t key[RANDOM_KEY]);

/* Mixes `length` bytes more into the key; they need not be secret. */
void random_mix(struct random *random, const void *bytes, size_t length);

void random_bytes(struct random *random, void *bytes, size_t length);

#endif
