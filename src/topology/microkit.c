/* SPDX-License-Identifier: BSD-2-Clause */
/* From a topology to domains, regions, maps and channels. */
#include "topology/microkit.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "drivers/virtio_mmio/virtio_entropy.h"
#include "drivers/virtio_mmio/virtio_net.h"
#include "ring/frame_queue.h"
#include "ring/oneway_ring.h"

#define PAGE UINT64_C(4096)
#define READ RIGHT_READ
#define BOTH (RIGHT_READ | RIGHT_WRITE)

/* What keeps a two-way Modbus gateway within its budget: sessions and reply slots as the
 * images for this host are compiled (make/microkit.mk), slots with which the message rings are
 * 64 KiB each too, and buffers of each frame queue, behind those of the NIC's own ring. */
#define MAX_SESSIONS    96u
#define MAX_OUTSTANDING 112u
#define MAX_BUFFERS     32u

/* QEMU's virt machine (hw/arm/virt.c): virtio-mmio slot n is at 0x0a000000 + n * 0x200 with
 * interrupt 16 + n, which is 48 + n to the kernel. Eight slots share a page, so the NICs go to
 * slots 0 and 8 and the entropy device to 16, each on a page of its own. */
const struct microkit_board microkit_boards[] = {
    {.name = "qemu_virt_aarch64",
     .nic = {{0x0a000000, 48, true}, {0x0a001000, 56, true}},
     .uart = 0x09000000,
     .rtc = 0x09010000,
     .entropy = 0x0a002000,
     .dma_top = 0x60000000},
    {.name = NULL},
};

const struct microkit_board *microkit_board(const char *name)
{
    for (const struct microkit_board *board = microkit_boards; board->name; board++)
        if (!strcmp(board->name, name))
            return board;
    return NULL;
}

/* How each program runs. The pipeline's domains have one priority, so that a wake-up does not
 * take the processor from who is still draining its queues, and no flood from outside can keep
 * the others from it; a full budget is a time slice. The clock gives up its budget to sleep until
 * the period ends (hosts/microkit/clock.c). Its budget is nearly the whole period because the
 * kernel makes up for what a domain ran too long by the ratio of the two: on a virtual machine that
 * the host held up for 10 ms, 100 of 10000 microseconds would mean no tick for a second. */
static const struct microkit_run pipeline = {100, 1000, 1000, 0x2000};
static const struct microkit_run of_kind[] = {
    /* not all of the time: where it hangs the others go on, and the monitor says so */
    [DOMAIN_SUPERVISOR] = {254, 9000, 10000, 0x2000},
    [DOMAIN_CLOCK] = {253, 9000, 10000, 0x1000},
    [DOMAIN_ENTROPY] = {252, 1000, 1000, 0x2000},
    /* as the pipeline: one that never stops does not keep the others from the processor */
    [DOMAIN_SDDF_DRIVER] = {100, 1000, 1000, 0x2000},
};

struct microkit_run microkit_run_of(enum microkit_kind kind)
{
    return kind == DOMAIN_COMPONENT ? pipeline : of_kind[kind];
}

static const char *const program_names[] = {
    [PROGRAM_NIC_DRV] = "nic_drv",
    [PROGRAM_EXT_FRONTEND] = "ext_frontend",
    [PROGRAM_INT_FRONTEND] = "int_frontend",
    [PROGRAM_PARSER_NORM] = "parser_norm",
    [PROGRAM_POLICY_EMIT] = "policy_emit",
    [PROGRAM_MONITOR] = "monitor",
    [PROGRAM_SOURCE] = "source",
    [PROGRAM_STREAM_FRONTEND] = "stream_frontend",
    [PROGRAM_SINK] = "sink",
};
static const char *const nic_programs[] = {
    [MICROKIT_NIC_VIRTIO] = "nic_drv",
    [MICROKIT_NIC_SDDF] = "nic_edge",
    [MICROKIT_NIC_SYNTHETIC] = "nic_synthetic",
};

int microkit_region(const struct microkit_system *system, const char *name)
{
    for (unsigned i = 0; i < system->region_count; i++)
        if (!strcmp(system->region[i].name, name))
            return (int)i;
    return -1;
}

