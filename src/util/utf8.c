/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/utf8.h"

#include <stdint.h>

size_t utf8_length(const char *bytes, size_t length)
{
    const uint8_t *const text = (const uint8_t *)bytes;
    const uint8_t first = length ? text[0] : 0xff;
    const size_t need = first < 0x80   ? 1
                        : first < 0xc2 ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
    if (need == 0 || need > length)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f) ||
        (first == 0xf0 && text[1] < 0x90) || (first == 0xf4 && text[1] > 0x8f))
        return 0;
    return need;
}
