/* SPDX-License-Identifier: BSD-2-Clause */
/* Each domain's configuration (hosts/microkit/domain_config.h). */
#include <assert.h>
#include <string.h>

#include "topology/microkit.h"

_Static_assert(sizeof(struct domain_config) + SL_CONFIG_MAX <= MICROKIT_CONFIG_MAX, "fits");
_Static_assert(sizeof(struct domain_supervisor_config) <= MICROKIT_CONFIG_MAX, "fits");
_Static_assert(MICROKIT_MAX_DOMAINS <= DOMAIN_MAX_CHILDREN + 1, "the supervisor knows them all");

void microkit_mac(const struct site *site, unsigned side, uint8_t mac[6])
{
    /* Locally administered, the letters "SLG", then the side. */
    static const uint8_t ours[6] = {0x02, 'S', 'L', 'G', 0, 0};
    memcpy(mac, ours, sizeof ours);
    mac[5] = (uint8_t)side;
    if (site->side[side].mac_given)
        memcpy(mac, site->side[side].mac, sizeof ours);
}

static struct domain_region named(const struct microkit_system *system, unsigned domain,
                                  const char *name)
{
    return microkit_mapped(system, domain, microkit_region(system, name));
}

static struct domain_region own(const struct microkit_system *system, unsigned domain,
                                const char *suffix)
{
    char name[SL_NAME_SIZE * 3];
    snprintf(name, sizeof name, "%s_%s", system->domain[domain].name, suffix);
    return named(system, domain, name);
}

/* Where `mapper` has what `domain` counts its turns in. */
static struct domain_region life_of(const struct microkit_system *system, unsigned domain,
                                    unsigned mapper)
{
    const struct microkit_domain *whose = &system->domain[domain];
    if (whose->life < 0)
        return (struct domain_region){0};
    const struct domain_region region = microkit_mapped(system, mapper, whose->life);
    return (struct domain_region){region.base + whose->life_offset, sizeof(struct domain_life)};
}

/* The component's own part, with the addresses that no one else will fill in here. */
static uint32_t component_config(const struct microkit_system *system, unsigned component,
                                 void *config)
{
    const struct topology_component *place = &system->topology->component[component];
    uint32_t size = topology_config(system->site, system->topology, component, config);
    uint8_t mac[6] = {0};
    if (place->side != SL_SIDE_CORE)
        microkit_mac(system->site, place->side, mac);
    switch (place->program) {
    case PROGRAM_NIC_DRV:
        memcpy(((struct sl_nic_config *)config)->mac, mac, sizeof mac);
        break;
    case PROGRAM_EXT_FRONTEND:
    case PROGRAM_INT_FRONTEND:
        memcpy(((struct sl_frontend_config *)config)->mac, mac, sizeof mac);
        break;
    case PROGRAM_PARSER_NORM:
    case PROGRAM_POLICY_EMIT:
    case PROGRAM_MONITOR:
    case PROGRAM_SOURCE:
    case PROGRAM_STREAM_FRONTEND:
    case PROGRAM_SINK:
        break;
    }
    return size;
}

static void add_ports(const struct microkit_system *system, unsigned domain,
                      struct domain_config *config)
{
    const struct topology *topology = system->topology;
    unsigned component = system->domain[domain].component;
    memset(config->channel, SL_NO_CHANNEL, sizeof config->channel);
    for (unsigned i = 0; i < topology->map_count; i++) {
        const struct topology_map *map = &topology->map[i];
        if (map->component != component)
            continue;
        config->port[map->port][topology->region[map->region].part] =
            microkit_mapped(system, domain, map->region);
        config->channel[map->port] = topology_port_channel(topology, component, map->port);
    }
}

