/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One client's connection. Its bytes are kept in the session's own buffer until they make a message
 * and the message may go; its TCP window is no larger than the room there.
 * lwIP's callbacks only note what happened: what ends a connection happens in session_settle.
 */
#include <string.h>

#include "components/ext_frontend/ext_frontend.h"
#include "lwip/tcp.h"
#include "net/connection.h"
#include "sluice/host.h"

const unsigned short net_receive_window = NET_EXT_WINDOW;

#define POLL_MS 1000u
/* A client that takes no byte of a waiting reply for so long is cut off; sooner when memory for
 * replies runs short. */
#define STALL_NS       UINT64_C(10000000000)
#define STALL_SHORT_NS UINT64_C(1000000000)
#define BLOCKS_SHORT   (NET_BLOCKS / 2)

uint16_t session_number(const struct session *session)
{
    return (uint16_t)(session - session->frontend->session);
}

struct sl_record session_record(const struct session *session)
{
    return (struct sl_record){
        .service = session->service,
        .session = session_number(session),
        .slot = SL_NO_SLOT,
        .client = session->client,
        .client_port = session->client_port,
        .generation = session->generation,
        .time = session->frontend->stack.now,
    };
}

void session_touch(struct session *session)
{
    struct ext_frontend *frontend = session->frontend;
    if (session->touched)
        return;
    session->touched = true;
    frontend->touched[frontend->touched_count++] = session_number(session);
}

/* lwIP's blocks that this session's replies hold. */
void session_count_queued(struct session *session, uint16_t queued)
{
    struct ext_frontend *frontend = session->frontend;
    frontend->queued = (uint16_t)(frontend->queued - session->queued + queued);
    session->queued = queued;
}

/* As far as there is room for what comes. */
static void open_window(struct session *session)
{
    struct tcp_pcb *const pcb = session->pcb;
    const size_t room = sizeof session->bytes - session->length;
    const uint16_t window = (uint16_t)LWIP_MIN(room, NET_EXT_WINDOW);
    if (pcb && window > pcb->rcv_wnd)
        tcp_recved(pcb, (uint16_t)(window - pcb->rcv_wnd));
}

/* It is opened with the next reply, or at once when the client could not send a segment. */
static void spare_window(struct session *session)
{
    if (session->pcb && session->pcb->rcv_ann_wnd < NET_EXT_SEGMENT)
        open_window(session);
}

/* ---- requests ---- */

/* A full ring is nothing to report in one-way mode: clients are held back by it and nothing else.
 */
static bool put(struct ext_frontend *frontend, const struct sl_record *record, const void *bytes)
{
    return frontend->one_way ? links_offer(&frontend->links, record, bytes)
                             : links_put(&frontend->links, record, bytes, frontend->stack.now);
}

/* One-way mode: what the client is told depends on its own bytes and the configuration alone. */
static void confirm(struct session *session, const uint8_t *bytes, size_t length)
{
    const struct listener *listener = &session->frontend->listener[session->service];
    uint8_t reply[NET_MAX_MESSAGE];
    if (!listener->echo || !listener->protocol->confirm)
        return;
    const size_t confirmed = listener->protocol->confirm(bytes, length, reply, sizeof reply);
    if (confirmed)
        session_deliver(session, reply, (uint16_t)confirmed);
}

bool session_send(struct session *session, const uint8_t *bytes, size_t length, bool replies)
{
    struct ext_frontend *frontend = session->frontend;
    struct sl_record record = session_record(session);
    record.type = SL_RECORD_MESSAGE;
    record.length = (uint16_t)length;
    const uint16_t slot = slots_take(session, replies);
    record.slot = frontend->one_way ? SL_NO_SLOT : slot;
    if (put(frontend, &record, bytes)) {
        if (frontend->one_way) {
            confirm(session, bytes, length);
            slots_release(frontend, slot); /* no outcome will */
        }
        return true;
    }
    frontend->out_full = true; /* kept, and tried again in a later pass */
    slots_release(frontend, slot);
    line_wait(session);
    return false;
}

void session_took(struct session *session, uint16_t taken)
{
    if (taken > 0) {
        session->length = (uint16_t)(session->length - taken);
        memmove(session->bytes, session->bytes + taken, session->length);
    }
    spare_window(session);
}

