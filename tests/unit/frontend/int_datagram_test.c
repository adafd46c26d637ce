/* SPDX-License-Identifier: BSD-2-Clause */
/* int_frontend against devices that speak UDP, and a core played by the test. */
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

#define OWN    0x0a000003u /* 10.0.0.3 */
#define DEVICE 0x0a0000c8u /* 10.0.0.200 */

static struct node *node;

static void start_with(struct sl_service_endpoint endpoint)
{
    struct sl_frontend_config config = world_config(SL_SIDE_INT);
    endpoint.address = DEVICE;
    endpoint.port = 502;
    endpoint.timeout = SECOND;
    endpoint.datagrams = 1;
    config.service_count = 1;
    config.service[0] = endpoint;
    node = world_add(&int_frontend_component, &config, peers_wire);
    world_run();
}

static void start(void)
{
    start_with((struct sl_service_endpoint){0});
}

static void put_request(uint16_t session, uint16_t slot, uint16_t key)
{
    uint8_t bytes[READ_SIZE];
    const struct sl_record record = {.type = SL_RECORD_MESSAGE,
                                     .session = session,
                                     .slot = slot,
                                     .length = message_bytes(bytes, key, READ_SIZE),
                                     .generation = 5u + session,
                                     .key = key,
                                     .time = world_now};
    node_put(node, &record, bytes);
    world_run();
}

static void put_end(uint16_t session)
{
    const struct sl_record record = {.type = SL_RECORD_SESSION_END,
                                     .session = session,
                                     .slot = SL_NO_SLOT,
                                     .generation = 5u + session};
    node_put(node, &record, NULL);
    world_run();
}

static void take_outcome(uint16_t slot, enum sl_record_type type, enum sl_reason reason)
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

static const struct datagram *sent(unsigned number, uint16_t key)
{
    const struct datagram *datagram = &peers_datagram[number % PEERS_DATAGRAMS];
    CHECK(peers_datagrams > number);
    CHECK_EQUAL(datagram->from, OWN);
    CHECK_EQUAL(datagram->to, DEVICE);
    CHECK_EQUAL(datagram->to_port, 502);
    CHECK_EQUAL(datagram->length, READ_SIZE);
    CHECK_EQUAL(transaction_of(datagram->bytes), key);
    return datagram;
}

static void reply_to(uint16_t port, uint16_t key)
{
    uint8_t bytes[REPLY_SIZE];
    peer_datagram(node, DEVICE, 502, OWN, port, bytes, message_bytes(bytes, key, REPLY_SIZE));
    world_run();
}

ISOLATED(a_request_and_its_reply)
{
    start();
    put_request(3, 9, 0x1234);
    const uint16_t port = sent(0, 0x1234)->from_port;
    CHECK(port >= 49152);
    reply_to(port, 0x1234);
    take_outcome(9, SL_RECORD_MESSAGE, SL_REASON_NONE);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DEVICE_OPEN, SL_REASON_NONE), 1);
    put_request(3, 9, 0x1235);
    CHECK_EQUAL(sent(1, 0x1235)->from_port, port);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DEVICE_OPEN, SL_REASON_NONE), 1);
}

ISOLATED(a_socket_for_each_session)
{
    start();
    put_request(3, 1, 1);
    put_request(4, 2, 2);
    const uint16_t port = sent(0, 1)->from_port, other = sent(1, 2)->from_port;
    CHECK(port != other);
    reply_to(other, 1); /* the first one's, but not from its socket: answers nobody */
    nothing_more();
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_REPLY_UNMATCHED), 1);
    reply_to(other, 2);
    take_outcome(2, SL_RECORD_MESSAGE, SL_REASON_NONE);
    reply_to(port, 1);
    take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
}

/* Sent once, failed at its deadline, and a reply after that is nobody's. */
ISOLATED(never_sent_twice)
{
    start();
    put_request(3, 1, 1);
    const uint16_t port = sent(0, 1)->from_port;
    world_advance(SECOND - MILLISECOND);
    nothing_more();
    world_advance(2 * MILLISECOND);
    take_outcome(1, SL_RECORD_FAILED, SL_REASON_DEVICE_TIMEOUT);
    world_advance(60 * SECOND);
    CHECK_EQUAL(peers_datagrams, 1);
    reply_to(port, 1);
    nothing_more();
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_REPLY_UNMATCHED), 1);
    put_request(3, 1, 2); /* the socket is still good */
    CHECK_EQUAL(sent(1, 2)->from_port, port);
}

