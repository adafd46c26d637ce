/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last values of points, learned from what passes: how far a write may move one. A value is
 * known as a range, which a write under way widens and its good outcome narrows again, so that
 * neither a pipelined nor a failed write opens a way to a larger step.
 */
#include "policy/state.h"

static void widen(struct policy_value *last, int64_t low, int64_t high)
{
    if (!last->known || low < last->low)
        last->low = low;
    if (!last->known || high > last->high)
        last->high = high;
    last->known = true;
}

void policy_value_sent(struct policy_state *state, unsigned point, const int64_t *value)
{
    struct policy_value *const last = &state->value[point];
    widen(last, value ? *value : POLICY_VALUE_LOWEST, value ? *value : POLICY_VALUE_HIGHEST);
    last->written = state->order;
    if (last->pending < UINT16_MAX)
        last->pending++;
}

/* When the write is the only one under way, the device has its value. */
void policy_value_settled(struct policy_state *state, unsigned point, uint32_t order,
                          const int64_t *value)
{
    struct policy_value *const last = &state->value[point];
    if (last->pending)
        last->pending--;
    if (value && last->pending == 0 && last->written == order)
        last->low = last->high = *value;
}

void policy_value_read(struct policy_state *state, unsigned point, uint32_t order, int64_t value)
{
    struct policy_value *const last = &state->value[point];
    /* a write sent after the read, or without an outcome, may have changed it since */
    if (last->pending || last->challenged ||
        (last->written && (int32_t)(last->written - order) > 0))
        widen(last, value, value);
    else
        *last = (struct policy_value){
            .low = value, .high = value, .written = last->written, .known = true};
}

void policy_value_challenged(struct policy_state *state, unsigned point)
{
    state->value[point].challenged = true;
}

void policy_value_unchallenged(struct policy_state *state, unsigned point)
{
    state->value[point].challenged = false;
}

void policy_value_done(struct policy_state *state, unsigned point, int64_t value)
{
    struct policy_value *const last = &state->value[point];
    widen(last, value, value);
    last->written = state->order + 1; /* later than every read under way */
    if (last->pending == 0)
        last->low = last->high = value;
}

void policy_values_forget(struct policy_state *state, unsigned service)
{
    for (unsigned i = 0; i < state->conditions->point_count; i++)
        if (policy_step_point(state->conditions, i)->service == service)
            widen(&state->value[i], POLICY_VALUE_LOWEST, POLICY_VALUE_HIGHEST);
}

bool policy_value_near(const struct policy_state *state, unsigned point, int64_t value,
                       uint64_t step, bool first)
{
    const struct policy_value *const last = &state->value[point];
    if (!last->known)
        return first;
    return value - last->low <= (int64_t)step && last->high - value <= (int64_t)step;
}
