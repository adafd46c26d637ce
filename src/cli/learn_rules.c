/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/learn_rules.h"

#include <stdlib.h>
#include <string.h>

#include "policy/compiler/model.h"

struct making {
    struct arena *arena;
    const struct learnt *learnt;
    unsigned gap;
    struct learn_rule *rule;
    size_t count;
};

bool learn_is_read(unsigned access)
{
    return access == MODBUS_ACCESS_READ_COILS || access == MODBUS_ACCESS_READ_DISCRETE_INPUTS ||
           access == MODBUS_ACCESS_READ_HOLDING_REGISTERS ||
           access == MODBUS_ACCESS_READ_INPUT_REGISTERS || access == MODBUS_ACCESS_READ_WRITE_READ;
}

/* --- ranges -------------------------------------------------------------------------------- */

static struct spans joined(struct making *making, const struct learnt_access *access, bool *bridged)
{
    struct span *span = arena_take(making->arena, access->span_count * sizeof *span);
    size_t count = 0;
    const uint32_t gap = learn_is_read(access->key.access) ? making->gap : 0;
    for (size_t i = 0; i < access->span_count; i++) {
        if (count && access->span[i].low - span[count - 1].high - 1 <= gap) {
            *bridged = true;
            span[count - 1].high = access->span[i].high;
        } else {
            span[count++] = access->span[i];
        }
    }
    return (struct spans){.count = count, .span = span};
}

static struct learn_numbers one_number(struct making *making, uint32_t number)
{
    uint32_t *place = arena_take(making->arena, sizeof *place);
    *place = number;
    return (struct learn_numbers){place, 1};
}

static void make_rules(struct making *making)
{
    const struct learnt *learnt = making->learnt;
    making->count = learnt->count;
    making->rule = arena_take(making->arena, learnt->count * sizeof *making->rule);
    for (size_t i = 0; i < learnt->count; i++) {
        const struct learnt_access *access = learnt->access[i];
        struct learn_rule *rule = &making->rule[i];
        *rule = (struct learn_rule){.server = access->key.server,
                                    .port = access->key.port,
                                    .file = access->key.file,
                                    .access = access->key.access,
                                    .clients = one_number(making, access->key.client),
                                    .units = one_number(making, access->key.unit),
                                    .times = access->times};
        rule->spans = joined(making, access, &rule->bridged);
        for (size_t v = 0; v < access->value_count; v++) {
            struct learnt_value *value = arena_append(making->arena, &rule->values, sizeof *value);
            *value = access->value[v];
        }
    }
}

/* --- what rules have in common ------------------------------------------------------------- */

static int compare_numbers(const struct learn_numbers *a, const struct learn_numbers *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (a->number[i] != b->number[i])
            return a->number[i] < b->number[i] ? -1 : 1;
    return a->count < b->count ? -1 : a->count > b->count;
}

static int compare_spans(const struct spans *a, const struct spans *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        if (a->span[i].low != b->span[i].low)
            return a->span[i].low < b->span[i].low ? -1 : 1;
        if (a->span[i].high != b->span[i].high)
            return a->span[i].high < b->span[i].high ? -1 : 1;
    }
    return a->count < b->count ? -1 : a->count > b->count;
}

#define ORDER(a, b)                                                                                \
    do {                                                                                           \
        if ((a) != (b))                                                                            \
            return (a) < (b) ? -1 : 1;                                                             \
    } while (0)

int learn_compare_device(const struct learn_rule *a, const struct learn_rule *b)
{
    ORDER(a->server, b->server);
    ORDER(a->port, b->port);
    return 0;
}

static int compare_kind(const struct learn_rule *a, const struct learn_rule *b)
{
    const int device = learn_compare_device(a, b);
    if (device)
        return device;
    ORDER(a->access, b->access);
    ORDER(a->file, b->file);
    return compare_spans(&a->spans, &b->spans);
}

/* Rules that differ in their client alone stand together; so do, in the next order, those that
 * differ in their unit alone. */
static int by_unit_then_client(const void *left, const void *right)
{
    const struct learn_rule *a = left, *b = right;
    const int kind = compare_kind(a, b);
    const int units = compare_numbers(&a->units, &b->units);
    return kind ? kind : units ? units : compare_numbers(&a->clients, &b->clients);
}

static int by_client_then_unit(const void *left, const void *right)
{
    const struct learn_rule *a = left, *b = right;
    const int kind = compare_kind(a, b);
    const int clients = compare_numbers(&a->clients, &b->clients);
    return kind ? kind : clients ? clients : compare_numbers(&a->units, &b->units);
}

