/* SPDX-License-Identifier: BSD-2-Clause */
/* int_frontend: who goes over which connection to a device, what waits, for how long. */
// link: tests/unit/frontend/world.c tests/unit/frontend/peer.c build/san/int_frontend.o
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "modbus_bytes.h"
#include "net/limits.h"
#include "peer.h"

#define DEVICE  0x0a0000c8u
#define TIMEOUT SECOND
#define LEFT    9u /* a unit that answers */
#define DEAD    7u

static struct node *node;

static void start(struct sl_service_endpoint endpoint)
{
    struct sl_frontend_config config = world_config(SL_SIDE_INT);
    config.service_count = 1;
    config.service[0] = endpoint;
    config.service[0].address = DEVICE;
    config.service[0].port = 502;
    config.service[0].timeout = TIMEOUT;
    peers_listen = 502;
    node = world_add(&int_frontend_component, &config, peers_wire);
    world_run();
}

static struct sl_record about(uint16_t session, uint16_t slot)
{
    return (struct sl_record){.type = SL_RECORD_MESSAGE,
                              .session = session,
                              .slot = slot,
                              .generation = 1,
                              .key = slot,
                              .time = world_now};
}

static void ask(uint16_t session, uint16_t slot, uint8_t unit)
{
    uint8_t bytes[READ_SIZE];
    struct sl_record record = about(session, slot);
    record.length = message_bytes(bytes, slot, READ_SIZE);
    bytes[6] = unit;
    node_put(node, &record, bytes);
}

static void leave(uint16_t session)
{
    struct sl_record record = about(session, SL_NO_SLOT);
    record.type = SL_RECORD_SESSION_END;
    node_put(node, &record, NULL);
}

static void answer(struct peer *device, uint16_t slot, uint8_t unit)
{
    uint8_t bytes[REPLY_SIZE];
    message_bytes(bytes, slot, REPLY_SIZE);
    bytes[6] = unit;
    peer_send(node, device, bytes, REPLY_SIZE);
}

static void outcome(uint16_t slot, enum sl_record_type type, enum sl_reason reason)
{
    struct sl_record record;
    world_run();
    CHECK(node_take(node, &record, NULL));
    CHECK_EQUAL(record.slot, slot);
    CHECK_EQUAL(record.type, type);
    CHECK_EQUAL(record.reason, reason);
}

static void nothing_more(void)
{
    struct sl_record record;
    world_run();
    CHECK(!node_take(node, &record, NULL));
}

/* Slot of the request at `index` of those that the device received. */
static uint16_t received(const struct peer *device, unsigned index)
{
    CHECK(device->received_length >= (index + 1) * READ_SIZE);
    return transaction_of(device->received + index * READ_SIZE);
}

static unsigned connections(void)
{
    return node_audits(node, SL_AUDIT_DEVICE_OPEN, SL_REASON_NONE);
}

ISOLATED(one_connection_for_all)
{
    start((struct sl_service_endpoint){.shared = 1, .connections = 1, .pipeline = 1});
    for (uint16_t i = 0; i < 4; i++)
        ask(i, i, LEFT);
    world_run();
    CHECK_EQUAL(connections(), 1);
    struct peer *device = peer_accepted();
    for (uint16_t i = 0; i < 4; i++) {
        CHECK_EQUAL(device->received_length, (i + 1) * READ_SIZE); /* one at a time */
        answer(device, i, LEFT);
        outcome(i, SL_RECORD_MESSAGE, SL_REASON_NONE);
        world_run();
    }
    leave(0);
    leave(1);
    leave(2);
    for (unsigned i = 0; i < 3; i++)
        outcome(SL_NO_SLOT, SL_RECORD_SESSION_END, SL_REASON_NONE);
    CHECK(!device->finished);
    leave(3); /* the last one: the device sees that they are gone */
    outcome(SL_NO_SLOT, SL_RECORD_SESSION_END, SL_REASON_NONE);
    CHECK(device->finished);
    ask(0, 9, LEFT);
    world_run();
    CHECK_EQUAL(connections(), 2);
}

ISOLATED(as_many_as_allowed_and_a_client_stays_on_its_own)
{
    start((struct sl_service_endpoint){.shared = 1, .connections = 2, .pipeline = 1});
    ask(0, 0, LEFT);
    ask(0, 1, LEFT);
    world_run();
    ask(1, 2, LEFT);
    ask(2, 3, LEFT);
    world_run();
    CHECK_EQUAL(connections(), 2);
    struct peer *second = peer_accepted();
    CHECK_EQUAL(second->received_length, READ_SIZE);
    CHECK_EQUAL(received(second, 0), 2);
    answer(second, 2, LEFT);
    outcome(2, SL_RECORD_MESSAGE, SL_REASON_NONE);
    world_run();
    CHECK_EQUAL(received(second, 1), 3); /* not 1, which keeps its place behind 0 */
    answer(second, 3, LEFT);
    outcome(3, SL_RECORD_MESSAGE, SL_REASON_NONE);
    nothing_more();
}

