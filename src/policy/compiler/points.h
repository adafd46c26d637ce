/* SPDX-License-Identifier: BSD-2-Clause */
/* Points: registers and coils under the plant's own names. */
#ifndef SLUICE_POLICY_POINTS_H
#define SLUICE_POLICY_POINTS_H

#include "policy/compiler/decimal.h"
#include "policy/compiler/load.h"

enum point_table {
    POINT_COILS,
    POINT_DISCRETE_INPUTS,
    POINT_INPUT_REGISTERS,
    POINT_HOLDING_REGISTERS,
    POINT_TABLE_COUNT
};

struct policy_point {
    const char *name;
    enum point_table table;
    uint16_t address; /* of the first register, as on the wire */
    enum modbus_value_type type;
    bool low_first;
    struct decimal scale; /* 1 where none is given */
    const char *measure;  /* unit of measurement; "" */
    unsigned line;
};

/* Accesses that reach a table's entries by address. */
uint64_t point_accesses(enum point_table table);
/* "holding register 2 (40003)" */
const char *point_place(struct arena *arena, const struct policy_point *point);
static inline unsigned point_registers(const struct policy_point *point)
{
    return modbus_value_is_wide(point->type) ? 2 : 1;
}

/* The points of one rule that are alike: of one table, and where values are compared, with one
 * type, word order, scale and measure. */
struct point_group {
    const struct policy_point *like; /* any of them */
    struct arena_list spans;         /* struct span: their addresses */
    const char *names, *places;      /* for sentences */
};

/* The value of `point` in a rule as groups (struct point_group); `by_value`: values are compared.
 * Empty after a mistake. */
struct arena_list load_rule_points(struct loader *loader, const struct node *node, bool by_value);

/* The names that are seen now, the nearest first: of the service, of the profile, of the file. */
#define POINT_SCOPES 3u
const struct policy_point *point_by_name(const struct loader *loader, const char *name);

/* A map of points into `scope` (struct policy_point). */
void load_point_map(struct loader *loader, const struct node *node, struct arena_list *scope);

#endif
