/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include <string.h>

#define BUFFERS     128u
#define RING_BYTES  (1u << 18)
#define AUDIT_SLOTS 4096u
#define MAX_NODES   2u

uint64_t world_now = 5 * SECOND;
const char *world_fault_expected;
bool world_driver_busy;
unsigned world_drop;
static struct node *nodes[MAX_NODES];
static unsigned node_count;

void sl_notify(struct sl_host *host, unsigned channel)
{
    if (channel < CHANNELS)
        host->node->notified[channel]++;
}

uint64_t sl_now(struct sl_host *host)
{
    (void)host;
    return world_now;
}

uint64_t sl_wall(struct sl_host *host)
{
    (void)host;
    return 0;
}

void sl_deadline(struct sl_host *host, uint64_t when)
{
    host->node->deadline = when;
}

void sl_random(struct sl_host *host, void *bytes, size_t length)
{
    static uint64_t state = 0x9e3779b97f4a7c15;
    (void)host;
    for (size_t i = 0; i < length; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)bytes)[i] = (uint8_t)(state >> 56);
    }
}

void sl_log(struct sl_host *host, const char *line)
{
    (void)host;
    (void)line;
}

void sl_emit_line(struct sl_host *host, const char *line, size_t length)
{
    (void)host;
    (void)line;
    (void)length;
}

_Noreturn void sl_fault(struct sl_host *host, const char *what, uint64_t found, uint64_t expected)
{
    (void)host;
    if (world_fault_expected && strstr(what, world_fault_expected))
        _exit(0);
    fprintf(stderr, "fault: %s: found %llu, expected %llu\n", what, (unsigned long long)found,
            (unsigned long long)expected);
    _exit(1);
}

struct sl_frontend_config world_config(enum sl_side side)
{
    return (struct sl_frontend_config){
        .side = (uint8_t)side,
        .mac = {2, 0, 0, 0, 0, (uint8_t)(side + 1)},
        .address = side == SL_SIDE_EXT ? 0x0a000002 : 0x0a000003, /* 10.0.0.2, 10.0.0.3 */
        .netmask = 0xffffff00,
        .slots = 192,
        .sessions = 1024,
        .quota = 16,
    };
}

static void *region(struct sl_port *port, unsigned part, uint32_t size)
{
    port->size[part] = (size + 4095) & ~UINT32_C(4095);
    return port->region[part] = calloc(1, port->size[part]);
}

static void frame_port(struct sl_port *port, struct frame_end *free_end, struct frame_end *active)
{
    port->channel = CHANNEL_DRIVER;
    frame_end_init(free_end, region(port, 0, frame_ring_region_size(BUFFERS)), BUFFERS);
    frame_end_init(active, region(port, 1, frame_ring_region_size(BUFFERS)), BUFFERS);
    (void)region(port, 2, frame_data_region_size(BUFFERS));
}

struct node *world_add(const struct sl_component *component,
                       const struct sl_frontend_config *config, wire_function *wire)
{
    struct node *node = calloc(1, sizeof *node);
    nodes[node_count++] = node;
    node->host.node = node;
    node->component = component;
    node->config = *config;
    node->deadline = SL_NEVER;
    node->wire = wire;
    struct sl_environment *environment = &node->environment;
    environment->host = &node->host;
    environment->config = &node->config;
    environment->config_size = sizeof node->config;
    struct sl_port *port = environment->port;
    frame_port(&port[SL_PORT_RX], &node->receive_free, &node->receive_active);
    frame_port(&port[SL_PORT_TX], &node->transmit_free, &node->transmit_active);
    port[SL_PORT_TX].channel = SL_NO_CHANNEL;
    port[SL_PORT_IN].channel = CHANNEL_IN;
    void *half = region(&port[SL_PORT_IN], 0, message_ring_region_size(RING_BYTES));
    message_ring_producer_init(&node->in, half, region(&port[SL_PORT_IN], 1, 4096),
                               port[SL_PORT_IN].size[0]);
    port[SL_PORT_OUT].channel = CHANNEL_OUT;
    half = region(&port[SL_PORT_OUT], 0, message_ring_region_size(RING_BYTES));
    message_ring_consumer_init(&node->out, half, region(&port[SL_PORT_OUT], 1, 4096),
                               port[SL_PORT_OUT].size[0]);
    half = region(&port[SL_PORT_AUDIT], 0,
                  oneway_ring_region_size(sizeof(struct sl_audit), AUDIT_SLOTS));
    oneway_consumer_init(&node->audit, half, port[SL_PORT_AUDIT].size[0], sizeof(struct sl_audit));
    node->self = calloc(1, component->self_size + component->link_size);
    component->init(node->self, environment);
    node->pending = true;
    return node;
}