ISOLATED(a_client_of_a_shared_connection_leaves)
{
    start((struct sl_service_endpoint){.shared = 1, .connections = 1, .pipeline = 1});
    ask(0, 0, LEFT);
    ask(0, 1, LEFT);
    ask(1, 2, LEFT);
    world_run();
    leave(0);
    outcome(1, SL_RECORD_FAILED, SL_REASON_CLIENT_LEFT); /* waited: never said */
    outcome(SL_NO_SLOT, SL_RECORD_SESSION_END, SL_REASON_NONE);
    struct peer *device = peer_accepted();
    CHECK_EQUAL(device->received_length, READ_SIZE);
    answer(device, 0, LEFT);
    outcome(0, SL_RECORD_MESSAGE, SL_REASON_NONE);
    world_run();
    CHECK(!device->finished && !device->was_reset);
    CHECK_EQUAL(received(device, 1), 2);
    answer(device, 2, LEFT);
    outcome(2, SL_RECORD_MESSAGE, SL_REASON_NONE);
}

ISOLATED(connections_of_clients_are_bounded)
{
    start((struct sl_service_endpoint){.connections = 2});
    for (uint16_t i = 0; i < 3; i++) {
        ask(i, i, LEFT);
        world_run();
    }
    outcome(2, SL_RECORD_FAILED, SL_REASON_CAPACITY);
    CHECK_EQUAL(connections(), 2);
    leave(0);
    world_run();
    ask(2, 3, LEFT);
    world_run();
    CHECK_EQUAL(connections(), 3);
}

ISOLATED(a_full_queue)
{
    start((struct sl_service_endpoint){.pipeline = 1, .queue = 2});
    ask(0, 0, LEFT);
    world_run();
    for (uint16_t i = 1; i < 4; i++)
        ask(0, i, LEFT);
    outcome(3, SL_RECORD_FAILED, SL_REASON_CAPACITY);
    for (uint16_t i = 0; i < 3; i++) {
        answer(peer_accepted(), i, LEFT);
        outcome(i, SL_RECORD_MESSAGE, SL_REASON_NONE);
        world_run();
    }
    nothing_more();
}

ISOLATED(waiting_has_its_own_limit)
{
    start((struct sl_service_endpoint){.pipeline = 1, .queue_timeout = 200 * MILLISECOND});
    ask(0, 0, LEFT);
    ask(0, 1, LEFT);
    world_advance(200 * MILLISECOND - 1);
    nothing_more();
    world_advance(1);
    outcome(1, SL_RECORD_FAILED, SL_REASON_QUEUE_TIMEOUT);
    world_advance(500 * MILLISECOND);
    nothing_more(); /* what is with the device has the whole time-out */
    answer(peer_accepted(), 0, LEFT);
    outcome(0, SL_RECORD_MESSAGE, SL_REASON_NONE);
    CHECK_EQUAL(peer_accepted()->received_length, READ_SIZE);
}

ISOLATED(a_dead_unit_costs_the_others_one_time_out)
{
    start((struct sl_service_endpoint){.pipeline = 1});
    ask(0, 0, DEAD);
    ask(0, 1, LEFT);
    world_advance(TIMEOUT / 2);
    struct peer *device = peer_accepted();
    CHECK_EQUAL(device->received_length, READ_SIZE);
    answer(device, 99, LEFT); /* nobody's */
    world_advance(TIMEOUT / 2);
    outcome(0, SL_RECORD_FAILED, SL_REASON_DEVICE_TIMEOUT);
    outcome(1, SL_RECORD_FAILED, SL_REASON_DEVICE_TIMEOUT);
    uint16_t slot = 2;
    for (unsigned round = 0; round < 20; round++) {
        const uint32_t before = device->received_length;
        ask(0, slot, DEAD);
        ask(0, (uint16_t)(slot + 1), DEAD);
        ask(0, (uint16_t)(slot + 2), LEFT);
        world_run();
        CHECK_EQUAL(device->received_length - before, 2 * READ_SIZE); /* one dead, one not */
        answer(device, (uint16_t)(slot + 2), LEFT);
        outcome((uint16_t)(slot + 2), SL_RECORD_MESSAGE, SL_REASON_NONE);
        world_advance(TIMEOUT);
        outcome(slot, SL_RECORD_FAILED, SL_REASON_DEVICE_TIMEOUT);
        outcome((uint16_t)(slot + 1), SL_RECORD_FAILED, SL_REASON_DEVICE_TIMEOUT);
        slot = (uint16_t)(slot + 3);
    }
    ask(0, slot, DEAD); /* it is back */
    world_run();
    answer(device, slot, DEAD);
    outcome(slot, SL_RECORD_MESSAGE, SL_REASON_NONE);
    nothing_more();
}

