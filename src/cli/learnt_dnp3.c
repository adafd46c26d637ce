/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/learnt_dnp3.h"

#include <string.h>

#include "cli/learnt.h"
#include "policy/compiler/arena.h"
#include "policy/compiler/spans.h"
#include "protocols/dnp3/walk.h"

#define CONTROL_TRIP_CLOSE 6u    /* shift in the control code (1815 A.8.1) */
#define CONTROL_MODIFIERS  0x30u /* queue and clear */
#define CONTROL_OPERATION  0x0fu
#define SLACK              64u /* ranges that may wait to be put in order */

static uint64_t hash_key(const struct learnt_dnp3_key *key)
{
    uint64_t hash = (uint64_t)key->server << 32 | key->client;
    const uint64_t more[] = {(uint64_t)key->port << 32 | (uint64_t)key->master << 16 |
                                 key->outstation,
                             (uint64_t)key->function << 8 | (uint64_t)key->every << 2 |
                                 (uint64_t)key->blocks << 1 | key->udp,
                             key->groups[0],
                             key->groups[1],
                             key->groups[2],
                             key->groups[3]};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        hash = (hash ^ more[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return hash >> 40;
}

static bool same_key(const struct learnt_dnp3_key *a, const struct learnt_dnp3_key *b)
{
    return a->server == b->server && a->client == b->client && a->port == b->port &&
           a->master == b->master && a->outstation == b->outstation && a->function == b->function &&
           a->udp == b->udp && a->every == b->every && a->blocks == b->blocks &&
           memcmp(a->groups, b->groups, sizeof a->groups) == 0;
}

static struct learnt_dnp3_kind *kind_of(struct learnt_dnp3 *learnt,
                                        const struct learnt_dnp3_key *key)
{
    struct learnt_dnp3_kind **bucket = &learnt->bucket[hash_key(key) % LEARNT_DNP3_BUCKETS];
    for (struct learnt_dnp3_kind *known = *bucket; known; known = known->next_in_bucket)
        if (same_key(&known->key, key))
            return known;
    struct learnt_dnp3_kind *added = arena_take(&learnt->arena, sizeof *added);
    added->key = *key;
    added->next_in_bucket = *bucket;
    *bucket = added;
    *(struct learnt_dnp3_kind **)arena_append(&learnt->arena, &learnt->kinds, sizeof added) = added;
    return added;
}

static void add_indexes(struct learnt_dnp3 *learnt, struct learnt_dnp3_kind *kind, uint32_t low,
                        uint32_t high)
{
    struct arena_list *const list = &kind->indexes;
    const struct span *span = list->items;
    for (size_t i = 0; i < list->count; i++)
        if (span[i].low <= low && high <= span[i].high)
            return;
    *(struct span *)arena_append(&learnt->arena, list, sizeof *span) = (struct span){low, high};
    if (list->count < 2 * kind->indexes_kept + SLACK)
        return;
    const struct spans joined = spans_of(list);
    memmove(list->items, joined.span, joined.count * sizeof *span);
    list->count = kind->indexes_kept = joined.count;
}

/* 1815 A.19: variations 1 and 2 are integers, 3 and 4 floating point. */
static double analog_value(unsigned variation, const uint8_t *data)
{
    const uint64_t bits = dnp3_number(data, (const size_t[]){4, 2, 4, 8}[(variation - 1) & 3]);
    const uint32_t low = (uint32_t)bits;
    float single;
    double number;
    switch (variation) {
    case 1:
        return (int32_t)low;
    case 2:
        return (int16_t)low;
    case 3:
        memcpy(&single, &low, sizeof single);
        return (double)single;
    default:
        memcpy(&number, &bits, sizeof number);
        return number;
    }
}

static void add_value(struct learnt_dnp3 *learnt, struct learnt_dnp3_kind *kind, uint32_t index,
                      double value)
{
    struct learnt_dnp3_value *known = kind->values.items;
    for (size_t i = 0; i < kind->values.count; i++)
        if (known[i].index == index) {
            known[i].low = value < known[i].low ? value : known[i].low;
            known[i].high = value > known[i].high ? value : known[i].high;
            known[i].count++;
            return;
        }
    *(struct learnt_dnp3_value *)arena_append(&learnt->arena, &kind->values, sizeof *known) =
        (struct learnt_dnp3_value){.index = index, .low = value, .high = value, .count = 1};
}

static bool plain_block(const struct dnp3_header *header, const struct item *item)
{
    return header->group == GROUP_COMMAND && header->variation == 1 && item->data &&
           !(item->data[0] & CONTROL_MODIFIERS);
}

static void take_item(struct learnt_dnp3 *learnt, struct learnt_dnp3_kind *kind,
                      const struct dnp3_header *header, const struct item *item)
{
    if (item->index == ITEM_RANGE && !kind->key.every)
        add_indexes(learnt, kind, item->low, item->high);
    if (kind->key.blocks) {
        kind->operations |= (uint8_t)(1u << (item->data[0] & CONTROL_OPERATION));
        kind->trip_close |= (uint8_t)(1u << (item->data[0] >> CONTROL_TRIP_CLOSE));
    }
    if (header->group == GROUP_ANALOG_COMMAND && item->data)
        add_value(learnt, kind, item->low, analog_value(header->variation, item->data));
}

/* Stations that only speak of events: no rule, but they must be listed. */
static void take_confirm(struct learnt_dnp3 *learnt, const struct learnt_dnp3_key *key)
{
    const struct learnt_dnp3_key *known = learnt->confirmed.items;
    for (size_t i = 0; i < learnt->confirmed.count; i++)
        if (known[i].server == key->server && known[i].port == key->port &&
            known[i].udp == key->udp && known[i].master == key->master &&
            known[i].outstation == key->outstation)
            return;
    *(struct learnt_dnp3_key *)arena_append(&learnt->arena, &learnt->confirmed, sizeof *key) = *key;
}

void learnt_dnp3_request(struct learnt_dnp3 *learnt, const struct endpoint *client,
                         const struct endpoint *server, bool udp, const struct timeval *time,
                         const struct dnp3_message *request)
{
    struct learnt_dnp3_key key = {.server = endpoint_ipv4(server),
                                  .client = endpoint_ipv4(client),
                                  .port = server->port,
                                  .master = request->source,
                                  .outstation = request->destination,
                                  .function = request->function,
                                  .udp = udp,
                                  .blocks = request->header_count > 0};
    if (request->kind != DNP3_FRAGMENT)
        return;
    if (request->function == DNP3_CONFIRM) {
        take_confirm(learnt, &key);
        return;
    }
    if (!key.client || !key.server) {
        learnt->counts.not_ipv4++;
        return;
    }
    struct item item;
    for (struct walk walk = walk_begin(request); walk_header(&walk);) {
        key.groups[walk.header.group / 64] |= UINT64_C(1) << walk.header.group % 64;
        while (walk_item(&walk, &item)) {
            key.every = key.every || item.index == ITEM_EVERY;
            key.blocks = key.blocks && plain_block(&walk.header, &item);
        }
    }
    struct learnt_dnp3_kind *const kind = kind_of(learnt, &key);
    for (struct walk walk = walk_begin(request); walk_header(&walk);)
        while (walk_item(&walk, &item))
            take_item(learnt, kind, &walk.header, &item);
    learnt_time(&kind->times, 1, time, time);
    learnt_time(&learnt->counts.requests, 1, time, time);
}

void learnt_dnp3_reply(struct learnt_dnp3 *learnt, const struct endpoint *server,
                       const struct dnp3_message *reply)
{
    if (reply->kind != DNP3_FRAGMENT || reply->function != DNP3_UNSOLICITED_RESPONSE)
        return;
    const struct endpoint *known = learnt->unsolicited.items;
    for (size_t i = 0; i < learnt->unsolicited.count; i++)
        if (endpoint_ipv4(&known[i]) == endpoint_ipv4(server) && known[i].port == server->port)
            return;
    *(struct endpoint *)arena_append(&learnt->arena, &learnt->unsolicited, sizeof *known) = *server;
}
