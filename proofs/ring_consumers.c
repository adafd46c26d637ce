/* SPDX-License-Identifier: BSD-2-Clause */
/* The consumers of all three rings against a producer that writes anything at any moment
 * (barrier_any.h): memory of theirs is the only thing that they trust. */
#include "any.h"
#include "ring/frame_queue.h"
#include "ring/message_ring.h"
#include "ring/oneway_ring.h"

#define RECORD   512u
#define CAPACITY 16u

static uint32_t message_region[(64 + 1024) / 4], message_own[2];
static uint64_t oneway_region[(64 + 8 * 128) / 8], slot[16];
static uint64_t frame_region[(8 + CAPACITY * 16) / 8];
static uint8_t record[RECORD];

static void message(void)
{
    struct message_ring_consumer ring;
    message_ring_consumer_init(&ring, message_region, message_own, sizeof message_region);
    while (Frama_C_nondet(0, 1)) {
        uint32_t length;
        any_bytes(message_region, sizeof message_region);
        if (message_ring_take(&ring, record, sizeof record, &length) == RING_FAULT)
            return;
        message_ring_may_sleep(&ring);
    }
}

static void oneway(void)
{
    struct oneway_consumer ring;
    oneway_consumer_init(&ring, oneway_region, sizeof oneway_region, sizeof slot);
    while (Frama_C_nondet(0, 1)) {
        any_bytes(oneway_region, sizeof oneway_region);
        if (oneway_take(&ring, slot) == RING_FAULT)
            return;
    }
}

static void frames(void)
{
    struct frame_end end;
    frame_end_init(&end, frame_region, CAPACITY);
    while (Frama_C_nondet(0, 1)) {
        uint64_t offset;
        uint16_t length;
        any_bytes(frame_region, sizeof frame_region);
        if (frame_take(&end, &offset, &length) == RING_FAULT)
            return;
        frame_may_sleep(&end);
        frame_ignore(&end);
    }
}

int main(void)
{
    message();
    oneway();
    frames();
    return 0;
}