ISOLATED(back_off_doubles_and_ends)
{
    start((struct sl_service_endpoint){.pipeline = 1});
    peers_refuse = true;
    uint64_t wait = 100 * MILLISECOND;
    for (uint16_t i = 0; i < 8; i++) {
        const unsigned before = node_audits(node, SL_AUDIT_DEVICE_CLOSE, SL_REASON_COUNT);
        ask(0, i, LEFT);
        outcome(i, SL_RECORD_FAILED, SL_REASON_DEVICE_UNREACHABLE);
        CHECK_EQUAL(node_audits(node, SL_AUDIT_DEVICE_CLOSE, SL_REASON_COUNT), before + 1);
        world_advance(wait - 1);
        ask(0, 100, LEFT); /* too early: at once, nothing tried */
        outcome(100, SL_RECORD_FAILED, SL_REASON_DEVICE_UNREACHABLE);
        CHECK_EQUAL(node_audits(node, SL_AUDIT_DEVICE_CLOSE, SL_REASON_COUNT), before + 1);
        world_advance(1);
        wait = 2 * wait < 5 * SECOND ? 2 * wait : 5 * SECOND;
    }
    peers_refuse = false;
    world_advance(5 * SECOND);
    ask(0, 0, LEFT);
    world_run();
    answer(peer_accepted(), 0, LEFT);
    outcome(0, SL_RECORD_MESSAGE, SL_REASON_NONE);
    peer_reset(node, peer_accepted());
    ask(0, 1, LEFT); /* it had answered: no back-off */
    world_run();
    answer(peer_accepted(), 1, LEFT);
    outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
}

/* Whatever happens on shared connections, every request has one outcome. */
ISOLATED(exactly_one_outcome_each)
{
    enum { SESSIONS = 12, SLOTS = 100, STEPS = 20000 };
    static bool owed[SLOTS], ending[SESSIONS];
    static uint32_t generation[SESSIONS];
    static unsigned held[SESSIONS];
    static uint16_t holder[SLOTS];
    unsigned given = 0, taken = 0;
    uint32_t seed = 1;
    start((struct sl_service_endpoint){.shared = 1,
                                       .connections = 3,
                                       .pipeline = 2,
                                       .queue = 20,
                                       .queue_timeout = 300 * MILLISECOND});
    for (unsigned step = 0; step < STEPS; step++) {
        seed = seed * 1664525 + 1013904223;
        const uint16_t session = (uint16_t)(seed >> 8) % SESSIONS;
        const uint16_t slot = (uint16_t)(seed >> 12) % SLOTS;
        const unsigned choice = (seed >> 24) % 100;
        struct peer *device = peer_accepted();
        const bool live = device && !device->was_reset && !device->finished;
        struct sl_record record = about(session, slot);
        record.generation = generation[session];
        if (choice < 50 && !owed[slot] && !ending[session]) {
            uint8_t bytes[READ_SIZE];
            owed[slot] = true;
            holder[slot] = session;
            held[session]++;
            given++;
            record.flags = choice < 3 ? SL_FLAG_NO_REPLY : 0;
            record.length = message_bytes(bytes, slot, READ_SIZE);
            bytes[6] = (uint8_t)(choice % 4);
            node_put(node, &record, bytes);
        } else if (choice < 54 && !ending[session]) {
            ending[session] = true;
            record.type = SL_RECORD_SESSION_END;
            record.slot = SL_NO_SLOT;
            record.flags = choice % 2 ? SL_FLAG_FINISHED : 0;
            node_put(node, &record, NULL);
        } else if (choice < 75 && live) {
            answer(device, slot, LEFT);
        } else if (choice < 77 && live) {
            peer_finish(node, device);
            device->was_reset = true;
        } else if (choice < 79 && device && !device->was_reset) {
            peer_reset(node, device);
            device->was_reset = true;
        } else if (choice < 80) {
            world_drop += 2;
        } else if (choice < 81) {
            peers_refuse = !peers_refuse;
        } else if (choice < 90) {
            world_advance((seed & 0xff) * MILLISECOND);
        }
        if (step % 64 == 0)
            world_advance(4 * SECOND);
        world_run();
        struct sl_record out;
        while (node_take(node, &out, NULL)) {
            if (out.type == SL_RECORD_SESSION_END) {
                generation[out.session] |= UINT32_C(1) << 31; /* back, replies may be owed */
            } else {
                CHECK(out.slot < SLOTS && owed[out.slot] && holder[out.slot] == out.session);
                owed[out.slot] = false;
                held[out.session]--;
                taken++;
            }
            if (generation[out.session] >> 31 && held[out.session] == 0) {
                generation[out.session] = (generation[out.session] & UINT32_C(0x7fffffff)) + 1;
                ending[out.session] = false;
            }
        }
        if (step % 500 == 499)
            peers_forget();
    }
    world_advance(5 * SECOND);
    struct sl_record out;
    while (node_take(node, &out, NULL))
        taken += out.type != SL_RECORD_SESSION_END;
    CHECK(given > STEPS / 10);
    CHECK_EQUAL(taken, given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connection_for_all),
        cmocka_unit_test(as_many_as_allowed_and_a_client_stays_on_its_own),
        cmocka_unit_test(a_client_of_a_shared_connection_leaves),
        cmocka_unit_test(connections_of_clients_are_bounded),
        cmocka_unit_test(a_full_queue),
        cmocka_unit_test(waiting_has_its_own_limit),
        cmocka_unit_test(a_dead_unit_costs_the_others_one_time_out),
        cmocka_unit_test(back_off_doubles_and_ends),
        cmocka_unit_test(exactly_one_outcome_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
