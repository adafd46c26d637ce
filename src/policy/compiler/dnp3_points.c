/* SPDX-License-Identifier: BSD-2-Clause */
/* Names for points of a DNP3 service: rules speak of the plant, and the numbers stand in one place.
 */
#include <stddef.h>
#include <string.h>

#include "policy/compiler/dnp3_rules.h"

static struct arena_list *points_of(const struct loader *loader)
{
    return &loader->policy->service[loader->service].dnp3.points;
}

static const struct dnp3_point *point_named(const struct loader *loader, const char *name)
{
    const struct dnp3_point *const point = points_of(loader)->items;
    for (size_t i = 0; i < points_of(loader)->count; i++)
        if (strcmp(point[i].name, name) == 0)
            return &point[i];
    return NULL;
}

struct point_nodes {
    const struct node *group, *index;
};

static void load_point(struct loader *loader, const struct node *node)
{
    static const struct field fields[] = {
        {"group", true, load_node, offsetof(struct point_nodes, group), 0, 0},
        {"index", true, load_node, offsetof(struct point_nodes, index), 0, 0},
    };
    struct point_nodes nodes = {0};
    const char *const name = load_name(loader, node->key, "a point's name");
    LOAD_MAP(loader, node, "a point", fields, &nodes);
    if (!nodes.group || !nodes.index)
        return;
    const struct dnp3_point point = {
        .name = name ? name : "",
        .groups = load_spans(loader, nodes.group, "group", 0, UINT8_MAX),
        .indexes = load_spans(loader, nodes.index, "index", 0, UINT32_MAX),
        .line = node->key->line,
    };
    for (size_t i = 0; i < point.groups.count; i++)
        if (!dnp3_group_exists(point.groups.span[i].low, point.groups.span[i].high))
            unexpected(loader, nodes.group, "group: one of the object library, such as 12 or 30");
    *(struct dnp3_point *)arena_append(loader->arena, points_of(loader), sizeof point) = point;
}

void load_dnp3_points(struct loader *loader, const struct node *node)
{
    if (node->kind != NODE_MAP) {
        unexpected(loader, node,
                   "points: a map of names, such as breaker: { group: [10, 12], index: 3 }");
        return;
    }
    for (const struct node *entry = node->first; entry; entry = entry->next)
        load_point(loader, entry);
}

struct named {
    const struct dnp3_point *first; /* NULL: none yet */
    struct arena_list indexes;      /* struct span */
    const char *names;
};

static void add_named(struct loader *loader, const struct node *node, void *context)
{
    struct named *const named = context;
    const struct dnp3_point *const point = point_named(loader, node->text);
    if (point == NULL) {
        const struct dnp3_point *const all = points_of(loader)->items;
        const size_t count = points_of(loader)->count;
        const char **words = arena_take(loader->arena, (count + 1) * sizeof *words);
        for (size_t i = 0; i < count; i++)
            words[i] = all[i].name;
        unexpected(loader, node, "point: a name under the service's 'points'%s",
                   did_you_mean(loader->arena, node->text, words, count));
        return;
    }
    if (named->first == NULL)
        named->first = point;
    else if (!spans_include(&named->first->groups, &point->groups) ||
             !spans_include(&point->groups, &named->first->groups))
        unexpected(loader, node, "points of the same groups as '%s': use a rule of its own",
                   named->first->name);
    for (size_t i = 0; i < point->indexes.count; i++)
        *(struct span *)arena_append(loader->arena, &named->indexes, sizeof(struct span)) =
            point->indexes.span[i];
    named->names = named->names ? arena_printf(loader->arena, "%s, %s", named->names, point->name)
                                : point->name;
}

void load_dnp3_point_names(struct loader *loader, const struct dnp3_rule_nodes *nodes,
                           struct dnp3_rule *rule)
{
    const struct node *const twice = nodes->group       ? nodes->group
                                     : nodes->variation ? nodes->variation
                                                        : nodes->index;
    struct named named = {.first = NULL};
    if (twice) {
        mistake_at(loader->mistakes, twice->key->line, twice->key->column,
                   "found '%s' beside 'point', expected it under 'points'", twice->key->text);
        return;
    }
    for_each(loader, nodes->point, "point: a name under the service's 'points', or a list of these",
             add_named, &named);
    rule->names_objects = rule->names_indexes = true;
    rule->indexes = spans_of(&named.indexes);
    struct arena_list objects = {0};
    for (size_t i = 0; named.first && i < named.first->groups.count; i++) {
        const struct span groups = named.first->groups.span[i];
        *(struct span *)arena_append(loader->arena, &objects, sizeof(struct span)) =
            (struct span){groups.low << 8, groups.high << 8 | UINT8_MAX};
    }
    rule->objects = spans_of(&objects);
    if (named.names)
        rule->points = words_joined(loader->arena, named.names, "and");
}
