/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What audit lines say of a DNP3 message beyond its fields: what it reads, what it writes, and when
 * two are the same. Any bytes may come in: some are all that a line has.
 */
#include "protocols/dnp3/dnp3.h"
#include "protocols/dnp3/names.h"
#include "protocols/dnp3/walk.h"
#include "sluice/audit.h"
#include "util/float_text.h"
#include "util/phrase.h"

_Static_assert(FLOAT_TEXT_SIZE <= SL_VALUE_TEXT, "an analog value has room");

#define GROUP_ATTRIBUTES 0u
#define GROUP_OUTPUTS    10u
#define GROUP_DEAD_BANDS 34u
#define GROUP_INDICATION 80u

/* What is there of a request's objects; false: it is none. */
static bool walk_there(struct walk *walk, const void *canonical, size_t length)
{
    const struct dnp3_message *const head = canonical;
    if (length < DNP3_HEAD_SIZE || head->kind != DNP3_FRAGMENT)
        return false;
    const size_t there = length - DNP3_HEAD_SIZE;
    *walk = (struct walk){
        .in = sl_reader(head->objects, there < head->objects_length ? there : head->objects_length),
        .function = head->function};
    return true;
}

/* --- reads --------------------------------------------------------------------------------- */

/* sl_extent.place: outstation, group; the variation where it says what is asked for, not how. */
static uint32_t place_of(const struct dnp3_message *head, const struct dnp3_header *header)
{
    const bool named = header->group == GROUP_CLASS || header->group == GROUP_ATTRIBUTES;
    return (uint32_t)head->destination << 16 | (uint32_t)header->group << 8 |
           (named ? header->variation : 0u);
}

unsigned dnp3_reads(const void *request, size_t length, struct sl_extent *extent, unsigned room,
                    bool *more)
{
    const struct dnp3_message *const head = request;
    struct walk walk;
    unsigned count = 0, headers = 0;
    *more = false;
    if (!walk_there(&walk, request, length) || head->function != DNP3_READ)
        return 0;
    while (walk_header(&walk)) {
        const bool around = walk.header.group == GROUP_AUTHENTICATION;
        struct item item;
        headers += around ? 2 : 1; /* what stands before all others stands behind them too */
        while (walk_item(&walk, &item)) {
            if (around)
                continue;
            if (count == room) {
                *more = true;
                return count;
            }
            const bool every = item.index == ITEM_EVERY;
            extent[count++] = (struct sl_extent){.place = place_of(head, &walk.header),
                                                 .first = every ? 0 : item.low,
                                                 .last = every ? UINT32_MAX : item.high};
        }
    }
    *more = headers < head->header_count || !walk_whole(&walk);
    if (count == 0 && room) /* a read it is, of what is not there to be seen */
        extent[count++] = (struct sl_extent){.place = (uint32_t)head->destination << 16 |
                                                      (uint32_t)GROUP_CLASS << 8};
    return count;
}

void dnp3_describe_extent(struct sl_json *json, const struct sl_extent *extent)
{
    const unsigned group = extent->place >> 8 & 0xff, variation = extent->place & 0xff;
    sl_json_number(json, "outstation", extent->place >> 16);
    sl_json_number(json, "group", group);
    if (variation)
        sl_json_number(json, "variation", variation);
    if (extent->first == 0 && extent->last == UINT32_MAX)
        return; /* all there are */
    sl_json_number(json, "start", extent->first);
    sl_json_number(json, "stop", extent->last);
}

void dnp3_extent_words(char *text, size_t size, const struct sl_extent *extent)
{
    const unsigned group = extent->place >> 8 & 0xff, variation = extent->place & 0xff;
    const char *const name = dnp3_group_name(group);
    struct phrase phrase = phrase_start(text, size);
    phrase_text(&phrase, "read ");
    if (group == GROUP_CLASS && variation) {
        phrase_text(&phrase, "class ");
        phrase_number(&phrase, variation - 1u);
    } else {
        const bool all = extent->first == 0 && extent->last == UINT32_MAX;
        phrase_text(&phrase, all ? "all " : "");
        phrase_text(&phrase, name ? name : "object of group ");
        if (!name)
            phrase_number(&phrase, group);
        if (name && variation) {
            phrase_text(&phrase, " ");
            phrase_number(&phrase, variation);
        } else if (name && extent->first != extent->last) {
            phrase_text(&phrase, "s");
        }
        if (!all) {
            phrase_text(&phrase, " ");
            phrase_number(&phrase, extent->first);
        }
        if (!all && extent->first != extent->last) {
            phrase_text(&phrase, "-");
            phrase_number(&phrase, extent->last);
        }
    }
    phrase_text(&phrase, ", outstation ");
    phrase_number(&phrase, extent->place >> 16);
}

/* --- writes -------------------------------------------------------------------------------- */

static void say_whole(struct sl_value *value, int64_t number)
{
    struct phrase phrase = phrase_start(value->text, sizeof value->text);
    phrase_text(&phrase, number < 0 ? "-" : "");
    phrase_number(&phrase, number < 0 ? (uint64_t)-number : (uint64_t)number);
    value->number = true;
}

