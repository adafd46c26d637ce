/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/linux/parts.h"

#include <stdio.h>
#include <time.h>

#include "hosts/linux/gateway_event.h"

#define NS_PER_MS UINT64_C(1000000)

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

const char *launch_part_name(enum launch_part part)
{
    static const char *const names[LAUNCH_PARTS] = {"external", "internal", "monitor"};
    return names[part];
}

void parts_begin(struct parts *parts, uint64_t now)
{
    for (unsigned i = 0; i < LAUNCH_PARTS; i++)
        parts->part[i] = (struct part){.state = PART_UP, .since = now};
}

void parts_stop(struct parts *parts, struct epoch *epoch, const struct launch *launch,
                unsigned process, uint64_t now)
{
    const enum launch_part number = launch_part_of(launch, process);
    struct part *part = &parts->part[number];
    const uint64_t enough = number == LAUNCH_MONITOR ? MONITOR_LIVED_NS : LIVED_NS;
    const bool lived = part->state == PART_UP && now - part->since >= enough;
    epoch_stop_part(epoch, launch, number);
    if (part->state == PART_UP)
        part->detected = now;
    if (lived)
        part->back_off = 0;
    else
        part->back_off = part->back_off ? part->back_off * 2 : BACK_OFF_MIN_NS;
    if (part->back_off > BACK_OFF_MAX_NS)
        part->back_off = BACK_OFF_MAX_NS;
    part->state = PART_DOWN;
    part->next = now + part->back_off;
}

static void log_restarted(const struct part *part, const struct epoch *epoch,
                          const struct launch *launch, enum launch_part number, uint64_t now)
{
    struct gateway_event event;
    const uint64_t took = now - part->detected;
    gateway_event_start(&event, launch, "launcher", "restarted", epoch->number);
    sl_json_string(&event.json, "part", launch_part_name(number));
    sl_json_number(&event.json, "restart_us", took / 1000);
    sl_json_number(&event.json, "back_off_ms", part->back_off / NS_PER_MS);
    sl_json_open_array(&event.json, "processes");
    for (unsigned i = 0; i < launch->process_count; i++) {
        char name[GATEWAY_EVENT_SIZE / 4];
        if (epoch->process[i].pid <= 0) /* of a part that is down */
            continue;
        launch_process_name(launch, i, name, sizeof name);
        sl_json_open_object(&event.json, NULL);
        sl_json_string(&event.json, "name", name);
        sl_json_number(&event.json, "pid", (uint64_t)epoch->process[i].pid);
        sl_json_close_object(&event.json);
    }
    sl_json_close_array(&event.json);
    char message[80];
    snprintf(message, sizeof message, "the %s part restarted in %.1f ms", launch_part_name(number),
             (double)took / (double)NS_PER_MS);
    sl_json_string(&event.json, "message", message);
    gateway_event_send(&event, launch);
    fprintf(stderr, "sluice: %s\n", message);
}

static void start(struct part *part, struct epoch *epoch, struct launch *launch,
                  enum launch_part number, uint32_t *gateway_restarts)
{
    char error[512];
    part->restarts++;
    part->state = PART_STARTING;
    part->next = now_ns() + START_LIMIT_NS;
    if (epoch_start_part(epoch, launch, number, ++*gateway_restarts, part->restarts, error,
                         sizeof error))
        return;
    struct gateway_event event;
    gateway_event_start(&event, launch, "launcher", "restart-failed", epoch->number);
    sl_json_string(&event.json, "part", launch_part_name(number));
    sl_json_string(&event.json, "error", error);
    gateway_event_send(&event, launch);
    fprintf(stderr, "sluice: %s\n", error);
    part->back_off = part->back_off ? part->back_off * 2 : BACK_OFF_MIN_NS;
    if (part->back_off > BACK_OFF_MAX_NS)
        part->back_off = BACK_OFF_MAX_NS;
    part->state = PART_DOWN;
    part->next = now_ns() + part->back_off;
}

bool parts_go_on(struct parts *parts, struct epoch *epoch, struct launch *launch, uint32_t *number,
                 struct death *death)
{
    for (unsigned i = 0; i < LAUNCH_PARTS; i++) {
        struct part *part = &parts->part[i];
        const uint64_t now = now_ns();
        if (part->state == PART_DOWN && now >= part->next)
            start(part, epoch, launch, i, number);
        if (part->state != PART_STARTING)
            continue;
        if (epoch_part_ready(epoch, launch, i)) {
            part->state = PART_UP;
            part->since = now_ns();
            log_restarted(part, epoch, launch, i, part->since);
            epoch_tidy(epoch, launch);
        } else if (now >= part->next) {
            epoch_blame_late(epoch, death);
            return true;
        }
    }
    return false;
}

uint64_t parts_next(const struct parts *parts)
{
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < LAUNCH_PARTS; i++)
        if (parts->part[i].state != PART_UP && parts->part[i].next < next)
            next = parts->part[i].next;
    return next;
}

bool parts_all_up(const struct parts *parts)
{
    for (unsigned i = 0; i < LAUNCH_PARTS; i++)
        if (parts->part[i].state != PART_UP)
            return false;
    return true;
}
