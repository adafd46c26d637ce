/* SPDX-License-Identifier: BSD-2-Clause */
/* From a topology to CAmkES instances, regions and bells. */
#include "topology/camkes.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "drivers/virtio_mmio/virtio_entropy.h"
#include "drivers/virtio_mmio/virtio_net.h"
#include "hosts/camkes/instance.h"

#define PAGE 4096u
#define READ RIGHT_READ
#define BOTH (RIGHT_READ | RIGHT_WRITE)

/* The pipeline's components and the monitor have one priority, so that a wake-up does not take the
 * processor from who is still draining its queues, and no flood from outside, nor one that never
 * rests, can keep the others from it; a full budget is a time slice. The clock's is what makes it
 * tick: by seL4_Yield it gives up what is left of 9000 in every 10000 microseconds
 * (hosts/camkes/clock.c). It uses little of that, but a machine that is held up charges it all the
 * time that passes, and with a small share it would be paid back for seconds. */
struct scheduling {
    uint8_t priority;
    uint32_t budget, period, stack;
};
static const struct scheduling scheduling[] = {
    [CAMKES_COMPONENT] = {100, 1000, 1000, 0x2000},  [CAMKES_MONITOR] = {100, 1000, 1000, 0x2000},
    [CAMKES_CLOCK] = {253, 9000, 10000, 0x1000},     [CAMKES_ENTROPY] = {252, 1000, 1000, 0x2000},
    [CAMKES_SUPERVISOR] = {254, 1000, 1000, 0x2000},
};

/* request_parser_norm: RequestParserNorm */
static void type_name(const char *name, char *type)
{
    bool capital = true;
    for (; *name; name++) {
        if (*name != '_')
            *type++ = (char)(capital ? toupper((unsigned char)*name) : *name);
        capital = *name == '_';
    }
    *type = '\0';
}

static unsigned add_instance(struct camkes_system *system, const char *name, enum camkes_kind kind,
                             uint8_t component)
{
    assert(system->instance_count < CAMKES_MAX_INSTANCES);
    struct camkes_instance *instance = &system->instance[system->instance_count];
    snprintf(instance->name, sizeof instance->name, "%s", name);
    type_name(name, instance->type);
    instance->kind = kind;
    instance->component = component;
    instance->priority = scheduling[kind].priority;
    instance->budget = scheduling[kind].budget;
    instance->period = scheduling[kind].period;
    instance->stack = scheduling[kind].stack;
    return system->instance_count++;
}

static void add_region(struct camkes_system *system, const struct camkes_region *region)
{
    assert(system->region_count < CAMKES_MAX_REGIONS);
    system->region[system->region_count++] = *region;
}

static void add_bell(struct camkes_system *system, unsigned from, unsigned number, unsigned to,
                     unsigned badge)
{
    assert(system->bell_count < CAMKES_MAX_BELLS && number < INSTANCE_MAX_BELLS);
    assert(badge < INSTANCE_MAX_BELLS || badge >= INSTANCE_BADGE_CLOCK);
    system->bell[system->bell_count++] =
        (struct camkes_bell){(uint8_t)from, (uint8_t)to, (uint8_t)number, (uint8_t)badge};
    system->instance[to].waits = true;
}

static void add_regions(struct camkes_system *system)
{
    const struct topology *topology = system->topology;
    for (unsigned i = 0; i < topology->region_count; i++) {
        struct camkes_region region = {
            .use = CAMKES_LINK, .size = topology->region[i].size, .part = topology->region[i].part};
        unsigned ends = 0;
        snprintf(region.name, sizeof region.name, "%s", topology->region[i].name);
        for (unsigned m = 0; m < topology->map_count; m++) {
            const struct topology_map *map = &topology->map[m];
            if (map->region != i)
                continue;
            assert(ends < 2); /* a link joins two */
            region.end[ends] = map->component;
            region.rights[ends] = map->rights;
            region.port[ends++] = map->port;
        }
        assert(ends == 2);
        add_region(system, &region);
    }
}

