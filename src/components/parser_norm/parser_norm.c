/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parser_norm: strict decode of one message into its canonical form. One program, instantiated
 * for requests (ext_frontend > here > request policy_emit) and for replies (int_frontend >
 * here > reply policy_emit). It keeps nothing from one message to the next, so what a message
 * can do to it ends with that message.
 */
#include "components/audit.h"
#include "components/record_io.h"
#include "policy/image.h"
#include "sluice/config.h"
#include "sluice/host.h"
#include "sluice/protocol.h"

struct parser_norm {
    struct sl_host *host;
    const void *policy;
    const struct sl_stage_config *config;
    uint8_t out_channel;
    struct record_inbox in;
    struct message_ring_producer out;
    struct oneway_producer audit;
    _Alignas(8) uint8_t canonical[SL_MAX_PAYLOAD];
};

static void init(void *self, const struct sl_environment *environment)
{
    struct parser_norm *parser = self;
    const struct sl_port *in = &environment->port[SL_PORT_IN];
    const struct sl_port *out = &environment->port[SL_PORT_OUT];
    parser->host = environment->host;
    parser->policy = environment->policy;
    parser->config = environment->config;
    parser->out_channel = out->channel;
    message_ring_consumer_init(&parser->in.ring, in->region[0], in->region[1], in->size[0]);
    message_ring_producer_init(&parser->out, out->region[0], out->region[1], out->size[0]);
    audit_init(&parser->audit, environment);
}

static void dropped(struct parser_norm *parser, const struct sl_record *record,
                    enum sl_reason reason)
{
    struct sl_audit audit =
        audit_about(record, SL_AUDIT_DROPPED, parser->config->component, sl_now(parser->host));
    audit.direction = parser->config->direction;
    audit.reason = (uint16_t)reason;
    audit.value = 1;
    audit_put(&parser->audit, &audit);
}

static void pass_on(struct parser_norm *parser, const struct sl_record *record, const void *payload)
{
    enum ring_result result =
        message_ring_put(&parser->out, record, sizeof *record, payload, record->length);
    if (result == RING_FAULT)
        sl_fault(parser->host, "policy_emit's ring index is impossible", 0, 0);
    if (result == RING_FULL)
        dropped(parser, record, SL_REASON_RING_FULL);
}

static void parse(struct parser_norm *parser, const struct sl_record *record, const uint8_t *bytes)
{
    const struct policy_service *service = policy_service(parser->policy, record->service);
    const struct sl_protocol *protocol = service ? sl_protocol(service->protocol) : NULL;
    if (!protocol) {
        dropped(parser, record, SL_REASON_RECORD_INVALID);
        return;
    }
    size_t length = 0;
    enum sl_reason reason = protocol->decode((enum sl_direction)parser->config->direction, service,
                                             bytes, record->length, parser->canonical, &length);
    struct sl_record parsed = *record;
    if (reason != SL_REASON_NONE)
        parsed.type = SL_RECORD_MALFORMED;
    parsed.reason = (uint16_t)reason;
    parsed.length = (uint16_t)length;
    pass_on(parser, &parsed, parser->canonical);
}

/* Records that carry no message go through as they are; which may come depends on the way. */
static bool passes_unread(const struct parser_norm *parser, const struct sl_record *record)
{
    if (record->length != 0)
        return false;
    if (record->type == SL_RECORD_SESSION_END)
        return true;
    if (parser->config->direction == SL_REQUEST)
        return record->type == SL_RECORD_SESSION_BEGIN || record->type == SL_RECORD_ROOM;
    return record->type == SL_RECORD_FAILED || record->type == SL_RECORD_SENT ||
           record->type == SL_RECORD_DEVICE;
}

static void handle(void *self, const struct sl_record *record, const uint8_t *payload)
{
    struct parser_norm *parser = self;
    if (record->type == SL_RECORD_MESSAGE)
        parse(parser, record, payload);
    else if (passes_unread(parser, record))
        pass_on(parser, record, NULL);
    else
        dropped(parser, record, SL_REASON_RECORD_INVALID);
}

static void wake(void *self, uint64_t badges)
{
    struct parser_norm *parser = self;
    bool fault = false;
    (void)badges;
    bool done = record_drain(&parser->in, handle, parser, &fault);
    if (fault)
        sl_fault(parser->host, "frontend's ring index or record length is impossible", 0, 0);
    if (message_ring_should_notify(&parser->out))
        sl_notify(parser->host, parser->out_channel);
    sl_deadline(parser->host, done ? SL_NEVER : 0);
}

static void adopt(void *self, const void *policy, size_t size, uint8_t tag)
{
    struct parser_norm *parser = self;
    (void)size;
    (void)tag;
    if (policy)
        parser->policy = policy;
}

const struct sl_component parser_norm_component = {
    .name = "parser_norm",
    .self_size = sizeof(struct parser_norm),
    .init = init,
    .wake = wake,
    .adopt = adopt,
};
