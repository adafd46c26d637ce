/* SPDX-License-Identifier: BSD-2-Clause */
/* A Modbus service's rules. */
#include <string.h>

#include "policy/compiler/conditions.h"
#include "policy/compiler/language.h"
#include "policy/compiler/load.h"
#include "policy/compiler/modbus_words.h"
#include "policy/compiler/points.h"
#include "policy/compiler/scalars.h"
#include "policy/image.h"

#define MOST_VALUES    256u  /* ranges of one rule */
#define HIGHEST_RECORD 9999u /* AP 6.14 */

static struct modbus_service_rules *service_of(const struct loader *loader)
{
    return &loader->policy->service[loader->service].modbus;
}

struct rule_nodes {
    struct rule_head_nodes head;
    const struct node *unit, *address, *point, *value, *type, *word_order, *subfunction, *file,
        *record, *mei, *max_step;
};

/* One word or number of `allow` or `deny`. */
struct choice {
    const char *text;
    uint64_t accesses;
    const struct modbus_word *word; /* NULL for an opaque function */
};

struct choices {
    struct arena_list list;
    bool deny, bare; /* bare: neither address, value, file nor record limit the rule */
    bool files;
};

static void add_choice(struct loader *loader, const struct node *node, void *context)
{
    struct choices *const choices = context;
    uint64_t number;
    struct choice choice = {.text = quoted(loader->arena, node->text, node->length)};
    if (parse_number(node->text, node->length, &number)) {
        const int opaque = modbus_opaque_access(service_of(loader), number);
        choice.word = number <= 127 ? modbus_word_by_function((unsigned)number) : NULL;
        if (choice.word == NULL && opaque < 0) {
            unexpected(loader, node,
                       "a function of the specification (1-8, 11, 12, 15-17, 20-24, "
                       "43), or one that this service lists under 'opaque'");
            return;
        }
        choice.accesses = choice.word ? choice.word->accesses : ACCESS(opaque);
    } else {
        choice.word = modbus_word_by_name(node->text);
        if (choice.word == NULL) {
            const char **words = arena_take(loader->arena, modbus_word_count * sizeof *words);
            for (size_t i = 0; i < modbus_word_count; i++)
                words[i] = modbus_words[i].name;
            unexpected(loader, node,
                       "a Modbus function: its number, its name such as read-holding-registers, "
                       "or read, write, diagnostic%s",
                       did_you_mean(loader->arena, node->text, words, modbus_word_count));
            return;
        }
        choice.accesses = choice.word->accesses;
        if (choice.word->function == 0 && choices->deny && choices->bare)
            choice.accesses = choice.word->accesses_denied;
        const uint64_t files = choice.word->accesses_denied & ACCESSES_WITH_FILES;
        if (choice.word->function == 0 && choices->files && files)
            choice.accesses = files;
    }
    *(struct choice *)arena_append(loader->arena, &choices->list, sizeof choice) = choice;
}

static bool is_group(const struct choice *choice)
{
    return choice->word && choice->word->function == 0;
}

/* A limit must mean something for every function that the rule names. */
static void limit_applies(struct loader *loader, const struct choices *choices,
                          const struct node *node, uint64_t to)
{
    if (node == NULL)
        return;
    const struct choice *choice = choices->list.items;
    for (size_t i = 0; i < choices->list.count; i++) {
        const bool applies =
            is_group(&choice[i]) ? (choice[i].accesses & ~to) == 0 : (choice[i].accesses & to) != 0;
        if (!applies)
            mistake_at(loader->mistakes, node->key->line, node->key->column,
                       "found '%s' in a rule for %s, expected it only for functions that have "
                       "one: use a rule of its own",
                       node->key->text, choice[i].text);
    }
}

struct values {
    struct arena_list spans;
    enum modbus_value_type type;
    const struct policy_point *point; /* in whose scale; NULL: as in the register */
};

static const char *const type_names[] = {
    [MODBUS_UINT16] = "uint16", [MODBUS_INT16] = "int16",     [MODBUS_UINT32] = "uint32",
    [MODBUS_INT32] = "int32",   [MODBUS_FLOAT32] = "float32", [MODBUS_COIL] = "on, off, 0 or 1",
};

