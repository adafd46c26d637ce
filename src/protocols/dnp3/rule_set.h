/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of rules: those of the body (rules.h), and one in hand that is narrowed step by step. Steps
 * are taken together and late: first the words that none of the sets has are dropped, from their
 * heads alone, and what is left is a word or two however many rules there are. */
#ifndef SLUICE_DNP3_RULE_SET_H
#define SLUICE_DNP3_RULE_SET_H

#include "protocols/dnp3/rules.h"

#define RULE_SETS_LATE 8u

struct rule_set {
    uint64_t used;                        /* which words may be other than zero */
    const uint64_t *late[RULE_SETS_LATE]; /* sets of the body, still to be intersected */
    uint8_t late_count;
    bool settled;                   /* `word` counts: what the sets before have in common */
    uint64_t word[DNP3_RULE_WORDS]; /* of those that `used` says; the others may hold anything */
};

static inline const void *rules_at(const struct dnp3_rules *rules, uint32_t offset)
{
    return (const uint8_t *)rules + offset;
}

static inline const uint64_t *set_at(const struct dnp3_rules *rules, uint32_t set)
{
    return (const uint64_t *)rules_at(rules, rules->words) + set;
}

/* Intersects what is late: worth it where many sets are to be made of this one. */
void set_settle(struct rule_set *set);

static inline void set_narrow(struct rule_set *out, const struct dnp3_rules *rules, uint32_t set)
{
    if (out->late_count == RULE_SETS_LATE)
        set_settle(out);
    const uint64_t *const late = set_at(rules, set);
    out->used &= late[0];
    out->late[out->late_count++] = late;
}

static inline void set_begin(struct rule_set *out, const struct dnp3_rules *rules, uint32_t set)
{
    out->used = UINT64_MAX;
    out->late_count = 0;
    out->settled = false;
    set_narrow(out, rules, set);
}

void set_copy(struct rule_set *out, const struct rule_set *from);
/* True when the set has any rule; looks no further than to the first. */
bool set_any(struct rule_set *set);
/* Takes the first rule out of the set; false: it is empty. */
bool set_take(struct rule_set *set, unsigned *rule);

/* How many bits of the word are set. */
unsigned bits_of(uint64_t word);

/* The number of the segment that holds `number`. */
static inline uint32_t axis_segment(const struct dnp3_rules *rules, const struct dnp3_axis *axis,
                                    uint32_t number)
{
    const uint32_t *const start = rules_at(rules, axis->starts);
    uint32_t low = 0, count = axis->count;
    while (count > 1) { /* the last start that is not above; the first is 0 */
        const uint32_t half = count / 2;
        if (start[low + half] <= number)
            low += half;
        count -= half;
    }
    return low;
}

static inline uint32_t segment_set(const struct dnp3_rules *rules, const struct dnp3_axis *axis,
                                   uint32_t segment)
{
    return ((const uint32_t *)rules_at(rules, axis->sets))[segment];
}

static inline uint32_t axis_set(const struct dnp3_rules *rules, const struct dnp3_axis *axis,
                                uint32_t number)
{
    return segment_set(rules, axis, axis_segment(rules, axis, number));
}

#endif
