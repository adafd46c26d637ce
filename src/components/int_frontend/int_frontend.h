/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * int_frontend: the client towards the devices. It says what it is handed and nothing else: it
 * never originates a request, never sends one twice, and sends none whose client has left or
 * whose deadline has passed. Every request gets exactly one outcome.
 *
 *   int_frontend.c  start, one pass, what comes from the core
 *   device.c        one client's connection to its service's device
 *   requests.c      requests by slot: their order, their deadlines, their outcomes
 */
#ifndef SLUICE_INT_FRONTEND_H
#define SLUICE_INT_FRONTEND_H

#include <stdbool.h>
#include <stdint.h>

#include "net/limits.h"
#include "net/links.h"
#include "net/stack.h"
#include "sluice/protocol.h"

#define NO_REQUEST UINT16_MAX

struct int_frontend;
struct tcp_pcb;

enum request_state { REQUEST_NONE, REQUEST_QUEUED, REQUEST_SENT };

struct request {
    struct sl_record record; /* as it came; its key is what the reply must carry */
    uint64_t deadline;       /* ns */
    uint32_t end;            /* device->written once it was sent */
    uint8_t state;
    uint16_t next, previous; /* of its device, in order of arrival */
    uint16_t later, earlier; /* of its service, in order of deadlines */
    uint8_t bytes[NET_MAX_MESSAGE];
};

enum device_state {
    DEVICE_NONE,   /* the session's number is not in use */
    DEVICE_CLOSED, /* no connection; the next request makes one */
    DEVICE_CONNECTING,
    DEVICE_CONNECTED,
};

/* One client's connection to a device; same number as the session. */
struct device {
    struct int_frontend *frontend;
    struct tcp_pcb *pcb; /* while connecting and connected */
    uint32_t generation;
    uint32_t client;
    uint32_t written, acknowledged; /* bytes on this connection, modulo 2^32 */
    uint16_t client_port;
    uint16_t first, last; /* requests; those sent come before those queued */
    uint16_t first_queued;
    uint16_t under_way; /* sent and not answered */
    uint16_t consumed;  /* bytes read, not yet given back to the window */
    uint16_t length;    /* of `bytes` */
    uint16_t reason;    /* why it is to be dropped; NONE: it is not */
    uint8_t service;
    uint8_t state;
    bool touched;
    uint8_t bytes[NET_MAX_MESSAGE]; /* the beginning of a reply */
};

struct service {
    const struct sl_protocol *protocol;
    uint64_t timeout;
    uint32_t address;
    uint16_t port;
    uint16_t pipeline;    /* requests under way on one connection at most */
    uint16_t first, last; /* requests, the earliest deadline first */
};

struct int_frontend {
    struct links links;
    struct stack stack;
    uint32_t address; /* own */
    uint16_t session_limit, slot_limit, service_count, touched_count;
    uint64_t invalid_records, unmatched_replies; /* ever */
    struct service service[SL_MAX_SERVICES];
    struct request request[SL_MAX_SLOTS];
    uint16_t touched[NET_MAX_SESSIONS];
    struct device device[NET_MAX_SESSIONS];
};

/* device.c */
void device_begin(struct device *device, const struct sl_record *record);
void device_touch(struct device *device);
/* Connects, sends, drops: whatever the pass has made necessary. */
void device_settle(struct device *device);
/* The session ends: its requests fail, its connection closes, its number is free. */
void device_end(struct device *device);
/* One of its requests was not answered in time. */
void device_expired(struct device *device, uint16_t slot);
uint16_t device_number(const struct device *device);

/* requests.c */
void request_add(struct device *device, const struct sl_record *record, const uint8_t *payload);
/* The outcome: puts it, forgets the request. `bytes` for SL_RECORD_MESSAGE. */
void request_done(struct device *device, uint16_t slot, enum sl_record_type type,
                  enum sl_reason reason, const uint8_t *bytes, uint16_t length);
void request_fail_all(struct device *device, enum sl_reason reason);
/* The request sent with `key`, or NO_REQUEST. */
uint16_t request_by_key(const struct device *device, uint16_t key);
/* Hands every request whose deadline has passed to device_expired. */
void requests_expire(struct int_frontend *frontend);
uint64_t requests_next_deadline(const struct int_frontend *frontend); /* or SL_NEVER */

#endif
