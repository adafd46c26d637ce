/* SPDX-License-Identifier: BSD-2-Clause */
/* What DNP3 rules let through, in sentences. */
#include "policy/compiler/dnp3_rules.h"
#include "policy/compiler/dnp3_words.h"
#include "policy/compiler/language.h"
#include "protocols/dnp3/names.h"

/* Of one group: " variations 1, 2 and 5-6"; "" for all. */
static const char *variations_text(struct arena *arena, const struct spans *objects, uint32_t group)
{
    struct arena_list list = {0};
    for (size_t i = 0; i < objects->count; i++) {
        const struct span span = objects->span[i];
        if (span.high < group << 8 || span.low > (group << 8 | 0xff))
            continue;
        *(struct span *)arena_append(arena, &list, sizeof span) =
            (struct span){span.low > group << 8 ? span.low & 0xff : 0,
                          span.high < (group << 8 | 0xff) ? span.high & 0xff : 0xff};
    }
    const struct spans variations = spans_of(&list);
    if (spans_hold(&variations, 0, 0xff))
        return "";
    return arena_printf(arena, " variation%s %s", spans_single(&variations) ? "" : "s",
                        spans_text(arena, &variations));
}

const char *dnp3_objects_text(struct arena *arena, const struct spans *objects)
{
    const char *before = "", *last = "";
    if (spans_hold(objects, 0, UINT16_MAX))
        return "any group";
    for (uint32_t group = 0; group <= UINT8_MAX; group++) {
        const char *const name = dnp3_group_name(group);
        if (name == NULL || !spans_meet(objects, group << 8, group << 8 | 0xff))
            continue; /* not in the library */
        before = *before && *last ? arena_printf(arena, "%s, %s", before, last) : last;
        last = arena_printf(arena, "group %u (%s)%s", group, name,
                            variations_text(arena, objects, group));
    }
    return *before ? arena_printf(arena, "%s and %s", before, last) : last;
}

static const char *set_text(struct arena *arena, unsigned set, const char *(*name)(unsigned),
                            unsigned count)
{
    const char *text = "";
    for (unsigned i = 0; i < count; i++)
        if (set >> i & 1)
            text = arena_printf(arena, "%s%s%s", text, *text ? ", " : "", name(i));
    return words_joined(arena, text, "or");
}

static const char *content_text(struct arena *arena, const struct dnp3_rule *rule)
{
    const char *text = "";
    if (rule->flags & DNP3_RULE_OPERATION)
        text =
            arena_printf(arena, "%s, operation %s", text,
                         set_text(arena, rule->operations, dnp3_operation_name, DNP3_OPERATIONS));
    if (rule->flags & DNP3_RULE_TRIP_CLOSE)
        text =
            arena_printf(arena, "%s, trip-close %s", text,
                         set_text(arena, rule->trip_close, dnp3_trip_close_name, DNP3_TRIP_CLOSE));
    if (rule->flags & DNP3_RULE_ON_TIME)
        text = arena_printf(arena, "%s, on-time %s ms", text, spans_text(arena, &rule->on_time));
    if (rule->flags & DNP3_RULE_OFF_TIME)
        text = arena_printf(arena, "%s, off-time %s ms", text, spans_text(arena, &rule->off_time));
    if (rule->flags & DNP3_RULE_COUNT)
        text = arena_printf(arena, "%s, count %s", text, spans_text(arena, &rule->count));
    if (rule->flags & DNP3_RULE_VALUE)
        text = arena_printf(arena, "%s, value %s", text,
                            words_joined(arena, rule->values_text ? rule->values_text : "", "or"));
    return text;
}

static const char *conditions_text(struct arena *arena, const struct dnp3_rule *rule)
{
    const char *text = "";
    if (rule->flags & DNP3_RULE_STEP)
        text = arena_printf(arena, ", by at most %s from the last value (%s while none is known)",
                            rule->step_text, rule->flags & DNP3_RULE_FIRST ? "any" : "none");
    if (rule->flags & DNP3_RULE_SELECT)
        text = arena_printf(arena, "%s, an operate only after its select (within %g s)", text,
                            (double)rule->select_within / 1e9);
    return rule_conditions_text(arena, &rule->head, text);
}

static const char *stations_text(struct arena *arena, const struct dnp3_rule *rule)
{
    const char *text =
        rule->any_outstation
            ? "any outstation"
            : arena_printf(arena, "outstation%s %s", spans_single(&rule->outstations) ? "" : "s",
                           spans_text(arena, &rule->outstations));
    if (!rule->any_master)
        text =
            arena_printf(arena, "%s as master%s %s", text, spans_single(&rule->masters) ? "" : "s",
                         spans_text(arena, &rule->masters));
    return text;
}

void dnp3_explain_rule(struct arena *arena, const struct dnp3_rule *rule, FILE *out)
{
    const char *what = dnp3_functions_text(arena, rule->functions);
    if (rule->points)
        what = arena_printf(arena, "%s %s,", what, rule->points);
    if (rule->names_objects)
        what = arena_printf(arena, "%s %s", what, dnp3_objects_text(arena, &rule->objects));
    if (rule->names_indexes)
        what = arena_printf(arena, "%s index%s %s", what, spans_single(&rule->indexes) ? "" : "es",
                            spans_text(arena, &rule->indexes));
    fprintf(out, "  %s %s %s of %s%s%s [%s, line %u];\n",
            rule->head.any_client ? "any client" : rule->head.clients_text,
            rule->head.deny ? "may not" : "may", what, stations_text(arena, rule),
            content_text(arena, rule), conditions_text(arena, rule), rule->head.name,
            rule->head.line);
}

void dnp3_explain_rules(const struct site *site, struct arena *arena, unsigned service, FILE *out)
{
    const struct dnp3_service_rules *const rules = &site->policy->service[service].dnp3;
    const struct dnp3_rule *const rule = rules->rules.items;
    for (int deny = 0; deny < 2; deny++)
        for (size_t i = 0; i < rules->rules.count; i++)
            if (rule[i].head.deny == (deny != 0))
                dnp3_explain_rule(arena, &rule[i], out);
}