static void add_value(struct loader *loader, const struct node *node, void *context)
{
    struct values *const values = context;
    uint32_t low, high;
    const struct policy_point *const point = values->point;
    if (point && point->type != MODBUS_COIL) {
        if (!scaled_range(node->text, point->type, point->scale, &low, &high)) {
            const struct decimal scale = point->scale;
            if (point->type == MODBUS_FLOAT32)
                unexpected(loader, node,
                           "value: what '%s', a float32, can hold, or a range such as -1.5-25",
                           point->name);
            else
                unexpected(
                    loader, node,
                    "value: what '%s' can hold, or a range such as 15-25 (%s in steps of %s%s%s)",
                    point->name, type_names[point->type],
                    scaled_text(loader->arena, MODBUS_UINT32, scale, 1), *point->measure ? " " : "",
                    point->measure);
            return;
        }
    } else if (!parse_value_range(node->text, values->type, &low, &high)) {
        if (values->type == MODBUS_FLOAT32 && beyond_float32(node->text)) {
            mistake_at(loader->mistakes, node->line, node->column,
                       "found %s, too large for a float32, expected value: within -3.4028235e38 "
                       "and 3.4028235e38",
                       node_shown(loader->arena, node));
            return;
        }
        unexpected(loader, node, "value: %s%s", type_names[values->type],
                   values->type == MODBUS_COIL ? "" : ", a number or a range such as 150-250");
        return;
    }
    if (low > high) {
        unexpected(loader, node, "the lower value first");
        return;
    }
    *(struct span *)arena_append(loader->arena, &values->spans, sizeof(struct span)) =
        (struct span){low, high};
}

static bool says_on_or_off(const struct node *node)
{
    const struct node *first = node->kind == NODE_LIST ? node->first : node;
    return first && first->kind == NODE_SCALAR &&
           (strcmp(first->text, "on") == 0 || strcmp(first->text, "off") == 0);
}

/* Whose values `value` speaks of: coils' or registers'. The group `write` holds both, and means
 * the registers unless the values are on and off. */
static bool settle_value_kind(struct loader *loader, const struct rule_nodes *nodes,
                              const struct choices *choices, struct modbus_rule *rule)
{
    uint64_t named = 0;
    const struct choice *choice = choices->list.items;
    for (size_t i = 0; i < choices->list.count; i++)
        if (!is_group(&choice[i]))
            named |= choice[i].accesses;
    if ((named & ACCESSES_WRITING_COILS) && (named & ACCESSES_WRITING_REGISTERS)) {
        mistake_at(loader->mistakes, nodes->value->key->line, nodes->value->key->column,
                   "found 'value' in a rule for coils and registers, expected a rule for each");
        return false;
    }
    const bool coils = (named & ACCESSES_WRITING_COILS) ||
                       (!(named & ACCESSES_WRITING_REGISTERS) && says_on_or_off(nodes->value));
    rule->accesses &= ~(coils ? ACCESSES_WRITING_REGISTERS : ACCESSES_WRITING_COILS);
    if (coils)
        rule->type = MODBUS_COIL;
    return true;
}

void load_value_type(struct loader *loader, const struct node *node, enum modbus_value_type *type)
{
    const char *words[] = {"uint16", "int16", "uint32", "int32", "float32"};
    const char *text = node->kind == NODE_SCALAR ? node->text : "";
    unsigned found = 0;
    while (found <= MODBUS_FLOAT32 && strcmp(words[found], text) != 0)
        found++;
    if (found > MODBUS_FLOAT32)
        unexpected(loader, node, "type: uint16, int16, uint32, int32 or float32%s",
                   did_you_mean(loader->arena, text, words, sizeof words / sizeof words[0]));
    else if (*type == MODBUS_COIL)
        unexpected(loader, node, "no type: a coil is on or off");
    else
        *type = (enum modbus_value_type)found;
}

