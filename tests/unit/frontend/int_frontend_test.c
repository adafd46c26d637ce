/* SPDX-License-Identifier: BSD-2-Clause */
/* int_frontend against devices made of single segments, and a core played by the test. */
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

#define DEVICE  0x0a0000c8u /* 10.0.0.200 */
#define CLIENT  0xc0a80005u
#define TIMEOUT SECOND

static struct node *node;

static void start_with(uint64_t pipeline)
{
    struct sl_frontend_config config = world_config(SL_SIDE_INT);
    config.service_count = 2;
    config.service[0] = (struct sl_service_endpoint){DEVICE, 502, SL_PROTOCOL_MODBUS_TCP, TIMEOUT};
    config.service[1] =
        (struct sl_service_endpoint){DEVICE + 1, 502, SL_PROTOCOL_MODBUS_TCP, 3 * TIMEOUT};
    config.service[0].pipeline = pipeline;
    peers_listen = 502;
    node = world_add(&int_frontend_component, &config, peers_wire);
    world_run();
}

static void start(void)
{
    start_with(0);
}

static struct sl_record request_record(uint16_t session, uint16_t slot, uint16_t key)
{
    return (struct sl_record){.type = SL_RECORD_MESSAGE,
                              .session = session,
                              .slot = slot,
                              .client = CLIENT,
                              .client_port = (uint16_t)(40000 + session),
                              .generation = 5u + session,
                              .key = key,
                              .time = world_now};
}

static void put_record(struct sl_record record, uint16_t size)
{
    uint8_t bytes[SL_MAX_PAYLOAD];
    record.length = message_bytes(bytes, record.key, size);
    node_put(node, &record, bytes);
}

static void put_request(uint16_t session, uint16_t slot, uint16_t key)
{
    put_record(request_record(session, slot, key), READ_SIZE);
}

static void put_end_with(uint16_t session, uint16_t flags)
{
    struct sl_record record = request_record(session, SL_NO_SLOT, 0);
    record.type = SL_RECORD_SESSION_END;
    record.flags = flags;
    node_put(node, &record, NULL);
}

static void put_end(uint16_t session)
{
    put_end_with(session, 0);
}

static struct sl_record take_outcome(uint16_t slot, enum sl_record_type type, enum sl_reason reason)
{
    struct sl_record record;
    world_run();
    CHECK(node_take(node, &record, NULL));
    CHECK_EQUAL(record.slot, slot);
    CHECK_EQUAL(record.type, type);
    CHECK_EQUAL(record.reason, reason);
    if (type != SL_RECORD_MESSAGE)
        CHECK_EQUAL(record.length, 0);
    return record;
}

static void nothing_more(void)
{
    struct sl_record record;
    world_run();
    CHECK(!node_take(node, &record, NULL));
}

static void reply_from(struct peer *device, uint16_t key)
{
    uint8_t bytes[REPLY_SIZE];
    peer_send(node, device, bytes, message_bytes(bytes, key, REPLY_SIZE));
}

/* Puts one request of this session and returns the device's end of its connection. */
static struct peer *connected_with(uint16_t session, uint16_t slot, uint16_t key)
{
    put_request(session, slot, key);
    world_run();
    struct peer *device = peer_accepted();
    CHECK(device && device->open);
    return device;
}

ISOLATED(a_request_and_its_reply)
{
    start();
    struct sl_record sent = request_record(3, 9, 0x1234);
    sent.service = 1;
    put_record(sent, LONG_SIZE);
    world_run();
    struct peer *device = peer_accepted();
    CHECK_EQUAL(device->address, DEVICE + 1);
    CHECK_EQUAL(device->received_length, LONG_SIZE);
    CHECK_EQUAL(transaction_of(device->received), 0x1234);
    CHECK(device->other_port >= 49152);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DEVICE_OPEN, SL_REASON_NONE), 1);
    world_advance(MILLISECOND);
    uint8_t bytes[LONG_SIZE];
    peer_send(node, device, bytes, message_bytes(bytes, 0x1234, LONG_SIZE));
    world_run();
    struct sl_record record;
    uint8_t *payload;
    CHECK(node_take(node, &record, &payload));
    sent.length = LONG_SIZE;
    CHECK(memcmp(&record, &sent, sizeof record) == 0);
    CHECK(memcmp(payload, bytes, LONG_SIZE) == 0);
    nothing_more();
}

