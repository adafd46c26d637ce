/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lives differ, since most attacks end one (a fault that the attacked component reports):
 *
 *   forger     says well-formed records of its own making, and listens, like an honest component
 *   mutator    runs the real component and changes what it has just written
 *   indexer    likewise, and now and then an index, a length or a flag is an adversary's choice
 *   scribbler  likewise, and random words go anywhere
 *
 * The first two become scribblers in the end, so that every life ends.
 */
#include "components/hostile/hostile.h"

#include <string.h>

#include "components/record_io.h"
#include "ring/frame_queue.h"
#include "ring/message_ring.h"
#include "ring/oneway_ring.h"
#include "sluice/audit.h"
#include "sluice/barrier.h"
#include "sluice/host.h"
#include "sluice/protocol.h"

#define PATIENCE  UINT64_C(1500000000) /* ns until a life becomes a scribbler's */
#define PACE      UINT64_C(200000)     /* ns between attacks at most */
#define RING_HEAD 16u                  /* bytes of indices and flags at the head of any region */

enum style { FORGER, MUTATOR, INDEXER, SCRIBBLER, STYLES };

struct target { /* a region that this component may write */
    uint8_t *bytes;
    uint32_t size;
};

struct hostile {
    struct sl_host *host;
    uint64_t random, since;
    enum style style;
    bool runs_real;
    unsigned target_count;
    struct target target[SL_PORT_COUNT * SL_PORT_REGIONS];
    unsigned channel_count;
    uint8_t channel[SL_PORT_COUNT];
    unsigned out_count, in_count;
    struct message_ring_producer out[2];
    struct record_inbox in[2];
    void *real; /* state of the component whose place it has */
};

struct hostile_plan hostile_plan;

/* `self` is the real one's, so that a host finds the room for it as ever. */
static struct hostile the_hostile;

static uint64_t next_random(struct hostile *hostile) /* xorshift64* */
{
    hostile->random ^= hostile->random >> 12;
    hostile->random ^= hostile->random << 25;
    hostile->random ^= hostile->random >> 27;
    return hostile->random * UINT64_C(2685821657736338717);
}

static uint32_t below(struct hostile *hostile, uint32_t bound)
{
    return (uint32_t)((next_random(hostile) >> 32) % bound);
}

/* ---- what it may write ---- */

static void add_target(struct hostile *hostile, const struct sl_port *port, unsigned part)
{
    if (port->region[part])
        hostile->target[hostile->target_count++] =
            (struct target){port->region[part], port->size[part]};
}

/* As src/topology/lower.c gives the rights; one word more and this component dies itself. */
static void find_targets(struct hostile *hostile, const struct sl_port *port)
{
    if (hostile_plan.place == HOSTILE_MONITOR)
        return;
    add_target(hostile, &port[SL_PORT_AUDIT], 0);
    add_target(hostile, &port[SL_PORT_OUT], 0);
    add_target(hostile, &port[SL_PORT_PEER_OUT], 0);
    add_target(hostile, &port[SL_PORT_IN], 1);
    add_target(hostile, &port[SL_PORT_PEER_IN], 1);
    for (unsigned queue = SL_PORT_RX; queue <= SL_PORT_TX; queue++) {
        add_target(hostile, &port[queue], 0);
        add_target(hostile, &port[queue], 1);
    }
    bool driver = hostile_plan.place == HOSTILE_DRIVER;
    add_target(hostile, &port[driver ? SL_PORT_RX : SL_PORT_TX], 2);
}

static void find_rings(struct hostile *hostile, const struct sl_port *port)
{
    static const enum sl_port_id outs[] = {SL_PORT_OUT, SL_PORT_PEER_OUT};
    static const enum sl_port_id ins[] = {SL_PORT_IN, SL_PORT_PEER_IN};
    if (hostile_plan.place == HOSTILE_MONITOR)
        return;
    for (unsigned i = 0; i < 2; i++) {
        const struct sl_port *out = &port[outs[i]], *in = &port[ins[i]];
        /* and goes on where the one before it, if there was one, was */
        if (out->region[1]) {
            struct message_ring_producer *ring = &hostile->out[hostile->out_count++];
            message_ring_producer_init(ring, out->region[0], out->region[1], out->size[0]);
            ring->tail = ring->notified_tail = sl_load_relaxed(&ring->mine->tail);
            ring->head = sl_load_relaxed(&ring->theirs->head);
        }
        if (in->region[1]) {
            struct message_ring_consumer *ring = &hostile->in[hostile->in_count++].ring;
            message_ring_consumer_init(ring, in->region[0], in->region[1], in->size[0]);
            ring->head = ring->tail = sl_load_relaxed(&ring->mine->head);
        }
    }
}

