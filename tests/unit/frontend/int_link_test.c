/* SPDX-License-Identifier: BSD-2-Clause */
/* int_frontend and a protocol with a link layer: outstations made of single segments. */
// link: tests/unit/frontend/world.c tests/unit/frontend/peer.c build/san/int_frontend.o
#include "dnp3_bytes.h"
#include "peer.h"

#include "net/limits.h"

#define DEVICE  0x0a0000c8u /* 10.0.0.200 */
#define TIMEOUT SECOND

static struct node *node;

static void start(bool shared)
{
    struct sl_frontend_config config = world_config(SL_SIDE_INT);
    config.service_count = 1;
    config.service[0] = (struct sl_service_endpoint){
        DEVICE, 20000, SL_PROTOCOL_DNP3, TIMEOUT, .shared = shared, .connections = shared};
    config.station_count = 2;
    memcpy(config.station, dnp3_stations, sizeof dnp3_stations);
    peers_listen = 20000;
    node = world_add(&int_frontend_component, &config, peers_wire);
    world_run();
}

static struct sl_record record_of(enum sl_record_type type, uint16_t session, uint16_t slot)
{
    return (struct sl_record){.type = (uint8_t)type,
                              .session = session,
                              .slot = slot,
                              .client = 0xc0a80005u,
                              .client_port = (uint16_t)(40000 + session),
                              .generation = 5u + session,
                              .time = world_now};
}

static void put(struct sl_record record, const struct wire *wire)
{
    record.length = (uint16_t)(wire ? wire->length : 0);
    node_put(node, &record, wire ? wire->bytes : NULL);
    world_run();
}

static void put_request(uint16_t session, uint16_t slot, uint16_t key, const struct wire *wire)
{
    struct sl_record record = record_of(SL_RECORD_MESSAGE, session, slot);
    record.key = key;
    put(record, wire);
}

static void put_confirm(uint16_t session, uint16_t slot, uint16_t key, const struct wire *wire)
{
    struct sl_record record = record_of(SL_RECORD_MESSAGE, session, slot);
    record.key = key;
    record.flags = SL_FLAG_NO_REPLY;
    put(record, wire);
}

static void put_room(uint16_t session, uint16_t slot)
{
    put(record_of(SL_RECORD_ROOM, session, slot), NULL);
}

static struct sl_record taken;
static uint8_t *payload;

static bool take(void)
{
    world_run();
    return node_take(node, &taken, &payload);
}

static void expect(enum sl_record_type type, uint16_t slot, enum sl_reason reason)
{
    CHECK(take());
    CHECK_EQUAL(taken.type, type);
    CHECK_EQUAL(taken.slot, slot);
    CHECK_EQUAL(taken.reason, reason);
}

static struct peer *begin(uint16_t session)
{
    put(record_of(SL_RECORD_SESSION_BEGIN, session, SL_NO_SLOT), NULL);
    struct peer *device = peer_accepted();
    CHECK(device && device->open);
    expect(SL_RECORD_DEVICE, SL_NO_SLOT, SL_REASON_NONE);
    CHECK_EQUAL(taken.session, session);
    return device;
}

static void send(struct peer *peer, const struct wire *wire)
{
    for (size_t at = 0; at < wire->length;) {
        const size_t left = wire->length - at;
        const uint16_t part = (uint16_t)(left < NET_MSS ? left : NET_MSS);
        peer_send(node, peer, wire->bytes + at, part);
        world_run();
        at += part;
    }
}

static void expect_received(struct peer *peer, const struct wire *wire)
{
    world_run();
    CHECK_EQUAL(peer->received_length, wire->length);
    CHECK(memcmp(peer->received, wire->bytes, wire->length) == 0);
    peer->received_length = 0;
}

ISOLATED(connected_as_long_as_the_session)
{
    start(false);
    struct peer *device = begin(3);
    peer_finish(node, device);
    expect(SL_RECORD_DEVICE, SL_NO_SLOT, SL_REASON_DEVICE_CLOSED);
    world_advance(SECOND - MILLISECOND);
    CHECK(peer_accepted() == device); /* unhurriedly */
    world_advance(10 * MILLISECOND);
    CHECK(peer_accepted() != device);
    device = peer_accepted();
    expect(SL_RECORD_DEVICE, SL_NO_SLOT, SL_REASON_NONE);
    put(record_of(SL_RECORD_SESSION_END, 3, SL_NO_SLOT), NULL);
    expect(SL_RECORD_SESSION_END, SL_NO_SLOT, SL_REASON_NONE);
    CHECK(device->finished);
    world_advance(10 * SECOND);
    CHECK(!take());
    CHECK(peer_accepted() == device);
}

