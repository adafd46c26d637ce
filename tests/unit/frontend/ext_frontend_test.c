/* SPDX-License-Identifier: BSD-2-Clause */
/* ext_frontend against clients made of single segments, and a core played by the test. */
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

#define OWN     0x0a000002u /* 10.0.0.2 */
#define EXTRA   0x0a000009u /* 10.0.0.9, another address of the same interface */
#define CLIENT  0x0a000065u /* 10.0.0.101 */
#define TIMEOUT SECOND

static struct node *node;

static struct sl_frontend_config config(void)
{
    struct sl_frontend_config result = world_config(SL_SIDE_EXT);
    result.service_count = 3;
    result.service[0] = (struct sl_service_endpoint){OWN, 502, SL_PROTOCOL_MODBUS_TCP, TIMEOUT};
    result.service[1] = (struct sl_service_endpoint){OWN, 1502, SL_PROTOCOL_MODBUS_TCP, TIMEOUT};
    result.service[2] = (struct sl_service_endpoint){EXTRA, 502, SL_PROTOCOL_MODBUS_TCP, TIMEOUT};
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

static struct peer *connect_to(uint32_t client, uint16_t port)
{
    struct peer *peer = peer_connect(node, client, port, OWN, 502);
    CHECK(peer->open);
    return peer;
}

static bool take(struct sl_record *record, uint8_t **payload)
{
    world_run();
    return node_take(node, record, payload);
}

/* The next record, which is a request with this transaction and size. */
static struct sl_record take_request(uint16_t transaction, uint16_t size)
{
    struct sl_record record;
    uint8_t *payload;
    uint8_t expected[LONG_SIZE];
    CHECK(take(&record, &payload));
    CHECK_EQUAL(record.type, SL_RECORD_MESSAGE);
    CHECK_EQUAL(record.length, size);
    message_bytes(expected, transaction, size);
    CHECK(memcmp(payload, expected, size) == 0);
    return record;
}

static void nothing_more(void)
{
    struct sl_record record;
    CHECK(!take(&record, NULL));
}

static void answer(struct sl_record record, uint16_t transaction, uint16_t size)
{
    uint8_t bytes[LONG_SIZE];
    record.length = message_bytes(bytes, transaction, size);
    node_put(node, &record, bytes);
}

static void stay_silent(struct sl_record record)
{
    record.type = SL_RECORD_SILENT;
    record.length = 0;
    node_put(node, &record, NULL);
}

static struct sl_record take_end(void)
{
    struct sl_record record;
    CHECK(take(&record, NULL));
    CHECK_EQUAL(record.type, SL_RECORD_SESSION_END);
    CHECK_EQUAL(record.length, 0);
    return record;
}

static void send_read(struct peer *peer, uint16_t transaction)
{
    uint8_t bytes[READ_SIZE];
    peer_send(node, peer, bytes, message_bytes(bytes, transaction, READ_SIZE));
}

/* The replies that came, in order, all of REPLY_SIZE. */
static void received_transactions(const struct peer *peer, unsigned count,
                                  const uint16_t *transactions)
{
    CHECK_EQUAL(peer->received_length, count * REPLY_SIZE);
    for (unsigned i = 0; i < count; i++)
        CHECK_EQUAL(transaction_of(peer->received + i * REPLY_SIZE), transactions[i]);
}

ISOLATED(one_request_and_its_reply)
{
    start();
    struct peer *peer = connect_to(CLIENT, 40000);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_SESSION_OPEN, SL_REASON_NONE), 1);
    send_read(peer, 7);
    const struct sl_record record = take_request(7, READ_SIZE);
    CHECK_EQUAL(record.service, 0);
    CHECK_EQUAL(record.client, CLIENT);
    CHECK_EQUAL(record.client_port, 40000);
    CHECK_EQUAL(record.time, world_now);
    CHECK(record.slot < 192);
    const unsigned segments = peer->segments;
    answer(record, 7, REPLY_SIZE);
    world_run();
    received_transactions(peer, 1, (uint16_t[]){7});
    CHECK_EQUAL(peer->segments, segments + 1);
    CHECK_EQUAL(node->notified[CHANNEL_OUT], 1);
}

ISOLATED(services_by_port_and_address)
{
    start();
    struct peer *second = peer_connect(node, CLIENT, 40000, OWN, 1502);
    struct peer *third = peer_connect(node, CLIENT, 40001, EXTRA, 502);
    struct peer *none = peer_connect(node, CLIENT, 40002, EXTRA, 1502);
    CHECK(second->open && third->open && !none->open && none->was_reset);
    send_read(second, 1);
    CHECK_EQUAL(take_request(1, READ_SIZE).service, 1);
    send_read(third, 2);
    CHECK_EQUAL(take_request(2, READ_SIZE).service, 2);
    peers_arp_replies = 0;
    peer_arp_request(node, CLIENT, OWN);
    peer_arp_request(node, CLIENT, EXTRA);
    peer_arp_request(node, CLIENT, OWN + 5);
    peer_ping(node, CLIENT, OWN, 64);
    peer_ping(node, CLIENT, EXTRA, 1480);
    world_run();
    CHECK_EQUAL(peers_arp_replies, 2);
    CHECK_EQUAL(peers_echo_replies, 2);
}

