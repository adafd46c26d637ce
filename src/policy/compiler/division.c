/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/compiler/division.h"

#include <stdlib.h>
#include <string.h>

#include "policy/compiler/borders.h"

#define MOST_SET_WORDS ((size_t)1 << 24) /* of the clients' sets of rules: 128 MiB */

/* A set of a service's rules: one bit a rule, in the file's order. */
struct dividing {
    struct arena *arena;
    struct division *division;
    const struct modbus_rule *rules;
    size_t rule_count;
    size_t words; /* uint64_t of a set */
    struct intern client_sets;
    struct intern unit_sets;      /* sets of rules that name a unit, whoever asks */
    uint8_t unit_class[256];      /* number in unit_sets */
    const uint64_t **access_sets; /* rules that name an access */
    uint64_t *scratch;            /* one word more than a set */
};

static void set_add(uint64_t *set, size_t rule)
{
    set[rule / 64] |= UINT64_C(1) << rule % 64;
}

static void divide_clients(struct dividing *d)
{
    struct arena_list list = {0};
    borders_begin(d->arena, &list);
    for (size_t r = 0; r < d->rule_count; r++)
        for (size_t i = 0; !d->rules[r].head.any_client && i < d->rules[r].head.clients.count; i++)
            borders_add(d->arena, &list, d->rules[r].head.clients.span[i]);
    const size_t count = borders_settle(&list);
    const uint64_t *const borders = list.items;
    if (count * d->words > MOST_SET_WORDS) {
        d->division->too_large = true;
        return;
    }
    uint64_t *sets = arena_take(d->arena, count * d->words * sizeof *sets);
    for (size_t r = 0; r < d->rule_count; r++) {
        const struct modbus_rule *rule = &d->rules[r];
        const struct span everyone = {0, UINT32_MAX};
        const size_t spans = rule->head.any_client ? 1 : rule->head.clients.count;
        for (size_t i = 0; i < spans; i++) {
            const struct span span = rule->head.any_client ? everyone : rule->head.clients.span[i];
            for (size_t b = border_at(borders, count, span.low);
                 b < count && borders[b] <= span.high; b++)
                set_add(sets + b * d->words, r);
        }
    }
    uint32_t last_class = UINT32_MAX;
    for (size_t b = 0; b < count; b++) {
        const uint32_t class =
            intern(d->arena, &d->client_sets, sets + b * d->words, d->words * sizeof *sets);
        const uint64_t next = b + 1 < count ? borders[b + 1] : UINT64_C(1) << 32;
        if (next - borders[b] == 1 && b > 0) {
            /* the ranges go on beneath a single address */
            if (class != last_class) {
                struct exact_client *exact =
                    arena_append(d->arena, &d->division->exact, sizeof *exact);
                *exact = (struct exact_client){(uint32_t)borders[b], class};
            }
            continue;
        }
        if (class == last_class)
            continue;
        struct client_range *range = arena_append(d->arena, &d->division->ranges, sizeof *range);
        *range = (struct client_range){(uint32_t)borders[b], class};
        last_class = class;
    }
}

static void divide_units(struct dividing *d)
{
    uint64_t *sets = arena_take(d->arena, 256 * d->words * sizeof *sets);
    for (size_t r = 0; r < d->rule_count; r++)
        for (size_t i = 0; i < d->rules[r].units.count; i++)
            for (uint32_t unit = d->rules[r].units.span[i].low;
                 unit <= d->rules[r].units.span[i].high; unit++)
                set_add(sets + unit * d->words, r);
    for (unsigned unit = 0; unit < 256; unit++)
        d->unit_class[unit] = (uint8_t)intern(d->arena, &d->unit_sets, sets + unit * d->words,
                                              d->words * sizeof *sets);
}

static const uint64_t *intersection(struct dividing *d, const uint64_t *a, const uint64_t *b)
{
    for (size_t i = 0; i < d->words; i++)
        d->scratch[i] = a[i] & b[i];
    return d->scratch;
}

static bool any_allow(const struct dividing *d, const uint64_t *set)
{
    for (size_t r = 0; r < d->rule_count; r++)
        if (!d->rules[r].head.deny && set[r / 64] >> r % 64 & 1)
            return true;
    return false;
}

