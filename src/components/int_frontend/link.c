/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices whose protocol has a link layer. A device may speak first there, so that its connection
 * is made when the client's session begins, and made anew, unhurriedly, as long as that lasts.
 * What it says unasked goes to the client whose connection it came on, or over a shared one to the
 * client that last spoke for the master that it is for; so much of it at once and no more.
 */
#include <string.h>

#include "components/int_frontend/int_frontend.h"
#include "lwip/tcp.h"
#include "net/connection.h"
#include "sluice/host.h"

#define REOPEN_AFTER     UINT64_C(1000000000) /* ns from one attempt to the next */
#define UNSOLICITED_OWN  4u                   /* under way from one connection at most */
#define UNSOLICITED_LAST UINT64_C(1000000000) /* ns without a confirmation */
#define REPORT_AFTER     UINT64_C(1000000000) /* ns from one report of dropped ones to the next */
#define ANSWER_BLOCKS    8u                   /* see ext_frontend/link.c */

static struct link_connection *connection_of(const struct device *device)
{
    return &device->frontend->link.connection[device_number(device)];
}

static bool is_shared(const struct device *device)
{
    return device_number(device) >= NET_MAX_SESSIONS;
}

static bool served(const struct device *client, const struct device *device)
{
    return client == device || (is_shared(device) && client->state != DEVICE_NONE &&
                                client->service == device->service);
}

static void audit_dropped(const struct device *device, enum sl_reason reason, uint64_t count)
{
    const struct sl_record record = device_record(device);
    links_audit(&device->frontend->links, &record, SL_AUDIT_DROPPED, reason, count, record.time);
}

void link_init(struct int_frontend *frontend)
{
    bool any = false;
    for (unsigned i = 0; i < frontend->service_count; i++)
        any |= frontend->service[i].protocol->link != NULL;
    if (!any) /* then there may be no such memory */
        return;
    for (unsigned i = 0; i < NET_MAX_SESSIONS + NET_MAX_SHARED; i++)
        frontend->link.connection[i].held = NO_PLACE;
    frontend->link.long_free_count = NET_LONG_REQUESTS;
    for (uint8_t i = 0; i < NET_LONG_REQUESTS; i++)
        frontend->link.long_free[i] = i;
}

uint8_t link_unit(uint32_t parties)
{
    const uint16_t outstation = (uint16_t)parties;
    return (uint8_t)(outstation ^ outstation >> 8);
}

/* ---- long requests ---- */

uint8_t *link_place(struct int_frontend *frontend, struct request *request)
{
    struct int_link *link = &frontend->link;
    if (link->long_free_count == 0)
        return NULL;
    request->place = link->long_free[--link->long_free_count];
    return link->long_request[request->place];
}

void link_place_free(struct int_frontend *frontend, struct request *request)
{
    if (request->place == NO_PLACE)
        return;
    frontend->link.long_free[frontend->link.long_free_count++] = request->place;
    request->place = NO_PLACE;
}

/* ---- connections ---- */

static void look_at(struct service *service, uint64_t when)
{
    if (when < service->look_at)
        service->look_at = when;
}

static uint64_t reopen_at(const struct device *device)
{
    const struct service *service = service_of(device);
    const uint64_t begun = connection_of(device)->begun;
    const uint64_t when = begun ? begun + REOPEN_AFTER : 0;
    return service->backoff > 0 && service->retry_at > when ? service->retry_at : when;
}

static void tell_client(const struct device *client, enum sl_reason reason)
{
    struct sl_record record = device_record(client);
    record.type = SL_RECORD_DEVICE;
    record.reason = (uint16_t)reason;
    (void)links_put(&client->frontend->links, &record, NULL, record.time);
}

static void tell(const struct device *device, enum sl_reason reason)
{
    const struct int_frontend *frontend = device->frontend;
    if (!device->wanted)
        return;
    if (!is_shared(device)) {
        tell_client(device, reason);
        return;
    }
    for (unsigned i = 0; i < frontend->session_limit; i++)
        if (served(&frontend->device[i], device))
            tell_client(&frontend->device[i], reason);
}

