/* SPDX-License-Identifier: BSD-2-Clause */
/* The two policy_emit instances of a DNP3 service between rings, and messages to put to them. */
#ifndef SLUICE_TEST_EMIT_FIXTURE_H
#define SLUICE_TEST_EMIT_FIXTURE_H

#include "policy/dnp3_fixture.h"

#include "components/policy_emit/policy_emit.h"
#include "sluice/component.h"

#define RING_BYTES 65536u
#define SLOTS      64u
#define SESSIONS   32u
#define AUDITS     1024u

struct test_ring {
    uint8_t *region;
    struct message_ring_consumer_half consumer_half;
    struct message_ring_producer producer; /* where the test is the producer */
    struct message_ring_consumer consumer; /* where it is the consumer */
};

struct instance {
    struct policy_emit *emit;
    struct sl_environment environment;
    struct sl_stage_config config;
    struct test_ring in, out;
    void *audit_region;
    struct oneway_consumer audit;
};

static struct fixture policy_fixture;
static struct instance request_instance, reply_instance;
static struct test_ring to_reply, to_request; /* between them */
static uint64_t now;

uint64_t sl_now(struct sl_host *host)
{
    (void)host;
    return now;
}

uint64_t sl_wall(struct sl_host *host)
{
    (void)host;
    return 0;
}

void sl_deadline(struct sl_host *host, uint64_t when)
{
    (void)host;
    (void)when;
}

void sl_notify(struct sl_host *host, unsigned channel)
{
    (void)host;
    (void)channel;
}

void sl_random(struct sl_host *host, void *bytes, size_t length)
{
    (void)host;
    memset(bytes, 7, length);
}

_Noreturn void sl_fault(struct sl_host *host, const char *what, uint64_t found, uint64_t expected)
{
    (void)host;
    print_error("%s: %llu, %llu\n", what, (unsigned long long)found, (unsigned long long)expected);
    abort();
}

static void ring_make(struct test_ring *ring)
{
    const uint32_t size = message_ring_region_size(RING_BYTES);
    ring->region = calloc(1, size);
    memset(&ring->consumer_half, 0, sizeof ring->consumer_half);
    message_ring_producer_init(&ring->producer, ring->region, &ring->consumer_half, size);
    message_ring_consumer_init(&ring->consumer, ring->region, &ring->consumer_half, size);
}

static void port_of(struct sl_port *port, struct test_ring *ring)
{
    port->region[0] = ring->region;
    port->region[1] = &ring->consumer_half;
    port->size[0] = message_ring_region_size(RING_BYTES);
}

static void instance_make(struct instance *instance, enum sl_direction direction,
                          struct test_ring *peer_in, struct test_ring *peer_out)
{
    const uint32_t audit_size = oneway_ring_region_size(sizeof(struct sl_audit), AUDITS);
    memset(instance, 0, sizeof *instance);
    instance->config = (struct sl_stage_config){
        .direction = (uint8_t)direction, .mode = SL_TWO_WAY, .slots = SLOTS, .sessions = SESSIONS};
    instance->emit = calloc(1, policy_emit_component.self_size + policy_emit_component.link_size);
    instance->audit_region = calloc(1, audit_size);
    ring_make(&instance->in);
    ring_make(&instance->out);
    instance->environment = (struct sl_environment){.config = &instance->config,
                                                    .config_size = sizeof instance->config,
                                                    .policy = policy_fixture.image,
                                                    .policy_size = policy_fixture.size};
    struct sl_port *const port = instance->environment.port;
    port_of(&port[SL_PORT_IN], &instance->in);
    port_of(&port[SL_PORT_OUT], &instance->out);
    port_of(&port[SL_PORT_PEER_IN], peer_in);
    port_of(&port[SL_PORT_PEER_OUT], peer_out);
    port[SL_PORT_AUDIT].region[0] = instance->audit_region;
    port[SL_PORT_AUDIT].size[0] = audit_size;
    oneway_consumer_init(&instance->audit, instance->audit_region, audit_size,
                         sizeof(struct sl_audit));
    policy_emit_component.init(instance->emit, &instance->environment);
}

static void instance_free(struct instance *instance)
{
    free(instance->emit);
    free(instance->audit_region);
    free(instance->in.region);
    free(instance->out.region);
}

/* Both instances as after a start. */
static void pipeline_make(void)
{
    now = 1000000000;
    ring_make(&to_reply);
    ring_make(&to_request);
    instance_make(&request_instance, SL_REQUEST, &to_request, &to_reply);
    instance_make(&reply_instance, SL_REPLY, &to_reply, &to_request);
}

static void pipeline_free(void)
{
    instance_free(&request_instance);
    instance_free(&reply_instance);
    free(to_reply.region);
    free(to_request.region);
}

static void wake(struct instance *instance)
{
    policy_emit_component.wake(instance->emit, 1);
}

static void put_bytes(struct test_ring *ring, struct sl_record record, const void *bytes,
                      size_t length)
{
    record.length = (uint16_t)length;
    assert_int_equal(
        message_ring_put(&ring->producer, &record, sizeof record, bytes, (uint32_t)length),
        RING_OK);
}

/* The next record out of an instance; type 0: there is none. */
static struct sl_record taken(struct test_ring *ring)
{
    static uint8_t bytes[SL_MAX_RECORD];
    struct sl_record record = {.type = 0};
    uint32_t length;
    if (message_ring_take(&ring->consumer, bytes, sizeof bytes, &length) == RING_OK)
        memcpy(&record, bytes, sizeof record);
    return record;
}

/* The last audit line of the instance since the last look, as its reason; "": there is none. */
static const char *audited(struct instance *instance)
{
    struct sl_audit record, last = {.event = 0};
    while (oneway_take(&instance->audit, &record) == RING_OK)
        if (record.event != SL_AUDIT_ANSWERED)
            last = record;
    return last.event ? sl_reason_name((enum sl_reason)last.reason) : "";
}

/* Who a message is from or for. */
struct party {
    uint16_t session;
    uint32_t generation;
    uint16_t master, outstation;
};

static struct sl_record record_of(const struct party *party, uint8_t type, uint16_t slot)
{
    return (struct sl_record){.type = type,
                              .session = party->session,
                              .generation = party->generation,
                              .slot = slot,
                              .client = HMI,
                              .time = now};
}

/* A client's request, over the slot; the record that goes to the device, type 0: none does. */
static struct sl_record ask(const struct party *party, uint16_t slot, const char *text)
{
    const struct decoded asked = dnp3_message(SL_REQUEST, party->master, party->outstation, text);
    put_bytes(&request_instance.in, record_of(party, SL_RECORD_MESSAGE, slot), &asked.message,
              asked.length);
    wake(&request_instance);
    return taken(&request_instance.out);
}

/* What the outstation says by itself; the record that goes to the client. */
static struct sl_record tell(const struct party *party, const char *text)
{
    const struct decoded told = dnp3_message(SL_REPLY, party->master, party->outstation, text);
    put_bytes(&reply_instance.in, record_of(party, SL_RECORD_MESSAGE, SL_NO_SLOT), &told.message,
              told.length);
    wake(&reply_instance);
    return taken(&reply_instance.out);
}

#endif
