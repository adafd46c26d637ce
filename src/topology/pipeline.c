/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pipeline, as two tables: its components and what joins them. Everything that is built,
 * on any host, follows from here.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sluice/audit.h"
#include "sluice/counters.h"
#include "sluice/protocol.h"
#include "sluice/record.h"
#include "policy/board.h"
#include "policy/image.h"
#include "topology/lowering.h"

enum place {
    EXT_NIC_DRV,
    EXT_FRONTEND,
    REQUEST_PARSER_NORM,
    REQUEST_POLICY_EMIT,
    INT_FRONTEND,
    INT_NIC_DRV,
    REPLY_PARSER_NORM,
    REPLY_POLICY_EMIT,
    MONITOR,
    SOURCE,
    STREAM_FRONTEND,
    SINK,
    PLACES
};

enum modes {
    TWO_WAY = 1u << SL_TWO_WAY,
    ONE_WAY = 1u << SL_ONE_WAY,
    ALWAYS = TWO_WAY | ONE_WAY,
    SYNTHETIC = 1u << 2, /* one-way, with requests made inside: five components and the monitor */
    EVERY = ALWAYS | SYNTHETIC,
};

struct component_row {
    enum modes modes;
    struct topology_component component;
};

/* clang-format off */
static const struct component_row components[PLACES] = {
    [EXT_NIC_DRV]         = {ALWAYS,  {.name = "ext_nic_drv", .program = PROGRAM_NIC_DRV, .side = SL_SIDE_EXT, .device = true}},
    [EXT_FRONTEND]        = {ALWAYS,  {.name = "ext_frontend", .program = PROGRAM_EXT_FRONTEND, .side = SL_SIDE_EXT}},
    [REQUEST_PARSER_NORM] = {EVERY,   {.name = "request_parser_norm", .program = PROGRAM_PARSER_NORM, .side = SL_SIDE_CORE, .direction = SL_REQUEST, .has_policy = true}},
    [REQUEST_POLICY_EMIT] = {EVERY,   {.name = "request_policy_emit", .program = PROGRAM_POLICY_EMIT, .side = SL_SIDE_CORE, .direction = SL_REQUEST, .has_policy = true, .breaks_path = true}},
    [INT_FRONTEND]        = {ALWAYS,  {.name = "int_frontend", .program = PROGRAM_INT_FRONTEND, .side = SL_SIDE_INT}},
    [INT_NIC_DRV]         = {ALWAYS,  {.name = "int_nic_drv", .program = PROGRAM_NIC_DRV, .side = SL_SIDE_INT, .device = true}},
    [REPLY_PARSER_NORM]   = {TWO_WAY, {.name = "reply_parser_norm", .program = PROGRAM_PARSER_NORM, .side = SL_SIDE_CORE, .direction = SL_REPLY, .has_policy = true}},
    [REPLY_POLICY_EMIT]   = {TWO_WAY, {.name = "reply_policy_emit", .program = PROGRAM_POLICY_EMIT, .side = SL_SIDE_CORE, .direction = SL_REPLY, .has_policy = true, .breaks_path = true}},
    [MONITOR]             = {EVERY,   {.name = "monitor", .program = PROGRAM_MONITOR, .side = SL_SIDE_CORE, .has_policy = true}},
    [SOURCE]              = {SYNTHETIC, {.name = "ext_nic_drv", .program = PROGRAM_SOURCE, .side = SL_SIDE_EXT}},
    [STREAM_FRONTEND]     = {SYNTHETIC, {.name = "ext_frontend", .program = PROGRAM_STREAM_FRONTEND, .side = SL_SIDE_EXT}},
    [SINK]                = {SYNTHETIC, {.name = "int_nic_drv", .program = PROGRAM_SINK, .side = SL_SIDE_INT}},
};

struct link_row {
    enum modes modes;
    enum place from, to;
    enum topology_link_kind kind;
    enum sl_port_id from_port, to_port;
};

