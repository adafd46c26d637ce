/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that lives as long as the site it belongs to: taken in pieces, given back at once. A
 * machine without memory for a configuration file ends the program with a word. */
#ifndef SLUICE_POLICY_ARENA_H
#define SLUICE_POLICY_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *blocks;
    size_t left; /* of the newest block */
};

void *arena_take(struct arena *arena, size_t size); /* zeroed, aligned for anything */
char *arena_text(struct arena *arena, const char *text, size_t length); /* a copy, ended by NUL */
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *arena);

/* A growing array in an arena: `items` points to `count` entries of `size` bytes. Returns a place
 * for one more, zeroed; earlier pointers into the array are void. */
struct arena_list {
    void *items;
    size_t count, room;
};
void *arena_append(struct arena *arena, struct arena_list *list, size_t size);

#endif
