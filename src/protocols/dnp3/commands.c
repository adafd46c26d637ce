/* SPDX-License-Identifier: BSD-2-Clause */
/* What is remembered of commands: what was selected, and the last values of analog outputs. */
#include <string.h>

#include "policy/image.h"
#include "policy/state.h"
#include "protocols/dnp3/limits.h"
#include "protocols/dnp3/link.h"
#include "protocols/dnp3/rules.h"
#include "protocols/dnp3/walk.h"

#define STATUS_SUCCESS 0u  /* of a command (1815 A.8.1) */
#define OUTPUT_STATUS  40u /* group: analog outputs, as they are (A.18) */
#define FLAG_ONLINE    1u

/* Variations of GROUP_AUTHENTICATION (1815 A.45). */
#define AUTHENTICATION_CHALLENGE 1u
#define AUTHENTICATION_REPLY     2u

static bool has_authentication(const struct dnp3_message *message, unsigned variation)
{
    struct walk walk = walk_begin(message);
    return walk_header(&walk) && walk.header.group == GROUP_AUTHENTICATION &&
           walk.header.variation == variation;
}

static bool is_fragment(const struct dnp3_message *message, size_t length)
{
    return length >= DNP3_HEAD_SIZE && message->kind == DNP3_FRAGMENT;
}

/* --- selects (1815 4.4.4) ------------------------------------------------------------------ */

static uint32_t parties_of(const struct dnp3_message *request)
{
    return (uint32_t)request->source << 16 | request->destination;
}

static bool executes(const struct policy_select *select, const struct dnp3_message *operate)
{
    const struct sl_reader content = walk_octets(operate);
    return select->length == content.length && select->sequence == operate->sequence &&
           memcmp(select->content, content.bytes, select->length) == 0;
}

bool dnp3_selected(const struct policy_service *service, struct policy_state *state,
                   uint32_t client, const struct dnp3_message *message, uint64_t within)
{
    if (state == NULL)
        return false;
    const struct policy_select *const select =
        policy_select_find(state, service->number, client, parties_of(message));
    return select && select->good && executes(select, message) && state->now >= select->at &&
           state->now - select->at <= within;
}

/* 1815 7.5.2: whoever sends this answers a challenge. */
static bool answers_challenge(const struct dnp3_message *request)
{
    return request->function == DNP3_AUTHENTICATION_REQUEST &&
           has_authentication(request, AUTHENTICATION_REPLY);
}

static bool challenges(const struct dnp3_message *reply)
{
    return reply && reply->function == DNP3_AUTHENTICATION_RESPONSE &&
           has_authentication(reply, AUTHENTICATION_CHALLENGE);
}

/* What the device did not do before it knew who wants it, it does now. */
static void note_challenge_answered(const struct policy_service *service,
                                    struct policy_state *state, const struct dnp3_message *request)
{
    struct policy_select *const select =
        policy_select_find(state, service->number, state->client, parties_of(request));
    if (!select || !select->challenged)
        return;
    select->challenged = false;
    select->order = state->order;
}

/* Whatever comes between a select and its operate voids the select; so does the operate. */
static void note_select_sent(const struct policy_service *service, struct policy_state *state,
                             const struct dnp3_message *request)
{
    const struct sl_reader content = walk_octets(request);
    const bool selects = request->function == DNP3_SELECT && content.length > 0 &&
                         content.length <= POLICY_SELECT_SIZE;
    struct policy_select *select =
        selects ? policy_select_place(state, service->number, state->client, parties_of(request))
                : policy_select_find(state, service->number, state->client, parties_of(request));
    if (select)
        select->length = 0;
    if (!selects)
        return;
    select->order = state->order;
    select->sequence = (request->sequence + 1u) & DNP3_SEQUENCE;
    select->length = (uint16_t)content.length;
    memcpy(select->content, content.bytes, select->length);
}

/* The same commands as in `content`, each with what became of it. */
static bool tells_of(const struct dnp3_message *reply, const struct policy_select *select)
{
    struct walk told = walk_begin(reply);
    struct walk asked = {.in = sl_reader(select->content, select->length), .function = DNP3_SELECT};
    while (walk_header(&asked)) {
        if (!walk_header(&told) || told.header.group != asked.header.group ||
            told.header.variation != asked.header.variation)
            return false;
        struct item a, t;
        while (walk_item(&asked, &a))
            if (!walk_item(&told, &t) || a.index != t.index || a.low != t.low || a.high != t.high ||
                !a.data != !t.data || a.size != t.size ||
                (a.data && memcmp(a.data, t.data, a.size - 1) != 0))
                return false;
        if (walk_item(&told, &t))
            return false;
    }
    return !walk_header(&told) && walk_whole(&told);
}

