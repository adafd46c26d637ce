/* SPDX-License-Identifier: BSD-2-Clause */
/* The gateway, the hosts and the services of a configuration file. */
#include <string.h>

#include "policy/compiler/conditions.h"
#include "policy/compiler/language.h"
#include "policy/compiler/load.h"
#include "policy/compiler/points.h"
#include "policy/compiler/scalars.h"
#include "policy/image.h"
#include "sluice/protocol.h"

static void load_mode(struct loader *loader, const struct node *node, const struct field *field,
                      void *object)
{
    (void)field;
    struct site *const site = object;
    site->mode = SL_TWO_WAY;
    if (node->kind == NODE_SCALAR && strcmp(node->text, "two-way") == 0)
        return;
    site->monitor = node->kind == NODE_SCALAR && strcmp(node->text, "monitor") == 0;
    if (site->monitor)
        return;
    if (node->kind == NODE_SCALAR && strcmp(node->text, "one-way") == 0)
        site->mode = SL_ONE_WAY;
    else
        unexpected(loader, node, "mode: two-way, one-way or monitor");
}

static void load_clients(struct loader *loader, const struct node *node, const struct field *field,
                         void *object)
{
    static const char *const words[] = {"external", "internal"};
    struct site *const site = object;
    unsigned word = 0;
    site->clients_inside = load_word(loader, node, field->key, words, 2, &word) && word == 1;
}

const char *site_side_name(const struct site *site, unsigned side)
{
    return (side == SL_SIDE_INT) != site->clients_inside ? "internal" : "external";
}

/* From here on a side is what it is to requests, wherever the file puts it. */
static void turn_sides(struct loader *loader, const struct node *gateway, struct site *site)
{
    if (!site->clients_inside)
        return;
    const struct site_side external = site->side[SL_SIDE_EXT];
    site->side[SL_SIDE_EXT] = site->side[SL_SIDE_INT];
    site->side[SL_SIDE_INT] = external;
    if (site->mode == SL_ONE_WAY)
        unexpected(loader, map_entry(gateway, "clients"),
                   "clients: external; in one-way mode nothing runs from the internal side to the "
                   "external one");
}

static void load_nic(struct loader *loader, const struct node *node, const struct field *field,
                     void *object)
{
    (void)field;
    struct site_side *const side = object;
    if (node->kind == NODE_SCALAR && node->length > 0 && node->length < sizeof side->nic &&
        strcspn(node->text, " /:\t") == node->length)
        memcpy(side->nic, node->text, node->length + 1);
    else
        unexpected(loader, node, "nic: the name of a network interface, up to %zu letters",
                   sizeof side->nic - 1);
}

/* What `address` is, where it is no station's: "network" or "network's broadcast"; else NULL.
 * A network of one or two addresses has neither (RFC 3021). */
static const char *no_station(uint32_t address, uint8_t prefix)
{
    const uint32_t host = address & ~prefix_mask(prefix);
    if (prefix >= 31 || (host != 0 && host != ~prefix_mask(prefix)))
        return NULL;
    return host == 0 ? "network" : "network's broadcast";
}

static bool in_network(const struct site_side *side, uint32_t address)
{
    return ((address ^ side->address) & prefix_mask(side->prefix)) == 0;
}

static void load_interface_address(struct loader *loader, const struct node *node,
                                   const struct field *field, void *object)
{
    (void)field;
    struct site_side *const side = object;
    uint32_t address;
    uint8_t prefix;
    if (node->kind != NODE_SCALAR || strchr(node->text, '/') == NULL ||
        !parse_network(node->text, &address, &prefix) || prefix == 0) {
        unexpected(loader, node,
                   "address: an IPv4 address with its network's length, such as "
                   "192.168.96.2/24");
        return;
    }
    const char *const not_ours = no_station(address, prefix);
    if (not_ours) {
        unexpected(loader, node, "an address of the gateway's own, not that of the %s", not_ours);
        return;
    }
    side->address = address;
    side->prefix = prefix;
}

