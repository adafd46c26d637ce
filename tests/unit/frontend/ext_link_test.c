/* SPDX-License-Identifier: BSD-2-Clause */
/* ext_frontend and a protocol with a link layer: masters made of single segments. */
// link: tests/unit/frontend/world.c tests/unit/frontend/peer.c build/san/ext_frontend.o
#include "dnp3_bytes.h"
#include "peer.h"

#include "net/limits.h"

#define LISTEN 0x0a0000c9u /* 10.0.0.201 */
#define CLIENT 0x0a000032u

static struct node *node;
static struct sl_frontend_config config;

static void configure(void)
{
    config = world_config(SL_SIDE_EXT);
    config.service_count = 2;
    config.service[0] = (struct sl_service_endpoint){LISTEN, 20000, SL_PROTOCOL_DNP3, 2 * SECOND};
    config.service[1] =
        (struct sl_service_endpoint){LISTEN, 20001, SL_PROTOCOL_DNP3, 2 * SECOND, .skip_noise = 1};
    config.station_count = 2;
    memcpy(config.station, dnp3_stations, sizeof dnp3_stations);
}

static void start(void)
{
    node = world_add(&ext_frontend_component, &config, peers_wire);
    world_run();
}

static struct sl_record taken;
static uint8_t *payload;

static bool take(void)
{
    world_run();
    return node_take(node, &taken, &payload);
}

static struct peer *connect_master(uint16_t port)
{
    static uint16_t own = 40000;
    struct peer *peer = peer_connect(node, CLIENT, own++, LISTEN, port);
    CHECK(peer->open);
    CHECK(take());
    CHECK_EQUAL(taken.type, SL_RECORD_SESSION_BEGIN);
    CHECK_EQUAL(taken.length, 0);
    return peer;
}

/* About the session of the record last taken. */
static void tell(enum sl_record_type type, uint16_t slot, enum sl_reason reason, unsigned flags,
                 const struct wire *wire)
{
    struct sl_record record = taken;
    record.type = (uint8_t)type;
    record.slot = slot;
    record.reason = (uint16_t)reason;
    record.flags = (uint16_t)flags;
    record.length = (uint16_t)(wire ? wire->length : 0);
    node_put(node, &record, wire ? wire->bytes : NULL);
    world_run();
}

static void send(struct peer *peer, const struct wire *wire)
{
    for (size_t at = 0; at < wire->length;) {
        const size_t left = wire->length - at;
        const uint16_t part = (uint16_t)(left < 200 ? left : 200); /* the window is small */
        peer_send(node, peer, wire->bytes + at, part);
        world_run();
        at += part;
    }
}

static void expect_message(const struct wire *wire)
{
    CHECK(take());
    CHECK_EQUAL(taken.type, SL_RECORD_MESSAGE);
    CHECK_EQUAL(taken.length, wire->length);
    CHECK(memcmp(payload, wire->bytes, wire->length) == 0);
}

static void expect_received(struct peer *peer, const struct wire *wire)
{
    world_run();
    CHECK_EQUAL(peer->received_length, wire->length);
    CHECK(memcmp(peer->received, wire->bytes, wire->length) == 0);
    peer->received_length = 0;
}

ISOLATED(the_device_s_state_is_reflected)
{
    configure();
    start();
    struct peer *master = connect_master(20000);
    const struct wire asks = link_frame(0xc9, OUTSTATION, MASTER);
    const struct wire answer = link_frame(0x0b, MASTER, OUTSTATION);
    send(master, &asks);
    CHECK_EQUAL(master->received_length, 0); /* not known yet */
    tell(SL_RECORD_DEVICE, SL_NO_SLOT, SL_REASON_NONE, 0, NULL);
    expect_received(master, &answer);
    tell(SL_RECORD_DEVICE, SL_NO_SLOT, SL_REASON_DEVICE_CLOSED, 0, NULL);
    send(master, &asks);
    CHECK_EQUAL(master->received_length, 0);
    tell(SL_RECORD_DEVICE, SL_NO_SLOT, SL_REASON_NONE, 0, NULL);
    send(master, &asks);
    expect_received(master, &answer);
    const struct wire stranger = link_frame(0xc9, 77, MASTER); /* goes to where it is denied */
    send(master, &stranger);
    expect_message(&stranger);
    CHECK_EQUAL(master->received_length, 0);
}

