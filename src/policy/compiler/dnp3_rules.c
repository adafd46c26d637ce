/* SPDX-License-Identifier: BSD-2-Clause */
/* A DNP3 service's rules: functions, stations, objects, indexes. */
#include "policy/compiler/dnp3_rules.h"

#include <stddef.h>
#include <string.h>

#include "policy/compiler/dnp3_words.h"
#include "policy/compiler/language.h"
#include "policy/compiler/scalars.h"
#include "policy/image.h"
#include "protocols/dnp3/link.h"
#include "protocols/dnp3/objects.h"

#define ANY_VARIATION  0u
#define ALL_ATTRIBUTES 254u /* variation of group 0 that stands for all of them */

static struct dnp3_service_rules *service_of(const struct loader *loader)
{
    return &loader->policy->service[loader->service].dnp3;
}

/* --- functions ----------------------------------------------------------------------------- */

/* One word or number of `allow` or `deny`. */
struct choice {
    const char *text;
    uint64_t functions;
    const struct dnp3_group_word *word; /* NULL: one function by its name or number */
};

static void add_choice(struct loader *loader, const struct node *node, void *context)
{
    struct arena_list *const choices = context;
    struct choice choice = {.text = quoted(loader->arena, node->text, node->length)};
    const char *words[DNP3_FUNCTIONS + 16];
    size_t count = 0;
    uint64_t number;
    if (parse_number(node->text, node->length, &number) && number < DNP3_FUNCTIONS)
        choice.functions = FUNCTION(number);
    for (unsigned function = 0; function < DNP3_FUNCTIONS; function++) {
        words[count++] = dnp3_function_name(function);
        if (strcmp(node->text, dnp3_function_name(function)) == 0)
            choice.functions = FUNCTION(function);
    }
    for (size_t i = 0; i < dnp3_group_word_count; i++) {
        const struct dnp3_group_word *const word = &dnp3_group_words[i];
        words[count++] = word->name;
        if (choice.functions == 0 && strcmp(node->text, word->name) == 0) {
            choice.word = word;
            choice.functions = word->functions | word->of_group;
        }
    }
    if (choice.functions == 0)
        unexpected(loader, node,
                   "a DNP3 function of requests: its number, its name such as direct-operate, or "
                   "read, write, control, freeze, restart, application, time, file, "
                   "configuration%s",
                   did_you_mean(loader->arena, node->text, words, count));
    else if (choice.functions & FUNCTION(DNP3_CONFIRM))
        unexpected(loader, node,
                   "no rule for confirm: it passes where it answers a response that passed");
    else
        *(struct choice *)arena_append(loader->arena, choices, sizeof choice) = choice;
}

static bool object_in(const struct dnp3_object *object, unsigned function, unsigned qualifiers)
{
    const struct dnp3_function_entry *const entry = dnp3_function(function);
    if (object->group == GROUP_AUTHENTICATION && (object->first == 3 || object->first == 9))
        return qualifiers == 0; /* around the objects of any function (1815 7.5.2.3) */
    if (entry->role == ROLE_NONE ||
        (entry->role == ROLE_OTHER && !dnp3_object_of(object, function)))
        return false;
    return qualifiers ? (object->use[entry->role] & qualifiers) != 0
                      : object->use[entry->role] != 0;
}

bool dnp3_function_carries(unsigned function, const struct spans *objects, unsigned qualifiers)
{
    size_t count;
    const struct dnp3_object *const object = dnp3_objects(&count);
    for (size_t i = 0; i < count; i++) {
        const uint32_t group = (uint32_t)object[i].group << 8;
        if (spans_meet(objects, group | object[i].first, group | object[i].last) &&
            object_in(&object[i], function, qualifiers))
            return true;
    }
    return false;
}

/* Of these functions those whose requests may carry such objects. */
static uint64_t carrying(uint64_t functions, const struct spans *objects, unsigned qualifiers)
{
    uint64_t kept = 0;
    for (unsigned function = 0; function < DNP3_FUNCTIONS; function++)
        if (functions & FUNCTION(function) && dnp3_function_carries(function, objects, qualifiers))
            kept |= FUNCTION(function);
    return kept;
}

/* Leaves of the choice the functions for which `node` means something; a group keeps what it can,
 * a function named must be one of them. */
