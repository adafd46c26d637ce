/* SPDX-License-Identifier: BSD-2-Clause */
#include "topology/microkit_flow.h"

#include <stdlib.h>
#include <string.h>

#include "topology/flow_graph.h"
#include "topology/microkit.h"
#include "topology/xml_scan.h"

#define MAX_DOMAINS 64u /* Microkit has no more */
#define MAX_REGIONS 256u
#define MAX_MAPS    1024u

struct domain {
    char name[64];
    int component; /* in the topology; -1: none */
    int parent;    /* -1: none */
    unsigned node; /* in the graph */
    bool dma;      /* its image is told a bus address */
    unsigned interrupts;
};

struct region {
    char name[96];
    bool placed; /* at a physical address; else the tool chooses */
    uint64_t physical, size;
};

struct map {
    unsigned domain, region;
    bool write;
};

struct reader {
    const struct topology *topology;
    struct flow_graph graph;
    FILE *out;
    bool measured;
    int violations;
    unsigned domain_count, region_count, map_count;
    struct domain domain[MAX_DOMAINS];
    struct region region[MAX_REGIONS];
    struct map map[MAX_MAPS];
    bool channel[TOPOLOGY_MAX_CHANNELS][2]; /* of the topology's: end i notifies, and was found */
};

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

static void violation(struct reader *reader, const char *what, const char *who, const char *more)
{
    fprintf(reader->out, "flow: violation: %s: %s%s\n", who, what, more);
    reader->violations++;
}

static int find_domain(const struct reader *reader, const char *name)
{
    for (unsigned i = 0; i < reader->domain_count; i++)
        if (!strcmp(reader->domain[i].name, name))
            return (int)i;
    return -1;
}

static int find_region(const struct reader *reader, const char *name)
{
    for (unsigned i = 0; i < reader->region_count; i++)
        if (!strcmp(reader->region[i].name, name))
            return (int)i;
    return -1;
}

static bool is_stock_driver(const char *name)
{
    const size_t length = strlen(name);
    return length > 5 && !strcmp(name + length - 5, "_sddf");
}