ISOLATED(a_message_of_several_frames)
{
    configure();
    start();
    struct peer *master = connect_master(20000);
    tell(SL_RECORD_DEVICE, SL_NO_SLOT, SL_REASON_NONE, 0, NULL);
    const struct wire whole = long_message(true, 0xc3, 2, 2048);
    CHECK_EQUAL(whole.length, 2411);
    send(master, &whole);
    expect_message(&whole);
    /* with a frame of the link between each two */
    struct wire mixed = {0};
    for (size_t at = 0; at < whole.length; at += 292) {
        const size_t left = whole.length - at;
        for (size_t i = at; i < at + (left < 292 ? left : 292); i++)
            wire_put(&mixed, whole.bytes[i]);
        const struct wire asks = link_frame(0xc9, OUTSTATION, MASTER);
        for (size_t i = 0; i < asks.length; i++)
            wire_put(&mixed, asks.bytes[i]);
    }
    send(master, &mixed);
    expect_message(&whole);
    CHECK_EQUAL(master->received_length, 9 * 10);
    CHECK(!take());
}

ISOLATED(fragments_begun_and_not_finished)
{
    configure();
    start();
    struct peer *master = connect_master(20000);
    struct wire begun = {0}, other = {0}, end = {0}, whole = {0};
    put_data(&begun, true, OUTSTATION, 0x40, "c301 3c02");
    put_data(&other, true, 11, 0x40, "c401 3c02"); /* the other outstation's is apart */
    put_data(&end, true, 11, 0x81, "06");
    send(master, &begun);
    send(master, &other);
    const struct wire anew = message(true, OUTSTATION, "c501 3c0206");
    send(master, &anew);
    expect_message(&anew);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_TRANSPORT_INCOMPLETE), 1);
    send(master, &end);
    put_data(&whole, true, 11, 0x40, "c401 3c02");
    put_data(&whole, true, 11, 0x81, "06");
    expect_message(&whole);
    send(master, &end); /* the end of nothing: the core says so */
    expect_message(&end);
}

/* Who never finishes holds up nobody. */
ISOLATED(places_for_fragments_are_few)
{
    configure();
    start();
    struct wire begun = {0}, end = {0}, whole = {0};
    put_data(&begun, true, OUTSTATION, 0x40, "c301 3c02");
    put_data(&end, true, OUTSTATION, 0x81, "06");
    struct peer *masters[NET_ASSEMBLIES + 1];
    for (unsigned i = 0; i <= NET_ASSEMBLIES; i++) {
        masters[i] = connect_master(20000);
        send(masters[i], &begun);
    }
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_CAPACITY), 1);
    put_data(&whole, true, OUTSTATION, 0x40, "c301 3c02");
    put_data(&whole, true, OUTSTATION, 0x81, "06");
    for (unsigned i = NET_ASSEMBLIES; i > 0; i--) {
        send(masters[i], &end);
        expect_message(&whole);
        tell(SL_RECORD_SILENT, taken.slot, SL_REASON_NONE, 0, NULL);
    }
    send(masters[0], &end);
    expect_message(&end);
}

static void expect_room(uint16_t slot)
{
    CHECK(take());
    CHECK_EQUAL(taken.type, SL_RECORD_ROOM);
    CHECK_EQUAL(taken.slot, slot);
    CHECK_EQUAL(taken.length, 0);
}

