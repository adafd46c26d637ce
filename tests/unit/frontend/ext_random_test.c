/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext_frontend with clients, a core and a clock that do anything: who may wait, and for what, is
 * looked at after each step, and at the end nothing is left that waits or is held.
 */
// link: tests/unit/frontend/world.c tests/unit/frontend/peer.c build/san/ext_frontend.o
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "components/ext_frontend/ext_frontend.h"
#include "modbus_bytes.h"
#include "peer.h"

#define OWN     0x0a000002u
#define CLIENT  0x0a000065u
#define CLIENTS 4u
#define TIMEOUT SECOND
#define STEPS   2500u
#ifndef SEEDS
#define SEEDS 6u /* of each kind */
#endif
#define OPENED 600u /* connections in all: what peer.c has room for */
#define ENOUGH 32u  /* fresh requests of one client while others send */

static struct node *node;
static struct ext_frontend *frontend;
static uint32_t seed;
static unsigned pace, leave; /* answers at once; of 100 steps, in how many a client leaves */

static unsigned below(unsigned limit)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % limit;
}

/* ---- clients ---- */

struct connection {
    struct peer *peer;
    bool closed;      /* by the client, or by the gateway */
    unsigned sent;    /* requests */
    unsigned asked;   /* of these, what the core got */
    unsigned replies; /* that the core gave */
};
static struct connection connection[OPENED];
static unsigned opened;
static unsigned datagrams_sent, datagrams_asked;

static void open_one(void)
{
    if (opened == OPENED)
        return;
    struct connection *one = &connection[opened];
    one->peer = peer_connect(node, CLIENT + below(CLIENTS), (uint16_t)(20000 + opened), OWN, 502);
    one->closed = one->peer->was_reset; /* no room for it */
    opened++;
}

/* One of the newest: many older ones are closed. */
static struct connection *any(void)
{
    struct connection *one =
        opened ? &connection[opened - 1 - below(opened < 60 ? opened : 60)] : NULL;
    return one && !one->closed && one->peer->open ? one : NULL;
}

static void send_some(struct connection *one, unsigned count)
{
    struct peer *peer = one->peer;
    for (unsigned i = 0; i < count; i++) {
        const uint32_t under_way = peer->next_sequence - peer->acknowledged;
        uint8_t bytes[READ_SIZE];
        if (under_way + READ_SIZE > peer->other_window)
            return;
        peer_send(node, peer, bytes, message_bytes(bytes, (uint16_t)one->sent, READ_SIZE));
        one->sent++;
        if (below(4) == 0)
            world_run();
    }
}

static void datagrams(void)
{
    const uint32_t client = CLIENT + below(CLIENTS);
    const uint16_t port = (uint16_t)(30000 + below(12));
    for (unsigned i = below(4); i > 0; i--) {
        uint8_t bytes[READ_SIZE];
        peer_datagram(node, client, port, OWN, 502, bytes, message_bytes(bytes, 1, READ_SIZE));
        datagrams_sent++;
    }
}

/* ---- the core ---- */

static struct sl_record owed[SL_MAX_SLOTS + 4096];
static unsigned owed_count;
static uint64_t last_of[CLIENTS]; /* when it sent a request; 0: never */

static uint64_t moment(uint64_t time)
{
    return time / MILLISECOND;
}

/* A request came: its client has few others that are as young, where others send any. */
static void look_at(const struct sl_record *request)
{
    unsigned fresh = 0;
    bool others = false;
    for (unsigned i = 0; i < owed_count; i++)
        fresh += owed[i].type == SL_RECORD_MESSAGE && owed[i].client == request->client &&
                 moment(request->time) - moment(owed[i].time) < 2;
    for (unsigned i = 0; i < CLIENTS; i++)
        others = others || (CLIENT + i != request->client && last_of[i] > 0 &&
                            request->time < last_of[i] + 10 * SECOND);
    CHECK(!others || fresh < ENOUGH);
    last_of[request->client - CLIENT] = request->time;
}

static void take_all(void)
{
    struct sl_record record;
    while (node_take(node, &record, NULL)) {
        if (record.type == SL_RECORD_MESSAGE) {
            look_at(&record);
            if (record.client_port < 30000)
                connection[record.client_port - 20000].asked++;
            else
                datagrams_asked++;
        }
        CHECK(owed_count < sizeof owed / sizeof *owed);
        owed[owed_count++] = record;
    }
}

static void settle_one(void)
{
    if (owed_count == 0)
        return;
    const unsigned which = below(owed_count);
    struct sl_record record = owed[which];
    owed[which] = owed[--owed_count];
    uint8_t bytes[REPLY_SIZE];
    if (record.type == SL_RECORD_MESSAGE && below(8) == 0) {
        record.type = SL_RECORD_SILENT;
        record.length = 0;
        if (below(8) == 0)
            record.flags = SL_FLAG_CLOSE;
    } else if (record.type == SL_RECORD_MESSAGE) {
        record.length = message_bytes(bytes, 1, REPLY_SIZE);
        if (record.client_port < 30000)
            connection[record.client_port - 20000].replies++;
    }
    node_put(node, &record, bytes);
}

/* ---- what holds at any time ---- */

