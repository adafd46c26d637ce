/* SPDX-License-Identifier: BSD-2-Clause */
/* The component of this image; compiled once for each, with -DSLUICE_PROGRAM=<its struct>. */
#include "sluice/component.h"

extern const struct sl_component *const domain_program;
const struct sl_component *const domain_program = &SLUICE_PROGRAM;
