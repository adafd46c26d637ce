/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocols/dnp3/walk.h"

#define PATTERN_BLOCK 2u /* variations of GROUP_COMMAND (1815 A.8.2, A.8.3) */
#define PATTERN_MASK  3u

/* 1815 7.5.2.3, A.45: variations of GROUP_AUTHENTICATION around the objects of a message. */
#define AGGRESSIVE_FIRST 3u
#define AGGRESSIVE_LAST  9u

static bool is_around(const struct dnp3_header *header, unsigned variation)
{
    return header->group == GROUP_AUTHENTICATION && header->variation == variation;
}

/* True when the first header begins aggressive mode, then `after` is behind it. */
static bool aggressive(const struct dnp3_message *message, struct sl_reader *after)
{
    struct dnp3_header header;
    *after = sl_reader(message->objects, message->objects_length);
    /* looked at before it is read: hardly any message has it */
    return message->objects_length > 2 && message->objects[0] == GROUP_AUTHENTICATION &&
           message->objects[1] == AGGRESSIVE_FIRST &&
           dnp3_read_header(after, FORM_CANONICAL, message->function, &header) == SL_REASON_NONE &&
           is_around(&header, AGGRESSIVE_FIRST) && dnp3_skip_objects(&header, after);
}

bool walk_is_aggressive(const struct dnp3_message *message)
{
    struct sl_reader after;
    return aggressive(message, &after);
}

struct walk walk_begin(const struct dnp3_message *message)
{
    struct walk walk = {.function = message->function};
    if (!aggressive(message, &walk.in))
        walk.in = sl_reader(message->objects, message->objects_length);
    return walk;
}

unsigned walk_headers(const struct dnp3_message *message)
{
    const unsigned around = walk_is_aggressive(message) ? 2u : 0u;
    return message->header_count > around ? message->header_count - around : 0;
}

struct sl_reader walk_octets(const struct dnp3_message *message)
{
    struct sl_reader in;
    if (!aggressive(message, &in))
        return sl_reader(message->objects, message->objects_length);
    const size_t first = in.offset;
    size_t end = first;
    struct dnp3_header header;
    while (sl_remaining(&in) > 0 &&
           dnp3_read_header(&in, FORM_CANONICAL, message->function, &header) == SL_REASON_NONE &&
           !is_around(&header, AGGRESSIVE_LAST) && dnp3_skip_objects(&header, &in))
        end = in.offset;
    return sl_reader(message->objects + first, end - first);
}

static bool chosen(const uint8_t *mask, uint64_t bit)
{
    return mask[bit / 8] >> bit % 8 & 1;
}

/* The first point that the mask chooses, or does not, of those not looked at. */
static uint64_t next_bit(const struct walk *walk, bool choosing)
{
    uint64_t bit = walk->next;
    while (bit < walk->header.count && chosen(walk->mask, bit) != choosing)
        bit++;
    return bit;
}

static bool mask_begin(struct walk *walk)
{
    const uint64_t octets = (walk->header.count + 7) / 8;
    walk->mask =
        octets <= sl_remaining(&walk->in) ? sl_read_bytes(&walk->in, (size_t)octets) : NULL;
    walk->next = 0;
    if (walk->mask)
        walk->next = next_bit(walk, true);
    return walk->mask != NULL;
}

static void mask_item(struct walk *walk, struct item *item)
{
    const uint64_t count = walk->header.count, first = walk->next < count ? walk->next : 0;
    walk->next = walk->next < count ? next_bit(walk, false) : count;
    *item = walk->pattern;
    item->index = ITEM_RANGE;
    item->low = (uint32_t)(walk->header.start + first);
    item->high = (uint32_t)(walk->header.start + walk->next - 1);
    walk->next = next_bit(walk, true);
    walk->left = walk->next < count;
}

bool walk_header(struct walk *walk)
{
    if (sl_remaining(&walk->in) == 0 || dnp3_read_header(&walk->in, FORM_CANONICAL, walk->function,
                                                         &walk->header) != SL_REASON_NONE)
        return false;
    walk->left = 0;
    walk->mask = NULL;
    if (is_around(&walk->header, AGGRESSIVE_LAST)) { /* nothing follows */
        (void)dnp3_skip_objects(&walk->header, &walk->in);
        return false;
    }
    walk->left = walk->header.class == QUALIFIER_INDEX ? walk->header.count : 1;
    return !walk_is_mask(walk) || mask_begin(walk);
}

bool walk_is_mask(const struct walk *walk)
{
    return walk->header.group == GROUP_COMMAND && walk->header.variation == PATTERN_MASK &&
           walk->header.data;
}

bool walk_item(struct walk *walk, struct item *item)
{
    const struct dnp3_header *const header = &walk->header;
    if (walk->left == 0)
        return false;
    if (walk->mask) {
        mask_item(walk, item);
        return true;
    }
    walk->left--;
    *item = (struct item){.index = ITEM_EVERY};
    if (header->class == QUALIFIER_INDEX) {
        item->index = ITEM_RANGE;
        if (!dnp3_read_object(header, &walk->in, FORM_CANONICAL, &item->low, &item->data,
                              &item->size))
            return false;
        item->high = item->low;
        if (!dnp3_is_command(header))
            item->data = NULL;
        return true;
    }
    if (header->class == QUALIFIER_RANGE) {
        item->index = ITEM_RANGE;
        item->low = header->start;
        item->high = (uint32_t)(header->start + header->count - 1);
    }
    if (header->group == GROUP_COMMAND && header->variation == PATTERN_BLOCK) {
        uint32_t index;
        item->index = ITEM_PATTERN; /* one block, without an index */
        const bool whole =
            dnp3_read_object(header, &walk->in, FORM_CANONICAL, &index, &item->data, &item->size);
        walk->pattern = *item;
        return whole;
    }
    return dnp3_skip_objects(header, &walk->in);
}
