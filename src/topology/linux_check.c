/* SPDX-License-Identifier: BSD-2-Clause */
#include "topology/linux_check.h"

#include <string.h>

#include "hosts/linux/process.h"
#include "hosts/linux/sandbox.h"
#include "topology/flow_graph.h"
#include "topology/linux_look.h"

/* ---- against the topology ---- */

static const struct topology_outer *outer_named(const struct topology *topology, const char *name)
{
    for (unsigned i = 0; i < OUTER_COUNT; i++)
        if (topology->outer[i].size && strcmp(topology->outer[i].name, name) == 0)
            return &topology->outer[i];
    return NULL;
}

static unsigned meant_rights(const struct look *look, const struct object *object)
{
    const struct topology *topology = look->topology;
    for (unsigned i = 0; i < topology->map_count; i++)
        if (topology->map[i].component == object->component &&
            strcmp(topology->region[topology->map[i].region].name, object->name) == 0)
            return topology->map[i].rights;
    const struct topology_outer *const outer = outer_named(topology, object->name);
    if (outer && outer->holders >> object->component & 1)
        return outer->launcher_writes ? RIGHT_READ : RIGHT_READ | RIGHT_WRITE;
    return 0;
}

/* One mapping of each thing that the topology gives it. */
static void expect_mapped(struct look *look, unsigned component, const char *name)
{
    unsigned found = 0;
    for (unsigned i = 0; i < look->count; i++)
        found += look->object[i].kind == SHARED_MEMORY && look->object[i].component == component &&
                 strcmp(look->object[i].name, name) == 0;
    if (found != 1)
        look_violation(look, "%s has %u mappings of %s, the topology says 1",
                       look_name(look, component), found, name);
}

static bool is_packet_socket(const struct look *look, const struct object *object)
{
    const struct topology_component *component = &look->topology->component[object->component];
    return component->device && object->fd == FD_DEVICE && object->interface[0] &&
           strcmp(object->interface, look->interface[component->side]) == 0;
}

/* The receive ring of its own NIC's socket. */
static bool is_packet_ring(const struct look *look, const struct object *object)
{
    for (unsigned i = 0; i < look->count; i++)
        if (look->object[i].component == object->component &&
            strcmp(look->object[i].identity, object->name) == 0 &&
            is_packet_socket(look, &look->object[i]))
            return true;
    return false;
}

static void compare_memory(struct look *look)
{
    static const char *const words[] = {"nothing", "read", "write", "read and write"};
    const struct topology *topology = look->topology;
    for (unsigned i = 0; i < look->count; i++) {
        const struct object *object = &look->object[i];
        if (object->kind != SHARED_MEMORY || is_packet_ring(look, object))
            continue;
        const unsigned meant = meant_rights(look, object);
        if (object->rights != meant)
            look_violation(look, "%s may %s %s, the topology says %s",
                           look_name(look, object->component), words[object->rights & 3],
                           object->name, words[meant & 3]);
    }
    for (unsigned i = 0; i < topology->map_count; i++)
        expect_mapped(look, topology->map[i].component,
                      topology->region[topology->map[i].region].name);
    for (unsigned i = 0; i < OUTER_COUNT; i++)
        for (unsigned j = 0; topology->outer[i].size && j < topology->component_count; j++)
            if (topology->outer[i].holders >> j & 1)
                expect_mapped(look, j, topology->outer[i].name);
}

static void compare_bells(struct look *look, unsigned component)
{
    const struct topology *topology = look->topology;
    unsigned rings = 0, waits = 0, found = 0, watched = 0, asked = 0;
    for (unsigned i = 0; i < topology->channel_count; i++)
        for (unsigned end = 0; end < 2; end++)
            if (topology->channel[i].end[end] == component) {
                rings += topology->channel[i].notifies[end];
                waits += topology->channel[i].notifies[!end];
            }
    for (unsigned i = 0; i < look->count; i++)
        found += look->object[i].kind == EVENTFD && look->object[i].component == component;
    for (unsigned i = 0; i < look->watch_count; i++) {
        if (look->watch[i].component != component || look->watch[i].source == PROCESS_DEVICE)
            continue;
        watched += look->watch[i].source < SL_MAX_CHANNELS;
        asked += look->watch[i].source >= SL_MAX_CHANNELS;
    }
    if (found != rings)
        look_violation(look, "%s holds %u eventfds that it may ring, the topology says %u",
                       look_name(look, component), found, rings);
    const unsigned meant = (topology->component[component].program == PROGRAM_MONITOR ? 1u : 0u) +
                           (topology->component[component].has_policy ? 1u : 0u);
    if (asked != meant)
        look_violation(look, "%s waits on %u eventfds of the launcher's, the topology says %u",
                       look_name(look, component), asked, meant);
    if (watched != waits)
        look_violation(look, "%s waits on %u eventfds, the topology says %u",
                       look_name(look, component), watched, waits);
}

