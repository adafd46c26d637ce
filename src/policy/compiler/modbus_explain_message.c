/* SPDX-License-Identifier: BSD-2-Clause */
/* Which rule decides on one Modbus request, and which would have come nearest to allowing it. */
#include <string.h>

#include "policy/compiler/distance.h"
#include "policy/compiler/modbus_words.h"
#include "policy/compiler/language.h"
#include "policy/compiler/load.h"
#include "policy/compiler/scalars.h"
#include "policy/image.h"
#include "policy/state.h"
#include "sluice/audit.h"
#include "sluice/protocol.h"

/* A part of the request: all of it, or what function 23 reads or writes, or a sub-request. */
struct asked {
    unsigned access;
    uint32_t first, last, file;
    const uint16_t *registers; /* that it writes; NULL: none, or not known */
    const uint8_t *coils;
};

static unsigned parts_of(const struct modbus_message *m, unsigned access, struct asked *part)
{
    const uint32_t quantity = m->quantity ? m->quantity : 1;
    struct asked whole = {.access = access, .first = m->address, .last = m->address};
    switch (m->function) {
    case MODBUS_READ_COILS:
    case MODBUS_READ_DISCRETE_INPUTS:
    case MODBUS_READ_HOLDING_REGISTERS:
    case MODBUS_READ_INPUT_REGISTERS:
        whole.last = m->address + quantity - 1;
        break;
    case MODBUS_WRITE_SINGLE_COIL:
    case MODBUS_WRITE_MULTIPLE_COILS:
        whole.last = m->address + quantity - 1;
        whole.coils = m->value.coils;
        break;
    case MODBUS_WRITE_SINGLE_REGISTER:
    case MODBUS_WRITE_MULTIPLE_REGISTERS:
        whole.last = m->address + quantity - 1;
        whole.registers = m->value.registers;
        break;
    case MODBUS_READ_WRITE_MULTIPLE_REGISTERS:
        part[0] = (struct asked){.access = MODBUS_ACCESS_READ_WRITE_READ,
                                 .first = m->address,
                                 .last = m->address + quantity - 1};
        part[1] = (struct asked){.access = MODBUS_ACCESS_READ_WRITE_WRITE,
                                 .first = m->write_address,
                                 .last = m->write_address + m->count - 1u,
                                 .registers = m->value.registers};
        return 2;
    case MODBUS_READ_FILE_RECORD:
    case MODBUS_WRITE_FILE_RECORD:
        for (unsigned i = 0; i < m->parts; i++)
            part[i] = (struct asked){.access = access,
                                     .file = m->part[i].file,
                                     .first = m->part[i].record,
                                     .last = m->part[i].record + m->part[i].length - 1u};
        return m->parts;
    case MODBUS_DIAGNOSTICS:
        whole.first = whole.last = m->subfunction;
        break;
    case MODBUS_ENCAPSULATED_INTERFACE:
        if (m->mei == MODBUS_MEI_DEVICE_IDENTIFICATION)
            whole.access = MODBUS_ACCESS_DEVICE_IDENTIFICATION;
        break;
    default:
        break;
    }
    part[0] = whole;
    return 1;
}

/* NULL when every value is within the rule's; else the first that is not. */
static const char *value_outside(struct arena *arena, const struct modbus_rule *rule,
                                 const struct asked *part)
{
    const bool wide = modbus_value_is_wide(rule->type);
    if (!modbus_rule_limits(rule, part->access))
        return NULL;
    if (rule->type == MODBUS_COIL ? part->coils == NULL : part->registers == NULL)
        return "what is written, which is not known";
    const uint32_t count = part->last - part->first + 1;
    for (size_t i = 0; wide && i < rule->addresses.count; i++)
        if (rule->addresses.span[i].low <= part->first &&
            part->first <= rule->addresses.span[i].high &&
            (part->first - rule->addresses.span[i].low) % 2)
            return "half of a value";
    if (wide && count % 2)
        return "half of a value";
    for (uint32_t i = 0; i < count; i += wide ? 2 : 1) {
        const uint16_t *const r = part->registers + i;
        const uint32_t bits = rule->type == MODBUS_COIL ? part->coils[i / 8] >> i % 8 & 1u
                              : !wide                   ? r[0]
                              : rule->low_first         ? (uint32_t)r[1] << 16 | r[0]
                                                        : (uint32_t)r[0] << 16 | r[1];
        uint32_t order;
        if (!modbus_value_order(rule->type, bits, &order))
            return "what is not a number";
        if (!spans_hold(&rule->values, order, order))
            return arena_printf(arena, "%s%s%s", modbus_value_text(arena, rule, order),
                                rule->points && *rule->measure ? " " : "",
                                rule->points ? rule->measure : "");
    }
    return NULL;
}

static bool has_address(const struct modbus_rule *rule, const struct asked *part)
{
    const bool files = (ACCESS(part->access) & ACCESSES_WITH_FILES) != 0;
    return spans_hold(modbus_rule_addresses(rule, part->access), part->first, part->last) &&
           (!files || spans_hold(&rule->files, part->file, part->file));
}

