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
    if (header->group == GROUP_COMMAND && header->variation == PATTERN_BLOCK) {
        uint32_t index;
        item->index = ITEM_PATTERN; /* one block, without an index */
        return dnp3_read_object(header, &walk->in, FORM_CANONICAL, &index, &item->data,
                                &item->size);
    }
    return dnp3_skip_objects(header, &walk->in);
}
