/* SPDX-License-Identifier: BSD-2-Clause */
/* What Modbus rules let through, in sentences. */
#include "policy/compiler/language.h"
#include "policy/compiler/load.h"
#include "policy/compiler/modbus_words.h"
#include "policy/compiler/scalars.h"

const char *modbus_value_text(struct arena *arena, const struct modbus_rule *rule, uint32_t order)
{
    return rule->points ? scaled_text(arena, rule->type, rule->scale, order)
                        : value_text(arena, rule->type, order);
}

static const char *values_text(struct arena *arena, const struct modbus_rule *rule)
{
    static const char *const types[] = {
        [MODBUS_UINT16] = "",       [MODBUS_INT16] = " (int16)",    [MODBUS_UINT32] = " (uint32",
        [MODBUS_INT32] = " (int32", [MODBUS_FLOAT32] = " (float32", [MODBUS_COIL] = "",
    };
    const char *text = "";
    for (size_t i = 0; i < rule->values.count; i++) {
        const struct span span = rule->values.span[i];
        const char *low = modbus_value_text(arena, rule, span.low);
        const char *high = modbus_value_text(arena, rule, span.high);
        const char *comma = i ? ", " : "";
        if (span.low == span.high)
            text = arena_printf(arena, "%s%s%s", text, comma, low);
        else if (rule->type == MODBUS_COIL)
            text = arena_printf(arena, "%s%s%s or %s", text, comma, high, low); /* on or off */
        else
            text = arena_printf(arena, "%s%s%s to %s", text, comma, low, high);
    }
    text = words_joined(arena, text, "or");
    if (rule->points)
        return *rule->measure ? arena_printf(arena, "%s %s", text, rule->measure) : text;
    return arena_printf(arena, "%s%s%s", text, types[rule->type],
                        !modbus_value_is_wide(rule->type) ? ""
                        : rule->low_first                 ? ", low word first)"
                                                          : ", high word first)");
}

static const char *conditions_text(struct arena *arena, const struct modbus_rule *rule)
{
    const char *text = "";
    if (rule->step)
        text =
            arena_printf(arena, ", by at most %s%s%s from the last value (%s while none is known)",
                         rule->step_text, rule->points && *rule->measure ? " " : "",
                         rule->points ? rule->measure : "", rule->first_passes ? "any" : "none");
    return rule_conditions_text(arena, &rule->head, text);
}

/* A limit of steps alone has all values. */
static bool says_values(const struct modbus_rule *rule)
{
    return rule->limited &&
           !(rule->step && rule->values.count == 1 && rule->values.span[0].low == 0 &&
             rule->values.span[0].high ==
                 (modbus_value_is_wide(rule->type) ? UINT32_MAX : UINT16_MAX));
}

static const char *units_text(struct arena *arena, const struct modbus_rule *rule)
{
    if (rule->any_unit)
        return "any unit";
    return arena_printf(arena, "unit%s %s", spans_single(&rule->units) ? "" : "s",
                        spans_text(arena, &rule->units));
}

/* "write registers 0-9 of unit 1 with value 5": `accesses` of the rule, whose values `limited`
 * says to be limited. */
static const char *clause(struct arena *arena, const struct modbus_service_rules *service,
                          const struct modbus_rule *rule, uint64_t accesses, bool limited)
{
    const char *what = modbus_rule_text(arena, rule, accesses, service->opaque_functions);
    const char *units = units_text(arena, rule);
    const char *values = limited ? values_text(arena, rule) : "";
    if (rule->points)
        return arena_printf(arena, "%s%s%s, %s,%s%s of %s", what, limited ? " " : "", values,
                            words_joined(arena, rule->places, "and"),
                            modbus_point_functions(arena, rule, accesses),
                            *modbus_point_functions(arena, rule, accesses) ? "," : "", units);
    const bool one = rule->type == MODBUS_COIL || spans_single(&rule->values);
    return arena_printf(arena, "%s of %s%s%s", what, units,
                        !limited ? ""
                        : one    ? " with value "
                                 : " with values ",
                        values);
}

/* What the rule leaves unlimited, what its values limit, and what can never be known: an allow rule
 * is silent on that, a deny rule denies it all. */