ISOLATED(a_reply_in_parts_keeps_its_slot)
{
    configure();
    config.quota = 1;
    start();
    struct peer *master = connect_master(20000);
    const struct wire read = message(true, OUTSTATION, "c301 3c0206");
    const struct wire next = message(true, OUTSTATION, "c501 3c0206");
    const struct wire confirm = message(true, OUTSTATION, "c300");
    const struct wire part = long_message(false, 0xa3, 129, 2048);
    const struct wire last = message(false, OUTSTATION, "4481 0000");
    send(master, &read);
    expect_message(&read);
    const uint16_t slot = taken.slot;
    tell(SL_RECORD_MESSAGE, slot, SL_REASON_NONE, SL_FLAG_MORE, &part);
    expect_room(slot);
    expect_received(master, &part);
    send(master, &confirm); /* beyond the quota, or the rest would never come */
    expect_message(&confirm);
    CHECK(taken.slot != slot);
    tell(SL_RECORD_SILENT, taken.slot, SL_REASON_NONE, 0, NULL);
    send(master, &next); /* but nothing else is */
    CHECK(!take());
    tell(SL_RECORD_MESSAGE, slot, SL_REASON_NONE, 0, &last);
    expect_received(master, &last);
    expect_message(&next);
}

/* A read whose reply is under way in parts, the first part confirmed; the core has both. */
static struct peer *one_confirmation_under_way(struct sl_record *confirmation)
{
    config.quota = 2;
    start();
    struct peer *master = connect_master(20000);
    const struct wire read = message(true, OUTSTATION, "c301 3c0206");
    const struct wire confirm = message(true, OUTSTATION, "c300");
    send(master, &read);
    expect_message(&read);
    send(master, &confirm);
    expect_message(&confirm);
    *confirmation = taken;
    return master;
}

static void the_next_goes_on_after(const struct sl_record *confirmation, struct peer *master)
{
    const struct wire next = message(true, OUTSTATION, "c400");
    send(master, &next);
    CHECK(!take());
    taken = *confirmation;
    tell(SL_RECORD_SILENT, taken.slot, SL_REASON_NONE, 0, NULL);
    expect_message(&next);
}

ISOLATED(a_confirmation_waits_behind_no_request_of_its_client)
{
    struct sl_record confirmation;
    configure();
    config.client_slots = 1;
    struct peer *master = one_confirmation_under_way(&confirmation);
    struct peer *other = connect_master(20000);
    const struct wire read = message(true, OUTSTATION, "c301 3c0206");
    send(other, &read); /* waits for the client's share */
    CHECK(!take());
    the_next_goes_on_after(&confirmation, master);
}

ISOLATED(a_confirmation_waits_for_no_slot_but_a_confirmation_s)
{
    struct sl_record confirmation;
    configure();
    config.slots = 2; /* one for each */
    struct peer *master = one_confirmation_under_way(&confirmation);
    the_next_goes_on_after(&confirmation, master);
}

/* A client whose replies may take no more memory does not ask again each millisecond. */
ISOLATED(who_waits_for_memory_is_left_in_peace)
{
    enum { MASTERS = 30 };
    configure();
    config.client_slots = 96;
    start();
    const struct wire read = message(true, OUTSTATION, "c301 3c0206");
    struct peer *other = peer_connect(node, CLIENT + 1, 30000, LISTEN, 20000);
    CHECK(take());
    send(other, &read);
    CHECK(take());
    struct peer *masters[MASTERS];
    for (unsigned i = 0; i < MASTERS; i++)
        masters[i] = connect_master(20000);
    for (unsigned i = 0; i < MASTERS; i++)
        for (unsigned j = 0; j < 3; j++)
            send(masters[i], &read);
    unsigned sent = 0;
    world_advance(20 * MILLISECOND);
    while (take())
        sent++;
    CHECK_EQUAL(sent, 29); /* of the longest replies */
    const unsigned wakes = node->wakes;
    world_advance(200 * MILLISECOND);
    CHECK(node->wakes - wakes < 20);
}

