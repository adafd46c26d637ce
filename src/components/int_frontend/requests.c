/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests by slot. Each is in two lists: its device's, in order of arrival, and its service's,
 * whose time-out is one for all, so that order of arrival is order of deadlines.
 */
#include <string.h>

#include "components/int_frontend/int_frontend.h"
#include "sluice/host.h"

static struct request *request_at(struct int_frontend *frontend, uint16_t slot)
{
    return &frontend->request[slot];
}

static void append_to_device(struct device *device, uint16_t slot)
{
    struct request *request = request_at(device->frontend, slot);
    request->next = NO_REQUEST;
    request->previous = device->last;
    if (device->last == NO_REQUEST)
        device->first = slot;
    else
        request_at(device->frontend, device->last)->next = slot;
    device->last = slot;
    if (device->first_queued == NO_REQUEST)
        device->first_queued = slot;
}

static void remove_from_device(struct device *device, uint16_t slot)
{
    struct request *request = request_at(device->frontend, slot);
    if (device->first_queued == slot)
        device->first_queued = request->next;
    if (request->previous == NO_REQUEST)
        device->first = request->next;
    else
        request_at(device->frontend, request->previous)->next = request->next;
    if (request->next == NO_REQUEST)
        device->last = request->previous;
    else
        request_at(device->frontend, request->next)->previous = request->previous;
}

static void append_to_service(struct int_frontend *frontend, struct service *service, uint16_t slot)
{
    struct request *request = request_at(frontend, slot);
    request->later = NO_REQUEST;
    request->earlier = service->last;
    if (service->last == NO_REQUEST)
        service->first = slot;
    else
        request_at(frontend, service->last)->later = slot;
    service->last = slot;
}

static void remove_from_service(struct int_frontend *frontend, struct service *service,
                                uint16_t slot)
{
    struct request *request = request_at(frontend, slot);
    if (request->earlier == NO_REQUEST)
        service->first = request->later;
    else
        request_at(frontend, request->earlier)->later = request->later;
    if (request->later == NO_REQUEST)
        service->last = request->earlier;
    else
        request_at(frontend, request->later)->earlier = request->earlier;
}

void request_add(struct device *device, const struct sl_record *record, const uint8_t *payload)
{
    struct int_frontend *frontend = device->frontend;
    struct request *request = request_at(frontend, record->slot);
    struct service *service = &frontend->service[record->service];
    const uint64_t now = frontend->stack.now;
    request->record = *record;
    /* A time yet to come would be a deadline beyond the time-out. */
    request->deadline = (record->time < now ? record->time : now) + service->timeout;
    request->state = REQUEST_QUEUED;
    memcpy(request->bytes, payload, record->length);
    append_to_device(device, record->slot);
    append_to_service(frontend, service, record->slot);
}

void request_done(struct device *device, uint16_t slot, enum sl_record_type type,
                  enum sl_reason reason, const uint8_t *bytes, uint16_t length)
{
    struct int_frontend *frontend = device->frontend;
    struct request *request = request_at(frontend, slot);
    remove_from_device(device, slot);
    remove_from_service(frontend, &frontend->service[device->service], slot);
    if (request->state == REQUEST_SENT) {
        device->under_way--;
        if (device->first_queued != NO_REQUEST)
            device_touch(device); /* the next one's turn */
    }
    request->state = REQUEST_NONE;
    struct sl_record outcome = request->record;
    outcome.type = (uint8_t)type;
    outcome.reason = (uint16_t)reason;
    outcome.length = length;
    (void)links_put(&frontend->links, &outcome, bytes, frontend->stack.now);
}

void request_fail_all(struct device *device, enum sl_reason reason)
{
    while (device->first != NO_REQUEST)
        request_done(device, device->first, SL_RECORD_FAILED, reason, NULL, 0);
}

uint16_t request_by_key(const struct device *device, uint16_t key)
{
    const struct request *requests = device->frontend->request;
    uint16_t slot = device->first;
    while (slot != device->first_queued && requests[slot].record.key != key)
        slot = requests[slot].next;
    return slot == device->first_queued ? NO_REQUEST : slot;
}

void requests_expire(struct int_frontend *frontend)
{
    for (unsigned i = 0; i < frontend->service_count; i++) {
        const struct service *service = &frontend->service[i];
        while (service->first != NO_REQUEST &&
               request_at(frontend, service->first)->deadline <= frontend->stack.now) {
            const uint16_t slot = service->first;
            const uint16_t session = request_at(frontend, slot)->record.session;
            device_expired(&frontend->device[session], slot);
        }
    }
}

uint64_t requests_next_deadline(const struct int_frontend *frontend)
{
    uint64_t next = SL_NEVER;
    for (unsigned i = 0; i < frontend->service_count; i++) {
        const uint16_t slot = frontend->service[i].first;
        if (slot != NO_REQUEST && frontend->request[slot].deadline < next)
            next = frontend->request[slot].deadline;
    }
    return next;
}