ISOLATED(split_byte_by_byte)
{
    start();
    struct peer *peer = connect_to(CLIENT, 40000);
    uint8_t bytes[2 * LONG_SIZE];
    message_bytes(bytes, 1, LONG_SIZE);
    message_bytes(bytes + LONG_SIZE, 2, LONG_SIZE);
    for (unsigned i = 0; i < sizeof bytes; i++) {
        peer_send(node, peer, bytes + i, 1);
        if (i != LONG_SIZE - 1 && i != sizeof bytes - 1)
            nothing_more();
        else
            (void)take_request(i == LONG_SIZE - 1 ? 1 : 2, LONG_SIZE);
    }
}

ISOLATED(seven_in_one_segment_answered_in_any_order)
{
    start();
    struct peer *peer = connect_to(CLIENT, 40000);
    uint8_t bytes[7 * READ_SIZE + 5];
    struct sl_record record[8];
    for (uint16_t i = 0; i < 7; i++)
        message_bytes(bytes + i * READ_SIZE, (uint16_t)(100 + i), READ_SIZE);
    uint8_t eighth[READ_SIZE];
    message_bytes(eighth, 107, READ_SIZE);
    memcpy(bytes + 7 * READ_SIZE, eighth, 5);
    peer_send(node, peer, bytes, sizeof bytes);
    for (uint16_t i = 0; i < 7; i++)
        record[i] = take_request((uint16_t)(100 + i), READ_SIZE);
    nothing_more();
    CHECK_EQUAL(node->notified[CHANNEL_OUT], 1); /* one wake for all seven */
    peer_send(node, peer, eighth + 5, READ_SIZE - 5);
    record[7] = take_request(107, READ_SIZE);
    for (unsigned i = 0; i < 8; i++)
        for (unsigned j = i + 1; j < 8; j++)
            CHECK(record[i].slot != record[j].slot);
    static const uint16_t order[] = {103, 100, 107, 106, 101, 105, 102, 104};
    const unsigned segments = peer->segments;
    for (unsigned i = 0; i < 8; i++)
        answer(record[order[i] - 100], order[i], REPLY_SIZE);
    world_run();
    received_transactions(peer, 8, order);
    CHECK_EQUAL(peer->segments, segments + 1); /* and one segment for all replies */
}

ISOLATED(quota_holds_back_and_drops_nothing)
{
    start();
    struct peer *peer = connect_to(CLIENT, 40000);
    struct sl_record held[16];
    for (uint16_t i = 0; i < 40; i++)
        send_read(peer, i);
    world_run();
    for (uint16_t i = 0; i < 16; i++)
        held[i] = take_request(i, READ_SIZE);
    nothing_more();
    for (uint16_t i = 16; i < 40; i++) {
        answer(held[i % 16], (uint16_t)(i - 16), REPLY_SIZE);
        held[i % 16] = take_request(i, READ_SIZE);
        nothing_more();
    }
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_COUNT), 0);
}

ISOLATED(a_full_window_holds_the_client)
{
    struct sl_frontend_config few = config();
    few.quota = 1;
    start_with(&few);
    struct peer *peer = connect_to(CLIENT, 40000);
    uint8_t bytes[5 * LONG_SIZE];
    for (uint16_t i = 0; i < 5; i++)
        message_bytes(bytes + i * LONG_SIZE, i, LONG_SIZE);
    /* far more than the window: what exceeds it must come again */
    peer_send(node, peer, bytes, sizeof bytes);
    world_advance(200 * MILLISECOND);
    const uint32_t start_sequence = peer->next_sequence - (uint32_t)sizeof bytes;
    CHECK_EQUAL(peer->acknowledged - start_sequence, NET_EXT_WINDOW);
    CHECK_EQUAL(peer->other_window, NET_EXT_BUFFER - (NET_EXT_WINDOW - LONG_SIZE));
    peer_segment(node, peer, TCP_ACK, -(int32_t)(sizeof bytes - NET_EXT_WINDOW),
                 bytes + NET_EXT_WINDOW, sizeof bytes - NET_EXT_WINDOW);
    world_advance(200 * MILLISECOND);
    CHECK_EQUAL(peer->acknowledged - start_sequence, LONG_SIZE + NET_EXT_BUFFER);
    CHECK_EQUAL(peer->other_window, 0);
    for (uint16_t i = 0; i < 5; i++) {
        answer(take_request(i, LONG_SIZE), i, REPLY_SIZE);
        world_advance(200 * MILLISECOND);
        const uint32_t done = peer->acknowledged - start_sequence;
        CHECK(done <= sizeof bytes);
        peer_segment(node, peer, TCP_ACK, -(int32_t)(sizeof bytes - done), bytes + done,
                     (uint16_t)(sizeof bytes - done));
    }
    nothing_more();
    received_transactions(peer, 5, (uint16_t[]){0, 1, 2, 3, 4});
}