static const struct link_row links[] = {
    {ALWAYS,  EXT_NIC_DRV,         EXT_FRONTEND,        LINK_FRAME_QUEUE,  SL_PORT_RX,       SL_PORT_RX},
    {ALWAYS,  EXT_FRONTEND,        EXT_NIC_DRV,         LINK_FRAME_QUEUE,  SL_PORT_TX,       SL_PORT_TX},
    {ALWAYS,  EXT_FRONTEND,        REQUEST_PARSER_NORM, LINK_MESSAGE_RING, SL_PORT_OUT,      SL_PORT_IN},
    {EVERY,   REQUEST_PARSER_NORM, REQUEST_POLICY_EMIT, LINK_MESSAGE_RING, SL_PORT_OUT,      SL_PORT_IN},
    {TWO_WAY, REQUEST_POLICY_EMIT, INT_FRONTEND,        LINK_MESSAGE_RING, SL_PORT_OUT,      SL_PORT_IN},
    {ONE_WAY, REQUEST_POLICY_EMIT, INT_FRONTEND,        LINK_ONEWAY_RING,  SL_PORT_OUT,      SL_PORT_IN},
    {ALWAYS,  INT_NIC_DRV,         INT_FRONTEND,        LINK_FRAME_QUEUE,  SL_PORT_RX,       SL_PORT_RX},
    {ALWAYS,  INT_FRONTEND,        INT_NIC_DRV,         LINK_FRAME_QUEUE,  SL_PORT_TX,       SL_PORT_TX},
    {TWO_WAY, INT_FRONTEND,        REPLY_PARSER_NORM,   LINK_MESSAGE_RING, SL_PORT_OUT,      SL_PORT_IN},
    {TWO_WAY, REPLY_PARSER_NORM,   REPLY_POLICY_EMIT,   LINK_MESSAGE_RING, SL_PORT_OUT,      SL_PORT_IN},
    {TWO_WAY, REPLY_POLICY_EMIT,   EXT_FRONTEND,        LINK_MESSAGE_RING, SL_PORT_OUT,      SL_PORT_IN},
    {TWO_WAY, REQUEST_POLICY_EMIT, REPLY_POLICY_EMIT,   LINK_MESSAGE_RING, SL_PORT_PEER_OUT, SL_PORT_PEER_IN},
    {TWO_WAY, REPLY_POLICY_EMIT,   REQUEST_POLICY_EMIT, LINK_MESSAGE_RING, SL_PORT_PEER_OUT, SL_PORT_PEER_IN},
    {SYNTHETIC, SOURCE,            STREAM_FRONTEND,     LINK_MESSAGE_RING, SL_PORT_OUT,      SL_PORT_IN},
    {SYNTHETIC, STREAM_FRONTEND,   REQUEST_PARSER_NORM, LINK_MESSAGE_RING, SL_PORT_OUT,      SL_PORT_IN},
    {SYNTHETIC, REQUEST_POLICY_EMIT, SINK,              LINK_ONEWAY_RING,  SL_PORT_OUT,      SL_PORT_IN},
};
/* clang-format on */

static const struct topology_trusted trusted[] = {
    {"launcher", "creates every region, channel and component, gives out the rights, writes each "
                 "configuration before the start and the policy whenever it changes, reads the "
                 "monitor's counters, and tells them to whoever may open its socket; could join "
                 "anything"},
    {"kernel", "keeps components apart and moves frames to and from the NICs; could join anything"},
    {"clock", "read by every component, written by none; shows each how long the others keep the "
              "processor busy (timing is not covered by the flow rule)"},
};

/* Audit records a component may leave between two looks of the monitor, which are at most 10 ms
 * apart: the request policy_emit leaves one for every message, 100 000 a second at most. */
#define AUDIT_SLOTS         256u
#define AUDIT_SLOTS_SELDOM  64u
#define AUDIT_SLOTS_MESSAGE 1024u

static uint32_t power_of_two(uint64_t least)
{
    uint32_t power = 1;
    while (power < least && power < UINT32_C(0x80000000))
        power *= 2;
    return power;
}

