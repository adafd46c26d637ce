/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * int_frontend: the client towards the devices. It says what it is handed and nothing else: it
 * never originates a request, never sends one twice, and sends none whose client has left or
 * whose deadline has passed. Every request gets exactly one outcome.
 *
 *   int_frontend.c  start, one pass, what comes from the core
 *   device.c        one connection to a device: a client's own, or shared
 *   datagram.c      what it is over UDP
 *   link.c          devices whose protocol has a link layer: frames, answers of our own, replies
 *                   that nobody asked for, connections that are made before a request
 *   held.c          what a device sends before its client has room for it
 *   requests.c      requests by slot: their order, their deadlines, their outcomes
 *   service.c       what connections to one device have in common: which one a request takes,
 *                   back-off after failure, units that do not answer
 *   leaving.c       clients that send no more and are owed replies
 *   one_way.c       one-way mode: records from a ring that overwrites, outcomes only in the audit
 */
#ifndef SLUICE_INT_FRONTEND_H
#define SLUICE_INT_FRONTEND_H

#include <stdbool.h>
#include <stdint.h>

#include "net/limits.h"
#include "net/link_end.h"
#include "net/links.h"
#include "net/stack.h"
#include "sluice/protocol.h"

#define NO_REQUEST UINT16_MAX
#define NO_DEVICE  UINT16_MAX
#define NO_PLACE   UINT8_MAX

struct int_frontend;
struct tcp_pcb;
struct udp_pcb;

enum request_state { REQUEST_NONE, REQUEST_QUEUED, REQUEST_SENT };

