/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reply slots. A request goes to the core only with a slot for its outcome, room for its reply
 * in its client's send buffer and memory for it in lwIP: so a reply always finds its way, and a
 * client that sends and never reads stops being read itself.
 */
#include "components/ext_frontend/ext_frontend.h"

#include "lwip/tcp.h"

#define CHECK_INTERVAL UINT64_C(1000000000) /* ns */
/* Beyond a service's timeout; policy_emit gives up a second after it (reply.c). */
#define PATIENCE       UINT64_C(5000000000)
#define WAITS_INTERVAL UINT64_C(10000000000) /* ns from one report of waiting to the next */
/* A block of a reply becomes two when it is cut at a segment's end. */
#define CUT 2u
/* Replies in several messages have parts that the client has not acknowledged while room for the
 * next is kept, and others come unasked: so many of the longest have room beside those to come. */
#define BESIDE 4u
/* Kept for confirmations where there are any: without one, a reply in several messages would hold
 * its slot until it is overdue. A session and a client may have one more each for them. */
#define SPARE_SLOTS(slots) ((uint16_t)((slots) / 16u + 1u))

void slots_init(struct ext_frontend *frontend)
{
    frontend->free_slot_count = frontend->slot_limit;
    for (uint16_t i = 0; i < frontend->slot_limit; i++)
        frontend->free_slot[i] = (uint16_t)(frontend->slot_limit - 1 - i);
    frontend->line = (struct line){NO_SESSION, NO_SESSION};
}

void slots_spare(struct ext_frontend *frontend)
{
    if (frontend->slot_limit > 1)
        frontend->spare_slots = SPARE_SLOTS(frontend->slot_limit);
}

static const struct listener *listener_of(const struct session *session)
{
    return &session->frontend->listener[session->service];
}

static unsigned replies_owed(const struct session *session)
{
    return (unsigned)session->outstanding - session->confirming;
}

static unsigned blocks_of(unsigned bytes)
{
    return (bytes + NET_WRITE_SIZE - 1u) / NET_WRITE_SIZE;
}

/* In the client's send queue, for so many replies to come and one of so many bytes besides. */
static bool queue_room_for(const struct session *session, unsigned replies, unsigned bytes)
{
    const struct listener *listener = listener_of(session);
    const bool is_long = listener->reply_bytes > NET_MAX_MESSAGE;
    const unsigned beyond = TCP_SND_BUF - (is_long ? NET_LONG_SEND_BUFFER : NET_SEND_BUFFER);
    const unsigned queue = is_long ? NET_LONG_SEND_QUEUE : NET_SEND_QUEUE;
    return session->datagrams ||
           (tcp_sndbuf(session->pcb) >= beyond + replies * listener->reply_bytes + bytes &&
            tcp_sndqueuelen(session->pcb) +
                    (replies * listener->reply_blocks + blocks_of(bytes)) * CUT <=
                queue);
}

static bool own_room(const struct session *session)
{
    const unsigned beside = listener_of(session)->protocol->link ? BESIDE : 0;
    return session->outstanding < session->frontend->quota &&
           queue_room_for(session, replies_owed(session) + 1u + beside, 0);
}

static bool shared_room(const struct ext_frontend *frontend)
{
    return frontend->free_slot_count > frontend->spare_slots && !frontend->out_full &&
           frontend->reserved + frontend->queued + NET_BLOCKS_RESERVED < NET_BLOCKS;
}

bool slots_room_beside(const struct session *session, uint16_t length)
{
    const struct ext_frontend *frontend = session->frontend;
    const unsigned blocks = (unsigned)frontend->reserved + frontend->queued;
    return queue_room_for(session, replies_owed(session), length) &&
           blocks + blocks_of(length) + NET_BLOCKS_RESERVED <= NET_BLOCKS;
}

/* A request that was not waiting before has to: told at once, and what comes soon after in one. */
static void waited(const struct session *session, enum sl_reason reason)
{
    struct ext_frontend *frontend = session->frontend;
    struct waits *waits = &frontend->waits[reason == SL_REASON_QUOTA];
    const uint64_t now = frontend->stack.now;
    if (session->waiting || frontend->out_full)
        return;
    waits->count++;
    if (now < waits->next_report)
        return;
    const struct sl_record record = session_record(session);
    links_audit(&frontend->links, &record, SL_AUDIT_WAITED, reason, waits->count, now);
    *waits = (struct waits){.next_report = now + WAITS_INTERVAL};
}

bool slots_admit(struct session *session, bool turn)
{
    struct ext_frontend *frontend = session->frontend;
    session->confirms = false;
    if (!own_room(session)) {
        session->blocked = true;
        return false;
    }
    if (!client_room(session, false)) {
        waited(session, SL_REASON_QUOTA);
        line_wait_for_share(session);
        return false;
    }
    if (!client_fresh_room(session)) {
        frontend->fresh_waits = true;
        line_wait_for_share(session);
        return false;
    }
    if (!turn && session->holder->line.first != NO_SESSION) { /* behind those */
        line_wait_for_share(session);
        return false;
    }
    const bool room = shared_room(frontend);
    if (!room || (!turn && frontend->line.first != NO_SESSION)) {
        if (!room)
            waited(session, SL_REASON_CAPACITY);
        line_wait(session);
        return false;
    }
    return true;
}

