/* SPDX-License-Identifier: BSD-2-Clause */
/* What DNP3 rules let through, in sentences. */
#include "policy/compiler/dnp3_rules.h"
#include "policy/compiler/dnp3_words.h"
#include "policy/compiler/language.h"
#include "protocols/dnp3/names.h"

const char *dnp3_objects_text(struct arena *arena, const struct spans *objects)
{
    const char *text = "";
    for (size_t i = 0; i < objects->count; i++) {
        const struct span span = objects->span[i];
        for (uint32_t group = span.low >> 8; group <= span.high >> 8; group++) {
            const uint32_t low = group == span.low >> 8 ? span.low & 0xff : 0;
            const uint32_t high = group == span.high >> 8 ? span.high & 0xff : 0xff;
            const char *const name = dnp3_group_name(group);
            text = arena_printf(arena, "%s%sgroup %u%s%s%s", text, *text ? ", " : "", group,
                                name ? " (" : "", name ? name : "", name ? ")" : "");
            if (low == high)
                text = arena_printf(arena, "%s variation %u", text, low);
            else if (low > 0 || high < 0xff)
                text = arena_printf(arena, "%s variations %u-%u", text, low, high);
        }
    }
    return words_joined(arena, text, "and");
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
    if (rule->head.rate)
        text = arena_printf(arena, "%s, at most %s", text, rule->head.rate);
    if (rule->head.when)
        text = arena_printf(arena, "%s, %s", text, rule->head.when);
    if (rule->head.expires)
        text = arena_printf(arena, "%s, %s %s", text, rule->head.expired ? "EXPIRED" : "until",
                            rule->head.expires);
    if (rule->head.owner)
        text = arena_printf(arena, "%s, owner %s", text, rule->head.owner);
    return text;
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

void dnp3_warn(const struct site *site, struct arena *arena, unsigned service, FILE *out)
{
    (void)site;
    (void)arena;
    (void)service;
    (void)out;
}

bool dnp3_message_of(const struct site *site, unsigned service, const char *const *words,
                     size_t count, uint8_t *bytes, size_t *length, FILE *errors)
{
    (void)site;
    (void)service;
    (void)words;
    (void)count;
    (void)bytes;
    *length = 0;
    fputs("sluice explain: found a DNP3 service, expected another: no words for it yet\n", errors);
    return false;
}

void dnp3_explain_decision(const struct site *site, struct arena *arena, unsigned service,
                           struct policy_state *state, const struct sl_decision *decision,
                           const void *request, size_t length, FILE *out)
{
    (void)site;
    (void)arena;
    (void)service;
    (void)state;
    (void)decision;
    (void)request;
    (void)length;
    (void)out;
}
