/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/outstanding.h"

#include <stdlib.h>
#include <string.h>

struct outstanding_request {
    struct outstanding_request *after;
    uint16_t key;
    uint32_t order;
    size_t length;
    _Alignas(8) uint8_t canonical[];
};

bool outstanding_add(struct outstanding *outstanding, uint16_t key, const void *request,
                     size_t length, uint32_t order)
{
    struct outstanding_request *added = malloc(sizeof *added + length);
    if (!added)
        return false;
    added->after = NULL;
    added->key = key;
    added->order = order;
    added->length = length;
    memcpy(added->canonical, request, length);
    if (!outstanding->last)
        outstanding->last = &outstanding->first;
    *outstanding->last = added;
    outstanding->last = &added->after;
    return true;
}

static void remove_at(struct outstanding *outstanding, struct outstanding_request **place)
{
    struct outstanding_request *removed = *place;
    *place = removed->after;
    if (outstanding->last == &removed->after)
        outstanding->last = place;
    free(removed);
}

static void settle_at(struct outstanding *outstanding, struct outstanding_request **place,
                      const void *reply, size_t length)
{
    if (outstanding->settled)
        outstanding->settled(outstanding->context, (*place)->canonical, (*place)->length,
                             (*place)->order, reply, length);
    remove_at(outstanding, place);
}

enum sl_reason outstanding_match(struct outstanding *outstanding,
                                 const struct sl_protocol *protocol,
                                 const struct policy_service *service, uint16_t key,
                                 const void *reply, size_t length)
{
    enum sl_reason why = SL_REASON_REPLY_UNMATCHED;
    struct outstanding_request **oldest = NULL;
    for (struct outstanding_request **place = &outstanding->first; *place;
         place = &(*place)->after) {
        if ((*place)->key != key)
            continue;
        enum sl_reason reason =
            protocol->match(service, (*place)->canonical, (*place)->length, key, reply, length);
        if (reason == SL_REASON_NONE) {
            struct sl_traits traits = {0};
            if (protocol->traits)
                traits = protocol->traits(SL_REPLY, reply, length);
            if (traits.more)
                (*place)->key = traits.next_key;
            else
                settle_at(outstanding, place, reply, length);
            return SL_REASON_NONE;
        }
        if (!oldest) {
            oldest = place;
            why = reason;
        }
    }
    if (oldest)
        settle_at(outstanding, oldest, NULL, 0);
    return why;
}

void outstanding_drop(struct outstanding *outstanding, uint16_t key)
{
    for (struct outstanding_request **place = &outstanding->first; *place;
         place = &(*place)->after) {
        if ((*place)->key != key)
            continue;
        settle_at(outstanding, place, NULL, 0);
        return;
    }
}

bool outstanding_confirm(struct outstanding *outstanding, uint32_t parties, uint16_t key)
{
    for (unsigned i = 0; i < OUTSTANDING_CONFIRMATIONS; i++) {
        if (!outstanding->awaited[i].on || outstanding->awaited[i].parties != parties ||
            outstanding->awaited[i].key != key)
            continue;
        outstanding->awaited[i].on = false;
        return true;
    }
    return false;
}

void outstanding_deliver(struct outstanding *outstanding, uint32_t parties, uint16_t key)
{
    (void)outstanding_confirm(outstanding, parties, key); /* sent again */
    const unsigned place = outstanding->awaited_next;
    outstanding->awaited[place].parties = parties;
    outstanding->awaited[place].key = key;
    outstanding->awaited[place].on = true;
    outstanding->awaited_next = (uint8_t)((place + 1) % OUTSTANDING_CONFIRMATIONS);
}

void outstanding_free(struct outstanding *outstanding)
{
    while (outstanding->first)
        remove_at(outstanding, &outstanding->first);
}