void session_read(struct session *session, bool turn)
{
    const struct sl_protocol *protocol = session->frontend->listener[session->service].protocol;
    uint16_t taken = 0;
    session->blocked = false;
    if (protocol->link) {
        link_read(session, turn);
        return;
    }
    while (!session->refused && taken < session->length) {
        const struct sl_frame frame =
            protocol->frame(SL_REQUEST, session->bytes + taken, (size_t)session->length - taken);
        if (frame.status == SL_FRAME_LOST) {
            session->refused = true;
            session->reason = (uint16_t)frame.reason;
            session_touch(session);
        }
        if (frame.status != SL_FRAME_COMPLETE || !slots_admit(session, turn) ||
            !session_send(session, session->bytes + taken, frame.length, true))
            break;
        turn = false;
        taken = (uint16_t)(taken + frame.length);
    }
    session_took(session, taken);
}

static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *data, err_t error)
{
    struct session *session = arg;
    (void)pcb;
    (void)error;
    if (!data) {
        session->finished = true;
        session_touch(session);
        return ERR_OK;
    }
    /* The window is no larger than the room left, and lwIP cuts what exceeds it. */
    if (data->tot_len > sizeof session->bytes - session->length)
        sl_fault(session->frontend->links.host, "lwIP delivered more than its window",
                 data->tot_len, sizeof session->bytes - session->length);
    (void)pbuf_copy_partial(data, session->bytes + session->length, data->tot_len, 0);
    session->length = (uint16_t)(session->length + data->tot_len);
    pbuf_free(data);
    if (!session->blocked && !session->waiting)
        session_read(session, false);
    return ERR_OK;
}

/* ---- replies ---- */

void session_deliver(struct session *session, const uint8_t *bytes, uint16_t length)
{
    if (session->state != SESSION_OPEN || session->broken)
        return;
    if (session->datagrams) {
        datagram_deliver(session, bytes, length);
        return;
    }
    if (session->queued == 0)
        session->progress = session->frontend->stack.now;
    if (connection_write(session->pcb, bytes, length) != CONNECTION_ALL) {
        session->broken = true; /* its reply is lost: so is the order it may count on */
        session->reason = SL_REASON_CAPACITY;
        return;
    }
    session_count_queued(session, tcp_sndqueuelen(session->pcb));
}

static err_t acknowledged(void *arg, struct tcp_pcb *pcb, u16_t length)
{
    struct session *session = arg;
    (void)length;
    session->progress = session->frontend->stack.now;
    session_count_queued(session, tcp_sndqueuelen(pcb));
    if (session->blocked || session->owes_room > 0)
        session_touch(session);
    return ERR_OK;
}

static err_t polled(void *arg, struct tcp_pcb *pcb)
{
    struct session *session = arg;
    const struct ext_frontend *frontend = session->frontend;
    const uint64_t limit = frontend->queued > BLOCKS_SHORT ? STALL_SHORT_NS : STALL_NS;
    session_count_queued(session, tcp_sndqueuelen(pcb));
    if (session->owes_room > 0) /* what others held may be free */
        session_touch(session);
    if (session->queued > 0 && frontend->stack.now - session->progress > limit) {
        session->broken = true;
        session->reason = SL_REASON_CLIENT_STALLED;
        session_touch(session);
    }
    return ERR_OK;
}

/* ---- beginning and end ---- */

static void free_when_done(struct session *session)
{
    struct ext_frontend *frontend = session->frontend;
    if (session->state != SESSION_ENDED || session->outstanding > 0)
        return;
    session->state = SESSION_FREE;
    client_leave(session->holder);
    uint16_t *const free = frontend->free_session;
    if (!frontend->one_way) {
        free[frontend->free_session_count++] = session_number(session);
        return;
    }
    /* The longest free is used next: the other side may still be at this one's last requests. */
    memmove(free + 1, free, frontend->free_session_count++ * sizeof *free);
    free[0] = session_number(session);
}

/* The client has sent all that it will, and is owed replies: what waits long for the device is not
 * to go there any more, as the client may have left for good. Where the ring is full: a turn later.
 */
static void tell_finished(struct session *session)
{
    struct ext_frontend *frontend = session->frontend;
    struct sl_record record = session_record(session);
    record.type = SL_RECORD_SESSION_END;
    record.flags = SL_FLAG_FINISHED;
    session->end_sent = put(frontend, &record, NULL);
}

