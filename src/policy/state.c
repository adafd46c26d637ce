/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/state.h"

#define SECONDS_PER_WEEK INT64_C(604800)
#define MONDAY           INT64_C(345600) /* the first Monday of Unix time, in seconds */

static const void *at(const struct policy_conditions *conditions, uint32_t offset)
{
    return (const uint8_t *)conditions + offset;
}

const struct policy_conditions *policy_conditions_of(const void *image)
{
    const struct policy_image *const head = image;
    return head->conditions ? (const void *)((const uint8_t *)image + head->conditions) : NULL;
}

void policy_state_init(struct policy_state *state, const void *image)
{
    state->conditions = policy_conditions_of(image);
}

void policy_state_begin(struct policy_state *state, uint64_t now, uint64_t wall, uint32_t client)
{
    state->now = now;
    state->wall = (int64_t)(wall / UINT64_C(1000000000));
    state->client = client;
    state->draw_count = 0;
}

static int32_t offset_of(const struct policy_conditions *conditions, unsigned number, int64_t wall)
{
    const struct policy_zone *const zone =
        (const struct policy_zone *)at(conditions, conditions->zones) + number;
    const struct policy_shift *const shift =
        (const struct policy_shift *)at(conditions, conditions->shifts) + zone->shift;
    unsigned low = 0, count = zone->shift_count;
    while (count > 1) {
        const unsigned half = count / 2;
        if (shift[low + half].from <= wall)
            low += half;
        count -= half;
    }
    return shift[low].offset;
}

static bool within_hours(const struct policy_conditions *conditions,
                         const struct policy_condition *condition, int64_t wall)
{
    const int64_t local = wall - MONDAY + offset_of(conditions, condition->zone, wall);
    const int64_t minute = (local % SECONDS_PER_WEEK + SECONDS_PER_WEEK) % SECONDS_PER_WEEK / 60;
    const struct policy_window *const window =
        (const struct policy_window *)at(conditions, conditions->windows) + condition->window;
    for (unsigned i = 0; i < condition->window_count; i++)
        if (window[i].start <= minute && minute < window[i].end)
            return true;
    return false;
}

static const struct policy_rate *rate_of(const struct policy_conditions *conditions, unsigned rate)
{
    return (const struct policy_rate *)at(conditions, conditions->rates) + rate;
}

/* Where the bucket of this rate is, for the client at hand; NULL: there is no room for one more
 * client, all of the places it may have being those of others that are not full yet. */
static uint64_t *bucket_of(struct policy_state *state, unsigned rate, bool take)
{
    if (!rate_of(state->conditions, rate)->per_client)
        return &state->full_at[rate];
    uint32_t slot = policy_bucket_place(state->client, rate);
    struct policy_client_bucket *free_place = NULL;
    for (unsigned probe = 0; probe < POLICY_BUCKET_PROBES; probe++, slot++) {
        struct policy_client_bucket *const place = &state->bucket[slot % POLICY_CLIENT_BUCKETS];
        if (place->client == state->client && place->rate == rate)
            return &place->empty_until;
        if (!free_place && place->empty_until <= state->now)
            free_place = place;
    }
    if (free_place && take)
        *free_place =
            (struct policy_client_bucket){.client = state->client, .rate = (uint16_t)rate};
    return free_place ? &free_place->empty_until : NULL;
}

bool policy_rate_allows(struct policy_state *state, const void *image, unsigned rate)
{
    (void)image;
    if (state == NULL || rate == POLICY_NONE || state->conditions == NULL ||
        rate >= state->conditions->rate_count)
        return true;
    for (unsigned i = 0; i < state->draw_count; i++)
        if (state->draws[i] == rate)
            return true; /* another part of this message asked already */
    const struct policy_rate *const limit = rate_of(state->conditions, rate);
    const uint64_t *const full_at = bucket_of(state, rate, false);
    if (full_at == NULL || state->draw_count == POLICY_MOST_RATES)
        return false;
    const uint64_t owed = *full_at > state->now ? *full_at - state->now : 0;
    if (owed + limit->interval > limit->interval * limit->burst)
        return false;
    state->draws[state->draw_count++] = (uint16_t)rate;
    return true;
}

void policy_state_spend(struct policy_state *state)
{
    for (unsigned i = 0; i < state->draw_count; i++) {
        uint64_t *const full_at = bucket_of(state, state->draws[i], true);
        if (full_at == NULL)
            continue; /* asked for above, so there is one */
        const uint64_t from = *full_at > state->now ? *full_at : state->now;
        *full_at = from + rate_of(state->conditions, state->draws[i])->interval;
    }
    state->draw_count = 0;
}

enum sl_reason policy_condition_fails(struct policy_state *state, const void *image,
                                      unsigned number)
{
    const struct policy_conditions *const conditions = policy_conditions_of(image);
    if (number == POLICY_NONE || conditions == NULL || number >= conditions->condition_count)
        return SL_REASON_NONE;
    const struct policy_condition *const condition =
        (const struct policy_condition *)at(conditions, conditions->conditions) + number;
    const int64_t wall = state ? state->wall : 0;
    const bool timed = condition->expires || condition->zone != POLICY_NONE;
    if (timed && wall < POLICY_CLOCK_SET)
        return SL_REASON_CLOCK_NOT_SET;
    if (condition->expires && (uint64_t)wall >= condition->expires)
        return SL_REASON_RULE_EXPIRED;
    if (condition->zone != POLICY_NONE && !within_hours(conditions, condition, wall))
        return SL_REASON_OUTSIDE_HOURS;
    return policy_rate_allows(state, image, condition->rate) ? SL_REASON_NONE : SL_REASON_RATE;
}

unsigned policy_step_points(const struct policy_conditions *conditions, unsigned service,
                            unsigned unit, uint32_t low, uint32_t high, unsigned *first)
{
    const struct policy_step_point edge = {
        .service = (uint16_t)service, .unit = (uint8_t)unit, .address = (uint16_t)low};
    const uint64_t from = policy_step_key(&edge);
    const uint64_t past = from - ((uint64_t)(uint16_t)low << 16) + ((uint64_t)high + 1) * 65536;
    unsigned begin = 0, count = conditions->point_count;
    while (count > 0) {
        const unsigned half = count / 2;
        if (policy_step_key(policy_step_point(conditions, begin + half)) < from) {
            begin += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    *first = begin;
    unsigned found = 0;
    while (begin + found < conditions->point_count &&
           policy_step_key(policy_step_point(conditions, begin + found)) < past)
        found++;
    return found;
}
