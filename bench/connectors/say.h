/* SPDX-License-Identifier: BSD-2-Clause */
/* One measurement as a JSON line on the serial port (PL011). */
#ifndef SLUICE_BENCH_SAY_H
#define SLUICE_BENCH_SAY_H

#include <stdint.h>

#define WARM_UP 100u
#define ROUNDS  1000u

static inline void say_text(volatile uint32_t *uart, const char *text)
{
    for (; *text; text++)
        uart[0] = (uint8_t)*text; /* Arm DDI 0183: UARTDR; QEMU's is never full */
}

static inline void say(volatile uint32_t *uart, const char *name, uint64_t ticks)
{
    char digits[24], *next = digits + sizeof digits;
    *--next = '\0';
    do
        *--next = (char)('0' + ticks % 10);
    while (ticks /= 10);
    say_text(uart, "{\"connector\":\"");
    say_text(uart, name);
    say_text(uart, "\",\"ticks\":");
    say_text(uart, next);
    say_text(uart, ",\"rounds\":1000}\r\n");
}
_Static_assert(ROUNDS == 1000, "as the line says");

#endif
