/* SPDX-License-Identifier: BSD-2-Clause */
/* A DNP3 service's own keys: its stations, and what it bounds of links and responses. */
#include <stddef.h>
#include <string.h>

#include "policy/compiler/dnp3_rules.h"
#include "policy/compiler/language.h"
#include "policy/compiler/load.h"
#include "policy/compiler/scalars.h"
#include "policy/image.h"
#include "protocols/dnp3/link.h"
#include "protocols/dnp3/rules.h"

#define DEFAULT_FRAGMENTS 64u
#define SMALLEST_SIZE     292u /* the longest link frame */
#define LARGEST_SIZE      (DNP3_MAX_FRAGMENTS * DNP3_MAX_EMITTED)

struct station_nodes {
    const struct node *master, *outstation, *device_master, *device_outstation;
};

static bool load_address(struct loader *loader, const struct node *node, bool broadcast,
                         uint16_t *address)
{
    uint64_t number;
    if (node->kind == NODE_SCALAR && parse_number(node->text, node->length, &number) &&
        (number <= LINK_LAST_STATION ||
         (broadcast && number >= LINK_FIRST_BROADCAST && number <= UINT16_MAX))) {
        *address = (uint16_t)number;
        return true;
    }
    unexpected(loader, node, "%s: a station's address from 0 to %u%s", node->key->text,
               LINK_LAST_STATION, broadcast ? ", or a broadcast address from 65533 to 65535" : "");
    return false;
}

/* Where the same stations stand already, in the file's order; -1: nowhere. */
static int same_station(const struct arena_list *stations, const struct dnp3_station *station,
                        bool device)
{
    const struct dnp3_station *const before = stations->items;
    for (size_t i = 0; i < stations->count; i++)
        if (device ? before[i].device_master == station->device_master &&
                         before[i].device_outstation == station->device_outstation
                   : before[i].master == station->master &&
                         before[i].outstation == station->outstation)
            return (int)i;
    return -1;
}

static void load_station(struct loader *loader, const struct node *node)
{
    static const struct field fields[] = {
        {"master", true, load_node, offsetof(struct station_nodes, master), 0, 0},
        {"outstation", true, load_node, offsetof(struct station_nodes, outstation), 0, 0},
        {"device-master", false, load_node, offsetof(struct station_nodes, device_master), 0, 0},
        {"device-outstation", false, load_node, offsetof(struct station_nodes, device_outstation),
         0, 0},
    };
    struct arena_list *const stations = &loader->policy->service[loader->service].dnp3.stations;
    struct station_nodes nodes = {0};
    struct dnp3_station station = {.points = DNP3_NO_POINTS};
    LOAD_MAP(loader, node, "a station", fields, &nodes);
    if (!nodes.master || !nodes.outstation ||
        !load_address(loader, nodes.master, false, &station.master) ||
        !load_address(loader, nodes.outstation, true, &station.outstation))
        return;
    station.device_master = station.master;
    station.device_outstation = station.outstation;
    const bool broadcast = station.outstation >= LINK_FIRST_BROADCAST;
    if (nodes.device_master &&
        !load_address(loader, nodes.device_master, false, &station.device_master))
        return;
    if (nodes.device_outstation) {
        if (broadcast) {
            unexpected(loader, nodes.device_outstation,
                       "none: a broadcast address is the same on both sides");
            return;
        }
        if (!load_address(loader, nodes.device_outstation, false, &station.device_outstation))
            return;
    }
    if (station.master == station.outstation ||
        station.device_master == station.device_outstation) {
        unexpected(loader, nodes.outstation, "another address than the master's");
        return;
    }
    if (same_station(stations, &station, false) >= 0) {
        mistake_at(loader->mistakes, node->line, node->column,
                   "found master %u and outstation %u twice, expected each pair once",
                   station.master, station.outstation);
        return;
    }
    if (!broadcast && same_station(stations, &station, true) >= 0) {
        mistake_at(loader->mistakes, node->line, node->column,
                   "found device-master %u and device-outstation %u twice, expected each pair "
                   "once: what the device sends must be for one pair of stations",
                   station.device_master, station.device_outstation);
        return;
    }
    if (stations->count == DNP3_MAX_STATIONS) {
        mistake_at(loader->mistakes, node->line, node->column,
                   "found one station more, expected at most %u", DNP3_MAX_STATIONS);
        return;
    }
    size_t all = 0;
    for (unsigned i = 0; i <= loader->service; i++)
        all += loader->policy->service[i].dnp3.stations.count;
    if (all == SL_MAX_STATIONS) {
        mistake_at(loader->mistakes, node->line, node->column,
                   "found one station more, expected at most %u in a file", SL_MAX_STATIONS);
        return;
    }
    *(struct dnp3_station *)arena_append(loader->arena, stations, sizeof station) = station;
}