ISOLATED(pipelined_split_and_out_of_order)
{
    start();
    for (uint16_t i = 0; i < 7; i++)
        put_request(0, (uint16_t)(20 + i), (uint16_t)(100 + i));
    world_run();
    struct peer *device = peer_accepted();
    CHECK_EQUAL(device->received_length, 7 * READ_SIZE);
    CHECK_EQUAL(device->segments, 1);
    for (uint16_t i = 0; i < 7; i++)
        CHECK_EQUAL(transaction_of(device->received + i * READ_SIZE), 100 + i);
    uint8_t bytes[7 * REPLY_SIZE];
    static const uint16_t order[7] = {3, 6, 0, 5, 1, 4, 2};
    for (uint16_t i = 0; i < 7; i++)
        message_bytes(bytes + i * REPLY_SIZE, (uint16_t)(100 + order[i]), REPLY_SIZE);
    for (uint16_t i = 0; i < 2 * REPLY_SIZE; i++) {
        peer_send(node, device, bytes + i, 1);
        world_run();
    }
    peer_send(node, device, bytes + 2 * REPLY_SIZE, 5 * REPLY_SIZE);
    for (uint16_t i = 0; i < 7; i++)
        (void)take_outcome((uint16_t)(20 + order[i]), SL_RECORD_MESSAGE, SL_REASON_NONE);
    nothing_more();
}

ISOLATED(a_burst_of_long_replies)
{
    start();
    struct peer *device = connected_with(0, 0, 0);
    uint8_t bytes[12 * LONG_SIZE];
    for (uint16_t i = 1; i < 12; i++)
        put_request(0, i, i);
    world_run();
    for (uint16_t i = 0; i < 12; i++)
        message_bytes(bytes + i * LONG_SIZE, i, LONG_SIZE);
    for (uint16_t at = 0; at < sizeof bytes; at = (uint16_t)(at + NET_MSS))
        peer_send(node, device, bytes + at,
                  (uint16_t)(sizeof bytes - at < NET_MSS ? sizeof bytes - at : NET_MSS));
    for (uint16_t i = 0; i < 12; i++)
        (void)take_outcome(i, SL_RECORD_MESSAGE, SL_REASON_NONE);
}

ISOLATED(refused)
{
    start();
    peers_refuse = true;
    put_request(0, 1, 1);
    put_request(0, 2, 2);
    (void)take_outcome(1, SL_RECORD_FAILED, SL_REASON_DEVICE_UNREACHABLE);
    (void)take_outcome(2, SL_RECORD_FAILED, SL_REASON_DEVICE_UNREACHABLE);
    nothing_more();
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DEVICE_CLOSE, SL_REASON_DEVICE_UNREACHABLE), 1);
    peers_refuse = false;
    put_request(0, 1, 9); /* not tried again so soon */
    (void)take_outcome(1, SL_RECORD_FAILED, SL_REASON_DEVICE_UNREACHABLE);
    CHECK(!peer_accepted());
    world_advance(100 * MILLISECOND);
    struct peer *device = connected_with(0, 1, 3); /* the next one tries anew */
    reply_from(device, 3);
    (void)take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
}

ISOLATED(unreachable)
{
    start();
    peers_deaf = true;
    put_request(0, 1, 1);
    world_advance(TIMEOUT / 2);
    put_request(0, 2, 2);
    nothing_more();
    world_advance(TIMEOUT / 2 - MILLISECOND);
    nothing_more();
    world_advance(MILLISECOND);
    (void)take_outcome(1, SL_RECORD_FAILED, SL_REASON_DEVICE_UNREACHABLE);
    (void)take_outcome(2, SL_RECORD_FAILED, SL_REASON_DEVICE_UNREACHABLE);
    peers_deaf = false;
    world_advance(5 * SECOND);
    CHECK(!peer_accepted()); /* and nobody connects on its own */
}

