/* SPDX-License-Identifier: BSD-2-Clause */
/* The network driver against a device that obeys, errs and lies. */
// link: src/drivers/virtio_mmio/virtio_mmio.c
// link: src/drivers/virtio_mmio/virtio_net.c
// link: src/drivers/virtio_mmio/virtqueue.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/virtio_mmio/virtio_net.h"
#include "virtio/device.h"

#define RECEIVE  0u
#define TRANSMIT 1u
#define HEADER   12u

struct bench {
    struct device device;
    struct virtio_net net;
    uint8_t *memory; /* on the heap at its exact size: one byte outside is one that ASan sees */
};

static struct bench bench;

static int set_up(void **state)
{
    (void)state;
    device_init(&bench.device, VIRTIO_NETWORK);
    bench.memory = aligned_alloc(4096, virtio_net_memory_size());
    memset(bench.memory, 0xa5, virtio_net_memory_size());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(bench.memory);
    return 0;
}

static const char *start(void)
{
    return virtio_net_start(&bench.net, device_bus(&bench.device), bench.memory,
                            (uintptr_t)bench.memory);
}

static uint16_t receive(uint8_t *buffer)
{
    return bench.net.driver.operations->receive(&bench.net.driver, buffer);
}

static unsigned transmit(const struct nic_frame *frames, unsigned count)
{
    return bench.net.driver.operations->transmit(&bench.net.driver, frames, count);
}

/* The device fills its next buffer with `length` bytes of frame. */
static int deliver(uint32_t length)
{
    int id = device_take(&bench.device, RECEIVE);
    if (id < 0)
        return id;
    uint8_t *bytes =
        (uint8_t *)(uintptr_t)device_descriptor(&bench.device, RECEIVE, (uint16_t)id)->address;
    for (uint32_t i = 0; i < length && i < NIC_MAX_FRAME; i++)
        bytes[HEADER + i] = (uint8_t)(i + (unsigned)id);
    device_give(&bench.device, RECEIVE, (uint32_t)id, HEADER + length);
    return id;
}

static void comes_up(void **state)
{
    (void)state;
    assert_null(start());
    assert_int_equal(bench.device.status, 15);
    /* VERSION_1; the MAC address and checksum offload that the device offers are not taken. */
    assert_true(bench.device.accepted == UINT64_C(1) << 32);
    assert_int_equal(device_available(&bench.device, RECEIVE)->index, VIRTIO_NET_RECEIVE);
    assert_int_equal(device_available(&bench.device, TRANSMIT)->flags, 1);
    assert_int_equal(bench.device.notifies[RECEIVE], 1);
}

static void does_not_come_up(void **state)
{
    (void)state;
    bench.device.magic = 0;
    assert_non_null(start());
    device_init(&bench.device, VIRTIO_NETWORK);
    bench.device.version = 1;
    assert_non_null(start());
    device_init(&bench.device, VIRTIO_ENTROPY);
    assert_non_null(start());
    device_init(&bench.device, VIRTIO_NETWORK);
    bench.device.features = 0;
    assert_non_null(start());
    assert_int_equal(bench.device.status, VIRTIO_FAILED);
    device_init(&bench.device, VIRTIO_NETWORK);
    bench.device.refuses_features = true;
    assert_non_null(start());
    device_init(&bench.device, VIRTIO_NETWORK);
    bench.device.queue[TRANSMIT].size_max = VIRTIO_NET_TRANSMIT - 1;
    assert_non_null(start());
    device_init(&bench.device, VIRTIO_NETWORK);
    bench.device.never_resets = true;
    bench.device.status = VIRTIO_DRIVER_OK;
    assert_non_null(start());

    uint8_t buffer[NIC_MAX_FRAME];
    assert_int_equal(receive(buffer), 0);
    struct nic_frame frame = {buffer, 60};
    memset(buffer, 0, sizeof buffer);
    assert_int_equal(transmit(&frame, 1), 1); /* dealt with: dropped and counted */
    assert_int_equal(bench.net.driver.counters.transmit_dropped, 1);
    assert_true(bench.net.driver.operations->may_sleep(&bench.net.driver));
}

static void receives(void **state)
{
    (void)state;
    uint8_t buffer[NIC_MAX_FRAME];
    assert_null(start());
    assert_int_equal(receive(buffer), 0);
    for (unsigned round = 0; round < 70000; round++) { /* indices wrap */
        uint32_t length = NIC_MIN_FRAME + round % (NIC_MAX_FRAME - NIC_MIN_FRAME + 1);
        int id = deliver(length);
        assert_true(id >= 0);
        assert_false(bench.net.driver.operations->may_sleep(&bench.net.driver));
        assert_int_equal(receive(buffer), length);
        assert_int_equal(buffer[0], (uint8_t)id);
        assert_int_equal(buffer[length - 1], (uint8_t)(length - 1 + (unsigned)id));
    }
    assert_int_equal(receive(buffer), 0);
    assert_true(bench.net.driver.operations->may_sleep(&bench.net.driver));
    assert_int_equal(bench.net.driver.counters.received, 70000);
    assert_int_equal(bench.net.resets, 0);
}