static void load_stations(struct loader *loader, const struct node *node)
{
    if (node->kind != NODE_LIST || node->first == NULL) {
        unexpected(loader, node,
                   "stations: a list of the masters and outstations that there are, such as "
                   "- { master: 1, outstation: 10 }");
        return;
    }
    for (const struct node *entry = node->first; entry; entry = entry->next)
        load_station(loader, entry);
}

static bool load_choice(struct loader *loader, const struct node *node, const char *off,
                        const char *on)
{
    const char *const words[] = {off, on};
    unsigned word = 0;
    if (node)
        (void)load_word(loader, node, node->key->text, words, 2, &word);
    return word == 1;
}

static void load_size(struct loader *loader, const struct node *node, uint32_t *size)
{
    uint64_t number;
    if (node->kind == NODE_SCALAR && parse_number(node->text, node->length, &number) &&
        number >= SMALLEST_SIZE && number <= LARGEST_SIZE)
        *size = (uint32_t)number;
    else
        unexpected(loader, node, "response-size: octets of one response in all, %u to %u",
                   SMALLEST_SIZE, LARGEST_SIZE);
}

void load_dnp3_service(struct loader *loader, const struct service_nodes *nodes)
{
    struct site_service *const service = &loader->site->service[loader->service];
    const struct service_policy *const place = &loader->policy->service[loader->service];
    if (nodes->points)
        load_dnp3_points(loader, nodes->points);
    if (nodes->stations)
        load_stations(loader, nodes->stations);
    else
        mistake_at(loader->mistakes, place->line, place->column,
                   "found a service of protocol dnp3 without 'stations', expected it: which "
                   "masters and outstations there are");
    service->skip_noise = load_choice(loader, nodes->noise, "close", "skip");
    service->unsolicited = load_choice(loader, nodes->unsolicited, "deny", "allow");
    service->response_fragments = DEFAULT_FRAGMENTS;
    if (nodes->response_fragments) {
        static const struct field bounds = {
            .key = "response-fragments", .low = 1, .high = DNP3_MAX_FRAGMENTS};
        load_u16(loader, nodes->response_fragments, &bounds, &service->response_fragments);
    }
    service->response_size = service->response_fragments * DNP3_MAX_EMITTED;
    if (nodes->response_size)
        load_size(loader, nodes->response_size, &service->response_size);
}

unsigned site_stations(const struct site *site, unsigned service, bool device,
                       struct sl_station *stations)
{
    if (site->service[service].protocol != SL_PROTOCOL_DNP3 || !site->policy)
        return 0;
    const struct arena_list *const list = &site->policy->service[service].dnp3.stations;
    const struct dnp3_station *const station = list->items;
    for (size_t i = 0; i < list->count; i++)
        stations[i] = (struct sl_station){
            .service = (uint16_t)service,
            .master = device ? station[i].device_master : station[i].master,
            .outstation = device ? station[i].device_outstation : station[i].outstation,
        };
    return (unsigned)list->count;
}
