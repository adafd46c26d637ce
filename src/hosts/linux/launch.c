/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/linux/launch.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "policy/image.h"

void launch_policy_hash(const void *image, char hash[17])
{
    const struct policy_image *const head = image;
    for (unsigned i = 0; i < 8; i++)
        snprintf(hash + (size_t)2 * i, 3, "%02x", head->hash[i]);
}

void launch_set_policy(struct launch *launch, const void *image, size_t size)
{
    launch->policy = image;
    launch->policy_size = size;
    launch->policy_generation++;
    launch_policy_hash(image, launch->policy_hash);
}

static void merge(struct launch *launch, uint8_t into, uint8_t from)
{
    for (unsigned i = 0; i < launch->topology->component_count; i++)
        if (launch->component[i].process == from)
            launch->component[i].process = into;
}

/* Numbers the processes anew without gaps, in the order of the components. */
static void renumber(struct launch *launch)
{
    uint8_t number[TOPOLOGY_MAX_COMPONENTS];
    memset(number, 0xff, sizeof number);
    launch->process_count = 0;
    for (unsigned i = 0; i < launch->topology->component_count; i++) {
        uint8_t *mine = &number[launch->component[i].process];
        if (*mine == 0xff)
            *mine = (uint8_t)launch->process_count++;
        launch->component[i].process = *mine;
    }
}

void launch_group(struct launch *launch, enum launch_grouping grouping)
{
    const struct topology *topology = launch->topology;
    launch->grouping = grouping;
    for (uint8_t i = 0; i < topology->component_count; i++)
        launch->component[i].process = grouping == LAUNCH_FUSED ? 0 : i;
    for (unsigned i = 0; grouping == LAUNCH_MERGED && i < topology->link_count; i++) {
        const struct topology_link *link = &topology->link[i];
        if (link->kind == LINK_FRAME_QUEUE)
            merge(launch, launch->component[link->from].process,
                  launch->component[link->to].process);
    }
    renumber(launch);
}

bool launch_has_parts(const struct launch *launch)
{
    return launch->grouping != LAUNCH_FUSED;
}

enum launch_part launch_part_of(const struct launch *launch, unsigned process)
{
    for (unsigned i = 0; launch_has_parts(launch) && i < launch->topology->component_count; i++) {
        const struct topology_component *component = &launch->topology->component[i];
        if (launch->component[i].process != process)
            continue;
        if (component->program == PROGRAM_MONITOR)
            return LAUNCH_MONITOR;
        if (component->side == SL_SIDE_INT && launch->topology->mode == SL_ONE_WAY)
            return LAUNCH_INTERNAL;
    }
    return LAUNCH_EXTERNAL;
}

bool launch_stops_part_only(const struct launch *launch, unsigned process)
{
    return launch_has_parts(launch) && (launch->topology->mode == SL_ONE_WAY ||
                                        launch_part_of(launch, process) == LAUNCH_MONITOR);
}

void launch_process_name(const struct launch *launch, unsigned process, char *name, size_t size)
{
    size_t length = 0;
    name[0] = '\0';
    for (unsigned i = 0; i < launch->topology->component_count; i++) {
        if (launch->component[i].process != process || length + 1 >= size)
            continue;
        int written = snprintf(name + length, size - length, "%s%s", length ? "+" : "",
                               launch->topology->component[i].name);
        if (written > 0)
            length += (size_t)written;
    }
}

int launch_choose_cpu(void)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return 0;
    for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--)
        if (CPU_ISSET((size_t)cpu, &allowed))
            return cpu;
    return 0;
}

bool launch_pin(int cpu)
{
    cpu_set_t only;
    CPU_ZERO(&only);
    if (cpu < 0 || cpu >= CPU_SETSIZE)
        return false;
    CPU_SET((size_t)cpu, &only);
    return sched_setaffinity(0, sizeof only, &only) == 0;
}