/* Or a client that has more to send waits for its persist timer, again and again. */
ISOLATED(a_part_of_a_message_leaves_room_for_a_segment)
{
    start();
    struct peer *peer = connect_to(CLIENT, 40000);
    uint8_t bytes[16 * (LONG_SIZE - 1)];
    for (uint16_t i = 0; i < 16; i++)
        message_bytes(bytes + i * (LONG_SIZE - 1), i, LONG_SIZE - 1);
    static const uint16_t segment[] = {NET_EXT_SEGMENT, 1, 7, 200, NET_EXT_SEGMENT, 259, 100};
    unsigned turn = 0;
    for (size_t sent = 0; sent < sizeof bytes; turn++) {
        uint16_t length = segment[turn % (sizeof segment / sizeof *segment)];
        if (length > sizeof bytes - sent)
            length = (uint16_t)(sizeof bytes - sent);
        peer_send(node, peer, bytes + sent, length);
        sent += length;
        world_advance(300 * MILLISECOND);
        CHECK_EQUAL(peer->acknowledged, peer->next_sequence);
        CHECK(peer->other_window >= NET_EXT_SEGMENT);
    }
    for (uint16_t i = 0; i < 16; i++)
        stay_silent(take_request(i, LONG_SIZE - 1));
}

ISOLATED(slots_go_round)
{
    struct sl_frontend_config few = config();
    few.slots = 4;
    start_with(&few);
    struct peer *greedy = connect_to(CLIENT, 40000);
    struct peer *modest = connect_to(CLIENT, 40001);
    struct sl_record held[4];
    for (uint16_t i = 0; i < 12; i++)
        send_read(greedy, i);
    world_run();
    for (uint16_t i = 0; i < 4; i++)
        held[i] = take_request(i, READ_SIZE);
    send_read(modest, 100);
    send_read(modest, 101);
    nothing_more();
    answer(held[0], 0, REPLY_SIZE);
    answer(held[1], 1, REPLY_SIZE);
    answer(held[2], 2, REPLY_SIZE);
    held[0] = take_request(4, READ_SIZE);
    held[1] = take_request(100, READ_SIZE);
    held[2] = take_request(5, READ_SIZE);
    nothing_more();
    stay_silent(held[3]);
    (void)take_request(101, READ_SIZE);
    nothing_more();
}

/* Three connections of one client and one of another, which sent something before. */
struct shared {
    struct peer *first, *second, *other, *more;
};

static struct shared some_of_one_and_another(void)
{
    start();
    struct peer *more = connect_to(CLIENT, 40003); /* half of what may be fresh */
    const struct shared all = {connect_to(CLIENT, 40000), connect_to(CLIENT, 40001),
                               connect_to(CLIENT + 1, 40000), more};
    send_read(all.other, 1);
    answer(take_request(1, READ_SIZE), 1, REPLY_SIZE);
    return all;
}

static void send_reads(struct peer *peer, uint16_t from, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++)
        send_read(peer, (uint16_t)(from + i));
    world_run();
}

static void take_requests(uint16_t from, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++)
        (void)take_request((uint16_t)(from + i), READ_SIZE);
}

ISOLATED(fresh_requests_of_one_client_are_few_while_others_send)
{
    const struct shared all = some_of_one_and_another();
    send_reads(all.more, 400, 16);
    send_reads(all.first, 100, 12);
    send_reads(all.second, 200, 12);
    take_requests(400, 16);
    const struct sl_record one = take_request(100, READ_SIZE);
    take_requests(101, 11);
    take_requests(200, 4);
    nothing_more(); /* 32 of one client */
    send_read(all.other, 2);
    take_requests(2, 1); /* at once */
    answer(one, 100, REPLY_SIZE);
    take_requests(204, 1); /* for the one that is done with */
    nothing_more();
    world_advance(2 * MILLISECOND); /* those wait for their devices */
    take_requests(205, 7);
    nothing_more();
    CHECK_EQUAL(node_audits(node, SL_AUDIT_WAITED, SL_REASON_QUOTA), 0);
}

/* What waits for older requests alone had no want of room. */
ISOLATED(fresh_requests_that_wait_are_not_in_the_log)
{
    const struct shared all = some_of_one_and_another();
    struct peer *third = connect_to(CLIENT, 40002);
    send_reads(all.more, 400, 16);
    send_reads(all.first, 100, 16);
    send_reads(all.second, 200, 6);
    send_reads(third, 300, 6);
    take_requests(400, 16);
    take_requests(100, 16);
    nothing_more();
    world_advance(2 * MILLISECOND);
    for (uint16_t i = 0; i < 6; i++) { /* one each in turn */
        take_requests((uint16_t)(200 + i), 1);
        take_requests((uint16_t)(300 + i), 1);
    }
    CHECK_EQUAL(node_audits(node, SL_AUDIT_WAITED, SL_REASON_COUNT), 0);
}

