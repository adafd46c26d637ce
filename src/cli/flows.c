/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/flows.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/line.h"
#include "policy/image.h"

/* A reset counts when it is for the byte awaited next or one within a window's reach; others
 * are what stray and forged ones look like (RFC 9293 section 3.5.3). */
#define RESET_WINDOW 65535u

/* --- messages ------------------------------------------------------------------------------ */

/* The reply's verdict is whether it answers a request that was let through. */
static void judge_reply(struct flow *flow, struct stream_message *message)
{
    if (message->verdict == SL_VERDICT_MALFORMED && message->canonical)
        outstanding_drop(&flow->outstanding,
                         flow->protocol->frame_key(message->bytes, message->length));
    if (message->verdict != SL_VERDICT_ACCEPT)
        return;
    const struct sl_protocol *const protocol = flow->protocol;
    struct sl_traits traits = {.key = protocol->key(message->canonical, message->canonical_length)};
    if (protocol->traits)
        traits = protocol->traits(SL_REPLY, message->canonical, message->canonical_length);
    struct sl_decision decision = {.allowed = true};
    if (protocol->decide_reply)
        decision = protocol->decide_reply(flow->service, NULL, 0, message->canonical,
                                          message->canonical_length);
    if (decision.reason == SL_REASON_LINK_FRAME)
        return; /* each side's own */
    message->reason = decision.reason;
    if (!traits.unsolicited)
        message->reason = outstanding_match(&flow->outstanding, protocol, flow->service, traits.key,
                                            message->canonical, message->canonical_length);
    message->verdict = message->reason == SL_REASON_NONE ? SL_VERDICT_ALLOW : SL_VERDICT_DENY;
    if (message->verdict == SL_VERDICT_ALLOW && traits.asks_confirm)
        outstanding_deliver(&flow->outstanding, traits.parties,
                            protocol->key(message->canonical, message->canonical_length));
}

static bool learns(const struct flow *flow)
{
    return flow->replay->state && flow->service->flags & POLICY_SERVICE_LEARNS &&
           flow->protocol->note_sent;
}

static void on_settled(void *context, const void *request, size_t length, uint32_t order,
                       const void *reply, size_t reply_length)
{
    const struct flow *const flow = context;
    if (learns(flow))
        flow->protocol->note_outcome(flow->service, flow->replay->state, request, length, order,
                                     reply, reply_length);
}

/* A confirmation needs no rule, but the reply that it confirms. */
static void judge_confirmation(struct flow *flow, struct stream_message *message)
{
    const struct sl_protocol *const protocol = flow->protocol;
    if (!protocol->traits || message->verdict != SL_VERDICT_ALLOW)
        return;
    const struct sl_traits traits =
        protocol->traits(SL_REQUEST, message->canonical, message->canonical_length);
    if (!traits.confirms || outstanding_confirm(&flow->outstanding, traits.parties, traits.key))
        return;
    message->verdict = SL_VERDICT_DENY;
    message->reason = SL_REASON_CONFIRM_UNMATCHED;
}

static void note_request(struct flow *flow, const struct stream_message *message)
{
    const struct sl_protocol *protocol = flow->protocol;
    if (message->verdict != SL_VERDICT_ALLOW)
        return;
    uint32_t order = 0;
    if (learns(flow)) {
        protocol->note_sent(flow->service, flow->replay->state, message->canonical,
                            message->canonical_length);
        order = flow->replay->state->order;
    }
    if (!protocol->expects_reply(flow->service, message->canonical, message->canonical_length))
        return;
    uint16_t key = protocol->key(message->canonical, message->canonical_length);
    if (!outstanding_add(&flow->outstanding, key, message->canonical, message->canonical_length,
                         order))
        flow->replay->no_memory = true;
}

static void judge_message(void *context, const struct stream_message *taken)
{
    struct flow_side *side = context;
    struct flow *flow = side->flow;
    struct stream_message message = *taken;
    bool request = side->direction == SL_REQUEST;
    if (flow->service && request)
        judge_confirmation(flow, &message);
    if (flow->service && request)
        note_request(flow, &message);
    if (flow->service && !request)
        judge_reply(flow, &message);
    const struct replay *replay = flow->replay;
    flow->replay->messages[message.verdict]++;
    if (replay->seen)
        replay->seen(replay->seen_context, flow, side->direction, &message, &side->time);
    if (!replay->out)
        return;
    const struct line_origin origin = {.source = replay->source,
                                       .time = &side->time,
                                       .from = request ? &flow->client : &flow->server,
                                       .to = request ? &flow->server : &flow->client};
    line_print(replay->out, &origin, flow->protocol, side->stream.direction, flow->service,
               &message);
}

