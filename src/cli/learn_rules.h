/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From what was seen to rules: ranges joined, then clients and units that do the same.
 */
#ifndef SLUICE_CLI_LEARN_RULES_H
#define SLUICE_CLI_LEARN_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/learnt.h"
#include "policy/compiler/arena.h"

struct learn_rule {
    uint32_t server;
    uint16_t port, file;
    uint8_t access;
    bool also_alone; /* READ_WRITE_READ: rules for other reads went into it */
    struct spans spans;
    struct learn_numbers clients, units;
    struct arena_list values; /* struct learnt_value, ascending */
    struct learnt_times times;
    bool bridged;
    bool gone;
};

/* The rules for all that was learnt, in the order in which a reader wants them. They live in
 * `arena`; `gap` as struct learn_source has it. */
struct learn_rule *learn_rules(struct arena *arena, const struct learnt *learnt, unsigned gap,
                               size_t *count);

/* 0 for rules of one device. */
int learn_compare_device(const struct learn_rule *a, const struct learn_rule *b);
bool learn_is_read(unsigned access);

#endif
