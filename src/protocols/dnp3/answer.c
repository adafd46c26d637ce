/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes back for a request: from the outstation, or from the gateway that refuses it. */
#include "protocols/dnp3/dnp3.h"
#include "protocols/dnp3/link.h"
#include "protocols/dnp3/objects.h"

#define STATUS_NOT_AUTHORIZED 9u /* of a command: A.8.1, table 11-7 */

static bool to_one_station(const struct dnp3_message *request)
{
    return request->destination < LINK_FIRST_BROADCAST;
}

/* A function that nobody knows is one of an outstation's to refuse, below those of responses
 * (1815 4.2.2.5). */
static bool is_answered(const struct dnp3_message *request)
{
    const struct dnp3_function_entry *entry = dnp3_function(request->function);
    if (entry)
        return entry->acknowledged;
    return request->kind == DNP3_MALFORMED && request->function < DNP3_RESPONSE;
}

bool dnp3_expects_reply(const struct policy_service *service, const void *canonical, size_t length)
{
    (void)service;
    const struct dnp3_message *request = canonical;
    if (length < DNP3_HEAD_SIZE || !to_one_station(request))
        return false;
    if (request->kind == DNP3_LINK) /* all that asks without user data is answered (9.2.6) */
        return request->link_control & LINK_PRM;
    return is_answered(request);
}

/* --- replies ------------------------------------------------------------------------------- */

/* The same commands, their status apart (1815 4.4.4). */
static bool same_objects(const struct dnp3_header *header, struct sl_reader *asked,
                         struct sl_reader *told)
{
    if (!dnp3_is_command(header)) {
        uint64_t octets = (header->count + 7) / 8; /* pattern mask */
        if (header->object->layout != OBJECT_BITS || octets > sl_remaining(asked) ||
            octets > sl_remaining(told))
            return false;
        return memcmp(sl_read_bytes(asked, (size_t)octets), sl_read_bytes(told, (size_t)octets),
                      (size_t)octets) == 0;
    }
    for (uint64_t i = 0; i < header->count; i++) {
        uint32_t index[2];
        const uint8_t *data[2];
        size_t size[2];
        if (!dnp3_read_object(header, asked, FORM_CANONICAL, &index[0], &data[0], &size[0]) ||
            !dnp3_read_object(header, told, FORM_CANONICAL, &index[1], &data[1], &size[1]))
            return false;
        if (index[0] != index[1] || memcmp(data[0], data[1], size[0] - 1) != 0)
            return false;
    }
    return true;
}

static bool echoes(const struct dnp3_message *request, const struct dnp3_message *reply)
{
    struct sl_reader asked = sl_reader(request->objects, request->objects_length);
    struct sl_reader told = sl_reader(reply->objects, reply->objects_length);
    while (sl_remaining(&asked) > 0 && sl_remaining(&told) > 0) {
        struct dnp3_header a, t;
        if (dnp3_read_header(&asked, FORM_CANONICAL, request->function, &a) != SL_REASON_NONE ||
            dnp3_read_header(&told, FORM_CANONICAL, reply->function, &t) != SL_REASON_NONE)
            return false;
        if (a.group != t.group || a.variation != t.variation || a.class != t.class ||
            a.start != t.start || a.count != t.count)
            return false;
        if (!same_objects(&a, &asked, &told))
            return false;
    }
    return sl_remaining(&asked) == 0 && sl_remaining(&told) == 0;
}

/* Free-format objects (authentication, data sets) are answered in ways of their own. */
static bool is_plain_control(const struct dnp3_message *request)
{
    const struct dnp3_function_entry *entry = dnp3_function(request->function);
    if (!entry || entry->role != ROLE_CONTROL || request->objects_length == 0)
        return false;
    return request->objects[0] == GROUP_COMMAND || request->objects[0] == GROUP_ANALOG_COMMAND;
}

