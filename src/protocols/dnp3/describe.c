/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoded fields as JSON. The station addresses stand in an object of their own, `dnp3`:
 * `source` is what the tools' lines call the file.
 */
#include "protocols/dnp3/dnp3.h"
#include "protocols/dnp3/link.h"
#include "protocols/dnp3/names.h"
#include "protocols/dnp3/objects.h"
#include "util/float_text.h"

/* Room that must be left for one member of each kind, and for what follows the list. */
#define OBJECT_TEXT  192u
#define COMMAND_TEXT 256u
#define INDEX_TEXT   12u
#define REST_TEXT    128u

static bool room_for(const struct sl_json *json, size_t text)
{
    return !json->overflow && json->size - json->length > text + REST_TEXT;
}

/* --- what is known of the values ----------------------------------------------------------- */

/* A.8.1 */
static void describe_control_block(struct sl_json *json, const uint8_t *data)
{
    unsigned operation = data[0] & 0x0fu, code = data[0] >> 6;
    sl_json_number(json, "control_code", data[0]);
    if (dnp3_operation_name(operation))
        sl_json_string(json, "operation", dnp3_operation_name(operation));
    if (dnp3_trip_close_name(code))
        sl_json_string(json, "trip_close", dnp3_trip_close_name(code));
    if (data[0] & 0x10u)
        sl_json_bool(json, "queue", true);
    if (data[0] & 0x20u)
        sl_json_bool(json, "clear", true);
    sl_json_number(json, "count", data[1]);
    sl_json_number(json, "on_time", dnp3_number(data + 2, 4));
    sl_json_number(json, "off_time", dnp3_number(data + 6, 4));
    sl_json_number(json, "status", data[10]);
}

/* A.19: variations 1 and 2 are integers, 3 and 4 floating point, shown as they are too. */
static void describe_analog_command(struct sl_json *json, unsigned variation, const uint8_t *data,
                                    size_t size)
{
    char text[FLOAT_TEXT_SIZE];
    if (variation == 1)
        sl_json_signed(json, "value", (int32_t)dnp3_number(data, 4));
    else if (variation == 2)
        sl_json_signed(json, "value", (int16_t)dnp3_number(data, 2));
    else if (float_text(dnp3_number(data, size - 1), (unsigned)size - 1, text))
        sl_json_decimal(json, "value", text);
    if (variation >= 3)
        sl_json_hex(json, "value_hex", data, size - 1);
    sl_json_number(json, "status", data[size - 1]);
}

static bool is_time(const struct dnp3_header *header)
{
    return header->group == GROUP_TIME || header->group == GROUP_COMMON_TIME;
}

/* --- one object header --------------------------------------------------------------------- */

static void describe_command(struct sl_json *json, const struct dnp3_header *header, uint32_t index,
                             const uint8_t *data, size_t size)
{
    sl_json_open_object(json, NULL);
    if (header->class == QUALIFIER_INDEX)
        sl_json_number(json, "index", index);
    if (header->group == GROUP_COMMAND)
        describe_control_block(json, data);
    else
        describe_analog_command(json, header->variation, data, size);
    sl_json_close_object(json);
}

static bool describe_listed(struct sl_json *json, const struct dnp3_header *header,
                            struct sl_reader *in)
{
    bool commands = dnp3_is_command(header);
    bool listed = commands || header->class == QUALIFIER_INDEX;
    uint64_t shown = 0;
    bool whole = true;
    if (listed)
        sl_json_open_array(json, commands ? "commands" : "indexes");
    for (uint64_t i = 0; i < header->count && whole; i++) {
        uint32_t index;
        const uint8_t *data;
        size_t size;
        whole = dnp3_read_object(header, in, FORM_CANONICAL, &index, &data, &size);
        if (!whole || !listed || shown < i || !room_for(json, commands ? COMMAND_TEXT : INDEX_TEXT))
            continue;
        shown++;
        if (commands)
            describe_command(json, header, index, data, size);
        else
            sl_json_number(json, NULL, index);
    }
    if (listed)
        sl_json_close_array(json);
    return whole;
}

/* Like its likeness on the wire: what the header says, then what can be said in a number. */
static bool describe_object(struct sl_json *json, const struct dnp3_header *header,
                            struct sl_reader *in)
{
    sl_json_number(json, "group", header->group);
    sl_json_number(json, "variation", header->variation);
    sl_json_number(json, "qualifier", header->qualifier);
    if (header->class == QUALIFIER_RANGE) {
        sl_json_number(json, "start", header->start);
        sl_json_number(json, "stop", header->start + header->count - 1);
    } else if (header->class != QUALIFIER_ALL) {
        sl_json_number(json, "count", header->count);
    }
    uint8_t layout = header->object->layout;
    bool packed = layout == OBJECT_BITS || layout == OBJECT_DOUBLE_BITS;
    if ((header->data && packed) || (!header->data && header->class != QUALIFIER_INDEX))
        return dnp3_skip_objects(header, in);
    if (header->data && is_time(header) && header->class == QUALIFIER_COUNT) {
        uint32_t index;
        const uint8_t *data;
        size_t size;
        if (!dnp3_read_object(header, in, FORM_CANONICAL, &index, &data, &size))
            return false;
        sl_json_number(json, "time", dnp3_number(data, 6)); /* milliseconds since 1970 */
        return true;
    }
    return describe_listed(json, header, in);
}

