/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What only the monitor's component has: the serial port, the real-time clock, and every other
 * component's last words. In the others these do nothing.
 */
#ifndef SLUICE_CAMKES_CONSOLE_H
#define SLUICE_CAMKES_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

#include "hosts/camkes/instance.h"

/* The component's configuration: for the monitor a copy with boot identifier and wall clock
 * filled in, for any other the instance's own. */
const void *console_stamp(const struct instance *instance, const uint8_t boot[8]);

/* One line and its newline; waits for the serial port. */
void console_write(const struct instance *instance, const char *line, size_t length);

/* Writes a line for each component that has spoken its last words since the last look. */
void console_look(const struct instance *instance);

#endif
