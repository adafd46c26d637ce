/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Overrides: rules that stand in the file beforehand and hold only while an operator says so. A
 * site is read once without them and once with each, so that a mistake in one is found when the
 * file is checked and not in the night when it is needed.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/compiler/load.h"
#include "policy/compiler/scalars.h"

#define MOST_OVERRIDES   16u /* the file is read once with each */
#define LONGEST_OVERRIDE (UINT64_C(31) * 24 * 3600 * 1000000000) /* ns */

struct override_nodes {
    const struct node *name, *max, *rules;
};

static void load_max(struct loader *loader, const struct node *node,
                     struct policy_override *override)
{
    if (node->kind != NODE_SCALAR || !parse_duration(node->text, &override->longest) ||
        override->longest == 0 || override->longest > LONGEST_OVERRIDE)
        unexpected(loader, node, "max: how long the override may last, such as 8h, at most 31d");
}

/* Which lines of the file are its own: `node`'s, and those of all that is below it. */
static void note_lines(const struct node *node, struct policy_override *override)
{
    if (override->first_line == 0 || node->line < override->first_line)
        override->first_line = node->line;
    if (node->line > override->last_line)
        override->last_line = node->line;
    if (node->kind == NODE_SCALAR)
        return;
    for (const struct node *each = node->first; each; each = each->next)
        note_lines(each, override);
}

static void load_override(struct loader *loader, const struct node *node)
{
    static const struct field fields[] = {
        {"name", true, load_node, offsetof(struct override_nodes, name), 0, 0},
        {"max", true, load_node, offsetof(struct override_nodes, max), 0, 0},
        {"rules", true, load_node, offsetof(struct override_nodes, rules), 0, 0},
    };
    struct override_nodes nodes = {0};
    LOAD_MAP(loader, node, "an override", fields, &nodes);
    const char *name = nodes.name ? load_name(loader, nodes.name, "an override's name") : NULL;
    const struct policy_override *before = loader->policy->overrides.items;
    for (size_t i = 0; name && i < loader->policy->overrides.count; i++)
        if (strcmp(before[i].name, name) == 0)
            unexpected(loader, nodes.name,
                       "a name of its own: the override on line %u has this one",
                       before[i].first_line);
    struct policy_override *override =
        arena_append(loader->arena, &loader->policy->overrides, sizeof *override);
    *override = (struct policy_override){.name = name ? name : "", .rules = nodes.rules};
    if (nodes.max)
        load_max(loader, nodes.max, override);
    override->first_column = node->column;
    note_lines(node, override);
    if (nodes.rules && (nodes.rules->kind != NODE_MAP || nodes.rules->first == NULL))
        unexpected(loader, nodes.rules, "rules: a map of services, each with a list of rules");
}

void load_overrides(struct loader *loader, const struct node *node, const struct field *field,
                    void *object)
{
    (void)field;
    (void)object;
    if (node->kind != NODE_LIST || node->first == NULL) {
        unexpected(loader, node, "overrides: a list of at least one override");
        return;
    }
    for (const struct node *each = node->first; each; each = each->next) {
        if (loader->policy->overrides.count == MOST_OVERRIDES) {
            mistake_at(loader->mistakes, each->line, each->column,
                       "found one override more, expected at most %u", MOST_OVERRIDES);
            return;
        }
        load_override(loader, each);
    }
}

const struct node *override_rules(const struct loader *loader)
{
    const struct policy_override *override = loader->policy->overrides.items;
    for (size_t i = 0; loader->override && i < loader->policy->overrides.count; i++)
        if (strcmp(override[i].name, loader->override) == 0 && override[i].rules)
            return map_entry(override[i].rules, loader->site->service[loader->service].name);
    return NULL;
}

void check_overrides(struct loader *loader)
{
    const struct policy_override *override = loader->policy->overrides.items;
    for (size_t i = 0; i < loader->policy->overrides.count; i++) {
        const struct node *rules = override[i].rules;
        /* "NAME/..." on a log line says that the override decided */
        for (unsigned s = 0; s < loader->site->service_count; s++)
            if (strcmp(loader->site->service[s].name, override[i].name) == 0)
                mistake_at(loader->mistakes, override[i].first_line, override[i].first_column,
                           "found override '%s', expected another name than a service's",
                           override[i].name);
        if (rules == NULL || rules->kind != NODE_MAP)
            continue;
        for (const struct node *entry = rules->first; entry; entry = entry->next) {
            unsigned s = 0;
            while (s < loader->site->service_count &&
                   strcmp(loader->site->service[s].name, entry->key->text) != 0)
                s++;
            if (s == loader->site->service_count)
                unexpected(loader, entry->key, "the name of a service of this file");
        }
    }
}

/* What is wrong only with this override in force: the rest was checked without it. A rule of the
 * file that an override makes void is what overrides are for. */
void keep_override_mistakes(struct loader *loader)
{
    const struct policy_override *override = loader->policy->overrides.items;
    for (size_t i = 0; i < loader->policy->overrides.count; i++)
        if (strcmp(override[i].name, loader->override) == 0)
            mistakes_within(loader->mistakes, override[i].first_line, override[i].last_line);
}

static const struct policy_override *find(const struct site *site, const char *name)
{
    const struct policy_override *override = site->policy->overrides.items;
    for (size_t i = 0; i < site->policy->overrides.count; i++)
        if (strcmp(override[i].name, name) == 0)
            return &override[i];
    return NULL;
}

bool site_override(const struct site *site, const char *name, uint64_t *longest)
{
    const struct policy_override *override = find(site, name);
    if (override)
        *longest = override->longest;
    return override != NULL;
}

const char *site_override_name(const struct site *site, size_t number)
{
    const struct policy_override *override = site->policy->overrides.items;
    return number < site->policy->overrides.count ? override[number].name : NULL;
}
