/* SPDX-License-Identifier: BSD-2-Clause */
/* ext_frontend against clients that send datagrams, and a core played by the test. */
// link: tests/unit/frontend/world.c tests/unit/frontend/peer.c build/san/ext_frontend.o
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "modbus_bytes.h"
#include "net/limits.h"
#include "peer.h"

#define OWN    0x0a000002u /* 10.0.0.2 */
#define EXTRA  0x0a000009u /* 10.0.0.9, another address of the same interface */
#define CLIENT 0x0a000065u /* 10.0.0.101 */

static struct node *node;

static struct sl_frontend_config config(void)
{
    struct sl_frontend_config result = world_config(SL_SIDE_EXT);
    result.service_count = 3;
    result.service[0] = (struct sl_service_endpoint){
        .address = OWN, .port = 502, .timeout = SECOND, .datagrams = 1};
    result.service[1] =
        (struct sl_service_endpoint){.address = OWN, .port = 502, .timeout = SECOND};
    result.service[2] = (struct sl_service_endpoint){
        .address = EXTRA, .port = 502, .timeout = SECOND, .datagrams = 1};
    return result;
}

static void start_with(const struct sl_frontend_config *wanted)
{
    node = world_add(&ext_frontend_component, wanted, peers_wire);
    world_run();
}

static void start(void)
{
    const struct sl_frontend_config usual = config();
    start_with(&usual);
}

static void send_bytes(uint32_t client, uint16_t port, const void *bytes, uint16_t length)
{
    peer_datagram(node, client, port, OWN, 502, bytes, length);
    world_run();
}

static void send_read(uint32_t client, uint16_t port, uint16_t transaction)
{
    uint8_t bytes[READ_SIZE];
    send_bytes(client, port, bytes, message_bytes(bytes, transaction, READ_SIZE));
}

static bool take(struct sl_record *record)
{
    world_run();
    return node_take(node, record, NULL);
}

static struct sl_record take_request(uint16_t transaction)
{
    struct sl_record record;
    uint8_t *payload;
    world_run();
    CHECK(node_take(node, &record, &payload));
    CHECK_EQUAL(record.type, SL_RECORD_MESSAGE);
    CHECK_EQUAL(transaction_of(payload), transaction);
    return record;
}

static struct sl_record take_end(void)
{
    struct sl_record record;
    CHECK(take(&record));
    CHECK_EQUAL(record.type, SL_RECORD_SESSION_END);
    return record;
}

static void nothing_more(void)
{
    struct sl_record record;
    CHECK(!take(&record));
}

static void answer(struct sl_record record, uint16_t transaction)
{
    uint8_t bytes[REPLY_SIZE];
    record.length = message_bytes(bytes, transaction, REPLY_SIZE);
    node_put(node, &record, bytes);
    world_run();
}

static void stay_silent(struct sl_record record)
{
    record.type = SL_RECORD_SILENT;
    record.length = 0;
    node_put(node, &record, NULL);
    world_run();
}

static void end(struct sl_record record)
{
    node_put(node, &record, NULL);
    world_run();
}

static void check_sent(unsigned number, uint32_t from, uint32_t to, uint16_t port,
                       uint16_t transaction)
{
    const struct datagram *sent = &peers_datagram[number % PEERS_DATAGRAMS];
    CHECK(peers_datagrams > number);
    CHECK_EQUAL(sent->from, from);
    CHECK_EQUAL(sent->from_port, 502);
    CHECK_EQUAL(sent->to, to);
    CHECK_EQUAL(sent->to_port, port);
    CHECK_EQUAL(sent->length, REPLY_SIZE);
    CHECK_EQUAL(transaction_of(sent->bytes), transaction);
}

ISOLATED(a_reply_goes_to_where_its_request_came_from)
{
    start();
    send_read(CLIENT, 40000, 7);
    send_read(CLIENT, 40001, 8);
    const struct sl_record first = take_request(7), second = take_request(8);
    CHECK_EQUAL(first.service, 0);
    CHECK_EQUAL(first.client, CLIENT);
    CHECK_EQUAL(first.client_port, 40000);
    CHECK(first.session != second.session);
    answer(second, 8);
    answer(first, 7);
    CHECK_EQUAL(peers_datagrams, 2);
    check_sent(0, OWN, CLIENT, 40001, 8);
    check_sent(1, OWN, CLIENT, 40000, 7);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_SESSION_OPEN, SL_REASON_NONE), 2);
}

