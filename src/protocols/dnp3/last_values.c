/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an output held when it was last read or commanded through here, for the audit line of the
 * next command. Nothing is decided by it (commands.c has what decides).
 */
#include "policy/image.h"
#include "policy/state.h"
#include "protocols/dnp3/limits.h"
#include "protocols/dnp3/link.h"
#include "protocols/dnp3/rule_set.h"
#include "protocols/dnp3/rules.h"
#include "protocols/dnp3/walk.h"
#include "sluice/audit.h"

#define BINARY_OUTPUT 10u /* groups */
#define ANALOG_OUTPUT 40u
#define PACKED        1u /* variation of group 10 */
#define OUTPUT_STATE  0x80u
#define OUTPUT_ONLINE 0x01u
#define LATCH_ON      3u /* operation types (1815 A.8.1) */
#define LATCH_OFF     4u
#define SUCCESS       0u

enum table { BINARY, ANALOG };
enum kind { WHOLE, FLOAT };

/* The first station with this outstation: its commands are one, whichever master they come from. */
static unsigned number_of(const struct policy_service *service, const struct dnp3_station *station)
{
    const struct dnp3_rules *const rules = dnp3_rules_of(service);
    const struct dnp3_station *const first = rules_at(rules, rules->stations);
    while (station > first && station[-1].outstation == station->outstation)
        station--;
    return (unsigned)(station - first);
}
_Static_assert(DNP3_MAX_STATIONS <= 256, "a station's number has eight bits");

static uint32_t key_of(const struct policy_service *service, unsigned station, enum table table,
                       uint32_t index)
{
    /* 1 + 6 (SL_MAX_SERVICES) + 1 + 8 + 16 bits: never 0 */
    return UINT32_C(1) << 31 | (uint32_t)(service->number & 63u) << 25 | (uint32_t)table << 24 |
           (uint32_t)station << 16 | index;
}

/* The number of an analog command or output; false: it is not kept, such as most of eight octets.
 */
static bool number_in(unsigned variation, const uint8_t *data, uint32_t *value, enum kind *kind)
{
    *kind = variation >= 3 ? FLOAT : WHOLE;
    switch (variation) {
    case 1:
    case 3:
        *value = (uint32_t)dnp3_number(data, 4);
        return true;
    case 2:
        *value = (uint32_t)(int32_t)(int16_t)dnp3_number(data, 2);
        return true;
    case 4:
        return dnp3_double_to_float(dnp3_number(data, 8), value);
    default:
        return false;
    }
}

static void set(struct policy_state *state, uint32_t key, uint32_t value, enum kind kind)
{
    struct policy_last_value *const last = policy_last_take(state, key);
    last->value = value;
    last->kind = (uint16_t)kind;
    last->known = 1;
}

void dnp3_last_sent(const struct policy_service *service, struct policy_state *state,
                    const struct dnp3_station *station, const struct dnp3_message *request)
{
    struct walk walk = walk_begin(request);
    if (station == NULL || request->destination >= LINK_FIRST_BROADCAST) {
        policy_last_forget_all(state);
        return;
    }
    while (walk_header(&walk)) {
        const enum table table = walk.header.group == GROUP_ANALOG_COMMAND ? ANALOG : BINARY;
        struct item item;
        while (walk_item(&walk, &item))
            for (uint64_t i = item.low;
                 item.index == ITEM_RANGE && i <= item.high && i <= UINT16_MAX; i++)
                policy_last_forget(
                    state, key_of(service, number_of(service, station), table, (uint32_t)i));
    }
}

/* The echo of commands: what became of each. */
void dnp3_last_commanded(const struct policy_service *service, struct policy_state *state,
                         const struct dnp3_station *station, const struct dnp3_message *echo)
{
    struct walk walk = walk_begin(echo);
    while (station && walk_header(&walk)) {
        const unsigned number = number_of(service, station);
        struct item item;
        while (walk_item(&walk, &item)) {
            uint32_t value;
            enum kind kind;
            if (!dnp3_is_command(&walk.header) || item.index != ITEM_RANGE ||
                item.low > UINT16_MAX || item.data[item.size - 1] != SUCCESS)
                continue;
            const unsigned operation = item.data[0] & 0x0fu;
            if (walk.header.group == GROUP_COMMAND &&
                (operation == LATCH_ON || operation == LATCH_OFF))
                set(state, key_of(service, number, BINARY, item.low), operation == LATCH_ON, WHOLE);
            else if (walk.header.group == GROUP_ANALOG_COMMAND &&
                     number_in(walk.header.variation, item.data, &value, &kind))
                set(state, key_of(service, number, ANALOG, item.low), value, kind);
        }
    }
}

