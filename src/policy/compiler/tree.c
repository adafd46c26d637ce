/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/compiler/tree.h"

#include <stdint.h>
#include <string.h>
#include <yaml.h>

#include "policy/compiler/syntax.h"
#include "util/utf8.h"

#define DEEPEST    16u /* the language needs six */
#define MOST_NODES 1000000u

struct reading {
    struct arena *arena;
    struct mistakes *mistakes;
    struct node *open[DEEPEST];      /* lists and maps around the next node */
    const struct node *key[DEEPEST]; /* of the entry that is being read, in maps */
    unsigned depth;
    unsigned nodes;
    struct node *root;
};

const char *node_shown(struct arena *arena, const struct node *node)
{
    if (node->kind == NODE_LIST)
        return "a list";
    if (node->kind == NODE_MAP)
        return "a map";
    if (node->length == 0 && !node->quoted)
        return "nothing";
    return quoted(arena, node->text, node->length);
}

/* True when every byte is text; otherwise a mistake at the first that is not. */
static bool is_text(struct mistakes *mistakes, const char *text, size_t length)
{
    unsigned line = 1, column = 1;
    for (size_t i = 0; i < length;) {
        const uint8_t c = (uint8_t)text[i];
        const size_t bytes = utf8_length(text + i, length - i);
        if (bytes == 0) {
            mistake_at(mistakes, line, column, "found byte 0x%02x, expected text in UTF-8", c);
            return false;
        }
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f) {
            mistake_at(mistakes, line, column,
                       "found control character 0x%02x, expected text in UTF-8", c);
            return false;
        }
        column = c == '\n' ? 1 : column + 1;
        line += c == '\n';
        i += bytes;
    }
    return true;
}

static void mistake_at_mark(struct reading *reading, const yaml_mark_t *mark, const char *text)
{
    mistake_at(reading->mistakes, (unsigned)mark->line + 1, (unsigned)mark->column + 1, "%s", text);
}

/* Puts a node where it belongs. False where the tree cannot go on. */
static bool place(struct reading *reading, struct node *node)
{
    if (++reading->nodes > MOST_NODES) {
        mistake_at(reading->mistakes, node->line, node->column,
                   "found more than %u values, expected a smaller file", MOST_NODES);
        return false;
    }
    if (reading->depth == 0) {
        reading->root = node;
        return true;
    }
    struct node *const parent = reading->open[reading->depth - 1];
    const struct node **const key = &reading->key[reading->depth - 1];
    if (parent->kind == NODE_MAP && *key == NULL) {
        if (node->kind != NODE_SCALAR) {
            mistake_at(reading->mistakes, node->line, node->column,
                       "found %s as a key, expected a word", node_shown(reading->arena, node));
            return false;
        }
        *key = node;
        return true;
    }
    node->key = *key;
    *key = NULL;
    if (parent->last)
        parent->last->next = node;
    else
        parent->first = node;
    parent->last = node;
    return true;
}

static struct node *new_node(struct reading *reading, enum node_kind kind,
                             const yaml_event_t *event)
{
    struct node *node = arena_take(reading->arena, sizeof *node);
    node->kind = kind;
    node->line = (unsigned)event->start_mark.line + 1;
    node->column = (unsigned)event->start_mark.column + 1;
    return node;
}

/* Anchors alone do no harm; what refers to one is refused where it stands. */
static bool tagged(struct reading *reading, const yaml_event_t *event, const yaml_char_t *tag)
{
    if (tag == NULL)
        return false;
    mistake_at_mark(reading, &event->start_mark,
                    "found a tag ('!'), expected a plain value: tags are not supported");
    return true;
}

static bool scalar(struct reading *reading, const yaml_event_t *event)
{
    struct node *node = new_node(reading, NODE_SCALAR, event);
    node->text = arena_text(reading->arena, (const char *)event->data.scalar.value,
                            event->data.scalar.length);
    node->length = event->data.scalar.length;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (strlen(node->text) != node->length) {
        mistake_at_mark(reading, &event->start_mark,
                        "found a character 0 in a value, expected text");
        return false;
    }
    return place(reading, node);
}

static bool alias(struct reading *reading, const yaml_event_t *event)
{
    mistake_at_mark(reading, &event->start_mark,
                    "found an alias ('*'), expected the value itself: anchors and aliases are not "
                    "supported");
    struct node *node = new_node(reading, NODE_SCALAR, event);
    node->text = "";
    node->refused = true;
    return place(reading, node);
}

