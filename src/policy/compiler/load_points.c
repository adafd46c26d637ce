/* SPDX-License-Identifier: BSD-2-Clause */
/* Points, the profiles that use them, and what a rule means by their names. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compiler/modbus_words.h"
#include "policy/compiler/points.h"
#include "policy/compiler/scalars.h"

#define LONGEST_MEASURE 16u

/* The data model's four tables (AP 4.3) and the first digit of the old notation, in which each
 * table counts from 1. */
static const struct {
    const char *word, *one;
    char digit;
    uint64_t accesses;
} tables[POINT_TABLE_COUNT] = {
    [POINT_COILS] = {"coils", "coil", '0',
                     ACCESS(MODBUS_ACCESS_READ_COILS) | ACCESSES_WRITING_COILS},
    [POINT_DISCRETE_INPUTS] = {"discrete-inputs", "discrete input", '1',
                               ACCESS(MODBUS_ACCESS_READ_DISCRETE_INPUTS)},
    [POINT_INPUT_REGISTERS] = {"input-registers", "input register", '3',
                               ACCESS(MODBUS_ACCESS_READ_INPUT_REGISTERS)},
    [POINT_HOLDING_REGISTERS] = {"holding-registers", "holding register", '4',
                                 ACCESS(MODBUS_ACCESS_READ_HOLDING_REGISTERS) |
                                     ACCESS(MODBUS_ACCESS_READ_WRITE_READ) |
                                     ACCESSES_WRITING_REGISTERS},
};

uint64_t point_accesses(enum point_table table)
{
    return tables[table].accesses;
}

static bool is_bits(enum point_table table)
{
    return table == POINT_COILS || table == POINT_DISCRETE_INPUTS;
}

const char *point_place(struct arena *arena, const struct policy_point *point)
{
    const unsigned number = point->address + 1u;
    return arena_printf(arena, number > 9999 ? "%s %u (%c%06u)" : "%s %u (%c%04u)",
                        tables[point->table].one, point->address, tables[point->table].digit,
                        number > 9999 ? number % 100000 : number);
}

/* "40003", "400003", "00001" */
static bool parse_register(const char *text, enum point_table *table, uint16_t *address)
{
    const size_t length = strlen(text);
    if ((length != 5 && length != 6) || strspn(text, "0123456789") != length)
        return false;
    unsigned t = 0;
    while (t < POINT_TABLE_COUNT && tables[t].digit != text[0])
        t++;
    const unsigned long number = strtoul(text + 1, NULL, 10);
    if (t == POINT_TABLE_COUNT || number == 0 || number > 65536)
        return false;
    *table = (enum point_table)t;
    *address = (uint16_t)(number - 1);
    return true;
}

struct point_nodes {
    const struct node *reg, *address, *table, *type, *word_order, *scale, *measure;
};

static bool load_place(struct loader *loader, const struct node *at,
                       const struct point_nodes *nodes, struct policy_point *point)
{
    if ((nodes->reg == NULL) == (nodes->address == NULL)) {
        mistake_at(loader->mistakes, at->line, at->column,
                   "found a point with %s, expected one of 'register', such as 40003, and "
                   "'address', from 0",
                   nodes->reg ? "'register' and 'address'" : "neither 'register' nor 'address'");
        return false;
    }
    if (nodes->reg) {
        if (nodes->reg->kind != NODE_SCALAR ||
            !parse_register(nodes->reg->text, &point->table, &point->address)) {
            unexpected(loader, nodes->reg,
                       "register: five or six digits, the first 0 (coil), 1 (discrete input), 3 "
                       "(input register) or 4 (holding register), the others from 1: 40003");
            return false;
        }
        if (nodes->table)
            unexpected(loader, nodes->table, "no table: the register's first digit says it");
        return nodes->table == NULL;
    }
    static const struct field bounds = {.key = "address", .low = 0, .high = UINT16_MAX};
    load_u16(loader, nodes->address, &bounds, &point->address);
    const char *words[POINT_TABLE_COUNT];
    const char *text = nodes->table && nodes->table->kind == NODE_SCALAR ? nodes->table->text : "";
    point->table = POINT_TABLE_COUNT;
    for (unsigned t = 0; t < POINT_TABLE_COUNT; t++) {
        words[t] = tables[t].word;
        if (strcmp(words[t], text) == 0)
            point->table = (enum point_table)t;
    }
    if (nodes->table == NULL)
        point->table = POINT_HOLDING_REGISTERS;
    if (point->table < POINT_TABLE_COUNT)
        return true;
    unexpected(loader, nodes->table,
               "table: coils, discrete-inputs, input-registers or holding-registers%s",
               did_you_mean(loader->arena, text, words, POINT_TABLE_COUNT));
    return false;
}