static void keep(struct loader *loader, const struct node *node, struct choice *choice,
                 uint64_t kept)
{
    if (node == NULL)
        return;
    if (choice->word ? (choice->functions & kept) == 0 : (choice->functions & ~kept) != 0)
        mistake_at(loader->mistakes, node->key->line, node->key->column,
                   "found '%s' in a rule for %s, expected it only for functions that have such: "
                   "use a rule of its own",
                   node->key->text, choice->text);
    choice->functions &= kept;
}

/* --- what it is about ---------------------------------------------------------------------- */

bool dnp3_group_exists(uint32_t low, uint32_t high)
{
    size_t count;
    const struct dnp3_object *const object = dnp3_objects(&count);
    for (size_t i = 0; i < count; i++)
        if (low <= object[i].group && object[i].group <= high)
            return true;
    return false;
}

static void load_objects(struct loader *loader, const struct dnp3_rule_nodes *nodes,
                         struct dnp3_rule *rule)
{
    rule->names_objects = nodes->group != NULL;
    rule->objects = spans_range(loader->arena, 0, UINT16_MAX);
    if (nodes->variation && !nodes->group)
        mistake_at(loader->mistakes, nodes->variation->key->line, nodes->variation->key->column,
                   "found 'variation' without 'group', expected both");
    if (!nodes->group)
        return;
    const struct spans groups = load_spans(loader, nodes->group, "group", 0, UINT8_MAX);
    const struct spans variations =
        nodes->variation ? load_spans(loader, nodes->variation, "variation", 0, UINT8_MAX)
                         : spans_range(loader->arena, 0, UINT8_MAX);
    struct arena_list list = {0};
    for (size_t g = 0; g < groups.count; g++) {
        if (!dnp3_group_exists(groups.span[g].low, groups.span[g].high)) {
            unexpected(loader, nodes->group,
                       "group: one of the object library, such as 12 or 30; there is no group %u",
                       groups.span[g].low);
            continue;
        }
        for (uint32_t group = groups.span[g].low; group <= groups.span[g].high; group++)
            for (size_t v = 0; v < variations.count; v++)
                *(struct span *)arena_append(loader->arena, &list, sizeof(struct span)) =
                    (struct span){group << 8 | variations.span[v].low,
                                  group << 8 | variations.span[v].high};
        /* Who asks for any variation asks for the denied one too. */
        for (uint32_t group = groups.span[g].low; rule->head.deny && group <= groups.span[g].high;
             group++) {
            const uint32_t any = group << 8 | (group ? ANY_VARIATION : ALL_ATTRIBUTES);
            *(struct span *)arena_append(loader->arena, &list, sizeof(struct span)) =
                (struct span){any, any};
        }
    }
    rule->objects = spans_of(&list);
}

bool dnp3_rule_has_station(const struct dnp3_rule *rule, const struct dnp3_station *station)
{
    const bool broadcast = station->outstation >= LINK_FIRST_BROADCAST;
    return spans_hold(&rule->masters, station->master, station->master) &&
           (spans_hold(&rule->outstations, station->outstation, station->outstation) ||
            (rule->head.deny && broadcast));
}

/* A number that no station has is a slip of the pen. */
static void check_addresses(struct loader *loader, const struct node *node,
                            const struct spans *addresses, bool master)
{
    const struct arena_list *const stations = &service_of(loader)->stations;
    const struct dnp3_station *const station = stations->items;
    for (size_t i = 0; i < addresses->count; i++) {
        bool found = stations->count == 0; /* said already */
        for (size_t s = 0; s < stations->count; s++) {
            const uint32_t its = master ? station[s].master : station[s].outstation;
            found = found || (addresses->span[i].low <= its && its <= addresses->span[i].high);
        }
        if (!found)
            unexpected(loader, node, "%s: of those under 'stations'; there is no %s %u",
                       node->key->text, node->key->text, addresses->span[i].low);
    }
}

static void load_stations_of(struct loader *loader, const struct node *node, bool master, bool *any,
                             struct spans *addresses)
{
    *any = node == NULL;
    *addresses = node ? load_spans(loader, node, node->key->text, 0, UINT16_MAX)
                      : spans_range(loader->arena, 0, UINT16_MAX);
    if (node)
        check_addresses(loader, node, addresses, master);
}