static void load_side_gateway(struct loader *loader, const struct node *node,
                              const struct field *field, void *object)
{
    (void)field;
    struct site_side *const side = object;
    if (node->kind != NODE_SCALAR || !parse_ipv4(node->text, node->length, &side->gateway) ||
        side->gateway == 0)
        unexpected(loader, node, "gateway: the IPv4 address of a router");
    else if (side->address && ((side->gateway ^ side->address) & prefix_mask(side->prefix)) != 0)
        unexpected(loader, node, "a router within this side's own network");
    else if (side->gateway == side->address)
        unexpected(loader, node, "a router's address, not the gateway's own");
}

static void load_mac(struct loader *loader, const struct node *node, const struct field *field,
                     void *object)
{
    (void)field;
    struct site_side *const side = object;
    if (node->kind != NODE_SCALAR || !parse_mac(node->text, side->mac))
        unexpected(loader, node, "mac: six bytes such as 02:00:00:00:00:01");
    else if (side->mac[0] & 1)
        unexpected(loader, node, "the address of one station: the first byte even");
    else
        side->mac_given = true;
}

static void load_cpu(struct loader *loader, const struct node *node, const struct field *field,
                     void *object)
{
    uint16_t cpu = UINT16_MAX;
    struct field bounds = *field;
    bounds.offset = 0;
    load_u16(loader, node, &bounds, &cpu);
    if (cpu != UINT16_MAX)
        memcpy((char *)object + field->offset, &(int){cpu}, sizeof(int));
}

static void load_side(struct loader *loader, const struct node *node, const struct field *field,
                      void *object)
{
    static const struct field fields[] = {
        {.key = "nic", .required = true, .load = load_nic},
        {.key = "address", .required = true, .load = load_interface_address},
        {.key = "gateway", .load = load_side_gateway},
        {.key = "mac", .load = load_mac},
        {.key = "routes", .load = load_routes},
        {.key = "vlan",
         .load = load_u16,
         .offset = offsetof(struct site_side, vlan),
         .low = 1,
         .high = 4094},
        {.key = "ping", .load = load_ping},
        {.key = "cpu",
         .load = load_cpu,
         .offset = offsetof(struct site_side, cpu),
         .low = 0,
         .high = 1023},
    };
    struct site *const site = object;
    LOAD_MAP(loader, node, field->key, fields, &site->side[field->low]);
}

static void load_power(struct loader *loader, const struct node *node, const struct field *field,
                       void *object)
{
    uint16_t number = 0;
    struct field bounds = *field;
    bounds.offset = 0;
    load_u16(loader, node, &bounds, &number);
    if (number & (number - 1u))
        unexpected(loader, node, "%s: a power of two", field->key);
    else if (number)
        memcpy((uint8_t *)object + field->offset, &number, sizeof number);
}

static void load_flag(struct loader *loader, const struct node *node, const struct field *field,
                      void *object)
{
    const bool yes = node->kind == NODE_SCALAR && strcmp(node->text, "true") == 0;
    if (!yes && !(node->kind == NODE_SCALAR && strcmp(node->text, "false") == 0)) {
        unexpected(loader, node, "%s: true or false", field->key);
        return;
    }
    memcpy((uint8_t *)object + field->offset, &yes, sizeof yes);
}

static void load_client(struct loader *loader, const struct node *node, const struct field *field,
                        void *object)
{
    (void)field;
    struct site_synthetic *const synthetic = object;
    uint8_t prefix;
    if (node->kind != NODE_SCALAR || !parse_network(node->text, &synthetic->client, &prefix) ||
        prefix != 32)
        unexpected(loader, node, "client: an IPv4 address such as 192.168.96.10");
}

/* Requests made inside, one way: the assembly that needs neither client nor device. */
static void load_synthetic(struct loader *loader, const struct node *node,
                           const struct field *field, void *object)
{
    static const struct field fields[] = {
        {.key = "seed",
         .required = true,
         .load = load_u16,
         .offset = offsetof(struct site_synthetic, seed),
         .high = UINT16_MAX},
        {.key = "client", .required = true, .load = load_client},
        {.key = "messages",
         .load = load_u16,
         .offset = offsetof(struct site_synthetic, messages),
         .low = 1,
         .high = UINT16_MAX},
        {.key = "pace",
         .load = load_u16,
         .offset = offsetof(struct site_synthetic, pace),
         .low = 1,
         .high = UINT16_MAX},
    };
    (void)field;
    struct site *const site = object;
    site->mode = SL_ONE_WAY;
    site->synthetic.given = true;
    LOAD_MAP(loader, node, "synthetic", fields, &site->synthetic);
}

