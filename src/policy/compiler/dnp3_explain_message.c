/* SPDX-License-Identifier: BSD-2-Clause */
/* Which rule decides on one DNP3 request, and which would have come nearest to allowing it. */
#include "policy/compiler/distance.h"
#include "policy/compiler/dnp3_rules.h"
#include "policy/compiler/dnp3_words.h"
#include "policy/compiler/language.h"
#include "policy/image.h"
#include "policy/state.h"
#include "protocols/dnp3/limits.h"
#include "protocols/dnp3/rule_set.h"
#include "protocols/dnp3/walk.h"
#include "sluice/audit.h"

struct asked {
    struct arena *arena;
    const struct site *site;
    const struct dnp3_message *message;
    const struct dnp3_station *station; /* NULL: there is none */
    const struct dnp3_rules *body;
    struct policy_state *state;
    uint32_t client;
};

/* The first object that the rule is not about, then the first index, then the first content. */
static void compare_objects(const struct asked *asked, const struct dnp3_rule *rule,
                            const struct dnp3_rule_entry *entry, struct distance *distance)
{
    struct arena *const arena = asked->arena;
    struct walk walk = walk_begin(asked->message);
    if (asked->message->header_count == 0 && (rule->names_objects || rule->names_indexes))
        lacks(arena, distance, DIFFERS_IN_OBJECT, "it is for some objects, not for all");
    bool index = false, content = false;
    while (walk_header(&walk)) {
        const uint32_t object = (uint32_t)walk.header.group << 8 | walk.header.variation;
        struct item item;
        if (!spans_hold(&rule->objects, object, object)) {
            lacks(arena, distance, DIFFERS_IN_OBJECT,
                  arena_printf(arena, "it is not for group %u variation %u", walk.header.group,
                               walk.header.variation));
            return;
        }
        while (walk_item(&walk, &item)) {
            const bool held =
                item.index == ITEM_PATTERN ||
                (item.index == ITEM_RANGE ? spans_hold(&rule->indexes, item.low, item.high)
                                          : spans_hold(&rule->indexes, 0, UINT32_MAX));
            if (!held && !index)
                lacks(arena, distance, DIFFERS_IN_PART,
                      arena_printf(arena, "it is for indexes %s, and %s asked for",
                                   spans_text(arena, &rule->indexes),
                                   item.index != ITEM_RANGE ? "all are"
                                   : item.low == item.high
                                       ? arena_printf(arena, "%u is", item.low)
                                       : arena_printf(arena, "%u-%u are", item.low, item.high)));
            index = index || !held;
            if (!content && !dnp3_content_within(asked->body, entry, &walk.header, &item, false)) {
                lacks(arena, distance, DIFFERS_IN_VALUE,
                      rule->flags & DNP3_RULE_VALUE ? "its values leave out this one"
                                                    : "its limits leave out this control block");
                content = true;
            }
        }
    }
}

static void compare_function(const struct asked *asked, const struct dnp3_rule *rule,
                             struct distance *distance)
{
    const uint64_t function = FUNCTION(asked->message->function);
    if (rule->functions & function)
        return;
    const bool kin = (function & FUNCTIONS_CONTROL) && (rule->functions & FUNCTIONS_CONTROL);
    lacks(asked->arena, distance, kin ? DIFFERS_IN_FUNCTION : DIFFERS_IN_KIND,
          arena_printf(asked->arena, "it is not for %s",
                       dnp3_function_name(asked->message->function)));
}

static void compare_past(const struct asked *asked, const struct dnp3_rule *rule,
                         struct distance *distance)
{
    struct arena *const arena = asked->arena;
    if (rule->flags & DNP3_RULE_STEP && !(rule->flags & DNP3_RULE_FIRST))
        lacks(arena, distance, DIFFERS_IN_VALUE,
              arena_printf(arena,
                           "the value may move by at most %s from the last one, which is not "
                           "known here",
                           rule->step_text));
    if (rule->flags & DNP3_RULE_SELECT && asked->message->function == DNP3_OPERATE)
        lacks(arena, distance, DIFFERS_IN_VALUE,
              "an operate needs its select before, and none is known here");
    lacks_condition(arena, distance, &rule->head, asked->state, asked->site->policy->image);
}