ISOLATED(a_device_that_is_not_there)
{
    start(false);
    peers_deaf = true;
    put(record_of(SL_RECORD_SESSION_BEGIN, 3, SL_NO_SLOT), NULL);
    CHECK(!take());
    world_advance(TIMEOUT);
    expect(SL_RECORD_DEVICE, SL_NO_SLOT, SL_REASON_DEVICE_UNREACHABLE);
    put(record_of(SL_RECORD_SESSION_BEGIN, 4, SL_NO_SLOT), NULL); /* while nothing is tried */
    expect(SL_RECORD_DEVICE, SL_NO_SLOT, SL_REASON_DEVICE_UNREACHABLE);
    CHECK_EQUAL(taken.session, 4);
    peers_deaf = false;
    world_advance(5 * SECOND);
    unsigned up = 0;
    while (take())
        up += taken.type == SL_RECORD_DEVICE && taken.reason == SL_REASON_NONE;
    CHECK_EQUAL(up, 2);
}

ISOLATED(the_link_is_answered_here)
{
    start(false);
    struct peer *device = begin(0);
    const struct wire asks = link_frame(0x49, MASTER, OUTSTATION);
    const struct wire answer = link_frame(0x8b, OUTSTATION, MASTER);
    send(device, &asks);
    expect_received(device, &answer);
    const struct wire stranger = link_frame(0x49, MASTER, 77);
    send(device, &stranger);
    CHECK_EQUAL(device->received_length, 0);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_STATION_ADDRESS), 1);
    CHECK(!take());
}

/* The same sequence number for both: between whom tells them apart. */
ISOLATED(two_outstations_on_one_connection)
{
    start(false);
    struct peer *device = begin(0);
    const struct wire first = message(true, OUTSTATION, "c301 3c0206");
    const struct wire second = message(true, 11, "c301 3c0206");
    put_request(0, 1, 3, &first);
    put_request(0, 2, 3, &second);
    const struct wire to_second = message(false, 11, "c381 0000");
    const struct wire to_first = message(false, OUTSTATION, "c381 0000");
    send(device, &to_second);
    expect(SL_RECORD_MESSAGE, 2, SL_REASON_NONE);
    send(device, &to_first);
    expect(SL_RECORD_MESSAGE, 1, SL_REASON_NONE);
    send(device, &to_first);
    CHECK(!take());
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_REPLY_UNMATCHED), 1);
}

ISOLATED(long_messages_both_ways)
{
    start(false);
    struct peer *device = begin(0);
    const struct wire request = long_message(true, 0xc3, 2, 2048);
    const struct wire reply = long_message(false, 0xc3, 129, 2048);
    for (unsigned i = 0; i < 2 * NET_LONG_REQUESTS; i++) {
        put_request(0, 1, 3, &request);
        expect_received(device, &request);
        send(device, &reply);
        expect(SL_RECORD_MESSAGE, 1, SL_REASON_NONE);
        CHECK_EQUAL(taken.length, reply.length);
        CHECK(memcmp(payload, reply.bytes, reply.length) == 0);
    }
}

ISOLATED(long_requests_at_once)
{
    start(false);
    (void)begin(0);
    const struct wire request = long_message(true, 0xc3, 2, 2048);
    for (uint16_t i = 0; i <= NET_LONG_REQUESTS; i++)
        put_request(0, i, 3, &request);
    expect(SL_RECORD_FAILED, NET_LONG_REQUESTS, SL_REASON_CAPACITY);
    CHECK(!take());
    world_advance(TIMEOUT);
    for (uint16_t i = 0; i < NET_LONG_REQUESTS; i++)
        CHECK(take());
    put_request(0, 0, 3, &request); /* the places are free again */
    CHECK(!take() || taken.reason != SL_REASON_CAPACITY);
}

ISOLATED(a_reply_in_parts)
{
    start(false);
    struct peer *device = begin(0);
    const struct wire read = message(true, OUTSTATION, "cf01 3c0206");
    const struct wire first = message(false, OUTSTATION, "af81 0000");
    const struct wire second = message(false, OUTSTATION, "2081 0000");
    const struct wire last = message(false, OUTSTATION, "6181 0000");
    const struct wire confirm = message(true, OUTSTATION, "cf00");
    const struct wire confirm_second = message(true, OUTSTATION, "c000");
    put_request(0, 1, 15, &read);
    world_advance(TIMEOUT - MILLISECOND);
    send(device, &first);
    expect(SL_RECORD_MESSAGE, 1, SL_REASON_NONE);
    CHECK_EQUAL(taken.flags, SL_FLAG_MORE);
    world_advance(TIMEOUT - MILLISECOND); /* each part has its own time */
    CHECK(!take());
    put_room(0, 1);
    send(device, &second); /* not confirmed: too early */
    CHECK(!take());
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_QUOTA), 1);
    put_confirm(0, 2, 15, &confirm);
    expect(SL_RECORD_SENT, 2, SL_REASON_NONE);
    send(device, &second);
    expect(SL_RECORD_MESSAGE, 1, SL_REASON_NONE);
    CHECK_EQUAL(taken.flags, SL_FLAG_MORE);
    put_room(0, 1);
    put_confirm(0, 2, 0, &confirm_second);
    expect(SL_RECORD_SENT, 2, SL_REASON_NONE);
    send(device, &last);
    expect(SL_RECORD_MESSAGE, 1, SL_REASON_NONE);
    CHECK_EQUAL(taken.flags, 0);
    put_request(0, 1, 15, &read);
    send(device, &first);
    expect(SL_RECORD_MESSAGE, 1, SL_REASON_NONE);
    world_advance(TIMEOUT);
    expect(SL_RECORD_FAILED, 1, SL_REASON_DEVICE_TIMEOUT);
}

