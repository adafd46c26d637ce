/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DNP3 rules without effect. An allow rule is void where, for each of its clients, stations and
 * functions (of which a message has one each), one other rule covers all its objects, indexes and
 * content: allows, or denies. Rules are looked at from the last to the first and a void one counts
 * no more, so that of two equal rules the later is the void one.
 */
#include "policy/compiler/dnp3_rules.h"
#include "policy/compiler/dnp3_words.h"
#include "policy/compiler/language.h"
#include "policy/compiler/void_rules.h"

struct search {
    const struct dnp3_service_rules *service;
    const struct dnp3_rule *rules;
    size_t count;
    const struct dnp3_station *stations;
    size_t station_count;
    bool *is_void; /* or expired; by index of the rule */
    const struct dnp3_rule **by;
};

static enum rule_limit limit_of(const struct dnp3_rule *rule)
{
    if (rule->flags & DNP3_RULE_CONTENT)
        return RULE_LIMITS_VALUES;
    return rule->head.condition != POLICY_NONE || rule->flags & DNP3_RULE_SELECT
               ? RULE_HAS_CONDITION
               : RULE_UNLIMITED;
}

/* --- one rule beside another --------------------------------------------------------------- */

static bool values_include(const struct arena_list *outer, const struct arena_list *inner)
{
    const struct dnp3_value_range *out = outer->items, *in = inner->items;
    for (size_t i = 0; i < inner->count; i++) {
        size_t o = 0;
        while (o < outer->count && !(out[o].low <= in[i].low && in[i].high <= out[o].high))
            o++;
        if (o == outer->count)
            return false;
    }
    return true;
}

/* True when `other` limits something that `rule` does not. */
static bool limits_more(const struct dnp3_rule *other, const struct dnp3_rule *rule, uint16_t flag)
{
    return other->flags & flag && !(rule->flags & flag);
}

/* True when whatever content `rule` lets pass, `other` does too. */
static bool as_wide_in_content(const struct dnp3_rule *other, const struct dnp3_rule *rule)
{
    const uint16_t all = DNP3_RULE_CONTENT | DNP3_RULE_SELECT;
    for (uint16_t flag = 1; flag; flag = (uint16_t)(flag << 1))
        if (flag & all && limits_more(other, rule, flag))
            return false;
    const uint16_t both = other->flags & rule->flags;
    if (both & DNP3_RULE_OPERATION && rule->operations & ~other->operations)
        return false;
    if (both & DNP3_RULE_TRIP_CLOSE && rule->trip_close & ~other->trip_close)
        return false;
    if (both & DNP3_RULE_ON_TIME && !spans_include(&other->on_time, &rule->on_time))
        return false;
    if (both & DNP3_RULE_OFF_TIME && !spans_include(&other->off_time, &rule->off_time))
        return false;
    if (both & DNP3_RULE_COUNT && !spans_include(&other->count, &rule->count))
        return false;
    if (both & DNP3_RULE_VALUE && !values_include(&other->values, &rule->values))
        return false;
    if (both & DNP3_RULE_STEP && (rule->step > other->step || (rule->flags & DNP3_RULE_FIRST &&
                                                               !(other->flags & DNP3_RULE_FIRST))))
        return false;
    if (both & DNP3_RULE_SELECT && rule->select_within > other->select_within)
        return false;
    return other->head.condition == POLICY_NONE || other->head.condition == rule->head.condition;
}

static bool is_whole(const struct dnp3_rule *rule)
{
    return !rule->names_objects && !rule->names_indexes;
}

/* True when `other` has the last word on all objects, indexes and content of `rule`. */
static bool covers(const struct dnp3_rule *other, const struct dnp3_rule *rule)
{
    if (!spans_include(&other->objects, &rule->objects) ||
        !spans_include(&other->indexes, &rule->indexes))
        return false;
    if (other->head.deny)
        return limit_of(other) == RULE_UNLIMITED;
    return (is_whole(other) || !is_whole(rule)) && as_wide_in_content(other, rule);
}

