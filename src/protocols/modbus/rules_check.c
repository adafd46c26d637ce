/* SPDX-License-Identifier: BSD-2-Clause */
/* The total check of a Modbus body: after it, every lookup of rules.c stays within the body. */
#include "protocols/modbus/rules.h"

#include "policy/conditions.h"
#include "sluice/audit.h"

struct body {
    const struct modbus_rules *rules;
    uint32_t size;
    unsigned rule_count, condition_count;
};

static const void *at(const struct body *body, uint32_t offset)
{
    return (const uint8_t *)body->rules + offset;
}

static bool array(const struct body *body, uint32_t offset, uint32_t count, size_t entry,
                  uint32_t alignment)
{
    return offset % alignment == 0 && offset <= body->size &&
           (uint64_t)count * entry <= body->size - offset;
}

static bool rule_known(const struct body *body, uint16_t rule)
{
    return rule == SL_NO_RULE || rule < body->rule_count;
}

static const char *check_arrays(const struct body *body)
{
    const struct modbus_rules *const r = body->rules;
    if (r->exact_bits > 16 ||
        !array(body, r->exact, UINT32_C(1) << r->exact_bits, sizeof(struct modbus_exact_client), 4))
        return "the table of single clients is outside the body";
    if (r->range_count == 0 || !array(body, r->range_starts, r->range_count, 4, 4) ||
        !array(body, r->range_classes, r->range_count, 2, 2))
        return "the table of networks is outside the body";
    if (!array(body, r->classes, r->class_count, sizeof(struct modbus_client_class), 4))
        return "the client classes are outside the body";
    if (!array(body, r->unit_maps, r->unit_map_count, 256, 1))
        return "the unit maps are outside the body";
    if (!array(body, r->class_rows, r->class_row_count, 2, 2))
        return "the rows of the classes are outside the body";
    if (r->access_count < MODBUS_ACCESS_OPAQUE || r->access_count > MODBUS_MAX_ACCESSES)
        return "the number of accesses is impossible";
    if (!array(body, r->rows, (uint32_t)r->row_count * r->access_count, 2, 2) ||
        !array(body, r->row_allows, r->row_count, 1, 1))
        return "the rows are outside the body";
    if (!array(body, r->tables, r->table_count, sizeof(struct modbus_table), 4))
        return "the address tables are outside the body";
    if (!array(body, r->limited, r->limited_count, sizeof(struct modbus_limited), 4) ||
        !array(body, r->limits, r->limit_count, sizeof(struct modbus_limit), 8))
        return "the value limits are outside the body";
    if (!array(body, r->opaque, r->opaque_count, sizeof(struct modbus_opaque), 4))
        return "the opaque functions are outside the body";
    return NULL;
}

static const char *check_clients(const struct body *body)
{
    const struct modbus_rules *const r = body->rules;
    const struct modbus_exact_client *exact = at(body, r->exact);
    for (uint32_t i = 0; i < UINT32_C(1) << r->exact_bits; i++)
        if (exact[i].used && exact[i].class >= r->class_count)
            return "a client of a class that is none";
    const uint16_t *range_class = at(body, r->range_classes);
    for (unsigned i = 0; i < r->range_count; i++)
        if (range_class[i] >= r->class_count)
            return "a network of a class that is none";

    const struct modbus_client_class *classes = at(body, r->classes);
    for (unsigned i = 0; i < r->class_count; i++) {
        if (classes[i].unit_map >= r->unit_map_count)
            return "a client class without a unit map";
        if (classes[i].first_row > r->class_row_count ||
            classes[i].unit_classes > r->class_row_count - classes[i].first_row)
            return "a client class has rows that are none";
        const uint8_t *map = (const uint8_t *)at(body, r->unit_maps) + 256u * classes[i].unit_map;
        for (unsigned unit = 0; unit < 256; unit++)
            if (map[unit] >= classes[i].unit_classes)
                return "a unit of a class that is none";
    }
    const uint16_t *class_rows = at(body, r->class_rows);
    for (uint32_t i = 0; i < r->class_row_count; i++)
        if (class_rows[i] >= r->row_count)
            return "a client class has a row that is none";
    const uint16_t *rows = at(body, r->rows);
    for (uint32_t i = 0; i < (uint32_t)r->row_count * r->access_count; i++)
        if (rows[i] >= r->table_count)
            return "a row has a table that is none";
    return NULL;
}