/* As a reader wants them: device, unit, reads before writes, address. */
static int by_reader(const void *left, const void *right)
{
    const struct learn_rule *a = left, *b = right;
    const int device = learn_compare_device(a, b);
    const int units = compare_numbers(&a->units, &b->units);
    if (device)
        return device;
    if (units)
        return units;
    ORDER(!learn_is_read(a->access), !learn_is_read(b->access));
    ORDER(a->access, b->access);
    const int kind = compare_kind(a, b);
    return kind ? kind : compare_numbers(&a->clients, &b->clients);
}

static int by_address(const void *left, const void *right)
{
    const struct learnt_value *a = left, *b = right;
    ORDER(a->address, b->address);
    return 0;
}

static void add_values(struct making *making, struct learn_rule *into,
                       const struct learn_rule *from)
{
    const struct learnt_value *more = from->values.items;
    const size_t before = into->values.count;
    for (size_t i = 0; i < from->values.count; i++) {
        struct learnt_value *known = into->values.items;
        known = before ? bsearch(&more[i], known, before, sizeof *known, by_address) : NULL;
        if (!known) {
            known = arena_append(making->arena, &into->values, sizeof *known);
            *known = more[i];
            continue;
        }
        known->low = more[i].low < known->low ? more[i].low : known->low;
        known->high = more[i].high > known->high ? more[i].high : known->high;
        known->count += more[i].count;
    }
    if (into->values.count > before)
        qsort(into->values.items, into->values.count, sizeof *more, by_address);
}

static void absorb(struct making *making, struct learn_rule *into, struct learn_rule *from)
{
    learnt_time(&into->times, from->times.count, &from->times.first, &from->times.last);
    add_values(making, into, from);
    into->bridged |= from->bridged;
    into->also_alone |= from->also_alone;
    from->gone = true;
}

static void drop_gone(struct making *making)
{
    size_t kept = 0;
    for (size_t i = 0; i < making->count; i++)
        if (!making->rule[i].gone)
            making->rule[kept++] = making->rule[i];
    making->count = kept;
}

/* What function 23 reads can only be allowed by the group `read`, which covers plain reads of the
 * same addresses too: a rule for these alone would be one without effect. */
static void fold_into_reads(struct making *making)
{
    for (size_t i = 0; i < making->count; i++) {
        struct learn_rule *wide = &making->rule[i];
        if (wide->access != MODBUS_ACCESS_READ_WRITE_READ)
            continue;
        for (size_t j = 0; j < making->count; j++) {
            struct learn_rule *narrow = &making->rule[j];
            if (narrow->gone || narrow == wide || learn_compare_device(wide, narrow) ||
                compare_numbers(&wide->clients, &narrow->clients) ||
                compare_numbers(&wide->units, &narrow->units) ||
                !(learn_is_read(narrow->access) ||
                  narrow->access == MODBUS_ACCESS_READ_FIFO_QUEUE) ||
                !spans_include(&wide->spans, &narrow->spans))
                continue;
            wide->also_alone = true;
            absorb(making, wide, narrow);
        }
    }
    drop_gone(making);
}

/* Joins neighbours of the sorted rules that are alike but for `numbers` (clients or units). */
static void join_alike(struct making *making, int (*order)(const void *, const void *),
                       size_t numbers, size_t other)
{
    if (making->count < 2)
        return;
    qsort(making->rule, making->count, sizeof *making->rule, order);
    size_t end;
    for (size_t i = 0; i < making->count; i = end) {
        struct learn_rule *into = &making->rule[i];
        const struct learn_numbers *same = (const void *)((const uint8_t *)into + other);
        for (end = i + 1; end < making->count; end++) {
            const struct learn_rule *next = &making->rule[end];
            const struct learn_numbers *theirs = (const void *)((const uint8_t *)next + other);
            if (compare_kind(into, next) || compare_numbers(same, theirs))
                break;
        }
        struct learn_numbers *list = (void *)((uint8_t *)into + numbers);
        const struct learn_numbers all = {arena_take(making->arena, (end - i) * sizeof(uint32_t)),
                                          end - i};
        for (size_t j = i; j < end; j++) {
            const struct learn_numbers *one =
                (const void *)((const uint8_t *)&making->rule[j] + numbers);
            all.number[j - i] = one->number[0]; /* of each only one yet */
            if (j > i)
                absorb(making, into, &making->rule[j]);
        }
        *list = all;
    }
    drop_gone(making);
}

struct learn_rule *learn_rules(struct arena *arena, const struct learnt *learnt, unsigned gap,
                               size_t *count)
{
    struct making making = {.arena = arena, .learnt = learnt, .gap = gap};
    make_rules(&making);
    fold_into_reads(&making);
    join_alike(&making, by_unit_then_client, offsetof(struct learn_rule, clients),
               offsetof(struct learn_rule, units));
    join_alike(&making, by_client_then_unit, offsetof(struct learn_rule, units),
               offsetof(struct learn_rule, clients));
    qsort(making.rule, making.count, sizeof *making.rule, by_reader);
    *count = making.count;
    return making.rule;
}
