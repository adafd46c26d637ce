/* SPDX-License-Identifier: BSD-2-Clause */
#include "components/int_frontend/int_frontend.h"

#include "sluice/host.h"

/* With lwIP's pools (tests/unit/frontend/test_objects.py): each frontend below
 * 1.3 MiB with 1024 sessions, and untouched pages cost nothing on Linux. */
_Static_assert(offsetof(struct int_frontend, link) <= 48u * 1024 + NET_MAX_SESSIONS * 544u,
               "memory budget");

/* Passes of one wake: a driver, a core or devices that always have more must not keep a frontend
 * from its host, which has other components and other devices to look at. */
#define PASSES 16u

static bool take_request(struct int_frontend *frontend, const struct sl_record *record,
                         const uint8_t *payload)
{
    if (record->slot >= frontend->slot_limit || record->service >= frontend->service_count ||
        record->length == 0 || record->length > service_longest(frontend, record->service) ||
        frontend->request[record->slot].state != REQUEST_NONE)
        return false;
    struct device *device = &frontend->device[record->session];
    if (device->state == DEVICE_NONE)
        device_begin(device, record);
    if (device->generation != record->generation || device->service != record->service)
        return false;
    struct device *carrier = service_carrier(device);
    if (!request_add(carrier, record, payload))
        return true;
    device_touch(carrier);
    if (service_of(device)->protocol->link)
        link_spoke(device, &frontend->request[record->slot]);
    return true;
}

static bool begin_session(struct int_frontend *frontend, const struct sl_record *record)
{
    if (record->service >= frontend->service_count || record->length != 0 ||
        !frontend->service[record->service].protocol->link ||
        frontend->device[record->session].state != DEVICE_NONE)
        return false;
    link_begin(frontend, record);
    return true;
}

/* Late is nothing wrong: the request may have failed, and another have its slot. */
static bool take_room(struct int_frontend *frontend, const struct sl_record *record)
{
    if (record->slot >= frontend->slot_limit || record->length != 0)
        return false;
    struct request *request = &frontend->request[record->slot];
    if (request->state == REQUEST_SENT && request->record.session == record->session &&
        request->record.generation == record->generation)
        link_room(&frontend->device[request->device], request);
    return true;
}

static bool end_session(struct int_frontend *frontend, const struct sl_record *record)
{
    struct device *device = &frontend->device[record->session];
    if (record->length != 0)
        return false;
    if (device->state != DEVICE_NONE) {
        if (device->generation != record->generation)
            return false;
        if (record->flags & SL_FLAG_FINISHED && device->requests > 0) {
            leaving_begin(device);
            return true;
        }
        device_end(device);
    }
    (void)links_put(&frontend->links, record, NULL, frontend->stack.now);
    return true;
}

static void handle(void *self, const struct sl_record *record, const uint8_t *payload)
{
    struct int_frontend *frontend = self;
    if (record->session < frontend->session_limit) {
        if (record->type == SL_RECORD_MESSAGE && take_request(frontend, record, payload))
            return;
        if (record->type == SL_RECORD_SESSION_BEGIN && begin_session(frontend, record))
            return;
        if (record->type == SL_RECORD_ROOM && take_room(frontend, record))
            return;
        if (record->type == SL_RECORD_SESSION_END && end_session(frontend, record))
            return;
    }
    frontend->invalid_records++;
    links_audit(&frontend->links, record, SL_AUDIT_DROPPED, SL_REASON_RECORD_INVALID, 1,
                frontend->stack.now);
}

static void settle_touched(struct int_frontend *frontend)
{
    while (frontend->touched_count > 0)
        device_settle(&frontend->device[frontend->touched[--frontend->touched_count]]);
}

static bool pass(struct int_frontend *frontend)
{
    stack_begin(&frontend->stack);
    stack_receive(&frontend->stack);
    datagram_found(frontend);
    const bool drained = links_drain(&frontend->links, handle, frontend);
    if (frontend->one_way.on)
        one_way_drain(frontend);
    requests_expire(frontend);
    link_keep(frontend);
    settle_touched(frontend);
    leaving_keep(frontend);
    settle_touched(frontend);
    links_notify(&frontend->links);
    frames_notify(&frontend->stack.frames);
    return stack_may_sleep(&frontend->stack) && drained;
}

static void wake(void *self, uint64_t badges)
{
    struct int_frontend *frontend = self;
    (void)badges;
    bool idle = false;
    for (unsigned passes = 0; passes < PASSES && !idle; passes++)
        idle = pass(frontend);
    uint64_t when = idle ? requests_next_deadline(frontend) : frontend->stack.now;
    const uint64_t keep = link_next(frontend), leave = leaving_next(frontend);
    when = keep < when ? keep : when;
    when = leave < when ? leave : when;
    if (frontend->one_way.on) {
        const uint64_t look = one_way_next(frontend);
        when = look < when ? look : when;
    }
    stack_sleep_until(&frontend->stack, when);
}

static void init(void *self, const struct sl_environment *environment)
{
    struct int_frontend *frontend = self;
    const struct sl_frontend_config *config = environment->config;
    if (!links_config_whole(environment))
        sl_fault(environment->host, "int_frontend's configuration is not one",
                 environment->config_size, sizeof *config);
    links_init(&frontend->links, environment, config);
    stack_init(&frontend->stack, environment, config);
    frontend->address = config->address;
    frontend->session_limit =
        config->sessions < NET_MAX_SESSIONS ? config->sessions : (uint16_t)NET_MAX_SESSIONS;
    frontend->slot_limit = config->slots < SL_MAX_SLOTS ? config->slots : (uint16_t)SL_MAX_SLOTS;
    services_init(frontend, config);
    link_init(frontend);
    if (config->mode == SL_ONE_WAY)
        one_way_init(frontend, environment, config);
    const struct sl_record nobody = {.slot = SL_NO_SLOT, .time = frontend->stack.now};
    links_audit(&frontend->links, &nobody, SL_AUDIT_START, SL_REASON_NONE, 0, frontend->stack.now);
}

const struct sl_component int_frontend_component = {
    .name = "int_frontend",
    .self_size = offsetof(struct int_frontend, link),
    .link_size = sizeof(struct int_frontend) - offsetof(struct int_frontend, link),
    .init = init,
    .wake = wake,
};