static void divide_classes(struct dividing *d)
{
    const size_t size = d->words * sizeof(uint64_t);
    for (uint32_t c = 0; c < d->client_sets.list.count; c++) {
        const uint64_t *clients =
            (const uint64_t *)(const void *)interned(&d->client_sets, c)->bytes;
        struct client_class *class = arena_append(d->arena, &d->division->classes, sizeof *class);
        class->first_row = (uint32_t)d->division->class_rows.count;
        class->allows = any_allow(d, clients);
        struct intern rows_here = {0};
        uint8_t local[256]; /* unit class of the service > unit class of this client class */
        for (uint32_t u = 0; u < d->unit_sets.list.count; u++) {
            const uint64_t *row = intersection(
                d, clients, (const uint64_t *)(const void *)interned(&d->unit_sets, u)->bytes);
            const uint32_t number = intern(d->arena, &d->division->rows, row, size);
            local[u] = (uint8_t)intern(d->arena, &rows_here, &number, sizeof number);
            if (rows_here.list.count > class->unit_classes) {
                class->unit_classes++;
                *(uint32_t *)arena_append(d->arena, &d->division->class_rows, sizeof(uint32_t)) =
                    number;
            }
        }
        d->division->too_large = d->division->too_large ||
                                 d->division->rows.list.count > UINT16_MAX ||
                                 d->division->classes.count > UINT16_MAX;
        if (d->division->too_large)
            return;
        uint8_t map[256];
        for (unsigned unit = 0; unit < 256; unit++)
            map[unit] = local[d->unit_class[unit]];
        class->unit_map = intern(d->arena, &d->division->unit_maps, map, sizeof map);
    }
}

static enum cell_kind kind_of(unsigned access)
{
    if (access == MODBUS_ACCESS_DIAGNOSTICS)
        return CELL_SUBFUNCTIONS;
    if (ACCESS(access) & ACCESSES_WITH_FILES)
        return CELL_FILES;
    return ACCESS(access) & (ACCESSES_WRITING_COILS | ACCESSES_WRITING_REGISTERS) ? CELL_WRITE
                                                                                  : CELL_READ;
}

static uint32_t cell_of(struct dividing *d, const uint64_t *row, unsigned access)
{
    const enum cell_kind kind = kind_of(access);
    uint64_t *const key = d->scratch;
    size_t count = 0;
    for (size_t i = 0; i < d->words; i++) {
        key[i] = row[i] & d->access_sets[access][i];
        count += (size_t)__builtin_popcountll(key[i]);
    }
    key[d->words] = count ? kind : CELL_READ; /* one cell for everything that no rule names */
    struct division *const division = d->division;
    const uint32_t number =
        intern(d->arena, &division->cell_keys, key, (d->words + 1) * sizeof *key);
    if (number < division->cells.count)
        return number;
    struct cell *cell = arena_append(d->arena, &division->cells, sizeof *cell);
    *cell = (struct cell){.kind = (enum cell_kind)key[d->words], .access = access};
    cell->rules = arena_take(d->arena, (count + 1) * sizeof(const struct modbus_rule *));
    for (size_t r = 0; r < d->rule_count; r++)
        if (key[r / 64] >> r % 64 & 1)
            cell->rules[cell->rule_count++] = &d->rules[r];
    return number;
}

static void divide_rows(struct dividing *d)
{
    struct division *const division = d->division;
    d->access_sets = arena_take(d->arena, division->access_count * sizeof *d->access_sets);
    for (unsigned access = 0; access < division->access_count; access++) {
        uint64_t *set = arena_take(d->arena, d->words * sizeof *set);
        for (size_t r = 0; r < d->rule_count; r++)
            if (d->rules[r].accesses & ACCESS(access))
                set_add(set, r);
        d->access_sets[access] = set;
    }
    for (uint32_t r = 0; r < division->rows.list.count; r++) {
        const uint64_t *row = (const uint64_t *)(const void *)interned(&division->rows, r)->bytes;
        *(uint8_t *)arena_append(d->arena, &division->row_allows, 1) = any_allow(d, row);
        for (unsigned access = 0; access < division->access_count; access++)
            *(uint32_t *)arena_append(d->arena, &division->row_cells, sizeof(uint32_t)) =
                cell_of(d, row, access);
    }
}

struct division *divide(struct arena *arena, const struct modbus_service_rules *service)
{
    struct dividing d = {
        .arena = arena,
        .division = arena_take(arena, sizeof *d.division),
        .rules = service->rules.items,
        .rule_count = service->rules.count,
        .words = service->rules.count / 64 + 1,
    };
    d.division->access_count = MODBUS_ACCESS_OPAQUE + service->opaque_function_count;
    d.scratch = arena_take(arena, (d.words + 1) * sizeof *d.scratch);
    divide_clients(&d);
    divide_units(&d);
    divide_classes(&d);
    if (!d.division->too_large)
        divide_rows(&d);
    return d.division;
}