void link_begin(struct int_frontend *frontend, const struct sl_record *record)
{
    struct device *client = &frontend->device[record->session];
    device_begin(client, record);
    struct device *device = service_carrier(client);
    struct link_connection *connection = connection_of(client);
    connection->end = (struct link_end){0};
    connection->begun = 0;
    connection->master = 0;
    connection->spoke = 0;
    device->wanted = true;
    if (device->state == DEVICE_CONNECTED)
        tell_client(client, SL_REASON_NONE);
    else if (device->state == DEVICE_CLOSED && frontend->stack.now < reopen_at(device))
        link_gone(device, SL_REASON_DEVICE_UNREACHABLE);
    else
        device_touch(device);
}

bool link_wants_connection(const struct device *device)
{
    return device->wanted && device->frontend->stack.now >= reopen_at(device);
}

void link_connecting(struct device *device)
{
    struct link_connection *connection = connection_of(device);
    connection->begun = device->frontend->stack.now;
    connection->end = (struct link_end){0};
    look_at(service_of(device), connection->begun + service_of(device)->timeout);
}

void link_connected(struct device *device)
{
    tell(device, SL_REASON_NONE);
}

static void give_back(struct device *device, uint8_t count)
{
    struct link_connection *connection = connection_of(device);
    connection->unsolicited = (uint8_t)(connection->unsolicited - count);
    device->frontend->link.unsolicited = (uint16_t)(device->frontend->link.unsolicited - count);
}

static void report(struct device *device)
{
    struct link_connection *connection = connection_of(device);
    if (connection->end.noise > 0)
        audit_dropped(device, SL_REASON_START_OCTETS, connection->end.noise);
    if (connection->dropped > 0)
        audit_dropped(device, SL_REASON_QUOTA, connection->dropped);
    connection->end.noise = 0;
    connection->dropped = 0;
}

void link_gone(struct device *device, enum sl_reason reason)
{
    report(device);
    held_forget(device);
    assembly_forget(&device->frontend->link.assemblies, device_number(device));
    give_back(device, connection_of(device)->unsolicited);
    tell(device, reason);
    if (device->wanted)
        look_at(service_of(device), reopen_at(device));
}

/* One that is wanted: what is to be done now, and else when. */
static void keep(struct device *device)
{
    struct service *service = service_of(device);
    const uint64_t now = device->frontend->stack.now;
    if (device->state == DEVICE_CLOSED && now >= reopen_at(device)) {
        device_touch(device);
    } else if (device->state == DEVICE_CLOSED) {
        look_at(service, reopen_at(device));
    } else if (device->state == DEVICE_CONNECTING) {
        const uint64_t late = connection_of(device)->begun + service->timeout;
        if (now >= late)
            device_unreachable(device);
        else
            look_at(service, late);
    }
}

void link_keep(struct int_frontend *frontend)
{
    for (unsigned i = 0; i < frontend->service_count; i++) {
        struct service *service = &frontend->service[i];
        if (frontend->stack.now < service->look_at)
            continue;
        service->look_at = SL_NEVER;
        for (unsigned j = 0; j < NET_MAX_SESSIONS + NET_MAX_SHARED; j++) {
            struct device *device = &frontend->device[j];
            if (device->wanted && device->service == i && device->state != DEVICE_NONE)
                keep(device);
        }
    }
}

uint64_t link_next(const struct int_frontend *frontend)
{
    uint64_t next = SL_NEVER;
    for (unsigned i = 0; i < frontend->service_count; i++)
        if (frontend->service[i].look_at < next)
            next = frontend->service[i].look_at;
    return next;
}

/* ---- what nobody asked for ---- */

void link_spoke(struct device *client, const struct request *request)
{
    struct link_connection *connection = connection_of(client);
    connection->master = (uint16_t)(request->parties >> 16);
    connection->spoke = ++client->frontend->link.spoken;
}

