/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One-way mode: requests come over a ring whose producer never waits and is never told anything,
 * so this side looks on its own clock, and what it loses it counts itself. Of what a device says
 * nothing leaves this side: replies pace the requests to it (`pipeline`) and are thrown away.
 *
 * Every message that policy_emit allowed ends in exactly one of these counts, all in the audit:
 * delivered (counters), lost in the ring (one-way-lost), no room for one more to its device
 * (capacity), failed before it was sent (request-failed).
 */
#include <string.h>

#include "components/int_frontend/int_frontend.h"
#include "sluice/host.h"

#define POLL_DEFAULT    UINT64_C(250000)    /* ns between looks while there is traffic */
#define POLL_IDLE       8u                  /* times as long at most, while there is none */
#define REPORT_INTERVAL UINT64_C(200000000) /* ns between reports of one kind */

void one_way_init(struct int_frontend *frontend, const struct sl_environment *environment,
                  const struct sl_frontend_config *config)
{
    struct one_way *one_way = &frontend->one_way;
    const struct sl_port *in = &environment->port[SL_PORT_IN];
    if (config->one_way_slot < sizeof(struct sl_record) ||
        config->one_way_slot > sizeof frontend->links.in.taken)
        sl_fault(environment->host, "the one-way ring's slots hold no record", config->one_way_slot,
                 sizeof frontend->links.in.taken);
    one_way->on = true;
    one_way->busy_poll = config->one_way_poll ? config->one_way_poll : POLL_DEFAULT;
    one_way->poll = one_way->busy_poll * POLL_IDLE;
    oneway_consumer_init(&one_way->ring, in->region[0], in->size[0], config->one_way_slot);
    /* After a restart of this side what lies in the ring may have been sent already: a command
     * that came before is not sent twice. How much of it was not, nobody knows. */
    if (environment->restarts)
        oneway_skip(&one_way->ring, UINT64_MAX);
    one_way->free_count = frontend->slot_limit;
    for (uint16_t i = 0; i < frontend->slot_limit; i++)
        one_way->free_slot[i] = (uint16_t)(frontend->slot_limit - 1 - i);
    const uint16_t services = frontend->service_count ? frontend->service_count : 1;
    one_way->share = (uint16_t)(frontend->slot_limit / services);
    if (one_way->share == 0)
        one_way->share = 1;
    one_way->quota = config->quota;
}

static bool take_message(struct int_frontend *frontend, struct sl_record *record,
                         const uint8_t *payload)
{
    struct one_way *one_way = &frontend->one_way;
    if (record->service >= frontend->service_count || record->length == 0 ||
        record->length > service_longest(frontend, record->service))
        return false;
    struct device *device = &frontend->device[record->session];
    /* The end of the session's last use may have been overwritten. */
    if (device->state != DEVICE_NONE &&
        (device->generation != record->generation || device->service != record->service))
        device_end(device);
    if (device->state == DEVICE_NONE)
        device_begin(device, record);
    struct service *service = &frontend->service[record->service];
    if (service->held >= one_way->share || device->held >= one_way->quota) {
        one_way->full++;
        return true;
    }
    struct device *carrier = service_carrier(device);
    record->slot = one_way->free_slot[one_way->free_count - 1];
    if (!request_add(carrier, record, payload)) {
        one_way->full++;
        return true;
    }
    one_way->free_count--;
    service->held++;
    device->held++;
    device_touch(carrier);
    return true;
}

/* What they asked is still delivered. */
static void end_all(struct int_frontend *frontend)
{
    for (unsigned i = 0; i < frontend->session_limit; i++) {
        struct device *device = &frontend->device[i];
        if (device->state == DEVICE_NONE)
            continue;
        device->ending = true;
        device_touch(device);
    }
}

static bool handle(struct int_frontend *frontend, struct sl_record *record, const uint8_t *payload)
{
    if (record->type == SL_RECORD_SESSION_END && record->session == SL_EVERY_SESSION) {
        end_all(frontend);
        return true;
    }
    if (record->session >= frontend->session_limit)
        return false;
    if (record->type == SL_RECORD_MESSAGE)
        return take_message(frontend, record, payload);
    if (record->type != SL_RECORD_SESSION_END || record->length != 0)
        return false;
    struct device *device = &frontend->device[record->session];
    if (device->state == DEVICE_NONE || device->generation != record->generation)
        return true;
    /* The client was not told to wait for anything, so its leaving takes nothing back. */
    device->ending = true;
    device_touch(device);
    return true;
}

