/* SPDX-License-Identifier: BSD-2-Clause */
/* What is between a request and a rule that does not allow it, for a reader: the nearest rule is
 * the one with the least of it. */
#ifndef SLUICE_POLICY_DISTANCE_H
#define SLUICE_POLICY_DISTANCE_H

#include "policy/compiler/model.h"
#include "policy/state.h"

/* How far off a rule is that differs in this. */
enum {
    DIFFERS_IN_VALUE = 1, /* or in the time, by a step, for want of what comes before */
    DIFFERS_IN_CLIENT = 2,
    DIFFERS_IN_PLACE = 2,    /* the unit, the stations */
    DIFFERS_IN_PART = 2,     /* some of the addresses, or the index */
    DIFFERS_IN_FUNCTION = 3, /* of the same kind: another way to write, or to read */
    DIFFERS_IN_OBJECT = 4,   /* all of the addresses, or the group */
    DIFFERS_IN_KIND = 6,
};

/* Ordered as the evaluator asks. */
struct distance {
    unsigned missing;
    const char *text;
};
void lacks(struct arena *arena, struct distance *distance, unsigned by, const char *what);
void lacks_client(struct arena *arena, struct distance *distance, const struct rule_head *rule,
                  uint32_t client);
/* The time and the rules' end; each rule by itself, so that rates are full. */
void lacks_condition(struct arena *arena, struct distance *distance, const struct rule_head *rule,
                     struct policy_state *state, const void *image);

#endif
