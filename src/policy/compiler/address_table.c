/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/compiler/address_table.h"

#include <stdlib.h>
#include <string.h>

#include "sluice/audit.h"

#define ADDRESSES (UINT32_C(1) << 16)

/* A span of one rule. */
struct rule_span {
    struct span span;
    const struct modbus_rule *rule;
};

struct building {
    struct tables *tables;
    const struct cell *cell;
    struct arena_list allows, denies, limited; /* struct rule_span */
    struct arena_list borders;                 /* uint32_t, where segments start */
};

static int by_span(const void *left, const void *right)
{
    const struct rule_span *a = left, *b = right;
    if (a->span.low != b->span.low)
        return a->span.low < b->span.low ? -1 : 1;
    return a->rule->head.number < b->rule->head.number
               ? -1
               : a->rule->head.number > b->rule->head.number;
}

static int by_value(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

static void add_border(struct arena *arena, struct arena_list *borders, uint32_t border)
{
    if (border < ADDRESSES)
        *(uint32_t *)arena_append(arena, borders, sizeof border) = border;
}

static void sort_borders(struct arena_list *borders)
{
    uint32_t *border = borders->items;
    qsort(border, borders->count, sizeof *border, by_value);
    size_t count = 0;
    for (size_t i = 0; i < borders->count; i++)
        if (count == 0 || border[count - 1] != border[i])
            border[count++] = border[i];
    borders->count = count;
}

static void sort_spans(struct arena_list *list)
{
    if (list->count)
        qsort(list->items, list->count, sizeof(struct rule_span), by_span);
}

static bool has_values(const struct cell *cell, const struct modbus_rule *rule)
{
    return cell->kind == CELL_WRITE && rule->limited;
}

/* True when the rule's place is among those that each message asks, not in the table alone. */
static bool looked_at(const struct cell *cell, const struct modbus_rule *rule)
{
    return has_values(cell, rule) || rule->head.condition != POLICY_NONE;
}

static void collect(struct building *b)
{
    struct arena *const arena = b->tables->arena;
    add_border(arena, &b->borders, 0);
    for (size_t i = 0; i < b->cell->rule_count; i++) {
        const struct modbus_rule *rule = b->cell->rules[i];
        struct arena_list *list = looked_at(b->cell, rule) ? &b->limited
                                  : rule->head.deny        ? &b->denies
                                                           : &b->allows;
        const struct spans *spans = modbus_rule_addresses(rule, b->cell->access);
        for (size_t k = 0; k < spans->count; k++) {
            struct rule_span *span = arena_append(arena, list, sizeof *span);
            *span = (struct rule_span){spans->span[k], rule};
            add_border(arena, &b->borders, spans->span[k].low);
            add_border(arena, &b->borders, spans->span[k].high + 1);
        }
    }
    sort_borders(&b->borders);
    sort_spans(&b->allows);
    sort_spans(&b->denies);
    sort_spans(&b->limited);
}

/* How far one allow rule reaches from each segment. */
static void fill_allows(const struct building *b, struct modbus_segment *segments)
{
    const uint32_t *border = b->borders.items;
    const struct rule_span *span = b->allows.items, *furthest = NULL;
    size_t next = 0;
    for (size_t i = 0; i < b->borders.count; i++) {
        for (; next < b->allows.count && span[next].span.low <= border[i]; next++)
            if (furthest == NULL || span[next].span.high > furthest->span.high)
                furthest = &span[next];
        segments[i].allow_rule = SL_NO_RULE;
        if (furthest && furthest->span.high >= border[i]) {
            segments[i].reach = (uint16_t)furthest->span.high;
            segments[i].allow_rule = furthest->rule->head.number;
        }
    }
}

/* What is denied at each segment, or nearest after it. */
static void fill_denies(const struct building *b, struct modbus_segment *segments)
{
    const uint32_t *border = b->borders.items;
    const struct rule_span *span = b->denies.items, *furthest = NULL;
    size_t next = 0;
    for (size_t i = 0; i < b->borders.count; i++) {
        for (; next < b->denies.count && span[next].span.low <= border[i]; next++)
            if (furthest == NULL || span[next].span.high > furthest->span.high)
                furthest = &span[next];
        const struct rule_span *here = furthest && furthest->span.high >= border[i] ? furthest
                                       : next < b->denies.count                     ? &span[next]
                                                                                    : NULL;
        segments[i].deny_rule = here ? here->rule->head.number : SL_NO_RULE;
        segments[i].deny_start = here ? (uint16_t)here->span.low : 0;
        segments[i].deny_addressed = here && here->rule->names_addresses;
    }
}

static uint32_t blob(struct tables *tables, const void *bytes, size_t size)
{
    const uint32_t number = intern(tables->arena, &tables->blobs, bytes, size);
    if (number == tables->offsets.count)
        *(uint32_t *)arena_append(tables->arena, &tables->offsets, sizeof(uint32_t)) =
            buffer_add(tables->body, bytes, size, 8);
    return ((const uint32_t *)tables->offsets.items)[number];
}

static uint16_t limit_number(struct tables *tables, const struct modbus_rule *rule)
{
    _Static_assert(sizeof(struct modbus_value_range) == sizeof(struct span), "same layout");
    struct modbus_limit limit = {
        .type = (uint8_t)rule->type,
        .low_first = rule->low_first,
        .count = (uint16_t)rule->values.count,
        .ranges = blob(tables, rule->values.span, rule->values.count * sizeof(struct span)),
        .step = rule->step,
        .first = rule->first_passes,
    };
    return (uint16_t)intern(tables->arena, &tables->limits, &limit, sizeof limit);
}

/* Rules with a limit at one segment. */
struct run {
    struct modbus_limited allow[MODBUS_MAX_LIMITED], deny[MODBUS_MAX_LIMITED];
    uint8_t allows, denies;
};

static void add_to_run(struct building *b, struct run *run, const struct rule_span *span,
                       uint32_t border)
{
    const struct modbus_rule *const rule = span->rule;
    uint8_t *const count = rule->head.deny ? &run->denies : &run->allows;
    if (*count == MODBUS_MAX_LIMITED) {
        mistake_at(b->tables->mistakes, rule->head.line, rule->head.column,
                   "found rule '%s', one more with %s at address %u, expected at most %u: "
                   "join them by a list of values",
                   rule->head.name, rule->limited ? "'value'" : "a condition", border,
                   MODBUS_MAX_LIMITED);
        return;
    }
    (rule->head.deny ? run->deny : run->allow)[(*count)++] = (struct modbus_limited){
        .rule = rule->head.number,
        .limit = has_values(b->cell, rule) ? limit_number(b->tables, rule) : POLICY_NONE,
        .condition = rule->head.condition,
        .addressed = rule->names_addresses,
        .first = (uint16_t)span->span.low,
        .last = (uint16_t)span->span.high,
    };
}

static uint32_t place_run(struct tables *tables, const struct run *run)
{
    struct modbus_limited all[2 * MODBUS_MAX_LIMITED];
    const size_t count = (size_t)run->allows + run->denies;
    if (count == 0)
        return 0;
    memcpy(all, run->allow, run->allows * sizeof *all);
    memcpy(all + run->allows, run->deny, run->denies * sizeof *all);
    const uint32_t number = intern(tables->arena, &tables->limited_runs, all, count * sizeof *all);
    if (number == tables->run_first.count) {
        *(uint32_t *)arena_append(tables->arena, &tables->run_first, sizeof(uint32_t)) =
            (uint32_t)tables->limited.count;
        for (size_t i = 0; i < count; i++)
            *(struct modbus_limited *)arena_append(tables->arena, &tables->limited, sizeof *all) =
                all[i];
    }
    return ((const uint32_t *)tables->run_first.items)[number];
}

static void fill_limited(struct building *b, struct modbus_segment *segments)
{
    const uint32_t *border = b->borders.items;
    const struct rule_span *span = b->limited.items;
    const size_t mistakes_before = b->tables->mistakes->list.count;
    if (b->limited.count == 0)
        return;
    struct run *runs = arena_take(b->tables->arena, b->borders.count * sizeof *runs);
    for (size_t s = 0; s < b->limited.count; s++) {
        if (b->tables->mistakes->list.count != mistakes_before)
            return; /* one word about it is enough */
        size_t low = 0, high = b->borders.count;
        while (low < high) {
            const size_t middle = (low + high) / 2;
            if (border[middle] < span[s].span.low)
                low = middle + 1;
            else
                high = middle;
        }
        for (size_t i = low; i < b->borders.count && border[i] <= span[s].span.high; i++)
            add_to_run(b, &runs[i], &span[s], border[i]);
    }
    for (size_t i = 0; i < b->borders.count; i++) {
        segments[i].limited = place_run(b->tables, &runs[i]);
        segments[i].limited_allows = runs[i].allows;
        segments[i].limited_denies = runs[i].denies;
    }
}

/* Joins equal neighbours and writes the table; its number. */
static uint32_t finish(struct tables *tables, const uint32_t *border,
                       struct modbus_segment *segment, size_t count, uint8_t flags)
{
    size_t kept = 0;
    uint16_t *starts = arena_take(tables->arena, count * sizeof *starts);
    for (size_t i = 0; i < count; i++) {
        if (kept && memcmp(&segment[kept - 1], &segment[i], sizeof *segment) == 0)
            continue;
        starts[kept] = (uint16_t)border[i];
        segment[kept++] = segment[i];
    }
    /* an index of about two entries a segment */
    const uint32_t most = kept < 8 ? 16 : (uint32_t)kept * 2;
    uint8_t shift = 0;
    while (((uint32_t)starts[kept - 1] >> shift) + 1 > most)
        shift++;
    const uint32_t entries = ((uint32_t)starts[kept - 1] >> shift) + 1;
    uint16_t *index = arena_take(tables->arena, (entries + 1) * sizeof *index);
    for (uint32_t i = 0, s = 0; i < entries; i++) {
        while (s + 1 < kept && starts[s + 1] <= i << shift)
            s++;
        index[i] = (uint16_t)s;
    }
    index[entries] = (uint16_t)(kept - 1);
    const struct modbus_table table = {
        .starts = blob(tables, starts, kept * sizeof *starts),
        .segments = blob(tables, segment, kept * sizeof *segment),
        .index = blob(tables, index, (entries + 1) * sizeof *index),
        .segment_count = (uint16_t)kept,
        .index_count = (uint16_t)entries,
        .shift = shift,
        .flags = flags,
    };
    return intern(tables->arena, &tables->tables, &table, sizeof table);
}

static uint8_t flags_of(const struct cell *cell)
{
    uint8_t flags = 0;
    for (size_t i = 0; i < cell->rule_count; i++) {
        if (!cell->rules[i]->head.deny)
            flags |= MODBUS_TABLE_ALLOWS;
        else if (looked_at(cell, cell->rules[i]))
            flags |= MODBUS_TABLE_LIMITED_DENY;
    }
    return flags;
}

static uint32_t table_of_addresses(struct tables *tables, const struct cell *cell)
{
    struct building b = {.tables = tables, .cell = cell};
    collect(&b);
    struct modbus_segment *segments = arena_take(tables->arena, b.borders.count * sizeof *segments);
    fill_allows(&b, segments);
    fill_denies(&b, segments);
    fill_limited(&b, segments);
    return finish(tables, b.borders.items, segments, b.borders.count, flags_of(cell));
}

/* Files above, and beneath each a table of its records. */
static uint32_t table_of_files(struct tables *tables, const struct cell *cell)
{
    struct arena_list borders = {0};
    add_border(tables->arena, &borders, 0);
    for (size_t i = 0; i < cell->rule_count; i++)
        for (size_t k = 0; k < cell->rules[i]->files.count; k++) {
            add_border(tables->arena, &borders, cell->rules[i]->files.span[k].low);
            add_border(tables->arena, &borders, cell->rules[i]->files.span[k].high + 1);
        }
    sort_borders(&borders);
    const uint32_t *border = borders.items;
    struct modbus_segment *segments = arena_take(tables->arena, borders.count * sizeof *segments);
    struct intern subsets = {0};
    struct arena_list numbers = {0};
    for (size_t s = 0; s < borders.count; s++) {
        struct cell file = *cell;
        file.rules = arena_take(tables->arena, (cell->rule_count + 1) * sizeof *file.rules);
        file.rule_count = 0;
        for (size_t i = 0; i < cell->rule_count; i++)
            if (spans_hold(&cell->rules[i]->files, border[s], border[s]))
                file.rules[file.rule_count++] = cell->rules[i];
        const uint32_t subset =
            intern(tables->arena, &subsets, file.rules, file.rule_count * sizeof *file.rules);
        if (subset == numbers.count)
            *(uint32_t *)arena_append(tables->arena, &numbers, sizeof(uint32_t)) =
                table_of_addresses(tables, &file);
        segments[s].limited = ((const uint32_t *)numbers.items)[subset];
    }
    return finish(tables, border, segments, borders.count,
                  (uint8_t)(flags_of(cell) | MODBUS_TABLE_FILES));
}

uint32_t table_of_cell(struct tables *tables, const struct cell *cell)
{
    return cell->kind == CELL_FILES ? table_of_files(tables, cell)
                                    : table_of_addresses(tables, cell);
}