/* A client that reads slowly has room for seven of the longest parts, and more as it reads. */
ISOLATED(room_for_the_next_part)
{
    configure();
    start();
    struct peer *master = connect_master(20000);
    const struct wire read = message(true, OUTSTATION, "c301 3c0206");
    const struct wire part = long_message(false, 0x83, 129, 2048);
    send(master, &read);
    expect_message(&read);
    const uint16_t slot = taken.slot;
    master->silent = true;
    for (unsigned i = 0; i < 6; i++) {
        tell(SL_RECORD_MESSAGE, slot, SL_REASON_NONE, SL_FLAG_MORE, &part);
        expect_room(slot);
    }
    tell(SL_RECORD_MESSAGE, slot, SL_REASON_NONE, SL_FLAG_MORE, &part);
    CHECK(!take());
    master->silent = false;
    world_advance(5 * SECOND); /* retransmissions */
    expect_room(slot);
    CHECK(!take());
    CHECK(!master->was_reset);
}

ISOLATED(what_nobody_asked_for)
{
    configure();
    start();
    struct peer *master = connect_master(20000);
    const struct wire unsolicited = message(false, OUTSTATION, "f582 0000");
    tell(SL_RECORD_MESSAGE, SL_NO_SLOT, SL_REASON_NONE, 0, &unsolicited);
    expect_received(master, &unsolicited);
    taken.service = 1; /* not this session's */
    tell(SL_RECORD_MESSAGE, SL_NO_SLOT, SL_REASON_NONE, 0, &unsolicited);
    taken.service = 0;
    taken.generation++; /* not this use of its number */
    tell(SL_RECORD_MESSAGE, SL_NO_SLOT, SL_REASON_NONE, 0, &unsolicited);
    taken.generation--;
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_RECORD_INVALID), 2);
    CHECK_EQUAL(master->received_length, 0);
    master->silent = true; /* reads nothing more */
    for (unsigned i = 0; i < 200; i++)
        tell(SL_RECORD_MESSAGE, SL_NO_SLOT, SL_REASON_NONE, 0, &unsolicited);
    CHECK(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_CAPACITY) > 10);
    CHECK(!master->was_reset);
}

ISOLATED(noise)
{
    configure();
    start();
    struct wire noisy = {0};
    wire_hex(&noisy, "41540d0a05");
    const struct wire read = message(true, OUTSTATION, "c301 3c0206");
    for (size_t i = 0; i < read.length; i++)
        wire_put(&noisy, read.bytes[i]);
    struct peer *patient = connect_master(20001);
    send(patient, &noisy);
    expect_message(&read);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_DROPPED, SL_REASON_START_OCTETS), 1);
    struct peer *strict = connect_master(20000);
    send(strict, &noisy);
    CHECK(strict->was_reset);
    CHECK_EQUAL(node_audits(node, SL_AUDIT_SESSION_CLOSE, SL_REASON_START_OCTETS), 1);
    CHECK(!patient->was_reset);
}

ISOLATED(a_broken_check_is_no_noise)
{
    configure();
    start();
    struct peer *master = connect_master(20000);
    struct wire broken = message(true, OUTSTATION, "c301 3c0206");
    broken.bytes[12] ^= 1;
    send(master, &broken);
    expect_message(&broken);
    CHECK(!master->was_reset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_device_s_state_is_reflected),
        cmocka_unit_test(a_message_of_several_frames),
        cmocka_unit_test(fragments_begun_and_not_finished),
        cmocka_unit_test(places_for_fragments_are_few),
        cmocka_unit_test(a_reply_in_parts_keeps_its_slot),
        cmocka_unit_test(a_confirmation_waits_behind_no_request_of_its_client),
        cmocka_unit_test(a_confirmation_waits_for_no_slot_but_a_confirmation_s),
        cmocka_unit_test(who_waits_for_memory_is_left_in_peace),
        cmocka_unit_test(room_for_the_next_part),
        cmocka_unit_test(what_nobody_asked_for),
        cmocka_unit_test(noise),
        cmocka_unit_test(a_broken_check_is_no_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
