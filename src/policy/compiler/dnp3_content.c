/* SPDX-License-Identifier: BSD-2-Clause */
/* What DNP3 rules ask of the content of commands: control blocks, analog values, a select. */
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compiler/conditions.h"
#include "policy/compiler/dnp3_rules.h"
#include "policy/compiler/dnp3_words.h"
#include "policy/compiler/scalars.h"
#include "policy/image.h"
#include "protocols/dnp3/limits.h"
#include "protocols/dnp3/link.h"
#include "protocols/dnp3/names.h"

#define MOST_VALUES            256u                  /* ranges of one rule */
#define DEFAULT_SELECT         UINT64_C(10000000000) /* ns */
#define LONGEST_SELECT         UINT64_C(600000000000)
#define MOST_POINT_OUTSTATIONS DNP3_NO_POINTS /* of a service */
#define ALL_OF(group)          ((struct span){(uint32_t)(group) << 8, (uint32_t)(group) << 8 | 0xff})

/* --- words --------------------------------------------------------------------------------- */

struct words {
    const char *key;
    const char *(*name)(unsigned number);
    unsigned count; /* names from 0 on */
    uint8_t set;
};

static void add_word(struct loader *loader, const struct node *node, void *context)
{
    struct words *const words = context;
    const char *text = "", *word[DNP3_OPERATIONS];
    for (unsigned i = 0; i < words->count; i++) {
        word[i] = words->name(i);
        if (strcmp(node->text, word[i]) == 0) {
            words->set |= (uint8_t)(1u << i);
            return;
        }
        text = arena_printf(loader->arena, "%s%s%s", text, i ? ", " : "", word[i]);
    }
    unexpected(loader, node, "%s: %s%s", words->key, text,
               did_you_mean(loader->arena, node->text, word, words->count));
}

static void load_set(struct loader *loader, const struct node *node,
                     const char *(*name)(unsigned number), unsigned count, uint16_t flag,
                     struct dnp3_rule *rule, uint8_t *set)
{
    struct words words = {.key = node ? node->key->text : "", .name = name, .count = count};
    if (node == NULL)
        return;
    for_each(loader, node, arena_printf(loader->arena, "%s: a word or a list", words.key), add_word,
             &words);
    *set = words.set;
    rule->flags |= flag;
}

static void load_numbers(struct loader *loader, const struct node *node, uint32_t high,
                         uint16_t flag, struct dnp3_rule *rule, struct spans *spans)
{
    if (node == NULL)
        return;
    *spans = load_spans(loader, node, node->key->text, 0, high);
    rule->flags |= flag;
}

/* --- analog values ------------------------------------------------------------------------- */

static bool is_number(const char *text, size_t length)
{
    return length > 0 && length < 64 && strspn(text, "0123456789.+-eE") >= length &&
           strcspn(text, "0123456789") < length;
}

/* Both orders of one end of a range; a float beyond what floats hold is the last one. */
static bool parse_value(const char *text, size_t length, uint64_t *order, uint32_t *float_order)
{
    char copy[64];
    if (!is_number(text, length))
        return false;
    memcpy(copy, text, length);
    copy[length] = 0;
    char *end;
    const double number = strtod(copy, &end);
    if (*end || !isfinite(number))
        return false;
    float nearest = strtof(copy, &end);
    if (!isfinite(nearest))
        nearest = number < 0 ? -FLT_MAX : FLT_MAX;
    uint64_t bits;
    uint32_t float_bits;
    memcpy(&bits, &number, sizeof bits);
    memcpy(&float_bits, &nearest, sizeof float_bits);
    return dnp3_double_order(bits, order) && dnp3_float_order(float_bits, float_order);
}

static bool parse_values(const char *text, struct dnp3_value_range *range)
{
    const size_t length = strlen(text);
    if (parse_value(text, length, &range->low, &range->float_low)) {
        range->high = range->low;
        range->float_high = range->float_low;
        return true;
    }
    /* the dash between: not a sign at the front, not one of an exponent */
    for (size_t i = 1; i + 1 < length; i++)
        if (text[i] == '-' && text[i - 1] != 'e' && text[i - 1] != 'E')
            return parse_value(text, i, &range->low, &range->float_low) &&
                   parse_value(text + i + 1, length - i - 1, &range->high, &range->float_high);
    return false;
}

static void add_value(struct loader *loader, const struct node *node, void *context)
{
    struct dnp3_rule *const rule = context;
    struct dnp3_value_range range;
    if (!parse_values(node->text, &range)) {
        unexpected(loader, node, "value: a number such as 15 or -2.5, or a range such as 0-100");
        return;
    }
    if (range.low > range.high) {
        unexpected(loader, node, "the lower value first");
        return;
    }
    *(struct dnp3_value_range *)arena_append(loader->arena, &rule->values, sizeof range) = range;
    rule->values_text = rule->values_text
                            ? arena_printf(loader->arena, "%s, %s", rule->values_text, node->text)
                            : node->text;
}

