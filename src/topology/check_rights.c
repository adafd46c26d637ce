/* SPDX-License-Identifier: BSD-2-Clause */
#include "topology/check.h"

#include <stdarg.h>

#include "topology/lowering.h"

struct report {
    FILE *out;
    int violations;
};

__attribute__((format(printf, 2, 3))) static void violation(struct report *report,
                                                            const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("flow: VIOLATION: ", report->out);
    vfprintf(report->out, format, arguments);
    fputc('\n', report->out);
    va_end(arguments);
    report->violations++;
}

/* What a component that runs a program may be. */
struct program_rule {
    const char *name;
    bool on_side[3]; /* enum sl_side */
    bool breaks_path, has_policy, device;
};

#define ONLY_EXT                                                                                   \
    {                                                                                              \
        [SL_SIDE_EXT] = true                                                                       \
    }
#define ONLY_INT                                                                                   \
    {                                                                                              \
        [SL_SIDE_INT] = true                                                                       \
    }
#define ONLY_CORE                                                                                  \
    {                                                                                              \
        [SL_SIDE_CORE] = true                                                                      \
    }
#define OUTER                                                                                      \
    {                                                                                              \
        [SL_SIDE_EXT] = true, [SL_SIDE_INT] = true                                                 \
    }

/* clang-format off */
static const struct program_rule programs[] = {
    [PROGRAM_NIC_DRV]      = {.name = "nic_drv", .on_side = OUTER, .device = true},
    [PROGRAM_EXT_FRONTEND] = {.name = "ext_frontend", .on_side = ONLY_EXT},
    [PROGRAM_INT_FRONTEND] = {.name = "int_frontend", .on_side = ONLY_INT},
    [PROGRAM_PARSER_NORM]  = {.name = "parser_norm", .on_side = ONLY_CORE, .has_policy = true},
    [PROGRAM_POLICY_EMIT]  = {.name = "policy_emit", .on_side = ONLY_CORE, .has_policy = true, .breaks_path = true},
    [PROGRAM_MONITOR]      = {.name = "monitor", .on_side = ONLY_CORE, .has_policy = true},
    [PROGRAM_SOURCE]       = {.name = "source", .on_side = ONLY_EXT},
    [PROGRAM_STREAM_FRONTEND] = {.name = "stream_frontend", .on_side = ONLY_EXT},
    [PROGRAM_SINK]         = {.name = "sink", .on_side = ONLY_INT},
};
/* clang-format on */

static void check_component(const struct topology_component *component, struct report *report)
{
    if ((unsigned)component->program >= sizeof(programs) / sizeof(*programs)) {
        violation(report, "%s runs no known program", component->name);
        return;
    }
    const struct program_rule *rule = &programs[component->program];
    if ((unsigned)component->side <= SL_SIDE_CORE && !rule->on_side[component->side])
        violation(report, "%s is on a side where %s may not be", component->name, rule->name);
    if (component->breaks_path && !rule->breaks_path)
        violation(report, "%s counts as breaking paths, but %s decides nothing", component->name,
                  rule->name);
    if (component->has_policy && !rule->has_policy)
        violation(report, "%s maps the policy image, and %s needs none", component->name,
                  rule->name);
    if (component->device && !rule->device)
        violation(report, "%s owns a NIC, and %s may not", component->name, rule->name);
}

static void check_owners(const struct topology *topology, struct report *report)
{
    for (unsigned i = 0; i < topology->component_count; i++) {
        const struct topology_component *one = &topology->component[i];
        for (unsigned j = 0; one->device && j < i; j++) {
            const struct topology_component *other = &topology->component[j];
            if (other->device && other->side == one->side)
                violation(report, "%s and %s both own one NIC", other->name, one->name);
        }
    }
}

static bool link_is_whole(const struct topology *topology, const struct topology_link *link)
{
    return link->from < topology->component_count && link->to < topology->component_count &&
           link->from != link->to && (unsigned)link->kind < LINK_KINDS;
}

/* NULL, and reported, when the region belongs to no part of any link. */
static const struct topology_link *link_of(const struct topology *topology,
                                           const struct topology_region *region,
                                           struct report *report)
{
    if (region->link < topology->link_count) {
        const struct topology_link *link = &topology->link[region->link];
        if (link_is_whole(topology, link) && region->part < SL_PORT_REGIONS &&
            link_lowering[link->kind].part[region->part].name)
            return link;
    }
    violation(report, "region %s belongs to no link", region->name);
    return NULL;
}

static const char *rights_text(unsigned rights)
{
    static const char *const text[] = {"no", "read-only", "write-only", "read-write"};
    return rights < sizeof(text) / sizeof(*text) ? text[rights] : "unknown";
}

