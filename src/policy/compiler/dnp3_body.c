/* SPDX-License-Identifier: BSD-2-Clause */
/* A DNP3 service's stations and rules as the tables of protocols/dnp3/rules.h. */
#include <stdlib.h>
#include <string.h>

#include "policy/compiler/borders.h"
#include "policy/compiler/dnp3_rules.h"
#include "policy/compiler/dnp3_words.h"
#include "policy/compiler/image_build.h"
#include "policy/compiler/intern.h"
#include "protocols/dnp3/rules.h"

#define MOST_SET_WORDS ((size_t)1 << 22) /* of one axis while it is divided: 32 MiB */

struct placing {
    struct arena *arena;
    struct buffer *body;
    const struct dnp3_rule *rules;
    size_t count, words;
    struct intern sets;
    struct arena_list set_words;  /* uint64_t: dnp3_rules.words */
    struct arena_list set_offset; /* uint32_t: of each interned set in them */
    struct arena_list spans;      /* struct dnp3_span */
    struct arena_list values;     /* struct dnp3_value_range */
    bool too_large;
};

/* The number that the body gives a set of rules, one bit each. */
static uint32_t set_number(struct placing *p, const uint64_t *bits)
{
    uint64_t sparse[1 + DNP3_RULE_WORDS] = {0};
    size_t length = 1;
    for (size_t w = 0; w < p->words; w++) {
        if (bits[w] == 0)
            continue;
        sparse[0] |= UINT64_C(1) << w;
        sparse[length++] = bits[w];
    }
    const uint32_t number = intern(p->arena, &p->sets, sparse, length * sizeof *sparse);
    if (number == p->set_offset.count) {
        *(uint32_t *)arena_append(p->arena, &p->set_offset, sizeof(uint32_t)) =
            (uint32_t)p->set_words.count;
        for (size_t i = 0; i < length; i++)
            *(uint64_t *)arena_append(p->arena, &p->set_words, sizeof(uint64_t)) = sparse[i];
    }
    return ((const uint32_t *)p->set_offset.items)[number];
}

/* The set of the rules for which `holds`. */
static uint32_t set_where(struct placing *p,
                          bool (*holds)(const struct dnp3_rule *rule, const void *context),
                          const void *context)
{
    uint64_t bits[DNP3_RULE_WORDS] = {0};
    for (size_t r = 0; r < p->count; r++)
        if (holds(&p->rules[r], context))
            bits[r / 64] |= UINT64_C(1) << r % 64;
    return set_number(p, bits);
}

static bool allows(const struct dnp3_rule *rule, const void *context)
{
    (void)context;
    return !rule->head.deny;
}

static bool denies(const struct dnp3_rule *rule, const void *context)
{
    (void)context;
    return rule->head.deny;
}

static bool has_any_index(const struct dnp3_rule *rule, const void *context)
{
    (void)context;
    return spans_hold(&rule->indexes, 0, UINT32_MAX);
}

static bool is_whole(const struct dnp3_rule *rule, const void *context)
{
    (void)context;
    return !rule->names_objects && !rule->names_indexes;
}

static bool has_function(const struct dnp3_rule *rule, const void *context)
{
    return rule->functions >> *(const unsigned *)context & 1;
}

static bool has_station(const struct dnp3_rule *rule, const void *context)
{
    return dnp3_rule_has_station(rule, context);
}

/* --- axes ---------------------------------------------------------------------------------- */

typedef struct spans (*spans_of_rule)(const struct dnp3_rule *rule);

static struct spans clients_of(const struct dnp3_rule *rule)
{
    static const struct span everyone = {0, UINT32_MAX};
    return rule->head.any_client ? (struct spans){1, &everyone} : rule->head.clients;
}

static struct spans objects_of(const struct dnp3_rule *rule)
{
    return rule->objects;
}

static struct spans indexes_of(const struct dnp3_rule *rule)
{
    return rule->indexes;
}

