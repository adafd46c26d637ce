/* SPDX-License-Identifier: BSD-2-Clause */
/* PL011 serial port, write only, polled; set up by whoever booted the machine. */
#ifndef SLUICE_MICROKIT_UART_H
#define SLUICE_MICROKIT_UART_H

#include <stddef.h>

/* Waits as long as the port takes the bytes, and gives up when it takes none. A newline gets its
 * carriage return. */
void uart_write(void *registers, const char *text, size_t length);

#endif
