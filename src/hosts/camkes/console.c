/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/camkes/console.h"

#include <string.h>

#include "hosts/camkes/instance_time.h"
#include "hosts/microkit/uart.h"
#include "sluice/barrier.h"
#include "sluice/json.h"

const void *console_stamp(const struct instance *instance, const uint8_t boot[8])
{
    static struct sl_monitor_config stamped;
    if (!instance->uart)
        return instance->config;
    memcpy(&stamped, instance->config, sizeof stamped);
    memcpy(stamped.boot, boot, sizeof stamped.boot);
    if (instance->rtc) {
        uint64_t wall = instance->rtc[0] * UINT64_C(1000000000); /* Arm DDI 0224: RTCDR, seconds */
        uint64_t now = instance_now();
        stamped.wall_offset = wall > now ? wall - now : 0;
    }
    return &stamped;
}

void console_write(const struct instance *instance, const char *line, size_t length)
{
    if (!instance->uart)
        return;
    uart_write(instance->uart, line, length);
    uart_write(instance->uart, "\n", 1);
}

static void tell_fault(struct sl_json *json, const struct instance_words *words)
{
    char text[INSTANCE_WORDS_TEXT];
    memcpy(text, words->text, sizeof text);
    text[sizeof text - 1] = '\0';
    sl_json_string(json, "event", "component-died");
    sl_json_string(json, "cause", "fault");
    sl_json_string(json, "fault", text);
    sl_json_number(json, "found", words->found);
    sl_json_number(json, "expected", words->expected);
    sl_json_string(json, "action", "closed");
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

static void tell_all_wakes(const struct instance *instance)
{
    for (unsigned i = 0; i < instance->other_count; i++) {
        const struct instance_words *words = instance->other[i].page;
        tell_wakes(instance, instance->other[i].name, words->wakes);
    }
    tell_wakes(instance, instance->name, instance->wakes);
}

static void tell(const struct instance *instance, unsigned other, uint32_t spoken)
{
    const struct instance_words *words = instance->other[other].page;
    char line[512];
    struct sl_json json;
    if (instance->wakes)
        tell_all_wakes(instance);
    sl_json_start(&json, line, sizeof line);
    sl_json_open_object(&json, NULL);
    sl_json_string(&json, "event_type", "gateway");
    sl_json_string(&json, "component", "monitor");
    if (spoken == INSTANCE_MEASURED) {
        sl_json_string(&json, "event", "bench");
        sl_json_number(&json, "ticks", words->found);
        sl_json_number(&json, "requests", words->expected);
    } else {
        sl_json_string(&json, "died", instance->other[other].name);
        tell_fault(&json, words);
    }
    sl_json_close_object(&json);
    console_write(instance, line, json.length);
}

void console_look(const struct instance *instance)
{
    static bool told[SL_MAX_COMPONENTS];
    if (!instance->uart)
        return;
    for (unsigned i = 0; i < instance->other_count; i++) {
        const struct instance_words *words = instance->other[i].page;
        uint32_t spoken = sl_load_acquire(&words->spoken);
        if (told[i] || !spoken)
            continue;
        told[i] = true;
        tell(instance, i, spoken);
    }
}
