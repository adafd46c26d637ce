/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The four functions of libc that freestanding code may use, and which the compiler calls by
 * itself. By words where both ends are aligned.
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int value, size_t length);
int memcmp(const void *left, const void *right, size_t length);

typedef uint64_t __attribute__((may_alias)) word;

static int aligned(const void *a, const void *b)
{
    return (((uintptr_t)a | (uintptr_t)b) & (sizeof(word) - 1)) == 0;
}

void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
    uint8_t *target = to;
    const uint8_t *source = from;
    if (aligned(target, source))
        for (; length >= sizeof(word);
             length -= sizeof(word), target += sizeof(word), source += sizeof(word))
            *(word *)target = *(const word *)source;
    while (length--)
        *target++ = *source++;
    return to;
}

void *memmove(void *to, const void *from, size_t length)
{
    uint8_t *target = to;
    const uint8_t *source = from;
    if (target <= source || target >= source + length) {
        while (length--)
            *target++ = *source++;
        return to;
    }
    while (length--)
        target[length] = source[length];
    return to;
}

void *memset(void *to, int value, size_t length)
{
    uint8_t *target = to;
    if (aligned(target, target)) {
        word filled = (uint8_t)value * UINT64_C(0x0101010101010101);
        for (; length >= sizeof(word); length -= sizeof(word), target += sizeof(word))
            *(word *)target = filled;
    }
    while (length--)
        *target++ = (uint8_t)value;
    return to;
}

int memcmp(const void *left, const void *right, size_t length)
{
    const uint8_t *a = left, *b = right;
    for (size_t i = 0; i < length; i++)
        if (a[i] != b[i])
            return a[i] - b[i];
    return 0;
}