static const char *check_segment(const struct body *body, const struct modbus_table *table,
                                 const struct modbus_segment *segment)
{
    const struct modbus_rules *const r = body->rules;
    if (table->flags & MODBUS_TABLE_FILES) {
        const struct modbus_table *tables = at(body, r->tables);
        if (segment->limited >= r->table_count ||
            tables[segment->limited].flags & MODBUS_TABLE_FILES)
            return "a file has a table of records that is none";
        return NULL;
    }
    if (!rule_known(body, segment->allow_rule) || !rule_known(body, segment->deny_rule))
        return "a segment names a rule that is none";
    if (segment->limited > r->limited_count ||
        (uint32_t)segment->limited_allows + segment->limited_denies >
            r->limited_count - segment->limited)
        return "a segment's limited rules are outside the body";
    return NULL;
}

static const char *check_table(const struct body *body, const struct modbus_table *table)
{
    if (table->segment_count == 0 || table->index_count == 0 || table->shift > 16)
        return "an address table is empty";
    if (!array(body, table->starts, table->segment_count, 2, 2) ||
        !array(body, table->segments, table->segment_count, sizeof(struct modbus_segment), 4) ||
        !array(body, table->index, table->index_count + 1u, 2, 2))
        return "an address table is outside the body";
    const uint16_t *starts = at(body, table->starts);
    if (starts[0] != 0)
        return "an address table does not start at 0";
    for (unsigned i = 1; i < table->segment_count; i++)
        if (starts[i] <= starts[i - 1])
            return "an address table is not ascending";
    const uint16_t *index = at(body, table->index);
    for (unsigned i = 0; i <= table->index_count; i++)
        if (index[i] >= table->segment_count)
            return "an address table's index leads out of it";
    const struct modbus_segment *segments = at(body, table->segments);
    for (unsigned i = 0; i < table->segment_count; i++) {
        const char *wrong = check_segment(body, table, &segments[i]);
        if (wrong)
            return wrong;
    }
    return NULL;
}

static const char *check_limits(const struct body *body)
{
    const struct modbus_rules *const r = body->rules;
    const struct modbus_limited *limited = at(body, r->limited);
    for (uint32_t i = 0; i < r->limited_count; i++)
        if ((limited[i].limit >= r->limit_count && limited[i].limit != POLICY_NONE) ||
            (limited[i].condition >= body->condition_count &&
             limited[i].condition != POLICY_NONE) ||
            limited[i].rule >= body->rule_count || limited[i].first > limited[i].last)
            return "a limited rule is impossible";
    const struct modbus_limit *limit = at(body, r->limits);
    for (unsigned i = 0; i < r->limit_count; i++)
        if (limit[i].type > MODBUS_COIL ||
            !array(body, limit[i].ranges, limit[i].count, sizeof(struct modbus_value_range), 4))
            return "a value limit is impossible";
    return NULL;
}

static const char *check_functions(const struct body *body)
{
    const struct modbus_rules *const r = body->rules;
    for (unsigned i = 0; i < sizeof r->access; i++)
        if (r->access[i] >= r->access_count)
            return "a function of an access that is none";
    const struct modbus_opaque *opaque = at(body, r->opaque);
    for (unsigned i = 0; i < r->opaque_count; i++)
        if (opaque[i].function == 0 || opaque[i].function > 127 || opaque[i].direction > SL_REPLY ||
            opaque[i].prefix_length > MODBUS_OPAQUE_PREFIX ||
            opaque[i].min_length < opaque[i].prefix_length ||
            opaque[i].min_length > opaque[i].max_length ||
            opaque[i].max_length > MODBUS_MAX_PDU - 1)
            return "an opaque function is impossible";
    return NULL;
}

const char *modbus_rules_check(const void *start, size_t size, unsigned rule_count,
                               unsigned condition_count)
{
    const struct modbus_rules *const r = start;
    if (size < sizeof *r || size > UINT32_MAX || r->size > size || r->size < sizeof *r)
        return "the rules are shorter than their head";
    const struct body body = {
        .rules = r, .size = r->size, .rule_count = rule_count, .condition_count = condition_count};
    const char *wrong = check_arrays(&body);
    if (!wrong)
        wrong = check_clients(&body);
    if (!wrong)
        wrong = check_limits(&body);
    if (!wrong)
        wrong = check_functions(&body);
    const struct modbus_table *tables = wrong ? NULL : at(&body, r->tables);
    for (unsigned i = 0; !wrong && i < r->table_count; i++)
        wrong = check_table(&body, &tables[i]);
    return wrong;
}