ISOLATED(the_device_closes)
{
    start();
    struct peer *device = connected_with(0, 1, 1);
    put_request(0, 2, 2);
    world_run();
    reply_from(device, 1);
    peer_finish(node, device);
    (void)take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
    (void)take_outcome(2, SL_RECORD_FAILED, SL_REASON_DEVICE_CLOSED);
    nothing_more();
    CHECK(device->finished);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DEVICE_CLOSE, SL_REASON_DEVICE_CLOSED), 1);
    struct peer *again = connected_with(0, 1, 3);
    CHECK(again != device);
    CHECK_EQUAL(again->received_length, READ_SIZE); /* the new one only: nothing is sent twice */
    peer_reset(node, again);
    (void)take_outcome(1, SL_RECORD_FAILED, SL_REASON_DEVICE_CLOSED);
    nothing_more();
}

ISOLATED(late_replies_are_for_nobody)
{
    start();
    world_advance(37 * MILLISECOND + 123456); /* at no tick of TCP's */
    struct peer *device = connected_with(0, 1, 1);
    world_advance(TIMEOUT - MILLISECOND);
    nothing_more();
    world_advance(MILLISECOND);
    (void)take_outcome(1, SL_RECORD_FAILED, SL_REASON_DEVICE_TIMEOUT);
    reply_from(device, 1);
    nothing_more();
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_REPLY_UNMATCHED), 1);
    put_request(0, 1, 2);
    world_run();
    CHECK(!device->was_reset && !device->finished);
    CHECK_EQUAL(device->received_length, 2 * READ_SIZE);
    reply_from(device, 2);
    (void)take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
    reply_from(device, 2); /* twice */
    nothing_more();
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_REPLY_UNMATCHED), 2);
}

ISOLATED(an_expired_request_is_never_delivered_later)
{
    start();
    struct peer *device = connected_with(0, 1, 1);
    reply_from(device, 1);
    (void)take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
    world_drop = 1; /* the cable is out */
    put_request(0, 2, 2);
    world_run();
    device->silent = true;
    const uint32_t before = device->received_length;
    world_drop = 1000;
    world_advance(TIMEOUT - 10 * MILLISECOND);
    put_request(0, 3, 3);
    world_advance(10 * MILLISECOND);
    (void)take_outcome(2, SL_RECORD_FAILED, SL_REASON_DEVICE_TIMEOUT);
    (void)take_outcome(3, SL_RECORD_FAILED, SL_REASON_DEVICE_CLOSED);
    world_drop = 0;
    device->silent = false;
    world_advance(30 * SECOND);
    CHECK_EQUAL(device->received_length, before);
    nothing_more();
}

ISOLATED(what_cannot_leave_at_once_waits_here)
{
    start();
    struct peer *device = connected_with(0, 1, 1);
    device->window = 0;
    reply_from(device, 1);
    (void)take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
    for (uint16_t i = 2; i < 8; i++)
        put_request(0, i, i);
    world_advance(TIMEOUT + MILLISECOND);
    const uint32_t before = device->received_length;
    for (uint16_t i = 2; i < 8; i++) {
        struct sl_record record;
        CHECK(node_take(node, &record, NULL));
        CHECK_EQUAL(record.type, SL_RECORD_FAILED);
    }
    nothing_more();
    device->window = 60000;
    peer_segment(node, device, TCP_ACK, 0, NULL, 0);
    world_advance(10 * SECOND);
    CHECK_EQUAL(device->received_length, before);
}

ISOLATED(expired_on_arrival)
{
    start();
    struct sl_record old = request_record(0, 1, 1);
    old.time = world_now - TIMEOUT;
    put_record(old, READ_SIZE);
    (void)take_outcome(1, SL_RECORD_FAILED, SL_REASON_DEVICE_TIMEOUT);
    CHECK(!peer_accepted());
    struct sl_record early = request_record(0, 1, 2); /* a clock that is wrong gains no time */
    early.time = world_now + 100 * SECOND;
    put_record(early, READ_SIZE);
    world_advance(TIMEOUT);
    (void)take_outcome(1, SL_RECORD_FAILED, SL_REASON_DEVICE_TIMEOUT);
}

