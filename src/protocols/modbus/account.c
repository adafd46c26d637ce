/* SPDX-License-Identifier: BSD-2-Clause */
/* What audit lines say of a Modbus message beyond its fields: whether it only reads, what it
 * writes, and when two are the same. Any bytes may come in: some are all that a line has. */
#include <string.h>

#include "protocols/modbus/modbus.h"
#include "sluice/audit.h"
#include "util/phrase.h"

/* The head and as much of the values as there is; the rest zero. False without a whole head. */
static bool take(struct modbus_message *message, const void *canonical, size_t length)
{
    if (length < MODBUS_HEAD_SIZE)
        return false;
    memset(message, 0, sizeof *message);
    memcpy(message, canonical, length < sizeof *message ? length : sizeof *message);
    return true;
}

/* sl_extent.place */
static uint32_t place_of(unsigned unit, unsigned function)
{
    return (uint32_t)unit << 8 | function;
}

unsigned modbus_reads(const void *request, size_t length, struct sl_extent *extent, unsigned room,
                      bool *more)
{
    struct modbus_message message;
    if (!take(&message, request, length) || message.kind != MODBUS_REQUEST || room == 0)
        return 0;
    *more = false;
    *extent = (struct sl_extent){.place = place_of(message.unit, message.function),
                                 .first = message.address};
    uint32_t last = message.address;
    switch (message.function) {
    case MODBUS_READ_COILS:
    case MODBUS_READ_DISCRETE_INPUTS:
    case MODBUS_READ_HOLDING_REGISTERS:
    case MODBUS_READ_INPUT_REGISTERS:
        last += message.quantity ? message.quantity - 1u : 0;
        break;
    case MODBUS_READ_EXCEPTION_STATUS:
    case MODBUS_GET_COMM_EVENT_COUNTER:
    case MODBUS_GET_COMM_EVENT_LOG:
    case MODBUS_REPORT_SERVER_ID:
    case MODBUS_READ_FILE_RECORD:
    case MODBUS_READ_FIFO_QUEUE:
        break;
    case MODBUS_ENCAPSULATED_INTERFACE:
        if (message.mei != MODBUS_MEI_DEVICE_IDENTIFICATION)
            return 0;
        break;
    default: /* diagnostics (function 8) restart and clear things */
        return 0;
    }
    extent->last = last < UINT16_MAX ? last : UINT16_MAX;
    return 1;
}

static void number(struct sl_value *value, uint16_t of)
{
    struct phrase phrase = phrase_start(value->text, sizeof value->text);
    phrase_number(&phrase, of);
    value->number = true;
}

unsigned modbus_written(const void *request, size_t length, struct sl_value *value, unsigned room)
{
    struct modbus_message message;
    if (!take(&message, request, length) || message.kind != MODBUS_REQUEST)
        return 0;
    const size_t here = length - MODBUS_HEAD_SIZE; /* bytes of values */
    const bool coils = message.function == MODBUS_WRITE_SINGLE_COIL ||
                       message.function == MODBUS_WRITE_MULTIPLE_COILS;
    if (!coils && message.function != MODBUS_WRITE_SINGLE_REGISTER &&
        message.function != MODBUS_WRITE_MULTIPLE_REGISTERS &&
        message.function != MODBUS_READ_WRITE_MULTIPLE_REGISTERS)
        return 0;
    const size_t there = coils ? here * 8 : here / 2;
    unsigned count = message.count < room ? message.count : room;
    if (count > there)
        count = (unsigned)there;
    for (unsigned i = 0; i < count; i++)
        number(&value[i],
               coils ? message.value.coils[i / 8] >> i % 8 & 1 : message.value.registers[i]);
    return count;
}

bool modbus_old_value(const struct sl_audit *record, unsigned i, struct sl_value *value)
{
    if (i >= SL_AUDIT_OLD || !(record->old_known >> i & 1))
        return false;
    number(value, record->old[i]);
    return true;
}

size_t modbus_untie(enum sl_direction direction, void *canonical, size_t length)
{
    (void)direction;
    if (length >= MODBUS_HEAD_SIZE)
        memset((uint8_t *)canonical + offsetof(struct modbus_message, transaction), 0,
               sizeof(uint16_t));
    return length;
}

void modbus_describe_extent(struct sl_json *json, const struct sl_extent *extent)
{
    sl_json_number(json, "function", extent->place & 0xff);
    sl_json_number(json, "unit", extent->place >> 8 & 0xff);
    sl_json_number(json, "address", extent->first);
    sl_json_number(json, "quantity", extent->last - extent->first + UINT64_C(1));
}

void modbus_extent_words(char *text, size_t size, const struct sl_extent *extent)
{
    const struct modbus_message message = {
        .kind = MODBUS_REQUEST,
        .function = (uint8_t)extent->place,
        .unit = (uint8_t)(extent->place >> 8),
        .address = (uint16_t)extent->first,
        .quantity = (uint16_t)(extent->last - extent->first + 1),
    };
    modbus_phrase(text, size, SL_REQUEST, &message, MODBUS_HEAD_SIZE);
}