/* The longest message of the site's protocols, as bytes or canonical, whichever is longer: the
 * same hop carries either. */
static uint64_t max_payload(const struct site *site)
{
    uint64_t longest = 0;
    for (unsigned i = 0; i < site->service_count; i++) {
        const struct sl_protocol *protocol = sl_protocol(site->service[i].protocol);
        assert(protocol);
        if (longest < protocol->max_message)
            longest = protocol->max_message;
        if (longest < protocol->max_canonical)
            longest = protocol->max_canonical;
    }
    assert(longest <= SL_MAX_PAYLOAD);
    return longest;
}

/* A record's place in a message ring: its u32 length, header and payload, padded to 8. */
static uint64_t ring_record(uint64_t payload)
{
    return (sizeof(uint32_t) + sizeof(struct sl_record) + payload + 7) / 8 * 8;
}

bool topology_has_link(const struct site *site)
{
    for (unsigned i = 0; i < site->service_count; i++)
        if (sl_protocol(site->service[i].protocol)->link)
            return true;
    return false;
}

static bool learns_values(const struct site *site)
{
    if (!site->fixed_policy)
        return true; /* another policy may ask for them */
    for (unsigned i = 0; i < site->service_count; i++)
        if (site->service[i].flags & POLICY_SERVICE_LEARNS)
            return true;
    return false;
}

static uint64_t max_reply(const struct site *site)
{
    uint64_t longest = 0;
    for (unsigned i = 0; i < site->service_count; i++)
        if (sl_protocol(site->service[i].protocol)->max_canonical > longest)
            longest = sl_protocol(site->service[i].protocol)->max_canonical;
    return longest;
}

/* Where a protocol has a link layer: a session's beginning, or what its device becomes, twice; and
 * replies that nobody asked for, or for each slot that there is room for the next part. Of a reply
 * in several messages one is under way at a time, or what is beside it counts as not asked for. */
static uint64_t link_room(const struct site *site, bool replies)
{
    if (!topology_has_link(site))
        return 0;
    return 2 * site->sessions * ring_record(0) +
           (replies ? SL_MAX_UNSOLICITED * ring_record(max_payload(site))
                    : site->outstanding * ring_record(0));
}

/* Records of the reply policy_emit between two looks of its peer, which it wakes for these. */
#define DELIVERED_ROOM (2 * 1024 * ring_record(sizeof(uint32_t)))

/* So that an honest producer never finds the ring full (record.h): every reply slot's message
 * and every session's end at once; between the peers up to two records for each slot, those of
 * the reply instance with one only where rules ask for last values. */
static uint32_t message_capacity(const struct site *site, const struct link_row *row)
{
    uint64_t message = ring_record(max_payload(site));
    if (row->from_port != SL_PORT_PEER_OUT)
        return power_of_two(site->outstanding * message + site->sessions * ring_record(0) +
                            link_room(site, row->from == INT_FRONTEND ||
                                                row->from == REPLY_PARSER_NORM ||
                                                row->from == REPLY_POLICY_EMIT));
    if (row->from == REPLY_POLICY_EMIT)
        return power_of_two(
            site->outstanding *
                (ring_record(0) + ring_record(learns_values(site) ? max_reply(site) : 0)) +
            (topology_has_link(site) ? DELIVERED_ROOM : 0));
    return power_of_two(site->outstanding * 2 * message);
}

static void size_link(const struct site *site, const struct link_row *row,
                      struct topology_link *link)
{
    switch (row->kind) {
    case LINK_MESSAGE_RING:
        link->capacity = message_capacity(site, row);
        break;
    case LINK_ONEWAY_RING:
        link->slot_size = (uint32_t)(sizeof(struct sl_record) + max_payload(site) + 7) / 8 * 8;
        link->capacity = power_of_two(site->outstanding);
        break;
    case LINK_FRAME_QUEUE:
        link->capacity = topology_frame_capacity(site);
        break;
    }
}