static void tells_the_device_of_buffers_before_it_runs_dry(void **state)
{
    (void)state;
    uint8_t buffer[NIC_MAX_FRAME];
    assert_null(start());
    unsigned before = bench.device.notifies[RECEIVE];
    for (unsigned i = 0; i < VIRTIO_NET_RECEIVE; i++)
        deliver(60);
    for (unsigned i = 0; i < VIRTIO_NET_RECEIVE / 2; i++)
        receive(buffer);
    assert_true(bench.device.notifies[RECEIVE] >= before + 2);
    assert_true(bench.device.notifies[RECEIVE] < before + VIRTIO_NET_RECEIVE / 2);
}

static void drops_frames_of_wrong_length(void **state)
{
    (void)state;
    uint8_t buffer[NIC_MAX_FRAME];
    assert_null(start());
    deliver(0);
    deliver(NIC_MIN_FRAME - 1);
    deliver(100);
    assert_int_equal(receive(buffer), 100);
    assert_int_equal(bench.net.driver.counters.receive_dropped, 2);
    assert_int_equal(bench.net.resets, 0);
}

/* Each lie ends in a reset, after which the device works. */
static void expect_reset(void)
{
    uint8_t buffer[NIC_MAX_FRAME];
    uint64_t resets = bench.net.resets;
    assert_int_equal(receive(buffer), 0);
    assert_int_equal(bench.net.resets, resets + 1);
    assert_int_equal(bench.device.status, 15);
    deliver(200);
    assert_int_equal(receive(buffer), 200);
}

static void survives_lies_about_received_buffers(void **state)
{
    (void)state;
    uint8_t buffer[NIC_MAX_FRAME];
    assert_null(start());
    device_give(&bench.device, RECEIVE, VIRTIO_NET_RECEIVE, 100); /* no such descriptor */
    expect_reset();
    device_give(&bench.device, RECEIVE, UINT32_MAX, 100);
    expect_reset();
    int id = device_take(&bench.device, RECEIVE);
    device_give(&bench.device, RECEIVE, (uint32_t)id, HEADER + NIC_MAX_FRAME + 1); /* too long */
    expect_reset();
    id = device_take(&bench.device, RECEIVE);
    device_give(&bench.device, RECEIVE, (uint32_t)id, UINT32_MAX);
    expect_reset();
    device_used(&bench.device, RECEIVE)->index =
        (uint16_t)(device_used(&bench.device, RECEIVE)->index + VIRTIO_NET_RECEIVE + 1); /* ahead */
    expect_reset();
    device_used(&bench.device, RECEIVE)->index--; /* backwards */
    expect_reset();
    assert_true(bench.net.driver.counters.receive_dropped >= 6);
    assert_int_equal(receive(buffer), 0);
}

static void survives_one_buffer_given_back_twice(void **state)
{
    (void)state;
    struct nic_frame frame = {(const uint8_t[60]){0}, 60};
    assert_null(start());
    assert_int_equal(transmit(&frame, 1), 1);
    assert_int_equal(transmit(&frame, 1), 1);
    int id = device_take(&bench.device, TRANSMIT);
    device_give(&bench.device, TRANSMIT, (uint32_t)id, 0);
    device_give(&bench.device, TRANSMIT, (uint32_t)id, 0);
    assert_int_equal(transmit(&frame, 1), 1);
    assert_int_equal(bench.net.resets, 1);
    assert_null(bench.net.broken);
}

static void transmits(void **state)
{
    (void)state;
    uint8_t bytes[NIC_MAX_FRAME];
    memset(bytes, 0x5a, sizeof bytes);
    struct nic_frame frames[2] = {{bytes, NIC_MIN_FRAME}, {bytes, NIC_MAX_FRAME}};
    assert_null(start());
    assert_int_equal(transmit(frames, 2), 2);
    assert_int_equal(bench.device.notifies[TRANSMIT], 1);
    static const uint8_t zero[64];

    int id = device_take(&bench.device, TRANSMIT);
    struct virtq_descriptor *descriptor = device_descriptor(&bench.device, TRANSMIT, (uint16_t)id);
    const uint8_t *sent = (const uint8_t *)(uintptr_t)descriptor->address;
    assert_int_equal(descriptor->length, HEADER + 60); /* padded, with zeros */
    assert_int_equal(descriptor->flags, 0);
    assert_memory_equal(sent, zero, HEADER);
    assert_memory_equal(sent + HEADER, bytes, NIC_MIN_FRAME);
    assert_memory_equal(sent + HEADER + NIC_MIN_FRAME, zero, 60 - NIC_MIN_FRAME);
    id = device_take(&bench.device, TRANSMIT);
    descriptor = device_descriptor(&bench.device, TRANSMIT, (uint16_t)id);
    assert_int_equal(descriptor->length, HEADER + NIC_MAX_FRAME);
    assert_memory_equal((const uint8_t *)(uintptr_t)descriptor->address + HEADER, bytes,
                        NIC_MAX_FRAME);
}

