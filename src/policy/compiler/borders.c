/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/compiler/borders.h"

#include <stdlib.h>

static int by_number(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

void borders_begin(struct arena *arena, struct arena_list *borders)
{
    *(uint64_t *)arena_append(arena, borders, sizeof(uint64_t)) = 0;
}

void borders_add(struct arena *arena, struct arena_list *borders, struct span span)
{
    *(uint64_t *)arena_append(arena, borders, sizeof(uint64_t)) = span.low;
    *(uint64_t *)arena_append(arena, borders, sizeof(uint64_t)) = (uint64_t)span.high + 1;
}

size_t borders_settle(struct arena_list *borders)
{
    uint64_t *const number = borders->items;
    size_t count = 0;
    qsort(number, borders->count, sizeof *number, by_number);
    for (size_t i = 0; i < borders->count; i++)
        if (number[i] <= UINT32_MAX && (count == 0 || number[count - 1] != number[i]))
            number[count++] = number[i];
    borders->count = count;
    return count;
}

size_t border_at(const uint64_t *borders, size_t count, uint64_t number)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (borders[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
