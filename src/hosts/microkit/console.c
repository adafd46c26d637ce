/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/microkit/console.h"

#include <string.h>

#include "hosts/microkit/uart.h"

bool console_ready(const struct domain_config *config)
{
    static const uint8_t none[8];
    const struct domain_status *status = (const void *)config->status.base;
    return !status || memcmp(status->boot, none, sizeof none) != 0;
}

const void *console_stamp(const struct domain_config *config, const void *component_config)
{
    static struct sl_monitor_config stamped;
    const struct domain_status *status = (const void *)config->status.base;
    if (!status)
        return component_config;
    memcpy(&stamped, component_config, sizeof stamped);
    stamped.epoch = (uint32_t)status->restarts;
    memcpy(stamped.boot, status->boot, sizeof stamped.boot);
    stamped.wall_offset = status->wall_offset;
    return &stamped;
}

void console_write(const struct domain_config *config, const char *line, size_t length)
{
    void *uart = (void *)config->uart.base;
    if (!uart)
        return;
    uart_write(uart, line, length);
    uart_write(uart, "\n", 1);
}