static bool deliver_sent(struct node *node)
{
    uint64_t offset;
    uint16_t length;
    bool any = false;
    while (!world_driver_busy && frame_take(&node->transmit_active, &offset, &length) == RING_OK) {
        uint8_t frame[FRAME_BUFFER_SIZE];
        const uint8_t *data = node->environment.port[SL_PORT_TX].region[2];
        memcpy(frame, data + offset, length);
        CHECK(frame_put(&node->transmit_free, offset, 0) == RING_OK);
        if (frame_should_notify(&node->transmit_free))
            node->pending = true;
        any = true;
        if (world_drop > 0)
            world_drop--;
        else
            node->wire(node, frame, length);
    }
    return any;
}

void world_run(void)
{
    bool any = true;
    while (any) {
        any = false;
        for (unsigned i = 0; i < node_count; i++) {
            struct node *node = nodes[i];
            const bool due = node->deadline <= world_now;
            if (node->pending || due) {
                node->pending = false;
                if (due)
                    node->deadline = SL_NEVER;
                node->wakes++;
                node->component->wake(node->self, due ? SL_BADGE_DEADLINE : 0);
                any = true;
            }
            any |= deliver_sent(node);
            /* sleeps as an honest driver or consumer would */
            (void)frame_may_sleep(&node->transmit_active);
            (void)frame_may_sleep(&node->receive_free);
            (void)message_ring_may_sleep(&node->out);
        }
    }
}

void world_advance(uint64_t nanoseconds)
{
    const uint64_t target = world_now + nanoseconds;
    world_run();
    for (;;) {
        uint64_t next = target;
        for (unsigned i = 0; i < node_count; i++)
            if (nodes[i]->deadline < next)
                next = nodes[i]->deadline;
        world_now = next > world_now ? next : world_now;
        world_run();
        if (world_now == target)
            return;
    }
}

bool node_receive(struct node *node, const uint8_t *frame, uint16_t length)
{
    uint64_t offset;
    uint16_t unused;
    if (frame_take(&node->receive_free, &offset, &unused) != RING_OK)
        return false;
    uint8_t *data = node->environment.port[SL_PORT_RX].region[2];
    memcpy(data + offset, frame, length);
    CHECK(frame_put(&node->receive_active, offset, length) == RING_OK);
    if (frame_should_notify(&node->receive_active))
        node->pending = true;
    return true;
}

void node_put(struct node *node, const struct sl_record *record, const void *payload)
{
    CHECK(message_ring_put(&node->in, record, sizeof *record, payload, record->length) == RING_OK);
    if (message_ring_should_notify(&node->in))
        node->pending = true;
}

bool node_take(struct node *node, struct sl_record *record, uint8_t **payload)
{
    uint32_t length = 0;
    if (message_ring_take(&node->out, node->record, sizeof node->record, &length) != RING_OK)
        return false;
    CHECK(length >= sizeof *record);
    memcpy(record, node->record, sizeof *record);
    CHECK_EQUAL(record->length, length - sizeof *record);
    if (payload)
        *payload = node->record + sizeof *record;
    return true;
}

unsigned node_audits(struct node *node, enum sl_audit_event event, enum sl_reason reason)
{
    while (oneway_take(&node->audit, &node->audited[node->audited_count]) == RING_OK)
        CHECK(++node->audited_count < 4096);
    unsigned count = 0;
    for (unsigned i = 0; i < node->audited_count; i++)
        count += node->audited[i].event == event &&
                 (reason == SL_REASON_COUNT || node->audited[i].reason == reason);
    return count;
}