static bool room_to_confirm(const struct ext_frontend *frontend)
{
    return frontend->free_slot_count > 0 && !frontend->out_full;
}

bool slots_admit_confirmation(struct session *session)
{
    const struct ext_frontend *frontend = session->frontend;
    session->confirms = true;
    if (session->outstanding > frontend->quota) {
        session->blocked = true;
        return false;
    }
    if (!client_room(session, true)) {
        line_wait_for_share(session);
        return false;
    }
    if (!room_to_confirm(frontend)) {
        line_wait(session);
        return false;
    }
    return true;
}

uint16_t slots_take(struct session *session, bool replies)
{
    struct ext_frontend *frontend = session->frontend;
    const uint16_t number = frontend->free_slot[--frontend->free_slot_count];
    const uint8_t blocks = replies ? listener_of(session)->reply_blocks : 0;
    const uint32_t moment = client_slot_taken(frontend, session->holder, blocks);
    frontend->slot[number] = (struct reply_slot){.time = frontend->stack.now,
                                                 .moment = moment,
                                                 .session = session_number(session),
                                                 .blocks = blocks,
                                                 .held = true};
    frontend->reserved = (uint16_t)(frontend->reserved + blocks);
    session->outstanding++;
    session->confirming = (uint16_t)(session->confirming + !replies);
    return number;
}

void slots_release(struct ext_frontend *frontend, uint16_t number)
{
    struct reply_slot *slot = &frontend->slot[number];
    struct session *session = &frontend->session[slot->session];
    slot->held = false;
    frontend->reserved = (uint16_t)(frontend->reserved - slot->blocks);
    frontend->free_slot[frontend->free_slot_count++] = number;
    session->owes_room = (uint16_t)(session->owes_room - slot->owes_room);
    session->confirming = (uint16_t)(session->confirming - (slot->blocks == 0));
    client_slot_released(frontend, session->holder, slot);
    session_slot_released(session);
}

void slots_continue(struct ext_frontend *frontend, uint16_t number)
{
    struct reply_slot *slot = &frontend->slot[number];
    struct session *session = &frontend->session[slot->session];
    slot->time = frontend->stack.now;
    session->owes_room = (uint16_t)(session->owes_room + !slot->owes_room);
    slot->owes_room = true;
    session_touch(session);
}

void slots_tell_room(struct session *session)
{
    struct ext_frontend *frontend = session->frontend;
    const bool room =
        queue_room_for(session, replies_owed(session), 0) &&
        (unsigned)frontend->reserved + frontend->queued + NET_BLOCKS_RESERVED <= NET_BLOCKS;
    for (uint16_t i = 0; room && session->owes_room > 0 && i < frontend->slot_limit; i++) {
        struct reply_slot *slot = &frontend->slot[i];
        if (!slot->held || !slot->owes_room || slot->session != session_number(session))
            continue;
        struct sl_record record = session_record(session);
        record.type = SL_RECORD_ROOM;
        record.slot = i;
        if (!links_put(&frontend->links, &record, NULL, frontend->stack.now))
            return;
        slot->owes_room = false;
        session->owes_room--;
    }
}

bool slots_servable(struct ext_frontend *frontend)
{
    const struct session *first = line_first(frontend, &frontend->line);
    return first && (first->confirms ? room_to_confirm(frontend) : shared_room(frontend));
}

void slots_serve(struct ext_frontend *frontend)
{
    while (slots_servable(frontend)) {
        struct session *session = line_first(frontend, &frontend->line);
        line_leave(session);
        session_read(session, true);
        session_touch(session);
        client_go_on(frontend, session->holder);
    }
}

void slots_check(struct ext_frontend *frontend)
{
    const uint64_t now = frontend->stack.now;
    if (now < frontend->next_check)
        return;
    frontend->next_check = now + CHECK_INTERVAL;
    for (unsigned i = 0; i < frontend->slot_limit; i++) {
        struct reply_slot *slot = &frontend->slot[i];
        if (!slot->held || slot->overdue)
            continue;
        const struct session *session = &frontend->session[slot->session];
        if (now - slot->time <= frontend->listener[session->service].timeout + PATIENCE)
            continue;
        slot->overdue = true;
        frontend->overdue_slots++;
        struct sl_record record = session_record(session);
        record.slot = (uint16_t)i;
        links_audit(&frontend->links, &record, SL_AUDIT_FAILED, SL_REASON_OUTCOME_OVERDUE,
                    now - slot->time, now);
    }
}