/* A client that may have one request under way: a connection has it, two others wait for it. */
static struct shared one_at_a_time(void)
{
    struct sl_frontend_config one = config();
    one.client_slots = 1;
    start_with(&one);
    const struct shared all = {connect_to(CLIENT, 40000), connect_to(CLIENT, 40001),
                               connect_to(CLIENT, 40002)};
    send_reads(all.first, 1, 1);
    send_reads(all.second, 2, 1);
    send_reads(all.other, 3, 1);
    return all;
}

ISOLATED(who_leaves_while_it_waits_lets_the_next_go_on)
{
    const struct shared all = one_at_a_time();
    const struct sl_record first = take_request(1, READ_SIZE);
    nothing_more();
    peer_reset(node, all.second);
    (void)take_end();
    answer(first, 1, REPLY_SIZE);
    take_requests(3, 1);
    nothing_more();
}

ISOLATED(the_number_of_who_left_while_it_waited_waits_for_nobody)
{
    const struct shared all = one_at_a_time();
    take_requests(1, 1);
    peer_reset(node, all.second);
    const struct sl_record end = take_end();
    node_put(node, &end, NULL);
    world_run();
    send_reads(connect_to(CLIENT + 1, 40000), 4, 1);
    CHECK_EQUAL(take_request(4, READ_SIZE).session, end.session);
}

ISOLATED(a_client_alone_sends_all_that_it_may)
{
    const struct shared all = some_of_one_and_another();
    world_advance(10 * SECOND); /* the other one sends nothing any more */
    send_reads(all.more, 400, 16);
    send_reads(all.first, 100, 16);
    send_reads(all.second, 200, 16);
    take_requests(400, 16);
    take_requests(100, 16);
    take_requests(200, 16);
}

ISOLATED(lost_framing_closes_and_numbers_go_round)
{
    struct sl_frontend_config few = config();
    few.sessions = 1;
    start_with(&few);
    struct peer *peer = connect_to(CLIENT, 40000);
    peer_send(node, peer, "GET / HTTP/1.1\r\n\r\n", 18);
    const struct sl_record end = take_end();
    nothing_more();
    CHECK(peer->was_reset);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_SESSION_CLOSE, SL_REASON_PROTOCOL_IDENTIFIER), 1);
    struct peer *refused = peer_connect(node, CLIENT, 40001, OWN, 502);
    CHECK(refused->was_reset); /* the number is not free before SESSION_END is back */
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_CAPACITY), 1);
    node_put(node, &end, NULL);
    world_run();
    struct peer *next = connect_to(CLIENT, 40002);
    send_read(next, 1);
    const struct sl_record record = take_request(1, READ_SIZE);
    CHECK_EQUAL(record.session, end.session);
    CHECK_EQUAL(record.generation, end.generation + 1);
}

ISOLATED(lost_framing_after_a_request_still_delivers_its_reply)
{
    start();
    struct peer *peer = connect_to(CLIENT, 40000);
    uint8_t bytes[READ_SIZE + 8] = {0};
    message_bytes(bytes, 5, READ_SIZE);
    memset(bytes + READ_SIZE, 0xff, 8);
    peer_send(node, peer, bytes, sizeof bytes);
    const struct sl_record record = take_request(5, READ_SIZE);
    send_read(peer, 6); /* nothing is read any more */
    nothing_more();
    CHECK(!peer->finished && !peer->was_reset);
    answer(record, 5, REPLY_SIZE);
    (void)take_end();
    received_transactions(peer, 1, (uint16_t[]){5});
    CHECK(peer->finished);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_SESSION_CLOSE, SL_REASON_PROTOCOL_IDENTIFIER), 1);
}

ISOLATED(half_closed_clients_get_their_replies)
{
    start();
    struct peer *peer = connect_to(CLIENT, 40000);
    struct sl_record held[20];
    for (uint16_t i = 0; i < 20; i++) /* four more than the quota */
        send_read(peer, i);
    peer_finish(node, peer);
    for (uint16_t i = 0; i < 16; i++)
        held[i] = take_request(i, READ_SIZE);
    nothing_more();
    for (uint16_t i = 0; i < 20; i++) {
        answer(held[i], i, REPLY_SIZE);
        if (i < 4)
            held[16 + i] = take_request((uint16_t)(16 + i), READ_SIZE);
        CHECK(!peer->finished);
        if (i < 19)
            world_run();
    }
    (void)take_end();
    CHECK_EQUAL(peer->received_length, 20 * REPLY_SIZE);
    CHECK(peer->finished && !peer->was_reset);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_SESSION_CLOSE, SL_REASON_NONE), 1);
}

