/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/frames.h"

#include "sluice/host.h"

static bool marked(const uint8_t *bits, unsigned number)
{
    return bits[number / 8] & 1u << (number % 8);
}

static void flip(uint8_t *bits, unsigned number)
{
    bits[number / 8] = (uint8_t)(bits[number / 8] ^ 1u << (number % 8));
}

/* The topology gives each queue as many descriptors as its data region has buffers. */
static uint16_t capacity_of(const struct sl_port *port)
{
    uint32_t capacity = 1;
    while (capacity * 2 * FRAME_BUFFER_SIZE <= port->size[2] && capacity < 32768)
        capacity *= 2;
    return (uint16_t)capacity;
}

static uint16_t usable(const struct frame_end *end)
{
    return end->capacity < NET_MAX_BUFFERS ? end->capacity : (uint16_t)NET_MAX_BUFFERS;
}

static void put(struct frames *frames, struct frame_end *end, unsigned number, uint16_t length)
{
    /* Never full: no more buffers go round than the queue has descriptors. */
    if (frame_put(end, (uint64_t)number * FRAME_BUFFER_SIZE, length) != RING_OK)
        sl_fault(frames->host, "frame queue: the driver's index is impossible", end->index,
                 end->capacity);
}

/* The buffer's number, or -1 when the queue is empty. */
static int take(struct frames *frames, struct frame_end *end, uint8_t *held, uint16_t *length)
{
    uint64_t offset = 0;
    const enum ring_result result = frame_take(end, &offset, length);
    if (result == RING_EMPTY)
        return -1;
    if (result != RING_OK)
        sl_fault(frames->host, "frame queue: the driver's entry is impossible", end->index,
                 end->capacity);
    const uint64_t number = offset / FRAME_BUFFER_SIZE;
    if (number >= usable(end) || !marked(held, (unsigned)number))
        sl_fault(frames->host, "frame queue: the driver handed over a buffer it does not hold",
                 number, usable(end));
    flip(held, (unsigned)number);
    return (int)number;
}

void frames_init(struct frames *frames, const struct sl_environment *environment)
{
    const struct sl_port *receive = &environment->port[SL_PORT_RX];
    const struct sl_port *transmit = &environment->port[SL_PORT_TX];
    frames->host = environment->host;
    frames->channel = receive->channel;
    frame_end_init(&frames->receive_free, receive->region[0], capacity_of(receive));
    frame_end_init(&frames->receive_active, receive->region[1], capacity_of(receive));
    frame_end_init(&frames->transmit_free, transmit->region[0], capacity_of(transmit));
    frame_end_init(&frames->transmit_active, transmit->region[1], capacity_of(transmit));
    frames->receive_buffers = receive->region[2];
    frames->transmit_buffers = transmit->region[2];
    for (uint16_t i = 0; i < usable(&frames->receive_free); i++) {
        put(frames, &frames->receive_free, i, 0);
        flip(frames->receiving, i);
    }
    frames->spare_count = usable(&frames->transmit_free);
    for (uint16_t i = 0; i < frames->spare_count; i++)
        frames->spare[i] = i;
}

const uint8_t *frames_receive(struct frames *frames, uint16_t *length)
{
    const int number = take(frames, &frames->receive_active, frames->receiving, length);
    return number < 0 ? NULL : frames->receive_buffers + (size_t)number * FRAME_BUFFER_SIZE;
}

void frames_return(struct frames *frames, const uint8_t *frame)
{
    const unsigned number =
        (unsigned)((size_t)(frame - frames->receive_buffers) / FRAME_BUFFER_SIZE);
    put(frames, &frames->receive_free, number, 0);
    flip(frames->receiving, number);
}

static void collect_sent(struct frames *frames)
{
    uint16_t length;
    int number;
    while ((number = take(frames, &frames->transmit_free, frames->transmitting, &length)) >= 0)
        frames->spare[frames->spare_count++] = (uint16_t)number;
}

uint8_t *frames_claim(struct frames *frames)
{
    if (frames->spare_count == 0)
        collect_sent(frames);
    if (frames->spare_count == 0)
        return NULL;
    return frames->transmit_buffers +
           (size_t)frames->spare[--frames->spare_count] * FRAME_BUFFER_SIZE;
}

void frames_send(struct frames *frames, uint8_t *frame, uint16_t length)
{
    const unsigned number =
        (unsigned)((size_t)(frame - frames->transmit_buffers) / FRAME_BUFFER_SIZE);
    flip(frames->transmitting, number);
    put(frames, &frames->transmit_active, number, length);
}

void frames_notify(struct frames *frames)
{
    const bool received = frame_should_notify(&frames->receive_free);
    const bool sent = frame_should_notify(&frames->transmit_active);
    if (received || sent)
        sl_notify(frames->host, frames->channel);
}

bool frames_may_sleep(struct frames *frames, bool wants_transmit)
{
    if (wants_transmit) {
        if (!frame_may_sleep(&frames->transmit_free))
            return false;
    } else {
        frame_ignore(&frames->transmit_free);
    }
    return frame_may_sleep(&frames->receive_active);
}
