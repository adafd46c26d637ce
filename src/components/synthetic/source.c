/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext_nic_drv of the synthetic assembly: a client's byte stream made out of a seed, in segments
 * that cut requests anywhere, at a steady pace.
 */
#include <string.h>

#include "components/audit.h"
#include "components/record_io.h"
#include "components/synthetic/requests.h"
#include "sluice/config.h"
#include "sluice/host.h"

#define SEGMENT_MOST    96u /* bytes, longer than the longest request */
#define BATCH           64u /* requests in one wake: a host held up does not make up at once */
#define REPORT_INTERVAL UINT64_C(1000000000)
#define SECOND          UINT64_C(1000000000)

struct source {
    struct sl_host *host;
    const struct sl_synthetic_config *config;
    uint8_t channel;
    struct message_ring_producer out;
    struct oneway_producer audit;
    struct requests requests;
    struct requests cuts; /* where segments end: not to be what decides the requests */
    uint32_t made;        /* requests begun */
    uint32_t sent;        /* requests whose last byte has gone */
    uint32_t reported;
    uint64_t began, next_report;
    size_t held, gone; /* bytes of `request`, and how many of them are in segments already */
    uint8_t request[REQUEST_MAX];
};

static void init(void *self, const struct sl_environment *environment)
{
    struct source *source = self;
    const struct sl_port *out = &environment->port[SL_PORT_OUT];
    source->host = environment->host;
    source->config = environment->config;
    source->channel = out->channel;
    message_ring_producer_init(&source->out, out->region[0], out->region[1], out->size[0]);
    audit_init(&source->audit, environment);
    requests_start(&source->requests, source->config->seed);
    requests_start(&source->cuts, ~source->config->seed);
    sl_deadline(source->host, 0);
}

static void report(struct source *source, uint64_t now)
{
    audit_put(&source->audit, &(struct sl_audit){.time = now,
                                                 .event = SL_AUDIT_COUNTERS,
                                                 .rule = SL_NO_RULE,
                                                 .component = (uint8_t)source->config->component,
                                                 .value = source->sent});
    source->reported = source->sent;
    source->next_report = now + REPORT_INTERVAL;
}

/* Requests that the pace allows by now. */
static uint32_t due(const struct source *source, uint64_t now)
{
    uint64_t elapsed = now - source->began;
    uint64_t count = elapsed / SECOND * source->config->pace +
                     elapsed % SECOND * source->config->pace / SECOND + 1;
    return count < source->config->messages ? (uint32_t)count : source->config->messages;
}

/* One segment: the rest of a request, and those after it, up to a length that the seed gives.
 * False when there is nothing to send now, or no room. */
static bool send_segment(struct source *source, uint32_t limit, uint64_t now)
{
    uint8_t segment[SEGMENT_MOST];
    struct requests requests = source->requests, cuts = source->cuts;
    uint32_t made = source->made, sent = source->sent;
    size_t held = source->held, gone = source->gone, length = 0;
    size_t wanted = requests_random(&cuts, SEGMENT_MOST) + 1;
    uint8_t request[REQUEST_MAX];
    memcpy(request, source->request, sizeof request);
    while (length < wanted) {
        if (gone == held) {
            if (made == limit)
                break;
            held = requests_next(&requests, request);
            gone = 0;
            made++;
        }
        segment[length++] = request[gone++];
        sent += gone == held;
    }
    if (length == 0)
        return false;
    struct sl_record record = {.type = SL_RECORD_MESSAGE,
                               .slot = SL_NO_SLOT,
                               .client = source->config->client,
                               .length = (uint16_t)length,
                               .time = now};
    enum ring_result result =
        message_ring_put(&source->out, &record, sizeof record, segment, (uint32_t)length);
    if (result == RING_FAULT)
        sl_fault(source->host, "ext_frontend's ring index is impossible", 0, 0);
    if (result != RING_OK)
        return false; /* the same segment later: nothing of it counts yet */
    source->requests = requests;
    source->cuts = cuts;
    source->made = made;
    source->sent = sent;
    source->held = held;
    source->gone = gone;
    memcpy(source->request, request, sizeof request);
    return true;
}

static void wake(void *self, uint64_t badges)
{
    struct source *source = self;
    (void)badges;
    uint64_t now = sl_now(source->host);
    if (source->began == 0)
        source->began = now;
    uint32_t limit = due(source, now);
    if (limit > source->made + BATCH)
        limit = source->made + BATCH;
    while (send_segment(source, limit, now))
        ;
    if (message_ring_should_notify(&source->out))
        sl_notify(source->host, source->channel);
    bool finished = source->sent == source->config->messages;
    if (source->sent != source->reported && (finished || now >= source->next_report))
        report(source, now);
    sl_deadline(source->host, finished ? SL_NEVER : now + SECOND / source->config->pace);
}

const struct sl_component source_component = {
    .name = "source",
    .self_size = sizeof(struct source),
    .init = init,
    .wake = wake,
};