static void waits_for_room(void **state)
{
    (void)state;
    struct nic_frame frames[VIRTIO_NET_TRANSMIT + 1];
    static const uint8_t bytes[60];
    for (unsigned i = 0; i <= VIRTIO_NET_TRANSMIT; i++)
        frames[i] = (struct nic_frame){bytes, sizeof bytes};
    assert_null(start());
    assert_int_equal(transmit(frames, VIRTIO_NET_TRANSMIT + 1), VIRTIO_NET_TRANSMIT);
    assert_int_equal(device_available(&bench.device, TRANSMIT)->flags, 0); /* tell us */
    assert_int_equal(transmit(frames, 1), 0);
    device_give(&bench.device, TRANSMIT, (uint32_t)device_take(&bench.device, TRANSMIT), 0);
    assert_int_equal(transmit(frames, 2), 1);
    assert_int_equal(bench.net.driver.counters.transmitted, 1);
}

static void acknowledges_before_it_drains(void **state)
{
    (void)state;
    uint8_t buffer[NIC_MAX_FRAME];
    assert_null(start());
    deliver(60);
    virtio_net_interrupt(&bench.net);
    assert_int_equal(bench.device.interrupt_status, 0);
    deliver(61); /* after the acknowledgement: announced again */
    assert_int_equal(bench.device.interrupt_status, 1);
    assert_int_equal(receive(buffer), 60);
    assert_int_equal(receive(buffer), 61);
}

static void resets_a_device_that_asks_for_it(void **state)
{
    (void)state;
    struct nic_frame frame = {(const uint8_t[60]){0}, 60};
    assert_null(start());
    assert_int_equal(transmit(&frame, 1), 1);
    bench.device.status |= VIRTIO_NEEDS_RESET;
    virtio_net_interrupt(&bench.net);
    assert_int_equal(bench.net.resets, 1);
    assert_int_equal(bench.device.status, 15);
    assert_int_equal(bench.net.driver.counters.transmit_dropped, 1);
    bench.device.status = 0; /* it reset by itself */
    virtio_net_interrupt(&bench.net);
    assert_int_equal(bench.net.resets, 2);
    bench.device.status |= VIRTIO_NEEDS_RESET;
    bench.device.magic = 0; /* and is gone */
    virtio_net_interrupt(&bench.net);
    assert_non_null(bench.net.broken);
    assert_int_equal(transmit(&frame, 1), 1);
}

static uint32_t next_random(void)
{
    static uint32_t state = 1;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

/* Whatever the device writes into its rings, the driver stays within its memory (ASan), and
 * every frame that it hands on has a length that a frame can have. */
static void survives_anything(void **state)
{
    (void)state;
    uint8_t buffer[NIC_MAX_FRAME];
    struct nic_frame frame = {(const uint8_t[NIC_MAX_FRAME]){0}, NIC_MAX_FRAME};
    assert_null(start());
    for (unsigned round = 0; round < 200000; round++) {
        unsigned queue = next_random() & 1;
        uint32_t what = next_random() % 8;
        if (what == 0)
            device_used(&bench.device, queue)->index = (uint16_t)next_random();
        else if (what == 1)
            device_give(&bench.device, queue, next_random() % 80, next_random() % 2000);
        else if (what == 2)
            device_give(&bench.device, queue, next_random(), next_random());
        else if (device_take(&bench.device, queue) >= 0)
            device_give(&bench.device, queue, next_random() % VIRTIO_NET_RECEIVE, 500);
        uint16_t length = receive(buffer);
        assert_true(length == 0 || (length >= NIC_MIN_FRAME && length <= NIC_MAX_FRAME));
        frame.length = (uint16_t)(NIC_MIN_FRAME + next_random() % 1500);
        transmit(&frame, 1);
        assert_true(bench.net.idle_count <= VIRTIO_NET_TRANSMIT);
    }
    assert_null(bench.net.broken);
    assert_true(bench.net.resets > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(comes_up),
        TEST(does_not_come_up),
        TEST(receives),
        TEST(tells_the_device_of_buffers_before_it_runs_dry),
        TEST(drops_frames_of_wrong_length),
        TEST(survives_lies_about_received_buffers),
        TEST(survives_one_buffer_given_back_twice),
        TEST(transmits),
        TEST(waits_for_room),
        TEST(acknowledges_before_it_drains),
        TEST(resets_a_device_that_asks_for_it),
        TEST(survives_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