/* Nobody at the device's address: nothing of it is left for when somebody comes. */
ISOLATED(a_device_that_is_not_there)
{
    start();
    peers_absent = true;
    put_request(3, 1, 1);
    world_advance(SECOND + MILLISECOND);
    take_outcome(1, SL_RECORD_FAILED, SL_REASON_DEVICE_UNREACHABLE);
    put_request(3, 2, 2); /* back-off */
    take_outcome(2, SL_RECORD_FAILED, SL_REASON_DEVICE_UNREACHABLE);
    peers_absent = false;
    world_advance(3 * SECOND);
    CHECK_EQUAL(peers_datagrams, 0);
    put_request(3, 3, 3);
    CHECK_EQUAL(peers_datagrams, 1);
    sent(0, 3);
}

ISOLATED(a_device_that_comes_in_time)
{
    start();
    peers_absent = true;
    put_request(3, 1, 1);
    world_advance(100 * MILLISECOND);
    CHECK_EQUAL(peers_datagrams, 0);
    peers_absent = false;
    peer_arp_request(node, DEVICE, OWN); /* it announces itself by asking */
    world_run();
    reply_to(sent(0, 1)->from_port, 1);
    take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
}

/* lwIP forgets a neighbour after five minutes; what is asked then waits for ARP here, not there. */
ISOLATED(a_device_that_leaves_later)
{
    start();
    put_request(3, 1, 1);
    reply_to(sent(0, 1)->from_port, 1);
    take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
    world_advance(400 * SECOND);
    peers_absent = true;
    put_request(3, 1, 2);
    world_advance(SECOND + MILLISECOND);
    take_outcome(1, SL_RECORD_FAILED, SL_REASON_DEVICE_UNREACHABLE);
    peers_absent = false;
    world_advance(10 * SECOND);
    CHECK_EQUAL(peers_datagrams, 1);
    put_request(3, 1, 3);
    sent(1, 3);
}

ISOLATED(replies_that_are_not_whole)
{
    start();
    uint8_t bytes[LONG_SIZE + 40];
    put_request(3, 1, 1);
    const uint16_t port = sent(0, 1)->from_port;
    message_bytes(bytes, 1, REPLY_SIZE);
    peer_datagram(node, DEVICE, 502, OWN, port, bytes, REPLY_SIZE - 1);
    peer_datagram(node, DEVICE, 502, OWN, port, bytes, 0);
    peer_datagram(node, DEVICE, 502, OWN, port, bytes, LONG_SIZE + 40);
    bytes[3] = 1;
    peer_datagram(node, DEVICE, 502, OWN, port, bytes, REPLY_SIZE);
    nothing_more();
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_COUNT), 4);
    reply_to(port, 1);
    take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DEVICE_CLOSE, SL_REASON_COUNT), 0);
}

ISOLATED(replies_of_strangers)
{
    start();
    uint8_t bytes[REPLY_SIZE];
    put_request(3, 1, 1);
    const uint16_t port = sent(0, 1)->from_port;
    message_bytes(bytes, 1, REPLY_SIZE);
    peer_datagram(node, DEVICE + 1, 502, OWN, port, bytes, REPLY_SIZE);
    peer_datagram(node, DEVICE, 503, OWN, port, bytes, REPLY_SIZE);
    nothing_more();
    reply_to(port, 1);
    take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
}

ISOLATED(two_replies_in_one_datagram)
{
    start();
    uint8_t bytes[2 * REPLY_SIZE];
    put_request(3, 1, 1);
    put_request(3, 2, 2);
    message_bytes(bytes, 2, REPLY_SIZE);
    message_bytes(bytes + REPLY_SIZE, 1, REPLY_SIZE);
    peer_datagram(node, DEVICE, 502, OWN, sent(0, 1)->from_port, bytes, sizeof bytes);
    take_outcome(2, SL_RECORD_MESSAGE, SL_REASON_NONE);
    take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
}

