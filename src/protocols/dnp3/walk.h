/* SPDX-License-Identifier: BSD-2-Clause */
/* The objects of a valid canonical fragment one by one, as rules ask about them. */
#ifndef SLUICE_DNP3_WALK_H
#define SLUICE_DNP3_WALK_H

#include "protocols/dnp3/dnp3.h"
#include "protocols/dnp3/objects.h"

/* What one question of a rule is about: an object, or the objects of a range. */
enum item_index {
    ITEM_EVERY,   /* whichever points there are: all, so many, or without an index */
    ITEM_RANGE,   /* low to high */
    ITEM_PATTERN, /* a pattern control block: the mask after it says which points */
};
struct item {
    enum item_index index;
    uint32_t low, high;
    const uint8_t *data; /* of a command; NULL: none */
    size_t size;
};

struct walk {
    struct sl_reader in;
    unsigned function;
    struct dnp3_header header;
    uint64_t left; /* items of the header */
};

static inline struct walk walk_begin(const struct dnp3_message *message)
{
    return (struct walk){.in = sl_reader(message->objects, message->objects_length),
                         .function = message->function};
}

/* The next object header; false at the end. All items of the one before must have been taken. */
bool walk_header(struct walk *walk);
/* The next item of the header; false at its end. */
bool walk_item(struct walk *walk, struct item *item);
/* True when the walk has seen all there is. */
static inline bool walk_whole(const struct walk *walk)
{
    return walk->left == 0 && sl_consumed(&walk->in);
}

#endif
