/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocols/dnp3/fragment.h"

#include "protocols/dnp3/objects.h"

static bool is_response(unsigned function)
{
    return function >= DNP3_RESPONSE;
}

/* 1815 4.2.2.4, 4.2.2.5.1, 4.4: which control bits a function may have. A request is one fragment
 * and asks for no confirmation; an unsolicited response is one fragment and always does. */
static enum sl_reason check_control(enum sl_direction direction, unsigned function, uint8_t control)
{
    const struct dnp3_function_entry *entry = dnp3_function(function);
    if (!entry || is_response(function) != (direction == SL_REPLY))
        return SL_REASON_FUNCTION_UNKNOWN;
    const uint8_t whole = DNP3_FIR | DNP3_FIN;
    bool possible;
    switch (function) {
    case DNP3_CONFIRM:
        possible = (control & (uint8_t)~DNP3_UNS) == whole;
        break;
    case DNP3_RESPONSE:
        possible = !(control & DNP3_UNS);
        break;
    case DNP3_UNSOLICITED_RESPONSE:
        possible = control == (whole | DNP3_CON | DNP3_UNS);
        break;
    case DNP3_AUTHENTICATION_RESPONSE:
        possible = !(control & DNP3_UNS) || control & DNP3_CON;
        break;
    default:
        possible = control == whole;
    }
    return possible ? SL_REASON_NONE : SL_REASON_APPLICATION_CONTROL;
}

enum sl_reason fragment_decode(enum sl_direction direction, struct sl_reader *in,
                               struct dnp3_message *message)
{
    uint8_t control = sl_read_u8(in);
    message->function = sl_read_u8(in);
    message->control = control & (uint8_t)~DNP3_SEQUENCE;
    message->sequence = control & DNP3_SEQUENCE;
    if (in->failed)
        return SL_REASON_TRUNCATED;
    enum sl_reason reason = check_control(direction, message->function, message->control);
    if (reason != SL_REASON_NONE)
        return reason;
    bool changed = false, authenticated;
    if (is_response(message->function)) {
        uint16_t iin = sl_read_u16be(in);
        if (in->failed)
            return SL_REASON_TRUNCATED;
        message->iin = iin & (uint16_t)~DNP3_IIN_RESERVED;
        changed = message->iin != iin;
    }
    struct sl_writer objects = sl_writer(message->objects, sizeof message->objects);
    reason = dnp3_copy_fragment_objects(message->function, in, FORM_WIRE, &objects, FORM_CANONICAL,
                                        &message->header_count, &changed, &authenticated);
    if (reason != SL_REASON_NONE)
        return reason;
    if (objects.failed) /* cannot be: the canonical form is at most twice as long */
        return SL_REASON_FRAGMENT_LENGTH;
    /* What is signed passes as it is or not at all. */
    if (authenticated && changed)
        return SL_REASON_RESERVED_BITS;
    message->objects_length = (uint16_t)objects.length;
    return SL_REASON_NONE;
}

enum sl_reason fragment_encode(const struct dnp3_message *message, uint8_t sequence,
                               struct sl_writer *out, bool *changed)
{
    sl_write_u8(out, (uint8_t)(message->control | sequence));
    sl_write_u8(out, message->function);
    if (is_response(message->function))
        sl_write_u16be(out, message->iin);
    if (message->objects_length > sizeof message->objects)
        return SL_REASON_CANONICAL_INVALID;
    struct sl_reader objects = sl_reader(message->objects, message->objects_length);
    uint16_t headers;
    bool authenticated;
    enum sl_reason reason =
        dnp3_copy_fragment_objects(message->function, &objects, FORM_CANONICAL, out, FORM_WIRE,
                                   &headers, changed, &authenticated);
    if (reason == SL_REASON_NONE && (out->failed || headers != message->header_count))
        return SL_REASON_CANONICAL_INVALID;
    return reason;
}

enum sl_reason fragment_validate(enum sl_direction direction, const struct dnp3_message *message)
{
    uint8_t octets[DNP3_MAX_FRAGMENT];
    struct sl_writer out = sl_writer(octets, sizeof octets);
    if (message->control & DNP3_SEQUENCE || message->sequence > DNP3_SEQUENCE)
        return SL_REASON_CANONICAL_INVALID;
    enum sl_reason reason = check_control(direction, message->function, message->control);
    if (reason != SL_REASON_NONE)
        return reason;
    if (message->iin & DNP3_IIN_RESERVED || (message->iin && !is_response(message->function)))
        return SL_REASON_RESERVED_BITS;
    bool changed = false;
    reason = fragment_encode(message, message->sequence, &out, &changed);
    return reason == SL_REASON_NONE && changed ? SL_REASON_RESERVED_BITS : reason;
}