void one_way_drain(struct int_frontend *frontend)
{
    struct one_way *one_way = &frontend->one_way;
    uint8_t *const taken = frontend->links.in.taken; /* whose ring there is not */
    const uint32_t room = one_way->ring.slot_words * (uint32_t)sizeof(uint64_t);
    for (uint32_t i = 0; i < one_way->ring.slot_count && one_way->free_count > 0; i++) {
        struct sl_record record;
        const enum ring_result result = oneway_take(&one_way->ring, taken);
        if (result == RING_FAULT)
            sl_fault(frontend->links.host, "one-way ring: the producer's index is impossible",
                     one_way->ring.tail, one_way->ring.next);
        if (result != RING_OK)
            return;
        one_way->any = true;
        memcpy(&record, taken, sizeof record);
        if (record.length <= room - sizeof record &&
            handle(frontend, &record, taken + sizeof record))
            continue;
        frontend->invalid_records++;
        links_audit(&frontend->links, &record, SL_AUDIT_DROPPED, SL_REASON_RECORD_INVALID, 1,
                    frontend->stack.now);
    }
}

void one_way_done(struct device *device, const struct request *request, enum sl_record_type type,
                  enum sl_reason reason)
{
    struct int_frontend *frontend = device->frontend;
    struct one_way *one_way = &frontend->one_way;
    struct device *client = &frontend->device[request->record.session];
    frontend->service[device->service].held--;
    /* At a shared connection a request may outlive its client's session. */
    if (client->state != DEVICE_NONE && client->generation == request->record.generation) {
        client->held--;
        if (client->ending)
            device_touch(client);
    }
    one_way->free_slot[one_way->free_count++] = request->record.slot;
    if (request->state == REQUEST_SENT)
        one_way->delivered++;
    else if (type == SL_RECORD_FAILED)
        links_audit(&frontend->links, &request->record, SL_AUDIT_FAILED, reason, 0,
                    frontend->stack.now);
}

static void report(struct int_frontend *frontend, enum sl_audit_event event, enum sl_reason reason,
                   uint64_t value)
{
    const struct sl_record nobody = {.slot = SL_NO_SLOT, .time = frontend->stack.now};
    links_audit(&frontend->links, &nobody, event, reason, value, frontend->stack.now);
}

/* The counts of DROPPED are what was added, the count of COUNTERS is a total. */
static void report_all(struct int_frontend *frontend)
{
    struct one_way *one_way = &frontend->one_way;
    if (one_way->ring.lost != one_way->reported_lost)
        report(frontend, SL_AUDIT_DROPPED, SL_REASON_ONE_WAY_LOST,
               one_way->ring.lost - one_way->reported_lost);
    if (one_way->full != one_way->reported_full)
        report(frontend, SL_AUDIT_DROPPED, SL_REASON_CAPACITY,
               one_way->full - one_way->reported_full);
    if (one_way->delivered != one_way->reported_delivered)
        report(frontend, SL_AUDIT_COUNTERS, SL_REASON_NONE, one_way->delivered);
    one_way->reported_lost = one_way->ring.lost;
    one_way->reported_full = one_way->full;
    one_way->reported_delivered = one_way->delivered;
}

uint64_t one_way_next(struct int_frontend *frontend)
{
    struct one_way *one_way = &frontend->one_way;
    const uint64_t now = frontend->stack.now;
    if (now >= one_way->next_report) {
        report_all(frontend);
        one_way->next_report = now + REPORT_INTERVAL;
    }
    one_way->poll = one_way->any ? one_way->busy_poll : one_way->poll * 2;
    if (one_way->poll > one_way->busy_poll * POLL_IDLE)
        one_way->poll = one_way->busy_poll * POLL_IDLE;
    one_way->any = false;
    return now + one_way->poll;
}
