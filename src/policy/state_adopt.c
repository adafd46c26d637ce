/* SPDX-License-Identifier: BSD-2-Clause */
/* What was counted and learnt under one policy, carried into the next: by what it is of, since the
 * numbers of rates and points are an image's own. */
#include <string.h>

#include "policy/state.h"

static const struct policy_rate *rates_of(const struct policy_conditions *conditions)
{
    return (const void *)((const uint8_t *)conditions + conditions->rates);
}

/* The rate of the same rule or service with the same limit; POLICY_NONE: there is none. */
static uint16_t same_rate(const struct policy_conditions *among, const struct policy_rate *wanted)
{
    const struct policy_rate *const rates = rates_of(among);
    for (unsigned i = 0; i < among->rate_count; i++)
        if (memcmp(&rates[i], wanted, sizeof *wanted) == 0)
            return (uint16_t)i;
    return POLICY_NONE;
}

static void adopt_rates(struct policy_state *state, const struct policy_conditions *before,
                        const struct policy_conditions *after)
{
    uint64_t full_at[POLICY_MAX_RATES] = {0};
    struct policy_client_bucket bucket[POLICY_CLIENT_BUCKETS] = {0};
    for (unsigned i = 0; i < before->rate_count; i++) {
        const uint16_t number = same_rate(after, rates_of(before) + i);
        if (number == POLICY_NONE)
            continue;
        full_at[number] = state->full_at[i];
        for (unsigned k = 0; k < POLICY_CLIENT_BUCKETS; k++) {
            if (state->bucket[k].rate != i || state->bucket[k].empty_until == 0)
                continue;
            struct policy_client_bucket kept = state->bucket[k];
            kept.rate = number;
            for (uint32_t probe = 0; probe < POLICY_BUCKET_PROBES; probe++) {
                struct policy_client_bucket *const place =
                    &bucket[(policy_bucket_place(kept.client, number) + probe) %
                            POLICY_CLIENT_BUCKETS];
                if (place->empty_until)
                    continue;
                *place = kept;
                break;
            }
        }
    }
    memcpy(state->full_at, full_at, sizeof full_at);
    memcpy(state->bucket, bucket, sizeof bucket);
}

static void adopt_values(struct policy_state *state, const struct policy_conditions *before,
                         const struct policy_conditions *after)
{
    struct policy_value value[POLICY_MAX_STEP_POINTS] = {0};
    unsigned old = 0;
    for (unsigned i = 0; i < after->point_count; i++) { /* both ascending */
        const uint64_t key = policy_step_key(policy_step_point(after, i));
        while (old < before->point_count && policy_step_key(policy_step_point(before, old)) < key)
            old++;
        if (old < before->point_count && policy_step_key(policy_step_point(before, old)) == key)
            value[i] = state->value[old];
    }
    memcpy(state->value, value, sizeof value);
}

void policy_state_adopt(struct policy_state *state, const void *image)
{
    static const struct policy_conditions none = {.size = sizeof none};
    const struct policy_conditions *const before = state->conditions ? state->conditions : &none;
    state->conditions = policy_conditions_of(image);
    const struct policy_conditions *const after = state->conditions ? state->conditions : &none;
    state->draw_count = 0;
    adopt_rates(state, before, after);
    adopt_values(state, before, after);
}
