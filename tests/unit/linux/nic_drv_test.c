/* SPDX-License-Identifier: BSD-2-Clause */
/* The NIC driver component between a fake device and a fake frontend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "drivers/nic_driver.h"
#include "ring/frame_queue.h"
#include "ring/oneway_ring.h"
#include "sluice/audit.h"
#include "sluice/component.h"
#include "sluice/config.h"
#include "sluice/host.h"

#define BUFFERS 8u

struct sl_host {
    struct nic_driver nic;
    uint64_t now, deadline;
    unsigned notified;
    unsigned to_receive; /* frames that wait in the device */
    unsigned received;   /* next frame's number */
    unsigned room;       /* frames that the device still takes */
    unsigned sent;
    uint8_t last_sent[NIC_MAX_FRAME];
    uint8_t destination[6];
    jmp_buf fault;
};

static struct sl_host host;
static struct sl_environment environment;
static struct sl_nic_config config = {.buffers = BUFFERS, .component = 3};
static const uint8_t own[6] = {2, 0, 0, 0, 0, 1};
static void *self;
static struct frame_end rx_free, rx_active, tx_free, tx_active;
static struct oneway_consumer audit;

struct nic_driver *nic_driver_of(struct sl_host *asked)
{
    return &asked->nic;
}

void sl_notify(struct sl_host *asked, unsigned channel)
{
    assert_int_equal(channel, 5);
    asked->notified++;
}

uint64_t sl_now(struct sl_host *asked)
{
    return asked->now;
}

void sl_deadline(struct sl_host *asked, uint64_t when)
{
    asked->deadline = when;
}

_Noreturn void sl_fault(struct sl_host *asked, const char *what, uint64_t found, uint64_t expected)
{
    (void)what;
    (void)found;
    (void)expected;
    longjmp(asked->fault, 1);
}

static uint16_t fake_receive(struct nic_driver *driver, uint8_t *buffer)
{
    (void)driver;
    if (host.to_receive == 0)
        return 0;
    host.to_receive--;
    memset(buffer, 0, 60);
    memcpy(buffer, host.destination, 6);
    buffer[14] = (uint8_t)host.received++;
    return 60;
}

static unsigned fake_transmit(struct nic_driver *driver, const struct nic_frame *frames,
                              unsigned count)
{
    (void)driver;
    unsigned taken = count < host.room ? count : host.room;
    host.room -= taken;
    host.sent += taken;
    if (taken)
        memcpy(host.last_sent, frames[taken - 1].bytes, frames[taken - 1].length);
    return taken;
}

static bool fake_may_sleep(struct nic_driver *driver)
{
    (void)driver;
    return host.to_receive == 0;
}

static const struct nic_operations fake = {fake_receive, fake_transmit, fake_may_sleep};

static void give_port(enum sl_port_id id, struct frame_end *free_end, struct frame_end *active_end)
{
    struct sl_port *port = &environment.port[id];
    port->channel = id == SL_PORT_RX ? 5 : SL_NO_CHANNEL;
    for (unsigned part = 0; part < 3; part++) {
        port->size[part] = part == 2 ? BUFFERS * FRAME_BUFFER_SIZE : 4096;
        port->region[part] = calloc(1, port->size[part]);
    }
    frame_end_init(free_end, port->region[0], BUFFERS);
    frame_end_init(active_end, port->region[1], BUFFERS);
}

static int make(void **state)
{
    (void)state;
    memset(&host, 0, sizeof host);
    memset(&environment, 0, sizeof environment);
    host.nic.operations = &fake;
    host.room = 1000;
    host.now = 1;
    memcpy(host.nic.mac, own, 6);
    memcpy(host.destination, own, 6);
    environment.host = &host;
    environment.config = &config;
    environment.config_size = sizeof config;
    give_port(SL_PORT_RX, &rx_free, &rx_active);
    give_port(SL_PORT_TX, &tx_free, &tx_active);
    struct sl_port *port = &environment.port[SL_PORT_AUDIT];
    port->size[0] = oneway_ring_region_size(sizeof(struct sl_audit), 8);
    port->region[0] = calloc(1, port->size[0]);
    oneway_consumer_init(&audit, port->region[0], port->size[0], sizeof(struct sl_audit));
    self = calloc(1, nic_drv_component.self_size);
    nic_drv_component.init(self, &environment);
    for (unsigned i = 0; i < BUFFERS; i++)
        frame_put(&rx_free, i * FRAME_BUFFER_SIZE, 0);
    return 0;
}