void modbus_explain_rule(struct arena *arena, const struct modbus_service_rules *service,
                         const struct modbus_rule *rule, FILE *out)
{
    const uint64_t writing = ACCESSES_WRITING_COILS | ACCESSES_WRITING_REGISTERS;
    const uint64_t unknown = modbus_rule_unknown(rule);
    const uint64_t limited = says_values(rule) ? rule->accesses & writing & ~unknown : 0;
    const uint64_t others = rule->accesses & ~limited & ~unknown;
    const char *text = "";
    if (others)
        text = clause(arena, service, rule, others, false);
    if (limited)
        text = arena_printf(arena, "%s%s%s", text, others ? " and " : "",
                            clause(arena, service, rule, limited, true));
    if (limited && rule->head.deny && modbus_value_is_wide(rule->type))
        text = arena_printf(arena, "%s, nor half of a value", text);
    if (unknown && rule->head.deny)
        text = arena_printf(arena, "%s%s%s, whatever the value", text, limited ? ", nor " : "",
                            clause(arena, service, rule, unknown, false));
    fprintf(out, "  %s %s %s%s [%s, line %u];\n",
            rule->head.any_client ? "any client" : rule->head.clients_text,
            rule->head.deny ? "may not" : "may", text, conditions_text(arena, rule),
            rule->head.name, rule->head.line);
}

static void warn_of_opaque(const struct site *site, struct arena *arena, unsigned number, FILE *out)
{
    const struct modbus_service_rules *rules = &site->policy->service[number].modbus;
    const struct modbus_opaque *opaque = rules->opaque.items;
    for (size_t i = 0; i < rules->opaque.count; i++) {
        const char *bytes = "";
        for (unsigned k = 0; k < opaque[i].prefix_length; k++)
            bytes = arena_printf(arena, "%s%s%02x", bytes, k ? " " : " beginning with ",
                                 opaque[i].prefix[k]);
        fprintf(out,
                "WARNING: content not understood: service '%s' lists function %u as opaque; of "
                "its %s the gateway checks only the length, %s bytes%s%s. Who may use the "
                "function may send whatever it can do.\n",
                site->service[number].name, opaque[i].function,
                opaque[i].direction == SL_REQUEST ? "requests" : "replies",
                opaque[i].min_length == opaque[i].max_length
                    ? arena_printf(arena, "%u", opaque[i].min_length)
                    : arena_printf(arena, "%u to %u", opaque[i].min_length, opaque[i].max_length),
                opaque[i].prefix_length ? "," : "", bytes);
    }
}

/* Functions that do more than their name says. */
static void warn_of_rules(const struct site *site, unsigned number, FILE *out)
{
    static const struct {
        uint32_t subfunction; /* AP 6.8.1 */
        const char *does;
    } harmful[] = {
        {1, "restart a device's communications"},
        {4, "make a device listen only, so that it answers no more"},
    };
    const struct modbus_service_rules *rules = &site->policy->service[number].modbus;
    const struct modbus_rule *rule = rules->rules.items;
    for (size_t i = 0; i < rules->rules.count; i++) {
        if (rule[i].head.deny)
            continue;
        for (size_t k = 0; k < sizeof harmful / sizeof harmful[0]; k++)
            if (rule[i].accesses & ACCESS(MODBUS_ACCESS_DIAGNOSTICS) &&
                spans_hold(&rule[i].subfunctions, harmful[k].subfunction, harmful[k].subfunction))
                fprintf(out,
                        "WARNING: %s:%u: rule '%s' allows function 8, sub-function %u: a client "
                        "may %s.\n",
                        site->path, rule[i].head.line, rule[i].head.name, harmful[k].subfunction,
                        harmful[k].does);
        if (rule[i].accesses & ACCESS(MODBUS_ACCESS_CANOPEN))
            fprintf(out,
                    "WARNING: content not understood: %s:%u: rule '%s' allows function 43, type "
                    "13: what it carries is CANopen's, which the gateway does not limit.\n",
                    site->path, rule[i].head.line, rule[i].head.name);
    }
}

void modbus_explain_rules(const struct site *site, struct arena *arena, unsigned service, FILE *out)
{
    const struct modbus_service_rules *rules = &site->policy->service[service].modbus;
    const struct modbus_rule *rule = rules->rules.items;
    for (int deny = 0; deny < 2; deny++)
        for (size_t i = 0; i < rules->rules.count; i++)
            if (rule[i].head.deny == (deny != 0))
                modbus_explain_rule(arena, rules, &rule[i], out);
}

void modbus_warn(const struct site *site, struct arena *arena, unsigned service, FILE *out)
{
    warn_of_opaque(site, arena, service, out);
    warn_of_rules(site, service, out);
}