static struct dnp3_axis place_axis(struct placing *p, spans_of_rule of_rule)
{
    struct arena_list list = {0};
    borders_begin(p->arena, &list);
    for (size_t r = 0; r < p->count; r++) {
        const struct spans spans = of_rule(&p->rules[r]);
        for (size_t i = 0; i < spans.count; i++)
            borders_add(p->arena, &list, spans.span[i]);
    }
    const size_t count = borders_settle(&list);
    const uint64_t *const borders = list.items;
    struct arena_list starts = {0}, sets = {0}; /* uint32_t */
    if (count * p->words > MOST_SET_WORDS) {
        p->too_large = true;
        return (struct dnp3_axis){0};
    }
    uint64_t *const bits = arena_take(p->arena, (count * p->words + 1) * sizeof *bits);
    for (size_t r = 0; r < p->count; r++) {
        const struct spans spans = of_rule(&p->rules[r]);
        for (size_t i = 0; i < spans.count; i++)
            for (size_t b = border_at(borders, count, spans.span[i].low);
                 b < count && borders[b] <= spans.span[i].high; b++)
                bits[b * p->words + r / 64] |= UINT64_C(1) << r % 64;
    }
    uint32_t last = UINT32_MAX;
    for (size_t b = 0; b < count; b++) {
        const uint32_t set = set_number(p, bits + b * p->words);
        if (set == last)
            continue;
        *(uint32_t *)arena_append(p->arena, &starts, sizeof(uint32_t)) = (uint32_t)borders[b];
        *(uint32_t *)arena_append(p->arena, &sets, sizeof(uint32_t)) = set;
        last = set;
    }
    struct dnp3_axis axis = {.count = (uint32_t)starts.count};
    axis.starts = buffer_add(p->body, starts.items, starts.count * sizeof(uint32_t), 8);
    axis.sets = buffer_add(p->body, sets.items, sets.count * sizeof(uint32_t), 8);
    return axis;
}

/* --- stations ------------------------------------------------------------------------------ */

static int by_station(const void *left, const void *right)
{
    const struct dnp3_station *a = left, *b = right;
    if (a->outstation != b->outstation)
        return a->outstation < b->outstation ? -1 : 1;
    return a->master < b->master ? -1 : a->master > b->master;
}

static int by_device(const void *left, const void *right)
{
    const struct dnp3_station *const *a = left, *const *b = right;
    if ((*a)->device_outstation != (*b)->device_outstation)
        return (*a)->device_outstation < (*b)->device_outstation ? -1 : 1;
    return (*a)->device_master < (*b)->device_master ? -1
                                                     : (*a)->device_master > (*b)->device_master;
}

static void place_stations(struct placing *p, const struct arena_list *stations,
                           struct dnp3_rules *head)
{
    const size_t count = stations->count;
    struct dnp3_station *const sorted = arena_take(p->arena, (count + 1) * sizeof *sorted);
    const struct dnp3_station **const order = arena_take(p->arena, (count + 1) * sizeof *order);
    if (count)
        memcpy(sorted, stations->items, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_station);
    for (size_t i = 0; i < count; i++) {
        sorted[i].rules = set_where(p, has_station, &sorted[i]);
        order[i] = &sorted[i];
    }
    qsort(order, count, sizeof *order, by_device);
    head->station_count = (uint16_t)count;
    head->stations = buffer_add(p->body, sorted, count * sizeof *sorted, 8);
    head->by_device = buffer_add(p->body, NULL, count * sizeof(uint16_t), 8);
    for (size_t i = 0; i < count; i++) {
        const uint16_t number = (uint16_t)(order[i] - sorted);
        memcpy(p->body->bytes + head->by_device + i * sizeof number, &number, sizeof number);
    }
}

/* --- rules --------------------------------------------------------------------------------- */

static struct dnp3_spans place_spans(struct placing *p, const struct spans *spans)
{
    const struct dnp3_spans placed = {(uint32_t)p->spans.count, (uint32_t)spans->count};
    for (size_t i = 0; i < spans->count; i++)
        *(struct dnp3_span *)arena_append(p->arena, &p->spans, sizeof(struct dnp3_span)) =
            (struct dnp3_span){spans->span[i].low, spans->span[i].high};
    return placed;
}

static struct dnp3_spans place_values(struct placing *p, const struct arena_list *values)
{
    const struct dnp3_spans placed = {(uint32_t)p->values.count, (uint32_t)values->count};
    const struct dnp3_value_range *const range = values->items;
    for (size_t i = 0; i < values->count; i++)
        *(struct dnp3_value_range *)arena_append(p->arena, &p->values, sizeof *range) = range[i];
    return placed;
}

