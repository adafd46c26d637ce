/* SPDX-License-Identifier: BSD-2-Clause */
/* The flow checker over a topology: the graph of what was built, not of what was meant. */
#include "topology/check.h"

#include <string.h>

#include "topology/flow_graph.h"

static void add_components(const struct topology *topology, struct flow_graph *graph)
{
    for (unsigned i = 0; i < topology->component_count; i++) {
        const struct topology_component *component = &topology->component[i];
        uint8_t side =
            (unsigned)component->side <= SL_SIDE_CORE ? (uint8_t)component->side : FLOW_NO_SIDE;
        if (component->program == PROGRAM_MONITOR)
            flow_add_sink(graph, component->name, side);
        else if (component->breaks_path)
            flow_add_breaker(graph, component->name, side);
        else
            flow_add_node(graph, component->name, side);
    }
}

/* What one may write, whoever else maps it may see: a right to write counts as one to read,
 * since no common processor has one without the other. */
static void add_memory(const struct topology *topology, struct flow_graph *graph)
{
    for (unsigned i = 0; i < topology->map_count; i++) {
        const struct topology_map *writer = &topology->map[i];
        if (!(writer->rights & RIGHT_WRITE))
            continue;
        for (unsigned j = 0; j < topology->map_count; j++) {
            const struct topology_map *reader = &topology->map[j];
            if (reader->region != writer->region || reader->rights == 0)
                continue;
            const char *name = writer->region < topology->region_count
                                   ? topology->region[writer->region].name
                                   : "a region that is not listed";
            flow_add_edge(graph, writer->component, reader->component, "writes %s, %s by", name,
                          reader->rights & RIGHT_READ ? "read" : "mapped");
        }
    }
}

static void add_channels(const struct topology *topology, enum topology_host host,
                         struct flow_graph *graph)
{
    for (unsigned i = 0; i < topology->channel_count; i++) {
        const struct topology_channel *channel = &topology->channel[i];
        bool any = channel->notifies[0] || channel->notifies[1];
        for (unsigned end = 0; end < 2; end++) {
            unsigned from = channel->end[end], to = channel->end[1 - end];
            if (channel->notifies[end])
                flow_add_edge(graph, from, to, "notifies");
            else if (any && host == TOPOLOGY_LINUX)
                flow_add_edge(graph, from, to, "takes notifications (an eventfd), seen by");
        }
    }
}

/* A side has one NIC; what one owner leaves in it, another may find. Which NIC an owner that is
 * on neither side has is not known: it may be either. */
static bool may_share_nic(const struct topology_component *one,
                          const struct topology_component *other)
{
    bool known = one->side < SL_SIDE_CORE && other->side < SL_SIDE_CORE;
    return one->device && other->device && (!known || one->side == other->side);
}

static void add_devices(const struct topology *topology, struct flow_graph *graph)
{
    for (unsigned i = 0; i < topology->component_count; i++)
        for (unsigned j = 0; j < topology->component_count; j++)
            if (may_share_nic(&topology->component[i], &topology->component[j]))
                flow_add_edge(graph, i, j, "shares a NIC with");
}

/* On seL4 there is no launcher once the system runs. */
static void add_outer(const struct topology *topology, unsigned launcher, struct flow_graph *graph)
{
    for (unsigned i = 0; i < OUTER_COUNT; i++) {
        const struct topology_outer *outer = &topology->outer[i];
        for (unsigned j = 0; outer->size && j < topology->component_count; j++) {
            if (!(outer->holders >> j & 1))
                continue;
            if (outer->launcher_writes)
                flow_add_edge(graph, launcher, j, "writes %s, read by", outer->name);
            else
                flow_add_edge(graph, j, launcher, "writes %s, read by", outer->name);
        }
    }
}

static void print_host(enum topology_host host, FILE *out)
{
    if (host == TOPOLOGY_LINUX)
        fprintf(out, "flow: counted: eventfd: both ends of a notification hold a readable and "
                     "writable object, so each counts both ways\n");
}

static void print_summary(const struct topology *topology, int violations, FILE *out)
{
    if (violations) {
        fprintf(out, "flow: %d violation%s\n", violations, violations == 1 ? "" : "s");
        return;
    }
    fprintf(out, "flow: ok: %u components, %u regions, %u maps, %u channels; ",
            topology->component_count, topology->region_count, topology->map_count,
            topology->channel_count);
    fputs(topology->mode == SL_ONE_WAY
              ? "no path leads from int to ext, and each from ext to int passes "
              : "each path between ext and int passes ",
          out);
    const char *before = "";
    for (unsigned i = 0; i < topology->component_count; i++) {
        if (!topology->component[i].breaks_path)
            continue;
        fprintf(out, "%s%s", before, topology->component[i].name);
        before = " or ";
    }
    fprintf(out, "; every right is the least\n");
}

int topology_check_on(const struct topology *topology, enum topology_host host, FILE *out)
{
    struct flow_graph graph;
    int violations = check_rights(topology, out);

    flow_graph_init(&graph);
    add_components(topology, &graph);
    add_memory(topology, &graph);
    add_channels(topology, host, &graph);
    add_devices(topology, &graph);
    for (unsigned i = 0; i < topology->trusted_count; i++) {
        const unsigned node =
            flow_add_trusted(&graph, topology->trusted[i].name, topology->trusted[i].why);
        if (host == TOPOLOGY_LINUX && strcmp(topology->trusted[i].name, "launcher") == 0)
            add_outer(topology, node, &graph);
    }
    violations += flow_check(&graph, topology->mode, out);
    flow_graph_free(&graph);

    print_host(host, out);
    print_summary(topology, violations, out);
    return violations;
}

int topology_check(const struct topology *topology, FILE *out)
{
    return topology_check_on(topology, TOPOLOGY_LINUX, out);
}
