/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients over UDP. Who sends from one address and port to one service is a session like a
 * connection's: the same numbers, the same quotas, the same path. It begins with its first good
 * datagram and ends when it has long been silent, or sooner when others need its place.
 *
 * An address is easily forged here: sessions that come in datagrams are half of all at most, the
 * rest is for connections; and one that has no request under way gives way to the next, so that no
 * number of addresses keeps a client out for longer than their requests take.
 */
#include <string.h>

#include "components/ext_frontend/ext_frontend.h"
#include "net/datagram.h"
#include "sluice/host.h"

#define IDLE_NS   UINT64_C(60000000000) /* as long as a connection is left before a keepalive */
#define REPORT_NS UINT64_C(1000000000)  /* between lines on what was dropped, of one kind */

static struct session *session_at(struct ext_frontend *frontend, uint16_t number)
{
    return &frontend->session[number];
}

/* ---- what was dropped ---- */

static void drop(struct listener *listener, uint32_t client, uint16_t port, enum datagram_drop kind,
                 enum sl_reason reason)
{
    struct datagram_drops *const drops = &listener->frontend->datagrams.dropped[kind];
    drops->count++;
    drops->last = (struct sl_record){.service = listener->service,
                                     .session = NO_SESSION,
                                     .slot = SL_NO_SLOT,
                                     .reason = (uint16_t)reason,
                                     .client = client,
                                     .client_port = port};
}

static void report_drops(struct ext_frontend *frontend)
{
    const uint64_t now = frontend->stack.now;
    for (unsigned kind = 0; kind < DATAGRAM_DROPS; kind++) {
        struct datagram_drops *const drops = &frontend->datagrams.dropped[kind];
        if (drops->count == 0 || now < drops->next_report)
            continue;
        links_audit(&frontend->links, &drops->last, SL_AUDIT_DROPPED,
                    (enum sl_reason)drops->last.reason, drops->count, now);
        drops->count = 0;
        drops->next_report = now + REPORT_NS;
    }
}

/* ---- sessions by source, and by their last datagram ---- */

static uint16_t *bucket_of(struct ext_frontend *frontend, uint8_t service, uint32_t client,
                           uint16_t port)
{
    const struct {
        uint32_t client;
        uint16_t port, service;
    } key = {client, port, service};
    const uint64_t hash = siphash(frontend->stack.isn_key, (const uint8_t *)&key, sizeof key);
    return &frontend->datagrams.bucket[hash % DATAGRAM_BUCKETS];
}

static struct session *find(struct listener *listener, uint32_t client, uint16_t port)
{
    struct ext_frontend *frontend = listener->frontend;
    uint16_t number = *bucket_of(frontend, listener->service, client, port);
    while (number != NO_SESSION) {
        struct session *session = session_at(frontend, number);
        if (session->client == client && session->client_port == port &&
            session->service == listener->service)
            return session;
        number = session->same_bucket;
    }
    return NULL;
}

static void append(struct session *session)
{
    struct datagrams *const all = &session->frontend->datagrams;
    const uint16_t number = session_number(session);
    session->older = all->newest;
    session->newer = NO_SESSION;
    if (all->newest == NO_SESSION)
        all->oldest = number;
    else
        session_at(session->frontend, all->newest)->newer = number;
    all->newest = number;
}

static void take_out(struct session *session)
{
    struct ext_frontend *frontend = session->frontend;
    struct datagrams *const all = &frontend->datagrams;
    *(session->older == NO_SESSION ? &all->oldest : &session_at(frontend, session->older)->newer) =
        session->newer;
    *(session->newer == NO_SESSION ? &all->newest : &session_at(frontend, session->newer)->older) =
        session->older;
}

void datagram_forget(struct session *session)
{
    struct ext_frontend *frontend = session->frontend;
    uint16_t *link = bucket_of(frontend, session->service, session->client, session->client_port);
    while (*link != session_number(session))
        link = &session_at(frontend, *link)->same_bucket;
    *link = session->same_bucket;
    take_out(session);
    frontend->datagrams.count--;
}