static void add_channels(struct camkes_system *system)
{
    const struct topology *topology = system->topology;
    for (unsigned i = 0; i < topology->channel_count; i++) {
        const struct topology_channel *channel = &topology->channel[i];
        for (unsigned end = 0; end < 2; end++)
            if (channel->notifies[end])
                add_bell(system, channel->end[end], channel->channel[end], channel->end[!end],
                         channel->channel[!end]);
    }
}

/* policy_emit: for the time of day too; the monitor: for that and the boot identifier. */
static bool wants_seed(const struct topology_component *component)
{
    return component->program == PROGRAM_EXT_FRONTEND ||
           component->program == PROGRAM_INT_FRONTEND ||
           component->program == PROGRAM_POLICY_EMIT || component->program == PROGRAM_MONITOR;
}

static void add_page(struct camkes_system *system, enum camkes_use use, const char *suffix,
                     unsigned named_after, unsigned writer, unsigned reader)
{
    struct camkes_region page = {.use = use,
                                 .size = PAGE,
                                 .end = {(uint8_t)writer, (uint8_t)reader},
                                 .rights = {BOTH, READ}};
    snprintf(page.name, sizeof page.name, "%s_%s", system->instance[named_after].name, suffix);
    add_region(system, &page);
}

static void add_trusted(struct camkes_system *system)
{
    const struct topology *topology = system->topology;
    unsigned clock = add_instance(system, "clock", CAMKES_CLOCK, CAMKES_NO_COMPONENT);
    unsigned entropy = add_instance(system, "entropy", CAMKES_ENTROPY, CAMKES_NO_COMPONENT);
    unsigned ready = 0;
    system->instance[entropy].dma = system->board->entropy ? VIRTIO_ENTROPY_MEMORY : 0;
    for (unsigned i = 0; i < topology->component_count; i++) {
        add_bell(system, clock, i, i, INSTANCE_BADGE_CLOCK);
        if (!wants_seed(&topology->component[i]))
            continue;
        add_page(system, CAMKES_SEED, "seed", i, entropy, i);
        add_bell(system, entropy, ready++, i, INSTANCE_BADGE_SEED);
    }
}

/* Nobody wakes it when its seed is filled: it looks when it has something to say. */
static void add_supervisor(struct camkes_system *system)
{
    unsigned components = system->topology->component_count;
    unsigned clock = components, entropy = components + 1;
    unsigned supervisor =
        add_instance(system, "supervisor", CAMKES_SUPERVISOR, CAMKES_NO_COMPONENT);
    add_page(system, CAMKES_SEED, "seed", supervisor, entropy, supervisor);
    add_bell(system, clock, components, supervisor, INSTANCE_BADGE_CLOCK);
    /* Below the pipeline's priority one may have to wait for its turn: the measured monitor. */
    for (unsigned i = 0; i < components; i++)
        if (system->instance[i].priority == scheduling[CAMKES_COMPONENT].priority)
            add_page(system, CAMKES_LIFE, "life", i, i, supervisor);
}

static void add_measure(struct camkes_system *system)
{
    int monitor = topology_find(system->topology, "monitor");
    for (unsigned i = 0; i < system->topology->component_count; i++)
        if (monitor >= 0 && i != (unsigned)monitor)
            add_page(system, CAMKES_MEASURE, "measure", i, i, (unsigned)monitor);
}

void camkes_plan(const struct site *site, const struct topology *topology,
                 const struct microkit_board *board, bool synthetic, struct camkes_system *system)
{
    memset(system, 0, sizeof *system);
    system->site = site;
    system->topology = topology;
    system->board = board;
    system->synthetic = synthetic;
    for (uint8_t i = 0; i < topology->component_count; i++) {
        bool monitor = topology->component[i].program == PROGRAM_MONITOR;
        unsigned instance = add_instance(system, topology->component[i].name,
                                         monitor ? CAMKES_MONITOR : CAMKES_COMPONENT, i);
        /* Where it is measured the clients' requests leave no rest: the monitor's work comes after
         * them all, and is told apart from theirs. */
        if (monitor && synthetic)
            system->instance[instance].priority--;
        if (topology->component[i].device && !synthetic)
            system->instance[instance].dma = virtio_net_memory_size();
    }
    add_regions(system);
    add_channels(system);
    add_trusted(system);
    add_supervisor(system);
    if (synthetic)
        add_measure(system);
}