/* A response of parts that ask for no confirmation, `count` of them in one go: a part's number is
 * its sequence number. */
static struct wire unconfirmed_parts(unsigned count)
{
    struct wire all = {0};
    for (unsigned i = 0; i < count; i++) {
        char text[16];
        snprintf(text, sizeof text, "%02x81 0000",
                 (i == 0 ? 0x80u : 0) | (i == count - 1 ? 0x40u : 0) | (3 + i) % 16);
        const struct wire part = message(false, OUTSTATION, text);
        memcpy(all.bytes + all.length, part.bytes, part.length);
        all.length += part.length;
    }
    return all;
}

static void expect_part(uint16_t slot, unsigned number, bool last)
{
    expect(SL_RECORD_MESSAGE, slot, SL_REASON_NONE);
    CHECK_EQUAL(taken.flags, last ? 0 : SL_FLAG_MORE);
    CHECK_EQUAL(payload[11] & 15, (3 + number) % 16);
}

/* Each waits until the client has room for it, whatever comes behind it too. */
ISOLATED(parts_that_nobody_confirms)
{
    start(false);
    struct peer *device = begin(0);
    const struct wire read = message(true, OUTSTATION, "c301 3c0206");
    const struct wire unsolicited = message(false, OUTSTATION, "f582 0000");
    const struct wire parts = unconfirmed_parts(100);
    put_request(0, 1, 3, &read);
    send(device, &parts);
    send(device, &unsolicited);
    for (unsigned i = 0; i < 100; i++) {
        expect_part(1, i, i == 99);
        CHECK(i == 99 || !take());
        put_room(0, 1); /* of the last one it is too late, and does nothing */
    }
    expect(SL_RECORD_MESSAGE, SL_NO_SLOT, SL_REASON_NONE);
    CHECK(!take());
    device->received_length = 0;
    put_request(0, 1, 3, &read);
    expect_received(device, &read);
}

/* The client does not take the second: the request fails, and what waited is dropped. */
ISOLATED(parts_that_find_no_room)
{
    start(false);
    struct peer *device = begin(0);
    const struct wire read = message(true, OUTSTATION, "c301 3c0206");
    const struct wire parts = unconfirmed_parts(9);
    const struct wire answer = message(false, OUTSTATION, "c381 0000");
    put_request(0, 1, 3, &read);
    send(device, &parts);
    expect_part(1, 0, false);
    world_advance(TIMEOUT);
    expect(SL_RECORD_FAILED, 1, SL_REASON_DEVICE_TIMEOUT);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_REPLY_UNMATCHED), 8);
    device->received_length = 0;
    put_request(0, 1, 3, &read);
    expect_received(device, &read);
    send(device, &answer);
    expect(SL_RECORD_MESSAGE, 1, SL_REASON_NONE);
}

/* More devices go on sending than there are places: the last one's request fails at once. */
ISOLATED(places_for_what_is_held_are_few)
{
    start(false);
    const struct wire read = message(true, OUTSTATION, "c301 3c0206");
    const struct wire parts = unconfirmed_parts(100);
    for (uint16_t i = 0; i <= NET_HELD; i++) {
        struct peer *device = begin(i);
        put_request(i, i, 3, &read);
        send(device, &parts);
        expect_part(i, 0, false);
    }
    expect(SL_RECORD_FAILED, NET_HELD, SL_REASON_CAPACITY);
    CHECK(!take());
    put_room(0, 0);
    expect_part(0, 1, false);
}

/* Nobody waits on a connection for all: so many are let go ahead, and no more. */
ISOLATED(parts_over_a_shared_connection)
{
    start(true);
    struct peer *device = begin(0);
    const struct wire read = message(true, OUTSTATION, "c301 3c0206");
    const struct wire other = message(true, 11, "c301 3c0206");
    const struct wire answer = message(false, 11, "c381 0000");
    const struct wire parts = unconfirmed_parts(9);
    put_request(0, 1, 3, &read);
    put_request(0, 2, 3, &other);
    send(device, &parts);
    send(device, &answer);
    for (unsigned i = 0; i < 5; i++)
        expect_part(1, i, false);
    expect(SL_RECORD_MESSAGE, 2, SL_REASON_NONE);
    CHECK(!take());
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_QUOTA), 1);
}

