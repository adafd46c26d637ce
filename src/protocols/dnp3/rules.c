/* SPDX-License-Identifier: BSD-2-Clause */
/* The decision on a DNP3 request, by intersecting the sets of rules that it meets (rules.h). */
#include "protocols/dnp3/rules.h"

#include "policy/image.h"
#include "policy/state.h"
#include "protocols/dnp3/limits.h"
#include "protocols/dnp3/link.h"
#include "protocols/dnp3/rule_set.h"
#include "protocols/dnp3/walk.h"
#include "sluice/audit.h"

const struct dnp3_rules *dnp3_rules_of(const struct policy_service *service)
{
    return (const void *)((const uint8_t *)service - service->image + service->body);
}

const struct dnp3_station *dnp3_station_of(const struct policy_service *service, unsigned master,
                                           unsigned outstation)
{
    const struct dnp3_rules *const rules = dnp3_rules_of(service);
    const struct dnp3_station *const station = rules_at(rules, rules->stations);
    const uint32_t key = outstation << 16 | master;
    unsigned low = 0, count = rules->station_count;
    while (count > 0) {
        const unsigned half = count / 2;
        const uint32_t here =
            (uint32_t)station[low + half].outstation << 16 | station[low + half].master;
        if (here == key)
            return &station[low + half];
        if (here < key) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return NULL;
}

const struct dnp3_station *dnp3_station_of_device(const struct policy_service *service,
                                                  unsigned device_master,
                                                  unsigned device_outstation)
{
    const struct dnp3_rules *const rules = dnp3_rules_of(service);
    const struct dnp3_station *const station = rules_at(rules, rules->stations);
    const uint16_t *const by_device = rules_at(rules, rules->by_device);
    const uint32_t key = device_outstation << 16 | device_master;
    unsigned low = 0, count = device_outstation < LINK_FIRST_BROADCAST ? rules->station_count : 0;
    while (count > 0) {
        const unsigned half = count / 2;
        const struct dnp3_station *const here = &station[by_device[low + half]];
        const uint32_t its = (uint32_t)here->device_outstation << 16 | here->device_master;
        if (its == key)
            return here;
        if (its < key) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return NULL;
}

#define AGGRESSIVE_OBJECT (GROUP_AUTHENTICATION << 8 | 3u) /* before those of a message */

/* What the questions to a rule are about. */
struct asked {
    const struct dnp3_rules *rules;
    const struct policy_service *service;
    struct policy_state *state; /* NULL: nothing is known */
    const struct dnp3_message *message;
    const struct dnp3_station *station;
    uint32_t client;
    uint32_t clients; /* set: the rules for it */
};

static const struct dnp3_rule_entry *entry_of(const struct asked *asked, unsigned rule)
{
    return (const struct dnp3_rule_entry *)rules_at(asked->rules, asked->rules->entries) + rule;
}

static enum sl_reason condition_fails(const struct asked *asked, const struct dnp3_rule_entry *rule)
{
    if (rule->condition == POLICY_NONE)
        return SL_REASON_NONE;
    return policy_condition_fails(
        asked->state, (const uint8_t *)asked->service - asked->service->image, rule->condition);
}

/* The rules of a kind for this client, these stations and this function. */
static void rules_for(const struct asked *asked, uint32_t kind, unsigned function,
                      struct rule_set *out)
{
    const struct dnp3_rules *const rules = asked->rules;
    set_begin(out, rules, kind);
    set_narrow(out, rules, rules->function[function]);
    set_narrow(out, rules, asked->clients);
    set_narrow(out, rules, asked->station->rules);
}

/* --- deny ---------------------------------------------------------------------------------- */

/* A deny rule with a condition denies where the clock does not say otherwise. */
static bool may_deny(const struct asked *asked, const struct dnp3_rule_entry *rule)
{
    const enum sl_reason fails = condition_fails(asked, rule);
    return fails == SL_REASON_NONE || fails == SL_REASON_CLOCK_NOT_SET;
}

/* True when the rule covers any of the item, as far as can be known. */
static bool touches(const struct asked *asked, const struct dnp3_rule_entry *rule,
                    const struct dnp3_header *header, const struct item *item)
{
    if (rule->flags & DNP3_RULE_INDEXES && item->index == ITEM_RANGE &&
        !dnp3_spans_meet(asked->rules, &rule->indexes, item->low, item->high))
        return false;
    return dnp3_content_within(asked->rules, rule, header, item, true);
}

static const struct dnp3_rule_entry *denied_item(const struct asked *asked,
                                                 const struct rule_set *denies,
                                                 const struct dnp3_header *header,
                                                 const struct item *item)
{
    const struct dnp3_rules *const rules = asked->rules;
    struct rule_set here;
    if (denies->used == 0)
        return NULL;
    set_copy(&here, denies);
    if (item->index == ITEM_RANGE) {
        const uint32_t segment = axis_segment(rules, &rules->indexes, item->low);
        if (item->low == item->high || segment == axis_segment(rules, &rules->indexes, item->high))
            set_narrow(&here, rules, segment_set(rules, &rules->indexes, segment));
    }
    unsigned number;
    while (set_take(&here, &number)) {
        const struct dnp3_rule_entry *const rule = entry_of(asked, number);
        if (touches(asked, rule, header, item) && may_deny(asked, rule))
            return rule;
    }
    return NULL;
}

/* A pattern control block is about the points of its masks, which follow it. */
static const struct dnp3_rule_entry *
denied_pattern(const struct asked *asked, const struct rule_set *denies, const struct walk *block)
{
    struct walk walk = *block;
    const struct dnp3_rule_entry *rule = NULL;
    while (!rule && walk_header(&walk) && walk_is_mask(&walk)) {
        struct item item;
        while (!rule && walk_item(&walk, &item))
            rule = denied_item(asked, denies, &block->header, &item);
    }
    return rule;
}

/* Aggressive mode itself is denied by rules that name its objects. */
static const struct dnp3_rule_entry *denied_aggressive(const struct asked *asked,
                                                       const struct rule_set *denies)
{
    struct rule_set here;
    unsigned number;
    if (!walk_is_aggressive(asked->message))
        return NULL;
    set_copy(&here, denies);
    set_narrow(&here, asked->rules,
               axis_set(asked->rules, &asked->rules->objects, AGGRESSIVE_OBJECT));
    while (set_take(&here, &number))
        if (entry_of(asked, number)->flags & DNP3_RULE_OBJECTS &&
            may_deny(asked, entry_of(asked, number)))
            return entry_of(asked, number);
    return NULL;
}

/* The deny rule that covers any of the message; NULL: none does. `denies`: those for these
 * stations, this client and this function. */
static const struct dnp3_rule_entry *denied_by(const struct asked *asked, struct rule_set *denies)
{
    if (denies->used == 0)
        return NULL;
    const unsigned headers = walk_headers(asked->message);
    const struct dnp3_rule_entry *const aggressive = denied_aggressive(asked, denies);
    if (aggressive)
        return aggressive;
    if (headers == 0) { /* about all there is */
        unsigned number;
        while (set_take(denies, &number))
            if (may_deny(asked, entry_of(asked, number)))
                return entry_of(asked, number);
        return NULL;
    }
    if (headers > 1)
        set_settle(denies);
    struct walk walk = walk_begin(asked->message);
    while (walk_header(&walk)) {
        const uint32_t object = (uint32_t)walk.header.group << 8 | walk.header.variation;
        struct rule_set here;
        set_copy(&here, denies);
        set_narrow(&here, asked->rules, axis_set(asked->rules, &asked->rules->objects, object));
        if (walk.left > 1)
            set_settle(&here);
        struct item item;
        while (walk_item(&walk, &item)) {
            const struct dnp3_rule_entry *const rule =
                item.index == ITEM_PATTERN ? denied_pattern(asked, &here, &walk)
                                           : denied_item(asked, &here, &walk.header, &item);
            if (rule)
                return rule;
        }
    }
    return NULL;
}

static struct sl_decision denied(enum sl_reason reason)
{
    return (struct sl_decision){.reason = reason, .rule = SL_NO_RULE};
}

static struct sl_decision denied_by_rule(const struct dnp3_rule_entry *rule)
{
    const enum sl_reason reason = rule->flags & DNP3_RULE_CONTENT ? SL_REASON_DENY_RULE_VALUE
                                  : rule->flags & (DNP3_RULE_OBJECTS | DNP3_RULE_INDEXES)
                                      ? SL_REASON_DENY_RULE_OBJECT
                                      : SL_REASON_DENY_RULE;
    return (struct sl_decision){.reason = reason, .rule = rule->rule};
}

/* --- allow --------------------------------------------------------------------------------- */

/* Leaves in `allows` the rules that cover all objects of the message, and the ends of all their
 * ranges of indexes. */
static void cover_objects(const struct asked *asked, struct rule_set *allows)
{
    const struct dnp3_rules *const rules = asked->rules;
    if (walk_headers(asked->message) == 0)
        set_narrow(allows, rules, rules->whole);
    struct walk walk = walk_begin(asked->message);
    while (allows->used && walk_header(&walk)) {
        const uint32_t object = (uint32_t)walk.header.group << 8 | walk.header.variation;
        set_narrow(allows, rules, axis_set(rules, &rules->objects, object));
        struct item item;
        while (walk_item(&walk, &item)) {
            if (item.index == ITEM_EVERY) {
                set_narrow(allows, rules, rules->any_index);
            } else if (item.index == ITEM_RANGE) {
                set_narrow(allows, rules, axis_set(rules, &rules->indexes, item.low));
                if (item.high != item.low)
                    set_narrow(allows, rules, axis_set(rules, &rules->indexes, item.high));
            }
        }
    }
    if (allows->used && !walk_whole(&walk))
        allows->used = 0; /* no valid message ends so; nothing covers what was not looked at */
}

static enum sl_reason item_allowed(const struct asked *asked, const struct dnp3_rule_entry *rule,
                                   const struct dnp3_header *header, const struct item *item)
{
    if (rule->flags & DNP3_RULE_INDEXES && item->index == ITEM_RANGE &&
        !dnp3_spans_hold(asked->rules, &rule->indexes, item->low, item->high))
        return SL_REASON_NO_RULE_OBJECT;
    if (!dnp3_content_within(asked->rules, rule, header, item, false))
        return SL_REASON_NO_RULE_VALUE;
    return SL_REASON_NONE;
}

/* True when the message commands the point once before: from there it would move. */
static bool commanded_before(const struct asked *asked, const struct item *item)
{
    struct walk walk = walk_begin(asked->message);
    while (walk_header(&walk)) {
        struct item earlier;
        while (walk_item(&walk, &earlier)) {
            if (earlier.data == item->data)
                return false;
            if (walk.header.group == GROUP_ANALOG_COMMAND && earlier.data &&
                earlier.low == item->low)
                return true;
        }
    }
    return true; /* no item is not in its message */
}

static bool step_allowed(const struct asked *asked, const struct dnp3_rule_entry *rule,
                         const struct dnp3_header *header, const struct item *item)
{
    if (!(rule->flags & DNP3_RULE_STEP) || !item->data || header->group != GROUP_ANALOG_COMMAND)
        return true;
    return dnp3_step_within(asked->service, asked->state, rule, asked->station, item->low,
                            header->variation, item->data) &&
           !commanded_before(asked, item);
}

/* How near a rule came that did not allow: the order in which the questions are asked. */
static unsigned nearness(enum sl_reason reason)
{
    switch (reason) {
    case SL_REASON_NO_RULE_OBJECT:
        return 0;
    case SL_REASON_NO_RULE_VALUE:
        return 1;
    case SL_REASON_NO_RULE_STEP:
        return 2;
    case SL_REASON_NO_SELECT:
        return 3;
    default:
        return 4 + (unsigned)reason; /* conditions, in their own order */
    }
}

static enum sl_reason rule_allows(const struct asked *asked, const struct dnp3_rule_entry *rule)
{
    enum sl_reason nearest = SL_REASON_NONE;
    if (rule->flags & (DNP3_RULE_INDEXES | DNP3_RULE_CONTENT)) {
        struct walk walk = walk_begin(asked->message);
        while (walk_header(&walk)) {
            struct item item;
            while (walk_item(&walk, &item)) {
                const enum sl_reason fails = item_allowed(asked, rule, &walk.header, &item);
                if (fails != SL_REASON_NONE)
                    return fails;
                if (nearest == SL_REASON_NONE && !step_allowed(asked, rule, &walk.header, &item))
                    nearest = SL_REASON_NO_RULE_STEP;
            }
        }
    }
    if (nearest == SL_REASON_NONE && rule->flags & DNP3_RULE_SELECT &&
        asked->message->function == DNP3_OPERATE &&
        !dnp3_selected(asked->service, asked->state, asked->client, asked->message,
                       rule->select_within))
        nearest = SL_REASON_NO_SELECT;
    return nearest != SL_REASON_NONE ? nearest : condition_fails(asked, rule);
}

static struct sl_decision allowed_by(const struct asked *asked, struct rule_set *allows)
{
    enum sl_reason nearest = SL_REASON_NO_RULE_OBJECT;
    unsigned number;
    while (set_take(allows, &number)) {
        const struct dnp3_rule_entry *const rule = entry_of(asked, number);
        const enum sl_reason fails = rule_allows(asked, rule);
        if (fails == SL_REASON_NONE)
            return (struct sl_decision){
                .allowed = true, .reason = SL_REASON_NONE, .rule = rule->rule};
        if (nearness(fails) > nearness(nearest))
            nearest = fails;
    }
    return denied(nearest);
}

/* --- files --------------------------------------------------------------------------------- */

#define FILE_MODE_AT   20u /* of a file command (1815 A.25.3), 2 octets */
#define FILE_MODE_READ 1u
#define FILE_BLOCK     5u /* variation of GROUP_FILE: what is written (A.25.5) */

/* Opening a file to write empties it or creates one (1815 A.25.3), so it is a write too. True also
 * for what is neither reading nor writing. */
static bool opens_to_write(const struct dnp3_message *message)
{
    if (message->function != DNP3_OPEN_FILE)
        return false;
    struct walk walk = walk_begin(message);
    while (sl_remaining(&walk.in) > 0) {
        if (dnp3_read_header(&walk.in, FORM_CANONICAL, message->function, &walk.header) !=
            SL_REASON_NONE)
            return true;
        if (walk.header.group != GROUP_FILE) {
            if (!dnp3_skip_objects(&walk.header, &walk.in))
                return true;
            continue;
        }
        for (uint64_t i = 0; i < walk.header.count; i++) {
            uint32_t index;
            const uint8_t *data;
            size_t size;
            if (!dnp3_read_object(&walk.header, &walk.in, FORM_CANONICAL, &index, &data, &size) ||
                size < FILE_MODE_AT + 2 || dnp3_number(data + FILE_MODE_AT, 2) != FILE_MODE_READ)
                return true;
        }
    }
    return false;
}

/* The rules of a kind for writing a file's blocks, by this client to this station. */
static void file_writes(const struct asked *asked, uint32_t kind, struct rule_set *out)
{
    const struct dnp3_rules *const rules = asked->rules;
    rules_for(asked, kind, DNP3_WRITE, out);
    set_narrow(out, rules, axis_set(rules, &rules->objects, GROUP_FILE << 8 | FILE_BLOCK));
}

static const struct dnp3_rule_entry *file_write_denied_by(const struct asked *asked)
{
    struct rule_set denies;
    file_writes(asked, asked->rules->denies, &denies);
    unsigned number;
    while (set_take(&denies, &number))
        if (may_deny(asked, entry_of(asked, number)))
            return entry_of(asked, number);
    return NULL;
}

static bool file_write_allowed(const struct asked *asked)
{
    struct rule_set allows;
    file_writes(asked, asked->rules->allows, &allows);
    set_narrow(&allows, asked->rules, asked->rules->any_index);
    unsigned number;
    while (set_take(&allows, &number))
        if (condition_fails(asked, entry_of(asked, number)) == SL_REASON_NONE)
            return true;
    return false;
}

/* --- the whole message --------------------------------------------------------------------- */

/* Why no rule allows it; `nearest`: why not one that is for this client, station and function. */
static enum sl_reason not_allowed(const struct asked *asked, enum sl_reason nearest)
{
    const struct dnp3_rules *const rules = asked->rules;
    struct rule_set allows;
    set_begin(&allows, rules, rules->allows);
    set_narrow(&allows, rules, asked->clients);
    if (!set_any(&allows))
        return SL_REASON_NO_RULE_CLIENT;
    set_narrow(&allows, rules, asked->station->rules);
    if (!set_any(&allows))
        return SL_REASON_NO_RULE_STATION;
    set_narrow(&allows, rules, rules->function[asked->message->function]);
    return set_any(&allows) ? nearest : SL_REASON_NO_RULE_FUNCTION;
}

static struct sl_decision decide_fragment(const struct asked *asked)
{
    const bool writes = opens_to_write(asked->message);
    struct rule_set rules;
    rules_for(asked, asked->rules->denies, asked->message->function, &rules);
    const struct dnp3_rule_entry *deny = denied_by(asked, &rules);
    if (!deny && writes)
        deny = file_write_denied_by(asked);
    if (deny)
        return denied_by_rule(deny);
    if (writes && !file_write_allowed(asked))
        return denied(not_allowed(asked, SL_REASON_NO_RULE_FUNCTION));

    rules_for(asked, asked->rules->allows, asked->message->function, &rules);
    cover_objects(asked, &rules);
    const struct sl_decision decision = allowed_by(asked, &rules);
    return decision.allowed ? decision : denied(not_allowed(asked, decision.reason));
}

struct sl_decision dnp3_decide_in(const struct policy_service *service, struct policy_state *state,
                                  uint32_t client, const void *request, size_t length)
{
    const struct dnp3_message *const message = request;
    if (length < DNP3_HEAD_SIZE)
        return denied(SL_REASON_CANONICAL_INVALID);
    if (message->kind != DNP3_FRAGMENT) /* answered where it arrives; it never crosses */
        return denied(SL_REASON_LINK_FRAME);
    const struct asked asked = {
        .rules = dnp3_rules_of(service),
        .service = service,
        .state = state,
        .message = message,
        .station = dnp3_station_of(service, message->source, message->destination),
        .client = client,
        .clients = axis_set(dnp3_rules_of(service), &dnp3_rules_of(service)->clients, client),
    };
    if (asked.station == NULL)
        return denied(SL_REASON_NO_STATION);
    if (message->function == DNP3_CONFIRM)
        return (struct sl_decision){.allowed = true, .rule = SL_NO_RULE};
    if (message->function >= DNP3_FUNCTIONS)
        return denied(SL_REASON_CANONICAL_INVALID);
    return decide_fragment(&asked);
}

struct sl_decision dnp3_decide(const struct policy_service *service, uint32_t client,
                               const void *request, size_t length)
{
    return dnp3_decide_in(service, NULL, client, request, length);
}

struct sl_decision dnp3_decide_reply(const struct policy_service *service, const void *request,
                                     size_t request_length, const void *canonical, size_t length)
{
    const struct dnp3_message *const reply = canonical;
    (void)request_length;
    if (length < DNP3_HEAD_SIZE)
        return denied(SL_REASON_CANONICAL_INVALID);
    if (reply->kind != DNP3_FRAGMENT)
        return denied(SL_REASON_LINK_FRAME);
    if (!(service->flags & POLICY_SERVICE_MONITOR) &&
        dnp3_station_of(service, reply->destination, reply->source) == NULL)
        return denied(SL_REASON_NO_STATION);
    const bool unsolicited = reply->function == DNP3_UNSOLICITED_RESPONSE;
    if (unsolicited != (request == NULL))
        return denied(SL_REASON_REPLY_UNMATCHED);
    if (unsolicited && !(dnp3_rules_of(service)->options & DNP3_UNSOLICITED))
        return denied(SL_REASON_UNSOLICITED);
    return (struct sl_decision){.allowed = true, .rule = SL_NO_RULE};
}

enum sl_reason dnp3_reply_within(const struct policy_service *service, unsigned messages,
                                 uint32_t bytes)
{
    const struct dnp3_rules *const rules = dnp3_rules_of(service);
    return messages <= rules->response_fragments && bytes <= rules->response_size
               ? SL_REASON_NONE
               : SL_REASON_RESPONSE_LIMIT;
}
