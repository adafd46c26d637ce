/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of rules: those of the body (rules.h), and one in hand that is narrowed step by step. */
#ifndef SLUICE_DNP3_RULE_SET_H
#define SLUICE_DNP3_RULE_SET_H

#include "protocols/dnp3/rules.h"

struct rule_set {
    uint64_t used; /* which words are not zero; the others may hold anything */
    uint64_t word[DNP3_RULE_WORDS];
};

static inline const void *rules_at(const struct dnp3_rules *rules, uint32_t offset)
{
    return (const uint8_t *)rules + offset;
}

static inline const uint64_t *set_at(const struct dnp3_rules *rules, uint32_t set)
{
    return (const uint64_t *)rules_at(rules, rules->words) + set;
}

/* The compiler's own may be a call to a library that not every host has. */
static inline unsigned bits_of(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(word * UINT64_C(0x0101010101010101) >> 56);
}

static inline void set_begin(struct rule_set *out, const struct dnp3_rules *rules, uint32_t set)
{
    const uint64_t *word = set_at(rules, set);
    out->used = *word++;
    for (uint64_t left = out->used; left; left &= left - 1)
        out->word[__builtin_ctzll(left)] = *word++;
}

static inline void set_narrow(struct rule_set *out, const struct dnp3_rules *rules, uint32_t set)
{
    const uint64_t *const word = set_at(rules, set);
    const uint64_t there = word[0];
    out->used &= there;
    for (uint64_t left = out->used; left; left &= left - 1) {
        const unsigned number = (unsigned)__builtin_ctzll(left);
        const uint64_t below = there & ((UINT64_C(1) << number) - 1);
        out->word[number] &= word[1 + bits_of(below)];
        if (out->word[number] == 0)
            out->used &= ~(UINT64_C(1) << number);
    }
}

static inline void set_copy(struct rule_set *out, const struct rule_set *from)
{
    out->used = from->used;
    for (uint64_t left = from->used; left; left &= left - 1) {
        const unsigned number = (unsigned)__builtin_ctzll(left);
        out->word[number] = from->word[number];
    }
}

/* Takes the first rule out of the set; false: it is empty. */
static inline bool set_take(struct rule_set *set, unsigned *rule)
{
    if (set->used == 0)
        return false;
    const unsigned number = (unsigned)__builtin_ctzll(set->used);
    *rule = number * 64 + (unsigned)__builtin_ctzll(set->word[number]);
    set->word[number] &= set->word[number] - 1;
    if (set->word[number] == 0)
        set->used &= set->used - 1;
    return true;
}

/* The set of the segment that holds `number`. */
static inline uint32_t axis_set(const struct dnp3_rules *rules, const struct dnp3_axis *axis,
                                uint32_t number)
{
    const uint32_t *const start = rules_at(rules, axis->starts);
    const uint32_t *const set = rules_at(rules, axis->sets);
    uint32_t low = 0, count = axis->count;
    while (count > 1) { /* the last start that is not above; the first is 0 */
        const uint32_t half = count / 2;
        if (start[low + half] <= number)
            low += half;
        count -= half;
    }
    return set[low];
}

#endif
