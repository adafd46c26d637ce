/* SPDX-License-Identifier: BSD-2-Clause */
/* What a policy lets through, in sentences. */
#include "policy/compiler/load.h"
#include "policy/compiler/modbus_words.h"
#include "policy/compiler/scalars.h"
#include "sluice/protocol.h"

static const char *rule_value(struct arena *arena, const struct modbus_rule *rule, uint32_t order)
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
        const char *low = rule_value(arena, rule, span.low);
        const char *comma = i ? ", " : "";
        if (span.low == span.high)
            text = arena_printf(arena, "%s%s%s", text, comma, low);
        else
            text = arena_printf(arena, "%s%s%s %s %s", text, comma, low,
                                rule->type == MODBUS_COIL ? "or" : "to",
                                rule_value(arena, rule, span.high));
    }
    if (rule->points)
        return *rule->measure ? arena_printf(arena, "%s %s", text, rule->measure) : text;
    return arena_printf(arena, "%s%s%s", text, types[rule->type],
                        !modbus_value_is_wide(rule->type) ? ""
                        : rule->low_first                 ? ", low word first)"
                                                          : ", high word first)");
}

static void explain_rule(struct arena *arena, const struct modbus_service_rules *service,
                         const struct modbus_rule *rule, FILE *out)
{
    const char *units = spans_text(arena, &rule->units);
    const bool one = rule->units.count == 1 && rule->units.span[0].low == rule->units.span[0].high;
    fprintf(out, "  %s %s %s%s%s%s of %s%s", rule->any_client ? "any client" : rule->clients_text,
            rule->deny ? "may not" : "may",
            modbus_rule_text(arena, rule, service->opaque_functions),
            rule->points && rule->limited ? " " : "",
            rule->points && rule->limited ? values_text(arena, rule) : "",
            rule->points ? arena_printf(arena, ", %s,", rule->places) : "",
            rule->any_unit ? "any unit"
            : one          ? "unit "
                           : "units ",
            rule->any_unit ? "" : units);
    if (rule->limited && !rule->points)
        fprintf(out, " with %s %s",
                rule->values.count == 1 && rule->values.span[0].low == rule->values.span[0].high
                    ? "value"
                    : "values",
                values_text(arena, rule));
    fprintf(out, " [%s, line %u];\n", rule->name, rule->line);
}

static void explain_service(const struct site *site, struct arena *arena, unsigned number,
                            FILE *out)
{
    const struct site_service *service = &site->service[number];
    const struct modbus_service_rules *rules = &site->policy->service[number];
    char listen[ADDRESS_TEXT_SIZE], device[ADDRESS_TEXT_SIZE];
    fprintf(out, "%s: %s, clients at %s:%u, device at %s:%u, time-out %g s\n", service->name,
            sl_protocol(service->protocol)->name, ipv4_text(service->listen_address, listen),
            service->listen_port, ipv4_text(service->device_address, device), service->device_port,
            (double)service->timeout / 1e9);
    const struct modbus_rule *rule = rules->rules.items;
    for (int deny = 0; deny < 2; deny++)
        for (size_t i = 0; i < rules->rules.count; i++)
            if (rule[i].deny == (deny != 0))
                explain_rule(arena, rules, &rule[i], out);
    fprintf(out, "  everything%s is denied.\n", rules->rules.count ? " else" : "");
}

static void warn_of_opaque(const struct site *site, struct arena *arena, unsigned number, FILE *out)
{
    const struct modbus_service_rules *rules = &site->policy->service[number];
    const struct modbus_opaque *opaque = rules->opaque.items;
    for (size_t i = 0; i < rules->opaque.count; i++) {
        const char *bytes = "";
        for (unsigned k = 0; k < opaque[i].prefix_length; k++)
            bytes = arena_printf(arena, "%s%s%02x", bytes, k ? " " : " beginning with ",
                                 opaque[i].prefix[k]);
        fprintf(out,
                "WARNING: content not understood: service '%s' lists function %u as opaque; of "
                "its %s the gateway checks only the length, %u to %u bytes%s%s. Who may use the "
                "function may send whatever it can do.\n",
                site->service[number].name, opaque[i].function,
                opaque[i].direction == SL_REQUEST ? "requests" : "replies", opaque[i].min_length,
                opaque[i].max_length, opaque[i].prefix_length ? "," : "", bytes);
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
    const struct modbus_service_rules *rules = &site->policy->service[number];
    const struct modbus_rule *rule = rules->rules.items;
    for (size_t i = 0; i < rules->rules.count; i++) {
        if (rule[i].deny)
            continue;
        for (size_t k = 0; k < sizeof harmful / sizeof harmful[0]; k++)
            if (rule[i].accesses & ACCESS(MODBUS_ACCESS_DIAGNOSTICS) &&
                spans_hold(&rule[i].subfunctions, harmful[k].subfunction, harmful[k].subfunction))
                fprintf(out,
                        "WARNING: %s:%u: rule '%s' allows function 8, sub-function %u: a client "
                        "may %s.\n",
                        site->path, rule[i].line, rule[i].name, harmful[k].subfunction,
                        harmful[k].does);
        if (rule[i].accesses & ACCESS(MODBUS_ACCESS_CANOPEN))
            fprintf(out,
                    "WARNING: content not understood: %s:%u: rule '%s' allows function 43, type "
                    "13: what it carries is CANopen's, which the gateway does not limit.\n",
                    site->path, rule[i].line, rule[i].name);
        if (rule[i].limited && rule[i].accesses == ACCESS(MODBUS_ACCESS_MASK_WRITE_REGISTER))
            fprintf(out,
                    "WARNING: %s:%u: rule '%s' limits values of function 22, whose result only "
                    "the device knows: it lets nothing pass.\n",
                    site->path, rule[i].line, rule[i].name);
    }
}

static void warn_of_profiles(const struct site *site, FILE *out)
{
    const struct policy_profile *profile = site->policy->profiles.items;
    for (size_t i = 0; i < site->policy->profiles.count; i++)
        if (!profile[i].used)
            fprintf(
                out,
                "WARNING: %s:%u: no service uses profile '%s': what it says is not looked at.\n",
                site->path, profile[i].line, profile[i].name);
}

void site_explain(const struct site *site, FILE *out)
{
    struct arena arena = {0};
    for (unsigned i = 0; i < site->service_count; i++)
        explain_service(site, &arena, i, out);
    for (unsigned i = 0; i < site->service_count; i++) {
        warn_of_opaque(site, &arena, i, out);
        warn_of_rules(site, i, out);
    }
    warn_of_profiles(site, out);
    mistakes_print(&site->policy->warnings, site->path, out);
    arena_free(&arena);
}