ISOLATED(so_many_unsolicited_and_no_more)
{
    start(false);
    struct peer *device = begin(6);
    const struct wire unsolicited = message(false, OUTSTATION, "f582 0000");
    const struct wire confirm = message(true, OUTSTATION, "d500");
    unsigned passed = 0;
    for (unsigned i = 0; i < 20; i++)
        send(device, &unsolicited);
    while (take()) {
        passed++;
        CHECK_EQUAL(taken.type, SL_RECORD_MESSAGE);
        CHECK_EQUAL(taken.slot, SL_NO_SLOT);
        CHECK_EQUAL(taken.session, 6);
        CHECK_EQUAL(taken.generation, 11);
    }
    CHECK_EQUAL(passed, 4);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_QUOTA), 1); /* not one each */
    put_confirm(6, 0, 0x15, &confirm);
    expect(SL_RECORD_SENT, 0, SL_REASON_NONE);
    send(device, &unsolicited);
    send(device, &unsolicited);
    expect(SL_RECORD_MESSAGE, SL_NO_SLOT, SL_REASON_NONE);
    CHECK(!take());
    world_advance(SECOND);
    send(device, &unsolicited);
    expect(SL_RECORD_MESSAGE, SL_NO_SLOT, SL_REASON_NONE);
}

/* Of all connections together too. */
ISOLATED(so_many_unsolicited_in_all)
{
    start(false);
    const struct wire unsolicited = message(false, OUTSTATION, "f582 0000");
    unsigned passed = 0;
    for (uint16_t session = 0; session < 30; session++) {
        struct peer *device = begin(session);
        for (unsigned i = 0; i < 4; i++)
            send(device, &unsolicited);
        while (take())
            passed++;
    }
    CHECK_EQUAL(passed, NET_UNSOLICITED);
}

/* Over a connection for all: to who spoke last for that master. */
ISOLATED(unsolicited_over_a_shared_connection)
{
    start(true);
    const struct wire unsolicited = message(false, OUTSTATION, "f582 0000");
    const struct wire read = message(true, OUTSTATION, "c301 3c0206");
    struct peer *device = begin(0);
    put(record_of(SL_RECORD_SESSION_BEGIN, 1, SL_NO_SLOT), NULL);
    expect(SL_RECORD_DEVICE, SL_NO_SLOT, SL_REASON_NONE);
    CHECK_EQUAL(taken.session, 1);
    send(device, &unsolicited);
    CHECK(!take());
    put_request(1, 4, 3, &read);
    send(device, &unsolicited);
    expect(SL_RECORD_MESSAGE, SL_NO_SLOT, SL_REASON_NONE);
    CHECK_EQUAL(taken.session, 1);
    put_request(0, 5, 3, &read);
    send(device, &unsolicited);
    expect(SL_RECORD_MESSAGE, SL_NO_SLOT, SL_REASON_NONE);
    CHECK_EQUAL(taken.session, 0);
    put(record_of(SL_RECORD_SESSION_END, 0, SL_NO_SLOT), NULL);
    expect(SL_RECORD_SESSION_END, SL_NO_SLOT, SL_REASON_NONE);
    send(device, &unsolicited);
    expect(SL_RECORD_MESSAGE, SL_NO_SLOT, SL_REASON_NONE);
    CHECK_EQUAL(taken.session, 1);
}

ISOLATED(noise_ends_the_connection)
{
    start(false);
    struct peer *device = begin(0);
    struct wire noise = {0};
    wire_hex(&noise, "00");
    send(device, &noise);
    CHECK(device->was_reset);
    expect(SL_RECORD_DEVICE, SL_NO_SLOT, SL_REASON_DEVICE_FRAMING_LOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connected_as_long_as_the_session),
        cmocka_unit_test(a_device_that_is_not_there),
        cmocka_unit_test(the_link_is_answered_here),
        cmocka_unit_test(two_outstations_on_one_connection),
        cmocka_unit_test(long_messages_both_ways),
        cmocka_unit_test(long_requests_at_once),
        cmocka_unit_test(a_reply_in_parts),
        cmocka_unit_test(parts_that_nobody_confirms),
        cmocka_unit_test(parts_that_find_no_room),
        cmocka_unit_test(places_for_what_is_held_are_few),
        cmocka_unit_test(parts_over_a_shared_connection),
        cmocka_unit_test(so_many_unsolicited_and_no_more),
        cmocka_unit_test(so_many_unsolicited_in_all),
        cmocka_unit_test(unsolicited_over_a_shared_connection),
        cmocka_unit_test(noise_ends_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
