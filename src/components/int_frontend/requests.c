/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests by slot. Each is in two lists: its device's, those sent before those that wait, both
 * in order of arrival, and its service's, whose time-out is one for all, so that order of arrival
 * is order of deadlines.
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

static void put_outcome(struct int_frontend *frontend, const struct sl_record *request,
                        enum sl_record_type type, enum sl_reason reason, const uint8_t *bytes,
                        uint16_t length)
{
    if (!frontend->links.has_out) /* one-way mode: nobody hears of it */
        return;
    struct sl_record outcome = *request;
    outcome.type = (uint8_t)type;
    outcome.reason = (uint16_t)reason;
    outcome.length = length;
    (void)links_put(&frontend->links, &outcome, bytes, frontend->stack.now);
}

bool request_add(struct device *device, const struct sl_record *record, const uint8_t *payload)
{
    struct int_frontend *frontend = device->frontend;
    struct request *request = request_at(frontend, record->slot);
    struct service *service = service_of(device);
    const uint64_t now = frontend->stack.now;
    if (service->waiting >= service->queue)
        device_send(device); /* what came in this pass may go at once */
    request->place = NO_PLACE;
    uint8_t *const bytes =
        record->length <= sizeof request->bytes ? request->bytes : link_place(frontend, request);
    if (service->waiting >= service->queue || !bytes) {
        if (bytes)
            link_place_free(frontend, request);
        put_outcome(frontend, record, SL_RECORD_FAILED, SL_REASON_CAPACITY, NULL, 0);
        return false;
    }
    request->record = *record;
    request->device = device_number(device);
    request->suspect = false;
    request->unconfirmed = false;
    request->parts = 0;
    request->unit =
        service->protocol->frame_unit ? service->protocol->frame_unit(payload, record->length) : 0;
    /* A time yet to come would be a deadline beyond the time-out. */
    request->deadline = (record->time < now ? record->time : now) + service->timeout;
    request->state = REQUEST_QUEUED;
    memcpy(bytes, payload, record->length);
    if (service->protocol->link) {
        request->parties =
            service->protocol->frame_traits(SL_REQUEST, payload, record->length).parties;
        request->unit = link_unit(request->parties);
    }
    request->expect = record->key;
    append_to_device(device, record->slot);
    append_to_service(frontend, service, record->slot);
    service->waiting++;
    device->requests++;
    if (request->device != record->session)
        frontend->device[record->session].requests++;
    return true;
}

void request_sent(struct device *device, uint16_t slot)
{
    struct int_frontend *frontend = device->frontend;
    struct request *request = request_at(frontend, slot);
    struct service *service = service_of(device);
    if (device->first_queued == slot) {
        device->first_queued = request->next;
    } else { /* to the end of those sent: before the first that waits */
        struct request *first = request_at(frontend, device->first_queued);
        remove_from_device(device, slot);
        request->next = device->first_queued;
        request->previous = first->previous;
        if (first->previous == NO_REQUEST)
            device->first = slot;
        else
            request_at(frontend, first->previous)->next = slot;
        first->previous = slot;
    }
    request->state = REQUEST_SENT;
    request->suspect = service_unit_silent(service, request->unit);
    service->waiting--;
    if (request->suspect)
        device->suspects++;
    else
        device->under_way++;
}

/* The client, if it is still the one that the request came from. */
static void forget_client(struct int_frontend *frontend, const struct request *request)
{
    struct device *client = &frontend->device[request->record.session];
    if (request->device != request->record.session && client->state != DEVICE_NONE &&
        client->generation == request->record.generation && client->requests > 0)
        client->requests--;
}

void request_done(struct device *device, uint16_t slot, enum sl_record_type type,
                  enum sl_reason reason, const uint8_t *bytes, uint16_t length)
{
    struct int_frontend *frontend = device->frontend;
    struct request *request = request_at(frontend, slot);
    remove_from_device(device, slot);
    remove_from_service(frontend, service_of(device), slot);
    device->requests--;
    link_place_free(frontend, request);
    forget_client(frontend, request);
    if (request->state == REQUEST_SENT) {
        if (request->suspect)
            device->suspects--;
        else
            device->under_way--;
        if (device->first_queued != NO_REQUEST || held_waits(device))
            device_touch(device); /* the next one's turn, or nobody's any more */
    } else {
        service_of(device)->waiting--;
    }
    if (frontend->one_way.on) {
        one_way_done(device, request, type, reason);
        request->state = REQUEST_NONE;
        return;
    }
    request->state = REQUEST_NONE;
    put_outcome(frontend, &request->record, type, reason, bytes, length);
}

