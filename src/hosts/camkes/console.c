/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/camkes/console.h"

#include <string.h>

#include "hosts/microkit/uart.h"
#include "sluice/barrier.h"
#include "sluice/json.h"

const void *console_stamp(const struct instance *instance)
{
    static struct sl_monitor_config stamped;
    if (!instance->uart)
        return instance->config;
    memcpy(&stamped, instance->config, sizeof stamped);
    memcpy(stamped.boot, instance->seed->boot, sizeof stamped.boot);
    stamped.wall_offset = instance->seed->wall_offset;
    return &stamped;
}

void console_write(const struct instance *instance, const char *line, size_t length)
{
    if (!instance->uart)
        return;
    instance_turn(instance); /* a port may take long for the lines of one wake */
    uart_write(instance->uart, line, length);
    uart_write(instance->uart, "\n", 1);
}

static void tell_wakes(const struct instance *instance, const char *name,
                       const struct wake_count *wakes)
{
    char line[512];
    struct sl_json json;
    sl_json_start(&json, line, sizeof line);
    sl_json_open_object(&json, NULL);
    sl_json_string(&json, "event", "wakes");
    wakes_report(name, wakes, &json);
    sl_json_close_object(&json);
    console_write(instance, line, json.length);
}

static void tell(const struct instance *instance, const struct instance_measure *client)
{
    char line[512];
    struct sl_json json;
    for (unsigned i = 0; i < instance->other_count; i++) {
        const struct instance_measure *measure = instance->other[i].page;
        tell_wakes(instance, instance->other[i].name, measure->wakes);
    }
    tell_wakes(instance, instance->name, instance->wakes);
    sl_json_start(&json, line, sizeof line);
    sl_json_open_object(&json, NULL);
    sl_json_string(&json, "event_type", "gateway");
    sl_json_string(&json, "component", "monitor");
    sl_json_string(&json, "event", "bench");
    sl_json_number(&json, "ticks", client->ticks);
    sl_json_number(&json, "requests", client->requests);
    sl_json_close_object(&json);
    console_write(instance, line, json.length);
}

void console_look(const struct instance *instance)
{
    static bool told;
    if (!instance->uart || told)
        return;
    for (unsigned i = 0; i < instance->other_count && !told; i++) {
        const struct instance_measure *measure = instance->other[i].page;
        told = sl_load_acquire(&measure->done);
        if (told)
            tell(instance, measure);
    }
}
