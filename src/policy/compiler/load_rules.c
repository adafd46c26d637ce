/* SPDX-License-Identifier: BSD-2-Clause */
/* What the rules of every protocol have: who may, a name, conditions. */
#include <string.h>

#include "policy/compiler/conditions.h"
#include "policy/compiler/language.h"
#include "policy/compiler/load.h"
#include "policy/compiler/scalars.h"

#define MOST_RULES 4096u /* of one service */

struct clients {
    struct arena_list spans;
    const char *before, *last; /* texts: "a, b" and the last one; NULL: none yet */
};

static void add_client(struct loader *loader, const struct node *node, void *context)
{
    struct clients *const clients = context;
    const struct policy_host *hosts = loader->policy->hosts.items;
    const size_t host_count = loader->policy->hosts.count;
    const char *text = NULL;
    for (size_t i = 0; i < host_count && text == NULL; i++) {
        if (strcmp(hosts[i].name, node->text) != 0)
            continue;
        text = arena_printf(loader->arena, "%s (%s)", hosts[i].name,
                            addresses_text(loader->arena, &hosts[i].addresses));
        for (size_t k = 0; k < hosts[i].addresses.count; k++)
            *(struct span *)arena_append(loader->arena, &clients->spans, sizeof(struct span)) =
                hosts[i].addresses.span[k];
    }
    uint32_t address;
    uint8_t prefix;
    if (text == NULL && parse_network(node->text, &address, &prefix)) {
        if (address & ~prefix_mask(prefix)) {
            char network[ADDRESS_TEXT_SIZE];
            unexpected(loader, node, "the network's own address: %s/%u",
                       ipv4_text(address & prefix_mask(prefix), network), prefix);
            return;
        }
        text = node->text;
        *(struct span *)arena_append(loader->arena, &clients->spans, sizeof(struct span)) =
            (struct span){address, address | ~prefix_mask(prefix)};
    }
    if (text == NULL) {
        const char **words = arena_take(loader->arena, (host_count + 1) * sizeof *words);
        for (size_t i = 0; i < host_count; i++)
            words[i] = hosts[i].name;
        unexpected(loader, node, "a name under 'hosts', an address or a network%s",
                   did_you_mean(loader->arena, node->text, words, host_count));
        return;
    }
    if (clients->last)
        clients->before =
            clients->before ? arena_printf(loader->arena, "%s, %s", clients->before, clients->last)
                            : clients->last;
    clients->last = text;
}

static void load_clients(struct loader *loader, const struct node *node, struct rule_head *head)
{
    struct clients clients = {0};
    for_each(loader, node, "a name under 'hosts', an address, a network or a list of these",
             add_client, &clients);
    head->clients = spans_of(&clients.spans);
    head->clients_text = clients.last ? clients.last : "";
    if (clients.before)
        head->clients_text = arena_printf(loader->arena, "%s and %s", clients.before, clients.last);
}

/* A rule of an override is called so that whoever reads the log sees what let the message pass. */
static const char *on_lines(struct loader *loader, const char *name)
{
    if (name == NULL || !loader->override_rules)
        return name;
    return arena_printf(loader->arena, "%s/%s", loader->override, name);
}

static const char *load_rule_name(struct loader *loader, const struct node *node)
{
    const char *name = on_lines(loader, load_name(loader, node, "a rule's name"));
    const struct rule_name *before = loader->policy->rule_names.items;
    for (size_t i = 0; name && i < loader->policy->rule_names.count; i++)
        if (before[i].service == loader->service && strcmp(before[i].name, name) == 0) {
            unexpected(loader, node, "a name of its own: the rule on line %u has this one",
                       before[i].line);
            return name;
        }
    return name;
}

const struct node *load_rule_head(struct loader *loader, const struct node *node,
                                  const struct rule_head_nodes *nodes, unsigned ordinal,
                                  struct rule_head *head)
{
    *head = (struct rule_head){.line = node->line,
                               .column = node->column,
                               .service = (uint16_t)loader->service,
                               .deny = nodes->allow == NULL,
                               .any_client = nodes->from == NULL};
    if (nodes->name)
        head->name = load_rule_name(loader, nodes->name);
    else
        head->name = on_lines(loader, arena_printf(loader->arena, "%s/%s%srule-%u",
                                                   loader->site->service[loader->service].name,
                                                   loader->profile ? loader->profile : "",
                                                   loader->profile ? "/" : "", ordinal));
    if (nodes->from)
        load_clients(loader, nodes->from, head);
    load_rule_conditions(loader, &nodes->conditions, head);
    if (nodes->allow && nodes->deny)
        mistake_at(loader->mistakes, nodes->deny->key->line, nodes->deny->key->column,
                   "found 'allow' and 'deny' in one rule, expected one of them");
    else if (nodes->allow == NULL && nodes->deny == NULL)
        mistake_at(loader->mistakes, node->line, node->column,
                   "found a rule without 'allow' or 'deny', expected one of them");
    else
        return head->deny ? nodes->deny : nodes->allow;
    return NULL;
}

uint16_t add_rule_name(struct loader *loader, const struct rule_head *head)
{
    struct arena_list *const names = &loader->policy->rule_names;
    *(struct rule_name *)arena_append(loader->arena, names, sizeof(struct rule_name)) =
        (struct rule_name){head->name, head->service, head->line};
    return (uint16_t)(names->count - 1);
}

void load_rule_list(struct loader *loader, const struct node *node,
                    void (*load)(struct loader *loader, const struct node *node, unsigned ordinal))
{
    if (node->kind != NODE_LIST) {
        unexpected(loader, node, "rules: a list of rules");
        return;
    }
    unsigned ordinal = 0;
    for (const struct node *entry = node->first; entry; entry = entry->next) {
        const bool most = ++ordinal > MOST_RULES;
        if (most || loader->policy->rule_names.count == UINT16_MAX - 1u) {
            mistake_at(loader->mistakes, entry->line, entry->column,
                       "found one rule more, expected at most %u %s",
                       most ? MOST_RULES : UINT16_MAX - 1u, most ? "in a service" : "in a file");
            return;
        }
        load(loader, entry, ordinal);
    }
}

void load_rules(struct loader *loader, const struct node *node)
{
    policy_language(loader->site->service[loader->service].protocol)->load_rules(loader, node);
}

/* Clients come from the external network, or through its router. */
void warn_of_clients(struct loader *loader, const struct rule_head *head)
{
    const struct site_side *side = &loader->site->side[SL_SIDE_EXT];
    const uint32_t mask = prefix_mask(side->prefix);
    if (head->any_client || side->gateway || side->route_count || side->address == 0 ||
        spans_meet(&head->clients, side->address & mask, side->address | ~mask))
        return;
    mistake_at(&loader->policy->warnings, head->line, head->column,
               "warning: rule '%s' is for clients outside the %s network, which has no "
               "'gateway': none of them can come",
               head->name, site_side_name(loader->site, SL_SIDE_EXT));
}