static bool packed_outputs(const struct policy_service *service, struct policy_state *state,
                           unsigned station, const struct dnp3_header *header, struct sl_reader *in)
{
    const uint64_t octets = (header->count + 7) / 8;
    const uint8_t *const bits =
        octets <= sl_remaining(in) ? sl_read_bytes(in, (size_t)octets) : NULL;
    for (uint64_t i = 0; bits && i < header->count && header->start + i <= UINT16_MAX; i++)
        set(state, key_of(service, station, BINARY, (uint32_t)(header->start + i)),
            bits[i / 8] >> i % 8 & 1, WHOLE);
    return bits != NULL;
}

static bool outputs(const struct policy_service *service, struct policy_state *state,
                    unsigned station, const struct dnp3_header *header, struct sl_reader *in)
{
    for (uint64_t i = 0; i < header->count; i++) {
        uint32_t index, value;
        const uint8_t *data;
        size_t size;
        enum kind kind;
        if (!dnp3_read_object(header, in, FORM_CANONICAL, &index, &data, &size))
            return false;
        if (header->class == QUALIFIER_RANGE)
            index = (uint32_t)(header->start + i);
        if (index > UINT16_MAX || !(data[0] & OUTPUT_ONLINE))
            continue;
        if (header->group == BINARY_OUTPUT)
            set(state, key_of(service, station, BINARY, index), data[0] & OUTPUT_STATE ? 1 : 0,
                WHOLE);
        else if (number_in(header->variation, data + 1, &value, &kind))
            set(state, key_of(service, station, ANALOG, index), value, kind);
    }
    return true;
}

void dnp3_last_read(const struct policy_service *service, struct policy_state *state,
                    const struct dnp3_station *station, const struct dnp3_message *reply)
{
    struct sl_reader in = sl_reader(reply->objects, reply->objects_length);
    struct dnp3_header header;
    bool whole = station != NULL;
    while (whole && sl_remaining(&in) > 0 &&
           dnp3_read_header(&in, FORM_CANONICAL, reply->function, &header) == SL_REASON_NONE) {
        const bool kept =
            header.data && (header.group == BINARY_OUTPUT || header.group == ANALOG_OUTPUT);
        if (!kept)
            whole = dnp3_skip_objects(&header, &in);
        else if (header.group == BINARY_OUTPUT && header.variation == PACKED)
            whole = packed_outputs(service, state, number_of(service, station), &header, &in);
        else
            whole = outputs(service, state, number_of(service, station), &header, &in);
    }
}

void dnp3_old_values(const struct policy_service *service, const struct policy_state *state,
                     const void *request, size_t length, struct sl_audit *record)
{
    const struct dnp3_message *const message = request;
    if (length < DNP3_HEAD_SIZE || message->kind != DNP3_FRAGMENT ||
        message->function < DNP3_SELECT || message->function > DNP3_DIRECT_OPERATE_NO_ACK)
        return;
    const struct dnp3_station *const station =
        dnp3_station_of(service, message->source, message->destination);
    struct walk walk = walk_begin(message);
    unsigned count = 0; /* as dnp3_written() counts */
    while (station && walk_header(&walk)) {
        const enum table table = walk.header.group == GROUP_ANALOG_COMMAND ? ANALOG : BINARY;
        struct item item;
        while (walk_item(&walk, &item)) {
            if (count == DNP3_OLD_VALUES || !item.data || !dnp3_is_command(&walk.header))
                continue;
            const struct policy_last_value *const last =
                item.index == ITEM_RANGE && item.low <= UINT16_MAX
                    ? policy_last_find(
                          state, key_of(service, number_of(service, station), table, item.low))
                    : NULL;
            if (last) {
                record->old[2 * count] = (uint16_t)last->value;
                record->old[2 * count + 1] = (uint16_t)(last->value >> 16);
                record->old_known |= (uint8_t)(1u << count);
                if (last->kind == FLOAT)
                    record->old_known |= (uint8_t)(1u << (DNP3_OLD_VALUES + count));
            }
            count++;
        }
    }
}