/* True when the reply says of every command that it was, or will be, done. */
static bool all_succeeded(const struct dnp3_message *reply)
{
    struct walk walk = walk_begin(reply);
    unsigned commands = 0;
    while (walk_header(&walk)) {
        struct item item;
        while (walk_item(&walk, &item)) {
            if (item.data == NULL || !dnp3_is_command(&walk.header))
                continue;
            commands++;
            if (item.data[item.size - 1] != STATUS_SUCCESS)
                return false;
        }
    }
    return commands > 0;
}

static bool accepted(const struct dnp3_message *reply)
{
    return reply && reply->function == DNP3_RESPONSE &&
           !(reply->iin & (DNP3_IIN_FUNCTION_NOT_SUPPORTED | DNP3_IIN_OBJECT_UNKNOWN |
                           DNP3_IIN_PARAMETER_ERROR | DNP3_IIN_ALREADY_EXECUTING));
}

static void note_select_outcome(struct policy_state *state, uint32_t order,
                                const struct dnp3_message *reply)
{
    for (unsigned i = 0; i < POLICY_SELECTS; i++) {
        struct policy_select *const select = &state->select[i];
        if (select->length == 0 || select->good || select->challenged || select->order != order)
            continue;
        select->challenged = challenges(reply);
        if (select->challenged)
            continue;
        select->good = accepted(reply) && tells_of(reply, select) && all_succeeded(reply);
        select->at = state->now;
        if (!select->good)
            select->length = 0;
    }
}

/* --- last values --------------------------------------------------------------------------- */

/* False: the value of this point is not kept. */
static bool point_of(const struct policy_service *service, const struct policy_state *state,
                     const struct dnp3_station *station, uint32_t index, unsigned *point)
{
    return state->conditions && station && station->points != DNP3_NO_POINTS &&
           index <= UINT16_MAX &&
           policy_step_points(state->conditions, service->number, station->points, index, index,
                              point) > 0;
}

bool dnp3_step_within(const struct policy_service *service, const struct policy_state *state,
                      const struct dnp3_rule_entry *rule, const struct dnp3_station *station,
                      uint32_t index, unsigned variation, const uint8_t *data)
{
    const bool first = rule->flags & DNP3_RULE_FIRST;
    int64_t value;
    unsigned point;
    if (!dnp3_step_value(variation, data, &value))
        return false;
    if (state == NULL || state->conditions == NULL)
        return first;
    return point_of(service, state, station, index, &point) &&
           policy_value_near(state, point, value, rule->step, first);
}

static bool commands_now(const struct dnp3_message *request)
{
    return request->function == DNP3_OPERATE || request->function == DNP3_DIRECT_OPERATE ||
           request->function == DNP3_DIRECT_OPERATE_NO_ACK;
}

/* Calls `note` for each analog command of the message. */
static void each_value(const struct policy_service *service, struct policy_state *state,
                       const struct dnp3_station *station, const struct dnp3_message *message,
                       void (*note)(struct policy_state *state, unsigned point,
                                    const int64_t *value, uint8_t status, uint32_t order),
                       uint32_t order)
{
    struct walk walk = walk_begin(message);
    while (walk_header(&walk)) {
        struct item item;
        while (walk_item(&walk, &item)) {
            int64_t value;
            unsigned point;
            if (walk.header.group != GROUP_ANALOG_COMMAND || item.data == NULL ||
                item.index != ITEM_RANGE || !point_of(service, state, station, item.low, &point))
                continue;
            const bool known = dnp3_step_value(walk.header.variation, item.data, &value);
            note(state, point, known ? &value : NULL, item.data[item.size - 1], order);
        }
    }
}

static void value_sent(struct policy_state *state, unsigned point, const int64_t *value,
                       uint8_t status, uint32_t order)
{
    (void)status;
    (void)order;
    policy_value_sent(state, point, value);
}

static void value_failed(struct policy_state *state, unsigned point, const int64_t *value,
                         uint8_t status, uint32_t order)
{
    (void)value;
    (void)status;
    policy_value_settled(state, point, order, NULL);
}

static void value_settled(struct policy_state *state, unsigned point, const int64_t *value,
                          uint8_t status, uint32_t order)
{
    policy_value_settled(state, point, order, status == STATUS_SUCCESS ? value : NULL);
}

/* Analog outputs in the answer to a read: flags, then the value as in a command of the same
 * variation. */