/* ---- well-formed lies ---- */

static size_t forge_adu(struct hostile *hostile, uint8_t *bytes)
{
    static const uint8_t functions[] = {1, 2, 3, 4, 5, 6, 6, 6, 8, 15, 16, 16, 22, 23, 43, 90};
    const size_t content = below(hostile, 8) ? 4 : below(hostile, 240);
    bytes[0] = (uint8_t)next_random(hostile);
    bytes[1] = (uint8_t)next_random(hostile);
    bytes[2] = bytes[3] = bytes[4] = 0;
    bytes[5] = (uint8_t)(content + 2);
    bytes[6] = (uint8_t)below(hostile, 3);
    bytes[7] = functions[below(hostile, sizeof functions)];
    for (size_t i = 0; i < content; i++)
        bytes[8 + i] = (uint8_t)(below(hostile, 3) ? 0 : next_random(hostile));
    if (content == 4) { /* address and value, near to what a policy may allow */
        bytes[9] = (uint8_t)below(hostile, 6);
        bytes[11] = (uint8_t)next_random(hostile);
    }
    return 8 + content;
}

static uint16_t forge_payload(struct hostile *hostile, uint8_t *payload)
{
    uint8_t adu[260];
    size_t length = forge_adu(hostile, adu);
    if (below(hostile, 2)) {
        memcpy(payload, adu, length);
    } else {
        const struct sl_protocol *protocol = sl_protocol(SL_PROTOCOL_MODBUS_TCP);
        (void)protocol->decode(below(hostile, 2) ? SL_REQUEST : SL_REPLY, NULL, adu, length,
                               payload, &length);
    }
    for (unsigned changes = below(hostile, 3); length && changes > 0; changes--)
        payload[below(hostile, (uint32_t)length)] = (uint8_t)next_random(hostile);
    return (uint16_t)length;
}

static void forge_record(struct hostile *hostile)
{
    static const uint32_t clients[] = {0xc0a8600a, 0xc0a86014, 0xc0a86042, 0, 0xffffffff};
    static _Alignas(8) uint8_t payload[SL_MAX_PAYLOAD];
    if (hostile->out_count == 0)
        return;
    struct message_ring_producer *ring = &hostile->out[below(hostile, hostile->out_count)];
    const bool wild = below(hostile, 8) == 0;
    struct sl_record record = {
        .type = (uint8_t)(below(hostile, 3) ? SL_RECORD_MESSAGE : below(hostile, 15)),
        .service = (uint8_t)(wild ? next_random(hostile) : 0),
        .session = (uint16_t)(wild ? next_random(hostile) : below(hostile, 4)),
        .slot = (uint16_t)(wild ? next_random(hostile) : below(hostile, 192)),
        .reason = (uint16_t)below(hostile, 80),
        .client = clients[below(hostile, sizeof clients / sizeof *clients)],
        .generation = below(hostile, 4),
        .flags = (uint16_t)below(hostile, 16),
        .key = (uint16_t)next_random(hostile),
        .time = below(hostile, 4) ? sl_now(hostile->host) : next_random(hostile),
    };
    if (record.type == SL_RECORD_MESSAGE || below(hostile, 2))
        record.length = forge_payload(hostile, payload);
    const uint16_t length = record.length;
    if (wild)
        record.length = (uint16_t)next_random(hostile);
    (void)message_ring_put(ring, &record, sizeof record, payload, length);
}

static void listen(struct hostile *hostile)
{
    for (unsigned i = 0; i < hostile->in_count; i++) {
        struct sl_record record;
        for (unsigned n = 0; n < RECORD_BATCH; n++)
            if (record_take(&hostile->in[i], &record) != RING_OK)
                break;
        (void)message_ring_may_sleep(&hostile->in[i].ring);
    }
}

/* ---- everything else ---- */

static uint64_t adversarial(struct hostile *hostile, uint64_t before)
{
    static const uint64_t values[] = {
        0,          1,          7,          8,          9,
        2048,       4096,       0x7fff,     0x8000,     0xffff,
        0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff, UINT64_C(0x7fffffffffffffff),
        UINT64_MAX};
    switch (below(hostile, 4)) {
    case 0:
        return before + (below(hostile, 2) ? 8u : UINT64_C(0) - 8u);
    case 1:
        return before ^ UINT64_C(1) << below(hostile, 64);
    case 2:
        return next_random(hostile);
    default:
        return values[below(hostile, sizeof values / sizeof *values)];
    }
}

