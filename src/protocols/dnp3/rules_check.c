/* SPDX-License-Identifier: BSD-2-Clause */
/* The total check of a DNP3 body: after it, every lookup of rules.c stays within the body. */
#include "policy/conditions.h"
#include "protocols/dnp3/link.h"
#include "protocols/dnp3/rule_set.h"
#include "protocols/dnp3/rules.h"

struct body {
    const struct dnp3_rules *rules;
    uint32_t size;
    unsigned rule_count, condition_count; /* of the image */
};

static bool array(const struct body *body, uint32_t offset, uint32_t count, size_t entry)
{
    return offset % 8 == 0 && offset <= body->size &&
           (uint64_t)count * entry <= body->size - offset;
}

/* No more words than there are, none of them zero, no rule that is none. */
static bool set_good(const struct body *body, uint32_t set)
{
    const struct dnp3_rules *const r = body->rules;
    if (set >= r->word_count)
        return false;
    const uint64_t *const word = set_at(r, set);
    if (bits_of(word[0]) > r->word_count - set - 1)
        return false;
    unsigned at = 1;
    for (uint64_t left = word[0]; left; left &= left - 1, at++) {
        const unsigned first = (unsigned)__builtin_ctzll(left) * 64;
        if (word[at] == 0 || first >= r->rule_count ||
            (r->rule_count - first < 64 && word[at] >> (r->rule_count - first)))
            return false;
    }
    return true;
}

static bool axis_good(const struct body *body, const struct dnp3_axis *axis)
{
    if (axis->count == 0 || !array(body, axis->starts, axis->count, 4) ||
        !array(body, axis->sets, axis->count, 4))
        return false;
    const uint32_t *const start = rules_at(body->rules, axis->starts);
    const uint32_t *const set = rules_at(body->rules, axis->sets);
    for (uint32_t i = 0; i < axis->count; i++)
        if ((i ? start[i] <= start[i - 1] : start[i] != 0) || !set_good(body, set[i]))
            return false;
    return true;
}

static const char *check_arrays(const struct body *body)
{
    const struct dnp3_rules *const r = body->rules;
    if (r->rule_count > DNP3_MAX_RULES ||
        !array(body, r->entries, r->rule_count, sizeof(struct dnp3_rule_entry)))
        return "the rules are outside the body";
    if (r->station_count > DNP3_MAX_STATIONS ||
        !array(body, r->stations, r->station_count, sizeof(struct dnp3_station)) ||
        !array(body, r->by_device, r->station_count, sizeof(uint16_t)))
        return "the stations are outside the body";
    if (!array(body, r->spans, r->span_count, sizeof(struct dnp3_span)) ||
        !array(body, r->values, r->value_count, sizeof(struct dnp3_value_range)))
        return "the rules' ranges are outside the body";
    if (!array(body, r->words, r->word_count, sizeof(uint64_t)))
        return "the sets of rules are outside the body";
    return NULL;
}

static uint32_t outside_key(const struct dnp3_station *station)
{
    return (uint32_t)station->outstation << 16 | station->master;
}

static uint32_t device_key(const struct dnp3_station *station)
{
    return (uint32_t)station->device_outstation << 16 | station->device_master;
}

static bool outstation_good(uint16_t address)
{
    return address <= LINK_LAST_STATION || address >= LINK_FIRST_BROADCAST;
}

static const char *check_stations(const struct body *body)
{
    const struct dnp3_rules *const r = body->rules;
    const struct dnp3_station *const station = rules_at(r, r->stations);
    const uint16_t *const by_device = rules_at(r, r->by_device);
    for (unsigned i = 0; i < r->station_count; i++) {
        if (!set_good(body, station[i].rules) || by_device[i] >= r->station_count)
            return "a station of rules that are none";
        if (station[i].master > LINK_LAST_STATION || station[i].device_master > LINK_LAST_STATION ||
            !outstation_good(station[i].outstation) ||
            !outstation_good(station[i].device_outstation))
            return "a station has no station's address";
        if (i && outside_key(&station[i]) <= outside_key(&station[i - 1]))
            return "the stations are not in order";
    }
    for (unsigned i = 1; i < r->station_count; i++)
        if (device_key(&station[by_device[i]]) <= device_key(&station[by_device[i - 1]]))
            return "the device's stations are not in order";
    return NULL;
}

static const char *check_sets(const struct body *body)
{
    const struct dnp3_rules *const r = body->rules;
    if (!set_good(body, r->allows) || !set_good(body, r->denies) || !set_good(body, r->any_index) ||
        !set_good(body, r->whole))
        return "a set of rules is impossible";
    for (unsigned i = 0; i < DNP3_FUNCTIONS; i++)
        if (!set_good(body, r->function[i]))
            return "a function of rules that are none";
    if (!axis_good(body, &r->clients) || !axis_good(body, &r->objects) ||
        !axis_good(body, &r->indexes))
        return "a table of segments is impossible";
    return NULL;
}

static bool spans_good(const struct dnp3_spans *spans, uint32_t count)
{
    return spans->first <= count && spans->count <= count - spans->first;
}

static const char *check_entries(const struct body *body)
{
    const struct dnp3_rules *const r = body->rules;
    const struct dnp3_rule_entry *const entry = rules_at(r, r->entries);
    for (unsigned i = 0; i < r->rule_count; i++)
        if (entry[i].rule >= body->rule_count ||
            (entry[i].condition >= body->condition_count && entry[i].condition != POLICY_NONE) ||
            !spans_good(&entry[i].indexes, r->span_count) ||
            !spans_good(&entry[i].on_time, r->span_count) ||
            !spans_good(&entry[i].off_time, r->span_count) ||
            !spans_good(&entry[i].count, r->span_count) ||
            !spans_good(&entry[i].values, r->value_count) || entry[i].step > INT64_MAX)
            return "a rule is impossible";
    return NULL;
}

const char *dnp3_rules_check(const void *start, size_t size, unsigned rule_count,
                             unsigned condition_count)
{
    const struct dnp3_rules *const r = start;
    if (size < sizeof *r || size > UINT32_MAX || r->size > size || r->size < sizeof *r)
        return "the rules are shorter than their head";
    if (r->response_fragments == 0 || r->response_fragments > DNP3_MAX_FRAGMENTS ||
        r->response_size == 0)
        return "no response can pass";
    const struct body body = {
        .rules = r, .size = r->size, .rule_count = rule_count, .condition_count = condition_count};
    const char *wrong = check_arrays(&body);
    if (!wrong)
        wrong = check_stations(&body);
    if (!wrong)
        wrong = check_sets(&body);
    return wrong ? wrong : check_entries(&body);
}