/* The record that says so goes ahead, and may be back before or after the replies. */
ISOLATED(a_half_closed_clients_end_goes_ahead)
{
    start();
    for (unsigned early = 0; early < 2; early++) {
        struct peer *peer = connect_to(CLIENT, (uint16_t)(40000 + early));
        send_read(peer, 1);
        struct sl_record request = take_request(1, READ_SIZE);
        peer_finish(node, peer);
        world_run();
        struct sl_record end = take_end();
        CHECK_EQUAL(end.flags, SL_FLAG_FINISHED);
        CHECK_EQUAL(end.session, request.session);
        end.flags = 0;
        if (early)
            node_put(node, &end, NULL);
        answer(request, 1, REPLY_SIZE);
        world_run();
        CHECK_EQUAL(peer->received_length, REPLY_SIZE);
        CHECK(peer->finished && !peer->was_reset);
        if (!early)
            node_put(node, &end, NULL);
        nothing_more(); /* no second end */
    }
    /* one that resets after all, and one whose end is nobody's to send back twice */
    struct peer *peer = connect_to(CLIENT, 40002);
    send_read(peer, 1);
    const struct sl_record request = take_request(1, READ_SIZE);
    peer_finish(node, peer);
    world_run();
    struct sl_record end = take_end();
    end.flags = 0;
    peer_reset(node, peer);
    nothing_more();
    node_put(node, &end, NULL);
    node_put(node, &end, NULL);
    stay_silent(request);
    nothing_more();
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_RECORD_INVALID), 1);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_SESSION_CLOSE, SL_REASON_NONE), 2);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_SESSION_CLOSE, SL_REASON_CLIENT_LEFT), 1);
}

ISOLATED(reset_clients_free_their_slots)
{
    struct sl_frontend_config few = config();
    few.sessions = 1;
    few.slots = 1;
    start_with(&few);
    struct peer *peer = connect_to(CLIENT, 40000);
    send_read(peer, 1);
    const struct sl_record record = take_request(1, READ_SIZE);
    peer_reset(node, peer);
    const struct sl_record end = take_end();
    CHECK_EQUAL(node_audits(node, SL_AUDIT_SESSION_CLOSE, SL_REASON_CLIENT_LEFT), 1);
    node_put(node, &end, NULL); /* overtakes the outcome: the number stays taken until it is in */
    world_run();
    CHECK(peer_connect(node, CLIENT, 40001, OWN, 502)->was_reset);
    answer(record, 1, REPLY_SIZE);
    world_run();
    struct peer *next = connect_to(CLIENT, 40002);
    send_read(next, 2);
    CHECK_EQUAL(take_request(2, READ_SIZE).slot, record.slot);
    CHECK_EQUAL(next->received_length, 0);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_RECORD_INVALID), 0);
}

ISOLATED(hostile_records_are_audited_and_go_nowhere)
{
    start();
    struct peer *peer = connect_to(CLIENT, 40000);
    struct peer *other = connect_to(CLIENT, 40001);
    send_read(peer, 1);
    const struct sl_record good = take_request(1, READ_SIZE);
    send_read(other, 2);
    const struct sl_record others = take_request(2, READ_SIZE);
    struct sl_record bad[12];
    for (unsigned i = 0; i < 12; i++)
        bad[i] = good;
    bad[0].slot = 192;
    bad[1].slot = SL_NO_SLOT;
    bad[2].slot = others.slot;
    bad[3].session = others.session;
    bad[4].session = 1024;
    bad[5].session = UINT16_MAX;
    bad[6].generation++;
    bad[7].type = SL_RECORD_FAILED;
    bad[8].type = 0;
    bad[9].type = SL_RECORD_SESSION_END;          /* of a session that has not ended */
    bad[10].slot = (uint16_t)(good.slot ? 0 : 7); /* held by nobody, or by the other */
    for (unsigned i = 0; i < 11; i++)
        answer(bad[i], 9, REPLY_SIZE);
    uint8_t large[SL_MAX_PAYLOAD] = {0};
    bad[11].length = NET_MAX_MESSAGE + 1;
    node_put(node, &bad[11], large);
    bad[11].length = 0;
    node_put(node, &bad[11], NULL);
    bad[11].type = SL_RECORD_SESSION_END;
    node_put(node, &bad[11], NULL);
    CHECK(message_ring_put(&node->in, large, 5, NULL, 0) == RING_OK); /* no header even */
    struct sl_record liar = good;
    liar.length = 100;
    CHECK(message_ring_put(&node->in, &liar, sizeof liar, large, 8) == RING_OK);
    node->pending = true;
    world_run();
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_RECORD_INVALID), 16);
    CHECK_EQUAL(peer->received_length + other->received_length, 0);
    answer(good, 1, REPLY_SIZE);
    answer(good, 1, REPLY_SIZE); /* a second outcome for the same slot */
    world_run();
    received_transactions(peer, 1, (uint16_t[]){1});
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_RECORD_INVALID), 17);
}