static bool has_client(const struct dnp3_rule *rule, uint32_t client)
{
    return rule->head.any_client || spans_hold(&rule->head.clients, client, client);
}

static bool clients_meet(const struct dnp3_rule *a, const struct dnp3_rule *b)
{
    if (a->head.any_client || b->head.any_client)
        return true;
    for (size_t i = 0; i < a->head.clients.count; i++)
        if (spans_meet(&b->head.clients, a->head.clients.span[i].low, a->head.clients.span[i].high))
            return true;
    return false;
}

static bool spans_touch(const struct spans *a, const struct spans *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (spans_meet(b, a->span[i].low, a->span[i].high))
            return true;
    return false;
}

bool dnp3_rules_meet_at(const struct dnp3_service_rules *service, const struct dnp3_rule *a,
                        const struct dnp3_rule *b)
{
    const struct dnp3_station *const station = service->stations.items;
    for (size_t s = 0; s < service->stations.count; s++)
        if (dnp3_rule_has_station(a, &station[s]) && dnp3_rule_has_station(b, &station[s]))
            return clients_meet(a, b);
    return false;
}

/* True when some message concerns both. `functions`: of the first. */
static bool meet(const struct search *search, const struct dnp3_rule *a, uint64_t functions,
                 const struct dnp3_rule *b)
{
    return functions & b->functions && spans_touch(&a->objects, &b->objects) &&
           spans_touch(&a->indexes, &b->indexes) && dnp3_rules_meet_at(search->service, a, b);
}

/* --- void rules ---------------------------------------------------------------------------- */

/* The first of `others` that is about this client, station and function; NULL: none is. */
static const struct dnp3_rule *about(const struct dnp3_rule **others, size_t count, uint32_t client,
                                     const struct dnp3_station *station, uint64_t function)
{
    for (size_t i = 0; i < count; i++)
        if (others[i]->functions & function && has_client(others[i], client) &&
            dnp3_rule_has_station(others[i], station))
            return others[i];
    return NULL;
}

/* True when `others` are about all functions of `rule` at all its stations, for this client. */
static bool all_about(const struct search *search, const struct dnp3_rule *rule,
                      const struct dnp3_rule **others, size_t count, uint32_t client,
                      const struct dnp3_rule **by)
{
    for (size_t s = 0; s < search->station_count; s++) {
        if (!dnp3_rule_has_station(rule, &search->stations[s]))
            continue;
        for (unsigned function = 0; function < DNP3_FUNCTIONS; function++) {
            if (!(rule->functions & FUNCTION(function)))
                continue;
            const struct dnp3_rule *const found =
                about(others, count, client, &search->stations[s], FUNCTION(function));
            if (found == NULL)
                return false;
            *by = found;
        }
    }
    return true;
}

/* Who the rule's clients are may change, for the others, where their ranges begin or end. */
static bool find_void(const struct search *search, struct arena *arena, size_t r)
{
    const struct dnp3_rule *const rule = &search->rules[r];
    struct arena_list others = {0}; /* const struct dnp3_rule * */
    for (size_t i = 0; i < search->count; i++)
        if (i != r && !search->is_void[i] && search->rules[i].head.number != rule->head.number &&
            covers(&search->rules[i], rule))
            *(const struct dnp3_rule **)arena_append(arena, &others, sizeof(void *)) =
                &search->rules[i];
    const struct dnp3_rule **const other = others.items;
    const struct span everyone = {0, UINT32_MAX};
    const size_t spans = rule->head.any_client ? 1 : rule->head.clients.count;
    bool all = others.count > 0;
    for (size_t i = 0; i < spans && all; i++) {
        const struct span span = rule->head.any_client ? everyone : rule->head.clients.span[i];
        all = all_about(search, rule, other, others.count, span.low, &search->by[r]);
        for (size_t o = 0; o < others.count && all; o++)
            for (size_t k = 0; k < other[o]->head.clients.count && all; k++) {
                const struct span its = other[o]->head.clients.span[k];
                if (its.low > span.low && its.low <= span.high)
                    all = all_about(search, rule, other, others.count, its.low, &search->by[r]);
                if (all && its.high < span.high && its.high >= span.low)
                    all =
                        all_about(search, rule, other, others.count, its.high + 1, &search->by[r]);
            }
    }
    return all;
}

