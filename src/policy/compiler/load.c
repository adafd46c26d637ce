/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables' machinery. */
#include "policy/compiler/load.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compiler/scalars.h"

void unexpected(struct loader *loader, const struct node *node, const char *format, ...)
{
    if (node->refused)
        return;
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    const int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    mistake_at(loader->mistakes, node->line, node->column, "found %s, expected %s",
               node_shown(loader->arena, node), length < 0 ? "something else" : text);
    free(text);
}

bool want_text(struct loader *loader, const struct node *node, const char *expected)
{
    if (node->kind == NODE_SCALAR && node->length > 0)
        return true;
    unexpected(loader, node, "%s", expected);
    return false;
}

static const char *keys_text(struct arena *arena, const struct field *fields, size_t count)
{
    const char *text = fields[0].key;
    for (size_t i = 1; i < count; i++)
        text = arena_printf(arena, "%s, %s", text, fields[i].key);
    return text;
}

static void unknown_key(struct loader *loader, const struct node *key, const char *what,
                        const struct field *fields, size_t count)
{
    const char **words = arena_take(loader->arena, count * sizeof *words);
    for (size_t i = 0; i < count; i++)
        words[i] = fields[i].key;
    mistake_at(loader->mistakes, key->line, key->column,
               "found unknown key %s in %s, expected one of %s%s",
               quoted(loader->arena, key->text, key->length), what,
               keys_text(loader->arena, fields, count),
               did_you_mean(loader->arena, key->text, words, count));
}

const struct node *map_entry(const struct node *map, const char *key)
{
    if (map->kind != NODE_MAP)
        return NULL;
    for (const struct node *entry = map->first; entry; entry = entry->next)
        if (strcmp(entry->key->text, key) == 0)
            return entry;
    return NULL;
}

void load_map(struct loader *loader, const struct node *node, const char *what,
              const struct field *fields, size_t count, void *object)
{
    if (node->kind != NODE_MAP) {
        unexpected(loader, node, "%s: a map of %s", what, keys_text(loader->arena, fields, count));
        return;
    }
    for (const struct node *entry = node->first; entry; entry = entry->next) {
        size_t i = 0;
        while (i < count && strcmp(fields[i].key, entry->key->text) != 0)
            i++;
        if (i == count && !entry->key->refused)
            unknown_key(loader, entry->key, what, fields, count);
    }
    for (size_t i = 0; i < count; i++) {
        const struct node *entry = map_entry(node, fields[i].key);
        if (entry)
            fields[i].load(loader, entry, &fields[i], object);
        else if (fields[i].required)
            mistake_at(loader->mistakes, node->line, node->column,
                       "found %s without '%s', expected it", what, fields[i].key);
    }
}

void for_each(struct loader *loader, const struct node *node, const char *expected,
              void (*item)(struct loader *loader, const struct node *node, void *context),
              void *context)
{
    if (node->kind == NODE_SCALAR) {
        if (want_text(loader, node, expected))
            item(loader, node, context);
        return;
    }
    if (node->kind == NODE_MAP || node->first == NULL) {
        mistake_at(loader->mistakes, node->line, node->column, "found %s, expected %s",
                   node->kind == NODE_MAP ? "a map" : "an empty list", expected);
        return;
    }
    for (const struct node *each = node->first; each; each = each->next)
        if (want_text(loader, each, expected))
            item(loader, each, context);
}

struct span_context {
    struct arena_list list; /* struct span */
    const char *what;
    uint32_t low, high;
};

static void add_span(struct loader *loader, const struct node *node, void *context)
{
    struct span_context *const spans = context;
    uint64_t low, high;
    if (!parse_range(node->text, &low, &high) || low < spans->low || high < spans->low ||
        low > spans->high || high > spans->high) {
        unexpected(loader, node, "%s: a number from %u to %u or a range such as %u-%u", spans->what,
                   spans->low, spans->high, spans->low, spans->high);
        return;
    }
    if (low > high) {
        unexpected(loader, node, "the lower number first: %u-%u", (unsigned)high, (unsigned)low);
        return;
    }
    struct span *span = arena_append(loader->arena, &spans->list, sizeof *span);
    *span = (struct span){(uint32_t)low, (uint32_t)high};
}

struct spans load_spans(struct loader *loader, const struct node *node, const char *what,
                        uint32_t low, uint32_t high)
{
    struct span_context context = {.what = what, .low = low, .high = high};
    for_each(loader, node,
             arena_printf(loader->arena, "%s: a number from %u to %u, a range or a list of these",
                          what, low, high),
             add_span, &context);
    return spans_of(&context.list);
}

void load_node(struct loader *loader, const struct node *node, const struct field *field,
               void *object)
{
    (void)loader;
    memcpy((uint8_t *)object + field->offset, &node, sizeof node);
}

void load_u16(struct loader *loader, const struct node *node, const struct field *field,
              void *object)
{
    uint64_t number;
    if (node->kind != NODE_SCALAR || !parse_number(node->text, node->length, &number) ||
        number < field->low || number > field->high) {
        unexpected(loader, node, "%s: a number from %u to %u", field->key, (unsigned)field->low,
                   (unsigned)field->high);
        return;
    }
    const uint16_t value = (uint16_t)number;
    memcpy((uint8_t *)object + field->offset, &value, sizeof value);
}

bool load_word(struct loader *loader, const struct node *node, const char *key,
               const char *const *words, unsigned count, unsigned *index)
{
    const char *text = "";
    for (unsigned i = 0; i < count; i++) {
        if (node->kind == NODE_SCALAR && strcmp(node->text, words[i]) == 0) {
            *index = i;
            return true;
        }
        text = arena_printf(loader->arena, "%s%s%s", text, i ? " or " : "", words[i]);
    }
    unexpected(loader, node, "%s: %s", key, text);
    return false;
}

const char *load_name(struct loader *loader, const struct node *node, const char *what)
{
    bool good = node->kind == NODE_SCALAR && node->length > 0 && node->length < 64;
    for (size_t i = 0; good && i < node->length; i++)
        good = isalnum((unsigned char)node->text[i]) || strchr("-_.", node->text[i]);
    if (good)
        return node->text;
    unexpected(loader, node, "%s: up to 63 letters, digits, '-', '_' and '.'", what);
    return NULL;
}