ISOLATED(a_pipeline_waits)
{
    start_with((struct sl_service_endpoint){.pipeline = 1});
    put_request(3, 1, 1);
    put_request(3, 2, 2);
    CHECK_EQUAL(peers_datagrams, 1);
    reply_to(sent(0, 1)->from_port, 1);
    take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
    CHECK_EQUAL(peers_datagrams, 2);
}

ISOLATED(one_socket_for_all_clients)
{
    start_with((struct sl_service_endpoint){.shared = 1, .connections = 1});
    put_request(3, 1, 1);
    put_request(4, 2, 2);
    const uint16_t port = sent(0, 1)->from_port;
    CHECK_EQUAL(sent(1, 2)->from_port, port);
    reply_to(port, 2);
    take_outcome(2, SL_RECORD_MESSAGE, SL_REASON_NONE);
    put_end(3);
    struct sl_record record;
    CHECK(node_take(node, &record, NULL)); /* the end */
    reply_to(port, 1);
    take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
}

ISOLATED(a_session_ends)
{
    start();
    put_request(3, 1, 1);
    const uint16_t port = sent(0, 1)->from_port;
    put_end(3);
    take_outcome(1, SL_RECORD_FAILED, SL_REASON_CLIENT_LEFT);
    take_outcome(SL_NO_SLOT, SL_RECORD_SESSION_END, SL_REASON_NONE);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DEVICE_CLOSE, SL_REASON_CLIENT_LEFT), 1);
    reply_to(port, 1); /* no socket is there any more */
    nothing_more();
    CHECK_EQUAL(peers_unreachable, 1);
}

/* Sockets come back: many more sessions than there are sockets, one after the other. */
ISOLATED(sessions_come_and_go)
{
    start();
    for (uint16_t i = 0; i < 4 * NET_MAX_SOCKETS; i++) {
        put_request((uint16_t)(i % 512), 1, i);
        reply_to(sent(i, i)->from_port, i);
        take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
        put_end((uint16_t)(i % 512));
        take_outcome(SL_NO_SLOT, SL_RECORD_SESSION_END, SL_REASON_NONE);
    }
}

ISOLATED(more_sessions_than_sockets)
{
    start();
    for (uint16_t i = 0; i < NET_MAX_SOCKETS; i++) {
        put_request(i, 1, i);
        reply_to(sent(i, i)->from_port, i);
        take_outcome(1, SL_RECORD_MESSAGE, SL_REASON_NONE);
    }
    put_request(NET_MAX_SOCKETS, 1, 9);
    take_outcome(1, SL_RECORD_FAILED, SL_REASON_CAPACITY);
}

/* No buffer for the frame: an outcome at once, nothing later. */
ISOLATED(a_driver_that_does_not_send)
{
    start();
    put_request(3, 0, 1000);
    reply_to(sent(0, 1000)->from_port, 1000);
    take_outcome(0, SL_RECORD_MESSAGE, SL_REASON_NONE);
    world_driver_busy = true;
    for (uint16_t i = 0; i < 160; i++)
        put_request(3, i, i);
    unsigned failed = 0;
    struct sl_record record;
    while (node_take(node, &record, NULL)) {
        CHECK_EQUAL(record.reason, SL_REASON_CAPACITY);
        failed++;
    }
    CHECK(failed >= 32);
    world_driver_busy = false;
    world_advance(100 * MILLISECOND);
    CHECK_EQUAL(peers_datagrams, 1 + 160 - failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_and_its_reply),
        cmocka_unit_test(a_socket_for_each_session),
        cmocka_unit_test(never_sent_twice),
        cmocka_unit_test(a_device_that_is_not_there),
        cmocka_unit_test(a_device_that_comes_in_time),
        cmocka_unit_test(a_device_that_leaves_later),
        cmocka_unit_test(replies_that_are_not_whole),
        cmocka_unit_test(replies_of_strangers),
        cmocka_unit_test(two_replies_in_one_datagram),
        cmocka_unit_test(a_pipeline_waits),
        cmocka_unit_test(one_socket_for_all_clients),
        cmocka_unit_test(a_session_ends),
        cmocka_unit_test(sessions_come_and_go),
        cmocka_unit_test(more_sessions_than_sockets),
        cmocka_unit_test(a_driver_that_does_not_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