static void note_outputs(const struct policy_service *service, struct policy_state *state,
                         const struct dnp3_station *station, const struct dnp3_message *reply,
                         uint32_t order)
{
    struct sl_reader in = sl_reader(reply->objects, reply->objects_length);
    struct dnp3_header header;
    while (sl_remaining(&in) > 0 &&
           dnp3_read_header(&in, FORM_CANONICAL, reply->function, &header) == SL_REASON_NONE) {
        if (header.group != OUTPUT_STATUS || !header.data) {
            if (!dnp3_skip_objects(&header, &in))
                return;
            continue;
        }
        for (uint64_t i = 0; i < header.count; i++) {
            uint32_t index;
            const uint8_t *data;
            size_t size;
            unsigned point;
            int64_t value;
            if (!dnp3_read_object(&header, &in, FORM_CANONICAL, &index, &data, &size))
                return;
            if (header.class == QUALIFIER_RANGE)
                index = (uint32_t)(header.start + i);
            if (data[0] & FLAG_ONLINE && dnp3_step_value(header.variation, data + 1, &value) &&
                point_of(service, state, station, index, &point))
                policy_value_read(state, point, order, value);
        }
    }
}

/* --- commands under Secure Authentication -------------------------------------------------- */

static void value_challenged(struct policy_state *state, unsigned point, const int64_t *value,
                             uint8_t status, uint32_t order)
{
    (void)value;
    (void)status;
    policy_value_settled(state, point, order, NULL);
    policy_value_challenged(state, point);
}

static void value_done(struct policy_state *state, unsigned point, const int64_t *value,
                       uint8_t status, uint32_t order)
{
    (void)order;
    if (status == STATUS_SUCCESS && value)
        policy_value_done(state, point, *value);
}

/* The answer to a challenge had an outcome: whatever of this station was waiting is done, or never
 * will be. */
static void note_challenge_outcome(const struct policy_service *service, struct policy_state *state,
                                   const struct dnp3_station *station,
                                   const struct dnp3_message *reply, uint32_t order)
{
    unsigned first;
    const unsigned count = station && station->points != DNP3_NO_POINTS
                               ? policy_step_points(state->conditions, service->number,
                                                    station->points, 0, UINT16_MAX, &first)
                               : 0;
    if (!reply || challenges(reply))
        return;
    for (unsigned i = 0; i < count; i++)
        policy_value_unchallenged(state, first + i);
    if (accepted(reply))
        each_value(service, state, station, reply, value_done, order);
}

/* --- the seam ------------------------------------------------------------------------------ */

void dnp3_note_sent(const struct policy_service *service, struct policy_state *state,
                    const void *canonical, size_t length)
{
    const struct dnp3_message *const request = canonical;
    state->order++;
    if (!is_fragment(request, length) || request->function == DNP3_CONFIRM ||
        request->function == DNP3_AUTHENTICATION_REQUEST_NO_ACK)
        return;
    if (request->function == DNP3_AUTHENTICATION_REQUEST) {
        if (answers_challenge(request))
            note_challenge_answered(service, state, request);
        return;
    }
    note_select_sent(service, state, request);
    const struct dnp3_station *const station =
        dnp3_station_of(service, request->source, request->destination);
    if (commands_now(request) || request->function == DNP3_WRITE)
        dnp3_last_sent(service, state, station, request);
    if (!commands_now(request) || state->conditions == NULL)
        return;
    /* A broadcast reaches every outstation, and nobody says that it did. */
    if (request->destination >= LINK_FIRST_BROADCAST)
        policy_values_forget(state, service->number);
    each_value(service, state, station, request, value_sent, state->order);
}

void dnp3_note_outcome(const struct policy_service *service, struct policy_state *state,
                       const void *request_canonical, size_t request_length, uint32_t order,
                       const void *reply_canonical, size_t reply_length)
{
    const struct dnp3_message *const request = request_canonical, *reply = reply_canonical;
    if (!is_fragment(request, request_length))
        return;
    if (reply == NULL || !is_fragment(reply, reply_length))
        reply = NULL;
    if (request->function == DNP3_SELECT || answers_challenge(request))
        note_select_outcome(state, order, reply);
    const struct dnp3_station *const station =
        dnp3_station_of(service, request->source, request->destination);
    const bool echoed = accepted(reply) && reply->objects_length > 0;
    if (echoed && commands_now(request))
        dnp3_last_commanded(service, state, station, reply);
    else if (echoed && request->function == DNP3_READ)
        dnp3_last_read(service, state, station, reply);
    if (state->conditions == NULL)
        return;
    if (answers_challenge(request))
        note_challenge_outcome(service, state, station, reply, order);
    else if (commands_now(request) && challenges(reply))
        each_value(service, state, station, request, value_challenged, order);
    else if (commands_now(request)) /* the echo has the same commands, with what became of each */
        each_value(service, state, station, echoed ? reply : request,
                   echoed ? value_settled : value_failed, order);
    else if (accepted(reply) && request->function == DNP3_READ)
        note_outputs(service, state, station, reply, order);
}