void load_word_order(struct loader *loader, const struct node *node, enum modbus_value_type type,
                     bool *low_first)
{
    const char *text = node->kind == NODE_SCALAR ? node->text : "";
    *low_first = strcmp(text, "little") == 0;
    if (!*low_first && strcmp(text, "big") != 0)
        unexpected(loader, node, "word-order: big (high word first) or little (low word first)");
    else if (!modbus_value_is_wide(type))
        unexpected(loader, node, "no word order: only uint32, int32 and float32 take two words");
}

static void load_type(struct loader *loader, const struct rule_nodes *nodes,
                      struct modbus_rule *rule)
{
    if (nodes->type)
        load_value_type(loader, nodes->type, &rule->type);
    if (nodes->word_order)
        load_word_order(loader, nodes->word_order, rule->type, &rule->low_first);
}

/* What a rule names and can never let pass, for its values' sake: a mistake where it names nothing
 * else, otherwise a warning. */
static void check_unknown(struct loader *loader, const struct rule_nodes *nodes,
                          const struct modbus_rule *rule)
{
    const uint64_t unknown = modbus_rule_unknown(rule);
    const bool half = unknown & ACCESS(MODBUS_ACCESS_WRITE_SINGLE_REGISTER);
    const bool mask = unknown & ACCESS(MODBUS_ACCESS_MASK_WRITE_REGISTER);
    if (rule->head.deny || unknown == 0)
        return;
    const char *const first =
        half ? arena_printf(loader->arena, "function 6, which writes half of %s %s",
                            rule->type == MODBUS_INT32 ? "an" : "a", type_names[rule->type])
             : "";
    const char *const why =
        arena_printf(loader->arena, "%s%s%s", first, half && mask ? ", or " : "",
                     mask ? "function 22, whose result only the device knows" : "");
    const struct node *const at = !half                  ? nodes->value
                                  : nodes->type          ? nodes->type
                                  : nodes->point != NULL ? nodes->point
                                                         : nodes->value;
    if (rule->accesses != unknown)
        mistake_at(&loader->policy->warnings, at->line, at->column,
                   "warning: for its values rule '%s' lets nothing pass by %s", rule->head.name,
                   why);
    else
        unexpected(loader, at, "%s: a rule with these values for %s, lets nothing pass",
                   half ? "a type of 16 bits, or function 16" : "no 'value'", why);
}

static void even_addresses(struct loader *loader, const struct rule_nodes *nodes,
                           const struct policy_point *point, const struct modbus_rule *rule)
{
    for (size_t i = 0; modbus_value_is_wide(rule->type) && i < rule->addresses.count; i++) {
        const struct span span = rule->addresses.span[i];
        if ((span.high - span.low) % 2 == 0)
            unexpected(loader, point ? nodes->point : nodes->address,
                       "an even number of registers: a %s takes two, such as %u-%u",
                       type_names[rule->type], span.low, span.low + 1);
    }
}

/* `point`: what the rule's points have in common; NULL where it names none. */
static void load_value(struct loader *loader, const struct rule_nodes *nodes,
                       const struct choices *choices, const struct policy_point *point,
                       struct modbus_rule *rule)
{
    if (nodes->value == NULL && nodes->max_step) {
        /* any value of the type: only its distance from the last one counts */
        rule->accesses &= ~ACCESSES_WRITING_COILS;
        if (point == NULL)
            load_type(loader, nodes, rule);
        rule->limited = true;
        rule->values = spans_range(loader->arena, 0,
                                   modbus_value_is_wide(rule->type) ? UINT32_MAX : UINT16_MAX);
        even_addresses(loader, nodes, point, rule);
        return;
    }
    if (nodes->value == NULL) {
        const struct node *alone = nodes->type ? nodes->type : nodes->word_order;
        if (alone)
            mistake_at(loader->mistakes, alone->key->line, alone->key->column,
                       "found '%s' without 'value', expected both", alone->key->text);
        return;
    }
    if (point)
        rule->accesses &=
            ~(point->type == MODBUS_COIL ? ACCESSES_WRITING_REGISTERS : ACCESSES_WRITING_COILS);
    else if (!settle_value_kind(loader, nodes, choices, rule))
        return;
    load_type(loader, nodes, rule);
    struct values values = {.type = rule->type, .point = point};
    for_each(
        loader, nodes->value,
        arena_printf(loader->arena, "value: %s, one, a range or a list", type_names[rule->type]),
        add_value, &values);
    rule->limited = true;
    if (rule->head.deny) /* a value denies what is written; what function 23 reads has none */
        rule->accesses &= ACCESSES_WRITING_COILS | ACCESSES_WRITING_REGISTERS;
    check_unknown(loader, nodes, rule);
    rule->values = spans_of(&values.spans);
    if (rule->values.count > MOST_VALUES)
        unexpected(loader, nodes->value, "at most %u ranges", MOST_VALUES);
    even_addresses(loader, nodes, point, rule);
}

