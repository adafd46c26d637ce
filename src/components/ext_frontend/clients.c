/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one client, known by its address, may hold of what all share: sessions and reply slots.
 * A session that could go on but for its client's share waits in its client's own line, so that
 * it costs the others nothing; a slot that the client gets back moves one on to the line of all.
 *
 * Requests that the core has just got are before those of others in its rings, so a client may
 * have few of them while others send any. Older ones wait for their devices and hold up nobody: of
 * them it may have its share. Fresh are those of two moments: of this one, and of the one before.
 */
#include "components/ext_frontend/ext_frontend.h"

#include "sluice/host.h"

#define MOMENT     UINT64_C(1000000) /* ns */
#define FRESH_MOST 16u
#define OTHERS     UINT64_C(10000000000) /* ns: so long a client's request means that it sends some */

static struct client *find(struct ext_frontend *frontend, uint32_t address)
{
    struct client *unused = NULL;
    for (unsigned i = 0; i < frontend->session_limit; i++) {
        struct client *client = &frontend->client[i];
        if (client->sessions > 0 && client->address == address)
            return client;
        if (client->sessions == 0 && !unused)
            unused = client;
    }
    if (unused)
        *unused = (struct client){
            .address = address, .first_waiting = NO_SESSION, .last_waiting = NO_SESSION};
    return unused;
}

struct client *client_join(struct ext_frontend *frontend, uint32_t address)
{
    struct client *client = find(frontend, address);
    if (!client || client->sessions >= frontend->client_sessions)
        return NULL;
    client->sessions++;
    return client;
}

static void next_in_line(struct ext_frontend *frontend, struct client *client)
{
    if (client->first_waiting == NO_SESSION)
        return;
    struct session *session = &frontend->session[client->first_waiting];
    client->first_waiting = session->next_waiting;
    session->waiting = false;
    slots_wait(session);
}

void client_leave(struct ext_frontend *frontend, struct client *client)
{
    if (--client->sessions > 0)
        return;
    while (client->first_waiting != NO_SESSION) /* numbers that others use by now */
        next_in_line(frontend, client);
}

bool client_room(const struct session *session, bool confirmation)
{
    const struct ext_frontend *frontend = session->frontend;
    const struct client *client = session->holder;
    if (confirmation)
        return client->outstanding < frontend->client_slots + 1u;
    return client->outstanding < frontend->client_slots &&
           client->reserved + frontend->listener[session->service].reply_blocks <=
               frontend->client_blocks;
}

void client_wait(struct session *session)
{
    struct ext_frontend *frontend = session->frontend;
    struct client *client = session->holder;
    if (session->waiting)
        return;
    const uint16_t number = session_number(session);
    session->waiting = true;
    session->next_waiting = NO_SESSION;
    if (client->first_waiting == NO_SESSION)
        client->first_waiting = number;
    else
        frontend->session[client->last_waiting].next_waiting = number;
    client->last_waiting = number;
}

static uint32_t moment_of(const struct ext_frontend *frontend)
{
    return (uint32_t)(frontend->stack.now / MOMENT);
}

static void age(const struct ext_frontend *frontend, struct client *client)
{
    const uint32_t moment = moment_of(frontend);
    if (moment == client->moment)
        return;
    client->fresh[1] = moment == client->moment + 1u ? client->fresh[0] : 0;
    client->fresh[0] = 0;
    client->moment = moment;
}

bool client_fresh_room(const struct session *session)
{
    struct client *client = session->holder;
    if (session->frontend->stack.now >= session->frontend->others_until)
        return true;
    age(session->frontend, client);
    return client->fresh[0] + client->fresh[1] < FRESH_MOST;
}

uint32_t client_slot_taken(struct ext_frontend *frontend, struct client *client, uint8_t blocks)
{
    if (frontend->last_sender && frontend->last_sender != client->address)
        frontend->others_until = frontend->last_sent + OTHERS;
    frontend->last_sender = client->address;
    frontend->last_sent = frontend->stack.now;
    age(frontend, client);
    client->outstanding++;
    client->reserved = (uint16_t)(client->reserved + blocks);
    client->fresh[0]++;
    return client->moment;
}

void client_slot_released(struct ext_frontend *frontend, struct client *client,
                          const struct reply_slot *slot)
{
    age(frontend, client);
    const uint32_t ago = client->moment - slot->moment;
    if (ago < 2 && client->fresh[ago] > 0)
        client->fresh[ago]--;
    client->outstanding--;
    client->reserved = (uint16_t)(client->reserved - slot->blocks);
    next_in_line(frontend, client);
}

void clients_age(struct ext_frontend *frontend)
{
    if (!frontend->fresh_waits || moment_of(frontend) == frontend->moment)
        return;
    frontend->moment = moment_of(frontend);
    frontend->fresh_waits = false;
    for (unsigned i = 0; i < frontend->session_limit; i++) {
        struct client *client = &frontend->client[i];
        if (client->sessions == 0 || client->outstanding >= frontend->client_slots)
            continue;
        age(frontend, client);
        const unsigned fresh = (unsigned)client->fresh[0] + client->fresh[1];
        const unsigned share = (unsigned)frontend->client_slots - client->outstanding;
        for (unsigned moved = 0; fresh + moved < FRESH_MOST && moved < share; moved++)
            next_in_line(frontend, client);
        frontend->fresh_waits = frontend->fresh_waits || client->first_waiting != NO_SESSION;
    }
}

uint64_t clients_next(const struct ext_frontend *frontend)
{
    return frontend->fresh_waits ? (frontend->stack.now / MOMENT + 1) * MOMENT : SL_NEVER;
}
