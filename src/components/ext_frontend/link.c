/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client's connection where the protocol has a link layer: its frames become messages, and what
 * is for this end of the link alone is answered here, as the device's state is.
 */
#include "components/ext_frontend/ext_frontend.h"

#include "lwip/tcp.h"
#include "net/connection.h"

/* Answers of our own wait in a send queue only behind so many blocks: who asks and does not read
 * gets no more of them. */
#define ANSWER_BLOCKS 8u

static struct link_end *end_of(struct session *session)
{
    return &session->frontend->link.end[session_number(session)];
}

static void audit_dropped(struct session *session, enum sl_reason reason, uint64_t count)
{
    const struct sl_record record = session_record(session);
    links_audit(&session->frontend->links, &record, SL_AUDIT_DROPPED, reason, count,
                session->frontend->stack.now);
}

static void report_noise(struct session *session)
{
    struct link_end *end = end_of(session);
    if (end->noise > 0)
        audit_dropped(session, SL_REASON_START_OCTETS, end->noise);
    end->noise = 0;
}

static void answer(struct session *session, const struct sl_link_step *step)
{
    if (step->answer_length > 0 && session->datagrams)
        datagram_deliver(session, step->answer, step->answer_length);
    if (step->answer_length == 0 || session->datagrams ||
        tcp_sndqueuelen(session->pcb) >= ANSWER_BLOCKS)
        return;
    if (session->queued == 0)
        session->progress = session->frontend->stack.now;
    if (connection_write(session->pcb, step->answer, step->answer_length) == CONNECTION_ALL)
        session_count_queued(session, tcp_sndqueuelen(session->pcb));
    session_touch(session);
}

/* False: it must wait. Of what is sent, a confirmation alone takes no room for a reply. */
static bool send(struct session *session, const struct sl_protocol *protocol,
                 const struct link_look *look, bool turn)
{
    const struct sl_traits traits = protocol->frame_traits(SL_REQUEST, look->message, look->length);
    if (traits.confirms ? !slots_admit_confirmation(session) : !slots_admit(session, turn))
        return false;
    return session_send(session, look->message, look->length, !traits.confirms);
}

void link_read(struct session *session, bool turn)
{
    struct ext_frontend *frontend = session->frontend;
    const struct listener *listener = &frontend->listener[session->service];
    struct link_end *end = end_of(session);
    struct sl_link_view view = listener->stations;
    uint16_t taken = 0;
    view.far = (enum sl_link_far)session->far;
    while (!session->refused && taken < session->length) {
        const uint8_t *const bytes = session->bytes + taken;
        struct link_look look;
        link_look(&frontend->link.assemblies, end, session_number(session), listener->protocol,
                  SL_REQUEST, &view, listener->skip_noise, bytes, (size_t)session->length - taken,
                  &look);
        const struct sl_link_step *const step = &look.step;
        if (step->status == SL_LINK_MORE || step->status == SL_LINK_WAIT)
            break;
        if (step->status == SL_LINK_NOISE && !listener->skip_noise) {
            session_refuse(session, (uint16_t)step->reason);
            session_touch(session);
            break;
        }
        if (step->status == SL_LINK_MESSAGE) {
            if (!send(session, listener->protocol, &look, turn))
                break;
            turn = false;
        }
        if (step->status != SL_LINK_NOISE)
            report_noise(session);
        const enum sl_reason given_up =
            link_take(&frontend->link.assemblies, end, session_number(session), bytes, &look);
        if (given_up != SL_REASON_NONE)
            audit_dropped(session, given_up, 1);
        answer(session, step);
        taken = (uint16_t)(taken + step->length);
    }
    session_took(session, taken);
}

void link_begin(struct session *session)
{
    struct ext_frontend *frontend = session->frontend;
    *end_of(session) = (struct link_end){0};
    if (frontend->one_way) { /* nobody will say */
        session->far = SL_LINK_FAR_UP;
        return;
    }
    struct sl_record record = session_record(session);
    record.type = SL_RECORD_SESSION_BEGIN;
    (void)links_put(&frontend->links, &record, NULL, frontend->stack.now);
}

void link_closed(struct session *session)
{
    report_noise(session);
    assembly_forget(&session->frontend->link.assemblies, session_number(session));
}

void link_device(struct session *session, uint16_t reason)
{
    const bool waited = session->far == SL_LINK_FAR_UNKNOWN;
    session->far = reason == SL_REASON_NONE ? SL_LINK_FAR_UP : SL_LINK_FAR_DOWN;
    if (waited && session->state == SESSION_OPEN && !session->blocked && !session->waiting)
        session_read(session, false);
}

bool link_unsolicited(struct session *session, const uint8_t *bytes, uint16_t length)
{
    if (session->state != SESSION_OPEN || session->broken || session->refused)
        return true; /* nobody is there any more */
    if (!slots_room_beside(session, length))
        return false;
    session_deliver(session, bytes, length);
    session_touch(session);
    return true;
}