/* Nothing of it is under way. */
static bool idle(const struct session *session)
{
    return session->outstanding == 0 && !session->waiting && !session->blocked;
}

static void expire(struct session *session)
{
    if (session->reason == SL_REASON_NONE)
        session->reason = SL_REASON_SESSION_IDLE;
    session_end(session);
}

/* Ends the one that has been silent longest, of `client` or (NULL) of all. */
static void make_room(struct ext_frontend *frontend, const struct client *client)
{
    uint16_t number = frontend->datagrams.oldest;
    while (number != NO_SESSION && number != frontend->datagrams.newest) {
        struct session *session = session_at(frontend, number);
        number = session->newer;
        if (!idle(session) || (client && session->holder != client))
            continue;
        expire(session);
        return;
    }
}

static struct session *begin(struct listener *listener, uint32_t client, uint16_t port)
{
    struct ext_frontend *frontend = listener->frontend;
    struct datagrams *const all = &frontend->datagrams;
    enum sl_reason reason = SL_REASON_CAPACITY;
    struct session *session =
        all->count < all->limit ? session_begin(listener, client, port, &reason) : NULL;
    if (session) {
        uint16_t *const bucket = bucket_of(frontend, listener->service, client, port);
        session->datagrams = true;
        session->same_bucket = *bucket;
        *bucket = session_number(session);
        append(session);
        all->count++;
    } else {
        drop(listener, client, port, reason == SL_REASON_QUOTA ? DROP_QUOTA : DROP_CAPACITY,
             reason);
    }
    /* A number is free again only when the core has seen the end of its use: room is made for
     * the next one, not for this one. */
    if (session && session->holder->sessions >= frontend->client_sessions)
        make_room(frontend, session->holder);
    else if (all->count >= all->limit || frontend->free_session_count == 0)
        make_room(frontend, NULL);
    return session;
}

/* ---- datagrams ---- */

static void took_in(struct session *session)
{
    session->progress = session->frontend->stack.now;
    take_out(session);
    append(session);
    session_touch(session);
}

/* Whole frames, as many as there is room for behind those that wait for their turn. */
static void take_frames(struct session *session, struct listener *listener, const uint8_t *bytes,
                        uint16_t length)
{
    uint16_t taken = 0;
    while (taken < length && !session->refused) {
        const uint16_t frame = link_frame_length(listener->protocol, SL_REQUEST, bytes + taken,
                                                 (size_t)length - taken);
        const bool room = frame <= sizeof session->bytes - session->length;
        if (frame == 0 || !room) {
            drop(listener, session->client, session->client_port, room ? DROP_CONTENT : DROP_QUOTA,
                 room ? SL_REASON_TRUNCATED : SL_REASON_QUOTA);
            break;
        }
        memcpy(session->bytes + session->length, bytes + taken, frame);
        session->length = (uint16_t)(session->length + frame);
        taken = (uint16_t)(taken + frame);
        if (!session->blocked && !session->waiting)
            session_read(session, false);
    }
    took_in(session);
}

/* Behind what is held: whole messages that wait for their turn, or the beginning of one, which
 * gives way when this is no continuation of it. */
static void take(struct session *session, const uint8_t *bytes, uint16_t length)
{
    struct listener *listener = &session->frontend->listener[session->service];
    enum sl_reason reason;
    if (session->refused)
        return; /* its end is under way */
    if (listener->protocol->link) {
        take_frames(session, listener, bytes, length);
        return;
    }
    if (length > sizeof session->bytes - session->length) {
        drop(listener, session->client, session->client_port, DROP_QUOTA, SL_REASON_QUOTA);
        return;
    }
    memcpy(session->bytes + session->length, bytes, length);
    if (!datagram_is_whole(listener->protocol, SL_REQUEST, session->bytes,
                           (size_t)session->length + length, &reason)) {
        drop(listener, session->client, session->client_port, DROP_CONTENT, reason);
        if (session->length == 0 || !idle(session) ||
            !datagram_is_whole(listener->protocol, SL_REQUEST, bytes, length, &reason))
            return;
        memcpy(session->bytes, bytes, length);
        session->length = 0;
    }
    session->length = (uint16_t)(session->length + length);
    if (!session->blocked && !session->waiting)
        session_read(session, false);
    took_in(session);
}