static struct topology_link *add_link(struct topology *topology, enum topology_link_kind kind,
                                      uint8_t from, uint8_t to)
{
    assert(topology->link_count < TOPOLOGY_MAX_LINKS);
    struct topology_link *link = &topology->link[topology->link_count++];
    link->kind = kind;
    link->from = from;
    link->to = to;
    const struct topology_component source = topology->component[from];
    const struct topology_component target = topology->component[to];
    snprintf(link->name, sizeof(link->name), "%s_to_%s", source.name, target.name);
    return link;
}

static void add_audit(struct topology *topology, uint8_t component, uint8_t monitor)
{
    struct topology_link *link = add_link(topology, LINK_ONEWAY_RING, component, monitor);
    link->from_port = SL_PORT_AUDIT;
    link->to_port = component;
    link->slot_size = sizeof(struct sl_audit);
    const struct topology_component *source = &topology->component[component];
    bool every_message = source->program == PROGRAM_POLICY_EMIT && source->direction == SL_REQUEST;
    bool seldom = source->program == PROGRAM_NIC_DRV; /* its counters, once a second */
    link->capacity = every_message ? AUDIT_SLOTS_MESSAGE
                     : seldom      ? AUDIT_SLOTS_SELDOM
                                   : AUDIT_SLOTS;
}

static void add_outer(struct topology *topology)
{
    struct topology_outer *policy = &topology->outer[OUTER_POLICY];
    *policy = (struct topology_outer){
        .name = "policy", .size = POLICY_BOARD_REGION, .launcher_writes = true};
    struct topology_outer *counters = &topology->outer[OUTER_COUNTERS];
    *counters = (struct topology_outer){.name = "counters",
                                        .size = (sizeof(struct sl_counters) + PAGE_SIZE - 1) /
                                                PAGE_SIZE * PAGE_SIZE};
    for (unsigned i = 0; i < topology->component_count; i++) {
        if (topology->component[i].has_policy)
            policy->holders |= (uint16_t)(1u << i);
        if (topology->component[i].program == PROGRAM_MONITOR)
            counters->holders |= (uint16_t)(1u << i);
    }
}

uint16_t topology_frame_capacity(const struct site *site)
{
    /* Two buffers make a page; indices are 16 bits and run freely. */
    uint32_t capacity = power_of_two(site->buffers);
    return (uint16_t)(capacity < 2 ? 2 : capacity > 32768 ? 32768 : capacity);
}

void topology_build(const struct site *site, struct topology *topology)
{
    uint8_t number[PLACES] = {0};
    memset(topology, 0, sizeof(*topology));
    topology->mode = site->mode;
    topology->clients_inside = site->clients_inside;
    const unsigned mode = site->synthetic.given ? SYNTHETIC : 1u << site->mode;

    for (unsigned place = 0; place < PLACES; place++) {
        if (!(components[place].modes & mode))
            continue;
        number[place] = topology->component_count++;
        topology->component[number[place]] = components[place].component;
    }
    for (unsigned i = 0; i < sizeof(links) / sizeof(*links); i++) {
        const struct link_row *row = &links[i];
        if (!(row->modes & mode))
            continue;
        struct topology_link *link =
            add_link(topology, row->kind, number[row->from], number[row->to]);
        link->from_port = (uint8_t)row->from_port;
        link->to_port = (uint8_t)row->to_port;
        size_link(site, row, link);
    }
    for (uint8_t i = 0; i < topology->component_count; i++)
        if (i != number[MONITOR])
            add_audit(topology, i, number[MONITOR]);

    add_outer(topology);
    topology->trusted_count = sizeof(trusted) / sizeof(*trusted);
    memcpy(topology->trusted, trusted, sizeof(trusted));
    topology_lower(topology);
}

int topology_find(const struct topology *topology, const char *name)
{
    for (unsigned i = 0; i < topology->component_count; i++)
        if (!strcmp(topology->component[i].name, name))
            return (int)i;
    return -1;
}
