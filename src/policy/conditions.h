/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a rule may ask beside the message: the time, how often, and how far from the last value.
 * A section of the policy image, flat like the rest of it; offsets from the section's start.
 * policy_conditions_check() is total; state.h uses the section after it.
 */
#ifndef SLUICE_POLICY_CONDITIONS_H
#define SLUICE_POLICY_CONDITIONS_H

#include <stddef.h>
#include <stdint.h>

#define POLICY_NONE            UINT16_MAX
#define POLICY_MAX_CONDITIONS  1024u
#define POLICY_MAX_RATES       128u
#define POLICY_MAX_STEP_POINTS 256u
#define POLICY_MAX_WINDOWS     64u /* of one condition */
#define POLICY_WEEK            (7u * 24u * 60u)

struct policy_conditions {
    uint32_t size;       /* bytes, this struct included; a multiple of 8 */
    uint32_t conditions; /* condition_count struct policy_condition */
    uint32_t windows;    /* window_count struct policy_window */
    uint32_t zones;      /* zone_count struct policy_zone */
    uint32_t shifts;     /* shift_count struct policy_shift */
    uint32_t rates;      /* rate_count struct policy_rate */
    uint32_t points;     /* point_count struct policy_step_point, ascending */
    uint16_t condition_count, window_count, zone_count, shift_count, rate_count, point_count;
};
_Static_assert(sizeof(struct policy_conditions) == 40, "the section's head");

struct policy_condition {
    uint64_t expires; /* Unix seconds; 0: never */
    uint16_t zone;    /* POLICY_NONE: at any hour */
    uint16_t window;  /* first of window_count, ascending */
    uint16_t window_count;
    uint16_t rate; /* POLICY_NONE: as often as one likes */
};

/* Minutes of the local week, which begins on Monday at 0:00; `end` is not in it. */
struct policy_window {
    uint16_t start, end;
};

struct policy_zone {
    uint16_t shift; /* first of shift_count, ascending; the first holds for all time before too */
    uint16_t shift_count;
};

/* From this moment on the zone's clocks are `offset` seconds ahead of UTC. */
struct policy_shift {
    int64_t from; /* Unix seconds */
    int32_t offset;
    uint32_t reserved;
};
#define POLICY_LARGEST_OFFSET (24 * 60 * 60) /* seconds, either way */

/* A token bucket: one token each `interval`, at most `burst` of them. */
struct policy_rate {
    uint64_t interval; /* ns, 1 .. 1 day */
    uint32_t burst;    /* 1 .. 65535 */
    uint8_t per_client;
    uint8_t mark[3]; /* of the rule or service that it is of: the same in another image of a site */
};
#define POLICY_LONGEST_INTERVAL UINT64_C(86400000000000)
#define POLICY_LARGEST_BURST    65535u

/* A value whose last reading is kept, as some rule limits how far it may move at once. */
struct policy_step_point {
    uint16_t service;
    uint8_t unit;
    uint8_t type; /* of the protocol */
    uint16_t address;
    uint8_t low_first;
    uint8_t reserved;
};

/* Ascending in service, unit, address, type, low_first. */
static inline uint64_t policy_step_key(const struct policy_step_point *point)
{
    return (uint64_t)point->service << 40 | (uint64_t)point->unit << 32 |
           (uint64_t)point->address << 16 | (uint64_t)point->type << 8 | point->low_first;
}

/* NULL when all that the section says lies within `size` and is possible. */
const char *policy_conditions_check(const void *section, size_t size, unsigned service_count);

#endif