/* Slower than the fastest, the ring is there to bridge it; slower than the slowest, a command is
 * late. */
#define SHORTEST_POLL UINT64_C(50000)
#define LONGEST_POLL  UINT64_C(100000000)

static void load_one_way_poll(struct loader *loader, const struct node *node,
                              const struct field *field, void *object)
{
    uint64_t found;
    if (node->kind == NODE_SCALAR && parse_duration(node->text, &found) && found >= SHORTEST_POLL &&
        found <= LONGEST_POLL)
        ((struct site *)object)->one_way_poll = found;
    else
        unexpected(loader, node, "%s: a time from 0.05ms to 100ms", field->key);
}

static void load_quota(struct loader *loader, const struct node *gateway, struct site *site)
{
    const struct node *const quota = map_entry(gateway, "quota");
    if (quota == NULL && site->quota > site->outstanding)
        site->quota = site->outstanding;
    else if (site->quota > site->outstanding)
        unexpected(loader, quota, "quota: at most 'outstanding', %u", site->outstanding);
}

static const struct node *nic_of(const struct node *gateway, const char *side)
{
    const struct node *const map = map_entry(gateway, side);
    return map ? map_entry(map, "nic") : NULL;
}

/* The mistake is the second of the two, as they stand in the file. */
static void check_nics(struct loader *loader, const struct node *gateway, const struct site *site)
{
    const struct node *first = nic_of(gateway, "external"), *second = nic_of(gateway, "internal");
    if (site->side[SL_SIDE_EXT].nic[0] == 0 ||
        strcmp(site->side[SL_SIDE_EXT].nic, site->side[SL_SIDE_INT].nic) != 0)
        return;
    if (second->line < first->line ||
        (second->line == first->line && second->column < first->column))
        second = first;
    unexpected(loader, second, "another interface than the other side's");
}

void load_gateway(struct loader *loader, const struct node *node, const struct field *field,
                  void *object)
{
    static const struct field fields[] = {
        {.key = "mode", .load = load_mode},
        {.key = "clients", .load = load_clients},
        {.key = "external", .required = true, .load = load_side, .low = SL_SIDE_EXT},
        {.key = "internal", .required = true, .load = load_side, .low = SL_SIDE_INT},
        {.key = "cpu",
         .load = load_cpu,
         .offset = offsetof(struct site, cpu),
         .low = 0,
         .high = 1023},
        {.key = "outstanding",
         .load = load_u16,
         .offset = offsetof(struct site, outstanding),
         .low = 1,
         .high = SL_MAX_SLOTS},
        {.key = "sessions",
         .load = load_u16,
         .offset = offsetof(struct site, sessions),
         .low = 1,
         .high = SL_MAX_SESSIONS},
        {.key = "quota",
         .load = load_u16,
         .offset = offsetof(struct site, quota),
         .low = 1,
         .high = SL_MAX_SLOTS},
        {.key = "client-sessions",
         .load = load_u16,
         .offset = offsetof(struct site, client_sessions),
         .low = 1,
         .high = SL_MAX_SESSIONS},
        {.key = "client-outstanding",
         .load = load_u16,
         .offset = offsetof(struct site, client_outstanding),
         .low = 1,
         .high = SL_MAX_SLOTS},
        {.key = "buffers",
         .load = load_power,
         .offset = offsetof(struct site, buffers),
         .low = 16,
         .high = 1024},
        {.key = "one-way-poll", .load = load_one_way_poll},
        {.key = "merge-drivers", .load = load_flag, .offset = offsetof(struct site, merge_drivers)},
        {.key = "audit", .load = load_audit},
        {.key = "synthetic", .load = load_synthetic},
        {.key = "control", .load = load_control},
    };
    (void)field;
    struct site *const site = object;
    LOAD_MAP(loader, node, "gateway", fields, site);
    if (site->client_sessions == 0)
        site->client_sessions = (uint16_t)((site->sessions + 3) / 4);
    if (site->client_outstanding == 0)
        site->client_outstanding = (uint16_t)((site->outstanding + 1) / 2);
    if (node->kind != NODE_MAP)
        return;
    load_quota(loader, node, site);
    if (site->one_way_poll && site->mode != SL_ONE_WAY)
        unexpected(loader, map_entry(node, "one-way-poll"), "it only with 'mode: one-way'");
    check_nics(loader, node, site);
    turn_sides(loader, node, site);
}

