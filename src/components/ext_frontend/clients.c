/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one client, known by its address, may hold of what all share: sessions and reply slots.
 * A session that could go on but for its client's share waits in its client's own line, so that
 * it costs the others nothing; a slot that the client gets back moves one on to the line of all.
 */
#include "components/ext_frontend/ext_frontend.h"

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

void client_slot_released(struct ext_frontend *frontend, struct client *client, uint8_t blocks)
{
    client->outstanding--;
    client->reserved = (uint16_t)(client->reserved - blocks);
    next_in_line(frontend, client);
}
