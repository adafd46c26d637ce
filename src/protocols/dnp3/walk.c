/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocols/dnp3/walk.h"

#define PATTERN_BLOCK 2u /* variation of GROUP_COMMAND */

bool walk_header(struct walk *walk)
{
    if (sl_remaining(&walk->in) == 0 || dnp3_read_header(&walk->in, FORM_CANONICAL, walk->function,
                                                         &walk->header) != SL_REASON_NONE)
        return false;
    walk->left = walk->header.class == QUALIFIER_INDEX ? walk->header.count : 1;
    return true;
}

static bool is_packed(const struct dnp3_header *header)
{
    return header->object->layout == OBJECT_BITS || header->object->layout == OBJECT_DOUBLE_BITS;
}

/* The objects of a header that is one item. */
static void skip(struct walk *walk, struct item *item)
{
    const struct dnp3_header *const header = &walk->header;
    if (!header->data)
        return;
    if (is_packed(header)) {
        const uint64_t each = header->object->layout == OBJECT_BITS ? 1 : 2;
        const uint64_t octets = (header->count * each + 7) / 8;
        if (octets <= sl_remaining(&walk->in))
            (void)sl_read_bytes(&walk->in, (size_t)octets);
        return;
    }
    for (uint64_t i = 0; i < header->count; i++) {
        uint32_t index;
        if (!dnp3_read_object(header, &walk->in, FORM_CANONICAL, &index, &item->data, &item->size))
            return;
    }
    if (!dnp3_is_command(header))
        item->data = NULL;
}

bool walk_item(struct walk *walk, struct item *item)
{
    const struct dnp3_header *const header = &walk->header;
    if (walk->left == 0)
        return false;
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
    skip(walk, item);
    if (header->group == GROUP_COMMAND && header->variation == PATTERN_BLOCK)
        item->index = ITEM_PATTERN;
    return true;
}
