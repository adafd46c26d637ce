/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of console.c in every domain but the monitor's. */
#include "hosts/microkit/console.h"

bool console_ready(const struct domain_config *config)
{
    (void)config;
    return true;
}

const void *console_stamp(const struct domain_config *config, const void *component_config)
{
    (void)config;
    return component_config;
}

bool console_without_supervisor(const struct domain_config *config)
{
    (void)config;
    return false;
}

struct sl_monitor_place *console_place(void)
{
    return NULL;
}

void console_write(const struct domain_config *config, const char *line, size_t length)
{
    (void)config;
    (void)line;
    (void)length;
}
