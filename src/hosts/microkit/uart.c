/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/microkit/uart.h"

#include <stdbool.h>
#include <stdint.h>

#include "hosts/microkit/domain_time.h"

/* Arm DDI 0183 section 3.2, in words */
#define DATA          (0x00u / 4)
#define FLAGS         (0x18u / 4)
#define TRANSMIT_FULL 0x20u /* of FLAGS */

/* Many characters' time at any speed in use. A port that takes none for so long was set so by the
 * other who has it: the supervisor must not wait for a monitor that was taken over. */
#define STUCK_NS UINT64_C(100000000)

static bool put(volatile uint32_t *uart, char c)
{
    if (uart[FLAGS] & TRANSMIT_FULL) {
        const uint64_t limit = domain_now() + STUCK_NS;
        while (uart[FLAGS] & TRANSMIT_FULL)
            if (domain_now() > limit)
                return false;
    }
    uart[DATA] = (uint8_t)c;
    return true;
}

void uart_write(void *registers, const char *text, size_t length)
{
    volatile uint32_t *uart = registers;
    for (size_t i = 0; i < length; i++) {
        if ((text[i] == '\n' && !put(uart, '\r')) || !put(uart, text[i]))
            return;
    }
}
