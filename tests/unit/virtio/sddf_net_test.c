/* SPDX-License-Identifier: BSD-2-Clause */
/* The edge in front of a stock sDDF driver, against a driver that obeys and one that does not. */
// link: src/drivers/sddf/sddf_net.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/sddf/sddf_net.h"

#define COUNT   8u
#define RECEIVE UINT64_C(0x5f000000)
#define SEND    UINT64_C(0x5e000000)

struct bench {
    struct sddf_net net;
    struct frame_ring *rx_free, *rx_active, *tx_free, *tx_active;
    uint8_t *rx, *tx; /* on the heap at their exact size */
};
static struct bench bench;

static int set_up(void **state)
{
    (void)state;
    struct bench *b = &bench;
    struct frame_ring **rings[] = {&b->rx_free, &b->rx_active, &b->tx_free, &b->tx_active};
    for (unsigned i = 0; i < 4; i++)
        *rings[i] = calloc(1, frame_ring_region_size(COUNT));
    b->rx = calloc(COUNT, FRAME_BUFFER_SIZE);
    b->tx = calloc(COUNT, FRAME_BUFFER_SIZE);
    struct sddf_place receive = {b->rx_free, b->rx_active, b->rx, RECEIVE, COUNT};
    struct sddf_place send = {b->tx_active, b->tx_free, b->tx, SEND, COUNT};
    sddf_net_start(&b->net, &receive, &send, (const uint8_t[6]){2, 0, 0, 0, 0, 1});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    void *all[] = {bench.rx_free,   bench.rx_active, bench.tx_free,
                   bench.tx_active, bench.rx,        bench.tx};
    for (unsigned i = 0; i < 6; i++)
        free(all[i]);
    return 0;
}

/* As the stock driver puts and takes. */
static void put(struct frame_ring *ring, uint64_t address, uint16_t length)
{
    ring->descriptor[ring->tail % COUNT] =
        (struct frame_descriptor){.offset = address, .length = length};
    ring->tail++;
}

static struct frame_descriptor take(struct frame_ring *ring)
{
    assert_int_not_equal(ring->tail, ring->head);
    return ring->descriptor[ring->head++ % COUNT];
}

static uint16_t receive(uint8_t *buffer)
{
    return bench.net.driver.operations->receive(&bench.net.driver, buffer);
}

static unsigned transmit(uint16_t length)
{
    static const uint8_t bytes[NIC_MAX_FRAME] = {1, 2, 3};
    struct nic_frame frame = {bytes, length};
    return bench.net.driver.operations->transmit(&bench.net.driver, &frame, 1);
}

static void receives(void **state)
{
    (void)state;
    uint8_t buffer[NIC_MAX_FRAME];
    assert_int_equal(bench.rx_free->tail, COUNT);
    for (unsigned round = 0; round < 70000; round++) { /* indices wrap */
        struct frame_descriptor given = take(bench.rx_free);
        uint64_t number = (given.offset - RECEIVE) / FRAME_BUFFER_SIZE;
        assert_true(given.offset >= RECEIVE && number < COUNT);
        bench.rx[number * FRAME_BUFFER_SIZE] = (uint8_t)round;
        put(bench.rx_active, given.offset, 100);
        assert_false(bench.net.driver.operations->may_sleep(&bench.net.driver));
        assert_int_equal(receive(buffer), 100);
        assert_int_equal(buffer[0], (uint8_t)round);
    }
    assert_int_equal(receive(buffer), 0);
    bench.rx_active->consumer_signalled = 1;
    assert_true(bench.net.driver.operations->may_sleep(&bench.net.driver));
    assert_int_equal(bench.rx_active->consumer_signalled, 0); /* asked to be told */
    assert_null(bench.net.broken);
}

static void transmits(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 70000; round++) {
        assert_int_equal(transmit(NIC_MIN_FRAME), 1);
        struct frame_descriptor sent = take(bench.tx_active);
        assert_int_equal(sent.length, 60); /* padded */
        assert_int_equal(bench.tx[sent.offset - SEND + 1], 2);
        put(bench.tx_free, sent.offset, 0);
    }
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(transmit(NIC_MAX_FRAME), 1);
    assert_int_equal(transmit(60), 0); /* no room: the driver has them all */
    assert_int_equal(bench.tx_free->consumer_signalled, 0);
    put(bench.tx_free, take(bench.tx_active).offset, 0);
    assert_int_equal(transmit(60), 1);
    assert_null(bench.net.broken);
}

static void drops_what_is_no_frame(void **state)
{
    (void)state;
    uint8_t buffer[NIC_MAX_FRAME];
    put(bench.rx_active, take(bench.rx_free).offset, NIC_MIN_FRAME - 1);
    put(bench.rx_active, take(bench.rx_free).offset, NIC_MAX_FRAME + 1);
    put(bench.rx_active, take(bench.rx_free).offset, 64);
    assert_int_equal(receive(buffer), 64);
    assert_int_equal(bench.net.driver.counters.receive_dropped, 2);
    assert_null(bench.net.broken);
}

/* Each impossible word breaks the connection for good: nothing of it is used. */
static void expect_broken(struct frame_descriptor said, uint16_t ahead)
{
    uint8_t buffer[NIC_MAX_FRAME];
    tear_down(NULL);
    set_up(NULL);
    take(bench.rx_free); /* buffer 0 is with the driver's device */
    put(bench.rx_active, said.offset, said.length);
    bench.rx_active->tail = (uint16_t)(bench.rx_active->tail + ahead);
    assert_int_equal(receive(buffer), 0);
    assert_non_null(bench.net.broken);
    assert_int_equal(transmit(60), 1); /* dealt with: dropped */
    assert_int_equal(bench.net.driver.counters.transmit_dropped, 1);
}

static void believes_nothing(void **state)
{
    (void)state;
    const struct frame_descriptor lies[] = {
        {.offset = RECEIVE - FRAME_BUFFER_SIZE, .length = 64},         /* before the region */
        {.offset = RECEIVE + COUNT * FRAME_BUFFER_SIZE, .length = 64}, /* after it */
        {.offset = RECEIVE + 8, .length = 64},                         /* inside a buffer */
        {.offset = SEND, .length = 64},                                /* the other direction's */
        {.offset = 0, .length = 64},
        {.offset = UINT64_MAX, .length = 64},
        {.offset = RECEIVE, .length = FRAME_BUFFER_SIZE + 1},
    };
    for (unsigned i = 0; i < sizeof lies / sizeof lies[0]; i++)
        expect_broken(lies[i], 0);
    expect_broken((struct frame_descriptor){.offset = RECEIVE, .length = 64}, COUNT);
    expect_broken((struct frame_descriptor){.offset = RECEIVE, .length = 64}, 0x8000);
}

static void a_buffer_given_back_twice(void **state)
{
    (void)state;
    assert_int_equal(transmit(60), 1);
    uint64_t sent = take(bench.tx_active).offset;
    put(bench.tx_free, sent, 0);
    put(bench.tx_free, sent, 0);
    for (unsigned i = 0; i < COUNT && !bench.net.broken; i++)
        transmit(60);
    transmit(60);
    assert_non_null(bench.net.broken);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(receives),
        TEST(transmits),
        TEST(believes_nothing),
        TEST(drops_what_is_no_frame),
        TEST(a_buffer_given_back_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