static void load_places(struct loader *loader, const struct node *node,
                        const struct dnp3_rule_nodes *nodes, struct dnp3_rule *rule)
{
    const size_t mistakes_before = loader->mistakes->list.count;
    load_stations_of(loader, nodes->master, true, &rule->any_master, &rule->masters);
    load_stations_of(loader, nodes->outstation, false, &rule->any_outstation, &rule->outstations);
    load_objects(loader, nodes, rule);
    rule->names_indexes = nodes->index != NULL;
    rule->indexes = nodes->index ? load_spans(loader, nodes->index, "index", 0, UINT32_MAX)
                                 : spans_range(loader->arena, 0, UINT32_MAX);
    if (nodes->point)
        load_dnp3_point_names(loader, nodes, rule);
    if (loader->mistakes->list.count != mistakes_before)
        return;
    const struct arena_list *const stations = &service_of(loader)->stations;
    const struct dnp3_station *const station = stations->items;
    bool found = stations->count == 0;
    for (size_t s = 0; s < stations->count && !found; s++)
        found = dnp3_rule_has_station(rule, &station[s]);
    if (!found)
        mistake_at(loader->mistakes, node->line, node->column,
                   "found a rule for a master and an outstation that are no pair under "
                   "'stations', expected one that is");
}

/* --- one-way mode -------------------------------------------------------------------------- */

/* Functions whose answer says nothing that the request did not. */
#define FUNCTIONS_ONE_WAY                                                                          \
    (FUNCTION(DNP3_WRITE) | FUNCTION(DNP3_DIRECT_OPERATE) | FUNCTION(DNP3_DIRECT_OPERATE_NO_ACK) | \
     FUNCTION(DNP3_IMMEDIATE_FREEZE) | FUNCTION(DNP3_IMMEDIATE_FREEZE_NO_ACK) |                    \
     FUNCTION(DNP3_FREEZE_CLEAR) | FUNCTION(DNP3_FREEZE_CLEAR_NO_ACK) |                            \
     FUNCTION(DNP3_FREEZE_AT_TIME) | FUNCTION(DNP3_FREEZE_AT_TIME_NO_ACK))

static void refuse_replies(struct loader *loader, const struct node *node, struct choice *choice,
                           const struct dnp3_rule *rule)
{
    if (loader->site->mode != SL_ONE_WAY || rule->head.deny)
        return;
    if (choice->word ? (choice->functions & FUNCTIONS_ONE_WAY) == 0
                     : (choice->functions & ~FUNCTIONS_ONE_WAY) != 0)
        mistake_at(loader->mistakes, node->line, node->column,
                   "found %s allowed in one-way mode, expected a write, a direct operate or a "
                   "freeze: its answer would have to come back",
                   choice->text);
    choice->functions &= FUNCTIONS_ONE_WAY;
}

/* --- the rule ------------------------------------------------------------------------------ */

static void load_functions(struct loader *loader, const struct node *functions,
                           const struct dnp3_rule_nodes *nodes, const struct dnp3_rule *rule,
                           struct arena_list *choices)
{
    for_each(loader, functions,
             "a DNP3 function: its number, its name, a group of functions such as control, or a "
             "list of these",
             add_choice, choices);
    struct choice *choice = choices->items;
    for (size_t i = 0; i < choices->count; i++) {
        refuse_replies(loader, functions, &choice[i], rule);
        if (rule->objects.count == 0)
            continue; /* none that are known; said already */
        keep(loader, nodes->group, &choice[i], carrying(choice[i].functions, &rule->objects, 0));
        keep(loader, nodes->point, &choice[i], carrying(choice[i].functions, &rule->objects, 0));
        keep(loader, nodes->index, &choice[i],
             carrying(choice[i].functions, &rule->objects, QUALIFIER_RANGE | QUALIFIER_INDEX));
        const struct node *const content[] = {nodes->operation, nodes->trip_close, nodes->on_time,
                                              nodes->off_time,  nodes->count,      nodes->value,
                                              nodes->max_step};
        for (size_t k = 0; k < sizeof content / sizeof content[0]; k++)
            keep(loader, content[k], &choice[i], FUNCTIONS_CONTROL);
        keep(loader, nodes->select, &choice[i], FUNCTION(DNP3_SELECT) | FUNCTION(DNP3_OPERATE));
    }
}

