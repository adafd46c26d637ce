/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/microkit/console.h"

#include <string.h>

#include "hosts/microkit/domain.h"
#include "hosts/microkit/uart.h"
#include "sluice/counters.h"
#include "sluice/json.h"
#include "util/timestamp.h"

/* Turns of the monitor without a word of the supervisor that are silence, 10 ms from one to the
 * next: after a machine stood still it may come to one before the supervisor, which then hears the
 * clock. */
#define SILENT_TURNS 20u

static const struct domain_status *status_of(const struct domain_config *config)
{
    return (const void *)config->status.base;
}

bool console_ready(const struct domain_config *config)
{
    return sl_load_acquire(&status_of(config)->named) != 0;
}

const void *console_stamp(const struct domain_config *config, const void *component_config)
{
    static struct sl_monitor_config stamped;
    const struct domain_status *status = status_of(config);
    memcpy(&stamped, component_config, sizeof stamped);
    stamped.epoch = (uint32_t)status->restarts;
    memcpy(stamped.boot, status->boot, sizeof stamped.boot);
    stamped.wall_offset = status->wall_offset;
    return &stamped;
}

struct sl_monitor_place *console_place(void)
{
    static struct sl_monitor_place place __attribute__((section(".kept")));
    return &place;
}

static void say_supervisor_died(const struct domain_config *config)
{
    const struct domain_status *status = status_of(config);
    char text[TIMESTAMP_SIZE], line[512];
    struct sl_json json;
    sl_json_start(&json, line, sizeof line);
    sl_json_open_object(&json, NULL);
    if (status->wall_offset) {
        timestamp_format(status->wall_offset + domain_now(), text);
        sl_json_string(&json, "timestamp", text);
    } else {
        sl_json_number(&json, "uptime_us", domain_now() / 1000);
    }
    sl_json_string(&json, "event_type", "gateway");
    sl_json_hex(&json, "boot", status->boot, sizeof status->boot);
    sl_json_number(&json, "epoch", status->restarts);
    sl_json_string(&json, "component", "monitor");
    sl_json_string(&json, "event", "component-died");
    sl_json_string(&json, "died", "supervisor");
    sl_json_string(&json, "cause", "silent");
    sl_json_string(&json, "action", "closed");
    sl_json_close_object(&json);
    console_write(config, line, json.length);
}

bool console_without_supervisor(const struct domain_config *config)
{
    static uint64_t heard;
    static unsigned turns;
    const uint64_t alive = sl_load_relaxed(&status_of(config)->alive);
    turns = alive == heard ? turns + 1 : 1;
    heard = alive;
    if (turns == SILENT_TURNS)
        say_supervisor_died(config);
    return true;
}

void console_write(const struct domain_config *config, const char *line, size_t length)
{
    void *uart = (void *)config->uart.base;
    const struct domain_status *status = status_of(config);
    uint64_t theirs;
    do { /* again when one of the supervisor's came in between */
        theirs = sl_load_acquire(&status->lines);
        uart_write(uart, line, length);
        uart_write(uart, "\n", 1);
        domain_turn(config);
    } while (sl_load_acquire(&status->lines) != theirs);
}
