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
#define FRESH_MOST 32u
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
        *unused = (struct client){.address = address, .line = {NO_SESSION, NO_SESSION}};
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

void client_leave(struct client *client)
{
    client->sessions--;
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

/* Room for this many of its requests before as many are fresh as may be. */
static unsigned fresh_room(const struct ext_frontend *frontend, struct client *client)
{
    if (frontend->stack.now >= frontend->others_until)
        return UINT16_MAX;
    age(frontend, client);
    const unsigned fresh = (unsigned)client->fresh[0] + client->fresh[1];
    return fresh < FRESH_MOST ? FRESH_MOST - fresh : 0;
}

bool client_fresh_room(const struct session *session)
{
    return fresh_room(session->frontend, session->holder) > 0;
}

/* Those ahead will take their part of it; each that is served or ends lets this be asked again. */
static bool first_may_go_on(struct ext_frontend *frontend, struct client *client)
{
    const struct session *first = line_first(frontend, &client->line);
    if (!first || first->confirms)
        return first && client_room(first, true);
    const unsigned blocks = frontend->listener[first->service].reply_blocks;
    if (client->outstanding + client->ahead >= frontend->client_slots ||
        client->reserved + (client->ahead + 1u) * blocks > frontend->client_blocks)
        return false;
    const unsigned room = fresh_room(frontend, client);
    if (room == 0)
        frontend->fresh_waits = true;
    return client->ahead < room;
}

void client_go_on(struct ext_frontend *frontend, struct client *client)
{
    while (first_may_go_on(frontend, client)) {
        struct session *first = line_first(frontend, &client->line);
        line_leave(first);
        line_wait(first);
    }
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
    client_go_on(frontend, client);
}

void clients_age(struct ext_frontend *frontend)
{
    if (!frontend->fresh_waits || moment_of(frontend) == frontend->moment)
        return;
    frontend->moment = moment_of(frontend);
    frontend->fresh_waits = false;
    for (unsigned i = 0; i < frontend->session_limit; i++)
        if (frontend->client[i].sessions > 0)
            client_go_on(frontend, &frontend->client[i]);
}

uint64_t clients_next(const struct ext_frontend *frontend)
{
    return frontend->fresh_waits ? (frontend->stack.now / MOMENT + 1) * MOMENT : SL_NEVER;
}
