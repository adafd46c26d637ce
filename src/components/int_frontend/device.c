/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection to a service's device, made by the first request for it and kept until the
 * session ends; a shared one, until its last client's does. A request is written to TCP only when
 * it can leave at once: what waits, waits here, where it can still be taken back. When a deadline
 * passes and the device has not even acknowledged the bytes, the connection is reset, so that no
 * retransmission brings an old command to a device that was away.
 */
#include <string.h>

#include "components/int_frontend/int_frontend.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"
#include "net/connection.h"
#include "sluice/host.h"

const unsigned short net_receive_window = NET_INT_WINDOW;

#define WINDOW_UPDATE (NET_INT_WINDOW / 4)
#define FIRST_PORT    49152u /* RFC 6335 6: dynamic ports */
#define DYNAMIC_PORTS 16384u

uint16_t device_number(const struct device *device)
{
    return (uint16_t)(device - device->frontend->device);
}

struct sl_record device_record(const struct device *device)
{
    const uint16_t number = device_number(device);
    return (struct sl_record){.service = device->service,
                              .session = number < NET_MAX_SESSIONS ? number : UINT16_MAX,
                              .slot = SL_NO_SLOT,
                              .client = device->client,
                              .client_port = device->client_port,
                              .generation = device->generation,
                              .time = device->frontend->stack.now};
}

void device_audit(struct device *device, enum sl_audit_event event, enum sl_reason reason,
                  uint64_t value)
{
    const struct sl_record about = device_record(device);
    links_audit(&device->frontend->links, &about, event, reason, value, about.time);
}

void device_begin(struct device *device, const struct sl_record *record)
{
    device->generation = record->generation;
    device->client = record->client;
    device->client_port = record->client_port;
    device->service = record->service;
    device->first = NO_REQUEST;
    device->last = NO_REQUEST;
    device->first_queued = NO_REQUEST;
    device->requests = 0;
    device->held = 0;
    device->reason = SL_REASON_NONE;
    device->ending = false;
    device->wanted = false;
    device->leaves = 0;
    device->state = DEVICE_CLOSED;
    service_of(device)->clients++;
}

void device_touch(struct device *device)
{
    struct int_frontend *frontend = device->frontend;
    if (device->touched)
        return;
    device->touched = true;
    frontend->touched[frontend->touched_count++] = device_number(device);
}

/* ---- end of a connection ---- */

/* No connection any more: every request of it has its outcome. */
static void forget(struct device *device, enum sl_reason closed, enum sl_reason failed)
{
    struct service *service = service_of(device);
    device_audit(device, SL_AUDIT_DEVICE_CLOSE, closed, device->state == DEVICE_CONNECTED);
    if (!device->answered &&
        (closed == SL_REASON_DEVICE_UNREACHABLE || closed == SL_REASON_DEVICE_CLOSED))
        service_failed(service, device->frontend->stack.now);
    service->connected--;
    device->pcb = NULL;
    device->state = DEVICE_CLOSED;
    device->reason = SL_REASON_NONE;
    device->length = 0;
    device->consumed = 0;
    request_fail_all(device, failed);
    if (service->protocol->link)
        link_gone(device, closed);
}

static void reset(struct device *device, enum sl_reason closed, enum sl_reason failed)
{
    if (device->socket)
        datagram_close(device);
    else
        connection_abort(device->pcb);
    forget(device, closed, failed);
}

static void finish(struct device *device, enum sl_reason reason)
{
    /* Bytes not acknowledged are requests that must not arrive later. */
    if (device->socket)
        datagram_close(device);
    else if (device->state == DEVICE_CONNECTED && !connection_unacknowledged(device->pcb))
        connection_close(device->pcb, device->consumed);
    else
        connection_abort(device->pcb);
    forget(device, reason, reason);
}

static bool open(const struct device *device)
{
    return device->pcb || device->socket;
}

void device_release(struct device *device)
{
    device->wanted = false;
    if (open(device))
        finish(device, SL_REASON_CLIENT_LEFT);
    request_fail_all(device, SL_REASON_CLIENT_LEFT);
}

void device_end(struct device *device)
{
    struct service *service = service_of(device);
    service->clients--;
    device->wanted = false;
    if (device->leaves)
        device->frontend->leaving--;
    device->leaves = 0;
    if (service->shared == 0)
        device_release(device);
    else if (device->requests > 0) /* what is sent keeps its place until it is answered */
        request_fail_waiting(service_carrier(device), device, SL_REASON_CLIENT_LEFT);
    for (unsigned i = 0; service->clients == service->shared && i < service->shared; i++)
        device_release(&device->frontend->device[service->first_shared + i]);
    device->state = DEVICE_NONE;
}

