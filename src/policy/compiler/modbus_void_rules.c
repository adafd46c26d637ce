/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules without effect. An allow rule is void where, in every cell that it is in, all that it
 * allows is denied anyway or allowed by one other rule (one, as a request needs one rule that
 * covers the whole of it). Rules are looked at from the last to the first and a void one counts
 * no more, so that of two equal rules the later is the void one.
 */
#include <string.h>

#include "policy/compiler/division.h"
#include "policy/compiler/language.h"
#include "policy/compiler/void_rules.h"

struct finding {
    const struct modbus_rule *by; /* the last rule found in the way */
    bool covered;                 /* some of the rule is allowed by another, without limit */
    bool alive;                   /* some of it is its own */
};

struct search {
    const struct modbus_rule *first; /* of the service */
    bool *is_void;                   /* or expired; by index of the rule in the service */
};

static bool has_limits(const struct modbus_rule *rule)
{
    return rule->limited || rule->head.condition != POLICY_NONE;
}

static bool counts(const struct search *search, const struct modbus_rule *rule)
{
    return !search->is_void[rule - search->first];
}

/* True when whatever value `rule` lets pass, `other` does too. */
static bool as_wide_in_values(const struct modbus_rule *other, const struct modbus_rule *rule,
                              const struct cell *cell)
{
    if (other->head.condition != POLICY_NONE && other->head.condition != rule->head.condition)
        return false;
    if (!modbus_rule_limits(other, cell->access))
        return true;
    if (other->step &&
        (rule->step == 0 || rule->step > other->step || rule->first_passes != other->first_passes))
        return false;
    if (!modbus_rule_limits(rule, cell->access) || other->type != rule->type ||
        other->low_first != rule->low_first)
        return false;
    /* 32-bit values: pairs are counted from the start of the rule's range */
    if (modbus_value_is_wide(rule->type))
        for (size_t i = 0; i < rule->addresses.count; i++)
            for (size_t k = 0; k < other->addresses.count; k++) {
                const struct span mine = rule->addresses.span[i];
                const struct span its = other->addresses.span[k];
                if (its.low <= mine.low && mine.high <= its.high && (mine.low - its.low) % 2)
                    return false;
            }
    return spans_include(&other->values, &rule->values);
}

static bool covers(const struct modbus_rule *other, const struct cell *cell, struct span files,
                   uint32_t low, uint32_t high)
{
    return spans_hold(modbus_rule_addresses(other, cell->access), low, high) &&
           (cell->kind != CELL_FILES || spans_hold(&other->files, files.low, files.high));
}

static void look_at_piece(const struct search *search, const struct cell *cell,
                          const struct modbus_rule *rule, struct span files, uint32_t low,
                          uint32_t high, struct finding *finding)
{
    for (size_t i = 0; i < cell->rule_count; i++) {
        const struct modbus_rule *other = cell->rules[i];
        if (other == rule || other->head.deny || !counts(search, other) ||
            !covers(other, cell, files, low, high) || !as_wide_in_values(other, rule, cell))
            continue;
        if (!modbus_rule_restricted(other, cell->access))
            finding->covered = true;
        if (finding->covered || finding->by == NULL || finding->by->head.deny)
            finding->by = other;
        return;
    }
    finding->alive = true;
    for (size_t i = 0; i < cell->rule_count && modbus_rule_restricted(rule, cell->access); i++) {
        const struct modbus_rule *other = cell->rules[i];
        if (other->head.deny || !counts(search, other) ||
            modbus_rule_restricted(other, cell->access) ||
            !spans_meet(modbus_rule_addresses(other, cell->access), low, high))
            continue;
        finding->covered = true;
        if (finding->by == NULL || finding->by->head.deny || has_limits(finding->by))
            finding->by = other;
    }
}

/* The nearest end of what is denied around `low`, or, where it is not denied, the nearest start
 * of what is: *denied says which. */
static uint32_t next_border(const struct cell *cell, struct span files, uint32_t low, uint32_t high,
                            bool *denied, const struct modbus_rule **by)
{
    uint32_t border = high;
    *denied = false;
    for (size_t i = 0; i < cell->rule_count; i++) {
        const struct modbus_rule *rule = cell->rules[i];
        if (!rule->head.deny || modbus_rule_restricted(rule, cell->access) ||
            (cell->kind == CELL_FILES && !spans_hold(&rule->files, files.low, files.high)))
            continue;
        const struct spans *spans = modbus_rule_addresses(rule, cell->access);
        for (size_t k = 0; k < spans->count; k++) {
            const struct span span = spans->span[k];
            if (span.low <= low && low <= span.high) {
                *denied = true;
                *by = rule;
                return span.high < high ? span.high : high;
            }
            if (span.low > low && span.low - 1 < border)
                border = span.low - 1;
        }
    }
    return border;
}

static void look_at_span(const struct search *search, const struct cell *cell,
                         const struct modbus_rule *rule, struct span files, struct span span,
                         struct finding *finding)
{
    for (uint32_t low = span.low; low <= span.high;) {
        bool denied;
        const struct modbus_rule *by = NULL;
        const uint32_t end = next_border(cell, files, low, span.high, &denied, &by);
        if (!denied)
            look_at_piece(search, cell, rule, files, low, end, finding);
        else if (finding->by == NULL)
            finding->by = by;
        low = end + 1;
    }
}

static void look_in_cell(const struct search *search, const struct cell *cell,
                         const struct modbus_rule *rule, struct finding *finding)
{
    const struct spans *spans = modbus_rule_addresses(rule, cell->access);
    const size_t file_spans = cell->kind == CELL_FILES ? rule->files.count : 1;
    for (size_t f = 0; f < file_spans; f++)
        for (size_t i = 0; i < spans->count; i++)
            look_at_span(search, cell, rule,
                         cell->kind == CELL_FILES ? rule->files.span[f] : (struct span){0, 0},
                         spans->span[i], finding);
}