static void add_piece(struct loader *loader, const struct dnp3_rule *rule, uint64_t functions,
                      const struct spans *objects, bool named, struct arena_list *made)
{
    if (functions == 0)
        return;
    struct dnp3_rule *const piece = arena_append(loader->arena, made, sizeof *piece);
    *piece = *rule;
    piece->functions = functions;
    piece->objects = *objects;
    piece->names_objects = named;
}

/* What `objects` has of one group. */
static struct spans within_group(struct loader *loader, const struct spans *objects, uint32_t group)
{
    struct arena_list list = {0};
    for (size_t i = 0; i < objects->count; i++) {
        struct span span = objects->span[i];
        span.low = span.low > group << 8 ? span.low : group << 8;
        span.high = span.high < (group << 8 | 0xff) ? span.high : group << 8 | 0xff;
        if (span.low <= span.high)
            *(struct span *)arena_append(loader->arena, &list, sizeof span) = span;
    }
    return spans_of(&list);
}

/* The functions with any objects together; those that a word gives for one group by themselves. */
static void make_pieces(struct loader *loader, const struct dnp3_rule *rule,
                        const struct arena_list *choices, struct arena_list *made)
{
    const struct choice *const choice = choices->items;
    uint64_t functions = 0;
    for (size_t i = 0; i < choices->count; i++)
        functions |=
            choice[i].word ? choice[i].functions & choice[i].word->functions : choice[i].functions;
    add_piece(loader, rule, functions, &rule->objects, rule->names_objects, made);
    for (size_t i = 0; i < choices->count; i++) {
        if (choice[i].word == NULL || choice[i].word->of_group == 0)
            continue;
        const struct spans objects = within_group(loader, &rule->objects, choice[i].word->group);
        add_piece(
            loader, rule,
            carrying(choice[i].functions & choice[i].word->of_group & ~functions, &objects, 0),
            &objects, true, made);
    }
}

static void load_rule(struct loader *loader, const struct node *node, unsigned ordinal)
{
#define NODE(key, member)                                                                          \
    {                                                                                              \
        key, false, load_node, offsetof(struct dnp3_rule_nodes, member), 0, 0                      \
    }
    static const struct field fields[] = {
        RULE_HEAD_FIELDS(struct dnp3_rule_nodes, head),
        NODE("master", master),
        NODE("outstation", outstation),
        NODE("point", point),
        NODE("group", group),
        NODE("variation", variation),
        NODE("index", index),
        NODE("operation", operation),
        NODE("trip-close", trip_close),
        NODE("on-time", on_time),
        NODE("off-time", off_time),
        NODE("count", count),
        NODE("value", value),
        NODE("max-step", max_step),
        NODE("select-before-operate", select),
    };
#undef NODE
    const size_t mistakes_before = loader->mistakes->list.count;
    struct dnp3_rule_nodes nodes = {.master = NULL};
    struct arena_list choices = {0}, made = {0};
    LOAD_MAP(loader, node, "a rule", fields, &nodes);
    if (node->kind != NODE_MAP)
        return;
    struct dnp3_rule rule = {.functions = 0};
    const struct node *const functions =
        load_rule_head(loader, node, &nodes.head, ordinal, &rule.head);
    load_places(loader, node, &nodes, &rule);
    if (functions)
        load_functions(loader, functions, &nodes, &rule, &choices);
    load_dnp3_content(loader, &nodes, &rule);
    if (loader->mistakes->list.count != mistakes_before)
        return;
    make_pieces(loader, &rule, &choices, &made);
    struct arena_list *const rules = &service_of(loader)->rules;
    const uint16_t number = add_rule_name(loader, &rule.head);
    const struct dnp3_rule *const piece = made.items;
    for (size_t i = 0; i < made.count; i++) {
        if (rules->count == DNP3_MAX_RULES) {
            mistake_at(loader->mistakes, node->line, node->column,
                       "found one rule more, expected at most %u in a service", DNP3_MAX_RULES);
            return;
        }
        struct dnp3_rule *const kept = arena_append(loader->arena, rules, sizeof *kept);
        *kept = piece[i];
        kept->head.number = number;
        if (!kept->head.deny && loader->site->mode == SL_TWO_WAY &&
            kept->functions & FUNCTIONS_CONTROL)
            loader->site->service[loader->service].flags |= POLICY_SERVICE_LEARNS;
    }
}

void load_dnp3_rules(struct loader *loader, const struct node *node)
{
    load_rule_list(loader, node, load_rule);
}
