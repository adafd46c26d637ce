/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stood where a write goes, for audit lines; nothing is decided by it. A table in which
 * neighbours never meet: a new value takes the place of whatever was there.
 */
#include <string.h>

#include "policy/state.h"

static unsigned place_of(uint32_t key)
{
    const uint32_t line = key >> 16; /* of neighbours */
    return (unsigned)((key & 0xffff) + line * UINT32_C(2654435761) / 1024) % POLICY_LAST_VALUES;
}

const struct policy_last_value *policy_last_find(const struct policy_state *state, uint32_t key)
{
    const struct policy_last_value *const last = &state->last[place_of(key)];
    return last->key == key && last->known ? last : NULL;
}

struct policy_last_value *policy_last_take(struct policy_state *state, uint32_t key)
{
    struct policy_last_value *const last = &state->last[place_of(key)];
    if (last->key != key)
        *last = (struct policy_last_value){.key = key};
    return last;
}

void policy_last_forget(struct policy_state *state, uint32_t key)
{
    struct policy_last_value *const last = &state->last[place_of(key)];
    if (last->key == key)
        *last = (struct policy_last_value){0};
}

void policy_last_forget_all(struct policy_state *state)
{
    memset(state->last, 0, sizeof state->last);
}
