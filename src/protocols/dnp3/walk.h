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
    ITEM_PATTERN, /* a pattern control block: the masks after it say which points */
};
struct item {
    enum item_index index;
    uint32_t low, high;
    const uint8_t *data; /* of a command, for the points of a mask its block; NULL: none */
    size_t size;
};

struct walk {
    struct sl_reader in;
    unsigned function;
    struct dnp3_header header;
    uint64_t left;       /* items of the header */
    struct item pattern; /* the last pattern control block */
    const uint8_t *mask; /* of the header, a bit for each point of its range; NULL: it is none */
    uint64_t
        next; /* the mask's first bit that is set, of those not looked at; count: there is none */
};

static inline struct walk walk_begin(const struct dnp3_message *message)
{
    return (struct walk){.in = sl_reader(message->objects, message->objects_length),
                         .function = message->function};
}

/* The next object header; false at the end. All items of the one before must have been taken. */
bool walk_header(struct walk *walk);
/* The next item of the header; false at its end. Of a mask each run of points that it chooses; of
 * one that chooses none all points of its range, so that rules are asked about something. */
bool walk_item(struct walk *walk, struct item *item);
/* True at the mask of a pattern control block. */
bool walk_is_mask(const struct walk *walk);
/* True when the walk has seen all there is. */
static inline bool walk_whole(const struct walk *walk)
{
    return walk->left == 0 && sl_consumed(&walk->in);
}

#endif