ISOLATED(a_client_that_never_reads_harms_itself_only)
{
    start();
    struct peer *deaf = connect_to(CLIENT, 40000);
    struct peer *good = connect_to(CLIENT, 40001);
    deaf->window = 0;
    deaf->silent = true;
    uint16_t sent = 0, admitted = 0;
    struct sl_record record;
    for (unsigned round = 0; round < 40; round++) {
        send_read(deaf, sent++);
        while (take(&record, NULL)) {
            answer(record, admitted++, 253);
        }
    }
    /* its replies fill what is its own, then it is not read any more */
    CHECK(admitted >= 10 && admitted <= 16);
    for (uint16_t i = 0; i < 100; i++) {
        send_read(good, i);
        answer(take_request(i, READ_SIZE), i, REPLY_SIZE);
        world_run();
        CHECK_EQUAL(good->received_length, (i + 1) * REPLY_SIZE);
    }
    CHECK(!deaf->was_reset);
    world_advance(12 * SECOND);
    CHECK(deaf->was_reset);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_SESSION_CLOSE, SL_REASON_CLIENT_STALLED), 1);
    (void)take_end();
}

ISOLATED(a_client_that_reads_again_is_read_again)
{
    start();
    struct peer *peer = connect_to(CLIENT, 40000);
    struct sl_record record;
    uint16_t admitted = 0;
    peer->silent = true;
    for (uint16_t i = 0; i < 40; i++)
        send_read(peer, i);
    while (take(&record, NULL))
        answer(record, admitted++, 253);
    CHECK(admitted < 40);
    peer->silent = false; /* acknowledges what it has: nothing else tells the frontend */
    peer->acknowledge += peer->received_length;
    peer_segment(node, peer, TCP_ACK, 0, NULL, 0);
    CHECK(take(&record, NULL));
}

/* More frames than there are buffers, and a driver that sends none of them for a while: that
 * buffers are free again is all that can wake the frontend then. */
ISOLATED(a_driver_that_is_late_loses_nothing)
{
    start();
    enum { CLIENTS = 140 };
    struct peer *client[CLIENTS];
    struct sl_record record;
    for (uint16_t i = 0; i < CLIENTS; i++)
        client[i] = connect_to(CLIENT, (uint16_t)(40000 + i));
    world_driver_busy = true;
    for (uint16_t i = 0; i < CLIENTS; i++) {
        client[i]->silent = true;
        send_read(client[i], i);
        CHECK(take(&record, NULL));
        answer(record, i, REPLY_SIZE);
    }
    world_run();
    world_driver_busy = false;
    world_run();
    for (uint16_t i = 0; i < CLIENTS; i++)
        received_transactions(client[i], 1, &i);
}

ISOLATED(many_that_never_read_are_cut_off_sooner)
{
    struct sl_frontend_config many = config();
    start_with(&many);
    enum { DEAF = 100 };
    static struct peer *deaf[DEAF];
    struct sl_record record;
    for (uint16_t i = 0; i < DEAF; i++) {
        deaf[i] = peer_connect(node, CLIENT + i, 40000, OWN, 502);
        CHECK(deaf[i]->open);
        deaf[i]->window = 0;
        deaf[i]->silent = true;
    }
    for (uint16_t round = 0; round < 16; round++)
        for (uint16_t i = 0; i < DEAF; i++) {
            send_read(deaf[i], round);
            while (take(&record, NULL))
                answer(record, round, 253);
        }
    world_advance(4 * SECOND);
    unsigned gone = 0;
    for (unsigned i = 0; i < DEAF; i++)
        gone += deaf[i]->was_reset;
    CHECK(gone > 0);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_SESSION_CLOSE, SL_REASON_CAPACITY), 0);
    while (take(&record, NULL))
        if (record.type == SL_RECORD_SESSION_END)
            node_put(node, &record, NULL);
        else
            stay_silent(record);
    struct peer *good = connect_to(CLIENT + 120, 40001);
    for (uint16_t i = 0; i < 20; i++) {
        send_read(good, i);
        while (take(&record, NULL)) {
            if (record.type == SL_RECORD_SESSION_END)
                node_put(node, &record, NULL);
            else if (record.client == CLIENT + 120)
                answer(record, i, REPLY_SIZE);
            else
                stay_silent(record);
        }
        CHECK_EQUAL(good->received_length, (i + 1) * REPLY_SIZE);
    }
}

