/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device over UDP: a socket where TCP has a connection. It is connected while the hardware
 * address behind the device's is known, so that nothing waits in lwIP for ARP and is sent when its
 * deadline has passed; nothing is ever sent twice.
 */
#include "net/datagram.h"

#include "components/int_frontend/int_frontend.h"

static void received(void *arg, struct udp_pcb *socket, struct pbuf *data, const ip_addr_t *from,
                     u16_t port)
{
    struct device *device = arg;
    const struct sl_protocol *protocol = service_of(device)->protocol;
    const uint16_t length = data->tot_len;
    enum sl_reason reason = SL_REASON_LENGTH_FIELD;
    if (protocol->link) {
        uint8_t bytes[NET_MAX_DATAGRAM];
        const bool whole = length <= sizeof bytes;
        if (whole)
            (void)pbuf_copy_partial(data, bytes, length, 0);
        pbuf_free(data);
        if (whole)
            reason = link_datagram(device, bytes, length);
        if (reason != SL_REASON_NONE)
            device_audit(device, SL_AUDIT_DROPPED, reason, 1);
        return;
    }
    const bool fits = length <= sizeof device->bytes - device->length;
    (void)socket;
    (void)from; /* lwIP has compared: the device's address and port */
    (void)port;
    if (fits)
        (void)pbuf_copy_partial(data, device->bytes + device->length, length, 0);
    pbuf_free(data);
    const size_t all = (size_t)device->length + length;
    if (fits && datagram_is_whole(protocol, SL_REPLY, device->bytes, all, &reason)) {
        device->length = (uint16_t)all;
        device_read(device);
        return;
    }
    device->length = 0; /* of a message that went on in this one */
    device_audit(device, SL_AUDIT_DROPPED, reason, 1);
}

bool datagram_open(struct device *device)
{
    struct int_frontend *frontend = device->frontend;
    const struct service *service = service_of(device);
    const ip_addr_t own = IPADDR4_INIT(lwip_htonl(frontend->address));
    const ip_addr_t address = IPADDR4_INIT(lwip_htonl(service->address));
    struct udp_pcb *socket = udp_new();
    err_t result = socket ? ERR_USE : ERR_MEM;
    if (socket && service->source_port) { /* others may have it, to other devices */
        ip_set_option(socket, SOF_REUSEADDR);
        result = udp_bind(socket, &own, service->source_port);
    }
    for (unsigned i = 0; i < PORT_ATTEMPTS && result == ERR_USE && !service->source_port; i++)
        result = udp_bind(socket, &own, device_random_port());
    if (result == ERR_OK)
        result = udp_connect(socket, &address, service->port);
    if (result != ERR_OK) {
        if (socket)
            udp_remove(socket);
        return false;
    }
    udp_recv(socket, received, device);
    device->socket = socket;
    datagram_seek(device);
    return true;
}

void datagram_close(struct device *device)
{
    if (device->state == DEVICE_CONNECTING)
        device->frontend->seeking--;
    udp_remove(device->socket);
    device->socket = NULL;
}

void datagram_seek(struct device *device)
{
    struct int_frontend *frontend = device->frontend;
    device->state = DEVICE_CONNECTING;
    frontend->seeking++;
    if (!stack_reaches(&frontend->stack, service_of(device)->address))
        stack_seek(&frontend->stack, service_of(device)->address);
    device_touch(device);
}

void datagram_found(struct int_frontend *frontend)
{
    for (unsigned i = 0; frontend->seeking > 0 && i < NET_MAX_SESSIONS + NET_MAX_SHARED; i++) {
        struct device *device = &frontend->device[i];
        if (device->state == DEVICE_CONNECTING && device->socket)
            datagram_settle(device);
    }
}

void datagram_settle(struct device *device)
{
    struct int_frontend *frontend = device->frontend;
    if (device->state != DEVICE_CONNECTING ||
        !stack_reaches(&frontend->stack, service_of(device)->address))
        return;
    frontend->seeking--;
    device->state = DEVICE_CONNECTED;
    device_audit(device, SL_AUDIT_DEVICE_OPEN, SL_REASON_NONE, 0);
    if (service_of(device)->protocol->link)
        link_connected(device);
    device_touch(device);
}

enum datagram_sent datagram_send(struct device *device, const uint8_t *bytes, uint16_t length)
{
    const struct service *service = service_of(device);
    if (!stack_reaches(&device->frontend->stack, service->address)) {
        datagram_seek(device);
        return DATAGRAM_WAITS;
    }
    return datagram_send_all(device->socket, service->address, service->port, bytes, length)
               ? DATAGRAM_SENT
               : DATAGRAM_LOST;
}
