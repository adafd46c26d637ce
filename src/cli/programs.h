/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SLUICE_CLI_PROGRAMS_H
#define SLUICE_CLI_PROGRAMS_H

#include "sluice/component.h"
#include "topology/topology.h"

/* The components' programs, by enum topology_program. */
extern const struct sl_component *const programs[PROGRAM_COUNT];

#endif
