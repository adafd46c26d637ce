/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What only the monitor's component has: the serial port, and what others measured. In the others
 * these do nothing.
 */
#ifndef SLUICE_CAMKES_CONSOLE_H
#define SLUICE_CAMKES_CONSOLE_H

#include <stddef.h>

#include "hosts/camkes/instance.h"

/* The component's configuration: for the monitor a copy with boot identifier and wall clock
 * filled in, for any other the instance's own. Once its seed is ready. */
const void *console_stamp(const struct instance *instance);

/* One line and its newline; waits for the serial port. */
void console_write(const struct instance *instance, const char *line, size_t length);

/* Where it is measured: writes the result, once it is there. */
void console_look(const struct instance *instance);

#endif