ISOLATED(sixty_four_sessions)
{
    start();
    static struct peer *client[64];
    struct sl_record record;
    uint8_t *payload;
    for (uint16_t i = 0; i < 64; i++)
        client[i] = peer_connect(node, CLIENT + i % 5, (uint16_t)(40000 + i), OWN, 502);
    for (uint16_t round = 0; round < 100; round++) {
        for (uint16_t i = 0; i < 64; i++)
            send_read(client[i], (uint16_t)(round * 64 + i));
        unsigned count = 0;
        while (take(&record, &payload)) {
            CHECK_EQUAL(transaction_of(payload) % 64, record.client_port - 40000);
            answer(record, transaction_of(payload), REPLY_SIZE);
            count++;
        }
        CHECK_EQUAL(count, 64);
        for (uint16_t i = 0; i < 64; i++) {
            CHECK_EQUAL(client[i]->received_length, (round + 1) * REPLY_SIZE);
            CHECK_EQUAL(transaction_of(client[i]->received + round * REPLY_SIZE), round * 64 + i);
        }
    }
}

ISOLATED(out_of_order_overlapping_and_contradicting_segments)
{
    start();
    struct peer *peer = connect_to(CLIENT, 40000);
    uint8_t bytes[READ_SIZE], wrong[READ_SIZE];
    message_bytes(bytes, 1, READ_SIZE);
    memset(wrong, 0xee, sizeof wrong);
    peer_segment(node, peer, TCP_ACK, 8, bytes + 8, 4);
    nothing_more();
    peer_segment(node, peer, TCP_ACK, 0, bytes, 6);
    nothing_more();
    /* taken already: what says otherwise later is not heard */
    peer_segment(node, peer, TCP_ACK, 0, wrong, 6);
    peer_segment(node, peer, TCP_ACK, 4, bytes + 4, 4);
    peer->next_sequence += READ_SIZE;
    (void)take_request(1, READ_SIZE);
    nothing_more();
    peer_segment(node, peer, TCP_ACK, -(int32_t)READ_SIZE, wrong, READ_SIZE);
    nothing_more();
}

ISOLATED(fragments_and_checksums)
{
    start();
    struct peer *peer = connect_to(CLIENT, 40000);
    uint8_t bytes[LONG_SIZE], segment[FRAME_BUFFER_SIZE];
    message_bytes(bytes, 1, LONG_SIZE);
    uint16_t size = peer_build(peer, TCP_ACK, 0, bytes, LONG_SIZE, segment);
    peer_ip(node, CLIENT, OWN, 6, 999, 64 / 8, segment + 64, (uint16_t)(size - 64));
    nothing_more();
    peer_ip(node, CLIENT, OWN, 6, 999, 0x2000, segment, 64);
    peer->next_sequence += LONG_SIZE;
    (void)take_request(1, LONG_SIZE);
    message_bytes(bytes, 2, LONG_SIZE);
    size = peer_build(peer, TCP_ACK, 0, bytes, LONG_SIZE, segment);
    segment[60] ^= 1;
    peer_ip(node, CLIENT, OWN, 6, 1000, 0, segment, size);
    nothing_more();
    segment[60] ^= 1;
    peer_ip(node, CLIENT, OWN, 6, 1001, 0, segment, size);
    peer->next_sequence += LONG_SIZE;
    (void)take_request(2, LONG_SIZE);
}

ISOLATED(lost_replies_come_again)
{
    start();
    struct peer *peer = connect_to(CLIENT, 40000);
    send_read(peer, 1);
    const struct sl_record record = take_request(1, READ_SIZE);
    world_drop = 1;
    answer(record, 1, REPLY_SIZE);
    world_run();
    CHECK_EQUAL(peer->received_length, 0);
    world_advance(1500 * MILLISECOND);
    received_transactions(peer, 1, (uint16_t[]){1});
}

ISOLATED(half_open_floods_keep_nobody_out)
{
    start();
    struct peer *early = connect_to(CLIENT, 40000);
    peers_deaf = true;
    for (uint16_t i = 0; i < 600; i++) {
        struct peer flood = {.address = CLIENT + 120,
                             .other_address = OWN,
                             .port = i + 1u,
                             .other_port = 502,
                             .window = 1000,
                             .next_sequence = i};
        peer_segment(node, &flood, TCP_SYN, 0, NULL, 0);
        world_run();
    }
    struct peer *late = NULL;
    for (uint16_t i = 0; i < 3 && !(late && late->open); i++) /* clients try again */
        late = peer_connect(node, CLIENT, (uint16_t)(50000 + i), OWN, 502);
    CHECK(late->open);
    send_read(late, 1);
    (void)take_request(1, READ_SIZE);
    send_read(early, 2);
    (void)take_request(2, READ_SIZE);
}

ISOLATED(vanished_clients_are_noticed)
{
    start();
    struct peer *peer = connect_to(CLIENT, 40000);
    peer->silent = true;
    peer->port++; /* nobody is there any more */
    world_advance(100 * SECOND);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_SESSION_CLOSE, SL_REASON_COUNT), 0);
    world_advance(15 * SECOND);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_SESSION_CLOSE, SL_REASON_CLIENT_LEFT), 1);
    (void)take_end();
}

