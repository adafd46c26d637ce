/* SPDX-License-Identifier: BSD-2-Clause */
/* A canonical message, whole or cut short, in Modbus's words as JSON members. */
#include "protocols/modbus/codec.h"

#define OBJECT_TEXT_MAX 245u /* the longest object that fits in a PDU has 244 bytes */
#define COILS_TEXT      2u   /* "1," */
#define REGISTER_TEXT   6u   /* "65535," */
#define RECORD_TEXT     48u  /* {"file":65535,"record":65535,"length":65535}, */
#define ARRAY_TEXT      64u  /* key, brackets, and "values_omitted" */

static bool room_for(const struct sl_json *json, size_t bytes)
{
    return !json->overflow && json->size > json->length && json->size - json->length > bytes;
}

/* What of the message is there: `length` bytes of it were copied. */
struct view {
    struct modbus_message message;
    size_t length;
};

static size_t value_bytes(const struct view *view)
{
    if (view->length <= MODBUS_HEAD_SIZE)
        return 0;
    size_t bytes = view->length - MODBUS_HEAD_SIZE;
    return bytes < sizeof view->message.value ? bytes : sizeof view->message.value;
}

static void describe_coils(struct sl_json *json, const struct view *view)
{
    const struct modbus_message *message = &view->message;
    size_t count = message->count;
    if (count > 8 * value_bytes(view))
        count = 8 * value_bytes(view);
    if (!room_for(json, ARRAY_TEXT + COILS_TEXT * count))
        count = 0;
    sl_json_open_array(json, "values");
    for (size_t i = 0; i < count; i++)
        sl_json_number(json, NULL, message->value.coils[i / 8] >> i % 8 & 1u);
    sl_json_close_array(json);
    if (count < message->count)
        sl_json_number(json, "values_omitted", message->count - count);
}

static void describe_registers(struct sl_json *json, const struct view *view)
{
    const struct modbus_message *message = &view->message;
    size_t count = message->count;
    if (count > value_bytes(view) / 2)
        count = value_bytes(view) / 2;
    if (!room_for(json, ARRAY_TEXT + REGISTER_TEXT * count))
        count = 0;
    sl_json_open_array(json, "values");
    for (size_t i = 0; i < count; i++)
        sl_json_number(json, NULL, message->value.registers[i]);
    sl_json_close_array(json);
    if (count < message->count)
        sl_json_number(json, "values_omitted", message->count - count);
}

static void describe_bytes(struct sl_json *json, const struct view *view)
{
    const struct modbus_message *message = &view->message;
    size_t count = message->count;
    if (count > value_bytes(view))
        count = value_bytes(view);
    sl_json_hex(json, "data", message->value.bytes, count);
    if (count < message->count)
        sl_json_number(json, "data_omitted", message->count - count);
}

static void describe_records(struct sl_json *json, const struct view *view)
{
    const struct modbus_message *message = &view->message;
    size_t count = message->parts <= MODBUS_MAX_PARTS ? message->parts : MODBUS_MAX_PARTS;
    if (view->length < offsetof(struct modbus_message, part) + count * sizeof message->part[0] ||
        !room_for(json, ARRAY_TEXT + RECORD_TEXT * count))
        count = 0;
    bool request = message->kind == MODBUS_REQUEST;
    bool named = request || message->function == MODBUS_WRITE_FILE_RECORD;
    sl_json_open_array(json, "records");
    for (size_t i = 0; i < count; i++) {
        sl_json_open_object(json, NULL);
        if (named) {
            sl_json_number(json, "file", message->part[i].file);
            sl_json_number(json, "record", message->part[i].record);
        }
        sl_json_number(json, "length", message->part[i].length);
        sl_json_close_object(json);
    }
    sl_json_close_array(json);
    if (count < message->parts)
        sl_json_number(json, "records_omitted", message->parts - count);
}

/* Device identification is text (AP 6.21); what is not printable ASCII is shown as hex. */
static void describe_object(struct sl_json *json, uint8_t id, const uint8_t *value, size_t length)
{
    char text[OBJECT_TEXT_MAX + 1];
    bool printable = length < sizeof text;
    for (size_t i = 0; i < length && printable; i++) {
        printable = value[i] >= 0x20 && value[i] < 0x7f;
        text[i] = (char)value[i];
    }
    sl_json_open_object(json, NULL);
    sl_json_number(json, "id", id);
    if (printable) {
        text[length] = '\0';
        sl_json_string(json, "value", text);
    } else {
        sl_json_hex(json, "value_hex", value, length);
    }
    sl_json_close_object(json);
}

static void describe_objects(struct sl_json *json, const struct view *view)
{
    const struct modbus_message *message = &view->message;
    size_t there = value_bytes(view);
    struct sl_reader objects =
        sl_reader(message->value.bytes, message->count < there ? message->count : there);
    sl_json_open_array(json, "objects");
    unsigned shown = 0;
    while (shown < message->parts) {
        uint8_t id = sl_read_u8(&objects);
        size_t length = sl_read_u8(&objects);
        const uint8_t *value = sl_read_bytes(&objects, length);
        if (!value || !room_for(json, 2 * length + ARRAY_TEXT))
            break;
        describe_object(json, id, value, length);
        shown++;
    }
    sl_json_close_array(json);
    if (shown < message->parts)
        sl_json_number(json, "objects_omitted", message->parts - shown);
}