static int release(void **state)
{
    (void)state;
    for (unsigned id = 0; id < SL_MAX_PORTS; id++)
        for (unsigned part = 0; part < 3; part++)
            free(environment.port[id].region[part]);
    free(self);
    return 0;
}

static void wake(void)
{
    nic_drv_component.wake(self, SL_BADGE_DEVICE);
}

/* Takes every frame that the frontend has got, checks their order, gives the buffers back. */
static unsigned take_received(unsigned expected)
{
    uint64_t offset;
    uint16_t length;
    unsigned count = 0;
    while (frame_take(&rx_active, &offset, &length) == RING_OK) {
        const uint8_t *buffers = environment.port[SL_PORT_RX].region[2];
        assert_int_equal(length, 60);
        assert_int_equal(buffers[offset + 14], (uint8_t)(expected + count++));
        assert_int_equal(frame_put(&rx_free, offset, 0), RING_OK);
    }
    return count;
}

static void frames_reach_the_frontend(void **state)
{
    (void)state;
    host.to_receive = 5;
    wake();
    assert_int_equal(host.notified, 1);
    assert_int_equal(take_received(0), 5);
    assert_int_equal(host.deadline, SL_NEVER);
}

/* No buffer: frames stay in the device, and the next free buffer rings. */
static void without_buffers_frames_wait(void **state)
{
    (void)state;
    host.to_receive = 20;
    wake();
    assert_int_equal(host.to_receive, 20 - BUFFERS);
    assert_int_equal(host.deadline, SL_NEVER);
    assert_int_equal(take_received(0), BUFFERS);
    assert_true(frame_should_notify(&rx_free));
    wake();
    assert_int_equal(take_received(BUFFERS), BUFFERS);
    wake();
    assert_int_equal(take_received(2 * BUFFERS), 20 - 2 * BUFFERS);
    wake();
    frame_put(&rx_free, 0, 0);                   /* (one more than there are; never taken here) */
    assert_false(frame_should_notify(&rx_free)); /* it has enough of them and does not ask */
}

static void frames_for_others_are_dropped(void **state)
{
    (void)state;
    host.destination[5] = 9;
    host.to_receive = 3;
    wake();
    assert_int_equal(take_received(0), 0);
    memset(host.destination, 0xff, 6);
    host.to_receive = 1;
    wake();
    assert_int_equal(take_received(3), 1);
}

/* More than a wake's batch: the rest comes in the next wake, which is asked for at once. */
static void batch_ends_and_goes_on(void **state)
{
    (void)state;
    host.destination[5] = 9; /* dropped, so that buffers do not run out */
    host.to_receive = 1000;
    wake();
    assert_true(host.to_receive > 0);
    assert_int_equal(host.deadline, host.now);
    for (unsigned i = 0; i < 10; i++)
        wake();
    assert_int_equal(host.to_receive, 0);
    assert_int_equal(host.deadline, SL_NEVER);
}

static void put_to_send(uint64_t number, uint16_t length)
{
    uint8_t *buffers = environment.port[SL_PORT_TX].region[2];
    buffers[number * FRAME_BUFFER_SIZE + 14] = (uint8_t)number;
    assert_int_equal(frame_put(&tx_active, number * FRAME_BUFFER_SIZE, length), RING_OK);
}

static unsigned take_sent(void)
{
    uint64_t offset;
    uint16_t length;
    unsigned count = 0;
    while (frame_take(&tx_free, &offset, &length) == RING_OK)
        assert_int_equal(offset, count++ * FRAME_BUFFER_SIZE);
    return count;
}

