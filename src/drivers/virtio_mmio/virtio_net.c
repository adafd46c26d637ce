/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/virtio_mmio/virtio_net.h"

#include <stddef.h>
#include <string.h>

#define QUEUE_RECEIVE  0u /* section 5.1.2 */
#define QUEUE_TRANSMIT 1u

/* Section 5.1.6: before every frame, both ways. All zero but for num_buffers on receive. */
#define HEADER_SIZE  12u
#define ETHERNET_MIN 60u /* IEEE 802.3, without the check sequence */

#define PAGE 4096u
#define ANNOUNCE                                                                                   \
    (VIRTIO_NET_RECEIVE / 4) /* receive buffers given back before the device is told               \
                              */

struct layout {
    uint32_t transmit_queue, receive_buffers, transmit_buffers, total;
};

static struct layout memory_layout(void)
{
    struct layout layout;
    layout.transmit_queue = virtqueue_layout(VIRTIO_NET_RECEIVE).total;
    uint32_t queues = layout.transmit_queue + virtqueue_layout(VIRTIO_NET_TRANSMIT).total;
    layout.receive_buffers = (queues + PAGE - 1) / PAGE * PAGE;
    layout.transmit_buffers = layout.receive_buffers + VIRTIO_NET_RECEIVE * VIRTIO_NET_BUFFER_SIZE;
    layout.total = layout.transmit_buffers + VIRTIO_NET_TRANSMIT * VIRTIO_NET_BUFFER_SIZE;
    return layout;
}

uint32_t virtio_net_memory_size(void)
{
    return memory_layout().total;
}

static void give_receive(struct virtio_net *net, uint16_t id)
{
    uint64_t offset = memory_layout().receive_buffers + (uint64_t)id * VIRTIO_NET_BUFFER_SIZE;
    virtqueue_give(&net->receive, id, net->address + offset, HEADER_SIZE + NIC_MAX_FRAME, true);
}

static const char *bring_up(struct virtio_net *net)
{
    struct layout layout = memory_layout();
    uint64_t features;
    const char *wrong = virtio_start(&net->bus, VIRTIO_NETWORK, 0, &features);
    if (wrong)
        return wrong;
    virtqueue_init(&net->receive, net->memory, VIRTIO_NET_RECEIVE);
    virtqueue_init(&net->transmit, net->memory + layout.transmit_queue, VIRTIO_NET_TRANSMIT);
    wrong = virtio_add_queue(&net->bus, QUEUE_RECEIVE, &net->receive, net->address);
    if (!wrong)
        wrong = virtio_add_queue(&net->bus, QUEUE_TRANSMIT, &net->transmit,
                                 net->address + layout.transmit_queue);
    if (wrong)
        return wrong;
    for (uint16_t id = 0; id < VIRTIO_NET_RECEIVE; id++)
        give_receive(net, id);
    for (uint16_t id = 0; id < VIRTIO_NET_TRANSMIT; id++)
        net->idle[id] = id;
    net->idle_count = VIRTIO_NET_TRANSMIT;
    net->unannounced = 0;
    virtqueue_interrupts(&net->transmit, false);
    virtio_go(&net->bus);
    virtio_notify(&net->bus, QUEUE_RECEIVE);
    return NULL;
}

/* Section 2.1.2: only a reset helps. Frames that the device had are gone. */
static void restart(struct virtio_net *net)
{
    net->resets++;
    net->driver.counters.transmit_dropped += VIRTIO_NET_TRANSMIT - net->idle_count;
    net->driver.counters.receive_dropped++; /* at least the one that was announced wrongly */
    net->broken = bring_up(net);
    if (net->broken)
        virtio_reset(&net->bus);
}

void virtio_net_interrupt(struct virtio_net *net)
{
    if (net->broken)
        return;
    virtio_acknowledge(&net->bus);
    if (virtio_needs_reset(&net->bus))
        restart(net);
}

/* Telling the device of buffers costs a trap under QEMU: once for many. */
static void announce(struct virtio_net *net)
{
    if (net->unannounced && !net->broken)
        virtio_notify(&net->bus, QUEUE_RECEIVE);
    net->unannounced = 0;
}

static bool length_fits(uint32_t length)
{
    return length >= HEADER_SIZE + NIC_MIN_FRAME && length <= HEADER_SIZE + NIC_MAX_FRAME;
}

