/* SPDX-License-Identifier: BSD-2-Clause */
/* From links to what is built for them: regions, maps, channels. */
#include "topology/lowering.h"

#include <assert.h>
#include <stdio.h>

#include "ring/frame_queue.h"
#include "ring/message_ring.h"
#include "ring/oneway_ring.h"

#define READ  RIGHT_READ
#define WRITE (RIGHT_READ | RIGHT_WRITE)

const struct link_lowering link_lowering[LINK_KINDS] = {
    /* Each end writes its own half only; the consumer never signals back. */
    [LINK_MESSAGE_RING] = {.part = {{"producer", {WRITE, READ}}, {"consumer", {READ, WRITE}}},
                           .notifies = {true, false}},
    /* Nothing of the consumer's is in the producer, and nothing is signalled. */
    [LINK_ONEWAY_RING] = {.part = {{"ring", {WRITE, READ}}}, .notifies = {false, false}},
    /* Within one side. Descriptors go both ways; frames are written only where they come from. */
    [LINK_FRAME_QUEUE] = {.part = {{"free", {WRITE, WRITE}},
                                   {"active", {WRITE, WRITE}},
                                   {"buffers", {WRITE, READ}}},
                          .notifies = {true, true}},
};

static uint32_t part_bytes(const struct topology_link *link, unsigned part)
{
    switch (link->kind) {
    case LINK_MESSAGE_RING:
        return part == 0 ? message_ring_region_size(link->capacity)
                         : (uint32_t)sizeof(struct message_ring_consumer_half);
    case LINK_ONEWAY_RING:
        return oneway_ring_region_size(link->slot_size, link->capacity);
    case LINK_FRAME_QUEUE:
        return part == 2 ? frame_data_region_size((uint16_t)link->capacity)
                         : frame_ring_region_size((uint16_t)link->capacity);
    }
    return 0;
}

uint32_t link_part_size(const struct topology_link *link, unsigned part)
{
    return (part_bytes(link, part) + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
}

static void add_map(struct topology *topology, unsigned region, unsigned component, uint8_t rights,
                    uint8_t port)
{
    assert(topology->map_count < TOPOLOGY_MAX_MAPS);
    topology->map[topology->map_count++] = (struct topology_map){
        .region = (uint8_t)region, .component = (uint8_t)component, .rights = rights, .port = port};
}

static void lower_regions(struct topology *topology, unsigned number)
{
    const struct topology_link *link = &topology->link[number];
    const struct link_lowering *lowering = &link_lowering[link->kind];
    for (unsigned part = 0; part < SL_PORT_REGIONS && lowering->part[part].name; part++) {
        assert(topology->region_count < TOPOLOGY_MAX_REGIONS);
        unsigned index = topology->region_count++;
        struct topology_region *region = &topology->region[index];
        region->link = (uint8_t)number;
        region->part = (uint8_t)part;
        region->size = link_part_size(link, part);
        snprintf(region->name, sizeof(region->name), "%s_%s", link->name,
                 lowering->part[part].name);
        add_map(topology, index, link->from, lowering->part[part].rights[0], link->from_port);
        add_map(topology, index, link->to, lowering->part[part].rights[1], link->to_port);
    }
}

bool link_has_channel(const struct topology_link *link)
{
    const struct link_lowering *lowering = &link_lowering[link->kind];
    if (link->kind == LINK_FRAME_QUEUE && link->from_port == SL_PORT_TX)
        return false;
    return lowering->notifies[0] || lowering->notifies[1];
}

static void lower_channel(struct topology *topology, const struct topology_link *link,
                          uint8_t next[TOPOLOGY_MAX_COMPONENTS])
{
    const struct link_lowering *lowering = &link_lowering[link->kind];
    if (!link_has_channel(link))
        return;
    assert(topology->channel_count < TOPOLOGY_MAX_CHANNELS);
    struct topology_channel *channel = &topology->channel[topology->channel_count++];
    *channel = (struct topology_channel){
        .end = {link->from, link->to},
        .channel = {next[link->from]++, next[link->to]++},
        .port = {link->from_port, link->to_port},
        .notifies = {lowering->notifies[0], lowering->notifies[1]},
    };
    assert(next[link->from] <= SL_MAX_CHANNELS && next[link->to] <= SL_MAX_CHANNELS);
}

void topology_lower(struct topology *topology)
{
    uint8_t next[TOPOLOGY_MAX_COMPONENTS] = {0};
    topology->region_count = 0;
    topology->map_count = 0;
    topology->channel_count = 0;
    for (unsigned i = 0; i < topology->link_count; i++) {
        lower_regions(topology, i);
        lower_channel(topology, &topology->link[i], next);
    }
}

uint8_t topology_port_channel(const struct topology *topology, unsigned component, unsigned port)
{
    /* Transmit rings the same bell as receive. */
    if (port == SL_PORT_TX && topology->component[component].program != PROGRAM_MONITOR)
        port = SL_PORT_RX;
    for (unsigned i = 0; i < topology->channel_count; i++)
        for (unsigned end = 0; end < 2; end++)
            if (topology->channel[i].end[end] == component &&
                topology->channel[i].port[end] == port)
                return topology->channel[i].channel[end];
    return SL_NO_CHANNEL;
}