/* Who rings channel `source` of `component`; -1: nobody may. */
static int meant_ringer(const struct topology *topology, unsigned component, unsigned source)
{
    for (unsigned i = 0; i < topology->channel_count; i++)
        for (unsigned end = 0; end < 2; end++)
            if (topology->channel[i].end[end] == component &&
                topology->channel[i].channel[end] == source && topology->channel[i].notifies[!end])
                return topology->channel[i].end[!end];
    return -1;
}

/* Who holds the eventfd that is waited on, beside the launcher. */
static void compare_ringers(struct look *look, const struct watch *watch, struct flow_graph *graph)
{
    const bool launchers = watch->source >= SL_MAX_CHANNELS;
    const int meant =
        launchers ? -1 : meant_ringer(look->topology, watch->component, watch->source);
    bool held = false;
    if (watch->source == PROCESS_DEVICE)
        return;
    for (unsigned i = 0; i < look->count; i++) {
        const struct object *object = &look->object[i];
        if (object->kind != EVENTFD)
            continue;
        const int same = look_same_eventfd(look, watch, look->pid[object->component], object->fd);
        if (same < 0) {
            look_violation(look, "what %s waits on cannot be compared: no kcmp() in this kernel",
                           look_name(look, watch->component));
            return;
        }
        if (!same)
            continue;
        /* It could be read as well as written: both ways. */
        flow_add_edge(graph, object->component, watch->component, "an eventfd, waited on by");
        flow_add_edge(graph, watch->component, object->component, "waits on an eventfd of");
        if (object->component == meant)
            held = true;
        else
            look_violation(look, "%s waits on an eventfd of %s, the topology says %s",
                           look_name(look, watch->component), look_name(look, object->component),
                           launchers   ? "the launcher's alone"
                           : meant < 0 ? "of nobody"
                                       : look_name(look, (unsigned)meant));
    }
    if (meant >= 0 && !held)
        look_violation(look, "%s does not wait on the eventfd of %s that it should",
                       look_name(look, watch->component), look_name(look, (unsigned)meant));
}

/* What each descriptor may be, by its place (sandbox.h). */
static void compare_descriptor(struct look *look, const struct object *object)
{
    const struct topology_component *component = &look->topology->component[object->component];
    if (object->fd == FD_REPORT && strncmp(object->identity, "pipe:", 5) == 0)
        return;
    if (object->fd == FD_AUDIT && component->program == PROGRAM_MONITOR)
        return;
    if (is_packet_socket(look, object))
        return;
    if (object->interface[0]) {
        look_violation(look,
                       "%s holds descriptor %d, a packet socket on %s, which is nothing of its own",
                       component->name, object->fd, object->interface);
        return;
    }
    look_violation(look, "%s holds descriptor %d, %s, which is nothing of its own", component->name,
                   object->fd, object->identity);
}

/* ---- the flow rules ---- */

static void add_edges(struct look *look, struct flow_graph *graph)
{
    for (unsigned i = 0; i < look->count; i++)
        for (unsigned j = 0; j < look->count; j++) {
            const struct object *one = &look->object[i], *other = &look->object[j];
            if (one->component == other->component || strcmp(one->identity, other->identity) != 0 ||
                (one->kind == SHARED_MEMORY) != (other->kind == SHARED_MEMORY))
                continue;
            if (one->kind != SHARED_MEMORY)
                flow_add_edge(graph, one->component, other->component, "holds %s, as does",
                              one->identity);
            else if (one->rights & RIGHT_WRITE)
                flow_add_edge(graph, one->component, other->component, "writes %s, mapped by",
                              one->name);
        }
    /* Two sockets on one interface: what one sends the other may see. */
    for (unsigned i = 0; i < look->count; i++)
        for (unsigned j = 0; j < look->count; j++) {
            const struct object *one = &look->object[i], *other = &look->object[j];
            if (one->component != other->component && one->interface[0] &&
                strcmp(one->interface, other->interface) == 0)
                flow_add_edge(graph, one->component, other->component,
                              "has a packet socket on %s, as has", one->interface);
        }
    for (unsigned i = 0; i < look->watch_count; i++)
        compare_ringers(look, &look->watch[i], graph);
}