static void say_float(struct sl_value *value, uint64_t bits, unsigned octets)
{
    char text[FLOAT_TEXT_SIZE];
    value->number = float_text(bits, octets, text);
    struct phrase phrase = phrase_start(value->text, sizeof value->text);
    phrase_text(&phrase, text);
}

/* "pulse-on trip" (1815 A.8.1) */
static void say_operation(struct sl_value *value, uint8_t code)
{
    const char *const operation = dnp3_operation_name(code & 0x0fu);
    const char *const trip_close = dnp3_trip_close_name(code >> 6);
    struct phrase phrase = phrase_start(value->text, sizeof value->text);
    phrase_text(&phrase, operation ? operation : "unknown");
    if (code >> 6 && trip_close) {
        phrase_text(&phrase, " ");
        phrase_text(&phrase, trip_close);
    }
    value->number = false;
}

static void say_command(struct sl_value *value, const struct dnp3_header *header,
                        const uint8_t *data, size_t size)
{
    if (header->group == GROUP_COMMAND)
        say_operation(value, data[0]);
    else if (header->variation == 1)
        say_whole(value, (int32_t)dnp3_number(data, 4));
    else if (header->variation == 2)
        say_whole(value, (int16_t)dnp3_number(data, 2));
    else
        say_float(value, dnp3_number(data, size - 1), (unsigned)size - 1);
}

static unsigned commands_written(struct walk *walk, struct sl_value *value, unsigned room)
{
    unsigned count = 0;
    while (walk_header(walk)) {
        struct item item;
        while (walk_item(walk, &item))
            if (count < room && item.data && dnp3_is_command(&walk->header))
                say_command(&value[count++], &walk->header, item.data, item.size);
    }
    return count;
}

static unsigned bits_written(struct walk *walk, struct sl_value *value, unsigned room)
{
    const uint64_t octets = (walk->header.count + 7) / 8;
    const uint8_t *const bits =
        octets <= sl_remaining(&walk->in) ? sl_read_bytes(&walk->in, (size_t)octets) : NULL;
    unsigned count = 0;
    for (; bits && count < walk->header.count && count < room; count++)
        say_whole(&value[count], bits[count / 8] >> count % 8 & 1);
    return count;
}

/* Dead-bands and times; of other objects there is no one number. */
static unsigned numbers_written(struct walk *walk, struct sl_value *value, unsigned room)
{
    const struct dnp3_header *const header = &walk->header;
    const bool dead_band = header->group == GROUP_DEAD_BANDS, time = header->group == GROUP_TIME;
    unsigned count = 0;
    for (uint64_t i = 0; i < header->count; i++) {
        uint32_t index;
        const uint8_t *data;
        size_t size;
        if (!dnp3_read_object(header, &walk->in, FORM_CANONICAL, &index, &data, &size))
            break;
        if (count == room || data == NULL || !(dead_band || time))
            continue;
        if (dead_band && header->variation == 3)
            say_float(&value[count++], dnp3_number(data, 4), 4);
        else
            say_whole(&value[count++], (int64_t)dnp3_number(data, time ? 6 : size));
    }
    return count;
}

unsigned dnp3_written(const void *request, size_t length, struct sl_value *value, unsigned room)
{
    struct walk walk;
    unsigned count = 0;
    if (!walk_there(&walk, request, length))
        return 0;
    if (walk.function >= DNP3_SELECT && walk.function <= DNP3_DIRECT_OPERATE_NO_ACK)
        return commands_written(&walk, value, room);
    if (walk.function != DNP3_WRITE)
        return 0;
    while (walk_header(&walk)) {
        const bool bits =
            walk.header.group == GROUP_OUTPUTS || walk.header.group == GROUP_INDICATION;
        count += bits ? bits_written(&walk, value + count, room - count)
                      : numbers_written(&walk, value + count, room - count);
    }
    return count;
}

bool dnp3_old_value(const struct sl_audit *record, unsigned i, struct sl_value *value)
{
    if (i >= DNP3_OLD_VALUES || !(record->old_known >> i & 1))
        return false;
    const uint32_t bits = (uint32_t)record->old[2 * i] | (uint32_t)record->old[2 * i + 1] << 16;
    if (record->old_known >> (DNP3_OLD_VALUES + i) & 1)
        say_float(value, bits, 4);
    else
        say_whole(value, (int32_t)bits);
    return true;
}

/* --- the same ------------------------------------------------------------------------------ */

/* What comes by itself is summed up without its points. */
size_t dnp3_untie(enum sl_direction direction, void *canonical, size_t length)
{
    struct dnp3_message *const head = canonical;
    if (length < DNP3_HEAD_SIZE)
        return length;
    head->sequence = 0;
    if (direction == SL_REQUEST || head->kind != DNP3_FRAGMENT ||
        head->function != DNP3_UNSOLICITED_RESPONSE)
        return length;
    head->iin &= (uint16_t)~DNP3_IIN_EVENTS;
    head->header_count = 0;
    head->objects_length = 0;
    return DNP3_HEAD_SIZE;
}
