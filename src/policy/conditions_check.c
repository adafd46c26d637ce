/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/conditions.h"

#include <stdbool.h>

static const void *at(const struct policy_conditions *section, uint32_t offset)
{
    return (const uint8_t *)section + offset;
}

static bool array(const struct policy_conditions *section, uint32_t offset, uint32_t count,
                  size_t entry)
{
    return offset % 8 == 0 && offset <= section->size &&
           (uint64_t)count * entry <= section->size - offset;
}

static const char *check_times(const struct policy_conditions *s)
{
    const struct policy_window *windows = at(s, s->windows);
    for (unsigned i = 0; i < s->window_count; i++)
        if (windows[i].start >= windows[i].end || windows[i].end > POLICY_WEEK)
            return "hours that are none";
    const struct policy_zone *zones = at(s, s->zones);
    for (unsigned i = 0; i < s->zone_count; i++)
        if (zones[i].shift_count == 0 || zones[i].shift > s->shift_count ||
            zones[i].shift_count > s->shift_count - zones[i].shift)
            return "a time zone outside its table";
    const struct policy_shift *shifts = at(s, s->shifts);
    for (unsigned i = 0; i < s->shift_count; i++)
        if (shifts[i].offset < -POLICY_LARGEST_OFFSET || shifts[i].offset > POLICY_LARGEST_OFFSET)
            return "a time zone more than a day from UTC";
    return NULL;
}

static const char *check_rates(const struct policy_conditions *s)
{
    const struct policy_rate *rates = at(s, s->rates);
    for (unsigned i = 0; i < s->rate_count; i++)
        if (rates[i].interval == 0 || rates[i].interval > POLICY_LONGEST_INTERVAL ||
            rates[i].burst == 0 || rates[i].burst > POLICY_LARGEST_BURST)
            return "a rate that is none";
    return NULL;
}

static const char *check_points(const struct policy_conditions *s, unsigned service_count)
{
    const struct policy_step_point *points = at(s, s->points);
    for (unsigned i = 0; i < s->point_count; i++)
        if (points[i].service >= service_count ||
            (i && policy_step_key(&points[i]) <= policy_step_key(&points[i - 1])))
            return "the points with steps are not in order";
    return NULL;
}

const char *policy_conditions_check(const void *section, size_t size, unsigned service_count)
{
    const struct policy_conditions *const s = section;
    if (size < sizeof *s || s->size < sizeof *s || s->size > size)
        return "the conditions are shorter than their head";
    if (s->condition_count > POLICY_MAX_CONDITIONS || s->rate_count > POLICY_MAX_RATES ||
        s->point_count > POLICY_MAX_STEP_POINTS)
        return "more conditions than there is room for";
    if (!array(s, s->conditions, s->condition_count, sizeof(struct policy_condition)) ||
        !array(s, s->windows, s->window_count, sizeof(struct policy_window)) ||
        !array(s, s->zones, s->zone_count, sizeof(struct policy_zone)) ||
        !array(s, s->shifts, s->shift_count, sizeof(struct policy_shift)) ||
        !array(s, s->rates, s->rate_count, sizeof(struct policy_rate)) ||
        !array(s, s->points, s->point_count, sizeof(struct policy_step_point)))
        return "the conditions are outside their section";
    const struct policy_condition *conditions = at(s, s->conditions);
    for (unsigned i = 0; i < s->condition_count; i++)
        if ((conditions[i].zone != POLICY_NONE && conditions[i].zone >= s->zone_count) ||
            (conditions[i].rate != POLICY_NONE && conditions[i].rate >= s->rate_count) ||
            conditions[i].window_count > POLICY_MAX_WINDOWS ||
            conditions[i].window > s->window_count ||
            conditions[i].window_count > s->window_count - conditions[i].window)
            return "a condition names what is not there";
    const char *wrong = check_times(s);
    if (!wrong)
        wrong = check_rates(s);
    return wrong ? wrong : check_points(s, service_count);
}