void request_fail_all(struct device *device, enum sl_reason reason)
{
    while (device->first != NO_REQUEST)
        request_done(device, device->first, SL_RECORD_FAILED, reason, NULL, 0);
}

void request_fail_waiting(struct device *device, const struct device *client, enum sl_reason reason)
{
    const uint16_t session = device_number(client);
    for (uint16_t slot = device->first_queued; slot != NO_REQUEST;) {
        const struct request *request = request_at(device->frontend, slot);
        const uint16_t next = request->next;
        if (request->record.session == session && request->record.generation == client->generation)
            request_done(device, slot, SL_RECORD_FAILED, reason, NULL, 0);
        slot = next;
    }
}

uint16_t request_by_key(const struct device *device, uint16_t key)
{
    const struct request *requests = device->frontend->request;
    uint16_t slot = device->first;
    while (slot != device->first_queued && requests[slot].record.key != key)
        slot = requests[slot].next;
    return slot == device->first_queued ? NO_REQUEST : slot;
}

uint16_t request_awaiting(const struct device *device, uint16_t key, uint32_t parties)
{
    const struct request *requests = device->frontend->request;
    uint16_t slot = device->first;
    while (slot != device->first_queued &&
           (requests[slot].expect != key || requests[slot].parties != parties))
        slot = requests[slot].next;
    return slot == device->first_queued ? NO_REQUEST : slot;
}

void request_continue(struct device *device, uint16_t slot, uint16_t key, const uint8_t *bytes,
                      uint16_t length)
{
    struct int_frontend *frontend = device->frontend;
    struct service *service = service_of(device);
    struct request *request = request_at(frontend, slot);
    request->expect = key;
    request->deadline = frontend->stack.now + service->timeout; /* the latest of all */
    remove_from_service(frontend, service, slot);
    append_to_service(frontend, service, slot);
    if (!frontend->links.has_out)
        return;
    struct sl_record part = request->record;
    part.type = SL_RECORD_MESSAGE;
    part.reason = SL_REASON_NONE;
    part.length = length;
    part.flags = SL_FLAG_MORE;
    (void)links_put(&frontend->links, &part, bytes, frontend->stack.now);
}

const uint8_t *request_bytes(const struct int_frontend *frontend, const struct request *request)
{
    return request->place == NO_PLACE ? request->bytes
                                      : frontend->link.long_request[request->place];
}

/* The one that has waited longest, where a service limits that; or NO_REQUEST. */
static uint16_t first_waiting(const struct int_frontend *frontend, const struct service *service)
{
    if (service->queue_timeout == 0 || service->waiting == 0)
        return NO_REQUEST;
    uint16_t slot = service->first;
    while (slot != NO_REQUEST && frontend->request[slot].state != REQUEST_QUEUED)
        slot = frontend->request[slot].later;
    return slot;
}

static uint64_t queue_deadline(const struct int_frontend *frontend, const struct service *service,
                               uint16_t slot)
{
    return frontend->request[slot].deadline - service->timeout + service->queue_timeout;
}

void requests_expire(struct int_frontend *frontend)
{
    const uint64_t now = frontend->stack.now;
    for (unsigned i = 0; i < frontend->service_count; i++) {
        const struct service *service = &frontend->service[i];
        uint16_t slot;
        while ((slot = service->first) != NO_REQUEST && request_at(frontend, slot)->deadline <= now)
            device_expired(&frontend->device[request_at(frontend, slot)->device], slot);
        while ((slot = first_waiting(frontend, service)) != NO_REQUEST &&
               queue_deadline(frontend, service, slot) <= now)
            device_queue_expired(&frontend->device[request_at(frontend, slot)->device], slot);
    }
}

uint64_t requests_next_deadline(const struct int_frontend *frontend)
{
    uint64_t next = SL_NEVER;
    for (unsigned i = 0; i < frontend->service_count; i++) {
        const struct service *service = &frontend->service[i];
        uint16_t slot = service->first;
        if (slot != NO_REQUEST && frontend->request[slot].deadline < next)
            next = frontend->request[slot].deadline;
        slot = first_waiting(frontend, service);
        if (slot != NO_REQUEST && queue_deadline(frontend, service, slot) < next)
            next = queue_deadline(frontend, service, slot);
    }
    return next;
}