ISOLATED(one_source_is_one_session)
{
    start();
    send_read(CLIENT, 40000, 1);
    const struct sl_record first = take_request(1);
    answer(first, 1);
    send_read(CLIENT, 40000, 2);
    const struct sl_record second = take_request(2);
    CHECK_EQUAL(first.session, second.session);
    CHECK_EQUAL(first.generation, second.generation);
    answer(second, 2);
    nothing_more();
}

ISOLATED(services_by_address_and_transport)
{
    start();
    uint8_t bytes[READ_SIZE];
    message_bytes(bytes, 3, READ_SIZE);
    peer_datagram(node, CLIENT, 40000, EXTRA, 502, bytes, READ_SIZE);
    const struct sl_record third = take_request(3);
    CHECK_EQUAL(third.service, 2);
    answer(third, 3);
    check_sent(0, EXTRA, CLIENT, 40000, 3); /* from the address that was asked */
    struct peer *peer = peer_connect(node, CLIENT, 40000, OWN, 502);
    peer_send(node, peer, bytes, READ_SIZE);
    CHECK_EQUAL(take_request(3).service, 1);
    send_read(CLIENT, 40000, 3);
    CHECK_EQUAL(take_request(3).service, 0);
}

ISOLATED(several_messages_in_one_datagram)
{
    start();
    uint8_t bytes[3 * READ_SIZE];
    for (uint16_t i = 0; i < 3; i++)
        message_bytes(bytes + i * READ_SIZE, i, READ_SIZE);
    send_bytes(CLIENT, 40000, bytes, sizeof bytes);
    struct sl_record record[3];
    for (uint16_t i = 0; i < 3; i++)
        record[i] = take_request(i);
    for (uint16_t i = 0; i < 3; i++)
        answer(record[i], i);
    CHECK_EQUAL(peers_datagrams, 3);
}

/* All of a datagram is whole messages, or none of it counts; and none of it spoils the next. */
ISOLATED(what_is_not_whole_is_dropped)
{
    start();
    uint8_t bytes[2 * READ_SIZE + 1];
    message_bytes(bytes, 1, READ_SIZE);
    message_bytes(bytes + READ_SIZE, 2, READ_SIZE);
    send_bytes(CLIENT, 40000, bytes, READ_SIZE - 1);
    nothing_more();
    CHECK_EQUAL(node_audits(node, SL_AUDIT_SESSION_OPEN, SL_REASON_NONE), 0);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_TRUNCATED), 1);
    send_bytes(CLIENT, 40000, bytes, 2 * READ_SIZE - 1);
    send_bytes(CLIENT, 40000, bytes, 0);
    bytes[2 * READ_SIZE] = 0;
    send_bytes(CLIENT, 40000, bytes, 2 * READ_SIZE + 1); /* a byte too many */
    nothing_more();
    send_read(CLIENT, 40000, 4);
    const struct sl_record record = take_request(4);
    send_bytes(CLIENT, 40000, bytes, READ_SIZE - 1);
    bytes[2] = 1; /* no Modbus */
    send_bytes(CLIENT, 40000, bytes, READ_SIZE);
    nothing_more();
    answer(record, 4);
    check_sent(0, OWN, CLIENT, 40000, 4);
    send_read(CLIENT, 40000, 5);
    CHECK_EQUAL(take_request(5).session, record.session);
    world_advance(2 * SECOND); /* the rest of the count */
    unsigned told = 0;
    (void)node_audits(node, SL_AUDIT_DROPPED, SL_REASON_COUNT);
    for (unsigned i = 0; i < node->audited_count; i++)
        told += node->audited[i].event == SL_AUDIT_DROPPED ? (unsigned)node->audited[i].value : 0;
    CHECK_EQUAL(told, 6);
}

ISOLATED(longer_than_any_session_holds)
{
    start();
    uint8_t bytes[1400];
    for (unsigned i = 0; i + READ_SIZE <= sizeof bytes; i += READ_SIZE)
        message_bytes(bytes + i, (uint16_t)i, READ_SIZE);
    send_bytes(CLIENT, 40000, bytes, sizeof bytes / READ_SIZE * READ_SIZE);
    nothing_more();
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_LENGTH_FIELD), 1);
}