int microkit_domain(const struct microkit_system *system, const char *name)
{
    for (unsigned i = 0; i < system->domain_count; i++)
        if (!strcmp(system->domain[i].name, name))
            return (int)i;
    return -1;
}

struct domain_region microkit_mapped(const struct microkit_system *system, unsigned domain,
                                     int region)
{
    for (unsigned i = 0; i < system->map_count; i++)
        if (system->map[i].domain == domain && system->map[i].region == region)
            return (struct domain_region){system->map[i].address, system->region[region].size};
    return (struct domain_region){0};
}

static unsigned add_domain(struct microkit_system *system, const char *name,
                           enum microkit_kind kind, const char *program)
{
    assert(system->domain_count < MICROKIT_MAX_DOMAINS);
    struct microkit_domain *domain = &system->domain[system->domain_count];
    snprintf(domain->name, sizeof domain->name, "%s", name);
    domain->kind = kind;
    domain->program = program;
    domain->run = microkit_run_of(kind);
    domain->next = MICROKIT_FIRST_MAP;
    domain->interrupt = -1;
    domain->dma = -1;
    domain->life = -1;
    return system->domain_count++;
}

static unsigned add_region(struct microkit_system *system, const char *name,
                           enum microkit_memory kind, uint64_t size, uint64_t physical)
{
    assert(system->region_count < MICROKIT_MAX_REGIONS);
    struct microkit_region *region = &system->region[system->region_count];
    snprintf(region->name, sizeof region->name, "%s", name);
    region->kind = kind;
    region->size = (size + PAGE - 1) / PAGE * PAGE;
    region->physical = physical;
    region->uncached = kind == MEMORY_DEVICE;
    return system->region_count++;
}

/* With a page after it that is not mapped. */
static void add_map(struct microkit_system *system, unsigned domain, unsigned region,
                    uint8_t rights)
{
    assert(system->map_count < MICROKIT_MAX_MAPS);
    struct microkit_domain *owner = &system->domain[domain];
    system->map[system->map_count++] =
        (struct microkit_map){(uint8_t)domain, (uint8_t)region, rights, owner->next};
    owner->next += system->region[region].size + PAGE;
}

static void add_channel(struct microkit_system *system, unsigned from, unsigned from_number,
                        unsigned to, unsigned to_number, bool notifies, bool notifies_back)
{
    assert(system->channel_count < MICROKIT_MAX_CHANNELS);
    system->channel[system->channel_count++] = (struct microkit_channel){
        .domain = {(uint8_t)from, (uint8_t)to},
        .number = {(uint8_t)from_number, (uint8_t)to_number},
        .notifies = {notifies, notifies_back},
    };
}

static void add_components(struct microkit_system *system)
{
    const struct topology *topology = system->topology;
    for (uint8_t i = 0; i < topology->component_count; i++) {
        const struct topology_component *component = &topology->component[i];
        const char *program = component->device ? nic_programs[system->options.nic[component->side]]
                                                : program_names[component->program];
        /* Microkit has a monitor of its own and keeps the name for it. */
        const char *name =
            component->program == PROGRAM_MONITOR ? "sluice_monitor" : component->name;
        unsigned domain = add_domain(system, name, DOMAIN_COMPONENT, program);
        system->domain[domain].self = program_names[component->program];
        system->domain[domain].component = i;
        system->of_component[i] = (uint8_t)domain;
    }
    for (unsigned i = 0; i < topology->region_count; i++)
        add_region(system, topology->region[i].name, MEMORY_SHARED, topology->region[i].size, 0);
    for (unsigned i = 0; i < topology->map_count; i++) {
        const struct topology_map *map = &topology->map[i];
        add_map(system, system->of_component[map->component], map->region, map->rights);
    }
    for (unsigned i = 0; i < topology->channel_count; i++) {
        const struct topology_channel *channel = &topology->channel[i];
        add_channel(system, system->of_component[channel->end[0]], channel->channel[0],
                    system->of_component[channel->end[1]], channel->channel[1],
                    channel->notifies[0], channel->notifies[1]);
    }
}

