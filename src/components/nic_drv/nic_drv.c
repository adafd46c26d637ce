/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NIC driver: moves frames between one NIC (drivers/nic_driver.h) and the frame queues of its
 * side's frontend. Frames that are not for this side's address or for all go no further.
 *
 * When the frontend has no free buffer, frames stay in the device, which drops and counts what
 * it has no room for; the frontend's next free buffer wakes us.
 */
#include <string.h>

#include "components/audit.h"
#include "drivers/nic_driver.h"
#include "ring/frame_queue.h"
#include "ring/oneway_ring.h"
#include "sluice/audit.h"
#include "sluice/component.h"
#include "sluice/config.h"
#include "sluice/host.h"
#include "sluice/reason.h"

/* Frames each way in one wake, so that a flood one way cannot hold up the other. */
#define RECEIVE_BATCH  256u
#define TRANSMIT_BATCH 256u
/* Frames offered to the device at once. */
#define TRANSMIT_CHUNK 16u
/* How long a device without room for a frame is left alone: some frames' time at 100 Mbit/s. */
#define TRANSMIT_RETRY_NS UINT64_C(100000)
/* Losses are reported at most this often. */
#define REPORT_INTERVAL_NS UINT64_C(1000000000)

struct held_frame {
    uint64_t offset;
    uint16_t length;
};

struct nic_drv {
    struct sl_host *host;
    struct nic_driver *nic;
    uint16_t component;
    uint8_t mac[6];
    uint8_t channel;

    struct frame_end receive_free, receive_active;
    uint8_t *receive_buffers;
    bool have_spare; /* a free buffer in hand for the next frame */
    uint64_t spare;

    struct frame_end transmit_free, transmit_active;
    const uint8_t *transmit_buffers;
    struct held_frame held[TRANSMIT_CHUNK]; /* taken off active, not yet with the device */
    unsigned held_count;

    bool has_audit;
    struct oneway_producer audit;
    uint64_t reported; /* losses on the last audit record */
    uint64_t next_report;
};

static void check(struct nic_drv *self, enum ring_result result, const char *what,
                  const struct frame_end *end)
{
    if (result == RING_FAULT)
        sl_fault(self->host, what, end->index, end->capacity);
}

static bool take_spare(struct nic_drv *self)
{
    uint16_t unused;
    if (!self->have_spare) {
        enum ring_result result = frame_take(&self->receive_free, &self->spare, &unused);
        check(self, result, "frame queue of received frames, free: impossible entry",
              &self->receive_free);
        self->have_spare = result == RING_OK;
    }
    return self->have_spare;
}

/* The frame was written by the device, but lies where the frontend may read it only. */
static bool for_us(const struct nic_drv *self, const uint8_t *frame)
{
    static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    return memcmp(frame, self->mac, sizeof self->mac) == 0 ||
           memcmp(frame, broadcast, sizeof broadcast) == 0;
}

/* False when it stopped at the batch's end with frames still waiting. */
static bool receive(struct nic_drv *self)
{
    const struct nic_operations *nic = self->nic->operations;
    for (unsigned handled = 0; handled < RECEIVE_BATCH; handled++) {
        if (!take_spare(self)) {
            if (frame_may_sleep(&self->receive_free))
                return true; /* the frontend will say when there are buffers again */
            continue;
        }
        uint8_t *buffer = self->receive_buffers + self->spare;
        uint16_t length = nic->receive(self->nic, buffer);
        if (length == 0) {
            if (nic->may_sleep(self->nic)) {
                frame_ignore(&self->receive_free); /* no need of more buffers for now */
                return true;
            }
            continue;
        }
        if (length < NIC_MIN_FRAME || !for_us(self, buffer))
            continue;
        enum ring_result result = frame_put(&self->receive_active, self->spare, length);
        check(self, result, "frame queue of received frames, active: impossible head",
              &self->receive_active);
        if (result == RING_FULL) /* cannot be: it holds as many as there are buffers */
            sl_fault(self->host, "more receive buffers than the frame queue has",
                     self->receive_active.index, self->receive_active.capacity);
        self->have_spare = false;
    }
    return false;
}

static void free_sent(struct nic_drv *self, uint64_t offset)
{
    enum ring_result result = frame_put(&self->transmit_free, offset, 0);
    check(self, result, "frame queue of frames to send, free: impossible head",
          &self->transmit_free);
    if (result == RING_FULL)
        sl_fault(self->host, "more transmit buffers than the frame queue has",
                 self->transmit_free.index, self->transmit_free.capacity);
}

static void fill_held(struct nic_drv *self)
{
    while (self->held_count < TRANSMIT_CHUNK) {
        struct held_frame *frame = &self->held[self->held_count];
        enum ring_result result =
            frame_take(&self->transmit_active, &frame->offset, &frame->length);
        check(self, result, "frame queue of frames to send, active: impossible entry",
              &self->transmit_active);
        if (result != RING_OK)
            return;
        if (frame->length < NIC_MIN_FRAME || frame->length > NIC_MAX_FRAME) {
            self->nic->counters.transmit_dropped++;
            free_sent(self, frame->offset);
            continue;
        }
        self->held_count++;
    }
}