ISOLATED(a_session_has_its_quota)
{
    struct sl_frontend_config small = config();
    small.quota = 2;
    start_with(&small);
    const uint16_t held = NET_EXT_BUFFER / READ_SIZE;
    for (uint16_t i = 0; i < held + 16; i++) /* 2 under way, the others dropped */
        send_read(CLIENT, 40000, i);
    struct sl_record first = take_request(0), second = take_request(1);
    nothing_more();
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_QUOTA), 1);
    send_read(CLIENT + 1, 40000, 99);
    stay_silent(take_request(99)); /* nobody else waits */
    unsigned served = 2;
    while (served < held + 2u) {
        stay_silent(first);
        first = second;
        second = take_request((uint16_t)served++);
    }
    nothing_more();
}

ISOLATED(a_client_has_its_share_of_slots)
{
    struct sl_frontend_config small = config();
    small.client_slots = 3;
    start_with(&small);
    for (uint16_t i = 0; i < 5; i++)
        send_read(CLIENT, (uint16_t)(40000 + i), i);
    const struct sl_record first = take_request(0);
    (void)take_request(1);
    (void)take_request(2);
    nothing_more();
    answer(first, 0);
    (void)take_request(3);
    nothing_more();
}

/* The core gives back the number of each session that ended. */
static unsigned return_ends(void)
{
    struct sl_record record;
    unsigned ends = 0;
    while (take(&record)) {
        CHECK_EQUAL(record.type, SL_RECORD_SESSION_END);
        end(record);
        ends++;
    }
    return ends;
}

/* The same among ends of sessions, which are given back. */
static struct sl_record take_request_among_ends(uint16_t transaction)
{
    struct sl_record record;
    uint8_t *payload;
    world_run();
    for (;;) {
        CHECK(node_take(node, &record, &payload));
        if (record.type == SL_RECORD_MESSAGE)
            break;
        end(record);
    }
    CHECK_EQUAL(transaction_of(payload), transaction);
    (void)return_ends();
    return record;
}

/* A client with a new port for each request, which it never closes: the oldest give way. */
ISOLATED(a_client_with_ever_new_ports_is_served)
{
    struct sl_frontend_config small = config();
    small.client_sessions = 4;
    start_with(&small);
    for (uint16_t i = 0; i < 100; i++) {
        send_read(CLIENT, (uint16_t)(30000 + i), i);
        answer(take_request_among_ends(i), i);
        CHECK_EQUAL(peers_datagrams, i + 1u);
    }
    CHECK(node_audits(node, SL_AUDIT_SESSION_CLOSE, SL_REASON_SESSION_IDLE) >= 96);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_COUNT), 0);
}

/* Ever new addresses, as a forger has them: who has a request under way keeps its session, others
 * are still served, and half of the sessions are left to connections. */
ISOLATED(a_flood_of_sources)
{
    struct sl_frontend_config small = config();
    small.sessions = 8;
    start_with(&small);
    send_read(CLIENT, 40000, 1000);
    const struct sl_record waiting = take_request(1000);
    for (uint16_t i = 0; i < 200; i++) {
        send_read(0x0a000100u + i, 1, i);
        stay_silent(take_request_among_ends(i));
    }
    for (uint16_t i = 0; i < 4; i++)
        CHECK(peer_connect(node, CLIENT + 1, (uint16_t)(50000 + i), OWN, 502)->open);
    answer(waiting, 1000);
    check_sent(0, OWN, CLIENT, 40000, 1000);
    send_read(CLIENT + 2, 40000, 1001);
    (void)take_request_among_ends(1001);
}

/* All sessions have requests under way: one more waits for nobody and is told of. */
ISOLATED(no_session_is_free)
{
    struct sl_frontend_config small = config();
    small.sessions = 8;
    start_with(&small);
    struct sl_record record[4];
    for (uint16_t i = 0; i < 4; i++) {
        send_read(CLIENT + i, 40000, i);
        record[i] = take_request(i);
    }
    send_read(CLIENT + 9, 40000, 9);
    nothing_more();
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_CAPACITY), 1);
    stay_silent(record[1]);
    send_read(CLIENT + 9, 40000, 9); /* takes the place of the idle one, next time */
    CHECK_EQUAL(return_ends(), 1);
    send_read(CLIENT + 9, 40000, 10);
    CHECK_EQUAL(take_request(10).client, CLIENT + 9);
}

