/* SPDX-License-Identifier: BSD-2-Clause */
/* A system description as read (microkit_reader.c): what the comparison with what each domain is
 * given (microkit_rights.c) and the paths that it all makes (microkit_flow.c) share. Of these
 * alone. */
#ifndef SLUICE_TOPOLOGY_MICROKIT_READER_H
#define SLUICE_TOPOLOGY_MICROKIT_READER_H

#include <stdio.h>
#include <string.h>

#include "topology/microkit.h"
#include "topology/topology.h"

#define READER_MAX_DOMAINS  64u /* Microkit has no more */
#define READER_MAX_REGIONS  256u
#define READER_MAX_MAPS     1024u
#define READER_MAX_CHANNELS 256u
#define READER_MAX_DEVICES  256u

struct reader_domain {
    char name[64];
    char image[96];
    int component; /* in the topology; -1: none */
    int parent;    /* -1: none */
    struct microkit_run run;
    unsigned node; /* in the graph */
};

struct reader_region {
    char name[96];
    bool placed; /* at a physical address; else the tool chooses */
    uint64_t physical, size;
};

struct reader_map {
    unsigned domain, region;
    bool write;
};

/* An interrupt of a domain. */
struct reader_interrupt {
    unsigned domain;
    uint64_t number;
};

/* A domain is told the bus address of a region. */
struct reader_bus_address {
    unsigned domain;
    int region; /* -1: of one that is not listed */
};

struct reader_channel {
    struct {
        int domain; /* -1: none that is listed */
        bool notifies, calls;
    } end[2];
};

struct reader {
    const struct topology *topology;
    const struct microkit_board *board; /* NULL: not known */
    FILE *out;
    bool measured;
    int violations;
    unsigned domain_count, region_count, map_count, channel_count;
    unsigned interrupt_count, bus_address_count;
    struct reader_domain domain[READER_MAX_DOMAINS];
    struct reader_region region[READER_MAX_REGIONS];
    struct reader_map map[READER_MAX_MAPS];
    struct reader_channel channel[READER_MAX_CHANNELS];
    struct reader_interrupt interrupt[READER_MAX_DEVICES];
    struct reader_bus_address bus_address[READER_MAX_DEVICES];
};

/* Fills what is after `violations` from the whole text; false: it cannot be read. What makes no
 * sense is a violation. */
bool reader_read(struct reader *reader, const char *text);

/* Everything that a domain has is the topology's or its own. */
void reader_check_rights(struct reader *reader);

void reader_violation(struct reader *reader, const char *what, const char *who, const char *more);

/* -1: none of that name. */
int reader_find_domain(const struct reader *reader, const char *name);
int reader_find_region(const struct reader *reader, const char *name);

/* One of the topology's. */
bool reader_is_shared(const struct reader *reader, const struct reader_region *region);

/* The component of a domain; NULL: it is none. */
static inline const struct topology_component *reader_component(const struct reader *reader,
                                                                unsigned domain)
{
    int component = reader->domain[domain].component;
    return component < 0 ? NULL : &reader->topology->component[component];
}

static inline bool reader_is_stock_driver(const char *name)
{
    const size_t length = strlen(name);
    return length > 5 && !strcmp(name + length - 5, "_sddf");
}

#endif