static bool opened(struct reading *reading, enum node_kind kind, const yaml_event_t *event)
{
    struct node *node = new_node(reading, kind, event);
    if (!place(reading, node))
        return false;
    if (reading->depth == DEEPEST) {
        mistake_at(reading->mistakes, node->line, node->column,
                   "found lists and maps in each other %u deep, expected fewer", DEEPEST + 1);
        return false;
    }
    reading->open[reading->depth] = node;
    reading->key[reading->depth] = NULL;
    reading->depth++;
    return true;
}

static int by_key(const void *left, const void *right)
{
    const struct node *a = *(const struct node *const *)left;
    const struct node *b = *(const struct node *const *)right;
    const int order = strcmp(a->key->text, b->key->text);
    if (order)
        return order;
    if (a->key->line != b->key->line)
        return a->key->line < b->key->line ? -1 : 1;
    return a->key->column < b->key->column ? -1 : a->key->column > b->key->column;
}

static void refuse_double_keys(struct reading *reading, const struct node *map)
{
    struct arena_list entries = {0};
    for (const struct node *entry = map->first; entry; entry = entry->next)
        *(const struct node **)arena_append(reading->arena, &entries, sizeof entry) = entry;
    if (entries.count < 2)
        return;
    const struct node **sorted = entries.items;
    qsort(sorted, entries.count, sizeof *sorted, by_key);
    for (size_t i = 1, first = 0; i < entries.count; i++) {
        if (strcmp(sorted[i]->key->text, sorted[first]->key->text) != 0) {
            first = i;
            continue;
        }
        mistake_at(reading->mistakes, sorted[i]->key->line, sorted[i]->key->column,
                   "found key %s again, expected it once: it stands on line %u already",
                   node_shown(reading->arena, sorted[i]->key), sorted[first]->key->line);
    }
}

/* False to stop reading. */
static bool take_event(struct reading *reading, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (reading->root == NULL)
            return true;
        mistake_at_mark(reading, &event->start_mark,
                        "found a second document, expected one in the file");
        return false;
    case YAML_ALIAS_EVENT:
        return alias(reading, event);
    case YAML_SCALAR_EVENT:
        return !tagged(reading, event, event->data.scalar.tag) && scalar(reading, event);
    case YAML_SEQUENCE_START_EVENT:
        return !tagged(reading, event, event->data.sequence_start.tag) &&
               opened(reading, NODE_LIST, event);
    case YAML_MAPPING_START_EVENT:
        return !tagged(reading, event, event->data.mapping_start.tag) &&
               opened(reading, NODE_MAP, event);
    case YAML_MAPPING_END_EVENT:
        refuse_double_keys(reading, reading->open[reading->depth - 1]);
        reading->depth--;
        return true;
    case YAML_SEQUENCE_END_EVENT:
        reading->depth--;
        return true;
    default:
        return true;
    }
}

static void cannot_parse(struct mistakes *mistakes, const char *text, size_t length,
                         const yaml_parser_t *parser)
{
    yaml_mark_t mark = parser->problem_mark;
    if (mark.line == 0 && mark.column == 0)
        mark = parser->mark;
    syntax_mistake(mistakes, text, length,
                   &(struct syntax_problem){.problem = parser->problem,
                                            .context = parser->context,
                                            .line = mark.line,
                                            .column = mark.column,
                                            .begun = parser->context_mark.line});
}

struct node *tree_read(struct arena *arena, struct mistakes *mistakes, const char *text,
                       size_t length)
{
    struct reading reading = {.arena = arena, .mistakes = mistakes};
    static const char mark[] = {'\xef', '\xbb', '\xbf'};
    if (length >= sizeof mark && memcmp(text, mark, sizeof mark) == 0) {
        text += sizeof mark; /* an editor's byte order mark: libyaml counts it as a column */
        length -= sizeof mark;
    }
    if (!is_text(mistakes, text, length))
        return NULL;
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        mistake_at(mistakes, 1, 1, "no memory to read YAML");
        return NULL;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    bool done = false, whole = true;
    while (!done) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            cannot_parse(mistakes, text, length, &parser);
            whole = false;
            break;
        }
        whole = take_event(&reading, &event);
        done = !whole || event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (whole && reading.root == NULL)
        mistake_at(mistakes, 1, 1, "found nothing, expected a map with 'gateway' and 'services'");
    return whole ? reading.root : NULL;
}