static void received(void *arg, struct udp_pcb *socket, struct pbuf *data, const ip_addr_t *from,
                     u16_t port)
{
    struct listener *listener = arg;
    const uint32_t client = lwip_ntohl(ip_2_ip4(from)->addr);
    uint8_t bytes[NET_MAX_DATAGRAM];
    const uint16_t length = data->tot_len;
    const size_t most =
        listener->protocol->link ? sizeof bytes : sizeof((struct session *)0)->bytes;
    enum sl_reason reason = SL_REASON_TRUNCATED;
    (void)socket;
    if (length <= most)
        (void)pbuf_copy_partial(data, bytes, length, 0);
    pbuf_free(data);
    struct session *session = find(listener, client, port);
    if (length > most ||
        (!session && !datagram_is_whole(listener->protocol, SL_REQUEST, bytes, length, &reason))) {
        drop(listener, client, port, DROP_CONTENT, length > most ? SL_REASON_LENGTH_FIELD : reason);
        return;
    }
    if (!session)
        session = begin(listener, client, port);
    if (session)
        take(session, bytes, length);
}

void datagram_deliver(struct session *session, const uint8_t *bytes, uint16_t length)
{
    struct listener *listener = &session->frontend->listener[session->service];
    if (!datagram_send_all(listener->socket, session->client, session->client_port, bytes, length))
        drop(listener, session->client, session->client_port, DROP_CAPACITY, SL_REASON_CAPACITY);
}

/* ---- the clock, the beginning ---- */

void datagram_check(struct ext_frontend *frontend)
{
    struct datagrams *const all = &frontend->datagrams;
    const uint64_t now = frontend->stack.now;
    while (all->oldest != NO_SESSION) {
        struct session *session = session_at(frontend, all->oldest);
        if (now < session->progress + IDLE_NS)
            break;
        if (idle(session)) {
            expire(session);
            continue;
        }
        session->progress = now; /* asked again later */
        take_out(session);
        append(session);
    }
    report_drops(frontend);
}

uint64_t datagram_next(const struct ext_frontend *frontend)
{
    const struct datagrams *const all = &frontend->datagrams;
    uint64_t next = SL_NEVER;
    if (all->oldest != NO_SESSION)
        next = frontend->session[all->oldest].progress + IDLE_NS;
    for (unsigned kind = 0; kind < DATAGRAM_DROPS; kind++)
        if (all->dropped[kind].count > 0 && all->dropped[kind].next_report < next)
            next = all->dropped[kind].next_report;
    return next;
}

void datagram_init(struct ext_frontend *frontend)
{
    struct datagrams *const all = &frontend->datagrams;
    all->limit = frontend->session_limit > 1 ? frontend->session_limit / 2 : 1;
    all->oldest = NO_SESSION;
    all->newest = NO_SESSION;
    for (unsigned i = 0; i < DATAGRAM_BUCKETS; i++)
        all->bucket[i] = NO_SESSION;
}

bool datagram_listen(struct listener *listener, const struct sl_service_endpoint *endpoint)
{
    const ip_addr_t address = IPADDR4_INIT(lwip_htonl(endpoint->address));
    listener->socket = udp_new();
    if (!listener->socket || udp_bind(listener->socket, &address, endpoint->port) != ERR_OK)
        return false;
    udp_recv(listener->socket, received, listener);
    return true;
}
