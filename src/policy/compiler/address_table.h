/* SPDX-License-Identifier: BSD-2-Clause */
/* Address tables of a Modbus body: a cell's rules as segments. Equal ones are made once. */
#ifndef SLUICE_POLICY_ADDRESS_TABLE_H
#define SLUICE_POLICY_ADDRESS_TABLE_H

#include "policy/compiler/division.h"
#include "policy/compiler/image_build.h"

struct tables {
    struct arena *arena;
    struct mistakes *mistakes;
    struct buffer *body;
    struct intern blobs;         /* arrays that are in the body */
    struct arena_list offsets;   /* uint32_t: where each blob is */
    struct intern tables;        /* struct modbus_table */
    struct intern limits;        /* struct modbus_limit */
    struct intern limited_runs;  /* struct modbus_limited, several */
    struct arena_list run_first; /* uint32_t: index of each run's first in `limited` */
    struct arena_list limited;   /* struct modbus_limited */
};

/* Number of the cell's table. */
uint32_t table_of_cell(struct tables *tables, const struct cell *cell);

#endif