/* The client that an unsolicited reply for `master` goes to; NULL: none is known. */
static struct device *client_of(struct device *device, uint16_t master)
{
    struct int_frontend *frontend = device->frontend;
    struct device *latest = NULL;
    if (!is_shared(device))
        return device;
    for (unsigned i = 0; i < frontend->session_limit; i++) {
        struct device *client = &frontend->device[i];
        const struct link_connection *connection = connection_of(client);
        if (served(client, device) && connection->spoke && connection->master == master &&
            (!latest || connection->spoke > connection_of(latest)->spoke))
            latest = client;
    }
    return latest;
}

/* Those that nobody confirmed in time count no longer. */
static void forget_unconfirmed(struct device *device)
{
    struct link_connection *connection = connection_of(device);
    if (connection->unsolicited > 0 &&
        device->frontend->stack.now - connection->unsolicited_at >= UNSOLICITED_LAST)
        give_back(device, connection->unsolicited);
}

static bool admit(struct device *device)
{
    struct int_frontend *frontend = device->frontend;
    forget_unconfirmed(device);
    if (connection_of(device)->unsolicited >= UNSOLICITED_OWN)
        return false;
    if (frontend->link.unsolicited < NET_UNSOLICITED)
        return true;
    for (unsigned i = 0; i < NET_MAX_SESSIONS + NET_MAX_SHARED; i++)
        forget_unconfirmed(&frontend->device[i]);
    return frontend->link.unsolicited < NET_UNSOLICITED;
}

static void take_credit(struct device *device)
{
    struct link_connection *connection = connection_of(device);
    connection->unsolicited++;
    connection->unsolicited_at = device->frontend->stack.now;
    device->frontend->link.unsolicited++;
}

static void unsolicited(struct device *device, const struct sl_traits *traits, const uint8_t *bytes,
                        uint16_t length)
{
    struct int_frontend *frontend = device->frontend;
    struct link_connection *connection = connection_of(device);
    const uint64_t now = frontend->stack.now;
    const struct device *client = client_of(device, (uint16_t)(traits->parties >> 16));
    if (!frontend->links.has_out)
        return;
    device->answered = true;
    service_answered(service_of(device), link_unit(traits->parties));
    if (!client) {
        frontend->unmatched_replies++;
        audit_dropped(device, SL_REASON_REPLY_UNMATCHED, 1);
        return;
    }
    if (!admit(device)) {
        connection->dropped++;
        if (now - connection->dropped_at >= REPORT_AFTER) {
            report(device);
            connection->dropped_at = now;
        }
        return;
    }
    take_credit(device);
    struct sl_record record = device_record(client);
    record.type = SL_RECORD_MESSAGE;
    record.length = length;
    record.key = traits->key;
    (void)links_put(&frontend->links, &record, bytes, now);
}

/* After one that asks for confirmation the next comes when that was confirmed. One is on its way at
 * a time; where it cannot wait for that (held_wait) it counts as unsolicited. */
bool link_admit_part(struct device *device, struct request *request, const struct sl_traits *traits)
{
    if (request->unconfirmed || (request->parts > 0 && !admit(device)))
        return false;
    if (request->parts > 0)
        take_credit(device);
    request->parts++;
    request->unconfirmed = traits->more && traits->asks_confirm;
    return true;
}

void link_room(struct device *device, struct request *request)
{
    if (request->parts > 1 && connection_of(device)->unsolicited > 0)
        give_back(device, 1);
    request->parts = (uint8_t)(request->parts - (request->parts > 0));
    device_touch(device);
}

void link_unanswered(struct device *device, const struct request *request)
{
    struct request *const requests = device->frontend->request;
    const struct sl_traits traits = service_of(device)->protocol->frame_traits(
        SL_REQUEST, request_bytes(device->frontend, request), request->record.length);
    if (!traits.confirms)
        return;
    if (traits.unsolicited && connection_of(device)->unsolicited > 0)
        give_back(device, 1);
    for (uint16_t slot = device->first;
         !traits.unsolicited && slot != device->first_queued && slot != NO_REQUEST;
         slot = requests[slot].next)
        if (requests[slot].parties == traits.parties)
            requests[slot].unconfirmed = false;
}

