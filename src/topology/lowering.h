/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each kind of link becomes: its regions, the rights of its two ends, and who may notify
 * whom. lower.c builds from this table, check.c compares what was built with it.
 */
#ifndef SLUICE_TOPOLOGY_LOWERING_H
#define SLUICE_TOPOLOGY_LOWERING_H

#include "topology/topology.h"

#define LINK_KINDS 3u
#define PAGE_SIZE  4096u

struct link_part {
    const char *name;  /* appended to the link's name; NULL: the kind has no such region */
    uint8_t rights[2]; /* RIGHT_* of the link's from and to; no one else has any */
};

struct link_lowering {
    struct link_part part[SL_PORT_REGIONS]; /* as component.h orders them */
    bool notifies[2];                       /* from may signal to; to may signal from */
};

extern const struct link_lowering link_lowering[LINK_KINDS];

/* True when the link has a channel of its own. A NIC's transmit queue has not: both queues use
 * the receive queue's, which notifies both ways. */
bool link_has_channel(const struct topology_link *link);

/* Bytes of one region of `link`, rounded up to pages. */
uint32_t link_part_size(const struct topology_link *link, unsigned part);

/* Fills regions, maps and channels from the links. */
void topology_lower(struct topology *topology);

#endif