static void load_mei(struct loader *loader, const struct node *node, struct modbus_rule *rule)
{
    const struct spans mei =
        load_spans(loader, node, "mei", MODBUS_MEI_CANOPEN, MODBUS_MEI_DEVICE_IDENTIFICATION);
    if (!spans_meet(&mei, MODBUS_MEI_CANOPEN, MODBUS_MEI_CANOPEN))
        rule->accesses &= ~ACCESS(MODBUS_ACCESS_CANOPEN);
    if (!spans_meet(&mei, MODBUS_MEI_DEVICE_IDENTIFICATION, MODBUS_MEI_DEVICE_IDENTIFICATION))
        rule->accesses &= ~ACCESS(MODBUS_ACCESS_DEVICE_IDENTIFICATION);
    if (rule->accesses == 0 && mei.count)
        unexpected(loader, node, "a type that the function has");
}

/* Functions that change the device and whose answer says nothing that the request did not. */
#define ACCESSES_ONE_WAY                                                                           \
    (ACCESSES_WRITING_COILS | ACCESSES_WRITING_REGISTERS | ACCESS(MODBUS_ACCESS_WRITE_FILE_RECORD))

/* In one-way mode nothing comes back: a rule that allows what only makes sense with an answer is
 * a mistake. Function 23 reads as it writes; of the group `write` it is left out in silence. */
static void refuse_replies(struct loader *loader, const struct node *node,
                           const struct choices *choices, struct modbus_rule *rule)
{
    if (loader->site->mode != SL_ONE_WAY || rule->head.deny)
        return;
    const uint64_t opaque = ~(ACCESS(MODBUS_ACCESS_OPAQUE) - 1);
    const uint64_t served = (ACCESSES_ONE_WAY & ~ACCESS(MODBUS_ACCESS_READ_WRITE_WRITE)) | opaque;
    const struct choice *choice = choices->list.items;
    for (size_t i = 0; i < choices->list.count; i++)
        if (is_group(&choice[i]) ? !(choice[i].accesses & served)
                                 : (choice[i].accesses & ~served) != 0)
            mistake_at(loader->mistakes, node->line, node->column,
                       "found %s allowed in one-way mode, expected a write: its answer would have "
                       "to come back",
                       choice[i].text);
    rule->accesses &= served;
}

static void load_functions(struct loader *loader, const struct node *functions,
                           const struct rule_nodes *nodes, struct choices *choices,
                           struct modbus_rule *rule)
{
    for_each(loader, functions,
             "a Modbus function: its number, its name, read, write, diagnostic, or a list of these",
             add_choice, choices);
    const struct choice *choice = choices->list.items;
    for (size_t i = 0; i < choices->list.count; i++)
        rule->accesses |= choice[i].accesses;

    refuse_replies(loader, functions, choices, rule);

    const uint64_t addressed =
        modbus_word_by_name("read")->accesses | modbus_word_by_name("write")->accesses;
    limit_applies(loader, choices, nodes->address, addressed);
    limit_applies(loader, choices, nodes->point, addressed);
    limit_applies(loader, choices, nodes->value,
                  ACCESSES_WRITING_COILS | ACCESSES_WRITING_REGISTERS);
    limit_applies(loader, choices, nodes->max_step,
                  ACCESSES_WRITING_REGISTERS | ACCESSES_WRITING_COILS);
    limit_applies(loader, choices, nodes->subfunction, ACCESS(MODBUS_ACCESS_DIAGNOSTICS));
    limit_applies(loader, choices, nodes->file, ACCESSES_WITH_FILES);
    limit_applies(loader, choices, nodes->record, ACCESSES_WITH_FILES);
    limit_applies(loader, choices, nodes->mei,
                  ACCESS(MODBUS_ACCESS_CANOPEN) | ACCESS(MODBUS_ACCESS_DEVICE_IDENTIFICATION));
}

