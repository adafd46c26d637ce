/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/microkit/uart.h"

#include <stdint.h>

/* Arm DDI 0183 section 3.2, in words */
#define DATA          (0x00u / 4)
#define FLAGS         (0x18u / 4)
#define TRANSMIT_FULL 0x20u /* of FLAGS */

static void put(volatile uint32_t *uart, char c)
{
    while (uart[FLAGS] & TRANSMIT_FULL)
        ;
    uart[DATA] = (uint8_t)c;
}

void uart_write(void *registers, const char *text, size_t length)
{
    volatile uint32_t *uart = registers;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            put(uart, '\r');
        put(uart, text[i]);
    }
}