/* `length` octets of the objects are there; an audit record has only the first. */
static void describe_objects(struct sl_json *json, const struct dnp3_message *message,
                             const uint8_t *octets, size_t length)
{
    struct sl_reader in = sl_reader(octets, length);
    unsigned shown = 0;
    bool whole = true;
    sl_json_open_array(json, "objects");
    while (whole && sl_remaining(&in) > 0 && room_for(json, OBJECT_TEXT)) {
        struct dnp3_header header;
        if (dnp3_read_header(&in, FORM_CANONICAL, message->function, &header) != SL_REASON_NONE)
            break;
        sl_json_open_object(json, NULL);
        whole = describe_object(json, &header, &in);
        sl_json_close_object(json);
        shown++;
    }
    sl_json_close_array(json);
    if (shown < message->header_count)
        sl_json_number(json, "objects_omitted", message->header_count - shown);
}

/* --- the message --------------------------------------------------------------------------- */

static void describe_indications(struct sl_json *json, uint16_t iin)
{
    static const char *const names[16] = {
        [0] = "function-not-supported",
        [1] = "object-unknown",
        [2] = "parameter-error",
        [3] = "event-buffer-overflow",
        [4] = "already-executing",
        [5] = "configuration-corrupt",
        [8] = "broadcast",
        [9] = "class-1-events",
        [10] = "class-2-events",
        [11] = "class-3-events",
        [12] = "need-time",
        [13] = "local-control",
        [14] = "device-trouble",
        [15] = "device-restart",
    };
    sl_json_number(json, "iin", iin);
    sl_json_open_array(json, "iin_names");
    for (unsigned bit = 0; bit < 16; bit++)
        if ((iin >> bit & 1u) && names[bit])
            sl_json_string(json, NULL, names[bit]);
    sl_json_close_array(json);
}

static void describe_link(struct sl_json *json, const struct dnp3_message *message)
{
    sl_json_number(json, "link_function", message->link_control & LINK_FUNCTION);
    const char *name = dnp3_link_function_name(message->link_control);
    if (name)
        sl_json_string(json, "link_function_name", name);
    sl_json_bool(json, "primary", message->link_control & LINK_PRM);
}

static void describe_application(struct sl_json *json, const struct dnp3_message *message)
{
    sl_json_number(json, "function", message->function);
    const char *name = dnp3_function_name(message->function);
    if (name)
        sl_json_string(json, "function_name", name);
    sl_json_number(json, "sequence", message->sequence);
    sl_json_bool(json, "first", message->control & DNP3_FIR);
    sl_json_bool(json, "final", message->control & DNP3_FIN);
    sl_json_bool(json, "confirm", message->control & DNP3_CON);
    sl_json_bool(json, "unsolicited", message->control & DNP3_UNS);
}

static void describe_stations(struct sl_json *json, const struct dnp3_message *message,
                              bool own_object)
{
    if (!own_object) {
        sl_json_number(json, "destination", message->destination);
        sl_json_open_object(json, "dnp3");
    }
    sl_json_number(json, "source", message->source);
    sl_json_number(json, "destination", message->destination);
    if (!own_object)
        sl_json_close_object(json);
}

void dnp3_describe(struct sl_json *json, enum sl_direction direction, const void *canonical,
                   size_t length, bool own_object)
{
    const struct dnp3_message *head = canonical;
    (void)direction;
    if (length < DNP3_HEAD_SIZE)
        return;
    bool malformed = head->kind == DNP3_MALFORMED;
    if (!malformed || head->known & DNP3_KNOWS_LINK)
        describe_stations(json, head, own_object);
    if (head->kind == DNP3_LINK || (malformed && head->known == DNP3_KNOWS_LINK))
        describe_link(json, head);
    if (head->kind == DNP3_FRAGMENT || (malformed && head->known & DNP3_KNOWS_APPLICATION))
        describe_application(json, head);
    if (head->kind != DNP3_FRAGMENT)
        return;
    if (head->function >= DNP3_RESPONSE)
        describe_indications(json, head->iin);
    size_t there = length - DNP3_HEAD_SIZE;
    describe_objects(json, head, head->objects,
                     there < head->objects_length ? there : head->objects_length);
}
