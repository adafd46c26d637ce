/* SPDX-License-Identifier: BSD-2-Clause */
/* Each component's configuration (sluice/config.h), from the site and its place. */
#include <string.h>

#include "policy/image.h"
#include "topology/topology.h"

_Static_assert(sizeof(struct sl_stage_config) <= SL_CONFIG_MAX, "stage fits");
_Static_assert(sizeof(struct sl_frontend_config) <= SL_CONFIG_MAX, "frontend fits");
_Static_assert(sizeof(struct sl_synthetic_config) <= SL_CONFIG_MAX, "synthetic fits");
_Static_assert(sizeof(struct sl_nic_config) <= SL_CONFIG_MAX, "nic fits");
_Static_assert(sizeof(struct sl_monitor_config) <= SL_CONFIG_MAX, "monitor fits");

static uint32_t netmask(uint8_t prefix)
{
    return prefix == 0 ? 0 : UINT32_MAX << (32 - prefix);
}

/* Bytes of a slot of the one-way ring that `number` is an end of, audit rings aside; else 0. */
static uint32_t slot_size(const struct topology *topology, unsigned number)
{
    for (unsigned i = 0; i < topology->link_count; i++) {
        const struct topology_link *link = &topology->link[i];
        if (link->kind == LINK_ONEWAY_RING && link->from_port == SL_PORT_OUT &&
            (link->from == number || link->to == number))
            return link->slot_size;
    }
    return 0;
}

static uint32_t synthetic_config(const struct site *site, const struct topology *topology,
                                 unsigned number, struct sl_synthetic_config *config)
{
    config->component = (uint16_t)number;
    config->protocol = site->service[0].protocol;
    config->client = site->synthetic.client;
    config->seed = site->synthetic.seed;
    config->messages = site->synthetic.messages;
    config->pace = site->synthetic.pace;
    config->slot_size = slot_size(topology, number);
    return sizeof(*config);
}

static uint32_t stage_config(const struct site *site, const struct topology *topology,
                             const struct topology_component *component, unsigned number,
                             struct sl_stage_config *config)
{
    config->slot_size = slot_size(topology, number);
    config->direction = (uint8_t)component->direction;
    config->mode = (uint8_t)site->mode;
    config->slots = site->outstanding;
    config->sessions = site->sessions;
    config->component = (uint16_t)number;
    return sizeof(*config);
}

static uint32_t frontend_config(const struct site *site, const struct topology *topology,
                                const struct topology_component *component, unsigned number,
                                struct sl_frontend_config *config)
{
    config->one_way_slot = (uint16_t)slot_size(topology, number);
    config->one_way_poll = (uint32_t)site->one_way_poll;
    const struct site_side *side = &site->side[component->side];
    config->side = (uint8_t)component->side;
    config->mode = (uint8_t)site->mode;
    if (side->mac_given)
        memcpy(config->mac, side->mac, sizeof(config->mac));
    config->address = side->address;
    config->netmask = netmask(side->prefix);
    config->gateway = side->gateway;
    config->vlan = side->vlan;
    config->no_ping = side->no_ping;
    config->route_count = side->route_count;
    memcpy(config->route, side->route, sizeof(config->route));
    config->component = (uint16_t)number;
    config->slots = site->outstanding;
    config->sessions = site->sessions;
    config->quota = site->quota;
    config->client_sessions = site->client_sessions;
    config->client_slots = site->client_outstanding;
    config->service_count = site->service_count;
    for (unsigned i = 0; i < site->service_count; i++) {
        const struct site_service *service = &site->service[i];
        bool outer = component->side == SL_SIDE_EXT;
        config->service[i] = (struct sl_service_endpoint){
            .address = outer ? service->listen_address : service->device_address,
            .port = outer ? service->listen_port : service->device_port,
            .protocol = service->protocol,
            .timeout = service->timeout,
            .pipeline = service->pipeline,
            .queue_timeout = service->queue_timeout,
            .connections = service->max_connections,
            .queue = service->queue,
            .shared = service->shared,
            .echo = service->echo,
            .datagrams = outer ? service->datagrams : service->device_datagrams,
            .any_station = (service->flags & POLICY_SERVICE_MONITOR) != 0,
            .source_port = outer ? 0 : service->source_port,
            .skip_noise = service->skip_noise,
        };
        config->station_count =
            (uint16_t)(config->station_count +
                       site_stations(site, i, !outer, config->station + config->station_count));
    }
    return sl_frontend_config_size(config->station_count);
}

static uint32_t nic_config(const struct site *site, const struct topology_component *component,
                           unsigned number, struct sl_nic_config *config)
{
    const struct site_side *side = &site->side[component->side];
    config->side = (uint8_t)component->side;
    if (side->mac_given)
        memcpy(config->mac, side->mac, sizeof(config->mac));
    config->component = (uint16_t)number;
    config->buffers = topology_frame_capacity(site);
    _Static_assert(sizeof(config->interface) == sizeof(side->nic), "names of the same length");
    memcpy(config->interface, side->nic, sizeof(config->interface));
    return sizeof(*config);
}

static uint32_t monitor_config(const struct site *site, const struct topology *topology,
                               unsigned number, struct sl_monitor_config *config)
{
    config->lines = (uint8_t)site->audit_lines;
    config->interval = site->audit_interval;
    config->component = (uint16_t)number;
    for (unsigned i = 0; i < topology->link_count; i++) {
        const struct topology_link *link = &topology->link[i];
        if (link->to != number)
            continue;
        memcpy(config->ring_name[link->to_port], topology->component[link->from].name,
               SL_NAME_SIZE);
        if (config->ring_count <= link->to_port)
            config->ring_count = (uint16_t)(link->to_port + 1);
    }
    return sizeof(*config);
}

uint32_t topology_config(const struct site *site, const struct topology *topology,
                         unsigned component, void *config)
{
    const struct topology_component *place = &topology->component[component];
    memset(config, 0, SL_CONFIG_MAX);
    switch (place->program) {
    case PROGRAM_NIC_DRV:
        return nic_config(site, place, component, config);
    case PROGRAM_EXT_FRONTEND:
    case PROGRAM_INT_FRONTEND:
        return frontend_config(site, topology, place, component, config);
    case PROGRAM_PARSER_NORM:
    case PROGRAM_POLICY_EMIT:
        return stage_config(site, topology, place, component, config);
    case PROGRAM_MONITOR:
        return monitor_config(site, topology, component, config);
    case PROGRAM_SOURCE:
    case PROGRAM_STREAM_FRONTEND:
    case PROGRAM_SINK:
        return synthetic_config(site, topology, component, config);
    }
    return 0;
}
