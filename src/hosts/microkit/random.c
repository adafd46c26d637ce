/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/microkit/random.h"

#include <string.h>

static uint32_t rotate(uint32_t value, unsigned bits)
{
    return value << bits | value >> (32u - bits);
}

/* RFC 8439 section 2.1 */
static void quarter_round(uint32_t *s, unsigned a, unsigned b, unsigned c, unsigned d)
{
    s[a] += s[b];
    s[d] = rotate(s[d] ^ s[a], 16);
    s[c] += s[d];
    s[b] = rotate(s[b] ^ s[c], 12);
    s[a] += s[b];
    s[d] = rotate(s[d] ^ s[a], 8);
    s[c] += s[d];
    s[b] = rotate(s[b] ^ s[c], 7);
}

static uint32_t load(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

void chacha20_block(const uint8_t key[32], uint32_t counter, const uint8_t nonce[12],
                    uint8_t block[64])
{
    uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, s[16];
    for (unsigned i = 0; i < 8; i++)
        start[4 + i] = load(key + 4 * i);
    start[12] = counter;
    for (unsigned i = 0; i < 3; i++)
        start[13 + i] = load(nonce + 4 * i);
    memcpy(s, start, sizeof s);
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < 4; i++)
            quarter_round(s, i, 4 + i, 8 + i, 12 + i);
        for (unsigned i = 0; i < 4; i++)
            quarter_round(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
    }
    for (unsigned i = 0; i < 16; i++)
        for (unsigned byte = 0; byte < 4; byte++)
            block[4 * i + byte] = (uint8_t)((s[i] + start[i]) >> 8 * byte);
}

void random_seed(struct random *random, const uint8_t key[RANDOM_KEY])
{
    memcpy(random->key, key, RANDOM_KEY);
}

void random_mix(struct random *random, const void *bytes, size_t length)
{
    const uint8_t *from = bytes;
    static const uint8_t nonce[12] = "mix";
    for (size_t done = 0; done < length;) {
        uint8_t block[64];
        for (unsigned i = 0; i < RANDOM_KEY && done < length; i++, done++)
            random->key[i] ^= from[done];
        chacha20_block(random->key, 0, nonce, block);
        memcpy(random->key, block, RANDOM_KEY);
    }
}

void random_bytes(struct random *random, void *bytes, size_t length)
{
    static const uint8_t nonce[12];
    uint8_t *to = bytes;
    while (length) {
        uint8_t block[64];
        chacha20_block(random->key, 0, nonce, block);
        memcpy(random->key, block, RANDOM_KEY);
        size_t part = length < 64 - RANDOM_KEY ? length : 64 - RANDOM_KEY;
        memcpy(to, block + RANDOM_KEY, part);
        to += part;
        length -= part;
    }
}