static void add_virtio(struct microkit_system *system, unsigned domain, unsigned side)
{
    const struct microkit_board *board = system->options.board;
    struct microkit_domain *driver = &system->domain[domain];
    char name[SL_NAME_SIZE * 2];
    snprintf(name, sizeof name, "%s_registers", driver->name);
    add_map(system, domain,
            add_region(system, name, MEMORY_DEVICE, PAGE, board->nic[side].registers), BOTH);
    snprintf(name, sizeof name, "%s_dma", driver->name);
    unsigned dma = add_region(system, name, MEMORY_DMA, virtio_net_memory_size(), 0);
    add_map(system, domain, dma, BOTH);
    driver->dma = (int)dma;
    driver->interrupt = (int)board->nic[side].interrupt;
    driver->interrupt_edge = board->nic[side].edge;
    driver->interrupt_channel = DOMAIN_CHANNEL_DEVICE;
}

static unsigned add_dma(struct microkit_system *system, const char *name, uint64_t size)
{
    unsigned region = add_region(system, name, MEMORY_DMA, size, 0);
    system->dma_next -= system->region[region].size;
    system->region[region].physical = system->dma_next;
    return region;
}

/* One direction between edge and driver: two queues that both write, and the buffers, which only
 * the edge maps: the driver needs no more than their addresses. */
static void add_sddf_direction(struct microkit_system *system, unsigned edge, unsigned driver,
                               const char *direction, uint16_t buffers, uint8_t rights)
{
    static const char *const queues[] = {"free", "active"};
    char name[SL_NAME_SIZE * 3];
    for (unsigned i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s_%s_%s", system->domain[driver].name, direction, queues[i]);
        unsigned queue =
            add_region(system, name, MEMORY_SHARED, frame_ring_region_size(buffers), 0);
        add_map(system, edge, queue, BOTH);
        add_map(system, driver, queue, BOTH);
    }
    snprintf(name, sizeof name, "%s_%s_buffers", system->domain[driver].name, direction);
    unsigned data = add_dma(system, name, frame_data_region_size(buffers));
    add_map(system, edge, data, rights);
}

static void add_sddf(struct microkit_system *system, unsigned edge, uint8_t side)
{
    const struct microkit_board *board = system->options.board;
    const struct microkit_sddf *sddf = &system->options.sddf[side];
    char name[SL_NAME_SIZE * 3];
    snprintf(name, sizeof name, "%s_sddf", system->domain[edge].name);
    unsigned number = add_domain(system, name, DOMAIN_SDDF_DRIVER, NULL);
    struct microkit_domain *driver = &system->domain[number];
    driver->side = side;
    for (unsigned i = 0; i < sddf->region_count; i++) {
        snprintf(name, sizeof name, "%s_%s", driver->name, sddf->region[i].name);
        unsigned region = sddf->region[i].device
                              ? add_region(system, name, MEMORY_DEVICE, sddf->region[i].size,
                                           board->nic[side].registers)
                              : add_dma(system, name, sddf->region[i].size);
        system->region[region].uncached |= sddf->region[i].uncached;
        driver->resource[i] = (uint8_t)region;
        add_map(system, number, region, BOTH);
    }
    add_sddf_direction(system, edge, number, "receive", SDDF_RECEIVE_BUFFERS, READ);
    add_sddf_direction(system, edge, number, "transmit", SDDF_TRANSMIT_BUFFERS, BOTH);
    driver->interrupt = (int)board->nic[side].interrupt;
    driver->interrupt_edge = board->nic[side].edge;
    driver->interrupt_channel = SDDF_CHANNEL_INTERRUPT;
    add_channel(system, edge, DOMAIN_CHANNEL_DEVICE, number, SDDF_CHANNEL_RECEIVE, true, true);
    add_channel(system, edge, DOMAIN_CHANNEL_TRANSMIT, number, SDDF_CHANNEL_TRANSMIT, true, true);
}

/* Where a component's wakes are counted, for the supervisor to report. */
static void add_wakes(struct microkit_system *system)
{
    char name[SL_NAME_SIZE * 2];
    for (unsigned i = 0; i < system->topology->component_count; i++) {
        unsigned domain = system->of_component[i];
        snprintf(name, sizeof name, "%s_wakes", system->domain[domain].name);
        unsigned region = add_region(system, name, MEMORY_SHARED, PAGE, 0);
        add_map(system, domain, region, BOTH);
        add_map(system, 0, region, READ);
    }
}