static void load_host_address(struct loader *loader, const struct node *node, void *context)
{
    uint32_t address;
    uint8_t prefix;
    if (!parse_network(node->text, &address, &prefix)) {
        unexpected(loader, node,
                   "an IPv4 address such as 192.168.96.10 or a network such as "
                   "192.168.97.0/24");
        return;
    }
    if (address & ~prefix_mask(prefix)) {
        char text[ADDRESS_TEXT_SIZE];
        unexpected(loader, node, "the network's own address: %s/%u",
                   ipv4_text(address & prefix_mask(prefix), text), prefix);
        return;
    }
    /* Put into a cable the gateway has a client's address on the devices' side. */
    const struct site_side *const clients = &loader->site->side[SL_SIDE_EXT];
    for (unsigned side = 0; prefix == 32 && side < 2; side++)
        if (address == loader->site->side[side].address &&
            (side == SL_SIDE_EXT || !in_network(clients, address))) {
            unexpected(loader, node, "a host's address, not the gateway's own");
            return;
        }
    struct span *span = arena_append(loader->arena, context, sizeof *span);
    *span = (struct span){address, address | ~prefix_mask(prefix)};
}

void load_hosts(struct loader *loader, const struct node *node, const struct field *field,
                void *object)
{
    (void)field;
    (void)object;
    if (node->kind != NODE_MAP) {
        unexpected(loader, node, "hosts: a map of names and addresses");
        return;
    }
    for (const struct node *entry = node->first; entry; entry = entry->next) {
        uint32_t ignored;
        uint8_t prefix;
        const char *name = load_name(loader, entry->key, "a host's name");
        if (name && parse_network(name, &ignored, &prefix)) {
            unexpected(loader, entry->key, "a host's name, not an address");
            name = NULL;
        }
        struct arena_list addresses = {0};
        for_each(loader, entry, "an address, a network, or a list of these", load_host_address,
                 &addresses);
        if (name == NULL)
            continue;
        struct policy_host *host =
            arena_append(loader->arena, &loader->policy->hosts, sizeof *host);
        host->name = name;
        host->addresses = spans_of(&addresses);
        host->line = entry->key->line;
    }
}

static void load_service_name(struct loader *loader, const struct node *node)
{
    const char *name = load_name(loader, node, "a service's name");
    if (name == NULL)
        return;
    for (unsigned i = 0; i < loader->service; i++)
        if (strcmp(loader->site->service[i].name, name) == 0)
            unexpected(loader, node, "a name of its own: the service on line %u has this one",
                       loader->policy->service[i].line);
    memcpy(loader->site->service[loader->service].name, name, strlen(name) + 1);
}

static void load_protocol(struct loader *loader, const struct node *node,
                          struct site_service *service)
{
    const struct sl_protocol *found =
        node->kind == NODE_SCALAR ? sl_protocol_by_name(node->text) : NULL;
    const char *words[SL_PROTOCOL_COUNT], *text = "";
    unsigned count = 0;
    for (unsigned i = 0; i < SL_PROTOCOL_COUNT; i++) {
        text = arena_printf(loader->arena, "%s%s%s", text, count ? ", " : "", sl_protocol(i)->name);
        words[count++] = sl_protocol(i)->name;
        if (sl_protocol(i) == found)
            service->protocol = (uint16_t)i;
    }
    if (found == NULL)
        unexpected(loader, node, "a protocol: %s%s", text,
                   node->kind == NODE_SCALAR ? did_you_mean(loader->arena, node->text, words, count)
                                             : "");
}

static bool load_endpoint(struct loader *loader, const struct node *node, const char *what,
                          uint32_t *address, uint16_t *port)
{
    if (node->kind == NODE_SCALAR && parse_endpoint(node->text, address, port) && *address)
        return true;
    *address = 0;
    unexpected(loader, node, "%s: an IPv4 address and a port, such as 192.168.96.2:502", what);
    return false;
}

