/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts round trips over each connector, and writes a JSON line for each to the serial port. */
#include <camkes.h>
#include <sel4/sel4.h>
#include <stdint.h>

#define WARM_UP 100u
#define ROUNDS  1000u

static void put(const char *text)
{
    volatile uint32_t *registers = (volatile uint32_t *)(uintptr_t)uart;
    for (; *text; text++)
        registers[0] = (uint8_t)*text; /* Arm DDI 0183: UARTDR; QEMU's is never full */
}

static void put_number(uint64_t number)
{
    char digits[24], *next = digits + sizeof digits;
    *--next = '\0';
    do
        *--next = (char)('0' + number % 10);
    while (number /= 10);
    put(next);
}

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
    uint64_t ticks = counter() - start;
    put("{\"connector\":\"");
    put(name);
    put("\",\"ticks\":");
    put_number(ticks);
    put(",\"rounds\":");
    put_number(ROUNDS);
    put("}\r\n");
}

int run(void)
{
    measure("seL4Notification", round_default);
    measure("seL4NotificationNative", round_native);
    measure("SluiceWake", round_wake);
    measure("seL4RPCCall", round_call);
    put("done\r\n");
    return 0;
}