static enum rule_limit limit_of(const struct modbus_rule *rule)
{
    if (rule->limited)
        return RULE_LIMITS_VALUES;
    return has_limits(rule) ? RULE_HAS_CONDITION : RULE_UNLIMITED;
}

static void report(struct loader *loader, const struct modbus_rule *rule,
                   const struct finding *finding, bool is_void)
{
    const struct modbus_rule *const by = finding->by;
    if (is_void)
        report_void(loader, &rule->head, limit_of(rule), &by->head, limit_of(by));
    else
        report_evaded(loader, &rule->head, limit_of(rule), &by->head);
}

/* True where some allow rule lets pass what `rule` would deny. */
static bool denies_something(const struct search *search, const struct cell *cell,
                             const struct modbus_rule *rule)
{
    const struct spans *spans = modbus_rule_addresses(rule, cell->access);
    for (size_t i = 0; i < cell->rule_count; i++) {
        const struct modbus_rule *other = cell->rules[i];
        if (other->head.deny || !counts(search, other))
            continue;
        bool files = cell->kind != CELL_FILES;
        for (size_t k = 0; k < rule->files.count && !files; k++)
            files = spans_meet(&other->files, rule->files.span[k].low, rule->files.span[k].high);
        for (size_t k = 0; k < spans->count && files; k++)
            if (spans_meet(modbus_rule_addresses(other, cell->access), spans->span[k].low,
                           spans->span[k].high))
                return true;
    }
    return false;
}

static void warn_of_unreachable(struct loader *loader, const struct search *search,
                                const struct modbus_rule *rule, const struct arena_list *cells)
{
    const struct cell **in = cells->items;
    bool needed = !rule->head.deny;
    for (size_t c = 0; c < cells->count && !needed; c++)
        needed = denies_something(search, in[c], rule);
    if (!needed)
        report_needless(loader, &rule->head);
    warn_of_clients(loader, &rule->head);
}

/* True where `other` denies all that `rule`, a deny rule too, denies there. */
static bool denies_all_of(const struct modbus_rule *other, const struct modbus_rule *rule,
                          const struct cell *cell)
{
    if (modbus_rule_restricted(other, cell->access))
        return false;
    const struct spans *spans = modbus_rule_addresses(rule, cell->access);
    for (size_t i = 0; i < spans->count; i++)
        if (!spans_hold(modbus_rule_addresses(other, cell->access), spans->span[i].low,
                        spans->span[i].high))
            return false;
    for (size_t i = 0; i < rule->files.count && cell->kind == CELL_FILES; i++)
        if (!spans_hold(&other->files, rule->files.span[i].low, rule->files.span[i].high))
            return false;
    for (size_t i = 0; i < cell->rule_count; i++)
        if (cell->rules[i] == other)
            return true;
    return false;
}

/* One other deny rule that makes `rule` needless; NULL. */
static const struct modbus_rule *shadow_of(const struct search *search,
                                           const struct modbus_rule *rule,
                                           const struct arena_list *cells)
{
    const struct cell **in = cells->items;
    for (size_t i = 0; cells->count > 0 && i < in[0]->rule_count; i++) {
        const struct modbus_rule *other = in[0]->rules[i];
        if (other == rule || !other->head.deny || !counts(search, other))
            continue;
        size_t c = 0;
        while (c < cells->count && denies_all_of(other, rule, in[c]))
            c++;
        if (c == cells->count)
            return other;
    }
    return NULL;
}

static void search_service(struct loader *loader, struct arena *arena,
                           const struct modbus_service_rules *service)
{
    const struct division *division = divide(arena, service);
    if (division->too_large)
        return; /* reported where the image is made */
    const struct modbus_rule *rules = service->rules.items;
    const size_t count = service->rules.count;
    struct search search = {.first = rules, .is_void = arena_take(arena, count)};
    struct arena_list *cells_of = arena_take(arena, count * sizeof *cells_of);
    const struct cell *cells = division->cells.items;
    for (size_t c = 0; c < division->cells.count; c++)
        for (size_t i = 0; i < cells[c].rule_count; i++)
            *(const struct cell **)arena_append(arena, &cells_of[cells[c].rules[i] - rules],
                                                sizeof(struct cell *)) = &cells[c];
    for (size_t r = count; r-- > 0;) {
        if (rules[r].head.expired) {
            search.is_void[r] = true;
            continue;
        }
        if (rules[r].head.deny) {
            const struct modbus_rule *shadow = shadow_of(&search, &rules[r], &cells_of[r]);
            search.is_void[r] = shadow != NULL;
            if (shadow)
                report_shadowed(loader, &rules[r].head, &shadow->head);
            continue;
        }
        struct finding finding = {0};
        const struct cell **in = cells_of[r].items;
        for (size_t c = 0; c < cells_of[r].count; c++)
            look_in_cell(&search, in[c], &rules[r], &finding);
        search.is_void[r] = !finding.alive && finding.by;
        if (search.is_void[r] || (finding.covered && has_limits(&rules[r])))
            report(loader, &rules[r], &finding, search.is_void[r]);
    }
    for (size_t r = 0; r < count; r++)
        if (!rules[r].head.expired)
            warn_of_unreachable(loader, &search, &rules[r], &cells_of[r]);
}

void find_void_modbus_rules(struct loader *loader, struct arena *arena)
{
    const struct modbus_service_rules *service = &loader->policy->service[loader->service].modbus;
    if (service->rules.count)
        search_service(loader, arena, service);
}
