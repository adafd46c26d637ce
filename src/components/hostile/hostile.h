/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A component that was taken over, for the drill (on Linux, Microkit and CAmkES) and in no released
 * program. It stands in the place of one component, with that one's rights, and uses
 * them against all others: every byte that it may write, every channel that it may ring.
 */
#ifndef SLUICE_HOSTILE_H
#define SLUICE_HOSTILE_H

#include <stdbool.h>

#include "sluice/component.h"

enum hostile_place { HOSTILE_STAGE, HOSTILE_DRIVER, HOSTILE_MONITOR };

struct hostile_plan {
    const struct sl_component *real; /* whose place it takes */
    enum hostile_place place;        /* how its rights differ from those of the others */
    uint64_t seed;
    uint32_t life; /* which start of the pipeline this is: each is attacked in another way */
    bool at_work;  /* the real one is at work and is taken over as it is; else from its start */
};

/* Set by the host before it starts anything. */
extern struct hostile_plan hostile_plan;
extern struct sl_component hostile_component; /* self_size once the plan is made */

void hostile_prepare(void);

#endif