static void write_at(struct hostile *hostile, const struct target *target, uint32_t offset)
{
    static const uint8_t sizes[] = {1, 2, 4, 8};
    uint64_t value;
    const uint32_t size = sizes[below(hostile, 4)];
    offset -= offset % size;
    memcpy(&value, target->bytes + offset / 8 * 8, sizeof value);
    value = adversarial(hostile, value);
    memcpy(target->bytes + offset, &value, size);
}

static void write_somewhere(struct hostile *hostile, bool heads)
{
    if (hostile->target_count == 0)
        return;
    const struct target *target = &hostile->target[below(hostile, hostile->target_count)];
    uint32_t first = heads ? 0 : target->size > 64 ? 64 : RING_HEAD;
    uint32_t last = heads ? RING_HEAD : target->size;
    /* Near the beginning is where something is. */
    if (!heads && below(hostile, 2) && last > 4096)
        last = 4096;
    write_at(hostile, target, first + below(hostile, last - first));
}

static void attack(struct hostile *hostile)
{
    switch (hostile->style) {
    case FORGER:
        listen(hostile);
        for (unsigned i = below(hostile, 8); i > 0; i--)
            forge_record(hostile);
        break;
    case MUTATOR:
        if (below(hostile, 4) == 0)
            write_somewhere(hostile, false);
        break;
    case INDEXER:
        if (below(hostile, 500) == 0)
            write_somewhere(hostile, true);
        break;
    default:
        for (unsigned i = below(hostile, 64); i > 0; i--)
            write_somewhere(hostile, below(hostile, 16) == 0);
    }
    if (hostile_plan.place == HOSTILE_MONITOR) {
        char line[64];
        for (unsigned i = 0; i < sizeof line; i++) /* not a newline: the host adds that */
            line[i] = (char)(0x20 + below(hostile, 0x5f));
        if (below(hostile, 20) == 0)
            sl_emit_line(hostile->host, line, sizeof line);
    }
    for (unsigned i = 0; i < hostile->channel_count; i++)
        if (below(hostile, 2))
            sl_notify(hostile->host, hostile->channel[i]);
}

static void wake(void *self, uint64_t badges)
{
    struct hostile *hostile = &the_hostile;
    (void)self;
    const uint64_t now = sl_now(hostile->host);
    if (hostile->runs_real)
        hostile_plan.real->wake(hostile->real, badges);
    if (now - hostile->since > PATIENCE && hostile_plan.place != HOSTILE_MONITOR)
        hostile->style = SCRIBBLER;
    attack(hostile);
    sl_deadline(hostile->host, now + below(hostile, PACE));
}

static void init(void *self, const struct sl_environment *environment)
{
    struct hostile *hostile = &the_hostile;
    memset(hostile, 0, sizeof *hostile);
    hostile->real = self;
    hostile->host = environment->host;
    hostile->random = (hostile_plan.seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + hostile_plan.life;
    for (unsigned i = 0; i < 8; i++)
        (void)next_random(hostile);
    hostile->style = (enum style)((hostile_plan.seed + hostile_plan.life) % STYLES);
    const bool rings =
        environment->port[SL_PORT_IN].region[1] || environment->port[SL_PORT_OUT].region[1];
    if (hostile->style == FORGER && (!rings || hostile_plan.place == HOSTILE_MONITOR))
        hostile->style = MUTATOR;
    hostile->since = sl_now(hostile->host);
    find_targets(hostile, environment->port);
    find_rings(hostile, environment->port);
    for (unsigned i = 0; i < SL_PORT_COUNT && hostile_plan.place != HOSTILE_MONITOR; i++)
        if (environment->port[i].region[0] && environment->port[i].channel != SL_NO_CHANNEL)
            hostile->channel[hostile->channel_count++] = environment->port[i].channel;
    hostile->runs_real = hostile->style != FORGER;
    if (hostile->runs_real && !hostile_plan.at_work)
        hostile_plan.real->init(hostile->real, environment);
    sl_deadline(hostile->host, hostile->since);
}

struct sl_component hostile_component = {.name = "hostile", .init = init, .wake = wake};

void hostile_prepare(void)
{
    hostile_component.self_size = hostile_plan.real->self_size;
    hostile_component.link_size = hostile_plan.real->link_size;
}
