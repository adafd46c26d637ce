/* SPDX-License-Identifier: BSD-2-Clause */
/* A time zone of this machine's tzdata as the image holds it: when its clocks change. */
#ifndef SLUICE_POLICY_ZONE_H
#define SLUICE_POLICY_ZONE_H

#include <stdbool.h>

#include "policy/compiler/arena.h"

/* Appends the zone's struct policy_shift from 2020 to 2060. False for a name that is no zone. */
bool zone_shifts(const char *name, struct arena *arena, struct arena_list *shifts);

#endif