ISOLATED(the_client_leaves)
{
    start();
    struct peer *device = connected_with(0, 1, 1);
    put_request(0, 2, 2);
    put_end(0);
    (void)take_outcome(1, SL_RECORD_FAILED, SL_REASON_CLIENT_LEFT);
    (void)take_outcome(2, SL_RECORD_FAILED, SL_REASON_CLIENT_LEFT);
    const struct sl_record end = take_outcome(SL_NO_SLOT, SL_RECORD_SESSION_END, SL_REASON_NONE);
    CHECK_EQUAL(end.session, 0);
    CHECK_EQUAL(end.generation, 5);
    nothing_more();
    CHECK(device->finished);
    CHECK_EQUAL(device->received_length, READ_SIZE); /* the queued one was never said */
    world_advance(11 * SECOND);
    CHECK(device->was_reset); /* a device that does not close is not waited for */
    put_end(77);              /* never said anything */
    CHECK_EQUAL(take_outcome(SL_NO_SLOT, SL_RECORD_SESSION_END, SL_REASON_NONE).session, 77);
    struct sl_record next = request_record(0, 1, 1);
    next.generation++;
    put_record(next, READ_SIZE);
    world_run();
    CHECK(peer_accepted() != device);
}

ISOLATED(the_client_leaves_with_its_request_on_the_way)
{
    start();
    struct peer *device = connected_with(0, 1, 1);
    reply_from(device, 1);
    (void)take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
    device->silent = true;
    put_request(0, 1, 2);
    world_run();
    put_end(0);
    (void)take_outcome(1, SL_RECORD_FAILED, SL_REASON_CLIENT_LEFT);
    CHECK(device->was_reset && !device->finished); /* no retransmission brings it later */
}

ISOLATED(a_client_that_sends_no_more_has_its_replies)
{
    start_with(1);
    struct peer *device = connected_with(0, 1, 1);
    put_request(0, 2, 2);
    put_end_with(0, SL_FLAG_FINISHED);
    nothing_more();
    world_advance(100 * MILLISECOND);
    reply_from(device, 1);
    (void)take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
    CHECK_EQUAL(device->received_length, 2 * READ_SIZE);
    CHECK(!device->finished);
    reply_from(device, 2);
    (void)take_outcome(2, SL_RECORD_MESSAGE, SL_REASON_NONE);
    const struct sl_record end = take_outcome(SL_NO_SLOT, SL_RECORD_SESSION_END, SL_REASON_NONE);
    CHECK_EQUAL(end.session, 0);
    CHECK_EQUAL(end.generation, 5);
    CHECK_EQUAL(end.flags, 0);
    CHECK(device->finished);
    put_end_with(3, SL_FLAG_FINISHED); /* owed nothing */
    CHECK_EQUAL(take_outcome(SL_NO_SLOT, SL_RECORD_SESSION_END, SL_REASON_NONE).session, 3);
    nothing_more();
}

ISOLATED(what_waits_long_of_a_client_that_sends_no_more_is_not_sent)
{
    start_with(1);
    struct peer *device = connected_with(0, 1, 1);
    put_request(0, 2, 2);
    put_end_with(0, SL_FLAG_FINISHED);
    world_advance(299 * MILLISECOND);
    nothing_more();
    world_advance(2 * MILLISECOND);
    (void)take_outcome(2, SL_RECORD_FAILED, SL_REASON_CLIENT_LEFT);
    nothing_more();
    reply_from(device, 1);
    (void)take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
    (void)take_outcome(SL_NO_SLOT, SL_RECORD_SESSION_END, SL_REASON_NONE);
    CHECK_EQUAL(device->received_length, READ_SIZE);
    peers_deaf = true; /* nor where the device is away */
    put_request(1, 3, 3);
    put_end_with(1, SL_FLAG_FINISHED);
    world_advance(299 * MILLISECOND);
    nothing_more();
    world_advance(2 * MILLISECOND);
    (void)take_outcome(3, SL_RECORD_FAILED, SL_REASON_CLIENT_LEFT);
    (void)take_outcome(SL_NO_SLOT, SL_RECORD_SESSION_END, SL_REASON_NONE);
    peers_deaf = false;
    world_advance(5 * SECOND);
    CHECK(peer_accepted() == device); /* and no other */
}

