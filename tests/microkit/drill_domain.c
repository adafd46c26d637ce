/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The component of a domain of the drill's image (make/drill.mk): the real one, until the test
 * turns it hostile by writing to the machine's memory from outside (test_hostile.py). So one
 * image serves for all of them in turn, at any number of seeds.
 */
#include <microkit.h>
#include <stdbool.h>
#include <string.h>

#include "components/hostile/hostile.h"
#include "sluice/barrier.h"
#include "sluice/host.h"

#define INPUT_CAP 1 /* libmicrokit's own, where all notifications come */

#define NOWHERE UINT64_C(0xdead0000)
#define LOOK_NS UINT64_C(10000000) /* of a still one, which nobody else may ever wake again */

enum drill_state {
    DRILL_REAL,
    DRILL_HOSTILE,
    DRILL_STILL,   /* does nothing at all, so that what the others do is seen */
    DRILL_SPINS,   /* once: never returns */
    DRILL_BLOCKED, /* once: waits, and hears of nothing */
    DRILL_FAULTS,  /* once: touches memory that it has not */
};

/* Found by its first 16 bytes and the domain's name; restarts leave it (domain.ld). */
static struct {
    char mark[16];
    char name[MICROKIT_PD_NAME_LENGTH];
    _Atomic uint32_t state;
    uint32_t lives;
    uint64_t seed;
} drill __attribute__((section(".kept"))) = {.mark = "sluice drill 1 "};

static struct sl_host *host;
static uint32_t state; /* at this start */

static void start(void *self, const struct sl_environment *environment)
{
    memcpy(drill.name, microkit_name, sizeof drill.name);
    host = environment->host;
    state = sl_load_acquire(&drill.state);
    if (state != DRILL_HOSTILE) {
        SLUICE_PROGRAM.init(self, environment);
        return;
    }
    hostile_plan = (struct hostile_plan){
        .real = &SLUICE_PROGRAM, .place = SLUICE_PLACE, .seed = drill.seed, .life = drill.lives++};
    hostile_component.init(self, environment);
}

/* Dies; the next life is the real one's. */
static void die(uint32_t how)
{
    sl_store_release(&drill.state, DRILL_REAL);
    for (;;) {
        seL4_Word badge;
        if (how == DRILL_FAULTS)
            *(volatile uint32_t *)NOWHERE = 0;
        if (how == DRILL_BLOCKED)
            (void)seL4_Wait(INPUT_CAP, &badge);
    }
}

static void wake(void *self, uint64_t badges)
{
    const uint32_t wanted = sl_load_acquire(&drill.state);
    if (wanted >= DRILL_SPINS)
        die(wanted);
    if (wanted == DRILL_STILL) {
        sl_deadline(host, sl_now(host) + LOOK_NS);
        return;
    }
    if (wanted != state)
        sl_fault(host, "drill", wanted, state);
    if (state != DRILL_HOSTILE) {
        SLUICE_PROGRAM.wake(self, badges);
        return;
    }
    hostile_component.wake(self, badges);
    sl_deadline(host, 0); /* what the clock's ticks are too rare for */
}

extern const struct sl_component *const domain_program;
static const struct sl_component component = {.name = "drill", .init = start, .wake = wake};
const struct sl_component *const domain_program = &component;
