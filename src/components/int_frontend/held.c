/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replies in several messages that come faster than the client takes them, where the device waits
 * for no confirmation. On a connection of the client's own nothing more is read then: TCP holds
 * back the device, and the window's worth that may still come is kept in one of few places. A
 * connection that serves several clients waits for none of them; more is dropped there (link.c).
 */
#include <string.h>

#include "components/int_frontend/int_frontend.h"
#include "lwip/tcp.h"

static struct link_connection *connection_of(const struct device *device)
{
    return &device->frontend->link.connection[device_number(device)];
}

bool held_waits(const struct device *device)
{
    return service_of(device)->protocol->link && connection_of(device)->waits;
}

bool held_wait(struct device *device, const struct request *request)
{
    if (request->parts == 0 || device_number(device) >= NET_MAX_SESSIONS ||
        !device->frontend->links.has_out)
        return false;
    connection_of(device)->waits = true;
    return true;
}

static struct held *place_of(struct device *device)
{
    struct int_link *link = &device->frontend->link;
    struct link_connection *connection = connection_of(device);
    for (uint8_t i = 0; connection->held == NO_PLACE && i < NET_HELD; i++)
        if (!link->held[i].used) {
            connection->held = i;
            link->held[i].used = true;
            link->held[i].length = 0;
        }
    return connection->held == NO_PLACE ? NULL : &link->held[connection->held];
}

static void free_place(struct device *device)
{
    struct link_connection *connection = connection_of(device);
    if (connection->held != NO_PLACE)
        device->frontend->link.held[connection->held].used = false;
    connection->held = NO_PLACE;
}

void held_forget(struct device *device)
{
    connection_of(device)->waits = false;
    free_place(device);
}

/* What waits is given up, and every reply that it could be the rest of. */
static void give_up(struct device *device)
{
    struct int_frontend *frontend = device->frontend;
    for (uint16_t slot = device->first; slot != device->first_queued && slot != NO_REQUEST;) {
        const struct request *request = &frontend->request[slot];
        const uint16_t next = request->next;
        if (request->parts > 0)
            request_done(device, slot, SL_RECORD_FAILED, SL_REASON_CAPACITY, NULL, 0);
        slot = next;
    }
    held_resume(device);
}

uint8_t *held_place(struct device *device, uint16_t length)
{
    while (held_waits(device)) {
        struct held *held = place_of(device);
        if (held && length <= sizeof held->bytes - held->length) {
            held->length = (uint16_t)(held->length + length);
            return held->bytes + held->length - length;
        }
        give_up(device); /* reads on, at least to the next message that would wait */
    }
    return NULL;
}

void held_resume(struct device *device)
{
    if (!held_waits(device))
        return;
    struct link_connection *connection = connection_of(device);
    connection->waits = false;
    link_read(device);
    if (connection->held == NO_PLACE)
        return;
    struct held *held = &device->frontend->link.held[connection->held];
    uint16_t taken = 0;
    while (taken < held->length && !connection->waits && device->reason == SL_REASON_NONE) {
        const uint16_t left = (uint16_t)(held->length - taken);
        const uint16_t room = (uint16_t)(NET_MAX_FRAME - device->length);
        const uint16_t length = left < room ? left : room;
        memcpy(link_buffer(device) + device->length, held->bytes + taken, length);
        device->length = (uint16_t)(device->length + length);
        taken = (uint16_t)(taken + length);
        link_read(device);
    }
    held->length = (uint16_t)(held->length - taken);
    memmove(held->bytes, held->bytes + taken, held->length);
    device->consumed = (uint16_t)(device->consumed + taken);
    if (held->length == 0)
        free_place(device);
}