static void frames_are_sent(void **state)
{
    (void)state;
    for (unsigned i = 0; i < BUFFERS; i++)
        put_to_send(i, 60);
    wake();
    assert_int_equal(host.sent, BUFFERS);
    assert_int_equal(host.last_sent[14], BUFFERS - 1);
    assert_int_equal(take_sent(), BUFFERS);
    put_to_send(0, 60);
    assert_true(frame_should_notify(&tx_active)); /* it sleeps and asked for it */
}

/* A device without room gets the same frames later, in order; nothing is freed early. */
static void device_without_room(void **state)
{
    (void)state;
    host.room = 3;
    for (unsigned i = 0; i < BUFFERS; i++)
        put_to_send(i, 60);
    wake();
    assert_int_equal(host.sent, 3);
    assert_true(host.deadline > host.now && host.deadline <= host.now + 1000000);
    host.room = 1000;
    wake();
    assert_int_equal(host.sent, BUFFERS);
    assert_int_equal(take_sent(), BUFFERS);
    assert_int_equal(host.deadline, SL_NEVER);
}

static void impossible_lengths_are_dropped(void **state)
{
    (void)state;
    put_to_send(0, 13);
    put_to_send(1, NIC_MAX_FRAME + 1);
    put_to_send(2, 2048);
    put_to_send(3, 14);
    put_to_send(4, NIC_MAX_FRAME);
    wake();
    assert_int_equal(host.sent, 2);
    assert_int_equal(host.nic.counters.transmit_dropped, 3);
    assert_int_equal(take_sent(), 5);
    struct sl_audit record;
    assert_int_equal(oneway_take(&audit, &record), RING_OK);
    assert_int_equal(record.event, SL_AUDIT_DROPPED);
    assert_int_equal(record.value, 3);
    assert_int_equal(record.component, 3);
}

static void losses_are_reported_once_a_second(void **state)
{
    (void)state;
    struct sl_audit record;
    host.now = 10;
    host.nic.counters.receive_dropped = 4;
    wake();
    assert_int_equal(oneway_take(&audit, &record), RING_OK);
    host.nic.counters.receive_dropped = 9;
    wake();
    assert_int_equal(oneway_take(&audit, &record), RING_EMPTY);
    assert_int_equal(host.deadline, 10 + 1000000000);
    host.now = host.deadline;
    wake();
    assert_int_equal(oneway_take(&audit, &record), RING_OK);
    assert_int_equal(record.value, 5);
    assert_int_equal(host.deadline, SL_NEVER);
}

static bool faults(void)
{
    if (setjmp(host.fault))
        return true;
    wake();
    return false;
}

static void hostile_frontend_is_a_fault(void **state)
{
    (void)state;
    frame_put(&tx_active, BUFFERS * FRAME_BUFFER_SIZE, 60);
    assert_true(faults());
}

static void hostile_free_buffer_is_a_fault(void **state)
{
    (void)state;
    struct frame_ring *ring = environment.port[SL_PORT_RX].region[0];
    ring->descriptor[0].offset = 1;
    host.to_receive = 1;
    assert_true(faults());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_reach_the_frontend, make, release),
        cmocka_unit_test_setup_teardown(without_buffers_frames_wait, make, release),
        cmocka_unit_test_setup_teardown(frames_for_others_are_dropped, make, release),
        cmocka_unit_test_setup_teardown(batch_ends_and_goes_on, make, release),
        cmocka_unit_test_setup_teardown(frames_are_sent, make, release),
        cmocka_unit_test_setup_teardown(device_without_room, make, release),
        cmocka_unit_test_setup_teardown(impossible_lengths_are_dropped, make, release),
        cmocka_unit_test_setup_teardown(losses_are_reported_once_a_second, make, release),
        cmocka_unit_test_setup_teardown(hostile_frontend_is_a_fault, make, release),
        cmocka_unit_test_setup_teardown(hostile_free_buffer_is_a_fault, make, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
