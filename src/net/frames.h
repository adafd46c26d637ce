/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A frontend's end of its NIC driver's frame queues. Keeps account of which buffers the driver
 * holds, and faults when it hands over one that it does not: a buffer that is in two places is
 * memory that two write.
 */
#ifndef SLUICE_NET_FRAMES_H
#define SLUICE_NET_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "net/limits.h"
#include "ring/frame_queue.h"
#include "sluice/component.h"

struct frames {
    struct sl_host *host;
    uint8_t channel; /* to the driver, for both queues */
    struct frame_end receive_free, receive_active;
    struct frame_end transmit_free, transmit_active;
    const uint8_t *receive_buffers;
    uint8_t *transmit_buffers;
    uint16_t spare_count; /* transmit buffers in hand */
    uint16_t spare[NET_MAX_BUFFERS];
    uint8_t receiving[NET_MAX_BUFFERS / 8]; /* bit set: the driver holds the buffer */
    uint8_t transmitting[NET_MAX_BUFFERS / 8];
};

/* Gives all receive buffers to the driver. */
void frames_init(struct frames *frames, const struct sl_environment *environment);

/* The next received frame, in the driver's memory: copy it, then frames_return it. NULL when
 * there is none. */
const uint8_t *frames_receive(struct frames *frames, uint16_t *length);
void frames_return(struct frames *frames, const uint8_t *frame);

/* FRAME_BUFFER_SIZE bytes to fill and frames_send, or NULL while the driver holds them all. */
uint8_t *frames_claim(struct frames *frames);
void frames_send(struct frames *frames, uint8_t *frame, uint16_t length);

/* Once a pass: wakes the driver where it asked to be. */
void frames_notify(struct frames *frames);
/* True when nothing was received and the driver will notify (of a free transmit buffer too,
 * when `wants_transmit`). */
bool frames_may_sleep(struct frames *frames, bool wants_transmit);

#endif
