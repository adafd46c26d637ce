/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/compiler/intern.h"

#include <string.h>

/* FNV-1a over 8 bytes at a time where they are there. */
static uint64_t hash_of(const uint8_t *bytes, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ length;
    while (length) {
        uint64_t word = 0;
        const size_t step = length < 8 ? length : 8;
        memcpy(&word, bytes, step);
        hash = (hash ^ word) * UINT64_C(0x100000001b3);
        hash ^= hash >> 29;
        bytes += step;
        length -= step;
    }
    return hash;
}

static void place(struct intern *table, uint64_t hash, uint32_t number)
{
    size_t slot = (size_t)hash & (table->slot_count - 1);
    while (table->slots[slot])
        slot = (slot + 1) & (table->slot_count - 1);
    table->slots[slot] = number + 1;
}

uint32_t intern(struct arena *arena, struct intern *table, const void *bytes, size_t length)
{
    const uint64_t hash = hash_of(bytes, length);
    for (size_t i = 0; i < table->slot_count; i++) {
        const uint32_t found = table->slots[(hash + i) & (table->slot_count - 1)];
        if (found == 0)
            break;
        const struct interned *entry = interned(table, found - 1);
        if (entry->hash == hash && entry->length == length &&
            memcmp(entry->bytes, bytes, length) == 0)
            return found - 1;
    }
    const uint32_t number = (uint32_t)table->list.count;
    struct interned *entry = arena_append(arena, &table->list, sizeof *entry);
    *entry = (struct interned){(const uint8_t *)arena_text(arena, bytes, length), length, hash};
    if (table->list.count * 2 > table->slot_count) {
        table->slot_count = table->slot_count ? table->slot_count * 2 : 64;
        table->slots = arena_take(arena, table->slot_count * sizeof *table->slots);
        for (uint32_t i = 0; i < number; i++)
            place(table, interned(table, i)->hash, i);
    }
    place(table, hash, number);
    return number;
}
