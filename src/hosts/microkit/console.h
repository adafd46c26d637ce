/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What only the monitor's domain has: the serial port, and the supervisor's word of boot, epoch
 * and wall clock. Every other domain is linked with console_none.c, where these do nothing.
 */
#ifndef SLUICE_MICROKIT_CONSOLE_H
#define SLUICE_MICROKIT_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

#include "hosts/microkit/domain_config.h"

struct sl_monitor_place;

/* False while the supervisor has not named this boot. */
bool console_ready(const struct domain_config *config);

/* The component's configuration: for the monitor a copy with boot, epoch and wall clock filled
 * in, for any other `component_config` itself. */
const void *console_stamp(const struct domain_config *config, const void *component_config);

/* At a turn that finds the supervisor silent: the monitor's domain says so when that lasts, once,
 * and returns true; any other's returns false. */
bool console_without_supervisor(const struct domain_config *config);

/* Memory that a restart leaves, for the monitor to say how far it got; NULL: none. */
struct sl_monitor_place *console_place(void);

/* One line and its newline; waits for the serial port. */
void console_write(const struct domain_config *config, const char *line, size_t length);

#endif