enum transmit_end { TRANSMIT_IDLE, TRANSMIT_MORE, TRANSMIT_NO_ROOM };

static enum transmit_end transmit(struct nic_drv *self)
{
    for (unsigned handled = 0; handled < TRANSMIT_BATCH;) {
        fill_held(self);
        if (self->held_count == 0) {
            if (frame_may_sleep(&self->transmit_active))
                return TRANSMIT_IDLE;
            handled++;
            continue;
        }
        struct nic_frame frames[TRANSMIT_CHUNK];
        for (unsigned i = 0; i < self->held_count; i++)
            frames[i] = (struct nic_frame){self->transmit_buffers + self->held[i].offset,
                                           self->held[i].length};
        unsigned sent = self->nic->operations->transmit(self->nic, frames, self->held_count);
        for (unsigned i = 0; i < sent; i++)
            free_sent(self, self->held[i].offset);
        bool all = sent == self->held_count;
        self->held_count -= sent;
        memmove(self->held, self->held + sent, self->held_count * sizeof *self->held);
        handled += sent;
        if (!all)
            return TRANSMIT_NO_ROOM;
    }
    return TRANSMIT_MORE;
}

static void report_losses(struct nic_drv *self, uint64_t now)
{
    uint64_t lost = self->nic->counters.receive_dropped + self->nic->counters.transmit_dropped;
    if (!self->has_audit || lost == self->reported || now < self->next_report)
        return;
    audit_put(&self->audit, &(struct sl_audit){.time = now,
                                               .event = SL_AUDIT_DROPPED,
                                               .reason = SL_REASON_CAPACITY,
                                               .rule = SL_NO_RULE,
                                               .component = (uint8_t)self->component,
                                               .value = lost - self->reported});
    self->reported = lost;
    self->next_report = now + REPORT_INTERVAL_NS;
}

static void nic_drv_wake(void *state, uint64_t badges)
{
    struct nic_drv *self = state;
    (void)badges;
    bool received_all = receive(self);
    enum transmit_end sent = transmit(self);

    bool notify = frame_should_notify(&self->receive_active);
    notify |= frame_should_notify(&self->transmit_free);
    if (notify)
        sl_notify(self->host, self->channel);

    uint64_t lost = self->nic->counters.receive_dropped + self->nic->counters.transmit_dropped;
    if (received_all && sent == TRANSMIT_IDLE && lost == self->reported) {
        sl_deadline(self->host, SL_NEVER);
        return;
    }
    uint64_t now = sl_now(self->host);
    report_losses(self, now);
    uint64_t when = SL_NEVER;
    if (lost != self->reported)
        when = self->next_report;
    if (sent == TRANSMIT_NO_ROOM && when > now + TRANSMIT_RETRY_NS)
        when = now + TRANSMIT_RETRY_NS;
    if (!received_all || sent == TRANSMIT_MORE)
        when = now;
    sl_deadline(self->host, when);
}

static void nic_drv_init(void *state, const struct sl_environment *environment)
{
    struct nic_drv *self = state;
    const struct sl_nic_config *config = environment->config;
    const struct sl_port *rx = &environment->port[SL_PORT_RX];
    const struct sl_port *tx = &environment->port[SL_PORT_TX];
    static const uint8_t none[6];

    self->host = environment->host;
    self->nic = nic_driver_of(environment->host);
    if (!self->nic)
        sl_fault(self->host, "NIC driver without a NIC", 0, 1);
    self->component = config->component;
    bool given = memcmp(config->mac, none, sizeof none) != 0;
    memcpy(self->mac, given ? config->mac : self->nic->mac, sizeof self->mac);
    self->channel = rx->channel;

    if (config->buffers > rx->size[2] / FRAME_BUFFER_SIZE ||
        config->buffers > tx->size[2] / FRAME_BUFFER_SIZE)
        sl_fault(self->host, "frame buffers beyond the region", config->buffers,
                 rx->size[2] / FRAME_BUFFER_SIZE);
    frame_end_init(&self->receive_free, rx->region[0], config->buffers);
    frame_end_init(&self->receive_active, rx->region[1], config->buffers);
    self->receive_buffers = rx->region[2];
    frame_end_init(&self->transmit_free, tx->region[0], config->buffers);
    frame_end_init(&self->transmit_active, tx->region[1], config->buffers);
    self->transmit_buffers = tx->region[2];

    self->has_audit = environment->port[SL_PORT_AUDIT].region[0] != NULL;
    if (self->has_audit)
        audit_init(&self->audit, environment);
}

const struct sl_component nic_drv_component = {
    .name = "nic_drv",
    .self_size = sizeof(struct nic_drv),
    .init = nic_drv_init,
    .wake = nic_drv_wake,
};