/* ---- frames ---- */

uint8_t *link_buffer(struct device *device)
{
    return connection_of(device)->bytes;
}

static void answer(struct device *device, const struct sl_link_step *step)
{
    if (step->answer_length > 0 && device->socket)
        (void)datagram_send(device, step->answer, step->answer_length);
    else if (step->answer_length > 0 && tcp_sndqueuelen(device->pcb) < ANSWER_BLOCKS &&
             connection_write(device->pcb, step->answer, step->answer_length) == CONNECTION_ALL)
        device->written += step->answer_length;
}

static void message(struct device *device, const struct link_look *look)
{
    const struct sl_protocol *protocol = service_of(device)->protocol;
    if (look->step.reason != SL_REASON_NONE) {
        audit_dropped(device, look->step.reason, 1);
        return;
    }
    const struct sl_traits traits = protocol->frame_traits(SL_REPLY, look->message, look->length);
    if (traits.unsolicited)
        unsolicited(device, &traits, look->message, look->length);
    else
        device_reply(device, look->message, look->length);
}

/* A part of a reply before the client has room for it. */
static bool must_wait(struct device *device, const struct link_look *look)
{
    if (look->step.reason != SL_REASON_NONE)
        return false;
    const struct sl_traits traits =
        service_of(device)->protocol->frame_traits(SL_REPLY, look->message, look->length);
    const uint16_t slot =
        traits.unsolicited ? NO_REQUEST : request_awaiting(device, traits.key, traits.parties);
    return slot != NO_REQUEST && held_wait(device, &device->frontend->request[slot]);
}

void link_read(struct device *device)
{
    struct int_frontend *frontend = device->frontend;
    const struct service *service = service_of(device);
    struct link_connection *connection = connection_of(device);
    struct sl_link_view view = service->stations;
    uint8_t *const bytes = connection->bytes;
    uint16_t taken = 0;
    view.far = SL_LINK_FAR_UP; /* a connection there is only with its client */
    while (taken < device->length) {
        struct link_look look;
        link_look(&frontend->link.assemblies, &connection->end, device_number(device),
                  service->protocol, SL_REPLY, &view, service->skip_noise, bytes + taken,
                  (size_t)device->length - taken, &look);
        if (look.step.status == SL_LINK_MORE || look.step.status == SL_LINK_WAIT ||
            (look.step.status == SL_LINK_MESSAGE && must_wait(device, &look)))
            break;
        if (look.step.status == SL_LINK_NOISE && !service->skip_noise) {
            device_give_up(device, SL_REASON_DEVICE_FRAMING_LOST);
            break;
        }
        if (look.step.status != SL_LINK_NOISE && connection->end.noise > 0)
            report(device);
        if (look.step.status == SL_LINK_MESSAGE)
            message(device, &look);
        const enum sl_reason given_up = link_take(&frontend->link.assemblies, &connection->end,
                                                  device_number(device), bytes + taken, &look);
        if (given_up != SL_REASON_NONE)
            audit_dropped(device, given_up, 1);
        answer(device, &look.step);
        taken = (uint16_t)(taken + look.step.length);
    }
    device->length = (uint16_t)(device->length - taken);
    memmove(bytes, bytes + taken, device->length);
}

enum sl_reason link_datagram(struct device *device, const uint8_t *bytes, uint16_t length)
{
    const struct service *service = service_of(device);
    for (uint16_t taken = 0; taken < length;) {
        const uint16_t frame =
            link_frame_length(service->protocol, SL_REPLY, bytes + taken, (size_t)length - taken);
        if (frame == 0)
            return SL_REASON_TRUNCATED;
        uint8_t *const held = held_place(device, frame);
        memcpy(held ? held : link_buffer(device), bytes + taken, frame);
        taken = (uint16_t)(taken + frame);
        if (held)
            continue;
        device->length = frame;
        link_read(device);
    }
    return SL_REASON_NONE;
}