/* Addresses and quantities that the wire carries: `leading` bytes of them are known. */
static void describe_ranges(struct sl_json *json, const struct modbus_message *message,
                            unsigned leading)
{
    if (leading >= 2)
        sl_json_number(json, "address", message->address);
    if (leading >= 4)
        sl_json_number(json, "quantity", message->quantity);
    if (leading >= 6)
        sl_json_number(json, "write_address", message->write_address);
    if (leading >= 8)
        sl_json_number(json, "write_quantity", message->write_quantity);
}

static void describe_malformed(struct sl_json *json, const struct modbus_message *message)
{
    if (message->function == MODBUS_DIAGNOSTICS) {
        if (message->parts >= 2)
            sl_json_number(json, "subfunction", message->subfunction);
    } else if (message->function == MODBUS_ENCAPSULATED_INTERFACE) {
        if (message->parts >= 1)
            sl_json_number(json, "mei", message->mei);
    } else {
        describe_ranges(json, message, message->parts);
    }
}

static void describe_encapsulated(struct sl_json *json, const struct view *view)
{
    const struct modbus_message *message = &view->message;
    sl_json_number(json, "mei", message->mei);
    if (message->mei != MODBUS_MEI_DEVICE_IDENTIFICATION) {
        describe_bytes(json, view);
        return;
    }
    sl_json_number(json, "read_code", message->read_code);
    if (message->kind == MODBUS_REQUEST) {
        sl_json_number(json, "object", message->object);
        return;
    }
    sl_json_number(json, "conformity", message->conformity);
    sl_json_bool(json, "more_follows", message->more != 0);
    sl_json_number(json, "next_object", message->object);
    describe_objects(json, view);
}

static void describe_values(struct sl_json *json, const struct view *view,
                            const struct modbus_codec *codec)
{
    const struct modbus_message *message = &view->message;
    if (codec->quantity_max == 1 && codec->values != MODBUS_NO_VALUES) {
        if (value_bytes(view) < (codec->values == MODBUS_COILS ? 1u : 2u))
            return;
        sl_json_number(json, "value",
                       codec->values == MODBUS_COILS ? message->value.coils[0]
                                                     : message->value.registers[0]);
        return;
    }
    if (codec->values == MODBUS_COILS)
        describe_coils(json, view);
    if (codec->values == MODBUS_REGISTERS)
        describe_registers(json, view);
    if (codec->values == MODBUS_BYTES)
        describe_bytes(json, view);
}

static void describe_content(struct sl_json *json, const struct view *view,
                             const struct modbus_codec *codec)
{
    const struct modbus_message *message = &view->message;
    if (message->function == MODBUS_ENCAPSULATED_INTERFACE) {
        describe_encapsulated(json, view);
        return;
    }
    if (codec->fields & MODBUS_HAS_SUBFUNCTION)
        sl_json_number(json, "subfunction", message->subfunction);
    else
        describe_ranges(json, message, codec->leading);
    if (codec->fields & MODBUS_HAS_MASKS) {
        sl_json_number(json, "and_mask", message->and_mask);
        sl_json_number(json, "or_mask", message->or_mask);
    }
    if (codec->fields & MODBUS_HAS_STATUS)
        sl_json_number(json, "status", message->status);
    if (codec->fields & MODBUS_HAS_EVENTS)
        sl_json_number(json, "event_count", message->events);
    if (codec->fields & MODBUS_HAS_MESSAGES)
        sl_json_number(json, "message_count", message->messages);
    if (codec->fields & MODBUS_HAS_PARTS)
        describe_records(json, view);
    describe_values(json, view, codec);
}

static const char *exception_name(unsigned code)
{
    static const char *const names[] = {
        [1] = "illegal-function",
        [2] = "illegal-data-address",
        [3] = "illegal-data-value",
        [4] = "server-device-failure",
        [5] = "acknowledge",
        [6] = "server-device-busy",
        [8] = "memory-parity-error",
        [10] = "gateway-path-unavailable",
        [11] = "gateway-target-failed-to-respond",
    }; /* AP 7 */
    return code < sizeof names / sizeof names[0] ? names[code] : NULL;
}

void modbus_describe(struct sl_json *json, enum sl_direction direction, const void *canonical,
                     size_t length, bool own_object)
{
    (void)own_object;
    struct view view = {.length = length < sizeof view.message ? length : sizeof view.message};
    const struct modbus_message *message = &view.message;
    if (view.length < MODBUS_HEAD_SIZE)
        return;
    memcpy(&view.message, canonical, view.length);
    /* A malformed reply keeps the byte as it was: the exception bit is not part of the function. */
    const uint8_t function = direction == SL_REPLY && message->kind == MODBUS_MALFORMED
                                 ? message->function & 0x7fu
                                 : message->function;
    sl_json_number(json, "function", function);
    const char *name = modbus_function_name(function);
    if (name)
        sl_json_string(json, "function_name", name);
    sl_json_number(json, "unit", message->unit);
    sl_json_number(json, "transaction", message->transaction);
    const struct modbus_codec *codec = modbus_codec(direction, message->function);
    switch (message->kind) {
    case MODBUS_EXCEPTION:
        sl_json_number(json, "exception", message->exception);
        if (exception_name(message->exception))
            sl_json_string(json, "exception_name", exception_name(message->exception));
        break;
    case MODBUS_OPAQUE:
        sl_json_bool(json, "opaque", true);
        describe_bytes(json, &view);
        break;
    case MODBUS_REQUEST:
    case MODBUS_REPLY:
        if (codec)
            describe_content(json, &view, codec);
        break;
    case MODBUS_MALFORMED:
        describe_malformed(json, message);
        break;
    default: /* a hostile kind: the head is all there is to say */
        break;
    }
}
