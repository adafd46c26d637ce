/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flow rules on what a CAmkES build really made: its capDL specification, in which every
 * mapping and every capability of the running system stands, and its kernel's configuration.
 */
#ifndef SLUICE_TOPOLOGY_CAMKES_CHECK_H
#define SLUICE_TOPOLOGY_CAMKES_CHECK_H

#include "topology/camkes.h"
#include "topology/capdl.h"

/* What the kernel lets all user code write and read: a channel between all components. */
struct camkes_kernel {
    bool known;  /* false: not looked at, which is said */
    bool timers; /* CONFIG_EXPORT_PTMR_USER or CONFIG_EXPORT_VTMR_USER */
};

/* Reads a kernel's gen_config.h. False, said on `errors`, when it is none. */
bool camkes_read_kernel(struct camkes_kernel *kernel, FILE *in, const char *name, FILE *errors);

/* Every component has the mappings, capabilities and interrupts of the plan, no more and no
 * fewer; no page is writable and executable; and the paths that they make keep to the flow rules.
 * Writes every violation, and the trusted nodes by name. Returns the number of violations. */
int camkes_check(const struct camkes_system *system, const struct capdl *capdl,
                 const struct camkes_kernel *kernel, FILE *out);

#endif
