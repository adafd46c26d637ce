/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts round trips over each connector, and writes a JSON line for each to the serial port. */
#include <camkes.h>
#include <sel4/sel4.h>
#include <stdint.h>

#include "say.h"

static uint64_t counter(void)
{
    uint64_t count;
    __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(count));
    return count;
}

static void round_default(void)
{
    to_default_emit();
    from_default_wait();
}

static void round_native(void)
{
    to_native_emit();
    from_native_wait();
}

static void round_wake(void)
{
    to_wake_emit();
    seL4_Wait(from_wake_notification(), NULL);
}

static void round_call(void)
{
    callee_hit();
}

static void measure(const char *name, void (*round)(void))
{
    for (unsigned i = 0; i < WARM_UP; i++)
        round();
    uint64_t start = counter();
    for (unsigned i = 0; i < ROUNDS; i++)
        round();
    say((volatile uint32_t *)(uintptr_t)uart, name, counter() - start);
}

int run(void)
{
    measure("seL4Notification", round_default);
    measure("seL4NotificationNative", round_native);
    measure("SluiceWake", round_wake);
    measure("seL4RPCCall", round_call);
    say_text((volatile uint32_t *)(uintptr_t)uart, "done\r\n");
    return 0;
}
