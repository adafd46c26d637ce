/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flow checker over what a Microkit system is built from: its system description, read back
 * from the file, and the kernel's configuration. It knows domains, maps, channels, protected
 * calls, parents, physical pages and exported timer registers as the file says them, whatever
 * wrote it.
 */
#ifndef SLUICE_MICROKIT_FLOW_H
#define SLUICE_MICROKIT_FLOW_H

#include "topology/microkit.h"
#include "topology/topology.h"

struct microkit_flow_input {
    const char *system;                 /* the system description, NUL-terminated text */
    const char *kernel;                 /* the SDK's gen_config.json for the same board and
                                         * configuration; NULL: not looked at, which is said */
    const struct microkit_board *board; /* where the devices are; NULL: not known */
    bool accept_open;                   /* one-way although the kernel leaves a channel open */
    bool measured; /* frames are made inside, and the external driver tells the supervisor when all
                    * are */
};

/* Checks a system description against the topology: every map, notification, interrupt and place in
 * memory as the topology and this host have it, no executable map, and the flow rules over all that
 * it joins. What the kernel leaves open is said; in one-way mode it is a violation unless
 * accepted. Returns the number of violations. */
int microkit_flow_check(const struct topology *topology, const struct microkit_flow_input *input,
                        FILE *out);

#endif