ISOLATED(overdue_outcomes_are_counted_and_their_slots_kept)
{
    struct sl_frontend_config few = config();
    few.slots = 1;
    start_with(&few);
    struct peer *peer = connect_to(CLIENT, 40000);
    send_read(peer, 1);
    send_read(peer, 2);
    const struct sl_record record = take_request(1, READ_SIZE);
    world_advance(5 * SECOND);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_FAILED, SL_REASON_OUTCOME_OVERDUE), 0);
    world_advance(5 * SECOND);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_FAILED, SL_REASON_OUTCOME_OVERDUE), 1);
    nothing_more();
    answer(record, 1, REPLY_SIZE);
    (void)take_request(2, READ_SIZE);
}

ISOLATED(initial_sequence_numbers_differ)
{
    start();
    const struct peer *first = connect_to(CLIENT, 40000);
    const struct peer *second = connect_to(CLIENT, 40001);
    const uint32_t apart = second->other_initial - first->other_initial;
    CHECK(apart > 100000 && apart < UINT32_MAX - 100000);
}

ISOLATED(a_buffer_in_two_places_is_a_fault)
{
    start();
    peer_arp_request(node, CLIENT, OWN);
    world_run();
    for (unsigned round = 0; round < 2; round++) { /* more replies than there are buffers */
        for (unsigned i = 0; i < 100; i++)
            peer_ping(node, CLIENT, OWN, 64);
        if (round == 1) {
            world_fault_expected = "does not hold";
            CHECK(frame_put(&node->transmit_free, 0, 0) == RING_OK);
            CHECK(frame_put(&node->transmit_free, 0, 0) == RING_OK);
        }
        node->component->wake(node->self, 0);
    }
    CHECK(false);
}

ISOLATED(a_frame_beyond_the_buffers_is_a_fault)
{
    start();
    world_fault_expected = "entry is impossible";
    CHECK(frame_put(&node->receive_active, UINT64_C(2048) * 128, 60) == RING_OK);
    node->pending = true;
    world_run();
    CHECK(false);
}

ISOLATED(an_impossible_ring_is_a_fault)
{
    start();
    world_fault_expected = "index or length is impossible";
    struct message_ring_producer_half *half = node->environment.port[SL_PORT_IN].region[0];
    atomic_store(&half->tail, 0x7fffffff);
    node->pending = true;
    world_run();
    CHECK(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request_and_its_reply),
        cmocka_unit_test(services_by_port_and_address),
        cmocka_unit_test(split_byte_by_byte),
        cmocka_unit_test(seven_in_one_segment_answered_in_any_order),
        cmocka_unit_test(quota_holds_back_and_drops_nothing),
        cmocka_unit_test(a_full_window_holds_the_client),
        cmocka_unit_test(slots_go_round),
        cmocka_unit_test(fresh_requests_of_one_client_are_few_while_others_send),
        cmocka_unit_test(fresh_requests_that_wait_are_not_in_the_log),
        cmocka_unit_test(who_leaves_while_it_waits_lets_the_next_go_on),
        cmocka_unit_test(the_number_of_who_left_while_it_waited_waits_for_nobody),
        cmocka_unit_test(a_client_alone_sends_all_that_it_may),
        cmocka_unit_test(lost_framing_closes_and_numbers_go_round),
        cmocka_unit_test(lost_framing_after_a_request_still_delivers_its_reply),
        cmocka_unit_test(half_closed_clients_get_their_replies),
        cmocka_unit_test(a_half_closed_clients_end_goes_ahead),
        cmocka_unit_test(reset_clients_free_their_slots),
        cmocka_unit_test(hostile_records_are_audited_and_go_nowhere),
        cmocka_unit_test(a_client_that_never_reads_harms_itself_only),
        cmocka_unit_test(a_client_that_reads_again_is_read_again),
        cmocka_unit_test(a_driver_that_is_late_loses_nothing),
        cmocka_unit_test(many_that_never_read_are_cut_off_sooner),
        cmocka_unit_test(sixty_four_sessions),
        cmocka_unit_test(out_of_order_overlapping_and_contradicting_segments),
        cmocka_unit_test(fragments_and_checksums),
        cmocka_unit_test(lost_replies_come_again),
        cmocka_unit_test(half_open_floods_keep_nobody_out),
        cmocka_unit_test(vanished_clients_are_noticed),
        cmocka_unit_test(overdue_outcomes_are_counted_and_their_slots_kept),
        cmocka_unit_test(initial_sequence_numbers_differ),
        cmocka_unit_test(a_buffer_in_two_places_is_a_fault),
        cmocka_unit_test(a_frame_beyond_the_buffers_is_a_fault),
        cmocka_unit_test(an_impossible_ring_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
