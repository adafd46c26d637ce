/* SPDX-License-Identifier: BSD-2-Clause */
/* What a policy lets through, in sentences. */
#include "policy/compiler/language.h"
#include "policy/compiler/load.h"
#include "policy/compiler/scalars.h"
#include "policy/image.h"
#include "sluice/protocol.h"

const char *rule_conditions_text(struct arena *arena, const struct rule_head *rule,
                                 const char *text)
{
    if (rule->rate)
        text = arena_printf(arena, "%s, at most %s", text, rule->rate);
    if (rule->when)
        text = arena_printf(arena, "%s, %s", text, rule->when);
    if (rule->expires)
        text = arena_printf(arena, "%s, %s %s", text, rule->expired ? "EXPIRED" : "until",
                            rule->expires);
    if (rule->owner)
        text = arena_printf(arena, "%s, owner %s", text, rule->owner);
    return text;
}

static const char *side_text(const struct site *site, unsigned side)
{
    return (side == SL_SIDE_INT) != site->clients_inside ? " inside" : " outside";
}

static void explain_service(const struct site *site, struct arena *arena, unsigned number,
                            FILE *out)
{
    const struct site_service *service = &site->service[number];
    bool any = false;
    const struct rule_name *rule = site->policy->rule_names.items;
    for (size_t i = 0; i < site->policy->rule_names.count; i++)
        any = any || rule[i].service == number;
    const bool dnp3 = service->protocol == SL_PROTOCOL_DNP3;
    const bool named = dnp3 || site->clients_inside; /* else clients are where all expect them */
    char listen[ADDRESS_TEXT_SIZE], device[ADDRESS_TEXT_SIZE];
    fprintf(out, "%s: %s, %s%s at %s:%u%s, %s%s at %s:%u%s, time-out %g s\n", service->name,
            sl_protocol(service->protocol)->name, dnp3 ? "masters" : "clients",
            named ? side_text(site, SL_SIDE_EXT) : "", ipv4_text(service->listen_address, listen),
            service->listen_port, service->datagrams ? " (UDP)" : "",
            dnp3 ? "outstations" : "device", named ? side_text(site, SL_SIDE_INT) : "",
            ipv4_text(service->device_address, device), service->device_port,
            service->device_datagrams ? " (UDP)" : "", (double)service->timeout / 1e9);
    if (site->mode == SL_ONE_WAY)
        fprintf(out, "  one-way: %s;\n",
                service->echo ? "every write is confirmed to its client at once, also one that is "
                                "denied or lost"
                : dnp3        ? "nothing is answered but link frames"
                              : "nothing is answered");
    policy_language(service->protocol)->explain_rules(site, arena, number, out);
    fprintf(out, "  everything%s is denied%s.\n", any ? " else" : "",
            service->flags & POLICY_SERVICE_MONITOR ? ", but let through: mode monitor"
            : service->flags & POLICY_SERVICE_DROP  ? " without an answer"
            : service->flags & POLICY_SERVICE_CLOSE ? " and closes the connection"
                                                    : "");
    if (service->rate_text)
        fprintf(out, "  of all this, at most %s.\n", service->rate_text);
    if (service->flags & POLICY_SERVICE_MONITOR)
        fprintf(out, "WARNING: service '%s' is in mode monitor: its rules are not enforced.\n",
                service->name);
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
    if (site->clients_inside)
        fprintf(
            out,
            "clients are inside: 'ext' below and in component names is the internal network, on "
            "'%s', and 'int' the external one, on '%s'\n",
            site->side[SL_SIDE_EXT].nic, site->side[SL_SIDE_INT].nic);
    for (unsigned i = 0; i < site->service_count; i++)
        explain_service(site, &arena, i, out);
    for (unsigned i = 0; i < site->service_count; i++)
        policy_language(site->service[i].protocol)->warn(site, &arena, i, out);
    warn_of_profiles(site, out);
    mistakes_print(&site->policy->warnings, site->path, out);
    arena_free(&arena);
}
