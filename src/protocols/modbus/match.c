/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a reply answers a request, as far as the request determines the reply. */
#include "policy/image.h"
#include "protocols/modbus/codec.h"

#define FORCE_LISTEN_ONLY 4u /* AP 6.8.1: no response is returned */
#define BROADCAST_UNIT    0u /* Modbus over Serial Line V1.02 2.1: no response is returned */
#define READ_BASIC        1u /* AP 6.21: objects 0x00 to 0x02 */
#define READ_REGULAR      2u /* 0x00 to 0x7f */
#define READ_INDIVIDUAL   4u
#define LAST_BASIC        0x02u
#define LAST_REGULAR      0x7fu

bool modbus_expects_reply(const struct policy_service *service, const void *request, size_t length)
{
    const struct modbus_message *message = request;
    if (length < MODBUS_HEAD_SIZE)
        return true;
    if (service && service->flags & POLICY_SERVICE_BROADCAST && message->unit == BROADCAST_UNIT)
        return false;
    return !(message->kind == MODBUS_REQUEST && message->function == MODBUS_DIAGNOSTICS &&
             message->subfunction == FORCE_LISTEN_ONLY);
}

static enum sl_reason shape(bool same)
{
    return same ? SL_REASON_NONE : SL_REASON_REPLY_SHAPE;
}

static enum sl_reason echo(bool same)
{
    return same ? SL_REASON_NONE : SL_REASON_REPLY_ECHO;
}

static enum sl_reason match_diagnostics(const struct modbus_message *request,
                                        const struct modbus_message *reply)
{
    if (reply->subfunction != request->subfunction)
        return SL_REASON_REPLY_ECHO;
    if (!modbus_diagnostics_echoed(request->subfunction))
        return SL_REASON_NONE;
    return echo(reply->count == request->count &&
                memcmp(reply->value.bytes, request->value.bytes, request->count) == 0);
}

static enum sl_reason match_file_read(const struct modbus_message *request,
                                      const struct modbus_message *reply)
{
    if (reply->parts != request->parts)
        return SL_REASON_REPLY_SHAPE;
    for (unsigned i = 0; i < request->parts; i++)
        if (reply->part[i].length != request->part[i].length)
            return SL_REASON_REPLY_SHAPE;
    return SL_REASON_NONE;
}

/* AP 6.15: the normal response is an echo of the request. */
static enum sl_reason match_file_write(const struct modbus_message *request,
                                       const struct modbus_message *reply)
{
    return echo(reply->parts == request->parts && reply->count == request->count &&
                memcmp(reply->part, request->part, request->parts * sizeof request->part[0]) == 0 &&
                memcmp(reply->value.registers, request->value.registers, 2u * request->count) == 0);
}

static enum sl_reason match_identification(const struct modbus_message *request,
                                           const struct modbus_message *reply)
{
    if (reply->mei != request->mei)
        return SL_REASON_REPLY_SHAPE;
    if (request->mei != MODBUS_MEI_DEVICE_IDENTIFICATION)
        return SL_REASON_NONE;
    if (reply->read_code != request->read_code)
        return SL_REASON_REPLY_ECHO;
    struct sl_reader objects = sl_reader(reply->value.bytes, reply->count);
    for (unsigned i = 0; i < reply->parts; i++) {
        uint8_t id = sl_read_u8(&objects);
        size_t length = sl_read_u8(&objects);
        (void)sl_read_bytes(&objects, length);
        if (request->read_code == READ_INDIVIDUAL && id != request->object)
            return SL_REASON_REPLY_ECHO;
        if ((request->read_code == READ_BASIC && id > LAST_BASIC) ||
            (request->read_code == READ_REGULAR && id > LAST_REGULAR))
            return SL_REASON_REPLY_SHAPE;
    }
    return SL_REASON_NONE;
}

static enum sl_reason match_content(const struct modbus_message *request,
                                    const struct modbus_message *reply)
{
    switch (request->function) {
    case MODBUS_READ_COILS:
    case MODBUS_READ_DISCRETE_INPUTS:
        return shape(reply->count / 8 == (request->quantity + 7) / 8);
    case MODBUS_READ_HOLDING_REGISTERS:
    case MODBUS_READ_INPUT_REGISTERS:
    case MODBUS_READ_WRITE_MULTIPLE_REGISTERS:
        return shape(reply->count == request->quantity);
    case MODBUS_WRITE_SINGLE_COIL:
        return echo(reply->address == request->address &&
                    reply->value.coils[0] == request->value.coils[0]);
    case MODBUS_WRITE_SINGLE_REGISTER:
        return echo(reply->address == request->address &&
                    reply->value.registers[0] == request->value.registers[0]);
    case MODBUS_DIAGNOSTICS:
        return match_diagnostics(request, reply);
    case MODBUS_WRITE_MULTIPLE_COILS:
    case MODBUS_WRITE_MULTIPLE_REGISTERS:
        return echo(reply->address == request->address && reply->quantity == request->quantity);
    case MODBUS_READ_FILE_RECORD:
        return match_file_read(request, reply);
    case MODBUS_WRITE_FILE_RECORD:
        return match_file_write(request, reply);
    case MODBUS_MASK_WRITE_REGISTER:
        return echo(reply->address == request->address && reply->and_mask == request->and_mask &&
                    reply->or_mask == request->or_mask);
    case MODBUS_ENCAPSULATED_INTERFACE:
        return match_identification(request, reply);
    default: /* 7, 11, 12, 17, 24: the request says nothing of the reply */
        return SL_REASON_NONE;
    }
}

enum sl_reason modbus_match(const struct policy_service *service, const void *request_canonical,
                            size_t request_length, uint16_t key, const void *reply_canonical,
                            size_t reply_length)
{
    const struct modbus_message *request = request_canonical;
    const struct modbus_message *reply = reply_canonical;
    (void)request_length;
    (void)reply_length;
    if (reply->transaction != key)
        return SL_REASON_REPLY_TRANSACTION;
    if (reply->unit != request->unit &&
        !(service && service->flags & POLICY_SERVICE_REPLY_UNIT_ANY))
        return SL_REASON_REPLY_UNIT;
    if (reply->function != request->function)
        return SL_REASON_REPLY_FUNCTION;
    if (reply->kind == MODBUS_EXCEPTION || reply->kind == MODBUS_OPAQUE)
        return SL_REASON_NONE; /* a function is opaque both ways or not at all */
    return match_content(request, reply);
}

size_t modbus_normalise(const void *request_canonical, size_t request_length, void *reply_canonical,
                        size_t reply_length)
{
    const struct modbus_message *request = request_canonical;
    struct modbus_message *reply = reply_canonical;
    (void)request_length;
    reply->unit = request->unit;
    if (reply->kind == MODBUS_REPLY &&
        (reply->function == MODBUS_READ_COILS || reply->function == MODBUS_READ_DISCRETE_INPUTS)) {
        reply->count = request->quantity;
        modbus_clear_padding(reply->value.coils, reply->count);
    }
    return reply_length;
}

bool modbus_notable(const void *reply, size_t length)
{
    const struct modbus_message *message = reply;
    return length >= MODBUS_HEAD_SIZE && message->kind == MODBUS_EXCEPTION;
}