ISOLATED(the_client_leaves_before_the_device_answers_at_all)
{
    start();
    peers_deaf = true;
    put_request(0, 1, 1);
    world_run();
    put_end(0);
    (void)take_outcome(1, SL_RECORD_FAILED, SL_REASON_CLIENT_LEFT);
    (void)take_outcome(SL_NO_SLOT, SL_RECORD_SESSION_END, SL_REASON_NONE);
    peers_deaf = false;
    world_advance(10 * SECOND);
    CHECK(!peer_accepted());
}

ISOLATED(the_device_loses_framing)
{
    start();
    struct peer *device = connected_with(0, 1, 1);
    put_request(0, 2, 2);
    world_run();
    peer_send(node, device, "garbage, not a reply", 20);
    (void)take_outcome(1, SL_RECORD_FAILED, SL_REASON_DEVICE_FRAMING_LOST);
    (void)take_outcome(2, SL_RECORD_FAILED, SL_REASON_DEVICE_FRAMING_LOST);
    nothing_more();
    CHECK(device->was_reset);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DEVICE_CLOSE, SL_REASON_DEVICE_FRAMING_LOST), 1);
}

ISOLATED(no_reply_expected)
{
    start();
    struct sl_record record = request_record(0, 1, 1);
    record.flags = SL_FLAG_NO_REPLY;
    put_record(record, READ_SIZE);
    (void)take_outcome(1, SL_RECORD_SENT, SL_REASON_NONE);
    CHECK_EQUAL(peer_accepted()->received_length, READ_SIZE);
    reply_from(peer_accepted(), 1);
    nothing_more();
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_REPLY_UNMATCHED), 1);
}

ISOLATED(hostile_records)
{
    start();
    struct peer *device = connected_with(0, 1, 1);
    struct sl_record bad = request_record(0, 1, 9); /* slot in use */
    put_record(bad, READ_SIZE);
    bad.slot = 192;
    put_record(bad, READ_SIZE);
    bad.slot = SL_NO_SLOT;
    put_record(bad, READ_SIZE);
    bad = request_record(1024, 2, 9);
    put_record(bad, READ_SIZE);
    bad = request_record(0, 2, 9);
    bad.generation++;
    put_record(bad, READ_SIZE);
    bad = request_record(0, 2, 9);
    bad.service = 1; /* the session is another service's */
    put_record(bad, READ_SIZE);
    bad.service = 200;
    put_record(bad, READ_SIZE);
    bad = request_record(0, 2, 9);
    put_record(bad, NET_MAX_MESSAGE + 1);
    bad.type = SL_RECORD_SILENT;
    put_record(bad, READ_SIZE);
    bad.type = SL_RECORD_SESSION_END;
    bad.generation++;
    node_put(node, &bad, NULL);
    bad = request_record(0, 2, 9); /* empty */
    node_put(node, &bad, NULL);
    nothing_more();
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_RECORD_INVALID), 11);
    CHECK_EQUAL(device->received_length, READ_SIZE);
    reply_from(device, 1);
    (void)take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
}

ISOLATED(sixty_four_sessions_at_once)
{
    static struct peer *device[64];
    start();
    for (uint16_t i = 0; i < 64; i++)
        put_request(i, i, i); /* all connect while the device's address is still asked for */
    world_run();
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DEVICE_OPEN, SL_REASON_NONE), 64);
    for (uint16_t i = 0; i < 64; i++)
        put_end(i);
    for (unsigned i = 0; i < 128; i++) {
        struct sl_record record;
        world_run();
        CHECK(node_take(node, &record, NULL));
    }
    for (uint16_t i = 0; i < 64; i++)
        device[i] = connected_with(i, i, 0);
    for (uint16_t round = 0; round < 100; round++) {
        for (uint16_t i = 0; i < 64; i++) {
            reply_from(device[i], round);
            (void)take_outcome(i, SL_RECORD_MESSAGE, SL_REASON_NONE);
            put_request(i, i, (uint16_t)(round + 1));
        }
        world_run();
    }
    nothing_more();
}

