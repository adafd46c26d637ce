/* SPDX-License-Identifier: BSD-2-Clause */
/* What deserves a look in DNP3 rules: they do as they say, and that may be more than was meant. */
#include "policy/compiler/dnp3_rules.h"
#include "policy/compiler/dnp3_words.h"
#include "policy/compiler/language.h"
#include "protocols/dnp3/link.h"
#include "protocols/dnp3/objects.h"

#define FUNCTIONS_AUTHENTICATION                                                                   \
    (FUNCTION(DNP3_AUTHENTICATION_REQUEST) | FUNCTION(DNP3_AUTHENTICATION_REQUEST_NO_ACK))

static void warn_of_content(const struct site *site, const struct dnp3_rule *rule, FILE *out)
{
    if (!rule->head.deny && rule->functions & FUNCTIONS_AUTHENTICATION)
        fprintf(out,
                "WARNING: content not understood: %s:%u: rule '%s' allows authentication requests: "
                "of what they carry the gateway checks only the form.\n",
                site->path, rule->head.line, rule->head.name);
}

static void warn_of_broadcasts(const struct site *site, const struct dnp3_service_rules *service,
                               const struct dnp3_rule *rule, FILE *out)
{
    const struct dnp3_station *const station = service->stations.items;
    if (rule->head.deny || !(rule->functions & FUNCTIONS_CONTROL))
        return;
    for (size_t i = 0; i < service->stations.count; i++) {
        if (station[i].outstation < LINK_FIRST_BROADCAST ||
            !dnp3_rule_has_station(rule, &station[i]))
            continue;
        fprintf(out,
                "WARNING: %s:%u: rule '%s' allows commands to %u, a broadcast: they reach every "
                "outstation behind the device, and none answers.\n",
                site->path, rule->head.line, rule->head.name, station[i].outstation);
        return;
    }
}

/* Groups whose requests name no points, in a rule for some points: it never covers them. */
static void warn_of_indexes(const struct site *site, const struct dnp3_rule *rule, FILE *out)
{
    if (rule->head.deny || !rule->names_indexes || !rule->names_objects)
        return;
    for (uint32_t group = 0; group <= UINT8_MAX; group++) {
        const struct span span = {group << 8, group << 8 | 0xff};
        const struct spans all = {1, &span};
        uint64_t with = 0, without = 0;
        for (unsigned function = 0; function < DNP3_FUNCTIONS; function++) {
            if (!(rule->functions & FUNCTION(function)))
                continue;
            if (dnp3_function_carries(function, &all, QUALIFIER_RANGE | QUALIFIER_INDEX))
                with |= FUNCTION(function);
            else if (dnp3_function_carries(function, &all, 0))
                without |= FUNCTION(function);
        }
        if (spans_meet(&rule->objects, span.low, span.high) && without && !with)
            fprintf(
                out,
                "WARNING: %s:%u: rule '%s' names group %u and an index: requests for that group "
                "name no points, so this rule allows none of them. Use a rule of its own.\n",
                site->path, rule->head.line, rule->head.name, group);
    }
}

/* True when some client may poll a class where `deny` keeps it from reading a group. */
static const struct dnp3_rule *polls_around(const struct dnp3_service_rules *service,
                                            const struct dnp3_rule *deny)
{
    const struct span classes = {GROUP_CLASS << 8, GROUP_CLASS << 8 | 0xff};
    const struct dnp3_rule *const rule = service->rules.items;
    for (size_t i = 0; i < service->rules.count; i++)
        if (!rule[i].head.deny && !rule[i].head.expired &&
            rule[i].functions & FUNCTION(DNP3_READ) &&
            spans_meet(&rule[i].objects, classes.low, classes.high) &&
            dnp3_rules_meet_at(service, &rule[i], deny))
            return &rule[i];
    return NULL;
}

static void warn_of_polls(const struct site *site, const struct dnp3_service_rules *service,
                          const struct dnp3_rule *rule, FILE *out)
{
    if (!rule->head.deny || !rule->names_objects || !(rule->functions & FUNCTION(DNP3_READ)) ||
        spans_meet(&rule->objects, GROUP_CLASS << 8, GROUP_CLASS << 8 | 0xff))
        return;
    const struct dnp3_rule *const poll = polls_around(service, rule);
    if (poll)
        fprintf(out,
                "WARNING: %s:%u: rule '%s' denies to read objects that an answer to a class poll "
                "may hold: what a class holds is the outstation's choice, and rule '%s' on line %u "
                "allows such polls.\n",
                site->path, rule->head.line, rule->head.name, poll->head.name, poll->head.line);
}

void dnp3_warn(const struct site *site, struct arena *arena, unsigned service, FILE *out)
{
    const struct dnp3_service_rules *const rules = &site->policy->service[service].dnp3;
    const struct dnp3_rule *const rule = rules->rules.items;
    (void)arena;
    for (size_t i = 0; i < rules->rules.count; i++) {
        if (rule[i].head.expired)
            continue;
        warn_of_content(site, &rule[i], out);
        warn_of_broadcasts(site, rules, &rule[i], out);
        warn_of_polls(site, rules, &rule[i], out);
        warn_of_indexes(site, &rule[i], out);
    }
}
