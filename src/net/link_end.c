/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/link_end.h"

#include <string.h>

static void message(struct link_look *look, const uint8_t *bytes, size_t length)
{
    look->step.status = SL_LINK_MESSAGE;
    look->message = bytes;
    look->length = (uint16_t)length;
}

void link_look(struct assemblies *all, const struct link_end *end, uint16_t owner,
               const struct sl_protocol *protocol, enum sl_direction direction,
               const struct sl_link_view *view, bool skip_noise, const uint8_t *bytes,
               size_t length, struct link_look *look)
{
    look->state = end->state;
    look->step = protocol->link(direction, view, &look->state, bytes, length);
    look->assembly = NULL;
    const struct sl_link_step *step = &look->step;
    if (skip_noise && step->status == SL_LINK_MESSAGE && step->noise > 0) {
        look->step.status = SL_LINK_NOISE;
        look->step.length = step->noise;
        return;
    }
    if (step->status == SL_LINK_MESSAGE && step->reason != SL_REASON_NONE) {
        message(look, bytes, step->length); /* not part of anything */
        return;
    }
    if (step->status < SL_LINK_MESSAGE)
        return;
    look->assembly = assembly_of(all, owner, step->parties);
    if (step->status == SL_LINK_MESSAGE) {
        message(look, bytes, step->length);
        return;
    }
    if (step->status == SL_LINK_FIRST)
        return;
    struct assembly *const assembly = look->assembly;
    if (!assembly) { /* no message of its own, which whoever decodes it will say */
        message(look, bytes, step->length);
        return;
    }
    if (assembly->length + step->length > sizeof assembly->bytes) {
        look->step.reason = SL_REASON_FRAGMENT_LENGTH;
        message(look, assembly->bytes, assembly->length);
        return;
    }
    if (step->status != SL_LINK_LAST)
        return;
    memcpy(assembly->bytes + assembly->length, bytes, step->length);
    message(look, assembly->bytes, assembly->length + step->length);
}

static void append(struct assembly *assembly, const uint8_t *bytes, size_t length)
{
    memcpy(assembly->bytes + assembly->length, bytes, length);
    assembly->length = (uint16_t)(assembly->length + length);
}

enum sl_reason link_take(struct assemblies *all, struct link_end *end, uint16_t owner,
                         const uint8_t *bytes, const struct link_look *look)
{
    const struct sl_link_step *step = &look->step;
    enum sl_reason given_up = SL_REASON_NONE;
    bool displaced = false;
    end->state = look->state;
    switch (step->status) {
    case SL_LINK_NOISE:
        end->noise += (uint32_t)step->length;
        break;
    case SL_LINK_MESSAGE:
        if (look->assembly && look->message == bytes)
            given_up = SL_REASON_TRANSPORT_INCOMPLETE;
        if (look->assembly)
            assembly_end(look->assembly);
        break;
    case SL_LINK_FIRST: /* begins anew */
        if (look->assembly) {
            given_up = SL_REASON_TRANSPORT_INCOMPLETE;
            assembly_end(look->assembly);
        }
        append(assembly_begin(all, owner, step->parties, &displaced), bytes, step->length);
        break;
    case SL_LINK_NEXT:
        append(look->assembly, bytes, step->length);
        break;
    default:
        break;
    }
    return displaced ? SL_REASON_CAPACITY : given_up;
}

uint16_t link_frame_length(const struct sl_protocol *protocol, enum sl_direction direction,
                           const uint8_t *bytes, size_t length)
{
    const struct sl_link_view nobody = {.far = SL_LINK_FAR_DOWN};
    struct sl_link_state state = {.next = 0};
    const struct sl_link_step step = protocol->link(direction, &nobody, &state, bytes, length);
    return step.status == SL_LINK_MORE || step.status == SL_LINK_NOISE ? 0 : (uint16_t)step.length;
}

struct sl_link_view link_stations(const struct sl_frontend_config *config, unsigned service)
{
    unsigned first = 0, count = 0;
    while (first < config->station_count && config->station[first].service < service)
        first++;
    while (first + count < config->station_count &&
           config->station[first + count].service == service)
        count++;
    return (struct sl_link_view){.any = config->service[service].any_station,
                                 .station_count = (uint16_t)count,
                                 .station = config->station + first};
}