static bool send_end(struct session *session)
{
    struct ext_frontend *frontend = session->frontend;
    if (session->end_sent) {
        session->state = session->end_back ? SESSION_ENDED : SESSION_ENDING;
        free_when_done(session);
        return true;
    }
    struct sl_record record = session_record(session);
    record.type = SL_RECORD_SESSION_END;
    if (!put(frontend, &record, NULL))
        return false;
    session->state = SESSION_ENDING;
    if (frontend->one_way) { /* it does not come back; the generation tells uses apart */
        session->state = SESSION_ENDED;
        free_when_done(session);
    }
    return true;
}

void session_end(struct session *session)
{
    struct ext_frontend *frontend = session->frontend;
    struct sl_record record = session_record(session);
    links_audit(&frontend->links, &record, SL_AUDIT_SESSION_CLOSE, (enum sl_reason)session->reason,
                0, frontend->stack.now);
    session_count_queued(session, 0);
    line_leave(session);
    client_go_on(frontend, session->holder);
    if (frontend->listener[session->service].protocol->link)
        link_closed(session);
    session->pcb = NULL;
    if (session->datagrams)
        datagram_forget(session);
    session->state = SESSION_CLOSED;
    if (!send_end(session))
        frontend->closed_count++;
}

void session_send_ends(struct ext_frontend *frontend)
{
    for (unsigned i = 0; frontend->closed_count > 0 && i < frontend->session_limit; i++) {
        struct session *session = &frontend->session[i];
        if (session->state != SESSION_CLOSED)
            continue;
        if (!send_end(session))
            return;
        frontend->closed_count--;
    }
}

bool session_ended(struct session *session, uint32_t generation)
{
    if (session->generation != generation)
        return false;
    if (session->state == SESSION_OPEN && session->end_sent && !session->end_back) {
        session->end_back = true;
        return true;
    }
    if (session->state != SESSION_ENDING)
        return false;
    session->state = SESSION_ENDED;
    free_when_done(session);
    return true;
}

void session_refuse(struct session *session, uint16_t reason)
{
    if (session->state != SESSION_OPEN || session->refused)
        return;
    session->refused = true;
    session->reason = reason;
}

void session_slot_released(struct session *session)
{
    session->outstanding--;
    if (session->state == SESSION_OPEN)
        session_touch(session);
    else
        free_when_done(session);
}

void session_settle(struct session *session)
{
    struct ext_frontend *frontend = session->frontend;
    session->touched = false;
    if (session->state != SESSION_OPEN)
        return;
    if (session->owes_room > 0 && !session->broken)
        slots_tell_room(session);
    if (session->blocked && !session->broken)
        session_read(session, false);
    if (session->datagrams) {
        if (session->refused && session->outstanding == 0)
            session_end(session);
        return;
    }
    struct tcp_pcb *pcb = session->pcb;
    if (session->broken) {
        session_end(session);
        connection_abort(pcb);
        return;
    }
    /* Replies owed are still delivered: to who sent no more, and to who sent nonsense. */
    const bool all_sent = session->finished && !session->blocked && !session->waiting;
    const bool done = session->refused || all_sent;
    if (done && session->outstanding == 0) {
        const bool nothing_owed = !connection_unacknowledged(pcb);
        const bool refused = session->refused;
        session_end(session);
        if (refused && nothing_owed)
            connection_abort(pcb);
        else
            connection_close(pcb, (uint16_t)(NET_EXT_WINDOW - pcb->rcv_wnd));
        return;
    }
    if (all_sent && !session->end_sent && !frontend->one_way &&
        !frontend->listener[session->service].protocol->link)
        tell_finished(session);
    open_window(session);
    (void)tcp_output(pcb);
}

static void failed(void *arg, err_t error)
{
    struct session *session = arg;
    (void)error; /* reset, vanished or aborted by lwIP: lwIP has freed its control block */
    if (session->reason == SL_REASON_NONE)
        session->reason = SL_REASON_CLIENT_LEFT;
    session_end(session);
}

