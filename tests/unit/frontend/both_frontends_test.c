/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both frontends in one process, wire to wire: int_frontend is the client, ext_frontend the
 * device. Two copies of lwIP that share nothing, and TCP against TCP instead of against a test.
 */
// link: tests/unit/frontend/world.c build/san/ext_frontend.o build/san/int_frontend.o
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "modbus_bytes.h"
#include "world.h"

#define EXT_ADDRESS 0x0a000002u /* world_config's */
#define SESSIONS    64u

static struct node *ext, *internal;
static unsigned loss; /* of 100 frames, how many are lost */

static void cable(struct node *from, const uint8_t *frame, uint16_t length)
{
    static uint32_t seed = 7;
    seed = seed * 1664525 + 1013904223;
    if ((seed >> 16) % 100 >= loss)
        (void)node_receive(from == ext ? internal : ext, frame, length);
}

static void start(uint64_t timeout)
{
    for (enum sl_side side = SL_SIDE_EXT; side <= SL_SIDE_INT; side++) {
        struct sl_frontend_config config = world_config(side);
        config.service_count = 1;
        config.service[0] =
            (struct sl_service_endpoint){EXT_ADDRESS, 502, SL_PROTOCOL_MODBUS_TCP, timeout};
        struct node *node =
            world_add(side == SL_SIDE_EXT ? &ext_frontend_component : &int_frontend_component,
                      &config, cable);
        *(side == SL_SIDE_EXT ? &ext : &internal) = node;
    }
    world_run();
}

static void put_request(uint16_t session, uint16_t slot, uint16_t key, uint16_t size)
{
    uint8_t bytes[LONG_SIZE];
    const struct sl_record record = {.type = SL_RECORD_MESSAGE,
                                     .session = session,
                                     .slot = slot,
                                     .key = key,
                                     .length = message_bytes(bytes, key, size),
                                     .time = world_now};
    node_put(internal, &record, bytes);
}

/* Answers whatever arrived at the far end, with as many bytes as were asked with. */
static unsigned answer_all(void)
{
    struct sl_record record;
    uint8_t *payload;
    unsigned count = 0;
    world_run();
    while (node_take(ext, &record, &payload)) {
        if (record.type == SL_RECORD_MESSAGE)
            count++;
        uint8_t bytes[LONG_SIZE];
        memcpy(bytes, payload, record.length);
        node_put(ext, &record, bytes);
        world_run();
    }
    return count;
}

ISOLATED(there_and_back)
{
    start(SECOND);
    for (uint16_t round = 0; round < 50; round++) {
        const uint16_t size = round % 2 ? LONG_SIZE : READ_SIZE;
        for (uint16_t i = 0; i < SESSIONS; i++)
            put_request(i, i, (uint16_t)(round * SESSIONS + i), size);
        CHECK_EQUAL(answer_all(), SESSIONS);
        for (uint16_t i = 0; i < SESSIONS; i++) {
            struct sl_record record;
            uint8_t *payload, expected[LONG_SIZE];
            CHECK(node_take(internal, &record, &payload));
            CHECK_EQUAL(record.type, SL_RECORD_MESSAGE);
            CHECK_EQUAL(record.key, round * SESSIONS + record.slot);
            CHECK_EQUAL(record.length, size);
            message_bytes(expected, record.key, size);
            CHECK(memcmp(payload, expected, size) == 0);
        }
    }
}

/* Frames are lost both ways: every request still has one outcome, and every byte that arrives is
 * what was sent. */
ISOLATED(a_bad_cable)
{
    unsigned given = 0, answered = 0, failed = 0;
    start(20 * SECOND);
    loss = 10;
    for (uint16_t round = 0; round < 40; round++) {
        for (uint16_t i = 0; i < 150; i++, given++)
            put_request(i % SESSIONS, i, (uint16_t)given, i % 3 ? READ_SIZE : LONG_SIZE);
        for (unsigned step = 0; step < 300; step++) {
            world_advance(100 * MILLISECOND);
            (void)answer_all();
        }
        struct sl_record record;
        uint8_t *payload, expected[LONG_SIZE];
        while (node_take(internal, &record, &payload)) {
            if (record.type != SL_RECORD_MESSAGE) {
                failed++;
                continue;
            }
            answered++;
            message_bytes(expected, record.key, record.length);
            CHECK(memcmp(payload, expected, record.length) == 0);
        }
        CHECK_EQUAL(answered + failed, given);
    }
    CHECK(answered > given * 9 / 10);
}

ISOLATED(sessions_come_and_go)
{
    start(SECOND);
    for (uint32_t generation = 0; generation < 300; generation++) {
        for (uint16_t i = 0; i < SESSIONS; i++) {
            const struct sl_record request = {.type = SL_RECORD_MESSAGE,
                                              .session = i,
                                              .slot = i,
                                              .key = i,
                                              .length = READ_SIZE,
                                              .generation = generation,
                                              .time = world_now};
            uint8_t bytes[READ_SIZE];
            message_bytes(bytes, i, READ_SIZE);
            node_put(internal, &request, bytes);
        }
        (void)answer_all();
        for (uint16_t i = 0; i < SESSIONS; i++) {
            const struct sl_record end = {.type = SL_RECORD_SESSION_END,
                                          .session = i,
                                          .slot = SL_NO_SLOT,
                                          .generation = generation};
            node_put(internal, &end, NULL);
        }
        (void)answer_all();
        unsigned replies = 0, ends = 0;
        struct sl_record record;
        while (node_take(internal, &record, NULL)) {
            replies += record.type == SL_RECORD_MESSAGE;
            ends += record.type == SL_RECORD_SESSION_END;
        }
        CHECK_EQUAL(replies, SESSIONS); /* TIME_WAIT keeps nobody out */
        CHECK_EQUAL(ends, SESSIONS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(a_bad_cable),
        cmocka_unit_test(sessions_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