/* --- what the TCP streams tell ------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void say(const struct flow_side *side,
                                                      const char *what, ...)
{
    const struct flow *flow = side->flow;
    bool request = side->direction == SL_REQUEST;
    char from[ENDPOINT_TEXT], to[ENDPOINT_TEXT];
    endpoint_text(request ? &flow->client : &flow->server, from);
    endpoint_text(request ? &flow->server : &flow->client, to);
    FILE *notes = flow->replay->notes;
    fprintf(notes, "sluice %s: %s: %s > %s: ", flow->replay->verb, flow->replay->source, from, to);
    va_list arguments;
    va_start(arguments, what);
    vfprintf(notes, what, arguments);
    va_end(arguments);
    putc('\n', notes);
}

static void on_data(void *context, const uint8_t *bytes, size_t length)
{
    struct flow_side *side = context;
    uint64_t before = side->stream.offset + side->stream.held;
    stream_push(&side->stream, bytes, length);
    if (side->stream.ended) {
        uint64_t taken = side->stream.offset + side->stream.held - before;
        side->flow->replay->after_lost += length - taken;
    }
}

static void on_conflict(void *context, uint64_t offset)
{
    struct flow_side *side = context;
    side->flow->replay->conflicts++;
    if (!side->conflict_said)
        say(side, "segments that overlap carry different bytes, from offset %llu; the first count",
            (unsigned long long)offset);
    side->conflict_said = true;
}

static void on_end(void *context, uint64_t offset, uint64_t missing)
{
    struct flow_side *side = context;
    stream_end(&side->stream);
    if (!missing)
        return;
    side->flow->replay->gaps++;
    say(side,
        "%llu bytes at offset %llu are not in the capture; what follows them in this direction "
        "is not decoded",
        (unsigned long long)missing, (unsigned long long)offset);
}

static const struct tcp_stream_events events = {
    .data = on_data, .conflict = on_conflict, .end = on_end};

/* --- which service ------------------------------------------------------------------------- */

static bool listens(const struct policy_service *service, uint16_t port, bool datagram)
{
    return service->listen_port == port &&
           datagram == ((service->flags & POLICY_SERVICE_DATAGRAMS) != 0);
}

static bool device_at(const struct policy_service *service, uint16_t port, bool datagram)
{
    return service->device_port == port &&
           datagram == ((service->flags & POLICY_SERVICE_DEVICE_DATAGRAMS) != 0);
}

static const struct policy_service *service_at(const void *image, const struct endpoint *server,
                                               bool datagram)
{
    uint32_t address = endpoint_ipv4(server);
    const struct policy_service *service;
    for (unsigned i = 0; (service = policy_service(image, i)) != NULL; i++)
        if ((listens(service, server->port, datagram) && service->listen_address == address) ||
            (device_at(service, server->port, datagram) && service->device_address == address))
            return service;
    return NULL;
}

static const struct policy_service *service_on(const void *image, const struct endpoint *server,
                                               bool datagram)
{
    const struct policy_service *service;
    for (unsigned i = 0; (service = policy_service(image, i)) != NULL; i++)
        if (listens(service, server->port, datagram) || device_at(service, server->port, datagram))
            return service;
    return NULL;
}

static bool spoken_here(const struct flow *flow, const struct sl_protocol *protocol)
{
    return !flow->datagram || (protocol->datagrams && !flow->replay->connections_only);
}

/* Tries `server` by address and port (`exact`), or by port alone. */
static bool try_server(struct flow *flow, const struct endpoint *server,
                       const struct endpoint *client, bool exact)
{
    const struct replay *replay = flow->replay;
    flow->server = *server;
    flow->client = *client;
    if (!replay->image) {
        if (!exact && server->port == replay->port && spoken_here(flow, replay->protocol))
            flow->protocol = replay->protocol;
        return flow->protocol != NULL;
    }
    flow->service = exact ? service_at(replay->image, server, flow->datagram)
                          : service_on(replay->image, server, flow->datagram);
    if (flow->service && spoken_here(flow, sl_protocol(flow->service->protocol)))
        flow->protocol = sl_protocol(flow->service->protocol);
    return flow->protocol != NULL;
}

/* Whom the first segment shows to be the server is tried first: the one that a SYN goes to, or
 * that answers one; in the middle of a connection the receiver. */
static void choose_service(struct flow *flow, const struct tcp_segment *first)
{
    bool answer = first->syn && first->acknowledges;
    const struct endpoint *server = answer ? &first->from : &first->to;
    const struct endpoint *client = answer ? &first->to : &first->from;
    for (int exact = 1; exact >= 0; exact--)
        if (try_server(flow, server, client, exact) || try_server(flow, client, server, exact))
            return;
}

/* --- the table ----------------------------------------------------------------------------- */

static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
    return a->family == b->family && a->port == b->port &&
           memcmp(a->address, b->address, sizeof a->address) == 0;
}

static uint32_t hash_endpoint(const struct endpoint *endpoint)
{
    uint32_t hash = UINT32_C(2166136261); /* FNV-1a */
    for (size_t i = 0; i < sizeof endpoint->address; i++)
        hash = (hash ^ endpoint->address[i]) * UINT32_C(16777619);
    return (hash ^ endpoint->port) * UINT32_C(16777619);
}