struct session *session_begin(struct listener *listener, uint32_t client, uint16_t client_port,
                              enum sl_reason *reason)
{
    struct ext_frontend *frontend = listener->frontend;
    *reason = SL_REASON_CAPACITY;
    if (frontend->free_session_count == 0)
        return NULL;
    *reason = SL_REASON_QUOTA;
    struct client *holder = client_join(frontend, client);
    if (!holder)
        return NULL;
    struct session *session =
        &frontend->session[frontend->free_session[--frontend->free_session_count]];
    const struct session before = {.frontend = frontend,
                                   .holder = holder,
                                   .progress = frontend->stack.now,
                                   .generation = session->generation + 1,
                                   .client = client,
                                   .client_port = client_port,
                                   .service = listener->service,
                                   .state = SESSION_OPEN,
                                   .touched = session->touched};
    memcpy(session, &before, offsetof(struct session, bytes));
    const struct sl_record record = session_record(session);
    links_audit(&frontend->links, &record, SL_AUDIT_SESSION_OPEN, SL_REASON_NONE, 0,
                frontend->stack.now);
    if (listener->protocol->link)
        link_begin(session);
    return session;
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t error)
{
    struct listener *listener = arg;
    struct ext_frontend *frontend = listener->frontend;
    enum sl_reason reason;
    (void)error;
    if (!pcb) /* no control block for one more client */
        return ERR_MEM;
    const uint32_t client = lwip_ntohl(ip_2_ip4(&pcb->remote_ip)->addr);
    struct session *session = session_begin(listener, client, pcb->remote_port, &reason);
    if (!session) {
        const struct sl_record record = {.service = listener->service,
                                         .session = NO_SESSION,
                                         .slot = SL_NO_SLOT,
                                         .client = client,
                                         .client_port = pcb->remote_port};
        frontend->refused_clients++;
        links_audit(&frontend->links, &record, SL_AUDIT_DROPPED, reason, 1, frontend->stack.now);
        return ERR_MEM; /* lwIP resets the connection */
    }
    session->pcb = pcb;
    connection_tune(pcb);
    tcp_arg(pcb, session);
    tcp_recv(pcb, received);
    tcp_sent(pcb, acknowledged);
    tcp_err(pcb, failed);
    tcp_poll(pcb, polled, POLL_MS / CONNECTION_POLL_MS);
    return ERR_OK;
}

void session_listen(struct ext_frontend *frontend, const struct sl_frontend_config *config,
                    unsigned service)
{
    const struct sl_service_endpoint *endpoint = &config->service[service];
    struct listener *listener = &frontend->listener[service];
    struct sl_host *host = frontend->links.host;
    *listener = (struct listener){.frontend = frontend,
                                  .protocol = sl_protocol(endpoint->protocol),
                                  .timeout = endpoint->timeout,
                                  .service = (uint8_t)service,
                                  .echo = frontend->one_way && endpoint->echo,
                                  .skip_noise = endpoint->skip_noise};
    const struct sl_protocol *protocol = listener->protocol;
    if (!protocol || (protocol->link ? protocol->max_emitted > NET_LONG_SEND_BUFFER
                                     : protocol->max_message > NET_MAX_MESSAGE))
        sl_fault(host, "a service's protocol is none that ext_frontend has room for",
                 endpoint->protocol, NET_MAX_MESSAGE);
    listener->reply_bytes =
        (uint16_t)(protocol->link ? protocol->max_emitted : (size_t)NET_MAX_MESSAGE);
    listener->reply_blocks =
        (uint8_t)((listener->reply_bytes + NET_WRITE_SIZE - 1) / NET_WRITE_SIZE);
    if (protocol->link) {
        listener->stations = link_stations(config, service);
        slots_spare(frontend);
    }
    stack_add_address(&frontend->stack, endpoint->address);
    if (endpoint->datagrams) {
        if (!datagram_listen(listener, endpoint))
            sl_fault(host, "cannot listen: another service has this address and UDP port", service,
                     endpoint->port);
        return;
    }
    const ip_addr_t address = IPADDR4_INIT(lwip_htonl(endpoint->address));
    struct tcp_pcb *pcb = tcp_new();
    if (!pcb || tcp_bind(pcb, &address, endpoint->port) != ERR_OK)
        sl_fault(host, "cannot listen: another service has this address and port", service,
                 endpoint->port);
    pcb = tcp_listen(pcb);
    if (!pcb)
        sl_fault(host, "cannot listen: more services than control blocks", service,
                 SL_MAX_SERVICES);
    tcp_arg(pcb, listener);
    tcp_accept(pcb, accepted);
}