/* Both ends of the traffic are inside; the outer one tells the supervisor when it is measured. */
static void add_synthetic(struct microkit_system *system, unsigned domain, unsigned side)
{
    if (side != SL_SIDE_EXT)
        return;
    add_wakes(system);
    /* The clients' requests leave no rest: the monitor's work comes after them all, and is told
     * apart from theirs. */
    for (unsigned i = 0; i < system->topology->component_count; i++)
        if (system->topology->component[i].program == PROGRAM_MONITOR)
            system->domain[system->of_component[i]].run.priority = pipeline.priority - 1;
    unsigned bench = add_region(system, "bench", MEMORY_SHARED, PAGE, 0);
    add_map(system, domain, bench, BOTH);
    add_map(system, 0, bench, READ);
    add_channel(system, domain, DOMAIN_CHANNEL_TRANSMIT, 0, DOMAIN_CHANNEL_TRANSMIT, true, false);
}

static void add_devices(struct microkit_system *system)
{
    for (unsigned i = 0; i < system->topology->component_count; i++) {
        const struct topology_component *component = &system->topology->component[i];
        if (!component->device)
            continue;
        if (system->options.nic[component->side] == MICROKIT_NIC_VIRTIO)
            add_virtio(system, system->of_component[i], component->side);
        if (system->options.nic[component->side] == MICROKIT_NIC_SDDF)
            add_sddf(system, system->of_component[i], (uint8_t)component->side);
        if (system->options.nic[component->side] == MICROKIT_NIC_SYNTHETIC)
            add_synthetic(system, system->of_component[i], component->side);
    }
}

/* parser_norm and the monitor ask for no random bytes. */
static bool wants_seed(const struct topology_component *component)
{
    return component->program == PROGRAM_EXT_FRONTEND ||
           component->program == PROGRAM_INT_FRONTEND || component->program == PROGRAM_POLICY_EMIT;
}

/* Every component is woken by the clock: for its deadlines, and to show that it lives. */
static void add_clock(struct microkit_system *system, unsigned supervisor, unsigned clock)
{
    unsigned number = 0;
    add_channel(system, clock, number++, supervisor, DOMAIN_CHANNEL_CLOCK, true, false);
    for (unsigned i = 0; i < system->topology->component_count; i++)
        add_channel(system, clock, number++, system->of_component[i], DOMAIN_CHANNEL_CLOCK, true,
                    false);
}

/* A component's own audit ring, and how many bytes of it are used; -1: it has none. */
static int audit_ring(const struct topology *topology, unsigned component, uint64_t *used)
{
    for (unsigned i = 0; i < topology->region_count; i++) {
        const struct topology_link *link = &topology->link[topology->region[i].link];
        if (link->from != component || link->from_port != SL_PORT_AUDIT)
            continue;
        *used = oneway_ring_region_size(link->slot_size, link->capacity);
        return (int)i;
    }
    return -1;
}

/* Where a component counts its turns, for the supervisor to find one that hangs: behind its audit
 * ring, if that leaves room in its last page, which both have; else in a page of its own. */
static void add_life(struct microkit_system *system, unsigned supervisor)
{
    char name[SL_NAME_SIZE * 2];
    for (unsigned i = 0; i < system->topology->component_count; i++) {
        struct microkit_domain *domain = &system->domain[system->of_component[i]];
        uint64_t used = 0;
        const int ring = audit_ring(system->topology, i, &used);
        domain->life = ring;
        domain->life_offset = (used + 7) / 8 * 8;
        if (ring >= 0 &&
            domain->life_offset + sizeof(struct domain_life) <= system->region[ring].size)
            continue;
        snprintf(name, sizeof name, "%s_life", domain->name);
        domain->life = (int)add_region(system, name, MEMORY_SHARED, PAGE, 0);
        domain->life_offset = 0;
        add_map(system, system->of_component[i], (unsigned)domain->life, BOTH);
        add_map(system, supervisor, (unsigned)domain->life, BOTH);
    }
}

static void add_seed(struct microkit_system *system, unsigned entropy, unsigned domain)
{
    char name[SL_NAME_SIZE * 2];
    snprintf(name, sizeof name, "%s_seed", system->domain[domain].name);
    unsigned region = add_region(system, name, MEMORY_SHARED, PAGE, 0);
    add_map(system, entropy, region, BOTH);
    add_map(system, domain, region, READ);
}

