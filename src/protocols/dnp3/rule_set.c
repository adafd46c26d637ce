/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocols/dnp3/rule_set.h"

/* The compiler's own may be a call to a library that not every host has. */
unsigned bits_of(uint64_t word)
{
    word -= word >> 1 & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(word * UINT64_C(0x0101010101010101) >> 56);
}

static unsigned first_of(uint64_t word)
{
    return (unsigned)__builtin_ctzll(word);
}

/* Word `number` of a set of the body that has it. */
static uint64_t set_word(const uint64_t *set, unsigned number)
{
    return set[1 + bits_of(set[0] & ((UINT64_C(1) << number) - 1))];
}

/* What all have in common in this word, which `used` says that all have. The last ones have the
 * fewest rules: those of an index, of an object. */
static uint64_t set_common(const struct rule_set *set, unsigned number)
{
    uint64_t word = set->settled ? set->word[number] : UINT64_MAX;
    for (unsigned i = set->late_count; i-- > 0 && word;)
        word &= set_word(set->late[i], number);
    return word;
}

void set_settle(struct rule_set *set)
{
    if (set->late_count == 0)
        return;
    for (uint64_t left = set->used; left; left &= left - 1) {
        const unsigned number = first_of(left);
        set->word[number] = set_common(set, number);
        if (set->word[number] == 0)
            set->used &= ~(UINT64_C(1) << number);
    }
    set->settled = true;
    set->late_count = 0;
}

void set_copy(struct rule_set *out, const struct rule_set *from)
{
    out->used = from->used;
    out->late_count = from->late_count;
    out->settled = from->settled;
    for (unsigned i = 0; i < from->late_count; i++)
        out->late[i] = from->late[i];
    for (uint64_t left = from->settled ? from->used : 0; left; left &= left - 1) {
        const unsigned number = first_of(left);
        out->word[number] = from->word[number];
    }
}

bool set_any(struct rule_set *set)
{
    while (set->used) {
        if (set_common(set, first_of(set->used)))
            return true;
        set->used &= set->used - 1;
    }
    return false;
}

bool set_take(struct rule_set *set, unsigned *rule)
{
    set_settle(set);
    if (set->used == 0)
        return false;
    const unsigned number = first_of(set->used);
    *rule = number * 64 + first_of(set->word[number]);
    set->word[number] &= set->word[number] - 1;
    if (set->word[number] == 0)
        set->used &= set->used - 1;
    return true;
}
