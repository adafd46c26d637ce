/* SPDX-License-Identifier: BSD-2-Clause */
#include "topology/microkit_reader.h"

#include <stdlib.h>

#include "topology/xml_scan.h"

#define MAX_DEPTH 8 /* domains inside of domains */

void reader_violation(struct reader *reader, const char *what, const char *who, const char *more)
{
    fprintf(reader->out, "flow: violation: %s: %s%s\n", who, what, more);
    reader->violations++;
}

int reader_find_domain(const struct reader *reader, const char *name)
{
    for (unsigned i = 0; i < reader->domain_count; i++)
        if (!strcmp(reader->domain[i].name, name))
            return (int)i;
    return -1;
}

int reader_find_region(const struct reader *reader, const char *name)
{
    for (unsigned i = 0; i < reader->region_count; i++)
        if (!strcmp(reader->region[i].name, name))
            return (int)i;
    return -1;
}

bool reader_is_shared(const struct reader *reader, const struct reader_region *region)
{
    for (unsigned i = 0; i < reader->topology->region_count; i++)
        if (!strcmp(reader->topology->region[i].name, region->name))
            return true;
    return false;
}

static uint32_t number(const struct xml_scan *scan, const char *attribute)
{
    return (uint32_t)strtoul(xml_attribute(scan, attribute, "0"), NULL, 0);
}

static bool read_domain(struct reader *reader, const struct xml_scan *scan, int parent)
{
    if (reader->domain_count == READER_MAX_DOMAINS)
        return false;
    struct reader_domain *domain = &reader->domain[reader->domain_count++];
    snprintf(domain->name, sizeof domain->name, "%s", xml_attribute(scan, "name", "?"));
    const char *component = !strcmp(domain->name, "sluice_monitor") ? "monitor" : domain->name;
    domain->component = topology_find(reader->topology, component);
    domain->parent = parent;
    domain->run = (struct microkit_run){.priority = number(scan, "priority"),
                                        .budget = number(scan, "budget"),
                                        .period = number(scan, "period"),
                                        .stack = number(scan, "stack_size")};
    if (strcmp(xml_attribute(scan, "smc", "false"), "false"))
        reader_violation(reader, "may call the firmware (smc)", domain->name, "");
    return true;
}

static bool read_region(struct reader *reader, const struct xml_scan *scan)
{
    if (reader->region_count == READER_MAX_REGIONS)
        return false;
    struct reader_region *region = &reader->region[reader->region_count++];
    snprintf(region->name, sizeof region->name, "%s", xml_attribute(scan, "name", "?"));
    const char *physical = xml_attribute(scan, "phys_addr", "");
    region->placed = *physical != '\0';
    region->physical = strtoull(physical, NULL, 0);
    region->size = strtoull(xml_attribute(scan, "size", "0"), NULL, 0);
    return true;
}

static bool read_map(struct reader *reader, const struct xml_scan *scan, unsigned domain)
{
    const char *name = xml_attribute(scan, "mr", "?");
    const char *rights = xml_attribute(scan, "perms", "rw"); /* Microkit's default */
    const int region = reader_find_region(reader, name);
    if (strchr(rights, 'x'))
        reader_violation(reader, "maps as executable: ", reader->domain[domain].name, name);
    if (region < 0) {
        reader_violation(reader, "maps a region that is not listed: ", reader->domain[domain].name,
                         name);
        return true;
    }
    if (reader->map_count == READER_MAX_MAPS)
        return false;
    reader->map[reader->map_count++] =
        (struct reader_map){domain, (unsigned)region, strchr(rights, 'w') != NULL};
    return true;
}

static bool read_interrupt(struct reader *reader, const struct xml_scan *scan, unsigned domain)
{
    if (reader->interrupt_count == READER_MAX_DEVICES)
        return false;
    reader->interrupt[reader->interrupt_count++] =
        (struct reader_interrupt){domain, strtoull(xml_attribute(scan, "irq", "0"), NULL, 0)};
    return true;
}

static bool read_variable(struct reader *reader, const struct xml_scan *scan, unsigned domain)
{
    const char *region = xml_attribute(scan, "region_paddr", "");
    if (!*region)
        return true;
    if (reader->bus_address_count == READER_MAX_DEVICES)
        return false;
    reader->bus_address[reader->bus_address_count++] =
        (struct reader_bus_address){domain, reader_find_region(reader, region)};
    return true;
}

/* An end of the last channel; `ends` are there already. */
static bool read_end(struct reader *reader, const struct xml_scan *scan, unsigned ends)
{
    if (ends == 2 || reader->channel_count == 0)
        return false;
    struct reader_channel *channel = &reader->channel[reader->channel_count - 1];
    channel->end[ends].domain = reader_find_domain(reader, xml_attribute(scan, "pd", "?"));
    channel->end[ends].notifies = strcmp(xml_attribute(scan, "notify", "true"), "true") == 0;
    channel->end[ends].calls = strcmp(xml_attribute(scan, "pp", "false"), "true") == 0;
    return true;
}

static bool read_channel(struct reader *reader)
{
    if (reader->channel_count == READER_MAX_CHANNELS)
        return false;
    struct reader_channel *channel = &reader->channel[reader->channel_count++];
    channel->end[0].domain = channel->end[1].domain = -1;
    return true;
}

/* What may stand inside of a domain; false: there is no more room. */
static bool read_inside(struct reader *reader, const struct xml_scan *scan, unsigned domain)
{
    if (!strcmp(scan->name, "map"))
        return read_map(reader, scan, domain);
    if (!strcmp(scan->name, "irq"))
        return read_interrupt(reader, scan, domain);
    if (!strcmp(scan->name, "setvar"))
        return read_variable(reader, scan, domain);
    if (!strcmp(scan->name, "program_image"))
        snprintf(reader->domain[domain].image, sizeof reader->domain[domain].image, "%s",
                 xml_attribute(scan, "path", ""));
    else
        reader_violation(reader, "has an element that the checker does not know: ",
                         reader->domain[domain].name, scan->name);
    return true;
}

bool reader_read(struct reader *reader, const char *text)
{
    static struct xml_scan scan;        /* too large for the stack */
    int depth[MAX_DEPTH] = {0}, at = 0; /* domains that we are inside of */
    unsigned ends = 0;
    xml_scan_init(&scan, text);
    for (bool room = true; room;) {
        const enum xml_event event = xml_next(&scan);
        const int inside = at ? depth[at - 1] : -1;
        if (event == XML_DONE)
            return at == 0;
        if (event == XML_ERROR)
            return false;
        if (event == XML_END) {
            at -= !strcmp(scan.name, "protection_domain");
            if (at < 0)
                return false;
        } else if (!strcmp(scan.name, "protection_domain")) {
            if (at == MAX_DEPTH)
                return false;
            depth[at++] = (int)reader->domain_count;
            room = read_domain(reader, &scan, inside);
        } else if (inside >= 0) {
            room = read_inside(reader, &scan, (unsigned)inside);
        } else if (!strcmp(scan.name, "memory_region")) {
            room = read_region(reader, &scan);
        } else if (!strcmp(scan.name, "channel")) {
            ends = 0;
            room = read_channel(reader);
        } else if (!strcmp(scan.name, "end")) {
            room = read_end(reader, &scan, ends++);
        } else if (strcmp(scan.name, "system")) {
            reader_violation(reader,
                             "an element that the checker does not know: ", "system description",
                             scan.name);
        }
    }
    reader_violation(reader, "has more in it than the checker has room for", "system description",
                     "");
    return false;
}