static void add_peers(const struct microkit_system *system, unsigned domain,
                      struct domain_config *config)
{
    static const char *const directions[] = {"receive", "transmit"};
    /* Which queue leads to the driver: the free one of what it receives, the active one of what
     * it sends. */
    static const char *const to[] = {"free", "active"}, *const from[] = {"active", "free"};
    static const uint16_t counts[] = {SDDF_RECEIVE_BUFFERS, SDDF_TRANSMIT_BUFFERS};
    for (unsigned i = 0; i < 2; i++) {
        char name[SL_NAME_SIZE * 2];
        snprintf(name, sizeof name, "sddf_%s_buffers", directions[i]);
        struct domain_peer *peer = &config->peer[i];
        peer->buffers = own(system, domain, name);
        if (!peer->buffers.base)
            continue;
        char region[SL_NAME_SIZE * 4];
        snprintf(region, sizeof region, "%s_%s", system->domain[domain].name, name);
        peer->address = system->region[microkit_region(system, region)].physical;
        peer->count = counts[i];
        snprintf(name, sizeof name, "sddf_%s_%s", directions[i], to[i]);
        peer->to = own(system, domain, name);
        snprintf(name, sizeof name, "sddf_%s_%s", directions[i], from[i]);
        peer->from = own(system, domain, name);
    }
}

#define BENCH_WARM_UP_REQUESTS 100u
#define BENCH_REQUESTS         1000u
#define BENCH_CLIENT           200u /* last byte of the client's address */

/* Client and device of the first service. */
static void add_synthetic(const struct microkit_system *system, unsigned domain,
                          struct domain_config *config)
{
    const struct topology_component *place =
        &system->topology->component[system->domain[domain].component];
    if (!place->device || system->options.nic[place->side] != MICROKIT_NIC_SYNTHETIC)
        return;
    const struct site_service *service = &system->site->service[0];
    struct domain_synthetic *synthetic = &config->synthetic;
    bool client = place->side == SL_SIDE_EXT;
    synthetic->client = client;
    synthetic->own_address = client ? (service->listen_address & ~UINT32_C(255)) | BENCH_CLIENT
                                    : service->device_address;
    synthetic->gateway_address =
        client ? service->listen_address : system->site->side[SL_SIDE_INT].address;
    synthetic->gateway_port = service->listen_port;
    synthetic->warm_up = BENCH_WARM_UP_REQUESTS;
    synthetic->measured = BENCH_REQUESTS;
    microkit_mac(system->site, place->side, synthetic->gateway_mac);
    config->bench = named(system, domain, "bench");
}

static uint32_t of_component(const struct microkit_system *system, unsigned domain, void *bytes)
{
    struct domain_config *config = bytes;
    config->magic = DOMAIN_MAGIC;
    add_ports(system, domain, config);
    config->device = own(system, domain, "registers");
    config->dma = own(system, domain, "dma");
    add_peers(system, domain, config);
    add_synthetic(system, domain, config);
    config->wakes = own(system, domain, "wakes");
    config->life = life_of(system, domain, domain);
    config->seed = own(system, domain, "seed");
    config->uart = named(system, domain, "uart");
    config->status = named(system, domain, "status");
    config->config_size = component_config(system, system->domain[domain].component, config + 1);
    return (uint32_t)sizeof *config + config->config_size;
}

static uint32_t of_clock(const struct microkit_system *system, unsigned domain, void *bytes)
{
    struct domain_clock_config *config = bytes;
    config->magic = DOMAIN_MAGIC;
    for (unsigned i = 0; i < system->channel_count; i++)
        config->channel_count += system->channel[i].domain[0] == domain;
    return sizeof *config;
}

static uint32_t of_entropy(const struct microkit_system *system, unsigned domain,
                           const uint8_t random[32], void *bytes)
{
    struct domain_entropy_config *config = bytes;
    config->magic = DOMAIN_MAGIC;
    config->device = own(system, domain, "registers");
    config->dma = own(system, domain, "dma");
    for (unsigned i = 0; i < system->map_count; i++)
        if (system->map[i].domain == domain &&
            system->region[system->map[i].region].kind == MEMORY_SHARED)
            config->seed[config->seed_count++] =
                microkit_mapped(system, domain, system->map[i].region);
    memcpy(config->build_seed, random, sizeof config->build_seed);
    return sizeof *config;
}

/* What dies with a domain (enum domain_part). */
static uint8_t part_of(const struct microkit_system *system, unsigned number)
{
    const struct topology *topology = system->topology;
    const struct microkit_domain *domain = &system->domain[number];
    unsigned side = domain->side;
    if (domain->kind == DOMAIN_COMPONENT) {
        const struct topology_component *component = &topology->component[domain->component];
        if (component->program == PROGRAM_MONITOR)
            return DOMAIN_PART_MONITOR;
        side = component->side;
    } else if (domain->kind != DOMAIN_SDDF_DRIVER) {
        return DOMAIN_PART_ALL;
    }
    if (topology->mode != SL_ONE_WAY)
        return DOMAIN_PART_ALL;
    return side == SL_SIDE_INT ? DOMAIN_PART_INTERNAL : DOMAIN_PART_EXTERNAL;
}