void device_expired(struct device *device, uint16_t slot)
{
    const struct request *request = &device->frontend->request[slot];
    if (device->state == DEVICE_CONNECTING) {
        reset(device, SL_REASON_DEVICE_UNREACHABLE, SL_REASON_DEVICE_UNREACHABLE);
        return;
    }
    const bool sent = request->state == REQUEST_SENT;
    const bool under_way =
        sent && device->pcb && (int32_t)(device->acknowledged - request->end) < 0;
    /* Its other half would spoil the next one. */
    const bool half_reply = sent && device->length > 0 && !service_of(device)->protocol->link;
    if (sent)
        service_unit_timed_out(service_of(device), request->unit);
    request_done(device, slot, SL_RECORD_FAILED, SL_REASON_DEVICE_TIMEOUT, NULL, 0);
    if (under_way || half_reply)
        reset(device, SL_REASON_DEVICE_TIMEOUT, SL_REASON_DEVICE_CLOSED);
}

void device_queue_expired(struct device *device, uint16_t slot)
{
    const struct request *request = &device->frontend->request[slot];
    if (device->state == DEVICE_CONNECTING) {
        reset(device, SL_REASON_DEVICE_UNREACHABLE, SL_REASON_DEVICE_UNREACHABLE);
        return;
    }
    const bool silent = service_unit_silent(service_of(device), request->unit);
    request_done(device, slot, SL_RECORD_FAILED,
                 silent ? SL_REASON_DEVICE_TIMEOUT : SL_REASON_QUEUE_TIMEOUT, NULL, 0);
}

/* ---- replies ---- */

void device_reply(struct device *device, const uint8_t *bytes, uint16_t length)
{
    const struct sl_protocol *protocol = service_of(device)->protocol;
    struct sl_traits traits = {0};
    uint16_t slot;
    if (protocol->link) {
        traits = protocol->frame_traits(SL_REPLY, bytes, length);
        slot = request_awaiting(device, traits.key, traits.parties);
    } else {
        slot = request_by_key(device, protocol->frame_key(bytes, length));
    }
    if (slot == NO_REQUEST) { /* late, or never asked for: it costs nobody anything */
        device->frontend->unmatched_replies++;
        device_audit(device, SL_AUDIT_DROPPED, SL_REASON_REPLY_UNMATCHED, 1);
        return;
    }
    device->answered = true;
    service_answered(service_of(device), device->frontend->request[slot].unit);
    if ((traits.more || device->frontend->request[slot].parts > 0 ||
         device->frontend->request[slot].unconfirmed) &&
        !link_admit_part(device, &device->frontend->request[slot], &traits)) {
        device_audit(device, SL_AUDIT_DROPPED, SL_REASON_QUOTA, 1);
        return;
    }
    if (traits.more)
        request_continue(device, slot, traits.next_key, bytes, length);
    else
        request_done(device, slot, SL_RECORD_MESSAGE, SL_REASON_NONE, bytes, length);
}

void device_give_up(struct device *device, enum sl_reason reason)
{
    device->reason = (uint16_t)reason;
    device_touch(device);
}

void device_unreachable(struct device *device)
{
    reset(device, SL_REASON_DEVICE_UNREACHABLE, SL_REASON_DEVICE_UNREACHABLE);
}

void device_read(struct device *device)
{
    const struct sl_protocol *protocol = service_of(device)->protocol;
    uint16_t taken = 0;
    if (protocol->link) {
        link_read(device);
        return;
    }
    while (taken < device->length) {
        const struct sl_frame frame =
            protocol->frame(SL_REPLY, device->bytes + taken, (size_t)device->length - taken);
        if (frame.status == SL_FRAME_LOST)
            device_give_up(device, SL_REASON_DEVICE_FRAMING_LOST);
        if (frame.status != SL_FRAME_COMPLETE)
            break;
        device_reply(device, device->bytes + taken, (uint16_t)frame.length);
        taken = (uint16_t)(taken + frame.length);
    }
    device->length = (uint16_t)(device->length - taken);
    memmove(device->bytes, device->bytes + taken, device->length);
}

