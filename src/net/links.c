/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/links.h"

#include "sluice/host.h"

bool links_config_whole(const struct sl_environment *environment)
{
    const struct sl_frontend_config *config = environment->config;
    return environment->config_size >= sl_frontend_config_size(0) &&
           config->service_count <= SL_MAX_SERVICES && config->station_count <= SL_MAX_STATIONS &&
           environment->config_size >= sl_frontend_config_size(config->station_count);
}

void links_init(struct links *links, const struct sl_environment *environment,
                const struct sl_frontend_config *config)
{
    const struct sl_port *in = &environment->port[SL_PORT_IN];
    const struct sl_port *out = &environment->port[SL_PORT_OUT];
    links->host = environment->host;
    links->component = config->component;
    links->direction = config->side == SL_SIDE_EXT ? SL_REQUEST : SL_REPLY;
    links->out_channel = out->channel;
    links->has_in = in->region[1] != NULL; /* a one-way ring has no consumer's half */
    links->has_out = out->region[0] != NULL;
    if (links->has_in)
        message_ring_consumer_init(&links->in.ring, in->region[0], in->region[1], in->size[0]);
    if (links->has_out)
        message_ring_producer_init(&links->out, out->region[0], out->region[1], out->size[0]);
    audit_init(&links->audit, environment);
}

bool links_drain(struct links *links,
                 void (*handle)(void *self, const struct sl_record *record, const uint8_t *payload),
                 void *self)
{
    bool fault = false;
    if (!links->has_in)
        return true;
    const bool done = record_drain(&links->in, handle, self, &fault);
    if (fault)
        sl_fault(links->host, "message ring in: the producer's index or length is impossible",
                 links->in.ring.head, links->in.ring.capacity);
    return done;
}

bool links_offer(struct links *links, const struct sl_record *record, const void *payload)
{
    const enum ring_result result =
        message_ring_put(&links->out, record, sizeof *record, payload, record->length);
    if (result == RING_OK)
        return true;
    if (result != RING_FULL)
        sl_fault(links->host, "message ring out: the consumer's index is impossible",
                 links->out.tail, links->out.capacity);
    return false;
}

bool links_put(struct links *links, const struct sl_record *record, const void *payload,
               uint64_t now)
{
    if (links_offer(links, record, payload))
        return true;
    links_audit(links, record, SL_AUDIT_DROPPED, SL_REASON_RING_FULL, 1, now);
    return false;
}

void links_notify(struct links *links)
{
    if (links->has_out && message_ring_should_notify(&links->out))
        sl_notify(links->host, links->out_channel);
}

void links_audit(struct links *links, const struct sl_record *record, enum sl_audit_event event,
                 enum sl_reason reason, uint64_t value, uint64_t now)
{
    struct sl_audit audit = audit_about(record, event, links->component, now);
    audit.direction = links->direction;
    audit.reason = (uint16_t)reason;
    audit.value = value;
    audit_put(&links->audit, &audit);
}
