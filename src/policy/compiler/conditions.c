/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/compiler/conditions.h"

#include <stdlib.h>
#include <string.h>

#include "policy/compiler/zone.h"

int condition_number(struct site_policy *policy, const struct policy_condition *condition)
{
    const struct policy_condition *before = policy->conditions.items;
    for (size_t i = 0; i < policy->conditions.count; i++)
        if (memcmp(&before[i], condition, sizeof *condition) == 0)
            return (int)i;
    if (policy->conditions.count == POLICY_MAX_CONDITIONS)
        return -1;
    struct policy_condition *added =
        arena_append(&policy->arena, &policy->conditions, sizeof *added);
    *added = *condition;
    return (int)policy->conditions.count - 1;
}

int condition_zone(struct site_policy *policy, const char *name)
{
    const char *const *names = policy->zone_names.items;
    for (size_t i = 0; i < policy->zone_names.count; i++)
        if (strcmp(names[i], name) == 0)
            return (int)i;
    struct policy_zone zone = {.shift = (uint16_t)policy->shifts.count};
    if (!zone_shifts(name, &policy->arena, &policy->shifts) || policy->shifts.count > UINT16_MAX)
        return -1;
    zone.shift_count = (uint16_t)(policy->shifts.count - zone.shift);
    *(struct policy_zone *)arena_append(&policy->arena, &policy->zones, sizeof zone) = zone;
    *(const char **)arena_append(&policy->arena, &policy->zone_names, sizeof(char *)) = name;
    return (int)policy->zones.count - 1;
}

uint16_t condition_windows(struct site_policy *policy, const struct spans *spans)
{
    const struct policy_window *window = policy->windows.items;
    for (size_t first = 0; first + spans->count <= policy->windows.count; first++) {
        size_t same = 0;
        while (same < spans->count && window[first + same].start == spans->span[same].low &&
               window[first + same].end == spans->span[same].high + 1)
            same++;
        if (same == spans->count)
            return (uint16_t)first;
    }
    const uint16_t first = (uint16_t)policy->windows.count;
    for (size_t i = 0; i < spans->count; i++)
        *(struct policy_window *)arena_append(&policy->arena, &policy->windows,
                                              sizeof(struct policy_window)) =
            (struct policy_window){(uint16_t)spans->span[i].low,
                                   (uint16_t)(spans->span[i].high + 1)};
    return first;
}

bool condition_step_point(struct site_policy *policy, const struct policy_step_point *point)
{
    const struct policy_step_point *before = policy->step_points.items;
    for (size_t i = 0; i < policy->step_points.count; i++)
        if (policy_step_key(&before[i]) == policy_step_key(point))
            return true;
    if (policy->step_points.count == POLICY_MAX_STEP_POINTS)
        return false;
    *(struct policy_step_point *)arena_append(&policy->arena, &policy->step_points, sizeof *point) =
        *point;
    return true;
}

static int by_key(const void *left, const void *right)
{
    const uint64_t a = policy_step_key(left), b = policy_step_key(right);
    return a < b ? -1 : a > b;
}

static uint32_t place(struct buffer *image, uint32_t start, const struct arena_list *list,
                      size_t entry, uint16_t *count)
{
    *count = (uint16_t)list->count;
    return buffer_add(image, list->items, list->count * entry, 8) - start;
}

uint32_t conditions_place(struct site_policy *policy, struct buffer *image)
{
    if (policy->conditions.count == 0 && policy->rates.count == 0 && policy->step_points.count == 0)
        return 0;
    if (policy->step_points.count)
        qsort(policy->step_points.items, policy->step_points.count,
              sizeof(struct policy_step_point), by_key);
    struct policy_conditions head = {0};
    const uint32_t start = buffer_add(image, NULL, sizeof head, 8);
    head.conditions = place(image, start, &policy->conditions, sizeof(struct policy_condition),
                            &head.condition_count);
    head.windows =
        place(image, start, &policy->windows, sizeof(struct policy_window), &head.window_count);
    head.zones = place(image, start, &policy->zones, sizeof(struct policy_zone), &head.zone_count);
    head.shifts =
        place(image, start, &policy->shifts, sizeof(struct policy_shift), &head.shift_count);
    head.rates = place(image, start, &policy->rates, sizeof(struct policy_rate), &head.rate_count);
    head.points = place(image, start, &policy->step_points, sizeof(struct policy_step_point),
                        &head.point_count);
    head.size = buffer_add(image, NULL, 0, 8) - start;
    memcpy(image->bytes + start, &head, sizeof head);
    return start;
}
