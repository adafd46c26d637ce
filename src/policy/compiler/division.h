/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may be what to a service's rules: clients divided into classes that the same rules name,
 * each class's units likewise (a row), each row's accesses (a cell). Everything in a cell is
 * decided by the same rules, so the image needs one table a cell and the search for void rules
 * looks at each cell once.
 */
#ifndef SLUICE_POLICY_DIVISION_H
#define SLUICE_POLICY_DIVISION_H

#include "policy/compiler/intern.h"
#include "policy/compiler/model.h"

/* What a cell's addresses are, and whether values are looked at. */
enum cell_kind { CELL_READ, CELL_WRITE, CELL_SUBFUNCTIONS, CELL_FILES };

struct cell {
    enum cell_kind kind;
    unsigned access;                  /* one of those it stands for */
    const struct modbus_rule **rules; /* ended by NULL, in the file's order */
    size_t rule_count;
};

struct client_range { /* addresses from `start` to the next range's */
    uint32_t start;
    uint32_t class;
};
struct exact_client {
    uint32_t address;
    uint32_t class;
};
struct client_class {
    uint32_t first_row; /* into class_rows */
    uint32_t unit_map;
    uint32_t unit_classes;
    bool allows;
};

struct division {
    struct arena_list ranges;     /* struct client_range */
    struct arena_list exact;      /* struct exact_client */
    struct arena_list classes;    /* struct client_class */
    struct intern unit_maps;      /* 256 bytes each */
    struct arena_list class_rows; /* uint32_t, numbers of rows */
    struct intern rows;           /* sets of rules */
    struct arena_list row_cells;  /* access_count uint32_t a row */
    struct arena_list row_allows; /* uint8_t a row */
    struct intern cell_keys;
    struct arena_list cells; /* struct cell */
    unsigned access_count;
    bool too_large; /* more classes or rows than an image can hold: the rest is not there */
};

/* In `arena`, which may be thrown away with it. */
struct division *divide(struct arena *arena, const struct modbus_service_rules *service);

#endif
