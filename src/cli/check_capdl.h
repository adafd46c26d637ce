/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SLUICE_CLI_CHECK_CAPDL_H
#define SLUICE_CLI_CHECK_CAPDL_H

#include "policy/site.h"
#include "topology/topology.h"

/* Checks the capDL file `path` that a CAmkES build made of this site, and its kernel's
 * gen_config.h (NULL: not given). Returns the exit status. */
int cli_check_capdl(const struct site *site, const char *path, const char *kernel_path);

#endif
