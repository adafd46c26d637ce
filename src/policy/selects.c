/* SPDX-License-Identifier: BSD-2-Clause */
/* What was prepared and waits to be executed. Each client has one place between two parties, so
 * that nobody can take another's but by having more parties than there are places. */
#include "policy/state.h"

static bool is_of(const struct policy_select *select, unsigned service, uint32_t client,
                  uint32_t parties)
{
    return select->length && select->service == service && select->client == client &&
           select->parties == parties;
}

struct policy_select *policy_select_find(struct policy_state *state, unsigned service,
                                         uint32_t client, uint32_t parties)
{
    for (unsigned i = 0; i < POLICY_SELECTS; i++)
        if (is_of(&state->select[i], service, client, parties))
            return state->select[i].session == state->session ? &state->select[i] : NULL;
    return NULL;
}

struct policy_select *policy_select_place(struct policy_state *state, unsigned service,
                                          uint32_t client, uint32_t parties)
{
    struct policy_select *place = NULL;
    for (unsigned i = 0; i < POLICY_SELECTS && !place; i++)
        if (is_of(&state->select[i], service, client, parties))
            place = &state->select[i];
    for (unsigned i = 0; i < POLICY_SELECTS && !place; i++)
        if (state->select[i].length == 0)
            place = &state->select[i];
    if (!place) {
        place = &state->select[0];
        for (unsigned i = 1; i < POLICY_SELECTS; i++)
            if ((int32_t)(state->select[i].order - place->order) < 0)
                place = &state->select[i];
    }
    place->service = (uint16_t)service;
    place->client = client;
    place->session = state->session;
    place->parties = parties;
    place->good = false;
    place->challenged = false;
    return place;
}

void policy_selects_forget(struct policy_state *state, uint32_t session)
{
    for (unsigned i = 0; i < POLICY_SELECTS; i++)
        if (state->select[i].session == session)
            state->select[i].length = 0;
}