static bool rejected(const struct dnp3_message *reply)
{
    return reply->iin & (DNP3_IIN_FUNCTION_NOT_SUPPORTED | DNP3_IIN_OBJECT_UNKNOWN |
                         DNP3_IIN_PARAMETER_ERROR | DNP3_IIN_ALREADY_EXECUTING);
}

static enum sl_reason match_fragment(const struct dnp3_message *request, uint16_t key,
                                     const struct dnp3_message *reply)
{
    if (reply->function == DNP3_UNSOLICITED_RESPONSE || reply->control & DNP3_UNS)
        return SL_REASON_REPLY_UNMATCHED;
    const bool continues = !(reply->control & DNP3_FIR);
    if (reply->sequence != (key & DNP3_SEQUENCE) || continues != !!(key & DNP3_KEY_CONTINUES))
        return SL_REASON_REPLY_TRANSACTION;
    if (!is_plain_control(request) || reply->function != DNP3_RESPONSE)
        return SL_REASON_NONE;
    /* A request that was rejected whole has no echo (1815 4.2.2.6, 4.4.4). */
    if (reply->objects_length == 0 && rejected(reply))
        return SL_REASON_NONE;
    return echoes(request, reply) ? SL_REASON_NONE : SL_REASON_REPLY_ECHO;
}

enum sl_reason dnp3_match(const struct policy_service *service, const void *request_canonical,
                          size_t request_length, uint16_t key, const void *reply_canonical,
                          size_t reply_length)
{
    const struct dnp3_message *request = request_canonical;
    const struct dnp3_message *reply = reply_canonical;
    if (reply_length < DNP3_HEAD_SIZE || !dnp3_expects_reply(service, request, request_length))
        return SL_REASON_REPLY_UNMATCHED;
    if (reply->destination != request->source ||
        (reply->source != request->destination && request->destination != LINK_SELF_ADDRESS))
        return SL_REASON_REPLY_STATION;
    if (request->kind != reply->kind)
        return SL_REASON_REPLY_FUNCTION;
    if (request->kind == DNP3_LINK)
        return reply->link_control & LINK_PRM ? SL_REASON_REPLY_UNMATCHED : SL_REASON_NONE;
    return match_fragment(request, key, reply);
}

size_t dnp3_normalise(const void *request, size_t request_length, void *reply, size_t reply_length)
{
    (void)request;
    (void)request_length;
    (void)reply;
    return reply_length; /* a reply's own wire says all of it */
}

bool dnp3_notable(const void *canonical, size_t length)
{
    const struct dnp3_message *reply = canonical;
    return length >= DNP3_HEAD_SIZE && reply->kind == DNP3_FRAGMENT && rejected(reply);
}

/* --- refusals ------------------------------------------------------------------------------ */

/* IIN2 for a reason (1815 4.2.2.6); 0: nothing is answered. */
static uint16_t indication(enum sl_reason reason)
{
    switch (reason) {
    case SL_REASON_FUNCTION_UNKNOWN:
        return DNP3_IIN_FUNCTION_NOT_SUPPORTED;
    case SL_REASON_OBJECT_UNKNOWN:
    case SL_REASON_OBJECT_FUNCTION:
        return DNP3_IIN_OBJECT_UNKNOWN;
    case SL_REASON_QUALIFIER:
    case SL_REASON_RANGE:
    case SL_REASON_OBJECT_TRUNCATED:
    case SL_REASON_OBJECT_CONTENT:
    case SL_REASON_OBJECT_ORDER:
    case SL_REASON_OBJECTS_MISSING:
    case SL_REASON_RESERVED_BITS:
        return DNP3_IIN_PARAMETER_ERROR;
    /* What is not allowed now is, to the master, not to be had from this outstation. */
    case SL_REASON_NO_RULE:
    case SL_REASON_NO_RULE_CLIENT:
    case SL_REASON_NO_RULE_STATION:
    case SL_REASON_NO_RULE_FUNCTION:
    case SL_REASON_DENY_RULE:
    case SL_REASON_CLOCK_NOT_SET:
    case SL_REASON_RULE_EXPIRED:
    case SL_REASON_OUTSIDE_HOURS:
    case SL_REASON_RATE:
        return DNP3_IIN_FUNCTION_NOT_SUPPORTED;
    case SL_REASON_NO_RULE_OBJECT:
    case SL_REASON_DENY_RULE_OBJECT:
        return DNP3_IIN_OBJECT_UNKNOWN;
    case SL_REASON_NO_RULE_VALUE:
    case SL_REASON_DENY_RULE_VALUE:
    case SL_REASON_NO_RULE_STEP:
    case SL_REASON_NO_SELECT:
        return DNP3_IIN_PARAMETER_ERROR;
    default: /* broken links, no such station, silent outstations: the master's own time-out tells
              */
        return 0;
    }
}

