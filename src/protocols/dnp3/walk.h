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
    uint64_t next; /* the first bit set of the mask's not looked at; header.count: there is none */
};

/* Over what the message is about: of aggressive mode (1815 7.5.2.3) without the objects that
 * authenticate it, which stand before and after all others. */
struct walk walk_begin(const struct dnp3_message *message);
/* True for a message in aggressive mode. */
bool walk_is_aggressive(const struct dnp3_message *message);
/* How many headers there are to walk over, and their octets. */
unsigned walk_headers(const struct dnp3_message *message);
struct sl_reader walk_octets(const struct dnp3_message *message);

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