/* Behind a serial gateway a broadcast reaches every unit, the denied ones too. */
static struct spans load_units(struct loader *loader, const struct node *node, bool deny)
{
    struct spans units = load_spans(loader, node, "unit", 0, 255);
    if (!deny || !loader->site->service[loader->service].broadcast)
        return units;
    struct arena_list list = {0};
    *(struct span *)arena_append(loader->arena, &list, sizeof(struct span)) = (struct span){0, 0};
    for (size_t i = 0; i < units.count; i++)
        *(struct span *)arena_append(loader->arena, &list, sizeof(struct span)) = units.span[i];
    return spans_of(&list);
}

static void load_limits(struct loader *loader, const struct rule_nodes *nodes,
                        struct modbus_rule *rule)
{
    struct arena *const arena = loader->arena;
    rule->any_unit = nodes->unit == NULL;
    rule->units =
        nodes->unit ? load_units(loader, nodes->unit, rule->head.deny) : spans_range(arena, 0, 255);
    rule->any_address = nodes->address == NULL;
    rule->names_addresses = nodes->address || nodes->point || nodes->file || nodes->record;
    rule->addresses = nodes->address ? load_spans(loader, nodes->address, "address", 0, UINT16_MAX)
                                     : spans_range(arena, 0, UINT16_MAX);
    rule->subfunctions = nodes->subfunction
                             ? load_spans(loader, nodes->subfunction, "subfunction", 0, UINT16_MAX)
                             : spans_range(arena, 0, UINT16_MAX);
    rule->files = nodes->file ? load_spans(loader, nodes->file, "file", 1, UINT16_MAX)
                              : spans_range(arena, 0, UINT16_MAX);
    rule->records = nodes->record ? load_spans(loader, nodes->record, "record", 0, HIGHEST_RECORD)
                                  : spans_range(arena, 0, UINT16_MAX);
}

static void load_plain(struct loader *loader, const struct rule_nodes *nodes,
                       const struct choices *choices, struct modbus_rule *rule,
                       struct arena_list *made)
{
    load_value(loader, nodes, choices, NULL, rule);
    if (nodes->max_step)
        load_max_step(loader, nodes->max_step, nodes->unit && nodes->address, rule);
    if (nodes->mei)
        load_mei(loader, nodes->mei, rule);
    *(struct modbus_rule *)arena_append(loader->arena, made, sizeof *rule) = *rule;
}

/* Every function that the rule names must reach the points: a group reaches what it can. */
static uint64_t reaching(struct loader *loader, const struct rule_nodes *nodes,
                         const struct choices *choices, const struct point_group *group)
{
    const uint64_t reach = point_accesses(group->like->table);
    const struct choice *choice = choices->list.items;
    uint64_t accesses = 0;
    for (size_t i = 0; i < choices->list.count; i++) {
        accesses |= choice[i].accesses & reach;
        if ((choice[i].accesses & reach) == 0)
            mistake_at(loader->mistakes, nodes->point->line, nodes->point->column,
                       "found %s in a rule for %s, expected points that this function reaches",
                       group->names, choice[i].text);
    }
    return accesses;
}

/* One rule for each kind of point that it names; together they are the one in the file. */
static void load_pointed(struct loader *loader, const struct rule_nodes *nodes,
                         const struct choices *choices, const struct modbus_rule *rule,
                         struct arena_list *made)
{
    const struct node *twice = nodes->address ? nodes->address
                               : nodes->type  ? nodes->type
                                              : nodes->word_order;
    if (twice)
        mistake_at(loader->mistakes, twice->key->line, twice->key->column,
                   "found '%s' beside 'point', expected it under 'points'", twice->key->text);
    struct arena_list groups =
        load_rule_points(loader, nodes->point, nodes->value || nodes->max_step);
    struct point_group *group = groups.items;
    for (size_t i = 0; twice == NULL && i < groups.count; i++) {
        struct modbus_rule *each = arena_append(loader->arena, made, sizeof *each);
        *each = *rule;
        each->accesses = reaching(loader, nodes, choices, &group[i]);
        each->any_address = false;
        each->addresses = spans_of(&group[i].spans);
        each->points = group[i].names;
        each->places = group[i].places;
        each->type = group[i].like->type;
        each->low_first = group[i].like->low_first;
        each->scale = group[i].like->scale;
        each->measure = group[i].like->measure;
        load_value(loader, nodes, choices, group[i].like, each);
        if (nodes->max_step)
            load_max_step(loader, nodes->max_step, nodes->unit != NULL, each);
    }
}

