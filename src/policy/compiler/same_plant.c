/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a running gateway can take of a changed file: its rules. Everything else (interfaces,
 * services, sizes, what a service's messages may be at all) is built into its processes. The two
 * files are compared as they are written, so that each difference has a place to show.
 */
#include <string.h>

#include "policy/compiler/load.h"

struct comparison {
    struct arena *arena;
    struct mistakes mistakes;
    bool same_mode; /* two-way, one-way: monitor is two-way */
};

/* Keys whose values are rules, or only serve them. */
static const char *const free_everywhere[] = {"hosts", "points", "profiles", "overrides", NULL};
static const char *const free_in_service[] = {"rules",   "points", "profile", "rate",
                                              "on-deny", "mode",   NULL};
static const char *const free_in_gateway[] = {"mode", NULL};
static const char *const free_nowhere[] = {NULL};

static bool is_free(const char *const *keys, const char *key)
{
    for (; *keys; keys++)
        if (strcmp(*keys, key) == 0)
            return true;
    return false;
}

static void differs(struct comparison *comparison, const struct node *at, const char *what,
                    const char *found, const char *expected)
{
    mistake_at(&comparison->mistakes, at->line, at->column,
               "found %s%s, expected %s as in the running gateway: a reload changes rules only, "
               "for the rest restart it",
               what, found, expected);
}

static void compare(struct comparison *comparison, const struct node *before,
                    const struct node *after, const char *key, const char *const *free);

static void compare_maps(struct comparison *comparison, const struct node *before,
                         const struct node *after, const char *const *free)
{
    for (const struct node *entry = after->first; entry; entry = entry->next) {
        const char *const key = entry->key->text;
        const struct node *const other = map_entry(before, key);
        if (is_free(free, key))
            continue;
        if (other == NULL) {
            differs(comparison, entry->key, "", arena_printf(comparison->arena, "'%s'", key),
                    "it not to be there");
            continue;
        }
        const bool gateway = free == free_everywhere && strcmp(key, "gateway") == 0;
        const bool services = free == free_everywhere && strcmp(key, "services") == 0;
        compare(comparison, other, entry, key,
                gateway && comparison->same_mode ? free_in_gateway
                : services                       ? free_in_service
                                                 : free_nowhere);
    }
    for (const struct node *entry = before->first; entry; entry = entry->next)
        if (!is_free(free, entry->key->text) && map_entry(after, entry->key->text) == NULL)
            differs(comparison, after, "no ",
                    arena_printf(comparison->arena, "'%s'", entry->key->text), "it");
}

static void compare_lists(struct comparison *comparison, const struct node *before,
                          const struct node *after, const char *key, const char *const *free)
{
    const struct node *one = before->first, *other = after->first;
    for (; one && other; one = one->next, other = other->next)
        compare(comparison, one, other, key, free);
    if (other)
        differs(comparison, other, "one more of ", key, "no more");
    else if (one)
        differs(comparison, after, "one less of ", key, "no less");
}

static void compare(struct comparison *comparison, const struct node *before,
                    const struct node *after, const char *key, const char *const *free)
{
    if (before->kind == after->kind && after->kind == NODE_MAP)
        compare_maps(comparison, before, after, free);
    else if (before->kind == after->kind && after->kind == NODE_LIST)
        compare_lists(comparison, before, after, key, free);
    else if (before->kind != after->kind || strcmp(before->text, after->text) != 0)
        differs(comparison, after, arena_printf(comparison->arena, "%s ", key),
                node_shown(comparison->arena, after), node_shown(comparison->arena, before));
}

bool site_same_plant(const struct site *before, const struct site *after, FILE *errors)
{
    struct arena arena = {0};
    struct comparison comparison = {
        .arena = &arena, .mistakes = {.arena = &arena}, .same_mode = before->mode == after->mode};
    compare(&comparison, before->policy->root, after->policy->root, "configuration",
            free_everywhere);
    mistakes_print(&comparison.mistakes, after->path, errors);
    const bool same = comparison.mistakes.list.count == 0;
    arena_free(&arena);
    return same;
}