/* Whatever clients and devices do, every request has one outcome. */
ISOLATED(exactly_one_outcome_each)
{
    enum { SESSIONS = 12, SLOTS = 100, STEPS = 20000 };
    static bool owed[SLOTS], ending[SESSIONS];
    static uint32_t generation[SESSIONS];
    unsigned given = 0, taken = 0;
    uint32_t seed = 1;
    start();
    for (unsigned step = 0; step < STEPS; step++) {
        seed = seed * 1664525 + 1013904223;
        const uint16_t session = (uint16_t)(seed >> 8) % SESSIONS;
        const uint16_t slot = (uint16_t)(seed >> 12) % SLOTS;
        struct peer *device = peer_accepted();
        const unsigned choice = (seed >> 24) % 100;
        struct sl_record record = request_record(session, slot, slot);
        record.generation = generation[session];
        if (choice < 50 && !owed[slot] && !ending[session]) {
            owed[slot] = true;
            given++;
            record.flags = choice < 3 ? SL_FLAG_NO_REPLY : 0;
            put_record(record, choice % 2 ? READ_SIZE : LONG_SIZE);
        } else if (choice < 54 && !ending[session]) {
            ending[session] = true;
            record.type = SL_RECORD_SESSION_END;
            record.slot = SL_NO_SLOT;
            record.flags = choice % 2 ? SL_FLAG_FINISHED : 0;
            node_put(node, &record, NULL);
        } else if (choice < 75 && device && !device->was_reset && !device->finished) {
            reply_from(device, slot);
        } else if (choice < 77 && device && !device->was_reset && !device->finished) {
            peer_finish(node, device);
            device->was_reset = true;
        } else if (choice < 79 && device && !device->was_reset) {
            peer_reset(node, device);
            device->was_reset = true;
        } else if (choice < 80) {
            world_drop += 2;
        } else if (choice < 82) {
            peers_refuse = !peers_refuse;
        } else if (choice < 90) {
            world_advance((seed & 0xff) * MILLISECOND);
        }
        if (step % 64 == 0)
            world_advance(4 * SECOND);
        world_run();
        struct sl_record outcome;
        while (node_take(node, &outcome, NULL)) {
            if (outcome.type == SL_RECORD_SESSION_END) {
                ending[outcome.session] = false;
                generation[outcome.session]++;
                continue;
            }
            CHECK(outcome.slot < SLOTS && owed[outcome.slot]);
            owed[outcome.slot] = false;
            taken++;
        }
        if (step % 500 == 499)
            peers_forget();
    }
    world_advance(5 * SECOND);
    struct sl_record outcome;
    while (node_take(node, &outcome, NULL))
        taken += outcome.type != SL_RECORD_SESSION_END;
    CHECK(given > STEPS / 10);
    CHECK_EQUAL(taken, given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_and_its_reply),
        cmocka_unit_test(pipelined_split_and_out_of_order),
        cmocka_unit_test(a_burst_of_long_replies),
        cmocka_unit_test(refused),
        cmocka_unit_test(unreachable),
        cmocka_unit_test(the_device_closes),
        cmocka_unit_test(late_replies_are_for_nobody),
        cmocka_unit_test(an_expired_request_is_never_delivered_later),
        cmocka_unit_test(what_cannot_leave_at_once_waits_here),
        cmocka_unit_test(expired_on_arrival),
        cmocka_unit_test(the_client_leaves),
        cmocka_unit_test(the_client_leaves_with_its_request_on_the_way),
        cmocka_unit_test(a_client_that_sends_no_more_has_its_replies),
        cmocka_unit_test(what_waits_long_of_a_client_that_sends_no_more_is_not_sent),
        cmocka_unit_test(the_client_leaves_before_the_device_answers_at_all),
        cmocka_unit_test(the_device_loses_framing),
        cmocka_unit_test(no_reply_expected),
        cmocka_unit_test(hostile_records),
        cmocka_unit_test(sixty_four_sessions_at_once),
        cmocka_unit_test(exactly_one_outcome_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