static void check_maps(const struct topology *topology, unsigned number,
                       const struct topology_link *link, struct report *report)
{
    const struct topology_region *region = &topology->region[number];
    const struct link_part *part = &link_lowering[link->kind].part[region->part];
    for (unsigned component = 0; component < topology->component_count; component++) {
        bool from = component == link->from, to = component == link->to;
        unsigned meant = from ? part->rights[0] : to ? part->rights[1] : 0;
        unsigned port = from ? link->from_port : link->to_port;
        unsigned rights = 0, maps = 0;
        for (unsigned i = 0; i < topology->map_count; i++) {
            const struct topology_map *map = &topology->map[i];
            if (map->region != number || map->component != component)
                continue;
            rights |= map->rights;
            maps++;
            if ((from || to) && map->port != port)
                violation(report, "%s finds %s at port %u, its link says %u",
                          topology->component[component].name, region->name, map->port, port);
        }
        if (rights != meant)
            violation(report, "%s has %s access to %s, its link gives %s access",
                      topology->component[component].name, rights_text(rights), region->name,
                      rights_text(meant));
        else if (maps > 1 || (maps && !meant))
            violation(report, "%s maps %s %u times, its link says %u",
                      topology->component[component].name, region->name, maps, meant ? 1 : 0);
    }
}

static void check_regions(const struct topology *topology, struct report *report)
{
    for (unsigned i = 0; i < topology->region_count; i++) {
        const struct topology_region *region = &topology->region[i];
        const struct topology_link *link = link_of(topology, region, report);
        if (!link)
            continue;
        if (region->size != link_part_size(link, region->part))
            violation(report, "region %s is %u bytes, its link says %u", region->name, region->size,
                      link_part_size(link, region->part));
        check_maps(topology, i, link, report);
    }
    for (unsigned i = 0; i < topology->map_count; i++) {
        const struct topology_map *map = &topology->map[i];
        if (map->region >= topology->region_count || map->component >= topology->component_count)
            violation(report, "map %u is of no region or in no component", i);
    }
}

/* Each part of each link is one region. */
static void check_links(const struct topology *topology, struct report *report)
{
    for (unsigned i = 0; i < topology->link_count; i++) {
        const struct topology_link *link = &topology->link[i];
        if (!link_is_whole(topology, link)) {
            violation(report, "link %s does not join two components", link->name);
            continue;
        }
        for (unsigned part = 0; part < SL_PORT_REGIONS; part++) {
            unsigned meant = link_lowering[link->kind].part[part].name ? 1 : 0, found = 0;
            for (unsigned j = 0; meant && j < topology->region_count; j++)
                found += topology->region[j].link == i && topology->region[j].part == part;
            if (found != meant)
                violation(report, "link %s has %u regions for its part %u, its kind says %u",
                          link->name, found, part, meant);
        }
    }
}

/* True when `channel` is the one that `link` calls for; end 0 at link->from. */
static bool channel_of(const struct topology_channel *channel, const struct topology_link *link)
{
    return channel->end[0] == link->from && channel->end[1] == link->to &&
           channel->port[0] == link->from_port && channel->port[1] == link->to_port;
}

static void check_channel(const struct topology *topology, unsigned number, struct report *report)
{
    const struct topology_channel *channel = &topology->channel[number];
    if (channel->end[0] >= topology->component_count ||
        channel->end[1] >= topology->component_count) {
        violation(report, "channel %u does not join two components", number);
        return;
    }
    const char *names[2] = {topology->component[channel->end[0]].name,
                            topology->component[channel->end[1]].name};
    for (unsigned i = 0; i < topology->link_count; i++) {
        const struct topology_link *link = &topology->link[i];
        if (!link_is_whole(topology, link) || !link_has_channel(link) || !channel_of(channel, link))
            continue;
        for (unsigned end = 0; end < 2; end++)
            if (channel->notifies[end] != link_lowering[link->kind].notifies[end])
                violation(report, "%s may%s notify %s, link %s says otherwise", names[end],
                          channel->notifies[end] ? "" : " not", names[1 - end], link->name);
        return;
    }
    violation(report, "a channel joins %s and %s, and no link says so", names[0], names[1]);
}

static bool number_clashes(const struct topology_channel *one, const struct topology_channel *other)
{
    for (unsigned i = 0; i < 2; i++)
        for (unsigned j = 0; j < 2; j++)
            if (one->end[i] == other->end[j] && one->channel[i] == other->channel[j])
                return true;
    return false;
}

static void check_channels(const struct topology *topology, struct report *report)
{
    for (unsigned i = 0; i < topology->channel_count; i++) {
        const struct topology_channel *channel = &topology->channel[i];
        check_channel(topology, i, report);
        if (channel->channel[0] >= SL_MAX_CHANNELS || channel->channel[1] >= SL_MAX_CHANNELS)
            violation(report, "channel %u has no badge: its number is not below %u", i,
                      SL_MAX_CHANNELS);
        for (unsigned j = 0; j < i; j++)
            if (number_clashes(channel, &topology->channel[j]))
                violation(report, "channels %u and %u have one number in one component", j, i);
    }
    for (unsigned i = 0; i < topology->link_count; i++) {
        const struct topology_link *link = &topology->link[i];
        unsigned found = 0, meant = 1;
        if (!link_is_whole(topology, link) || !link_has_channel(link))
            continue;
        for (unsigned j = 0; j < topology->channel_count; j++)
            found += channel_of(&topology->channel[j], link);
        if (found != meant)
            violation(report, "link %s has %u channels, its kind says %u", link->name, found,
                      meant);
    }
}

int check_rights(const struct topology *topology, FILE *out)
{
    struct report report = {.out = out};
    for (unsigned i = 0; i < topology->component_count; i++)
        check_component(&topology->component[i], &report);
    check_owners(topology, &report);
    check_links(topology, &report);
    check_regions(topology, &report);
    check_channels(topology, &report);
    return report.violations;
}
