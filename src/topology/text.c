/* SPDX-License-Identifier: BSD-2-Clause */
/* The topology as lines of text, for reading and for `diff`. */
#include "topology/topology.h"

static const char *const sides[] = {
    [SL_SIDE_EXT] = "ext", [SL_SIDE_INT] = "int", [SL_SIDE_CORE] = "core"};
static const char *const kinds[] = {[LINK_MESSAGE_RING] = "message ring",
                                    [LINK_ONEWAY_RING] = "one-way ring",
                                    [LINK_FRAME_QUEUE] = "frame queue"};

static void print_regions(const struct topology *topology, unsigned link, FILE *out)
{
    for (unsigned i = 0; i < topology->region_count; i++) {
        const struct topology_region *region = &topology->region[i];
        if (region->link != link)
            continue;
        fprintf(out, "  region %s %u:", region->name, region->size);
        for (unsigned j = 0; j < topology->map_count; j++) {
            const struct topology_map *map = &topology->map[j];
            if (map->region == i)
                fprintf(out, " %s %s%s", topology->component[map->component].name,
                        map->rights & RIGHT_READ ? "r" : "", map->rights & RIGHT_WRITE ? "w" : "");
        }
        fputc('\n', out);
    }
}

void topology_print(const struct topology *topology, FILE *out)
{
    fprintf(out, "mode %s\n", topology->mode == SL_ONE_WAY ? "one-way" : "two-way");
    for (unsigned i = 0; i < topology->component_count; i++) {
        const struct topology_component *component = &topology->component[i];
        fprintf(out, "component %s: side %s%s%s%s\n", component->name, sides[component->side],
                component->device ? ", owns the NIC" : "",
                component->has_policy ? ", reads the policy" : "",
                component->breaks_path ? ", breaks the path" : "");
    }
    for (unsigned i = 0; i < topology->link_count; i++) {
        const struct topology_link *link = &topology->link[i];
        fprintf(out, "link %s: %s, %u %s\n", link->name, kinds[link->kind], link->capacity,
                link->kind == LINK_MESSAGE_RING  ? "bytes"
                : link->kind == LINK_ONEWAY_RING ? "slots"
                                                 : "buffers");
        print_regions(topology, i, out);
    }
    for (unsigned i = 0; i < OUTER_COUNT; i++) {
        const struct topology_outer *outer = &topology->outer[i];
        if (outer->size == 0)
            continue;
        fprintf(out, "outer %s %u: launcher %s", outer->name, outer->size,
                outer->launcher_writes ? "rw" : "r");
        for (unsigned j = 0; j < topology->component_count; j++)
            if (outer->holders >> j & 1)
                fprintf(out, " %s %s", topology->component[j].name,
                        outer->launcher_writes ? "r" : "rw");
        fputc('\n', out);
    }
    for (unsigned i = 0; i < topology->channel_count; i++) {
        const struct topology_channel *channel = &topology->channel[i];
        fprintf(out, "channel %s %u %s%s %s %u\n", topology->component[channel->end[0]].name,
                channel->channel[0], channel->notifies[1] ? "<" : "-",
                channel->notifies[0] ? ">" : "-", topology->component[channel->end[1]].name,
                channel->channel[1]);
    }
}
