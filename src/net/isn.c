/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/isn.h"

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static uint64_t load64le(const uint8_t *bytes, size_t length)
{
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static void sip_rounds(uint64_t v[4], unsigned rounds)
{
    while (rounds--) {
        v[0] += v[1];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[0] = rotate(v[0], 32);
        v[2] += v[3];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

uint64_t siphash(const uint8_t key[ISN_KEY_SIZE], const uint8_t *bytes, size_t length)
{
    const uint64_t k0 = load64le(key, 8);
    const uint64_t k1 = load64le(key + 8, 8);
    /* "somepseudorandomlygeneratedbytes" */
    uint64_t v[4] = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                     k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
    size_t offset = 0;
    for (; length - offset >= 8; offset += 8) {
        const uint64_t word = load64le(bytes + offset, 8);
        v[3] ^= word;
        sip_rounds(v, 2);
        v[0] ^= word;
    }
    const uint64_t last = (uint64_t)length << 56 | load64le(bytes + offset, length - offset);
    v[3] ^= last;
    sip_rounds(v, 2);
    v[0] ^= last;
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint32_t isn(const uint8_t key[ISN_KEY_SIZE], uint64_t now, uint32_t local, uint16_t local_port,
             uint32_t remote, uint16_t remote_port)
{
    const uint32_t words[3] = {local, remote, (uint32_t)local_port << 16 | remote_port};
    uint8_t bytes[sizeof words];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(words[i / 4] >> (8 * (i % 4)));
    return (uint32_t)(now / 4000) + (uint32_t)siphash(key, bytes, sizeof bytes);
}
