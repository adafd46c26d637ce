/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For measurement, on both seL4 hosts: how often a component was woken and how long it was awake,
 * by who woke it. What is awake is the component and the bells that it rings; waiting, being
 * switched to and the host's own work are not.
 */
#ifndef SLUICE_WAKES_H
#define SLUICE_WAKES_H

#include <stdint.h>

#include "sluice/json.h"

#define WAKES_BADGES 64u /* by the lowest bit of the badges of a wake (sluice/component.h) */

#define WAKES_EARLY 100u /* the first, which are told apart: connections are made, caches fill */

struct wake_count {
    uint64_t wakes, ticks; /* ticks of the machine's counter */
    uint64_t early;        /* ticks of the first WAKES_EARLY */
};

/* `badges` is not 0. */
static inline void wakes_add(struct wake_count counts[WAKES_BADGES], uint64_t badges,
                             uint64_t ticks)
{
    struct wake_count *count = &counts[__builtin_ctzll(badges)];
    count->wakes++;
    count->ticks += ticks;
    if (count->wakes == WAKES_EARLY)
        count->early = count->ticks;
}

/* "of":name,"counts":[badge,wakes,ticks,early,...] into the open object. */
void wakes_report(const char *name, const struct wake_count counts[WAKES_BADGES],
                  struct sl_json *json);

#endif