/* What came from `offset` on is kept until it can be read, and not given back to the window before.
 * False: it can be read now. */
static bool hold(struct device *device, const struct pbuf *data, uint16_t offset)
{
    const uint16_t length = (uint16_t)(data->tot_len - offset);
    uint8_t *const place = held_place(device, length);
    if (place)
        (void)pbuf_copy_partial(data, place, length, offset);
    return place;
}

static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *data, err_t error)
{
    struct device *device = arg;
    const bool link = service_of(device)->protocol->link != NULL;
    uint8_t *const bytes = link ? link_buffer(device) : device->bytes;
    const uint16_t size = link ? NET_MAX_FRAME : sizeof device->bytes;
    (void)error;
    if (!data) {
        if (device->reason == SL_REASON_NONE)
            device->reason = SL_REASON_DEVICE_CLOSED;
        device_touch(device);
        return ERR_OK;
    }
    for (u16_t offset = 0; offset < data->tot_len && device->reason == SL_REASON_NONE;) {
        if (link && hold(device, data, offset))
            break;
        const u16_t copied =
            pbuf_copy_partial(data, bytes + device->length, (u16_t)(size - device->length), offset);
        offset = (u16_t)(offset + copied);
        device->length = (uint16_t)(device->length + copied);
        device->consumed = (uint16_t)(device->consumed + copied);
        device_read(device);
    }
    pbuf_free(data);
    if (device->consumed >= WINDOW_UPDATE) {
        tcp_recved(pcb, device->consumed);
        device->consumed = 0;
    }
    /* A device may hold back its next reply until this one is acknowledged (Nagle). */
    if (device->first != NO_REQUEST)
        tcp_ack_now(pcb);
    return ERR_OK;
}

/* ---- requests ---- */

static err_t acknowledged(void *arg, struct tcp_pcb *pcb, u16_t length)
{
    struct device *device = arg;
    (void)pcb;
    device->acknowledged += length;
    if (device->first_queued != NO_REQUEST)
        device_touch(device);
    return ERR_OK;
}

/* What could not be written for want of memory is tried again. */
static err_t polled(void *arg, struct tcp_pcb *pcb)
{
    struct device *device = arg;
    (void)pcb;
    if (device->first_queued != NO_REQUEST)
        device_touch(device);
    return ERR_OK;
}

/* The next one that may go, from `slot` on; NO_REQUEST. */
static uint16_t next_to_send(const struct device *device, uint16_t slot)
{
    const struct service *service = service_of(device);
    const struct request *requests = device->frontend->request;
    const bool room = device->under_way < service->pipeline;
    if (service->silent_count == 0)
        return room ? slot : NO_REQUEST;
    while (slot != NO_REQUEST &&
           !(service_unit_silent(service, requests[slot].unit) ? device->suspects == 0 : room))
        slot = requests[slot].next;
    return slot;
}

/* False: not now, and what waits behind it neither; or, over UDP, never: it has its outcome. */
static bool write_request(struct device *device, uint16_t slot)
{
    struct request *request = &device->frontend->request[slot];
    const uint16_t length = request->record.length;
    if (device->socket) {
        const enum datagram_sent sent =
            datagram_send(device, request_bytes(device->frontend, request), length);
        if (sent == DATAGRAM_LOST)
            request_done(device, slot, SL_RECORD_FAILED, SL_REASON_CAPACITY, NULL, 0);
        return sent == DATAGRAM_SENT;
    }
    if (!connection_takes(device->pcb, length))
        return false;
    const enum connection_put put =
        connection_write(device->pcb, request_bytes(device->frontend, request), length);
    if (put == CONNECTION_BROKEN) /* half a request */
        device_give_up(device, SL_REASON_CAPACITY);
    return put == CONNECTION_ALL;
}

static void send_queued(struct device *device)
{
    struct int_frontend *frontend = device->frontend;
    uint16_t slot, next = device->first_queued;
    while ((slot = next_to_send(device, next)) != NO_REQUEST) {
        struct request *request = &frontend->request[slot];
        next = request->next;
        if (!write_request(device, slot)) {
            if (request->state == REQUEST_NONE)
                continue;
            break;
        }
        device->written += request->record.length;
        request->end = device->written;
        request_sent(device, slot);
        if (request->record.flags & SL_FLAG_NO_REPLY && service_of(device)->protocol->link)
            link_unanswered(device, request);
        if (request->record.flags & SL_FLAG_NO_REPLY)
            request_done(device, slot, SL_RECORD_SENT, SL_REASON_NONE, NULL, 0);
    }
    if (device->socket)
        return;
    if (device->consumed > 0) {
        tcp_recved(device->pcb, device->consumed);
        device->consumed = 0;
    }
    (void)tcp_output(device->pcb);
}

