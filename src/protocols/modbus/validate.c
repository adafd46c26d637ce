/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether canonical bytes from another component are a message that decode() could have made:
 * total, and the same limits as decode(). Reads nothing beyond `length`.
 */
#include "protocols/modbus/codec.h"
#include "protocols/modbus/opaque.h"

#define FUNCTION_MAX 127u /* AP 4.1: 128 to 255 are exceptions */

static bool unused_fields_are_zero(const struct modbus_message *m, unsigned fields)
{
    unsigned found = 0;
    found |= fields & MODBUS_HAS_ADDRESS ? 0u : m->address;
    found |= fields & MODBUS_HAS_QUANTITY ? 0u : m->quantity;
    found |= fields & MODBUS_HAS_WRITE ? 0u : (unsigned)(m->write_address | m->write_quantity);
    found |= fields & MODBUS_HAS_MASKS ? 0u : (unsigned)(m->and_mask | m->or_mask);
    found |= fields & MODBUS_HAS_SUBFUNCTION ? 0u : m->subfunction;
    found |= fields & MODBUS_HAS_STATUS ? 0u : m->status;
    found |= fields & MODBUS_HAS_EVENTS ? 0u : m->events;
    found |= fields & MODBUS_HAS_MESSAGES ? 0u : m->messages;
    found |= fields & MODBUS_HAS_MEI ? 0u : m->mei;
    found |= fields & MODBUS_HAS_READ_CODE ? 0u : m->read_code;
    found |= fields & MODBUS_HAS_OBJECT ? 0u : m->object;
    found |= fields & MODBUS_HAS_IDENTIFICATION ? 0u : (unsigned)(m->conformity | m->more);
    found |= fields & MODBUS_HAS_PARTS ? 0u : m->parts;
    found |= fields & MODBUS_HAS_COUNT ? 0u : m->count;
    return found == 0;
}

enum sl_reason modbus_check_opaque(enum sl_direction direction,
                                   const struct policy_service *service,
                                   const struct modbus_message *message)
{
    if (message->function == 0 || message->function > FUNCTION_MAX)
        return SL_REASON_FUNCTION_UNKNOWN;
    const struct modbus_opaque *opaque =
        service ? modbus_opaque_find(service, message->function, direction) : NULL;
    if (!opaque)
        return SL_REASON_FUNCTION_UNKNOWN;
    if (message->count < opaque->min_length || message->count > opaque->max_length ||
        opaque->prefix_length > MODBUS_OPAQUE_PREFIX || message->count < opaque->prefix_length ||
        memcmp(message->value.bytes, opaque->prefix, opaque->prefix_length) != 0)
        return SL_REASON_OPAQUE_MISMATCH;
    return SL_REASON_NONE;
}

bool modbus_has_function(const struct policy_service *service, uint8_t function)
{
    return modbus_codec(SL_REQUEST, function) ||
           (service && (modbus_opaque_find(service, function, SL_REQUEST) ||
                        modbus_opaque_find(service, function, SL_REPLY)));
}

static enum sl_reason validate_exception(enum sl_direction direction,
                                         const struct policy_service *service,
                                         const struct modbus_message *message)
{
    bool good = direction == SL_REPLY && message->exception != 0 &&
                modbus_has_function(service, message->function) &&
                unused_fields_are_zero(message, 0);
    return good ? SL_REASON_NONE : SL_REASON_CANONICAL_INVALID;
}

static enum sl_reason validate_opaque(enum sl_direction direction,
                                      const struct policy_service *service,
                                      const struct modbus_message *message)
{
    if (message->exception || !unused_fields_are_zero(message, MODBUS_HAS_COUNT) ||
        modbus_codec(direction, message->function))
        return SL_REASON_CANONICAL_INVALID;
    return modbus_check_opaque(direction, service, message);
}

enum sl_reason modbus_validate(enum sl_direction direction, const struct policy_service *service,
                               const void *canonical, size_t length)
{
    const struct modbus_message *message = canonical;
    if (length < MODBUS_HEAD_SIZE || length > sizeof *message ||
        length != modbus_canonical_size(message))
        return SL_REASON_CANONICAL_INVALID;
    switch (message->kind) {
    case MODBUS_EXCEPTION:
        return validate_exception(direction, service, message);
    case MODBUS_OPAQUE:
        return validate_opaque(direction, service, message);
    case MODBUS_REQUEST:
    case MODBUS_REPLY:
        break;
    default:
        return SL_REASON_CANONICAL_INVALID;
    }
    const struct modbus_codec *codec = modbus_codec(direction, message->function);
    if (!codec || (message->kind == MODBUS_REQUEST) != (direction == SL_REQUEST) ||
        message->exception || !unused_fields_are_zero(message, codec->fields))
        return SL_REASON_CANONICAL_INVALID;
    return modbus_check(codec, message);
}

/* The fields that struct modbus_codec.leading may fill, and how many bytes of them there are. */
#define MALFORMED_FIELDS                                                                           \
    (MODBUS_HAS_ADDRESS | MODBUS_HAS_QUANTITY | MODBUS_HAS_WRITE | MODBUS_HAS_SUBFUNCTION |        \
     MODBUS_HAS_MEI | MODBUS_HAS_PARTS)
#define LEADING_MAX 8u

enum sl_reason modbus_validate_malformed(const void *canonical, size_t length)
{
    const struct modbus_message *message = canonical;
    bool good = length == MODBUS_HEAD_SIZE && message->kind == MODBUS_MALFORMED &&
                message->exception == 0 && message->parts <= LEADING_MAX &&
                unused_fields_are_zero(message, MALFORMED_FIELDS);
    return good ? SL_REASON_NONE : SL_REASON_CANONICAL_INVALID;
}