static void add_entropy(struct microkit_system *system, unsigned supervisor, unsigned entropy)
{
    const struct microkit_board *board = system->options.board;
    if (board->entropy) {
        add_map(system, entropy,
                add_region(system, "entropy_registers", MEMORY_DEVICE, PAGE, board->entropy), BOTH);
        unsigned dma = add_region(system, "entropy_dma", MEMORY_DMA, VIRTIO_ENTROPY_MEMORY, 0);
        add_map(system, entropy, dma, BOTH);
        system->domain[entropy].dma = (int)dma;
    }
    add_seed(system, entropy, supervisor);
    for (unsigned i = 0; i < system->topology->component_count; i++)
        if (wants_seed(&system->topology->component[i]))
            add_seed(system, entropy, system->of_component[i]);
}

/* The serial port, of the monitor and the supervisor; the real-time clock, of the supervisor, which
 * tells the monitor and those that decide on messages what the time is, and that it lives. */
static void add_console(struct microkit_system *system, unsigned supervisor)
{
    const struct microkit_board *board = system->options.board;
    unsigned status = add_region(system, "status", MEMORY_SHARED, PAGE, 0);
    unsigned uart = add_region(system, "uart", MEMORY_DEVICE, PAGE, board->uart);
    add_map(system, supervisor, status, BOTH);
    add_map(system, supervisor, uart, BOTH);
    if (board->rtc)
        add_map(system, supervisor, add_region(system, "rtc", MEMORY_DEVICE, PAGE, board->rtc),
                READ);
    for (unsigned i = 0; i < system->topology->component_count; i++) {
        enum topology_program program = system->topology->component[i].program;
        if (program == PROGRAM_MONITOR || program == PROGRAM_POLICY_EMIT)
            add_map(system, system->of_component[i], status, READ);
        if (program == PROGRAM_MONITOR)
            add_map(system, system->of_component[i], uart, BOTH);
    }
}

/* What the supervisor zeroes before a restart: all that domains share. */
static void add_restart(struct microkit_system *system, unsigned supervisor)
{
    unsigned count = system->region_count;
    for (unsigned i = 0; i < count; i++)
        if (system->region[i].kind == MEMORY_SHARED &&
            !microkit_mapped(system, supervisor, (int)i).base)
            add_map(system, supervisor, i, BOTH);
}

static void limit(uint16_t *value, uint16_t most, const char *name, FILE *out)
{
    if (*value <= most)
        return;
    fprintf(out, "limit: %s: %u on this host, in place of %u\n", name, most, *value);
    *value = most;
}

void microkit_limit(struct site *site, FILE *out)
{
    site->fixed_policy = true;
    limit(&site->sessions, MAX_SESSIONS, "sessions", out);
    limit(&site->outstanding, MAX_OUTSTANDING, "outstanding", out);
    limit(&site->buffers, MAX_BUFFERS, "buffers", out);
    uint16_t left = MAX_SESSIONS / 8; /* NET_MAX_SHARED; one each at least */
    for (unsigned i = 0; i < site->service_count; i++)
        left = (uint16_t)(left - (site->service[i].shared && left > 0));
    for (unsigned i = 0; i < site->service_count; i++) {
        struct site_service *service = &site->service[i];
        if (!service->shared)
            continue;
        limit(&service->max_connections, (uint16_t)(left + 1), "max-connections", out);
        left = (uint16_t)(left - (service->max_connections - 1));
    }
}

void microkit_plan(const struct site *site, const struct topology *topology,
                   const struct microkit_options *options, struct microkit_system *system)
{
    memset(system, 0, sizeof *system);
    system->site = site;
    system->topology = topology;
    system->options = *options;
    system->dma_next = options->board->dma_top;
    unsigned supervisor = add_domain(system, "supervisor", DOMAIN_SUPERVISOR, "supervisor");
    unsigned clock = add_domain(system, "clock", DOMAIN_CLOCK, "clock");
    unsigned entropy = add_domain(system, "entropy", DOMAIN_ENTROPY, "entropy");
    add_components(system);
    add_devices(system);
    add_clock(system, supervisor, clock);
    add_life(system, supervisor);
    add_entropy(system, supervisor, entropy);
    add_console(system, supervisor);
    add_restart(system, supervisor);
}