static uint16_t net_receive(struct nic_driver *driver, uint8_t *buffer)
{
    struct virtio_net *net = (struct virtio_net *)driver;
    /* Every buffer once: a device that fills the same one for ever holds up nobody. */
    for (unsigned looked = 0; looked < VIRTIO_NET_RECEIVE && !net->broken; looked++) {
        uint16_t id;
        uint32_t length;
        enum virtqueue_result result = virtqueue_take(&net->receive, &id, &length);
        if (result == VIRTQUEUE_EMPTY)
            break;
        if (result == VIRTQUEUE_BROKEN) {
            restart(net);
            return 0;
        }
        bool whole = length_fits(length);
        if (whole) {
            uint64_t offset =
                memory_layout().receive_buffers + (uint64_t)id * VIRTIO_NET_BUFFER_SIZE;
            memcpy(buffer, net->memory + offset + HEADER_SIZE, length - HEADER_SIZE);
            driver->counters.received++;
        } else {
            driver->counters.receive_dropped++;
        }
        give_receive(net, id);
        if (++net->unannounced == ANNOUNCE)
            announce(net);
        if (whole)
            return (uint16_t)(length - HEADER_SIZE);
    }
    announce(net);
    return 0;
}

static bool net_may_sleep(struct nic_driver *driver)
{
    struct virtio_net *net = (struct virtio_net *)driver;
    return net->broken || virtqueue_idle(&net->receive);
}

/* Takes back what the device has sent. False when the queue was broken and is started anew. */
static bool reclaim(struct virtio_net *net)
{
    for (;;) {
        uint16_t id;
        uint32_t length;
        switch (virtqueue_take(&net->transmit, &id, &length)) {
        case VIRTQUEUE_EMPTY:
            return true;
        case VIRTQUEUE_BROKEN:
            restart(net);
            return false;
        case VIRTQUEUE_OK:
            net->idle[net->idle_count++] = id;
            net->driver.counters.transmitted++;
        }
    }
}

static void send(struct virtio_net *net, const struct nic_frame *frame)
{
    uint16_t id = net->idle[--net->idle_count];
    uint64_t offset = memory_layout().transmit_buffers + (uint64_t)id * VIRTIO_NET_BUFFER_SIZE;
    uint8_t *buffer = net->memory + offset;
    uint16_t length = frame->length;
    memset(buffer, 0, HEADER_SIZE);
    memcpy(buffer + HEADER_SIZE, frame->bytes, length);
    if (length < ETHERNET_MIN) {
        memset(buffer + HEADER_SIZE + length, 0, ETHERNET_MIN - length);
        length = ETHERNET_MIN;
    }
    virtqueue_give(&net->transmit, id, net->address + offset, HEADER_SIZE + (uint32_t)length,
                   false);
}

/* Interrupts of the transmit queue are asked for only while frames wait for room. */
static bool room(struct virtio_net *net)
{
    if (net->idle_count)
        return true;
    if (!reclaim(net) || net->idle_count)
        return !net->broken;
    virtqueue_interrupts(&net->transmit, true);
    return reclaim(net) && net->idle_count;
}

static unsigned net_transmit(struct nic_driver *driver, const struct nic_frame *frames,
                             unsigned count)
{
    struct virtio_net *net = (struct virtio_net *)driver;
    unsigned sent = 0;
    if (!net->broken) {
        virtqueue_interrupts(&net->transmit, false);
        reclaim(net);
    }
    for (; sent < count && !net->broken && room(net); sent++)
        if (frames[sent].length <= NIC_MAX_FRAME)
            send(net, &frames[sent]);
        else
            driver->counters.transmit_dropped++;
    if (net->broken) {
        driver->counters.transmit_dropped += count - sent;
        return count;
    }
    if (sent)
        virtio_notify(&net->bus, QUEUE_TRANSMIT);
    return sent;
}

static const struct nic_operations operations = {net_receive, net_transmit, net_may_sleep};

const char *virtio_net_start(struct virtio_net *net, struct virtio_bus bus, void *memory,
                             uint64_t address)
{
    memset(net, 0, sizeof *net);
    net->driver.operations = &operations;
    net->bus = bus;
    net->memory = memory;
    net->address = address;
    net->broken = bring_up(net);
    return net->broken;
}