static unsigned add_node(struct reader *reader, const char *name, int component)
{
    struct flow_graph *graph = &reader->graph;
    if (component >= 0) {
        const struct topology_component *place = &reader->topology->component[component];
        if (place->program == PROGRAM_MONITOR)
            return flow_add_sink(graph, name, (uint8_t)place->side);
        if (place->breaks_path)
            return flow_add_breaker(graph, name, (uint8_t)place->side);
        return flow_add_node(graph, name, (uint8_t)place->side);
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (!strcmp(known[i].name, name))
            return flow_add_trusted(graph, name, known[i].why);
    if (is_stock_driver(name))
        return flow_add_trusted(graph, name,
                                "a stock NIC driver: by DMA, with no IOMMU, could join anything");
    return flow_add_node(graph, name, FLOW_NO_SIDE); /* nobody's: a violation by itself */
}

static void read_domain(struct reader *reader, const struct xml_scan *scan, int parent)
{
    if (reader->domain_count == MAX_DOMAINS) {
        violation(reader, "too many domains", xml_attribute(scan, "name", "?"), "");
        return;
    }
    struct domain *domain = &reader->domain[reader->domain_count++];
    snprintf(domain->name, sizeof domain->name, "%s", xml_attribute(scan, "name", "?"));
    const char *component = !strcmp(domain->name, "sluice_monitor") ? "monitor" : domain->name;
    domain->component = topology_find(reader->topology, component);
    domain->parent = parent;
    if (strcmp(xml_attribute(scan, "smc", "false"), "false"))
        violation(reader, "may call the firmware (smc)", domain->name, "");
    domain->node = add_node(reader, domain->name, domain->component);
}

static void read_region(struct reader *reader, const struct xml_scan *scan)
{
    if (reader->region_count == MAX_REGIONS) {
        violation(reader, "too many regions", xml_attribute(scan, "name", "?"), "");
        return;
    }
    struct region *region = &reader->region[reader->region_count++];
    snprintf(region->name, sizeof region->name, "%s", xml_attribute(scan, "name", "?"));
    const char *physical = xml_attribute(scan, "phys_addr", "");
    region->placed = *physical != '\0';
    region->physical = strtoull(physical, NULL, 0);
    region->size = strtoull(xml_attribute(scan, "size", "0"), NULL, 0);
}

static void read_map(struct reader *reader, const struct xml_scan *scan, unsigned domain)
{
    const char *name = xml_attribute(scan, "mr", "?");
    const char *rights = xml_attribute(scan, "perms", "rw"); /* Microkit's default */
    int region = find_region(reader, name);
    if (strchr(rights, 'x'))
        violation(reader, "maps as executable: ", reader->domain[domain].name, name);
    if (region < 0 || reader->map_count == MAX_MAPS) {
        violation(reader, "maps a region that is not listed: ", reader->domain[domain].name, name);
        return;
    }
    reader->map[reader->map_count++] =
        (struct map){domain, (unsigned)region, strchr(rights, 'w') != NULL};
}

struct channel_end {
    int domain;
    bool notifies, calls;
};

/* One of the topology's, not yet found. */
static bool is_meant(struct reader *reader, int from, int to)
{
    for (unsigned i = 0; i < reader->topology->channel_count; i++)
        for (unsigned end = 0; end < 2; end++) {
            const struct topology_channel *meant = &reader->topology->channel[i];
            if (meant->end[end] != from || meant->end[!end] != to || !meant->notifies[end] ||
                reader->channel[i][end])
                continue;
            reader->channel[i][end] = true;
            return true;
        }
    return false;
}

static bool is_external_driver(const struct reader *reader, const struct domain *domain)
{
    const struct topology_component *component =
        domain->component < 0 ? NULL : &reader->topology->component[domain->component];
    return component && component->device && component->side == SL_SIDE_EXT;
}

/* Components notify as the topology says and their own stock driver; the clock wakes anyone. */
static void check_notification(struct reader *reader, const struct domain *from,
                               const struct domain *to)
{
    if (!strcmp(from->name, "clock"))
        return;
    if (from->component < 0 ? is_stock_driver(from->name) && to->component >= 0
        : to->component < 0 ? is_stock_driver(to->name)
                            : is_meant(reader, from->component, to->component))
        return;
    if (reader->measured && is_external_driver(reader, from) && !strcmp(to->name, "supervisor"))
        return;
    violation(reader, "a notification that the topology does not give: ", from->name, to->name);
}

static void join_channel(struct reader *reader, const struct channel_end end[2])
{
    for (unsigned i = 0; i < 2; i++) {
        if (end[i].domain < 0 || end[!i].domain < 0)
            continue;
        unsigned from = reader->domain[end[i].domain].node;
        unsigned to = reader->domain[end[!i].domain].node;
        if (end[i].notifies) {
            check_notification(reader, &reader->domain[end[i].domain],
                               &reader->domain[end[!i].domain]);
            flow_add_edge(&reader->graph, from, to, "notifies");
        }
        if (end[i].calls) {
            violation(reader, "calls, which nobody needs: ", reader->domain[end[i].domain].name,
                      reader->domain[end[!i].domain].name);
            flow_add_edge(&reader->graph, from, to, "calls");
            flow_add_edge(&reader->graph, to, from, "answers calls of");
        }
    }
}

/* Reads the whole file; false: it cannot be. */
static bool read_system(struct reader *reader, const char *text)
{
    static struct xml_scan scan; /* too large for the stack */
    int depth[8], level = 0;     /* domains that we are inside of */
    struct channel_end end[2];
    unsigned ends = 0;
    xml_scan_init(&scan, text);
    for (;;) {
        enum xml_event event = xml_next(&scan);
        int inside = level ? depth[level - 1] : -1;
        if (event == XML_DONE)
            return level == 0;
        if (event == XML_ERROR)
            return false;
        if (event == XML_END) {
            if (!strcmp(scan.name, "protection_domain"))
                level--;
            else if (!strcmp(scan.name, "channel"))
                join_channel(reader, end);
            if (level < 0)
                return false;
            continue;
        }
        if (!strcmp(scan.name, "memory_region")) {
            read_region(reader, &scan);
        } else if (!strcmp(scan.name, "protection_domain")) {
            if (level == 8)
                return false;
            depth[level++] = (int)reader->domain_count;
            read_domain(reader, &scan, inside);
        } else if (!strcmp(scan.name, "map") && inside >= 0) {
            read_map(reader, &scan, (unsigned)inside);
        } else if (!strcmp(scan.name, "setvar") && inside >= 0) {
            reader->domain[inside].dma |= *xml_attribute(&scan, "region_paddr", "") != '\0';
        } else if (!strcmp(scan.name, "channel")) {
            ends = 0;
            end[0].domain = end[1].domain = -1;
        } else if (!strcmp(scan.name, "end") && ends < 2) {
            end[ends++] = (struct channel_end){
                find_domain(reader, xml_attribute(&scan, "pd", "?")),
                strcmp(xml_attribute(&scan, "notify", "true"), "true") == 0,
                strcmp(xml_attribute(&scan, "pp", "false"), "true") == 0,
            };
        } else if (!strcmp(scan.name, "irq") && inside >= 0) {
            reader->domain[inside].interrupts++;
        } else if (strcmp(scan.name, "system") && strcmp(scan.name, "program_image")) {
            violation(reader, "an element that the checker does not know: ", "system description",
                      scan.name);
        }
    }
}

static uint64_t past_last_page(const struct region *region)
{
    uint64_t pages = region->size / 4096 + (region->size % 4096 != 0);
    return region->physical / 4096 + (pages ? pages : 1);
}

/* Two regions that have a physical page in common are one. */
static bool same_memory(const struct region *one, const struct region *other)
{
    return one == other ||
           (one->placed && other->placed && one->physical / 4096 < past_last_page(other) &&
            other->physical / 4096 < past_last_page(one));
}

static bool of_topology(const struct reader *reader, const struct region *region)
{
    for (unsigned i = 0; i < reader->topology->region_count; i++)
        if (!strcmp(reader->topology->region[i].name, region->name))
            return true;
    return false;
}

static bool share_port(const struct domain *one, const struct domain *other)
{
    return !strcmp(one->name, "supervisor") && !strcmp(other->name, "sluice_monitor");
}

/* What is not the topology's (keys, the wall clock, devices): of a component's memory only trusted
 * domains may be the writers, and of devices only the serial port has two users. */
static void check_sharing(struct reader *reader, const struct map *one, const struct map *other)
{
    const struct region *region = &reader->region[one->region];
    const struct domain *writer = &reader->domain[one->domain];
    const struct domain *reads = &reader->domain[other->domain];
    if (region->placed && !share_port(writer, reads) && !share_port(reads, writer))
        violation(reader, "has a device page that another domain has too: ", writer->name,
                  region->name);
    else if (one->write && writer->component >= 0 && reads->component >= 0 &&
             !of_topology(reader, region))
        violation(reader, "writes what only a trusted domain may: ", writer->name, region->name);
}

/* What one may write, whoever else maps it may see; and of a device's registers even a read may
 * be seen by the other. */
static void join_memory(struct reader *reader)
{
    for (unsigned i = 0; i < reader->map_count; i++)
        for (unsigned j = 0; j < reader->map_count; j++) {
            const struct map *one = &reader->map[i], *other = &reader->map[j];
            const struct region *region = &reader->region[one->region];
            if (one->domain == other->domain ||
                !same_memory(region, &reader->region[other->region]))
                continue;
            check_sharing(reader, one, other);
            if (region->placed)
                flow_add_edge(&reader->graph, reader->domain[one->domain].node,
                              reader->domain[other->domain].node, "shares the device page %s with",
                              region->name);
            else if (one->write)
                flow_add_edge(&reader->graph, reader->domain[one->domain].node,
                              reader->domain[other->domain].node, "writes %s, read by",
                              region->name);
        }
}

static void join_parents(struct reader *reader)
{
    for (unsigned i = 0; i < reader->domain_count; i++) {
        if (reader->domain[i].parent < 0)
            continue;
        unsigned parent = reader->domain[reader->domain[i].parent].node;
        flow_add_edge(&reader->graph, parent, reader->domain[i].node, "parent of");
        flow_add_edge(&reader->graph, reader->domain[i].node, parent, "faults to");
    }
}

/* A component that masters DMA is on its side for what it does as a program, and trusted for
 * what its device could do. */
static void name_dma(struct reader *reader)
{
    for (unsigned i = 0; i < reader->domain_count; i++) {
        const struct domain *domain = &reader->domain[i];
        if (!domain->dma || domain->component < 0)
            continue;
        char name[128];
        snprintf(name, sizeof name, "%s's device", domain->name);
        unsigned node = flow_add_trusted(&reader->graph, name,
                                         "DMA without an IOMMU reaches all memory; what the driver "
                                         "tells it to is trusted too");
        flow_add_edge(&reader->graph, domain->node, node, "programs");
    }
}

/* Each map of a shared region must be the topology's, and each of the topology's must be there. */
static void check_maps(struct reader *reader)
{
    const struct topology *topology = reader->topology;
    static bool found[TOPOLOGY_MAX_MAPS];
    memset(found, 0, sizeof found);
    for (unsigned i = 0; i < reader->map_count; i++) {
        const struct map *map = &reader->map[i];
        const struct domain *domain = &reader->domain[map->domain];
        if (domain->component < 0)
            continue;
        bool shared = false, allowed = false;
        for (unsigned j = 0; j < topology->map_count; j++) {
            const struct topology_map *meant = &topology->map[j];
            if (strcmp(topology->region[meant->region].name, reader->region[map->region].name))
                continue;
            shared = true;
            bool write = (meant->rights & RIGHT_WRITE) != 0;
            if (meant->component == domain->component && write == map->write && !found[j]) {
                allowed = found[j] = true;
                break;
            }
        }
        if (shared && !allowed)
            violation(reader, "a map or right that the topology does not give: ", domain->name,
                      reader->region[map->region].name);
    }
    for (unsigned j = 0; j < topology->map_count; j++)
        if (!found[j])
            violation(reader, "lacks a map: ", topology->component[topology->map[j].component].name,
                      topology->region[topology->map[j].region].name);
}

/* Of the trusted domains only the supervisor has to do with what the components share. */
static void check_trusted_maps(struct reader *reader)
{
    for (unsigned i = 0; i < reader->map_count; i++) {
        const struct domain *domain = &reader->domain[reader->map[i].domain];
        const struct region *region = &reader->region[reader->map[i].region];
        if (domain->component < 0 && strcmp(domain->name, "supervisor") &&
            of_topology(reader, region))
            violation(reader, "a map or right that the topology does not give: ", domain->name,
                      region->name);
    }
}

static void check_channels(struct reader *reader)
{
    const struct topology *topology = reader->topology;
    for (unsigned i = 0; i < topology->channel_count; i++)
        for (unsigned end = 0; end < 2; end++) {
            const struct topology_channel *channel = &topology->channel[i];
            if (channel->notifies[end] && !reader->channel[i][end])
                violation(reader,
                          "lacks a notification: ", topology->component[channel->end[end]].name,
                          topology->component[channel->end[!end]].name);
        }
}

/* One for each who has a device; a stock driver has as many as it has. */
static void check_interrupts(struct reader *reader)
{
    for (unsigned i = 0; i < reader->domain_count; i++) {
        const struct domain *domain = &reader->domain[i];
        const bool device =
            domain->component >= 0 && reader->topology->component[domain->component].device;
        if (!is_stock_driver(domain->name) && domain->interrupts > (device ? 1 : 0))
            violation(reader, "has an interrupt too many", domain->name, "");
    }
}

static bool kernel_has(const char *kernel, const char *option)
{
    char text[64];
    snprintf(text, sizeof text, "\"%s\": true", option);
    return strstr(kernel, text) != NULL;
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
        if (kernel_has(kernel, exported[i].option))
            return true;
    return false;
}

/* The paths that exported registers make, where they are not accepted. */
static void join_registers(struct reader *reader, const char *kernel, bool accept_open)
{
    if (reader->topology->mode != SL_ONE_WAY || accept_open || !kernel_is_open(kernel))
        return;
    for (unsigned i = 0; i < reader->domain_count; i++)
        for (unsigned j = 0; j < reader->domain_count; j++)
            if (reader->domain[i].component >= 0 && reader->domain[j].component >= 0 && i != j)
                flow_add_edge(&reader->graph, reader->domain[i].node, reader->domain[j].node,
                              "writes an exported register, read by");
}

static void check_kernel(const char *kernel, FILE *out)
{
    for (size_t i = 0; i < sizeof exported / sizeof exported[0]; i++) {
        if (!kernel_has(kernel, exported[i].option))
            continue;
        fprintf(out,
                "flow: open: this kernel lets every domain write, and every other read, %s: a "
                "storage channel between all of them, the sides included; a kernel built with "
                "%s=OFF has none\n",
                exported[i].what, exported[i].close);
    }
}

int microkit_flow_check(const struct topology *topology, const char *system, const char *kernel,
                        bool accept_open, bool measured, FILE *out)
{
    static struct reader reader; /* too large for the stack */
    memset(&reader, 0, sizeof reader);
    reader.topology = topology;
    reader.out = out;
    reader.measured = measured;
    flow_graph_init(&reader.graph);
    if (read_system(&reader, system)) {
        join_memory(&reader);
        join_parents(&reader);
        join_registers(&reader, kernel, accept_open);
        name_dma(&reader);
        check_maps(&reader);
        check_trusted_maps(&reader);
        check_channels(&reader);
        check_interrupts(&reader);
        reader.violations += flow_check(&reader.graph, topology->mode, out);
    } else {
        violation(&reader, "cannot be read", "system description", "");
    }
    for (unsigned i = 0; i < topology->component_count; i++) {
        const char *name = topology->component[i].name;
        if (find_domain(&reader, strcmp(name, "monitor") ? name : "sluice_monitor") < 0)
            violation(&reader, "has no domain", name, "");
    }
    check_kernel(kernel, out);
    const int violations = reader.violations;
    flow_graph_free(&reader.graph);
    if (violations)
        fprintf(out, "flow: system description: %d violations\n", violations);
    else
        fprintf(out, "flow: system description: ok: %u domains, %u regions, %u maps\n",
                reader.domain_count, reader.region_count, reader.map_count);
    return violations;
}
