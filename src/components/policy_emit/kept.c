/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is kept from one message for the next: requests, for the replies to them, and that a reply
 * waits for its confirmation. Bounded; what is long has few places that all slots share.
 */
#include "components/policy_emit/policy_emit.h"

void kept_init(struct policy_emit *emit)
{
    for (unsigned i = 0; i < SL_MAX_SLOTS; i++)
        emit->slot[i].place = NO_PLACE;
    if (!emit->has_link) /* then there may be no such memory */
        return;
    emit->link.long_free_count = LONG_REQUESTS;
    for (uint8_t i = 0; i < LONG_REQUESTS; i++)
        emit->link.long_free[i] = i;
}

void slot_forget(struct policy_emit *emit, struct slot *slot)
{
    if (slot->place == NO_PLACE)
        return;
    emit->link.long_free[emit->link.long_free_count++] = slot->place;
    slot->place = NO_PLACE;
    slot->request_length = 0;
}

bool slot_keep(struct policy_emit *emit, struct slot *slot, const uint8_t *request, uint16_t length)
{
    slot_forget(emit, slot);
    slot->request_length = 0;
    uint8_t *to = slot->request;
    if (length > sizeof slot->request) {
        struct emit_link *link = &emit->link;
        if (!emit->has_link || link->long_free_count == 0 || length > SL_MAX_PAYLOAD)
            return false;
        slot->place = link->long_free[--link->long_free_count];
        to = link->long_request[slot->place];
    }
    memcpy(to, request, length);
    slot->request_length = length;
    return true;
}

const uint8_t *slot_request(const struct policy_emit *emit, const struct slot *slot)
{
    return slot->place == NO_PLACE ? slot->request : emit->link.long_request[slot->place];
}

static bool same(const struct awaited *awaited, const struct sl_record *record, uint32_t parties,
                 uint16_t key)
{
    return awaited->on && awaited->session == record->session &&
           awaited->generation == record->generation && awaited->parties == parties &&
           awaited->key == key;
}

void awaited_add(struct policy_emit *emit, const struct sl_record *record, uint32_t parties)
{
    struct emit_link *link = &emit->link;
    for (unsigned i = 0; i < AWAITED_MAX; i++)
        if (same(&link->awaited[i], record, parties, record->key))
            return; /* sent again */
    link->awaited[link->awaited_next] = (struct awaited){.parties = parties,
                                                         .generation = record->generation,
                                                         .session = record->session,
                                                         .key = record->key,
                                                         .on = true};
    link->awaited_next = (uint16_t)((link->awaited_next + 1u) % AWAITED_MAX);
}

bool awaited_take(struct policy_emit *emit, const struct sl_record *record, uint32_t parties,
                  uint16_t key)
{
    for (unsigned i = 0; i < AWAITED_MAX; i++) {
        struct awaited *awaited = &emit->link.awaited[i];
        if (!same(awaited, record, parties, key))
            continue;
        awaited->on = false;
        return true;
    }
    return false;
}
