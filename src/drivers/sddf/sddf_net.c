/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/sddf/sddf_net.h"

#include <stddef.h>
#include <string.h>

#include "drivers/sddf/cache.h"
#include "sluice/barrier.h"

#define ETHERNET_MIN 60u /* IEEE 802.3, without the check sequence */

static void buffers_start(struct sddf_buffers *buffers, const struct sddf_place *place)
{
    buffers->memory = place->memory;
    buffers->address = place->address;
    buffers->count = place->count;
    buffers->to_driver = place->to_driver;
    buffers->from_driver = place->from_driver;
}

/* There is always room: the queue holds as many as there are buffers. */
static void give(struct sddf_buffers *buffers, uint16_t number, uint16_t length)
{
    struct frame_ring *ring = buffers->to_driver;
    ring->descriptor[buffers->to_tail % buffers->count] = (struct frame_descriptor){
        .offset = buffers->address + (uint64_t)number * FRAME_BUFFER_SIZE, .length = length};
    buffers->with_driver[number] = true;
    buffers->to_tail++;
    sl_store_release(&ring->tail, buffers->to_tail);
}

enum taken { TAKEN, NOTHING, IMPOSSIBLE };

static enum taken take(struct sddf_buffers *buffers, uint16_t *number, uint16_t *length)
{
    struct frame_ring *ring = buffers->from_driver;
    uint16_t waiting = (uint16_t)(sl_load_acquire(&ring->tail) - buffers->from_head);
    if (waiting == 0)
        return NOTHING;
    if (waiting > buffers->count)
        return IMPOSSIBLE;
    struct frame_descriptor copy;
    memcpy(&copy, &ring->descriptor[buffers->from_head % buffers->count], sizeof copy);
    sl_fence_acquire(); /* judge the copy, not what it may become */
    uint64_t offset = copy.offset - buffers->address;
    if (offset % FRAME_BUFFER_SIZE || offset / FRAME_BUFFER_SIZE >= buffers->count)
        return IMPOSSIBLE;
    *number = (uint16_t)(offset / FRAME_BUFFER_SIZE);
    *length = copy.length;
    if (!buffers->with_driver[*number] || copy.length > FRAME_BUFFER_SIZE)
        return IMPOSSIBLE;
    buffers->with_driver[*number] = false;
    buffers->from_head++;
    sl_store_release(&ring->head, buffers->from_head);
    return TAKEN;
}

/* True when there is nothing to take and the driver was asked to say when there is. */
static bool sleeps(struct sddf_buffers *buffers)
{
    struct frame_ring *ring = buffers->from_driver;
    sl_store_relaxed(&ring->consumer_signalled, 0);
    sl_fence_full();
    return sl_load_acquire(&ring->tail) == buffers->from_head;
}

static uint16_t net_receive(struct nic_driver *driver, uint8_t *buffer)
{
    struct sddf_net *net = (struct sddf_net *)driver;
    for (unsigned looked = 0; looked < net->receive.count && !net->broken; looked++) {
        uint16_t number, length;
        enum taken taken = take(&net->receive, &number, &length);
        if (taken == IMPOSSIBLE)
            net->broken = "sDDF driver gave back what it did not have (receive)";
        if (taken != TAKEN)
            return 0;
        bool whole = length >= NIC_MIN_FRAME && length <= NIC_MAX_FRAME;
        if (whole) {
            const uint8_t *frame = net->receive.memory + (size_t)number * FRAME_BUFFER_SIZE;
            cache_clean_and_invalidate(frame, length);
            memcpy(buffer, frame, length);
            driver->counters.received++;
        } else {
            driver->counters.receive_dropped++;
        }
        give(&net->receive, number, 0);
        net->gave_receive = true;
        if (whole)
            return length;
    }
    return 0;
}

static bool net_may_sleep(struct nic_driver *driver)
{
    struct sddf_net *net = (struct sddf_net *)driver;
    return net->broken || sleeps(&net->receive);
}

static void reclaim(struct sddf_net *net)
{
    for (;;) {
        uint16_t number, length;
        enum taken taken = take(&net->transmit, &number, &length);
        if (taken == IMPOSSIBLE)
            net->broken = "sDDF driver gave back what it did not have (transmit)";
        if (taken != TAKEN)
            return;
        net->idle[net->idle_count++] = number;
        net->driver.counters.transmitted++;
    }
}

static void send(struct sddf_net *net, const struct nic_frame *frame)
{
    uint16_t number = net->idle[--net->idle_count];
    uint8_t *bytes = net->transmit.memory + (size_t)number * FRAME_BUFFER_SIZE;
    uint16_t length = frame->length;
    memcpy(bytes, frame->bytes, length);
    if (length < ETHERNET_MIN) {
        memset(bytes + length, 0, ETHERNET_MIN - length);
        length = ETHERNET_MIN;
    }
    cache_clean_and_invalidate(bytes, length);
    give(&net->transmit, number, length);
    net->gave_transmit = true;
}

/* The driver is asked to say when it has sent only while frames wait for room. */
static bool room(struct sddf_net *net)
{
    if (net->idle_count == 0)
        reclaim(net);
    if (net->idle_count == 0 && !net->broken && !sleeps(&net->transmit))
        reclaim(net);
    return net->idle_count && !net->broken;
}

static unsigned net_transmit(struct nic_driver *driver, const struct nic_frame *frames,
                             unsigned count)
{
    struct sddf_net *net = (struct sddf_net *)driver;
    unsigned sent = 0;
    for (; sent < count && !net->broken && room(net); sent++)
        if (frames[sent].length <= NIC_MAX_FRAME)
            send(net, &frames[sent]);
        else
            driver->counters.transmit_dropped++;
    if (!net->broken)
        return sent;
    driver->counters.transmit_dropped += count - sent;
    return count;
}

static const struct nic_operations operations = {net_receive, net_transmit, net_may_sleep};

void sddf_net_start(struct sddf_net *net, const struct sddf_place *receive,
                    const struct sddf_place *transmit, const uint8_t mac[6])
{
    memset(net, 0, sizeof *net);
    net->driver.operations = &operations;
    memcpy(net->driver.mac, mac, sizeof net->driver.mac);
    buffers_start(&net->receive, receive);
    buffers_start(&net->transmit, transmit);
    /* What zeroed the memory may be in the cache still, and would be written over a frame. */
    cache_clean_and_invalidate(net->receive.memory, (size_t)receive->count * FRAME_BUFFER_SIZE);
    for (uint16_t i = 0; i < net->receive.count; i++)
        give(&net->receive, i, 0);
    for (uint16_t i = 0; i < net->transmit.count; i++)
        net->idle[net->idle_count++] = i;
    net->gave_receive = true;
}