static struct distance distance_to(const struct asked *asked, const struct dnp3_rule *rule,
                                   const struct dnp3_rule_entry *entry)
{
    struct arena *const arena = asked->arena;
    struct distance distance = {0, ""};
    lacks_client(arena, &distance, &rule->head, asked->client);
    if (asked->station && !dnp3_rule_has_station(rule, asked->station))
        lacks(
            arena, &distance, DIFFERS_IN_PLACE,
            rule->any_master
                ? arena_printf(arena, "it is for outstations %s",
                               spans_text(arena, &rule->outstations))
                : arena_printf(arena, "it is for masters %s%s%s", spans_text(arena, &rule->masters),
                               rule->any_outstation ? "" : " and outstations ",
                               rule->any_outstation ? "" : spans_text(arena, &rule->outstations)));
    compare_function(asked, rule, &distance);
    compare_objects(asked, rule, entry, &distance);
    compare_past(asked, rule, &distance);
    return distance;
}

static void say_nearest(const struct asked *asked, const struct dnp3_service_rules *service,
                        FILE *out)
{
    const struct dnp3_rule *const rule = service->rules.items, *nearest = NULL;
    const struct dnp3_rule_entry *const entry = rules_at(asked->body, asked->body->entries);
    struct distance least = {0, ""};
    for (size_t i = 0; i < service->rules.count; i++) { /* the body's are in the same order */
        if (rule[i].head.deny)
            continue;
        const struct distance distance = distance_to(asked, &rule[i], &entry[i]);
        if (nearest && distance.missing >= least.missing)
            continue;
        nearest = &rule[i];
        least = distance;
    }
    if (nearest == NULL) {
        fputs("no rule of the service allows anything\n", out);
        return;
    }
    if (least.missing == 0 && asked->message->function != DNP3_OPEN_FILE)
        return;
    fprintf(out, "nearest: rule '%s', line %u, would have allowed it, but %s:\n",
            nearest->head.name, nearest->head.line,
            least.missing ? least.text
                          : "it opens the file to write, and no rule allows this client to write "
                            "files (group 70) there");
    dnp3_explain_rule(asked->arena, nearest, out);
}

static void say_stations(const struct dnp3_service_rules *service, FILE *out)
{
    const struct dnp3_station *const station = service->stations.items;
    fputs("the service's stations are", out);
    for (size_t i = 0; i < service->stations.count; i++)
        fprintf(out, "%s master %u and outstation %u", i ? ";" : "", station[i].master,
                station[i].outstation);
    fputs("\n", out);
}

void dnp3_explain_decision(const struct site *site, struct arena *arena, unsigned service,
                           struct policy_state *state, const struct sl_decision *decision,
                           const void *request, size_t length, FILE *out)
{
    (void)length;
    const struct dnp3_message *const message = request;
    const struct policy_service *const entry = policy_service(site->policy->image, service);
    const struct dnp3_service_rules *const rules = &site->policy->service[service].dnp3;
    const struct dnp3_rule *const rule = rules->rules.items;
    const struct asked asked = {
        .arena = arena,
        .site = site,
        .message = message,
        .station = dnp3_station_of(entry, message->source, message->destination),
        .body = dnp3_rules_of(entry),
        .state = state,
        .client = state->client,
    };
    uint64_t functions = FUNCTION(message->function);
    if (message->function == DNP3_OPEN_FILE) /* which may be a write, too */
        functions |= FUNCTION(DNP3_WRITE);
    for (size_t i = 0; decision->rule != SL_NO_RULE && i < rules->rules.count; i++)
        if (rule[i].head.number == decision->rule && rule[i].functions & functions)
            dnp3_explain_rule(arena, &rule[i], out);
    if (decision->allowed || decision->rule != SL_NO_RULE || message->kind != DNP3_FRAGMENT)
        return;
    if (decision->reason == SL_REASON_NO_STATION)
        say_stations(rules, out);
    else
        say_nearest(&asked, rules, out);
}