/* Of those that have an indication: content that was not understood is no matter of policy. */
static bool by_policy(enum sl_reason reason)
{
    return reason >= SL_REASON_NO_RULE && reason < SL_REASON_REPLY_UNMATCHED;
}

/* The request's commands, each with the status that says why nothing was done. */
static bool write_refused_commands(const struct dnp3_message *request, struct sl_writer *out)
{
    struct sl_reader in = sl_reader(request->objects, request->objects_length);
    while (sl_remaining(&in) > 0) {
        struct dnp3_header header;
        if (dnp3_read_header(&in, FORM_CANONICAL, request->function, &header) != SL_REASON_NONE)
            return false;
        dnp3_write_header(out, FORM_WIRE, &header);
        size_t from = out->length;
        bool changed = false;
        if (dnp3_copy_objects(&header, &in, FORM_CANONICAL, out, FORM_WIRE, &changed) !=
                SL_REASON_NONE ||
            out->failed)
            return false;
        if (!dnp3_is_command(&header))
            continue;
        size_t each = dnp3_index_width(FORM_WIRE, &header) + header.object->size;
        for (size_t end = from + each; end <= out->length; end += each)
            out->bytes[end - 1] = STATUS_NOT_AUTHORIZED;
    }
    return !out->failed;
}

static void write_head(struct sl_writer *out, const struct dnp3_message *request, uint16_t iin)
{
    sl_write_u8(out, (uint8_t)(DNP3_FIR | DNP3_FIN | request->sequence));
    sl_write_u8(out, DNP3_RESPONSE);
    sl_write_u16be(out, iin);
}

static bool is_authenticated(const struct dnp3_message *request)
{
    return request->objects_length && request->objects[0] == GROUP_AUTHENTICATION;
}

size_t dnp3_refuse(const void *canonical, size_t length, enum sl_reason reason, uint8_t *bytes,
                   size_t size)
{
    const struct dnp3_message *request = canonical;
    if (length < DNP3_HEAD_SIZE || request->kind == DNP3_LINK || !to_one_station(request))
        return 0;
    if (request->kind == DNP3_MALFORMED && !(request->known & DNP3_KNOWS_APPLICATION))
        return 0;
    if (!is_answered(request))
        return 0;
    uint16_t iin = indication(reason);
    if (iin == 0 || request->destination > LINK_LAST_STATION)
        return 0;
    uint8_t octets[DNP3_MAX_FRAGMENT];
    struct sl_writer fragment = sl_writer(octets, sizeof octets);
    const bool echoed = by_policy(reason) && request->kind == DNP3_FRAGMENT &&
                        is_plain_control(request) && !is_authenticated(request);
    if (echoed)
        write_head(&fragment, request, 0);
    if (!echoed || !write_refused_commands(request, &fragment)) { /* with IIN too long for one */
        fragment = sl_writer(octets, sizeof octets);
        write_head(&fragment, request, iin);
    }
    struct sl_writer out = sl_writer(bytes, size);
    struct sl_reader whole = sl_reader(octets, fragment.length);
    link_write_segments(&out, LINK_PRM | LINK_UNCONFIRMED_USER_DATA, request->source,
                        request->destination, &whole);
    return out.failed ? 0 : out.length;
}
