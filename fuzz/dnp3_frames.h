/* SPDX-License-Identifier: BSD-2-Clause */
/* Link frames for the fuzzers: CRCs made right, so that what lies behind them is reached. */
#ifndef SLUICE_FUZZ_DNP3_FRAMES_H
#define SLUICE_FUZZ_DNP3_FRAMES_H

#include <stdint.h>
#include <stdlib.h>

#include "protocols/dnp3/link.h"

static inline void require(int holds)
{
    if (!holds)
        abort();
}

static inline void put_crc(uint8_t *bytes, size_t length)
{
    uint16_t crc = dnp3_crc(bytes, length);
    bytes[length] = (uint8_t)crc;
    bytes[length + 1] = (uint8_t)(crc >> 8);
}

/* Makes right the CRCs of what looks like frames, from the first on. */
static inline void repair(uint8_t *bytes, size_t size)
{
    size_t at = 0;
    while (at + LINK_HEADER_SIZE <= size && bytes[at] == 0x05 && bytes[at + 1] == 0x64 &&
           bytes[at + 2] >= 5) {
        size_t left = (size_t)bytes[at + 2] - 5;
        put_crc(bytes + at, LINK_HEADER_SIZE - LINK_CRC_SIZE);
        at += LINK_HEADER_SIZE;
        while (left > 0) {
            size_t block = left < LINK_BLOCK ? left : LINK_BLOCK;
            if (at + block + LINK_CRC_SIZE > size)
                return;
            put_crc(bytes + at, block);
            at += block + LINK_CRC_SIZE;
            left -= block;
        }
    }
}

#endif