static void note_closed(void)
{
    for (unsigned i = 0; i < opened; i++) {
        struct peer *peer = connection[i].peer;
        connection[i].closed = connection[i].closed || peer->was_reset || peer->finished;
        if (peer->received_length > sizeof peer->received / 2)
            peer->received_length = 0;
    }
}

/* Nothing moved for some ms: who waits has a reason. */
static void waits_with_reason(void)
{
    for (unsigned i = 0; i < frontend->session_limit; i++) {
        const struct session *session = &frontend->session[i];
        const struct client *client = session->holder;
        if (session->state != SESSION_OPEN || session->length < READ_SIZE || session->refused)
            continue;
        const bool own = session->blocked;
        const bool share = client->outstanding >= frontend->client_slots ||
                           client->reserved >= frontend->client_blocks;
        const bool slots = frontend->free_slot_count == 0;
        const bool young = client->fresh[0] + client->fresh[1] >= ENOUGH;
        CHECK(own || share || slots || young);
    }
}

static void nothing_held(void)
{
    for (unsigned i = 0; i < opened; i++) {
        struct connection *one = &connection[i];
        if (!one->closed)
            CHECK_EQUAL(one->asked, one->sent);
    }
    CHECK_EQUAL(frontend->free_slot_count, frontend->slot_limit);
    CHECK_EQUAL(frontend->line.first, NO_SESSION);
    CHECK_EQUAL(frontend->reserved, 0);
    CHECK(!frontend->fresh_waits);
    for (unsigned i = 0; i < frontend->session_limit; i++) {
        const struct client *client = &frontend->client[i];
        const struct session *session = &frontend->session[i];
        CHECK(!session->waiting && session->outstanding == 0);
        if (client->sessions == 0)
            continue;
        CHECK_EQUAL(client->outstanding, 0);
        CHECK_EQUAL(client->reserved, 0);
        CHECK_EQUAL(client->fresh[0] + client->fresh[1], 0);
        CHECK_EQUAL(client->line.first, NO_SESSION);
    }
}

/* ---- runs ---- */

static void step(void)
{
    const unsigned choice = below(100);
    struct connection *one = any();
    if (choice < 12)
        open_one();
    else if (choice < 50 && one)
        send_some(one, 1 + below(choice < 20 ? 20 : 3));
    else if (choice < 60)
        datagrams();
    else if (choice < 60 + leave && one) {
        if (below(2))
            peer_reset(node, one->peer);
        else
            peer_finish(node, one->peer);
        one->closed = true;
    } else if (choice < 85)
        for (unsigned i = below(pace); i > 0; i--)
            settle_one();
    else if (choice < 95)
        world_advance(below(2500) * MILLISECOND / 1000);
    else if (choice < 96)
        world_advance(below(12) * SECOND);
    world_run();
    take_all();
    note_closed();
    if (choice == 99) {
        world_advance(4 * MILLISECOND);
        take_all();
        waits_with_reason();
    }
}

static void run_with(uint32_t from, const struct sl_frontend_config *config)
{
    seed = from;
    pace = 3 + below(100);
    leave = below(15);
    if (below(2)) /* moments wrap on the way */
        world_now = (UINT64_C(1) << 32) * MILLISECOND - 2 * SECOND;
    node = world_add(&ext_frontend_component, config, peers_wire);
    frontend = node->self;
    world_run();
    for (unsigned i = 0; i < STEPS; i++)
        step();
    for (unsigned quiet = 0; quiet < 5; quiet++) {
        if (owed_count > 0)
            quiet = 0;
        for (unsigned i = owed_count < 64 ? owed_count : 64; i > 0; i--)
            settle_one();
        world_advance(MILLISECOND);
        take_all();
        note_closed();
    }
    waits_with_reason();
    nothing_held();
    CHECK(datagrams_asked > 0 && opened > 100);
}

static void run(uint32_t from, uint16_t slots, uint16_t quota, uint16_t client_slots)
{
    struct sl_frontend_config config = world_config(SL_SIDE_EXT);
    config.service_count = 2;
    config.service[0] = (struct sl_service_endpoint){OWN, 502, SL_PROTOCOL_MODBUS_TCP, TIMEOUT};
    config.service[1] = config.service[0];
    config.service[1].datagrams = 1;
    config.sessions = 120;
    config.client_sessions = 60;
    config.slots = slots;
    config.quota = quota;
    config.client_slots = client_slots;
    for (uint32_t i = 0; i < SEEDS; i++) {
        const pid_t child = fork();
        if (child == 0) {
            alarm(60);
            run_with(from + i, &config);
            _exit(0);
        }
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (status)
            fprintf(stderr, "seed %u\n", from + i);
        assert_int_equal(status, 0);
    }
}

static void as_shipped(void **state)
{
    (void)state;
    run(1, 192, 16, 96);
}
static void few_slots(void **state)
{
    (void)state;
    run(100, 8, 4, 4);
}
static void one_slot(void **state)
{
    (void)state;
    run(200, 1, 1, 1);
}
static void quota_beyond(void **state)
{
    (void)state;
    run(300, 192, 64, 128);
}
static void small_share(void **state)
{
    (void)state;
    run(400, 40, 16, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_shipped),   cmocka_unit_test(few_slots),   cmocka_unit_test(one_slot),
        cmocka_unit_test(quota_beyond), cmocka_unit_test(small_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
