/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flow checker over a running gateway: what the kernel says (/proc) that its processes have
 * mapped and hold, against what the topology says that they should, and the flow rules over it.
 */
#ifndef SLUICE_LINUX_CHECK_H
#define SLUICE_LINUX_CHECK_H

#include <stdio.h>
#include <sys/types.h>

#include "topology/topology.h"

/* Looks at the children of `launcher`, one a component (isolated mode); needs root. `interface`:
 * the NICs' names by side. Writes every violation, the paths they make and the trusted nodes.
 * Returns the number of violations, -1 when it could not look (said on `out`). */
int linux_check(const struct topology *topology, const char *const interface[2], pid_t launcher,
                FILE *out);

#endif
