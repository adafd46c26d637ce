/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/compiler/distance.h"

void lacks(struct arena *arena, struct distance *distance, unsigned by, const char *what)
{
    distance->text = distance->missing ? arena_printf(arena, "%s; %s", distance->text, what) : what;
    distance->missing += by;
}

void lacks_client(struct arena *arena, struct distance *distance, const struct rule_head *rule,
                  uint32_t client)
{
    if (!rule->any_client && !spans_hold(&rule->clients, client, client))
        lacks(arena, distance, DIFFERS_IN_CLIENT,
              arena_printf(arena, "it is for clients %s", rule->clients_text));
}

void lacks_condition(struct arena *arena, struct distance *distance, const struct rule_head *rule,
                     struct policy_state *state, const void *image)
{
    state->draw_count = 0;
    const enum sl_reason fails = policy_condition_fails(state, image, rule->condition);
    if (fails == SL_REASON_RULE_EXPIRED)
        lacks(arena, distance, DIFFERS_IN_VALUE,
              arena_printf(arena, "it expired (%s)", rule->expires));
    else if (fails == SL_REASON_OUTSIDE_HOURS)
        lacks(arena, distance, DIFFERS_IN_VALUE, arena_printf(arena, "it holds %s", rule->when));
    else if (fails != SL_REASON_NONE)
        lacks(arena, distance, DIFFERS_IN_VALUE, "the time is not known");
}