static void load_rule(struct loader *loader, const struct node *node, unsigned ordinal)
{
    static const struct field fields[] = {
        RULE_HEAD_FIELDS(struct rule_nodes, head),
        {"unit", false, load_node, offsetof(struct rule_nodes, unit), 0, 0},
        {"address", false, load_node, offsetof(struct rule_nodes, address), 0, 0},
        {"point", false, load_node, offsetof(struct rule_nodes, point), 0, 0},
        {"value", false, load_node, offsetof(struct rule_nodes, value), 0, 0},
        {"type", false, load_node, offsetof(struct rule_nodes, type), 0, 0},
        {"word-order", false, load_node, offsetof(struct rule_nodes, word_order), 0, 0},
        {"subfunction", false, load_node, offsetof(struct rule_nodes, subfunction), 0, 0},
        {"file", false, load_node, offsetof(struct rule_nodes, file), 0, 0},
        {"record", false, load_node, offsetof(struct rule_nodes, record), 0, 0},
        {"mei", false, load_node, offsetof(struct rule_nodes, mei), 0, 0},
        {"max-step", false, load_node, offsetof(struct rule_nodes, max_step), 0, 0},
    };
    const size_t mistakes_before = loader->mistakes->list.count;
    struct rule_nodes nodes = {0};
    struct arena_list made = {0}; /* struct modbus_rule: what the one in the file amounts to */
    LOAD_MAP(loader, node, "a rule", fields, &nodes);
    if (node->kind != NODE_MAP)
        return;
    struct modbus_rule rule = {.head = {0}};
    const struct node *const functions =
        load_rule_head(loader, node, &nodes.head, ordinal, &rule.head);
    load_limits(loader, &nodes, &rule);
    if (functions) {
        struct choices choices = {
            .deny = rule.head.deny,
            .bare = !nodes.address && !nodes.point && !nodes.value && !nodes.max_step &&
                    !nodes.file && !nodes.record,
            .files = nodes.file != NULL,
        };
        load_functions(loader, functions, &nodes, &choices, &rule);
        if (nodes.point)
            load_pointed(loader, &nodes, &choices, &rule, &made);
        else
            load_plain(loader, &nodes, &choices, &rule, &made);
    }
    if (loader->mistakes->list.count != mistakes_before)
        return;
    const uint16_t number = add_rule_name(loader, &rule.head);
    const struct modbus_rule *each = made.items;
    for (size_t i = 0; i < made.count; i++) {
        struct modbus_rule *kept =
            arena_append(loader->arena, &service_of(loader)->rules, sizeof *kept);
        *kept = each[i];
        kept->head.number = number;
        if (!kept->head.deny && loader->site->mode == SL_TWO_WAY &&
            kept->accesses & (ACCESSES_WRITING_COILS | ACCESSES_WRITING_REGISTERS))
            loader->site->service[loader->service].flags |= POLICY_SERVICE_LEARNS;
    }
}

void load_modbus_rules(struct loader *loader, const struct node *node)
{
    load_rule_list(loader, node, load_rule);
}

void load_modbus_service(struct loader *loader, const struct service_nodes *nodes)
{
    struct modbus_service_rules *const rules = service_of(loader);
    if (nodes->opaque)
        load_modbus_opaque(loader, nodes->opaque);
    loader->points[0] = &rules->points;
    loader->points[2] = &loader->policy->points;
    if (nodes->points)
        load_point_map(loader, nodes->points, &rules->points);
}
