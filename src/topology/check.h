/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other half of the flow checker: every right, region and channel that was built is one that
 * its link's kind calls for, no more and no fewer, and every component is what its program may
 * be. A right too many is a violation even where it opens no path.
 */
#ifndef SLUICE_TOPOLOGY_CHECK_H
#define SLUICE_TOPOLOGY_CHECK_H

#include "topology/topology.h"

/* One line for each violation; returns how many. */
int check_rights(const struct topology *topology, FILE *out);

#endif