static void load_meaning(struct loader *loader, const struct point_nodes *nodes,
                         struct policy_point *point)
{
    point->scale = (struct decimal){1, 0};
    point->measure = "";
    if (is_bits(point->table)) {
        const struct node *node = nodes->type         ? nodes->type
                                  : nodes->word_order ? nodes->word_order
                                                      : nodes->scale;
        point->type = MODBUS_COIL;
        if (node)
            unexpected(loader, node, "no %s: a %s is on or off", node->key->text,
                       tables[point->table].one);
        return;
    }
    point->type = MODBUS_UINT16;
    if (nodes->type)
        load_value_type(loader, nodes->type, &point->type);
    if (nodes->word_order)
        load_word_order(loader, nodes->word_order, point->type, &point->low_first);
    if (nodes->scale && (nodes->scale->kind != NODE_SCALAR ||
                         !parse_decimal(nodes->scale->text, nodes->scale->length, &point->scale) ||
                         point->scale.digits <= 0))
        unexpected(loader, nodes->scale,
                   "scale: what one step of the register is worth, such as 0.1 or 5");
    if (point->address + point_registers(point) > UINT16_MAX + 1u)
        unexpected(loader, nodes->reg ? nodes->reg : nodes->address,
                   "an address below 65535 for a value of two registers");
    if (nodes->measure == NULL)
        return;
    bool good = nodes->measure->kind == NODE_SCALAR && nodes->measure->length > 0 &&
                nodes->measure->length <= LONGEST_MEASURE;
    for (size_t i = 0; good && i < nodes->measure->length; i++)
        good = (unsigned char)nodes->measure->text[i] > 0x20 && nodes->measure->text[i] != 0x7f;
    if (good)
        point->measure = nodes->measure->text;
    else
        unexpected(loader, nodes->measure, "unit: of measurement, up to %u letters, such as °C",
                   LONGEST_MEASURE);
}

void load_point_map(struct loader *loader, const struct node *node, struct arena_list *scope)
{
    static const struct field fields[] = {
        {"register", false, load_node, offsetof(struct point_nodes, reg), 0, 0},
        {"address", false, load_node, offsetof(struct point_nodes, address), 0, 0},
        {"table", false, load_node, offsetof(struct point_nodes, table), 0, 0},
        {"type", false, load_node, offsetof(struct point_nodes, type), 0, 0},
        {"word-order", false, load_node, offsetof(struct point_nodes, word_order), 0, 0},
        {"scale", false, load_node, offsetof(struct point_nodes, scale), 0, 0},
        {"unit", false, load_node, offsetof(struct point_nodes, measure), 0, 0},
    };
    if (node->kind != NODE_MAP) {
        unexpected(loader, node, "points: a map of names and points");
        return;
    }
    for (const struct node *entry = node->first; entry; entry = entry->next) {
        struct point_nodes nodes = {0};
        struct policy_point point = {.name = load_name(loader, entry->key, "a point's name"),
                                     .line = entry->key->line};
        LOAD_MAP(loader, entry, "a point", fields, &nodes);
        if (entry->kind != NODE_MAP || !load_place(loader, entry, &nodes, &point))
            continue;
        load_meaning(loader, &nodes, &point);
        if (point.name)
            *(struct policy_point *)arena_append(loader->arena, scope, sizeof point) = point;
    }
}

void load_points(struct loader *loader, const struct node *node, const struct field *field,
                 void *object)
{
    (void)field;
    (void)object;
    load_point_map(loader, node, &loader->policy->points);
}

const struct policy_point *point_by_name(const struct loader *loader, const char *name)
{
    for (unsigned scope = 0; scope < POINT_SCOPES; scope++) {
        const struct arena_list *list = loader->points[scope];
        const struct policy_point *point = list ? list->items : NULL;
        for (size_t i = 0; list && i < list->count; i++)
            if (strcmp(point[i].name, name) == 0)
                return &point[i];
    }
    return NULL;
}

static const char *nearest_point(struct loader *loader, const char *name)
{
    struct arena_list words = {0};
    for (unsigned scope = 0; scope < POINT_SCOPES; scope++) {
        const struct arena_list *list = loader->points[scope];
        const struct policy_point *point = list ? list->items : NULL;
        for (size_t i = 0; list && i < list->count; i++)
            *(const char **)arena_append(loader->arena, &words, sizeof(char *)) = point[i].name;
    }
    return words.count ? did_you_mean(loader->arena, name, words.items, words.count) : "";
}

struct grouping {
    struct arena_list groups; /* struct point_group */
    bool by_value;
};

