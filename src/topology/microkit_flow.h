/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flow checker over what a Microkit system is built from: its system description, read back
 * from the file, and the kernel's configuration. It knows domains, maps, channels, protected
 * calls, parents, physical pages and exported timer registers as the file says them, whatever
 * wrote it.
 */
#ifndef SLUICE_MICROKIT_FLOW_H
#define SLUICE_MICROKIT_FLOW_H

#include "topology/topology.h"

/* Checks the system description `system` (NUL-terminated text) against the topology: every shared
 * map as the topology has it, no executable map, and the flow rules over all that it joins.
 * `kernel` is the text of the SDK's gen_config.json for the same board and configuration. What the
 * kernel leaves open is said; in one-way mode it is a violation unless `accept_open`. `measured`:
 * frames are made inside, and the external driver tells the supervisor when all are. Returns the
 * number of violations. */
int microkit_flow_check(const struct topology *topology, const char *system, const char *kernel,
                        bool accept_open, bool measured, FILE *out);

#endif
