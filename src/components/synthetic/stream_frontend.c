/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext_frontend of the synthetic assembly: one client's stream, without TCP below it, framed into
 * messages by the protocol's own framing.
 */
#include <string.h>

#include "components/audit.h"
#include "components/record_io.h"
#include "sluice/config.h"
#include "sluice/host.h"
#include "sluice/protocol.h"

struct stream_frontend {
    struct sl_host *host;
    const struct sl_synthetic_config *config;
    const struct sl_protocol *protocol;
    uint8_t channel;
    struct record_inbox in;
    struct message_ring_producer out;
    struct oneway_producer audit;
    bool lost; /* framing: nothing more is read */
    size_t held;
    uint8_t stream[2 * SL_MAX_PAYLOAD];
};

static void init(void *self, const struct sl_environment *environment)
{
    struct stream_frontend *frontend = self;
    const struct sl_port *in = &environment->port[SL_PORT_IN];
    const struct sl_port *out = &environment->port[SL_PORT_OUT];
    frontend->host = environment->host;
    frontend->config = environment->config;
    frontend->protocol = sl_protocol(frontend->config->protocol);
    if (!frontend->protocol)
        sl_fault(frontend->host, "a protocol that is none", frontend->config->protocol, 0);
    frontend->channel = out->channel;
    message_ring_consumer_init(&frontend->in.ring, in->region[0], in->region[1], in->size[0]);
    message_ring_producer_init(&frontend->out, out->region[0], out->region[1], out->size[0]);
    audit_init(&frontend->audit, environment);
}

static void dropped(struct stream_frontend *frontend, const struct sl_record *record,
                    enum sl_reason reason)
{
    struct sl_audit audit =
        audit_about(record, SL_AUDIT_DROPPED, frontend->config->component, sl_now(frontend->host));
    audit.reason = (uint16_t)reason;
    audit.value = 1;
    audit_put(&frontend->audit, &audit);
}

static void pass_on(struct stream_frontend *frontend, const struct sl_record *segment,
                    const uint8_t *bytes, size_t length)
{
    struct sl_record record = *segment;
    record.length = (uint16_t)length;
    record.time = sl_now(frontend->host);
    enum ring_result result =
        message_ring_put(&frontend->out, &record, sizeof record, bytes, record.length);
    if (result == RING_FAULT)
        sl_fault(frontend->host, "parser_norm's ring index is impossible", 0, 0);
    if (result == RING_FULL)
        dropped(frontend, &record, SL_REASON_RING_FULL);
}

static void handle(void *self, const struct sl_record *record, const uint8_t *payload)
{
    struct stream_frontend *frontend = self;
    if (record->type != SL_RECORD_MESSAGE || frontend->lost ||
        record->length > sizeof frontend->stream - frontend->held) {
        dropped(frontend, record, SL_REASON_RECORD_INVALID);
        return;
    }
    memcpy(frontend->stream + frontend->held, payload, record->length);
    frontend->held += record->length;
    size_t start = 0;
    while (start < frontend->held) {
        struct sl_frame frame =
            frontend->protocol->frame(SL_REQUEST, frontend->stream + start, frontend->held - start);
        if (frame.status == SL_FRAME_LOST) {
            frontend->lost = true;
            dropped(frontend, record, frame.reason);
            return;
        }
        if (frame.status != SL_FRAME_COMPLETE)
            break;
        pass_on(frontend, record, frontend->stream + start, frame.length);
        start += frame.length;
    }
    frontend->held -= start;
    memmove(frontend->stream, frontend->stream + start, frontend->held);
}

static void wake(void *self, uint64_t badges)
{
    struct stream_frontend *frontend = self;
    bool fault = false;
    (void)badges;
    bool done = record_drain(&frontend->in, handle, frontend, &fault);
    if (fault)
        sl_fault(frontend->host, "ext_nic_drv's ring index or record length is impossible", 0, 0);
    if (message_ring_should_notify(&frontend->out))
        sl_notify(frontend->host, frontend->channel);
    sl_deadline(frontend->host, done ? SL_NEVER : 0);
}

const struct sl_component stream_frontend_component = {
    .name = "stream_frontend",
    .self_size = sizeof(struct stream_frontend),
    .init = init,
    .wake = wake,
};