void device_send(struct device *device)
{
    if (device->state == DEVICE_CONNECTED && device->reason == SL_REASON_NONE)
        send_queued(device);
}

/* ---- beginning of a connection ---- */

static err_t connected(void *arg, struct tcp_pcb *pcb, err_t error)
{
    struct device *device = arg;
    (void)pcb;
    (void)error;
    device->state = DEVICE_CONNECTED;
    device_audit(device, SL_AUDIT_DEVICE_OPEN, SL_REASON_NONE, 0);
    if (service_of(device)->protocol->link)
        link_connected(device);
    device_touch(device);
    return ERR_OK;
}

static void failed(void *arg, err_t error)
{
    struct device *device = arg;
    (void)error; /* refused, reset or vanished: lwIP has freed its control block */
    const enum sl_reason reason =
        device->state == DEVICE_CONNECTING ? SL_REASON_DEVICE_UNREACHABLE : SL_REASON_DEVICE_CLOSED;
    forget(device, reason, reason);
}

uint16_t device_random_port(void)
{
    return (uint16_t)(FIRST_PORT + LWIP_RAND() % DYNAMIC_PORTS);
}

static err_t bind_random_port(struct tcp_pcb *pcb, uint32_t address)
{
    const ip_addr_t own = IPADDR4_INIT(lwip_htonl(address));
    err_t result = ERR_USE;
    for (unsigned i = 0; i < PORT_ATTEMPTS && result == ERR_USE; i++)
        result = tcp_bind(pcb, &own, device_random_port());
    return result;
}

static void cannot_connect(struct device *device, enum sl_reason reason)
{
    request_fail_all(device, reason);
    if (service_of(device)->protocol->link)
        link_gone(device, reason);
}

static void connect_device(struct device *device)
{
    struct int_frontend *frontend = device->frontend;
    struct service *service = service_of(device);
    if (service_backs_off(service, frontend->stack.now)) {
        cannot_connect(device, SL_REASON_DEVICE_UNREACHABLE);
        return;
    }
    const bool room = service->connected < service->connections;
    if (service->datagrams && room && datagram_open(device)) {
        device->answered = false;
        service->connected++;
        if (service->protocol->link)
            link_connecting(device);
        return;
    }
    struct tcp_pcb *pcb = room && !service->datagrams ? tcp_new() : NULL;
    if (!pcb) {
        cannot_connect(device, SL_REASON_CAPACITY);
        return;
    }
    connection_tune(pcb);
    tcp_arg(pcb, device);
    tcp_recv(pcb, received);
    tcp_sent(pcb, acknowledged);
    tcp_err(pcb, failed);
    tcp_poll(pcb, polled, 1);
    device->pcb = pcb;
    device->written = 0;
    device->acknowledged = 0;
    device->answered = false;
    device->state = DEVICE_CONNECTING;
    service->connected++;
    if (service->protocol->link)
        link_connecting(device);
    const ip_addr_t address = IPADDR4_INIT(lwip_htonl(service->address));
    if (bind_random_port(pcb, frontend->address) != ERR_OK ||
        tcp_connect(pcb, &address, service->port, connected) != ERR_OK)
        reset(device, SL_REASON_DEVICE_UNREACHABLE, SL_REASON_DEVICE_UNREACHABLE);
}

void device_settle(struct device *device)
{
    device->touched = false;
    if (device->ending && device->state != DEVICE_NONE && device->held == 0) {
        device_end(device);
        return;
    }
    if (open(device) && device->reason == SL_REASON_DEVICE_FRAMING_LOST)
        reset(device, SL_REASON_DEVICE_FRAMING_LOST, SL_REASON_DEVICE_FRAMING_LOST);
    else if (open(device) && device->reason != SL_REASON_NONE)
        finish(device, (enum sl_reason)device->reason);
    if (device->state == DEVICE_CLOSED &&
        (device->first_queued != NO_REQUEST || link_wants_connection(device)))
        connect_device(device);
    else if (device->state == DEVICE_CONNECTED) {
        held_resume(device);
        send_queued(device);
    } else if (device->socket)
        datagram_settle(device);
}