/* Where the gateway answers no host can be. */
static void refuse_hosts_address(struct loader *loader, const struct node *node, uint32_t address)
{
    const struct policy_host *const host = loader->policy->hosts.items;
    for (size_t i = 0; i < loader->policy->hosts.count; i++)
        for (size_t k = 0; k < host[i].addresses.count; k++) {
            const struct span span = host[i].addresses.span[k];
            if (span.low == address && span.high == address) {
                unexpected(loader, node,
                           "an address of the gateway's own: host '%s' on line %u has this one",
                           host[i].name, host[i].line);
                return;
            }
        }
}

static void load_listen(struct loader *loader, const struct node *node,
                        struct site_service *service)
{
    const struct site_side *const side = &loader->site->side[SL_SIDE_EXT];
    if (!load_endpoint(loader, node, "listen", &service->listen_address, &service->listen_port))
        return;
    char text[ADDRESS_TEXT_SIZE];
    const char *const not_ours =
        side->address ? no_station(service->listen_address, side->prefix) : NULL;
    if (side->address && !in_network(side, service->listen_address))
        unexpected(loader, node, "an address within the %s network %s/%u, where clients are",
                   site_side_name(loader->site, SL_SIDE_EXT),
                   ipv4_text(side->address & prefix_mask(side->prefix), text), side->prefix);
    else if (not_ours)
        unexpected(loader, node, "an address of the gateway's own, not that of the %s", not_ours);
    else
        refuse_hosts_address(loader, node, service->listen_address);
    for (unsigned i = 0; i < loader->service; i++) {
        const struct site_service *other = &loader->site->service[i];
        if (other->listen_address == service->listen_address &&
            other->listen_port == service->listen_port && other->datagrams == service->datagrams)
            unexpected(loader, node,
                       "an address and port of its own: service '%s' on line %u listens here",
                       other->name, loader->policy->service[i].line);
    }
}

static void load_device(struct loader *loader, const struct node *node,
                        struct site_service *service)
{
    const struct site_side *const side = &loader->site->side[SL_SIDE_INT];
    if (!load_endpoint(loader, node, "device", &service->device_address, &service->device_port))
        return;
    char text[ADDRESS_TEXT_SIZE];
    if (side->address == 0)
        return;
    const bool near = in_network(side, service->device_address);
    const char *const no_device = near ? no_station(service->device_address, side->prefix) : NULL;
    if (service->device_address == side->address)
        unexpected(loader, node, "the device's address, not the gateway's own");
    else if (no_device)
        unexpected(loader, node, "the device's address, not that of the %s", no_device);
    else if (side->gateway == 0 && !near && !side_routes(side, service->device_address))
        unexpected(loader, node,
                   "an address within the %s network %s/%u, or a 'gateway' or route for that side",
                   site_side_name(loader->site, SL_SIDE_INT),
                   ipv4_text(side->address & prefix_mask(side->prefix), text), side->prefix);
}

static void load_one_way_reply(struct loader *loader, const struct node *node,
                               struct site_service *service)
{
    service->echo = node->kind == NODE_SCALAR && strcmp(node->text, "echo") == 0;
    if (!service->echo && !(node->kind == NODE_SCALAR && strcmp(node->text, "none") == 0))
        unexpected(loader, node, "one-way-reply: none or echo");
    else if (loader->site->mode != SL_ONE_WAY)
        mistake_at(loader->mistakes, node->key->line, node->key->column,
                   "found 'one-way-reply' in two-way mode, expected it only with 'mode: one-way'");
    else if (service->echo && !sl_protocol(service->protocol)->confirm)
        unexpected(loader, node, "one-way-reply: none; of this protocol nothing is confirmed");
}

static void needs_replies(struct loader *loader, const struct node *node)
{
    if (loader->site->mode == SL_ONE_WAY)
        mistake_at(loader->mistakes, node->key->line, node->key->column,
                   "found '%s' in one-way mode, expected it only where replies come back",
                   node->key->text);
}

static void load_on_deny(struct loader *loader, const struct node *node,
                         struct site_service *service)
{
    static const struct {
        const char *word;
        uint32_t flag;
    } actions[] = {
        {"exception", 0}, {"drop", POLICY_SERVICE_DROP}, {"close", POLICY_SERVICE_CLOSE}};
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (node->kind == NODE_SCALAR && strcmp(node->text, actions[i].word) == 0) {
            service->flags |= actions[i].flag;
            needs_replies(loader, node);
            return;
        }
    unexpected(loader, node, "on-deny: exception, drop or close");
}

