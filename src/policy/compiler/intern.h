/* SPDX-License-Identifier: BSD-2-Clause */
/* Byte strings, each kept once and numbered in the order of first sight. */
#ifndef SLUICE_POLICY_INTERN_H
#define SLUICE_POLICY_INTERN_H

#include <stdint.h>

#include "policy/compiler/arena.h"

struct interned {
    const uint8_t *bytes;
    size_t length;
    uint64_t hash;
};
struct intern {
    struct arena_list list; /* struct interned */
    uint32_t *slots;        /* number + 1; 0 is free */
    size_t slot_count;      /* a power of two */
};

uint32_t intern(struct arena *arena, struct intern *table, const void *bytes, size_t length);

static inline const struct interned *interned(const struct intern *table, uint32_t number)
{
    return (const struct interned *)table->list.items + number;
}

#endif