static struct dnp3_rule_entry entry_of(struct placing *p, const struct dnp3_rule *rule)
{
    struct dnp3_rule_entry entry = {
        .rule = rule->head.number,
        .condition = rule->head.condition,
        .flags = rule->flags,
        .operations = rule->operations,
        .trip_close = rule->trip_close,
        .step = rule->step,
        .select_within = rule->select_within,
    };
    if (rule->head.deny)
        entry.flags |= DNP3_RULE_DENY;
    if (rule->names_objects)
        entry.flags |= DNP3_RULE_OBJECTS;
    if (rule->names_indexes) {
        entry.flags |= DNP3_RULE_INDEXES;
        entry.indexes = place_spans(p, &rule->indexes);
    }
    entry.on_time = place_spans(p, &rule->on_time);
    entry.off_time = place_spans(p, &rule->off_time);
    entry.count = place_spans(p, &rule->count);
    entry.values = place_values(p, &rule->values);
    return entry;
}

static void place_rules(struct placing *p, struct dnp3_rules *head)
{
    head->rule_count = (uint16_t)p->count;
    head->entries = buffer_add(p->body, NULL, p->count * sizeof(struct dnp3_rule_entry), 8);
    for (size_t r = 0; r < p->count; r++) {
        const struct dnp3_rule_entry entry = entry_of(p, &p->rules[r]);
        memcpy(p->body->bytes + head->entries + r * sizeof entry, &entry, sizeof entry);
    }
    head->spans = buffer_add(p->body, p->spans.items, p->spans.count * sizeof(struct dnp3_span), 8);
    head->span_count = (uint32_t)p->spans.count;
    head->values =
        buffer_add(p->body, p->values.items, p->values.count * sizeof(struct dnp3_value_range), 8);
    head->value_count = (uint32_t)p->values.count;
}

static uint16_t options_of(const struct site_service *service)
{
    return (uint16_t)((service->skip_noise ? DNP3_SKIP_NOISE : 0u) |
                      (service->unsolicited ? DNP3_UNSOLICITED : 0u) |
                      (service->datagrams ? DNP3_UDP : 0u));
}

const uint8_t *dnp3_body(struct loader *loader, struct arena *arena, uint32_t *size)
{
    const struct service_policy *const place = &loader->policy->service[loader->service];
    const struct site_service *const service = &loader->site->service[loader->service];
    const struct arena_list *const rules = &place->dnp3.rules;
    struct buffer body = {.arena = arena};
    struct placing p = {.arena = arena,
                        .body = &body,
                        .rules = rules->items,
                        .count = rules->count,
                        .words = (rules->count + 63) / 64};
    struct dnp3_rules head = {.options = options_of(service),
                              .response_fragments = service->response_fragments,
                              .response_size = service->response_size};
    buffer_add(&body, NULL, sizeof head, 8);
    place_stations(&p, &place->dnp3.stations, &head);
    place_rules(&p, &head);
    head.allows = set_where(&p, allows, NULL);
    head.denies = set_where(&p, denies, NULL);
    head.any_index = set_where(&p, has_any_index, NULL);
    head.whole = set_where(&p, is_whole, NULL);
    for (unsigned function = 0; function < DNP3_FUNCTIONS; function++)
        head.function[function] = set_where(&p, has_function, &function);
    head.clients = place_axis(&p, clients_of);
    head.objects = place_axis(&p, objects_of);
    head.indexes = place_axis(&p, indexes_of);
    head.words = buffer_add(&body, p.set_words.items, p.set_words.count * sizeof(uint64_t), 8);
    head.word_count = (uint32_t)p.set_words.count;
    buffer_add(&body, NULL, 0, 8);
    if (p.too_large || body.length > POLICY_LARGEST_IMAGE) {
        mistake_at(loader->mistakes, place->line, place->column,
                   "found a service whose rules make more than %zu KiB of tables, expected fewer "
                   "different hosts, objects and indexes",
                   POLICY_LARGEST_IMAGE >> 10);
        return NULL;
    }
    head.size = (uint32_t)body.length;
    memcpy(body.bytes, &head, sizeof head);
    *size = head.size;
    return body.bytes;
}
