/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a component is hung, for the supervisors of both seL4 hosts. Looks are counted, not time: a
 * machine that stood still looks once. Every component is woken by the same clock.
 */
#ifndef SLUICE_MICROKIT_HUNG_H
#define SLUICE_MICROKIT_HUNG_H

#include <stdbool.h>
#include <stdint.h>

#define HUNG_LOOKS   300u              /* so many without a turn: three seconds */
#define HUNG_LOOK_NS UINT64_C(9000000) /* at least, between two looks: of the clock's 10 ms */

struct hung {
    uint64_t turns;  /* at the last look */
    uint16_t missed; /* looks since the last turn */
};

/* At a look: `turns` is what it has counted. True when it is hung. */
static inline bool hung_look(struct hung *hung, uint64_t turns)
{
    hung->missed = turns != hung->turns ? 0 : (uint16_t)(hung->missed + 1);
    hung->turns = turns;
    return hung->missed >= HUNG_LOOKS;
}

#endif
