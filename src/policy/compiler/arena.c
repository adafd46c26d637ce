/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/compiler/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)1 << 16)

struct arena_block {
    struct arena_block *older;
    size_t size, used;
    _Alignas(max_align_t) uint8_t bytes[];
};

void *arena_take(struct arena *arena, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    size = (size + align - 1) / align * align;
    if (size > arena->left) {
        const size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        struct arena_block *block = calloc(1, sizeof *block + room);
        if (block == NULL) {
            fputs("sluice: out of memory while reading the configuration\n", stderr);
            exit(2);
        }
        block->older = arena->blocks;
        block->size = room;
        arena->blocks = block;
        arena->left = room;
    }
    struct arena_block *const block = arena->blocks;
    void *piece = block->bytes + block->used;
    block->used += size;
    arena->left -= size;
    return piece;
}

char *arena_text(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_take(arena, length + 1);
    if (length)
        memcpy(copy, text, length);
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    const int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return arena_text(arena, "", 0);
    char *copy = arena_text(arena, text, (size_t)length);
    free(text);
    return copy;
}

void arena_free(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->older;
        free(block);
    }
    arena->left = 0;
}

void *arena_append(struct arena *arena, struct arena_list *list, size_t size)
{
    if (list->count == list->room) {
        const size_t room = list->room ? list->room * 2 : 8;
        void *items = arena_take(arena, room * size);
        if (list->count)
            memcpy(items, list->items, list->count * size);
        list->items = items;
        list->room = room;
    }
    return (uint8_t *)list->items + list->count++ * size;
}