static bool alike(const struct policy_point *a, const struct policy_point *b, bool by_value)
{
    return a->table == b->table &&
           (!by_value ||
            (a->type == b->type && a->low_first == b->low_first &&
             a->scale.digits == b->scale.digits && a->scale.places == b->scale.places &&
             strcmp(a->measure, b->measure) == 0));
}

static void add_point(struct loader *loader, const struct node *node, void *context)
{
    struct grouping *const grouping = context;
    const struct policy_point *point = point_by_name(loader, node->text);
    if (point == NULL) {
        unexpected(loader, node, "a name under 'points'%s", nearest_point(loader, node->text));
        return;
    }
    struct point_group *group = grouping->groups.items;
    size_t i = 0;
    while (i < grouping->groups.count && !alike(group[i].like, point, grouping->by_value))
        i++;
    const char *place = point_place(loader->arena, point);
    if (i == grouping->groups.count) {
        group = arena_append(loader->arena, &grouping->groups, sizeof *group);
        group->like = point;
        group->names = point->name;
        group->places = place;
    } else {
        group += i;
        group->names = arena_printf(loader->arena, "%s, %s", group->names, point->name);
        group->places = arena_printf(loader->arena, "%s, %s", group->places, place);
    }
    *(struct span *)arena_append(loader->arena, &group->spans, sizeof(struct span)) =
        (struct span){point->address, point->address + point_registers(point) - 1u};
}

struct arena_list load_rule_points(struct loader *loader, const struct node *node, bool by_value)
{
    struct grouping grouping = {.by_value = by_value};
    for_each(loader, node, "a name under 'points', or a list of these", add_point, &grouping);
    return grouping.groups;
}

struct profile_nodes {
    const struct node *points, *rules;
};

void load_profiles(struct loader *loader, const struct node *node, const struct field *field,
                   void *object)
{
    static const struct field fields[] = {
        {"points", false, load_node, offsetof(struct profile_nodes, points), 0, 0},
        {"rules", true, load_node, offsetof(struct profile_nodes, rules), 0, 0},
    };
    (void)field;
    (void)object;
    if (node->kind != NODE_MAP) {
        unexpected(loader, node, "profiles: a map of names and profiles");
        return;
    }
    for (const struct node *entry = node->first; entry; entry = entry->next) {
        struct profile_nodes nodes = {0};
        const char *name = load_name(loader, entry->key, "a profile's name");
        LOAD_MAP(loader, entry, "a profile", fields, &nodes);
        struct policy_profile *profile =
            arena_append(loader->arena, &loader->policy->profiles, sizeof *profile);
        profile->name = name ? name : "";
        profile->rules = nodes.rules;
        profile->line = entry->key->line;
        profile->column = entry->key->column;
        if (nodes.points)
            load_point_map(loader, nodes.points, &profile->points);
    }
}

static void use_profile(struct loader *loader, const struct node *node, void *context)
{
    const char ***used = context; /* names until NULL */
    struct policy_profile *profile = loader->policy->profiles.items;
    const size_t count = loader->policy->profiles.count;
    size_t i = 0;
    while (i < count && strcmp(profile[i].name, node->text) != 0)
        i++;
    if (i == count) {
        const char **words = arena_take(loader->arena, (count + 1) * sizeof *words);
        for (size_t k = 0; k < count; k++)
            words[k] = profile[k].name;
        unexpected(loader, node, "a name under 'profiles'%s",
                   did_you_mean(loader->arena, node->text, words, count));
        return;
    }
    for (size_t k = 0; (*used)[k]; k++)
        if (strcmp((*used)[k], node->text) == 0) {
            unexpected(loader, node, "each profile once");
            return;
        }
    size_t k = 0;
    while ((*used)[k])
        k++;
    (*used)[k] = profile[i].name;
    profile[i].used = true;
    struct arena_list *kept = &loader->policy->service[loader->service].modbus.profile_points;
    const struct policy_point *point = profile[i].points.items;
    for (size_t p = 0; p < profile[i].points.count; p++)
        *(struct policy_point *)arena_append(loader->arena, kept, sizeof *point) = point[p];
    loader->points[1] = &profile[i].points;
    loader->profile = profile[i].name;
    if (profile[i].rules)
        load_rules(loader, profile[i].rules);
    loader->points[1] = NULL;
    loader->profile = NULL;
}

void load_service_profiles(struct loader *loader, const struct node *node)
{
    const char **used =
        arena_take(loader->arena, (loader->policy->profiles.count + 1) * sizeof *used);
    for_each(loader, node, "profile: a name under 'profiles', or a list of these", use_profile,
             &used);
}