/* The part that all who map a region, but for the supervisor, are of. */
static uint8_t region_part(const struct microkit_system *system, unsigned region)
{
    int part = -1;
    for (unsigned i = 0; i < system->map_count; i++) {
        const struct microkit_map *map = &system->map[i];
        if (map->region != region || system->domain[map->domain].kind == DOMAIN_SUPERVISOR)
            continue;
        const int mapper = part_of(system, map->domain);
        if (part >= 0 && mapper != part)
            return DOMAIN_PART_ALL;
        part = mapper;
    }
    return part < 0 ? DOMAIN_PART_ALL : (uint8_t)part;
}

static void add_children(const struct microkit_system *system, unsigned domain,
                         struct domain_supervisor_config *config)
{
    config->child_count = (uint8_t)(system->domain_count - 1);
    for (unsigned i = 1; i < system->domain_count; i++) {
        const struct microkit_domain *child = &system->domain[i];
        const char *name = child->kind == DOMAIN_COMPONENT
                               ? system->topology->component[child->component].name
                               : child->name;
        snprintf(config->child[i - 1], SL_NAME_SIZE, "%.*s", (int)SL_NAME_SIZE - 1, name);
        config->part[i - 1] = part_of(system, i);
        if (child->kind == DOMAIN_CLOCK)
            config->clock = (uint8_t)(i - 1);
        if (child->kind == DOMAIN_ENTROPY)
            config->entropy = (uint8_t)(i - 1);
        if (child->kind == DOMAIN_SDDF_DRIVER) /* whose data we cannot renew */
            config->closed |= (uint8_t)(1u << part_of(system, i) | 1u << DOMAIN_PART_ALL);
        config->life[i - 1] = life_of(system, i, domain);
        char wakes[SL_NAME_SIZE * 2];
        snprintf(wakes, sizeof wakes, "%s_wakes", child->name);
        config->wakes[i - 1] = named(system, domain, wakes);
    }
}

static uint32_t of_supervisor(const struct microkit_system *system, unsigned domain,
                              const uint8_t policy_hash[8], void *bytes)
{
    struct domain_supervisor_config *config = bytes;
    config->magic = DOMAIN_MAGIC;
    add_children(system, domain, config);
    config->uart = named(system, domain, "uart");
    config->rtc = named(system, domain, "rtc");
    config->status = named(system, domain, "status");
    config->seed = own(system, domain, "seed");
    config->bench = named(system, domain, "bench");
    for (unsigned i = 0; i < system->map_count; i++) {
        const struct microkit_map *map = &system->map[i];
        const struct microkit_region *region = &system->region[map->region];
        if (map->domain != domain || region->kind != MEMORY_SHARED ||
            !(map->rights & RIGHT_WRITE) || map->address == config->status.base)
            continue;
        assert(config->region_count < DOMAIN_MAX_REGIONS);
        config->region_part[config->region_count] = region_part(system, map->region);
        config->region[config->region_count++] = (struct domain_region){map->address, region->size};
    }
    memcpy(config->policy_hash, policy_hash, sizeof config->policy_hash);
    return sizeof *config;
}

uint32_t microkit_config(const struct microkit_system *system, unsigned domain,
                         const uint8_t random[32], const uint8_t policy_hash[8], void *config)
{
    memset(config, 0, MICROKIT_CONFIG_MAX);
    switch (system->domain[domain].kind) {
    case DOMAIN_SUPERVISOR:
        return of_supervisor(system, domain, policy_hash, config);
    case DOMAIN_CLOCK:
        return of_clock(system, domain, config);
    case DOMAIN_ENTROPY:
        return of_entropy(system, domain, random, config);
    case DOMAIN_COMPONENT:
        return of_component(system, domain, config);
    case DOMAIN_SDDF_DRIVER:
        break;
    }
    return 0;
}
