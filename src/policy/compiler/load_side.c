/* SPDX-License-Identifier: BSD-2-Clause */
/* How a side reaches beyond its own network, and whether it answers a ping. */
#include <string.h>

#include "policy/compiler/load.h"
#include "policy/compiler/scalars.h"

static void load_to(struct loader *loader, const struct node *node, const struct field *field,
                    void *object)
{
    (void)field;
    struct sl_route *const route = object;
    uint32_t address;
    uint8_t prefix;
    if (node->kind != NODE_SCALAR || !parse_network(node->text, &address, &prefix) || prefix == 0 ||
        (address & ~prefix_mask(prefix)) != 0) {
        unexpected(loader, node, "to: a network's address, such as 10.1.0.0/16");
        return;
    }
    route->destination = address;
    route->netmask = prefix_mask(prefix);
}

static void load_via(struct loader *loader, const struct node *node, const struct field *field,
                     void *object)
{
    (void)field;
    struct sl_route *const route = object;
    if (node->kind != NODE_SCALAR || !parse_ipv4(node->text, node->length, &route->via) ||
        route->via == 0)
        unexpected(loader, node, "via: the IPv4 address of a router");
}

void load_routes(struct loader *loader, const struct node *node, const struct field *field,
                 void *object)
{
    static const struct field fields[] = {
        {.key = "to", .required = true, .load = load_to},
        {.key = "via", .required = true, .load = load_via},
    };
    (void)field;
    struct site_side *const side = object;
    if (node->kind != NODE_LIST) {
        unexpected(loader, node,
                   "routes: a list of maps such as { to: 10.1.0.0/16, via: 192.168.96.1 }");
        return;
    }
    for (const struct node *entry = node->first; entry; entry = entry->next) {
        if (side->route_count == SL_MAX_ROUTES) {
            mistake_at(loader->mistakes, entry->line, entry->column,
                       "found one route more, expected at most %u", SL_MAX_ROUTES);
            return;
        }
        struct sl_route *const route = &side->route[side->route_count++];
        LOAD_MAP(loader, entry, "a route", fields, route);
        if (route->via && side->address &&
            ((route->via ^ side->address) & prefix_mask(side->prefix)) != 0)
            unexpected(loader, entry, "a router within this side's own network");
    }
}

bool side_routes(const struct site_side *side, uint32_t address)
{
    for (unsigned i = 0; i < side->route_count; i++)
        if ((address & side->route[i].netmask) == side->route[i].destination)
            return true;
    return false;
}

void load_ping(struct loader *loader, const struct node *node, const struct field *field,
               void *object)
{
    static const char *const words[] = {"on", "off"};
    unsigned word = 0;
    struct site_side *const side = object;
    if (load_word(loader, node, field->key, words, 2, &word))
        side->no_ping = word == 1;
}