static void load_service_mode(struct loader *loader, const struct node *node,
                              struct site_service *service)
{
    needs_replies(loader, node);
    if (node->kind == NODE_SCALAR && strcmp(node->text, "monitor") == 0)
        service->flags |= POLICY_SERVICE_MONITOR;
    else if (node->kind == NODE_SCALAR && strcmp(node->text, "enforce") == 0)
        service->flags &= ~POLICY_SERVICE_MONITOR;
    else
        unexpected(loader, node, "mode: enforce or monitor");
}

/* Whoever wants one service each way looks for this key here. */
static void refuse_clients(struct loader *loader, const struct node *node)
{
    mistake_at(loader->mistakes, node->key->line, node->key->column,
               "found 'clients' in a service, expected it under 'gateway': requests of all "
               "services run from the same side to the other. Services the other way need a "
               "gateway of their own: a second file, with NICs and addresses of its own");
}

/* Keys that mean something in one protocol alone. */
static void refuse_other_keys(struct loader *loader, const struct service_nodes *nodes,
                              unsigned protocol)
{
    const struct {
        const struct node *node;
        unsigned protocol;
    } keys[] = {
        {nodes->opaque, SL_PROTOCOL_MODBUS_TCP},
        {nodes->session.unit_0, SL_PROTOCOL_MODBUS_TCP},
        {nodes->session.reply_unit, SL_PROTOCOL_MODBUS_TCP},
        {nodes->stations, SL_PROTOCOL_DNP3},
        {nodes->noise, SL_PROTOCOL_DNP3},
        {nodes->unsolicited, SL_PROTOCOL_DNP3},
        {nodes->response_fragments, SL_PROTOCOL_DNP3},
        {nodes->response_size, SL_PROTOCOL_DNP3},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (keys[i].node && keys[i].protocol != protocol)
            mistake_at(loader->mistakes, keys[i].node->key->line, keys[i].node->key->column,
                       "found '%s' in a service of protocol %s, expected it only where the "
                       "protocol is %s",
                       keys[i].node->key->text, sl_protocol(protocol)->name,
                       sl_protocol(keys[i].protocol)->name);
}

/* Beside the service's own rules, those of the override in force. */
static void load_service_override(struct loader *loader)
{
    const struct node *const rules = override_rules(loader);
    if (rules == NULL)
        return;
    loader->override_rules = true;
    load_rules(loader, rules);
    loader->override_rules = false;
}

static void load_service(struct loader *loader, const struct node *node)
{
    static const struct field fields[] = {
        {"name", true, load_node, offsetof(struct service_nodes, name), 0, 0},
        {"protocol", true, load_node, offsetof(struct service_nodes, protocol), 0, 0},
        {"listen", true, load_node, offsetof(struct service_nodes, listen), 0, 0},
        {"device", true, load_node, offsetof(struct service_nodes, device), 0, 0},
        {"clients", false, load_node, offsetof(struct service_nodes, clients), 0, 0},
        {"transport", false, load_node, offsetof(struct service_nodes, transport.transport), 0, 0},
        {"device-transport", false, load_node,
         offsetof(struct service_nodes, transport.device_transport), 0, 0},
        {"device-source-port", false, load_node,
         offsetof(struct service_nodes, transport.source_port), 0, 0},
        {"timeout", false, load_node, offsetof(struct service_nodes, session.timeout), 0, 0},
        {"queue-timeout", false, load_node, offsetof(struct service_nodes, session.queue_timeout),
         0, 0},
        {"pipeline", false, load_node, offsetof(struct service_nodes, session.pipeline), 0, 0},
        {"queue", false, load_node, offsetof(struct service_nodes, session.queue), 0, 0},
        {"connections", false, load_node, offsetof(struct service_nodes, session.connections), 0,
         0},
        {"max-connections", false, load_node,
         offsetof(struct service_nodes, session.max_connections), 0, 0},
        {"unit-0", false, load_node, offsetof(struct service_nodes, session.unit_0), 0, 0},
        {"reply-unit", false, load_node, offsetof(struct service_nodes, session.reply_unit), 0, 0},
        {"one-way-reply", false, load_node, offsetof(struct service_nodes, one_way_reply), 0, 0},
        {"opaque", false, load_node, offsetof(struct service_nodes, opaque), 0, 0},
        {"points", false, load_node, offsetof(struct service_nodes, points), 0, 0},
        {"profile", false, load_node, offsetof(struct service_nodes, profile), 0, 0},
        {"rules", false, load_node, offsetof(struct service_nodes, rules), 0, 0},
        {"rate", false, load_node, offsetof(struct service_nodes, rate), 0, 0},
        {"on-deny", false, load_node, offsetof(struct service_nodes, on_deny), 0, 0},
        {"mode", false, load_node, offsetof(struct service_nodes, mode), 0, 0},
        {"stations", false, load_node, offsetof(struct service_nodes, stations), 0, 0},
        {"noise", false, load_node, offsetof(struct service_nodes, noise), 0, 0},
        {"unsolicited", false, load_node, offsetof(struct service_nodes, unsolicited), 0, 0},
        {"response-fragments", false, load_node, offsetof(struct service_nodes, response_fragments),
         0, 0},
        {"response-size", false, load_node, offsetof(struct service_nodes, response_size), 0, 0},
    };
    struct service_nodes nodes = {0};
    LOAD_MAP(loader, node, "a service", fields, &nodes);
    struct site_service *const service = &loader->site->service[loader->service];
    struct service_policy *const place = &loader->policy->service[loader->service];
    place->line = node->line;
    place->column = node->column;
    if (nodes.clients)
        refuse_clients(loader, nodes.clients);
    if (nodes.name)
        load_service_name(loader, nodes.name);
    if (nodes.protocol)
        load_protocol(loader, nodes.protocol, service);
    service->listen_port = service->device_port = sl_protocol(service->protocol)->default_port;
    service->rate = POLICY_NONE;
    service->flags = loader->site->monitor ? POLICY_SERVICE_MONITOR : 0;
    if (nodes.rate)
        service->rate = load_rate(loader, nodes.rate, "service", &service->rate_text);
    mark_rate(loader, service->rate, "");
    if (nodes.on_deny)
        load_on_deny(loader, nodes.on_deny, service);
    if (nodes.mode)
        load_service_mode(loader, nodes.mode, service);
    load_transport(loader, &nodes.transport, service);
    if (nodes.listen)
        load_listen(loader, nodes.listen, service);
    if (nodes.device)
        load_device(loader, nodes.device, service);
    load_session_keys(loader, &nodes.session, service);
    if (nodes.transport.source_port)
        load_source_port(loader, nodes.transport.source_port, service);
    const struct node *const of_replies[] = {nodes.session.reply_unit, nodes.unsolicited,
                                             nodes.response_fragments, nodes.response_size};
    for (unsigned i = 0; i < sizeof of_replies / sizeof *of_replies; i++)
        if (of_replies[i])
            needs_replies(loader, of_replies[i]);
    if (nodes.one_way_reply)
        load_one_way_reply(loader, nodes.one_way_reply, service);
    if (nodes.protocol && nodes.protocol->kind == NODE_SCALAR &&
        sl_protocol_by_name(nodes.protocol->text))
        refuse_other_keys(loader, &nodes, service->protocol);
    policy_language(service->protocol)->load_service(loader, &nodes);
    if (nodes.profile)
        load_service_profiles(loader, nodes.profile);
    if (nodes.rules)
        load_rules(loader, nodes.rules);
    load_service_override(loader);
}

void load_services(struct loader *loader, const struct node *node, const struct field *field,
                   void *object)
{
    (void)field;
    (void)object;
    if (node->kind != NODE_LIST || node->first == NULL) {
        unexpected(loader, node, "services: a list of at least one service");
        return;
    }
    for (const struct node *entry = node->first; entry; entry = entry->next) {
        if (loader->site->service_count == SL_MAX_SERVICES) {
            mistake_at(loader->mistakes, entry->line, entry->column,
                       "found one service more, expected at most %u", SL_MAX_SERVICES);
            return;
        }
        loader->service = loader->site->service_count++;
        load_service(loader, entry);
    }
}
