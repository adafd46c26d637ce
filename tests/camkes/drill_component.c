/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A component of the drill's image (camkes_drill.py), which this file is the end of the generated
 * instance.c of: the real one, until the test turns it hostile by writing to the machine's memory
 * from outside. So one image serves for all of them in turn, at any number of seeds. Nothing starts
 * anew on this host: it is taken over at work.
 */
#include <sel4/sel4.h>
#include <string.h>

#include "components/hostile/hostile.c"
#include "hosts/camkes/instance.h"

#define NOWHERE UINT64_C(0xdead0000)

enum drill_state {
    DRILL_REAL,
    DRILL_HOSTILE,
    DRILL_STILL,   /* does nothing at all, so that what the others do is seen */
    DRILL_SPINS,   /* never returns */
    DRILL_BLOCKED, /* waits, and hears of nothing */
    DRILL_FAULTS,  /* touches memory that it has not */
};

#define LOOK_NS UINT64_C(10000000) /* of a still one, which nobody else may ever wake again */
#define BRISK   4u /* in a seed: attacks without rest, not only when something wakes it */

/* Found by mark and name, in memory, where `started` tells it from the image's copies. */
static struct {
    char mark[16], name[32];
    _Atomic uint32_t state;
    uint32_t started; /* 1: in use; 2: and hostile */
    uint64_t seed;
} drill = {.mark = "sluice drill 1 ", .name = DRILL_NAME};

static const struct instance *drilled;
static const struct sl_environment *given;
static bool hostile;

static void drill_init(void *self, const struct sl_environment *environment)
{
    given = environment;
    drill.started = 1;
    hostile_plan.real->init(self, environment);
}

static void die(uint32_t how)
{
    for (;;) {
        if (how == DRILL_FAULTS)
            *(volatile uint32_t *)NOWHERE = 0;
        if (how == DRILL_BLOCKED)
            seL4_Wait(drilled->wait, NULL);
    }
}

static void drill_wake(void *self, uint64_t badges)
{
    const uint32_t wanted = sl_load_acquire(&drill.state);
    if (wanted >= DRILL_SPINS)
        die(wanted);
    if (wanted == DRILL_STILL) {
        sl_deadline(given->host, sl_now(given->host) + LOOK_NS);
        return;
    }
    if (wanted == DRILL_HOSTILE && !hostile) {
        hostile = true;
        drill.started = 2;
        hostile_plan.seed = drill.seed;
        hostile_component.init(self, given);
    }
    if (!hostile) {
        hostile_plan.real->wake(self, badges);
        return;
    }
    hostile_component.wake(self, badges);
    if (drill.seed & BRISK)
        sl_deadline(given->host, 0);
}

static const struct sl_component drill_component = {
    .name = "drill", .init = drill_init, .wake = drill_wake};

void instance_fill(struct instance *instance)
{
    released_instance_fill(instance);
    hostile_plan =
        (struct hostile_plan){.real = instance->program, .place = DRILL_PLACE, .at_work = true};
    instance->program = &drill_component;
    drilled = instance;
}
