/* SPDX-License-Identifier: BSD-2-Clause */
#include "topology/microkit_flow.h"

#include <string.h>

#include "topology/flow_graph.h"
#include "topology/microkit_reader.h"

/* What the domains besides the components could do, by name. */
static const struct {
    const char *name, *why;
} known[] = {
    {"supervisor", "parent of every domain: stops and starts them, zeroes shared memory at a "
                   "restart, and tells policy_emit the wall clock; could join anything"},
    {"clock", "wakes those with deadlines; receives nothing"},
    {"entropy", "gives each component its random key, from a device with DMA; could guess what "
                "they choose, and by DMA join anything"},
};

static unsigned add_node(const struct reader *reader, struct flow_graph *graph, unsigned domain)
{
    const char *name = reader->domain[domain].name;
    const struct topology_component *place = reader_component(reader, domain);
    if (place) {
        if (place->program == PROGRAM_MONITOR)
            return flow_add_sink(graph, name, (uint8_t)place->side);
        if (place->breaks_path)
            return flow_add_breaker(graph, name, (uint8_t)place->side);
        return flow_add_node(graph, name, (uint8_t)place->side);
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (!strcmp(known[i].name, name))
            return flow_add_trusted(graph, name, known[i].why);
    if (reader_is_stock_driver(name))
        return flow_add_trusted(graph, name,
                                "a stock NIC driver: by DMA, with no IOMMU, could join anything");
    return flow_add_node(graph, name, FLOW_NO_SIDE); /* nobody's: a violation by itself */
}

static void join_channels(const struct reader *reader, struct flow_graph *graph)
{
    for (unsigned i = 0; i < reader->channel_count; i++)
        for (unsigned end = 0; end < 2; end++) {
            const struct reader_channel *channel = &reader->channel[i];
            if (channel->end[end].domain < 0 || channel->end[!end].domain < 0)
                continue;
            const unsigned from = reader->domain[channel->end[end].domain].node;
            const unsigned to = reader->domain[channel->end[!end].domain].node;
            if (channel->end[end].notifies)
                flow_add_edge(graph, from, to, "notifies");
            if (channel->end[end].calls) {
                flow_add_edge(graph, from, to, "calls");
                flow_add_edge(graph, to, from, "answers calls of");
            }
        }
}

static uint64_t past_last_page(const struct reader_region *region)
{
    uint64_t pages = region->size / 4096 + (region->size % 4096 != 0);
    return region->physical / 4096 + (pages ? pages : 1);
}

/* Two regions that have a physical page in common are one. */
static bool same_memory(const struct reader_region *one, const struct reader_region *other)
{
    return one == other ||
           (one->placed && other->placed && one->physical / 4096 < past_last_page(other) &&
            other->physical / 4096 < past_last_page(one));
}

static bool share_port(const struct reader_domain *one, const struct reader_domain *other)
{
    return !strcmp(one->name, "supervisor") && !strcmp(other->name, "sluice_monitor");
}

/* What is not the topology's (keys, the wall clock, devices): of a component's memory only trusted
 * domains may be the writers, and of devices only the serial port has two users. */
static void check_sharing(struct reader *reader, const struct reader_map *one,
                          const struct reader_map *other)
{
    const struct reader_region *region = &reader->region[one->region];
    const struct reader_domain *writer = &reader->domain[one->domain];
    const struct reader_domain *reads = &reader->domain[other->domain];
    if (region->placed && !share_port(writer, reads) && !share_port(reads, writer))
        reader_violation(reader, "has a device page that another domain has too: ", writer->name,
                         region->name);
    else if (one->write && writer->component >= 0 && reads->component >= 0 &&
             !reader_is_shared(reader, region))
        reader_violation(reader, "writes what only a trusted domain may: ", writer->name,
                         region->name);
}

/* What one may write, whoever else maps it may see; and of a device's registers even a read may
 * be seen by the other. */
static void join_memory(struct reader *reader, struct flow_graph *graph)
{
    for (unsigned i = 0; i < reader->map_count; i++)
        for (unsigned j = 0; j < reader->map_count; j++) {
            const struct reader_map *one = &reader->map[i], *other = &reader->map[j];
            const struct reader_region *region = &reader->region[one->region];
            if (one->domain == other->domain ||
                !same_memory(region, &reader->region[other->region]))
                continue;
            check_sharing(reader, one, other);
            if (region->placed)
                flow_add_edge(graph, reader->domain[one->domain].node,
                              reader->domain[other->domain].node, "shares the device page %s with",
                              region->name);
            else if (one->write)
                flow_add_edge(graph, reader->domain[one->domain].node,
                              reader->domain[other->domain].node, "writes %s, read by",
                              region->name);
        }
}

static void join_parents(const struct reader *reader, struct flow_graph *graph)
{
    for (unsigned i = 0; i < reader->domain_count; i++) {
        if (reader->domain[i].parent < 0)
            continue;
        unsigned parent = reader->domain[reader->domain[i].parent].node;
        flow_add_edge(graph, parent, reader->domain[i].node, "parent of");
        flow_add_edge(graph, reader->domain[i].node, parent, "faults to");
    }
}

/* A component that masters DMA is on its side for what it does as a program, and trusted for
 * what its device could do. */
static void name_dma(const struct reader *reader, struct flow_graph *graph)
{
    for (unsigned i = 0; i < reader->bus_address_count; i++) {
        const struct reader_domain *domain = &reader->domain[reader->bus_address[i].domain];
        if (domain->component < 0)
            continue;
        char name[128];
        snprintf(name, sizeof name, "%s's device", domain->name);
        unsigned node = flow_add_trusted(graph, name,
                                         "DMA without an IOMMU reaches all memory; what the driver "
                                         "tells it to is trusted too");
        flow_add_edge(graph, domain->node, node, "programs");
    }
}

/* Whether it is on; -1: not there. */
static int kernel_option(const char *kernel, const char *option)
{
    static const char space[] = " \t\r\n";
    char name[64];
    snprintf(name, sizeof name, "\"%s\"", option);
    const char *value = strstr(kernel, name);
    if (!value)
        return -1;
    value += strlen(name);
    value += strspn(value, space);
    if (*value++ != ':')
        return -1;
    value += strspn(value, space);
    return !strncmp(value, "true", 4) ? 1 : !strncmp(value, "false", 5) ? 0 : -1;
}

/* What the kernel lets every domain write and every other read. */
static const struct {
    const char *option, *what, *close;
} exported[] = {
    {"EXPORT_PTMR_USER", "the physical timer's registers (cntp_cval_el0)",
     "KernelArmExportPTMRUser"},
    {"EXPORT_VTMR_USER", "the virtual timer's registers (cntv_cval_el0)",
     "KernelArmExportVTMRUser"},
    {"EXPORT_PMU_USER", "the performance monitor's registers", "KernelArmExportPMUUser"},
};

static bool kernel_is_open(const char *kernel)
{
    for (size_t i = 0; i < sizeof exported / sizeof exported[0]; i++)
        if (kernel_option(kernel, exported[i].option) > 0)
            return true;
    return false;
}

/* The paths that exported registers make, where they are not accepted. */
static void join_registers(const struct reader *reader, struct flow_graph *graph,
                           const char *kernel, bool accept_open)
{
    if (reader->topology->mode != SL_ONE_WAY || accept_open || !kernel || !kernel_is_open(kernel))
        return;
    for (unsigned i = 0; i < reader->domain_count; i++)
        for (unsigned j = 0; j < reader->domain_count; j++)
            if (reader->domain[i].component >= 0 && reader->domain[j].component >= 0 && i != j)
                flow_add_edge(graph, reader->domain[i].node, reader->domain[j].node,
                              "writes an exported register, read by");
}

static void check_kernel(struct reader *reader, const char *kernel, bool accept_open)
{
    FILE *out = reader->out;
    if (!kernel) {
        fputs("flow: not looked at: the kernel's configuration (exported timer registers)\n", out);
        return;
    }
    if (kernel_option(kernel, exported[0].option) < 0)
        reader_violation(reader, "is none: it does not say of ", "kernel configuration",
                         exported[0].option);
    for (size_t i = 0; i < sizeof exported / sizeof exported[0]; i++) {
        if (kernel_option(kernel, exported[i].option) <= 0)
            continue;
        fprintf(out,
                "flow: open: this kernel lets every domain write, and every other read, %s: a "
                "storage channel between all of them, the sides included; a kernel built with "
                "%s=OFF has none\n",
                exported[i].what, exported[i].close);
    }
    if (reader->topology->mode == SL_ONE_WAY && !accept_open && kernel_is_open(kernel))
        fputs("flow: refused in one-way mode; --accept-open-timer takes it as it is\n", out);
}

static void check_paths(struct reader *reader, const char *kernel, bool accept_open)
{
    struct flow_graph graph;
    flow_graph_init(&graph);
    for (unsigned i = 0; i < reader->domain_count; i++)
        reader->domain[i].node = add_node(reader, &graph, i);
    join_channels(reader, &graph);
    join_memory(reader, &graph);
    join_parents(reader, &graph);
    join_registers(reader, &graph, kernel, accept_open);
    name_dma(reader, &graph);
    reader->violations += flow_check(&graph, reader->topology->mode, reader->out);
    flow_graph_free(&graph);
}

int microkit_flow_check(const struct topology *topology, const struct microkit_flow_input *input,
                        FILE *out)
{
    static struct reader reader; /* too large for the stack */
    memset(&reader, 0, sizeof reader);
    reader.topology = topology;
    reader.board = input->board;
    reader.out = out;
    reader.measured = input->measured;
    if (reader_read(&reader, input->system)) {
        reader_check_rights(&reader);
        check_paths(&reader, input->kernel, input->accept_open);
    } else {
        reader_violation(&reader, "cannot be read", "system description", "");
    }
    check_kernel(&reader, input->kernel, input->accept_open);
    if (reader.violations)
        fprintf(out, "flow: system description: %d violations\n", reader.violations);
    else
        fprintf(out, "flow: system description: ok: %u domains, %u regions, %u maps\n",
                reader.domain_count, reader.region_count, reader.map_count);
    return reader.violations;
}