ISOLATED(silence_ends_a_session)
{
    start();
    send_read(CLIENT, 40000, 1);
    const struct sl_record first = take_request(1);
    world_advance(90 * SECOND); /* the reply may take its time */
    nothing_more();
    answer(first, 1);
    world_advance(120 * SECOND);
    const struct sl_record last = take_end();
    CHECK_EQUAL(last.session, first.session);
    CHECK_EQUAL(last.generation, first.generation);
    end(last);
    send_read(CLIENT, 40000, 2);
    const struct sl_record second = take_request(2);
    CHECK(second.generation != first.generation || second.session != first.session);
    answer(first, 1); /* late: of a session that is no more */
    CHECK_EQUAL(peers_datagrams, 1);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_SESSION_CLOSE, SL_REASON_SESSION_IDLE), 1);
}

ISOLATED(datagrams_while_the_end_goes_round)
{
    start();
    send_read(CLIENT, 40000, 1);
    stay_silent(take_request(1));
    world_advance(61 * SECOND);
    const struct sl_record last = take_end();
    send_read(CLIENT, 40000, 2); /* another session */
    const struct sl_record second = take_request(2);
    CHECK(second.session != last.session);
    end(last);
    answer(second, 2);
    check_sent(0, OWN, CLIENT, 40000, 2);
}

/* on-deny: close. */
ISOLATED(a_session_that_is_closed_begins_anew)
{
    start();
    send_read(CLIENT, 40000, 1);
    struct sl_record denied = take_request(1);
    denied.flags = SL_FLAG_CLOSE;
    denied.reason = SL_REASON_NO_RULE_CLIENT;
    stay_silent(denied);
    end(take_end());
    CHECK_EQUAL(peers_datagrams, 0);
    send_read(CLIENT, 40000, 2);
    answer(take_request(2), 2);
    check_sent(0, OWN, CLIENT, 40000, 2);
}

ISOLATED(to_all_is_to_nobody)
{
    start();
    uint8_t bytes[READ_SIZE];
    message_bytes(bytes, 1, READ_SIZE);
    peer_datagram(node, CLIENT, 40000, 0x0a0000ffu, 502, bytes, READ_SIZE);
    peer_datagram(node, CLIENT, 40000, 0xffffffffu, 502, bytes, READ_SIZE);
    peer_datagram(node, CLIENT, 40000, 0xe0000001u, 502, bytes, READ_SIZE);
    peer_datagram(node, 0x0a0000ffu, 40000, OWN, 502, bytes, READ_SIZE);
    nothing_more();
    CHECK_EQUAL(peers_unreachable, 0);
    peer_datagram(node, CLIENT, 40000, OWN, 503, bytes, READ_SIZE);
    nothing_more();
    CHECK_EQUAL(peers_unreachable, 1);
}

ISOLATED(a_damaged_datagram)
{
    start();
    uint8_t udp[8 + READ_SIZE] = {0x9c, 0x40, 0x01, 0xf6, 0, 8 + READ_SIZE, 0x12, 0x34};
    message_bytes(udp + 8, 1, READ_SIZE);
    peer_ip(node, CLIENT, OWN, 17, 0, 0, udp, sizeof udp);
    nothing_more();
}

ISOLATED(fragments_are_put_together)
{
    start();
    uint8_t udp[8 + READ_SIZE] = {0x9c, 0x40, 0x01, 0xf6, 0, 8 + READ_SIZE};
    message_bytes(udp + 8, 1, READ_SIZE);
    peer_ip(node, CLIENT, OWN, 17, 5, 0x2000, udp, 16);
    peer_ip(node, CLIENT, OWN, 17, 5, 2, udp + 16, sizeof udp - 16);
    (void)take_request(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_goes_to_where_its_request_came_from),
        cmocka_unit_test(one_source_is_one_session),
        cmocka_unit_test(services_by_address_and_transport),
        cmocka_unit_test(several_messages_in_one_datagram),
        cmocka_unit_test(what_is_not_whole_is_dropped),
        cmocka_unit_test(longer_than_any_session_holds),
        cmocka_unit_test(a_session_has_its_quota),
        cmocka_unit_test(a_client_has_its_share_of_slots),
        cmocka_unit_test(a_client_with_ever_new_ports_is_served),
        cmocka_unit_test(a_flood_of_sources),
        cmocka_unit_test(no_session_is_free),
        cmocka_unit_test(silence_ends_a_session),
        cmocka_unit_test(datagrams_while_the_end_goes_round),
        cmocka_unit_test(a_session_that_is_closed_begins_anew),
        cmocka_unit_test(to_all_is_to_nobody),
        cmocka_unit_test(a_damaged_datagram),
        cmocka_unit_test(fragments_are_put_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
