/* SPDX-License-Identifier: BSD-2-Clause */
/* Which rule decides on one request, and why. */
#include <string.h>

#include "policy/compiler/language.h"
#include "policy/compiler/load.h"
#include "policy/image.h"
#include "policy/state.h"
#include "sluice/audit.h"
#include "sluice/protocol.h"

static const char *why(enum sl_reason reason)
{
    switch (reason) {
    case SL_REASON_NO_RULE_CLIENT:
        return "no rule allows this client anything";
    case SL_REASON_NO_RULE_UNIT:
        return "no rule allows this client anything on this unit";
    case SL_REASON_NO_RULE_FUNCTION:
        return "no rule allows this client this function there";
    case SL_REASON_NO_RULE_ADDRESS:
        return "no one rule covers all of the addresses";
    case SL_REASON_NO_RULE_VALUE:
        return "a rule covers the addresses, but not the values";
    case SL_REASON_NO_RULE_STEP:
        return "the last value is not known here, and the rule asks for it first";
    case SL_REASON_NO_STATION:
        return "there are no such stations";
    case SL_REASON_LINK_FRAME:
        return "it carries no user data: the gateway answers it itself, and it never crosses";
    case SL_REASON_NO_RULE_STATION:
        return "no rule allows this client anything between these stations";
    case SL_REASON_NO_RULE_OBJECT:
        return "no one rule covers all of the objects and indexes";
    case SL_REASON_NO_SELECT:
        return "its select is not known here, and the rule asks for it first";
    case SL_REASON_RULE_EXPIRED:
        return "the rule for it has expired";
    case SL_REASON_OUTSIDE_HOURS:
        return "the rule for it holds at other hours";
    case SL_REASON_CLOCK_NOT_SET:
        return "the rule for it needs the time";
    default:
        return sl_reason_name(reason);
    }
}

bool site_message(const struct site *site, unsigned service, const char *const *words, size_t count,
                  uint8_t *bytes, size_t *length, FILE *errors)
{
    return policy_language(site->service[service].protocol)
        ->message(site, service, words, count, bytes, length, errors);
}

bool site_explain_message(const struct site *site, unsigned service, uint32_t client, uint64_t wall,
                          const void *request, size_t length, FILE *out)
{
    static struct policy_state state;
    const void *const image = site->policy->image;
    const struct policy_service *const entry = policy_service(image, service);
    const struct sl_protocol *const protocol = sl_protocol(entry->protocol);
    struct arena arena = {0};
    memset(&state, 0, sizeof state);
    policy_state_init(&state, image);
    policy_state_begin(&state, wall, wall, client);
    const struct sl_decision decision = protocol->decide_in(entry, &state, client, request, length);
    const bool monitor = !decision.allowed && entry->flags & POLICY_SERVICE_MONITOR;
    const struct rule_name *const by = site->policy->rule_names.items;
    if (decision.rule != SL_NO_RULE)
        fprintf(out, "%s by rule '%s', line %u:\n", decision.allowed ? "allowed" : "denied",
                by[decision.rule].name, by[decision.rule].line);
    else if (decision.allowed)
        fputs("allowed: it needs no rule\n", out);
    else
        fprintf(out, "denied: %s\n", why(decision.reason));
    if (monitor && decision.rule == SL_NO_RULE)
        fputs("but let through: the service is in mode monitor\n", out);
    policy_language(entry->protocol)
        ->explain_decision(site, &arena, service, &state, &decision, request, length, out);
    if (monitor && decision.rule != SL_NO_RULE)
        fputs("but let through: the service is in mode monitor\n", out);
    arena_free(&arena);
    return decision.allowed || monitor;
}