struct request {
    struct sl_record record; /* as it came; its key is what the reply must carry */
    uint64_t deadline;       /* ns */
    uint32_t end;            /* device->written once it was sent */
    uint16_t device;         /* whose it is */
    uint8_t state;
    uint8_t unit;            /* behind the device, that it is for */
    bool suspect;            /* sent to a unit that was silent */
    uint8_t place;           /* link layer: of its bytes among the long requests, or NO_PLACE */
    bool unconfirmed;        /* link layer: a part of its reply is to be confirmed first */
    uint8_t parts;           /* likewise, on their way to a client that has not said ROOM */
    uint16_t expect;         /* likewise, what the next part must carry */
    uint32_t parties;        /* likewise, and between whom it runs */
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

/* A connection to a device. Those below NET_MAX_SESSIONS are one client's, of the same number as
 * the session; where the service shares connections they only stand for the client, whose
 * requests go over a connection from NET_MAX_SESSIONS on. */
struct device {
    struct int_frontend *frontend;
    struct tcp_pcb *pcb;    /* while connecting and connected */
    struct udp_pcb *socket; /* instead, where the service uses UDP */
    uint64_t leaves; /* ns: its client sends no more, and from then on has left; 0: it has not */
    uint32_t generation;
    uint32_t client;
    uint32_t written, acknowledged; /* bytes on this connection, modulo 2^32 */
    uint16_t client_port;
    uint16_t first, last; /* requests; those sent come before those queued */
    uint16_t first_queued;
    uint16_t under_way; /* sent and not answered, but for suspects */
    uint16_t suspects;  /* sent to silent units and not answered */
    uint16_t requests;  /* a connection's: all; a client's at a shared one: its own there */
    uint16_t carrier;   /* a client's at a shared connection: which, while `requests` */
    uint16_t held;      /* one-way: a client's requests in hand */
    uint16_t consumed;  /* bytes read, not yet given back to the window */
    uint16_t length;    /* of `bytes` */
    uint16_t reason;    /* why it is to be dropped; NONE: it is not */
    uint8_t service;
    uint8_t state;
    bool wanted;   /* link layer: it is to be connected, request or not */
    bool answered; /* this connection has brought a reply */
    bool touched;
    bool ending;                    /* one-way: its client has left, its requests are still sent */
    uint8_t bytes[NET_MAX_MESSAGE]; /* the beginning of a reply */
};

struct service {
    const struct sl_protocol *protocol;
    uint64_t timeout, queue_timeout;
    uint64_t backoff;             /* ns after the last failure; 0: the last attempt succeeded */
    uint64_t retry_at;            /* no connection is tried before */
    uint64_t look_at;             /* link layer: at connections that are wanted, SL_NEVER */
    struct sl_link_view stations; /* link layer */
    bool skip_noise;
    uint32_t address;
    uint16_t port;
    uint16_t pipeline;             /* requests under way on one connection at most */
    uint16_t connections;          /* at most; UINT16_MAX: one a client */
    uint16_t connected;            /* or connecting */
    uint16_t queue;                /* requests that wait at most */
    uint16_t waiting;              /* requests not sent */
    uint16_t clients;              /* sessions */
    uint16_t first_shared, shared; /* its connections for all clients: the first, how many */
    uint16_t first, last;          /* requests, the earliest deadline first */
    uint16_t silent_count;
    uint8_t silent[256 / 8]; /* by unit: it left its last request unanswered */
    bool datagrams;          /* UDP */
    uint16_t source_port;    /* then: from where; 0: any */
    uint16_t held;           /* one-way: requests in hand */
};

/* What connections need more where the protocol has a link layer. */
struct int_link {
    struct assemblies assemblies;
    uint64_t spoken;      /* counts requests */
    uint16_t unsolicited; /* under way in all */
    uint16_t long_free_count;
    uint8_t long_free[NET_LONG_REQUESTS];
    struct link_connection {
        struct link_end end;
        uint64_t begun;               /* the last attempt to connect, ns; 0: none yet */
        uint64_t spoke;               /* a client's last request, of `spoken`; 0: none yet */
        uint16_t master;              /* and for which master it was */
        uint64_t unsolicited_at;      /* ns: the last one */
        uint64_t dropped_at;          /* ns: when that was last reported */
        uint32_t dropped;             /* since */
        uint8_t unsolicited;          /* under way */
        uint8_t held;                 /* which of `held` has what came after `bytes`, or NO_PLACE */
        bool waits;                   /* the message that `bytes` ends has no room at its client */
        uint8_t bytes[NET_MAX_FRAME]; /* the beginning of a frame */
    } connection[NET_MAX_SESSIONS + NET_MAX_SHARED];
    uint8_t long_request[NET_LONG_REQUESTS][SL_MAX_PAYLOAD];
    struct held {
        bool used;
        uint16_t length;
        uint8_t bytes[NET_INT_WINDOW]; /* no sender has more under way */
    } held[NET_HELD];
};

/* One-way mode. Requests have slots of our own here; what finds none is left where it will be
 * overwritten and counted. */
struct one_way {
    bool on;
    bool any; /* the last look found something */
    struct oneway_consumer ring;
    uint16_t free_count;
    uint16_t free_slot[SL_MAX_SLOTS];
    uint16_t share;     /* requests that one service may have in hand */
    uint16_t quota;     /* and that one client may */
    uint64_t busy_poll; /* ns between looks while there is traffic */
    uint64_t poll;      /* ns to the next look */
    uint64_t delivered; /* requests written to a device, ever */
    uint64_t full;      /* requests dropped beyond their service's share or client's quota, ever */
    uint64_t reported_delivered, reported_lost, reported_full;
    uint64_t next_report;
};

struct int_frontend {
    struct links links;
    struct stack stack;
    uint32_t address; /* own */
    uint16_t session_limit, slot_limit, service_count, touched_count;
    uint16_t leaving; /* clients that send no more */
    uint16_t seeking; /* sockets whose next hop's hardware address is not known */
    uint64_t invalid_records, unmatched_replies; /* ever */
    struct one_way one_way;
    struct service service[SL_MAX_SERVICES];
    struct request request[SL_MAX_SLOTS];
    uint16_t touched[NET_MAX_SESSIONS + NET_MAX_SHARED];
    struct device device[NET_MAX_SESSIONS + NET_MAX_SHARED];
    struct int_link link; /* behind the rest (sl_component.link_size) */
};

/* device.c */
void device_begin(struct device *device, const struct sl_record *record);
void device_touch(struct device *device);
/* Connects, sends, drops: whatever the pass has made necessary. */
void device_settle(struct device *device);
/* The session ends: its requests fail, its connection closes, its number is free. */
void device_end(struct device *device);
/* A shared connection without clients closes. */
void device_release(struct device *device);
/* One of its requests was not answered in time; was not even sent in time. */
void device_expired(struct device *device, uint16_t slot);
void device_queue_expired(struct device *device, uint16_t slot);
/* Sends what can go now. */
void device_send(struct device *device);
/* A whole reply. */
void device_reply(struct device *device, const uint8_t *bytes, uint16_t length);
/* To be dropped, for this reason. */
void device_give_up(struct device *device, enum sl_reason reason);
/* The connection could not be made in time. */
void device_unreachable(struct device *device);
uint16_t device_number(const struct device *device);
/* A record of it, of no type yet; of a shared connection: of no session. */
struct sl_record device_record(const struct device *device);
/* What `bytes` holds of whole replies. */
void device_read(struct device *device);
void device_audit(struct device *device, enum sl_audit_event event, enum sl_reason reason,
                  uint64_t value);
/* To connect from; tried PORT_ATTEMPTS times. */
#define PORT_ATTEMPTS 8u
uint16_t device_random_port(void);

/* leaving.c */
/* The client sends no more and has requests under way. */
void leaving_begin(struct device *device);
/* Ends those that are owed nothing any more, and what waits of those that have left. */
void leaving_keep(struct int_frontend *frontend);
uint64_t leaving_next(const struct int_frontend *frontend);

/* datagram.c */
enum datagram_sent { DATAGRAM_SENT, DATAGRAM_WAITS, DATAGRAM_LOST };
/* The device is then connecting, and connected once the next hop is known. False: no socket. */
bool datagram_open(struct device *device);
void datagram_close(struct device *device);
void datagram_seek(struct device *device);
/* Connected, if what was sought is there: one socket, all of them. */
void datagram_settle(struct device *device);
void datagram_found(struct int_frontend *frontend);
enum datagram_sent datagram_send(struct device *device, const uint8_t *bytes, uint16_t length);

/* link.c */
/* Who behind the device, in the width that there is for it: two may share a number. */
uint8_t link_unit(uint32_t parties);
void link_init(struct int_frontend *frontend);
/* NET_MAX_FRAME bytes, of which the first `device->length` were received. */
uint8_t *link_buffer(struct device *device);
/* Takes whole frames from there. */
void link_read(struct device *device);
/* The same for a datagram of whole frames; not NONE: why the rest of it was dropped. */
enum sl_reason link_datagram(struct device *device, const uint8_t *bytes, uint16_t length);
/* The client's session begins. */
void link_begin(struct int_frontend *frontend, const struct sl_record *record);
/* Its connection is being made; is there; is not, and why. */
void link_connecting(struct device *device);
void link_connected(struct device *device);
void link_gone(struct device *device, enum sl_reason reason);
/* True when a connection without a request is to be made now. */
bool link_wants_connection(const struct device *device);
/* Connections that are wanted: made anew, or given up, when it is time. */
void link_keep(struct int_frontend *frontend);
uint64_t link_next(const struct int_frontend *frontend); /* or SL_NEVER */
/* A request of this client goes on. */
void link_spoke(struct device *client, const struct request *request);
/* One that nothing answers is on its way; it may confirm what nobody asked for. */
void link_unanswered(struct device *device, const struct request *request);
/* A part of a reply, or its end: false when too much is on its way already. */
bool link_admit_part(struct device *device, struct request *request,
                     const struct sl_traits *traits);
/* The request's client has room for the next part. */
void link_room(struct device *device, struct request *request);
/* Room for a long request's bytes; NULL: there is none. */
uint8_t *link_place(struct int_frontend *frontend, struct request *request);
void link_place_free(struct int_frontend *frontend, struct request *request);

/* held.c */
/* True while a message from the device waits for its client's room: nothing behind it is read. */
bool held_waits(const struct device *device);
/* It waits from now on, if it can: the connection is its client's own. */
bool held_wait(struct device *device, const struct request *request);
/* A place to keep `length` bytes that came meanwhile; NULL: no message waits, or none any more,
 * there being no room. */
uint8_t *held_place(struct device *device, uint16_t length);
/* Looks again at what waits, and goes on with what was kept. */
void held_resume(struct device *device);
void held_forget(struct device *device);

/* service.c */
void services_init(struct int_frontend *frontend, const struct sl_frontend_config *config);
struct service *service_of(const struct device *device);
/* Bytes of the longest request to it. */
uint16_t service_longest(const struct int_frontend *frontend, unsigned number);
/* The connection that a request of this client takes. */
struct device *service_carrier(struct device *client);
/* No attempt to connect is due: the last one failed not long ago. */
bool service_backs_off(const struct service *service, uint64_t now);
/* A connection was not made, or ended without having brought a reply. */
void service_failed(struct service *service, uint64_t now);
void service_answered(struct service *service, uint8_t unit);
void service_unit_timed_out(struct service *service, uint8_t unit);
bool service_unit_silent(const struct service *service, uint8_t unit);

/* requests.c */
/* False: its queue is full, and the request has had its outcome. */
bool request_add(struct device *device, const struct sl_record *record, const uint8_t *payload);
/* It is on its way; the order of those behind it stays. */
void request_sent(struct device *device, uint16_t slot);
/* The outcome: puts it, forgets the request. `bytes` for SL_RECORD_MESSAGE. */
void request_done(struct device *device, uint16_t slot, enum sl_record_type type,
                  enum sl_reason reason, const uint8_t *bytes, uint16_t length);
void request_fail_all(struct device *device, enum sl_reason reason);
/* Of one client, those on `device` that wait. */
void request_fail_waiting(struct device *device, const struct device *client,
                          enum sl_reason reason);
/* The request sent with `key`, or NO_REQUEST. */
uint16_t request_by_key(const struct device *device, uint16_t key);
/* Link layer: the one that awaits `key` from these parties, or NO_REQUEST. */
uint16_t request_awaiting(const struct device *device, uint16_t key, uint32_t parties);
/* A part of its reply; the next carries `key`, and has as long to come. */
void request_continue(struct device *device, uint16_t slot, uint16_t key, const uint8_t *bytes,
                      uint16_t length);
/* What it is to say to the device, record.length bytes. */
const uint8_t *request_bytes(const struct int_frontend *frontend, const struct request *request);
/* Hands every request whose deadline has passed to device_expired. */
void requests_expire(struct int_frontend *frontend);
uint64_t requests_next_deadline(const struct int_frontend *frontend); /* or SL_NEVER */

/* one_way.c */
void one_way_init(struct int_frontend *frontend, const struct sl_environment *environment,
                  const struct sl_frontend_config *config);
/* Takes what is there, at most a ring's worth and what there is room for. */
void one_way_drain(struct int_frontend *frontend);
/* A request's outcome: nobody is told but the audit. */
void one_way_done(struct device *device, const struct request *request, enum sl_record_type type,
                  enum sl_reason reason);
/* When to look again, ns; reports what was lost and delivered since. */
uint64_t one_way_next(struct int_frontend *frontend);

#endif
