/* SPDX-License-Identifier: BSD-2-Clause */
/* All objects of one fragment: which must be there, and in which order. */
#include "protocols/dnp3/dnp3.h"
#include "protocols/dnp3/objects.h"

struct order {
    unsigned function;
    unsigned headers;     /* without those of aggressive mode */
    bool aggressive;      /* g120v3 came first */
    bool ended;           /* g120v9 came: nothing follows */
    bool interval;        /* g50v2: what is frozen then */
    bool class;           /* g60: what is assigned to it */
    bool common_time;     /* g51: what relative times count from */
    bool pattern;         /* g12v2 or a mask of it came just before */
    bool pattern_awaited; /* g12v2 without a mask yet */
};

static bool is(const struct dnp3_header *header, unsigned group, unsigned variation)
{
    return header->group == group && header->variation == variation;
}

/* 1815 7.5.2.3: around all other objects. */
static bool aggressive_mode(struct order *order, const struct dnp3_header *header, bool first)
{
    if (is(header, GROUP_AUTHENTICATION, 3)) {
        order->aggressive = true;
        return first;
    }
    order->ended = true;
    return order->aggressive && header->count == 1 && !order->pattern_awaited;
}

/* A.8.2, A.8.3: a pattern control block, then at least one mask. */
static bool pattern_in_order(struct order *order, const struct dnp3_header *header)
{
    bool mask = is(header, GROUP_COMMAND, 3);
    if (mask ? !order->pattern : order->pattern_awaited)
        return false;
    order->pattern = mask || is(header, GROUP_COMMAND, 2);
    order->pattern_awaited = is(header, GROUP_COMMAND, 2);
    return true;
}

static bool in_order(struct order *order, const struct dnp3_header *header, bool first)
{
    if (order->ended)
        return false;
    if (header->group == GROUP_AUTHENTICATION && (header->variation == 3 || header->variation == 9))
        return aggressive_mode(order, header, first);
    order->headers++;
    if (!pattern_in_order(order, header))
        return false;
    switch (order->function) {
    case DNP3_FREEZE_AT_TIME: /* 1815 4.4.11: the time, then what is frozen then */
    case DNP3_FREEZE_AT_TIME_NO_ACK:
        order->interval = order->interval || header->group == GROUP_TIME;
        return order->interval;
    case DNP3_ASSIGN_CLASS: /* 1815 4.4.22: the class, then what is assigned to it */
        order->class = order->class || header->group == GROUP_CLASS;
        return order->class;
    default:
        break;
    }
    /* A.3.3, A.5.3: a relative time needs a common time before it */
    order->common_time = order->common_time || header->group == GROUP_COMMON_TIME;
    return !header->data || !(is(header, 2, 3) || is(header, 4, 3)) || order->common_time;
}

static enum sl_reason enough(const struct order *order)
{
    if (order->aggressive != order->ended || order->pattern_awaited)
        return SL_REASON_OBJECT_ORDER;
    const struct dnp3_function_entry *entry = dnp3_function(order->function);
    if (entry->objects == OBJECTS_REQUIRED && order->headers == 0)
        return SL_REASON_OBJECTS_MISSING;
    return SL_REASON_NONE;
}

enum sl_reason dnp3_copy_fragment_objects(unsigned function, struct sl_reader *in,
                                          enum object_form from, struct sl_writer *out,
                                          enum object_form to, uint16_t *headers, bool *changed,
                                          bool *authenticated)
{
    struct order order = {.function = function};
    *headers = 0;
    *authenticated = false;
    while (sl_remaining(in) > 0) {
        struct dnp3_header header;
        enum sl_reason reason = dnp3_read_header(in, from, function, &header);
        if (reason != SL_REASON_NONE)
            return reason;
        if (!in_order(&order, &header, *headers == 0))
            return SL_REASON_OBJECT_ORDER;
        dnp3_write_header(out, to, &header);
        reason = dnp3_copy_objects(&header, in, from, out, to, changed);
        if (reason != SL_REASON_NONE)
            return reason;
        *authenticated = *authenticated || header.group == GROUP_AUTHENTICATION;
        (*headers)++;
    }
    return enough(&order);
}