static int by_low(const void *left, const void *right)
{
    const struct dnp3_value_range *a = left, *b = right;
    return a->low < b->low ? -1 : a->low > b->low;
}

static void load_values(struct loader *loader, const struct node *node, struct dnp3_rule *rule)
{
    for_each(loader, node, "value: a number, a range or a list of these", add_value, rule);
    rule->flags |= DNP3_RULE_VALUE;
    struct dnp3_value_range *const range = rule->values.items;
    if (rule->values.count == 0)
        return;
    qsort(range, rule->values.count, sizeof *range, by_low);
    size_t kept = 0;
    for (size_t i = 1; i < rule->values.count; i++) {
        if (range[i].low > range[kept].high) {
            range[++kept] = range[i];
            continue;
        }
        if (range[i].high > range[kept].high)
            range[kept].high = range[i].high;
        if (range[i].float_high > range[kept].float_high)
            range[kept].float_high = range[i].float_high;
    }
    rule->values.count = kept + 1;
    if (rule->values.count > MOST_VALUES)
        unexpected(loader, node, "at most %u ranges", MOST_VALUES);
}

/* --- steps --------------------------------------------------------------------------------- */

struct step_nodes {
    const struct node *by, *first;
};

static bool parse_step(const struct node *node, uint64_t *step)
{
    struct decimal number;
    if (node->kind != NODE_SCALAR || !parse_decimal(node->text, node->length, &number) ||
        number.digits <= 0)
        return false;
    const __int128 units = ((__int128)number.digits << DNP3_STEP_BITS) / decimal_ten(number.places);
    *step = units > INT64_MAX / 4 ? INT64_MAX / 4 : (uint64_t)units;
    return *step > 0;
}

/* The number under which the last values of an outstation are kept, whoever its master is: what
 * another master commands, by whatever rule, counts too. */
static bool number_outstation(struct dnp3_service_rules *service, struct dnp3_station *station)
{
    struct dnp3_station *const all = service->stations.items;
    unsigned next = 0;
    if (station->points != DNP3_NO_POINTS)
        return true;
    for (size_t i = 0; i < service->stations.count; i++)
        if (all[i].points != DNP3_NO_POINTS && all[i].points >= next)
            next = all[i].points + 1u;
    if (next >= MOST_POINT_OUTSTATIONS)
        return false;
    for (size_t i = 0; i < service->stations.count; i++)
        if (all[i].device_outstation == station->device_outstation)
            all[i].points = (uint8_t)next;
    return true;
}

static bool add_points_of(struct loader *loader, const struct dnp3_rule *rule,
                          struct dnp3_station *station)
{
    struct dnp3_service_rules *const service = &loader->policy->service[loader->service].dnp3;
    if (!number_outstation(service, station))
        return false;
    for (size_t i = 0; i < rule->indexes.count; i++)
        for (uint32_t index = rule->indexes.span[i].low; index <= rule->indexes.span[i].high;
             index++) {
            const struct policy_step_point point = {.service = (uint16_t)loader->service,
                                                    .unit = station->points,
                                                    .address = (uint16_t)index};
            if (!condition_step_point(loader->policy, &point))
                return false;
        }
    return true;
}

static void add_points(struct loader *loader, const struct node *node, const struct dnp3_rule *rule)
{
    const struct dnp3_service_rules *const service = &loader->policy->service[loader->service].dnp3;
    struct dnp3_station *const station = service->stations.items;
    for (size_t s = 0; s < service->stations.count; s++) {
        if (station[s].outstation >= LINK_FIRST_BROADCAST ||
            !dnp3_rule_has_station(rule, &station[s]) || add_points_of(loader, rule, &station[s]))
            continue;
        unexpected(loader, node,
                   "fewer points: at most %u outstations' points have 'max-step' in "
                   "a file",
                   POLICY_MAX_STEP_POINTS);
        return;
    }
}

static void load_step(struct loader *loader, const struct node *node, bool index_given,
                      struct dnp3_rule *rule)
{
    static const struct field fields[] = {
        {"by", true, load_node, offsetof(struct step_nodes, by), 0, 0},
        {"first", false, load_node, offsetof(struct step_nodes, first), 0, 0},
    };
    static const char *const first_words[] = {"deny", "allow"};
    struct step_nodes nodes = {.by = node};
    unsigned first = 0;
    if (node->kind == NODE_MAP) {
        nodes.by = NULL;
        LOAD_MAP(loader, node, "max-step", fields, &nodes);
        if (nodes.by == NULL)
            return;
    }
    const struct span *const span = rule->indexes.span;
    if (rule->head.deny || !index_given || rule->indexes.count == 0 ||
        span[rule->indexes.count - 1].high > UINT16_MAX) {
        mistake_at(loader->mistakes, node->key->line, node->key->column,
                   "found 'max-step' here, expected it in an allow rule that names its 'index' or "
                   "'point', of 0 to 65535");
        return;
    }
    if (loader->site->mode == SL_ONE_WAY)
        mistake_at(loader->mistakes, node->key->line, node->key->column,
                   "found 'max-step' in one-way mode, expected it only where replies come back");
    if (!parse_step(nodes.by, &rule->step))
        unexpected(loader, nodes.by, "max-step: how far a value may move at once, above 0");
    if (nodes.first && load_word(loader, nodes.first, "first", first_words, 2, &first) && first)
        rule->flags |= DNP3_RULE_FIRST;
    rule->step_text = nodes.by->text ? nodes.by->text : "";
    rule->flags |= DNP3_RULE_STEP;
    loader->site->service[loader->service].flags |= POLICY_SERVICE_LEARNS;
    add_points(loader, node, rule);
}