/* What each component has in common with the launcher, as mapped. */
static void add_outer_edges(const struct look *look, unsigned launcher, struct flow_graph *graph)
{
    for (unsigned i = 0; i < look->count; i++) {
        const struct object *object = &look->object[i];
        const struct topology_outer *outer =
            object->kind == SHARED_MEMORY ? outer_named(look->topology, object->name) : NULL;
        if (outer && outer->launcher_writes)
            flow_add_edge(graph, launcher, object->component, "writes %s, read by", outer->name);
        else if (outer)
            flow_add_edge(graph, object->component, launcher, "writes %s, read by", outer->name);
    }
}

/* What the filter allows is sandbox.c's word (tests/linux); that it is this filter is seen. */
static void compare_filters(struct look *look, struct flow_graph *graph)
{
    const char *why = NULL;
    for (unsigned i = 0; i < look->topology->component_count; i++) {
        bool unknown;
        const char *differs = look_at_filter(look, i, &unknown);
        if (differs && unknown)
            why = differs;
        else if (differs)
            look_violation(look, "%s's system call filter is not the one of this version: %s",
                           look_name(look, i), differs);
    }
    char text[320];
    snprintf(text, sizeof text, "%s%s; what it allows is src/hosts/linux/sandbox.c (tests/linux)",
             why ? "that each process has one is seen, not which: " : "each process has this one",
             why ? why : "");
    flow_add_trusted(graph, "system call filter", text);
}

static void check_paths(struct look *look)
{
    const struct topology *topology = look->topology;
    struct flow_graph graph;
    flow_graph_init(&graph);
    for (unsigned i = 0; i < topology->component_count; i++) {
        const struct topology_component *component = &topology->component[i];
        if (component->program == PROGRAM_MONITOR)
            flow_add_sink(&graph, component->name, (uint8_t)component->side);
        else if (component->breaks_path)
            flow_add_breaker(&graph, component->name, (uint8_t)component->side);
        else
            flow_add_node(&graph, component->name, (uint8_t)component->side);
    }
    add_edges(look, &graph);
    for (unsigned i = 0; i < topology->trusted_count; i++) {
        const unsigned node =
            flow_add_trusted(&graph, topology->trusted[i].name, topology->trusted[i].why);
        if (strcmp(topology->trusted[i].name, "launcher") == 0)
            add_outer_edges(look, node, &graph);
    }
    compare_filters(look, &graph);
    look->violations += flow_check(&graph, topology->mode, look->out);
    flow_graph_free(&graph);
}

int linux_check(const struct topology *topology, const char *const interface[2], pid_t launcher,
                FILE *out)
{
    static struct look look; /* too large for the stack */
    look = (struct look){
        .topology = topology, .interface = interface, .launcher = launcher, .out = out};
    look_for_processes(&look);
    for (unsigned i = 0; i < topology->component_count; i++) {
        if (look.pid[i] == 0) {
            fprintf(out,
                    "running: process %d has no child '%s': is it a `sluice run` of this "
                    "configuration, one process a component?\n",
                    (int)launcher, look_name(&look, i));
            return -1;
        }
        look_at(&look, i);
    }
    compare_memory(&look);
    for (unsigned i = 0; i < topology->component_count; i++)
        compare_bells(&look, i);
    for (unsigned i = 0; i < look.count; i++)
        if (look.object[i].kind == OTHER)
            compare_descriptor(&look, &look.object[i]);
    check_paths(&look);
    if (look.violations == 0)
        fprintf(out, "running: ok: %u processes have what the topology says, no more and no less\n",
                topology->component_count);
    else
        fprintf(out, "running: %d violation%s\n", look.violations, look.violations == 1 ? "" : "s");
    return look.violations;
}
