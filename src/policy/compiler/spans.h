/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of numbers as ranges: ascending, disjoint, not touching one another. */
#ifndef SLUICE_POLICY_SPANS_H
#define SLUICE_POLICY_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/compiler/arena.h"

struct span {
    uint32_t low, high; /* both belong to it */
};
struct spans {
    size_t count;
    const struct span *span;
};

/* Of the ranges in `list` (struct span, any order, overlapping or not), which it sorts. */
struct spans spans_of(struct arena_list *list);
/* All numbers from low to high. */
struct spans spans_range(struct arena *arena, uint32_t low, uint32_t high);
/* True when all of low..high is in the set: then one span holds it. */
bool spans_hold(const struct spans *spans, uint32_t low, uint32_t high);
bool spans_include(const struct spans *outer, const struct spans *inner);
bool spans_meet(const struct spans *spans, uint32_t low, uint32_t high);
/* "0-99, 200 and 300" */
const char *spans_text(struct arena *arena, const struct spans *spans);
/* True for a set of one number. */
bool spans_single(const struct spans *spans);
/* "a, b, c" as "a, b and c"; `word`: "and", "or". No part may have a comma and a space in it. */
const char *words_joined(struct arena *arena, const char *list, const char *word);

#endif