/* --- a select before ----------------------------------------------------------------------- */

static void load_select(struct loader *loader, const struct node *node, struct dnp3_rule *rule)
{
    static const struct field fields[] = {{"within", true, load_node, 0, 0, 0}};
    rule->select_within = DEFAULT_SELECT;
    if (rule->head.deny || loader->site->mode == SL_ONE_WAY)
        mistake_at(loader->mistakes, node->key->line, node->key->column,
                   "found 'select-before-operate' in %s, expected it in an allow rule%s",
                   rule->head.deny ? "a deny rule" : "one-way mode",
                   rule->head.deny ? "" : " of two-way mode");
    if (node->kind == NODE_MAP) {
        const struct node *within = NULL;
        LOAD_MAP(loader, node, "select-before-operate", fields, &within);
        if (within &&
            (within->kind != NODE_SCALAR || !parse_duration(within->text, &rule->select_within) ||
             rule->select_within == 0 || rule->select_within > LONGEST_SELECT))
            unexpected(loader, within, "within: a time up to 10min, such as 5s");
    } else if (node->kind != NODE_SCALAR || strcmp(node->text, "required") != 0) {
        unexpected(loader, node,
                   "select-before-operate: required, or { within: 10s }; without the key no "
                   "select is asked for");
    }
    rule->flags |= DNP3_RULE_SELECT;
    loader->site->service[loader->service].flags |= POLICY_SERVICE_LEARNS;
}

/* --- all of it ----------------------------------------------------------------------------- */

/* Leaves of the rule's objects those of one group, which its content is about. */
static void narrow_to(struct loader *loader, const struct node *node, unsigned group,
                      struct dnp3_rule *rule)
{
    struct arena_list list = {0};
    const struct span all = ALL_OF(group);
    if (rule->objects.count == 0)
        return; /* said already */
    for (size_t i = 0; i < rule->objects.count; i++) {
        struct span span = rule->objects.span[i];
        span.low = span.low > all.low ? span.low : all.low;
        span.high = span.high < all.high ? span.high : all.high;
        if (span.low <= span.high)
            *(struct span *)arena_append(loader->arena, &list, sizeof span) = span;
    }
    rule->objects = spans_of(&list);
    rule->names_objects = true;
    if (rule->objects.count == 0)
        mistake_at(loader->mistakes, node->key->line, node->key->column,
                   "found '%s' in a rule for other groups, expected it for group %u",
                   node->key->text, group);
}

void load_dnp3_content(struct loader *loader, const struct dnp3_rule_nodes *nodes,
                       struct dnp3_rule *rule)
{
    load_set(loader, nodes->operation, dnp3_operation_name, DNP3_OPERATIONS, DNP3_RULE_OPERATION,
             rule, &rule->operations);
    load_set(loader, nodes->trip_close, dnp3_trip_close_name, DNP3_TRIP_CLOSE, DNP3_RULE_TRIP_CLOSE,
             rule, &rule->trip_close);
    load_numbers(loader, nodes->on_time, UINT32_MAX, DNP3_RULE_ON_TIME, rule, &rule->on_time);
    load_numbers(loader, nodes->off_time, UINT32_MAX, DNP3_RULE_OFF_TIME, rule, &rule->off_time);
    load_numbers(loader, nodes->count, UINT8_MAX, DNP3_RULE_COUNT, rule, &rule->count);
    if (nodes->value)
        load_values(loader, nodes->value, rule);
    const struct node *const blocks = nodes->operation    ? nodes->operation
                                      : nodes->trip_close ? nodes->trip_close
                                      : nodes->on_time    ? nodes->on_time
                                      : nodes->off_time   ? nodes->off_time
                                                          : nodes->count;
    const struct node *const analog = nodes->value ? nodes->value : nodes->max_step;
    if (blocks && analog) {
        mistake_at(loader->mistakes, analog->key->line, analog->key->column,
                   "found '%s' beside '%s', expected a rule of its own for analog commands",
                   analog->key->text, blocks->key->text);
        return;
    }
    if (blocks)
        narrow_to(loader, blocks, GROUP_COMMAND, rule);
    if (analog)
        narrow_to(loader, analog, GROUP_ANALOG_COMMAND, rule);
    if (nodes->max_step)
        load_step(loader, nodes->max_step, rule->names_indexes, rule);
    if (nodes->select)
        load_select(loader, nodes->select, rule);
}