/* The same for both directions. */
static struct flow **bucket_of(struct flows *flows, const struct tcp_segment *segment)
{
    return &flows->bucket[(hash_endpoint(&segment->from) + hash_endpoint(&segment->to)) %
                          FLOW_BUCKETS];
}

static bool from_client(const struct flow *flow, const struct tcp_segment *segment)
{
    return segment->datagram == flow->datagram && same_endpoint(&segment->from, &flow->client) &&
           same_endpoint(&segment->to, &flow->server);
}

static bool from_server(const struct flow *flow, const struct tcp_segment *segment)
{
    return segment->datagram == flow->datagram && same_endpoint(&segment->from, &flow->server) &&
           same_endpoint(&segment->to, &flow->client);
}

static bool open_side(struct flow *flow, enum sl_direction direction)
{
    struct flow_side *side = &flow->side[direction];
    side->flow = flow;
    side->direction = direction;
    tcp_stream_init(&side->tcp, &events, side);
    side->stream = (struct stream){.protocol = flow->protocol,
                                   .direction = direction,
                                   .by_content = !flow->replay->image && flow->protocol->runs,
                                   .service = flow->service,
                                   .client = endpoint_ipv4(&flow->client),
                                   .session = (uint32_t)flow->replay->flows,
                                   .state = flow->replay->state,
                                   .sink = judge_message,
                                   .context = side};
    return stream_open(&side->stream);
}

static void close_flow(struct flow *flow)
{
    if (!flow->protocol)
        return;
    for (int direction = SL_REQUEST; direction <= SL_REPLY; direction++) {
        struct flow_side *side = &flow->side[direction];
        tcp_stream_close(&side->tcp);
        stream_free(&side->stream);
    }
    outstanding_free(&flow->outstanding);
    flow->protocol = NULL;
}

static struct flow *new_flow(struct flows *flows, const struct tcp_segment *segment)
{
    struct replay *replay = flows->replay;
    struct flow *flow = calloc(1, sizeof *flow);
    if (!flow) {
        replay->no_memory = true;
        return NULL;
    }
    flow->replay = replay;
    flow->outstanding.settled = on_settled;
    flow->outstanding.context = flow;
    flow->datagram = segment->datagram;
    choose_service(flow, segment);
    if (!flow->protocol && flow->datagram) { /* not worth remembering: captures are full of them */
        replay->datagrams++;
        free(flow);
        return NULL;
    }
    if (!flow->protocol) {
        replay->skipped++;
    } else {
        replay->flows++;
        bool request_open = open_side(flow, SL_REQUEST);
        if (!open_side(flow, SL_REPLY) || !request_open) {
            replay->no_memory = true;
            close_flow(flow);
        }
    }
    struct flow **bucket = bucket_of(flows, segment);
    flow->next_in_bucket = *bucket;
    *bucket = flow;
    *flows->last = flow;
    flows->last = &flow->next;
    return flow;
}

/* True for a SYN that does not repeat the one that `side` started with. */
static bool starts_anew(const struct flow_side *side, const struct tcp_segment *segment)
{
    return segment->syn && side->tcp.started &&
           (!side->tcp.synchronised || side->tcp.initial != segment->sequence);
}

void flows_init(struct flows *flows, struct replay *replay)
{
    memset(flows, 0, sizeof *flows);
    flows->replay = replay;
    flows->last = &flows->first;
}

static void take_reset(struct flow *flow, struct flow_side *side, const struct tcp_segment *segment)
{
    if (side->tcp.started && segment->sequence - side->tcp.next > RESET_WINDOW)
        return;
    for (int direction = SL_REQUEST; direction <= SL_REPLY; direction++)
        tcp_stream_close(&flow->side[direction].tcp);
}

void flows_segment(void *context, const struct tcp_segment *segment)
{
    struct flows *flows = context;
    struct flow *flow = *bucket_of(flows, segment);
    while (flow && !from_client(flow, segment) && !from_server(flow, segment))
        flow = flow->next_in_bucket;
    enum sl_direction direction = flow && from_server(flow, segment) ? SL_REPLY : SL_REQUEST;
    if (flow && flow->protocol && starts_anew(&flow->side[direction], segment)) {
        close_flow(flow);
        flow = NULL; /* the new one is found first from now on */
    }
    if (!flow) {
        flow = new_flow(flows, segment);
        if (!flow)
            return;
        direction = from_server(flow, segment) ? SL_REPLY : SL_REQUEST;
    }
    if (!flow->protocol)
        return;
    struct flow_side *side = &flow->side[direction];
    side->time = segment->time;
    side->stream.now = (uint64_t)segment->time.tv_sec * UINT64_C(1000000000) +
                       (uint64_t)segment->time.tv_usec * 1000;
    if (segment->datagram) {
        stream_datagram(&side->stream, segment->payload, segment->length, segment->missing);
        return;
    }
    tcp_stream_segment(&side->tcp, segment);
    if (segment->reset)
        take_reset(flow, side, segment);
}

void flows_free(struct flows *flows)
{
    while (flows->first) {
        struct flow *flow = flows->first;
        flows->first = flow->next;
        close_flow(flow);
        free(flow);
    }
}
