/* SPDX-License-Identifier: BSD-2-Clause */
/* Where, along the numbers 0 to UINT32_MAX, the set of rules that name one may change. */
#ifndef SLUICE_POLICY_BORDERS_H
#define SLUICE_POLICY_BORDERS_H

#include "policy/compiler/spans.h"

/* uint64_t; begun with 0, then both ends of each span. */
void borders_begin(struct arena *arena, struct arena_list *borders);
void borders_add(struct arena *arena, struct arena_list *borders, struct span span);
/* Ascending, each once; what is beyond UINT32_MAX goes. Returns how many. */
size_t borders_settle(struct arena_list *borders);
/* The first of them that is not below `number`; `count`: none. */
size_t border_at(const uint64_t *borders, size_t count, uint64_t number);

#endif