static bool same_kind(uint64_t accesses, unsigned access)
{
    const uint64_t kinds[] = {ACCESSES_WRITING_COILS, ACCESSES_WRITING_REGISTERS,
                              modbus_word_by_name("read")->accesses, ACCESSES_WITH_FILES};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if ((kinds[i] & ACCESS(access)) && (kinds[i] & accesses))
            return true;
    return false;
}

static void compare_addresses(struct arena *arena, const struct modbus_rule *rule,
                              const struct asked *part, struct distance *distance)
{
    const struct spans *addresses = modbus_rule_addresses(rule, part->access);
    lacks(arena, distance,
          spans_meet(addresses, part->first, part->last) ? DIFFERS_IN_PART : DIFFERS_IN_OBJECT,
          arena_printf(arena, "it is for addresses %s", spans_text(arena, addresses)));
}

static void compare_values(struct arena *arena, const struct modbus_rule *rule,
                           const struct asked *part, struct distance *distance)
{
    const char *value = value_outside(arena, rule, part);
    if (value)
        lacks(arena, distance, DIFFERS_IN_VALUE,
              arena_printf(arena, "its values leave out %s", value));
    else if (rule->step && !rule->first_passes)
        lacks(arena, distance, DIFFERS_IN_VALUE,
              arena_printf(arena,
                           "the value may move by at most %s from the last one, which is not "
                           "known here",
                           rule->step_text));
}

static struct distance distance_to(struct arena *arena, const struct modbus_rule *rule,
                                   uint32_t client, unsigned unit, const struct asked *part,
                                   struct policy_state *state, const void *image)
{
    struct distance distance = {0, ""};
    lacks_client(arena, &distance, &rule->head, client);
    if (!spans_hold(&rule->units, unit, unit))
        lacks(arena, &distance, DIFFERS_IN_PLACE,
              arena_printf(arena, "it is for units %s", spans_text(arena, &rule->units)));
    const bool function = (rule->accesses & ACCESS(part->access)) != 0;
    if (!function)
        lacks(arena, &distance,
              same_kind(rule->accesses, part->access) ? DIFFERS_IN_FUNCTION : DIFFERS_IN_KIND,
              "it is for other functions");
    if (!has_address(rule, part))
        compare_addresses(arena, rule, part, &distance);
    else if (function)
        compare_values(arena, rule, part, &distance);
    lacks_condition(arena, &distance, &rule->head, state, image);
    return distance;
}

static const struct modbus_rule *rule_by_number(const struct modbus_service_rules *service,
                                                uint16_t number, unsigned access)
{
    const struct modbus_rule *rule = service->rules.items, *any = NULL;
    for (size_t i = 0; i < service->rules.count; i++) {
        if (rule[i].head.number != number)
            continue;
        any = &rule[i];
        if (rule[i].accesses & ACCESS(access))
            return any;
    }
    return any;
}

static void say_nearest(const struct site *site, struct arena *arena, unsigned service,
                        uint32_t client, unsigned unit, const struct asked *part,
                        struct policy_state *state, FILE *out)
{
    const struct modbus_service_rules *rules = &site->policy->service[service].modbus;
    const struct modbus_rule *rule = rules->rules.items, *nearest = NULL;
    struct distance least = {0, ""};
    for (size_t i = 0; i < rules->rules.count; i++) {
        if (rule[i].head.deny)
            continue;
        const struct distance distance =
            distance_to(arena, &rule[i], client, unit, part, state, site->policy->image);
        if (nearest && distance.missing >= least.missing)
            continue;
        nearest = &rule[i];
        least = distance;
    }
    if (nearest == NULL) {
        fputs("no rule of the service allows anything\n", out);
        return;
    }
    if (least.missing == 0)
        return; /* this part alone would pass */
    fprintf(out, "nearest: rule '%s', line %u, would have allowed it, but %s:\n",
            nearest->head.name, nearest->head.line, least.text);
    modbus_explain_rule(arena, rules, nearest, out);
}

void modbus_explain_decision(const struct site *site, struct arena *arena, unsigned service,
                             struct policy_state *state, const struct sl_decision *decision,
                             const void *request, size_t length, FILE *out)
{
    (void)length;
    const struct modbus_message *const message = request;
    const struct policy_service *const entry = policy_service(site->policy->image, service);
    const struct modbus_service_rules *rules = &site->policy->service[service].modbus;
    const struct modbus_rules *body = policy_service_body(entry, NULL);
    struct asked part[MODBUS_MAX_PARTS] = {{0}};
    const unsigned parts = parts_of(message, body->access[message->function & 0x7f], part);
    const struct modbus_rule *by = rule_by_number(rules, decision->rule, part[0].access);
    if (by)
        modbus_explain_rule(arena, rules, by, out);
    for (unsigned i = 0; i < parts && !decision->allowed && by == NULL; i++)
        say_nearest(site, arena, service, state->client, message->unit, &part[i], state, out);
}
