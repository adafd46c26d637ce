/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts round trips over a Microkit channel: a protected procedure, then notifications. */
#include <microkit.h>

#include "../connectors/say.h"

#define CALLEE 0u
#define PONG   1u

uintptr_t uart; /* set by the system description */
static unsigned rounds;
static uint64_t start;

static uint64_t counter(void)
{
    uint64_t count;
    __asm__ volatile("isb; mrs %0, cntpct_el0" : "=r"(count));
    return count;
}

void init(void)
{
    for (unsigned i = 0; i < WARM_UP; i++)
        microkit_ppcall(CALLEE, microkit_msginfo_new(0, 0));
    start = counter();
    for (unsigned i = 0; i < ROUNDS; i++)
        microkit_ppcall(CALLEE, microkit_msginfo_new(0, 0));
    say((volatile uint32_t *)uart, "protected procedure", counter() - start);
    microkit_notify(PONG);
}

void notified(microkit_channel channel)
{
    (void)channel;
    if (++rounds == WARM_UP) {
        start = counter();
    } else if (rounds == WARM_UP + ROUNDS) {
        say((volatile uint32_t *)uart, "channel", counter() - start);
        say_text((volatile uint32_t *)uart, "done\r\n");
        return;
    }
    microkit_notify(PONG);
}