/* A rule of the file is void when all that it amounts to is. */
static bool number_void(const struct search *search, size_t r)
{
    for (size_t i = 0; i < search->count; i++)
        if (search->rules[i].head.number == search->rules[r].head.number && !search->is_void[i])
            return false;
    return true;
}

/* --- warnings ------------------------------------------------------------------------------ */

/* An unlimited rule for some of what `rule` limits. Where a select is asked for, a direct operate
 * goes past it. */
static const struct dnp3_rule *evaded_by(const struct search *search, const struct dnp3_rule *rule)
{
    const uint64_t functions = rule->flags & DNP3_RULE_SELECT
                                   ? FUNCTIONS_CONTROL & ~FUNCTION(DNP3_SELECT)
                                   : rule->functions;
    for (size_t i = 0; i < search->count; i++) {
        const struct dnp3_rule *const other = &search->rules[i];
        if (!other->head.deny && other->head.number != rule->head.number && !search->is_void[i] &&
            limit_of(other) == RULE_UNLIMITED && meet(search, rule, functions, other))
            return other;
    }
    return NULL;
}

static bool denies_something(const struct search *search, const struct dnp3_rule *rule)
{
    for (size_t i = 0; i < search->count; i++)
        if (!search->rules[i].head.deny && !search->is_void[i] &&
            meet(search, rule, rule->functions, &search->rules[i]))
            return true;
    return false;
}

/* The pieces of one rule of the file stand together. */
static bool first_of_number(const struct search *search, size_t r)
{
    return r == 0 || search->rules[r - 1].head.number != search->rules[r].head.number;
}

static void warn_of(struct loader *loader, const struct search *search, size_t r)
{
    const struct dnp3_rule *const rule = &search->rules[r];
    bool needed = !rule->head.deny;
    const struct dnp3_rule *evaded = NULL;
    for (size_t i = r; i < search->count && search->rules[i].head.number == rule->head.number;
         i++) {
        needed = needed || denies_something(search, &search->rules[i]);
        if (!rule->head.deny && limit_of(rule) != RULE_UNLIMITED && !evaded)
            evaded = evaded_by(search, &search->rules[i]);
    }
    if (!needed)
        report_needless(loader, &rule->head);
    if (evaded)
        report_evaded(loader, &rule->head, limit_of(rule), &evaded->head);
    warn_of_clients(loader, &rule->head);
}

void find_void_dnp3_rules(struct loader *loader, struct arena *arena)
{
    const struct dnp3_service_rules *const service = &loader->policy->service[loader->service].dnp3;
    struct search search = {.service = service,
                            .rules = service->rules.items,
                            .count = service->rules.count,
                            .stations = service->stations.items,
                            .station_count = service->stations.count};
    if (search.count == 0 || search.station_count == 0)
        return;
    search.is_void = arena_take(arena, search.count * sizeof *search.is_void);
    search.by = arena_take(arena, search.count * sizeof *search.by);
    for (size_t r = 0; r < search.count; r++)
        search.is_void[r] = search.rules[r].head.expired;
    for (size_t r = search.count; r-- > 0;) {
        const struct dnp3_rule *const rule = &search.rules[r];
        if (rule->head.deny || rule->head.expired)
            continue;
        search.is_void[r] = find_void(&search, arena, r);
        if (first_of_number(&search, r) && number_void(&search, r))
            report_void(loader, &rule->head, limit_of(rule), &search.by[r]->head,
                        limit_of(search.by[r]));
    }
    for (size_t r = 0; r < search.count; r++)
        if (first_of_number(&search, r) && !search.rules[r].head.expired &&
            !number_void(&search, r))
            warn_of(loader, &search, r);
}
