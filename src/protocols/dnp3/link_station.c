/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gateway's own end of a link (1815 clause 9.2): what each side's frontend answers by itself,
 * as a secondary station, and which frames are parts of messages. The gateway is never a primary
 * station but for user data, which it sends unconfirmed (13.2.3.7), so that nobody's answers are
 * awaited here.
 */
#include "protocols/dnp3/dnp3.h"
#include "protocols/dnp3/link.h"

/* sl_link_state.flags (9.2.6): of one neighbour */
#define STATION_RESET 1u /* its link was reset: frames that count are taken */
#define STATION_FCB   2u /* the frame count bit that its next frame has */

/* Master and outstation of a frame that runs in `direction`. */
static uint32_t parties_of(enum sl_direction direction, const struct link_frame *frame)
{
    const uint16_t master = direction == SL_REQUEST ? frame->source : frame->destination;
    const uint16_t outstation = direction == SL_REQUEST ? frame->destination : frame->source;
    return (uint32_t)master << 16 | outstation;
}

static bool known(const struct sl_link_view *view, uint32_t parties)
{
    for (unsigned i = 0; !view->any && i < view->station_count; i++)
        if (((uint32_t)view->station[i].master << 16 | view->station[i].outstation) == parties)
            return true;
    return view->any;
}

/* Where the next frame may begin: at 05 64, or at an 05 that is the last octet there is. */
static size_t noise_length(const uint8_t *bytes, size_t length)
{
    for (size_t i = 1; i < length; i++)
        if (bytes[i] == LINK_START_1 && (i + 1 == length || bytes[i + 1] == LINK_START_2))
            return i;
    return length;
}

/* NULL: this neighbour's link was never reset. */
static uint8_t *flags_of(struct sl_link_state *state, uint32_t parties)
{
    for (unsigned i = 0; i < SL_LINK_PEERS; i++)
        if (state->flags[i] & STATION_RESET && state->parties[i] == parties)
            return &state->flags[i];
    return NULL;
}

/* With more neighbours than fit, the oldest must reset its link anew. */
static void reset(struct sl_link_state *state, uint32_t parties)
{
    uint8_t *flags = flags_of(state, parties);
    if (!flags) {
        state->parties[state->next] = parties;
        flags = &state->flags[state->next];
        state->next = (uint8_t)((state->next + 1u) % SL_LINK_PEERS);
    }
    *flags = STATION_RESET | STATION_FCB;
}

/* True for a frame that was not here before (9.2.4.1.3.4); the next has the other bit. */
static bool counts(uint8_t *flags, uint8_t control)
{
    if (!(control & LINK_FCB) != !(*flags & STATION_FCB))
        return false;
    *flags ^= STATION_FCB;
    return true;
}

static void answer(struct sl_link_step *step, enum sl_direction direction,
                   const struct link_frame *frame, enum link_function function)
{
    const uint8_t from = direction == SL_REQUEST ? 0 : LINK_DIR; /* who answers */
    struct sl_writer out = sl_writer(step->answer, sizeof step->answer);
    link_write(&out, (uint8_t)(from | function), frame->source, frame->destination, NULL, 0);
    step->answer_length = (uint8_t)out.length;
}

/* Which part of a message the frame's user data is (8.2.1). */
static enum sl_link_status part(uint8_t transport)
{
    const bool first = transport & TRANSPORT_FIR, last = transport & TRANSPORT_FIN;
    if (first)
        return last ? SL_LINK_MESSAGE : SL_LINK_FIRST;
    return last ? SL_LINK_LAST : SL_LINK_NEXT;
}

/* A frame that is answered here, for a station that is there. Confirmed user data goes on. */
static void take_numbered(struct sl_link_step *step, enum sl_direction direction,
                          struct sl_link_state *state, const struct link_frame *frame)
{
    const unsigned function = frame->control & LINK_FUNCTION;
    uint8_t *const flags = flags_of(state, step->parties);
    if (function == LINK_REQUEST_STATUS) {
        answer(step, direction, frame, LINK_STATUS);
    } else if (function == LINK_RESET_STATES) {
        reset(state, step->parties);
        answer(step, direction, frame, LINK_ACK);
    } else if (!flags) {
        answer(step, direction, frame, LINK_NACK);
    } else {
        const bool fresh = counts(flags, frame->control);
        answer(step, direction, frame, LINK_ACK);
        if (fresh && function == LINK_CONFIRMED_USER_DATA)
            return;
    }
    step->status = SL_LINK_OWN;
}

/* A whole frame. */
static void take(struct sl_link_step *step, enum sl_direction direction,
                 const struct sl_link_view *view, struct sl_link_state *state, const uint8_t *bytes,
                 const struct link_frame *frame)
{
    uint8_t data[LINK_MAX_DATA];
    step->length = frame->wire_length;
    step->parties = parties_of(direction, frame);
    step->status = SL_LINK_MESSAGE;
    step->reason =
        link_read_data(bytes, frame, data) ? link_check(direction, frame) : SL_REASON_CRC;
    if (step->reason == SL_REASON_CRC)
        step->noise = noise_length(bytes, frame->wire_length);
    if (step->reason != SL_REASON_NONE)
        return;
    if (!(frame->control & LINK_PRM)) { /* answers to what we never ask */
        step->status = SL_LINK_OWN;
        return;
    }
    if (view->far == SL_LINK_FAR_ASIDE)
        step->status = SL_LINK_OWN;
    if (link_carries_data(frame))
        step->status = part(data[0]);
    if ((frame->control & LINK_FUNCTION) == LINK_UNCONFIRMED_USER_DATA ||
        frame->destination >= LINK_FIRST_BROADCAST || view->far == SL_LINK_FAR_ASIDE)
        return; /* answered by nobody */
    if (!known(view, step->parties)) {
        step->status = SL_LINK_MESSAGE;
        step->reason = SL_REASON_STATION_ADDRESS;
    } else if (view->far == SL_LINK_FAR_UP) {
        take_numbered(step, direction, state, frame);
    } else {
        step->status = view->far == SL_LINK_FAR_DOWN ? SL_LINK_OWN : SL_LINK_WAIT;
    }
}

struct sl_link_step dnp3_link(enum sl_direction direction, const struct sl_link_view *view,
                              struct sl_link_state *state, const uint8_t *bytes, size_t length)
{
    struct sl_link_step step = {.status = SL_LINK_MORE};
    struct link_frame frame;
    switch (link_read_header(bytes, length, &frame, &step.reason)) {
    case LINK_MORE:
        break;
    case LINK_LOST:
        step.status = SL_LINK_NOISE;
        step.length = noise_length(bytes, length);
        break;
    case LINK_COMPLETE:
        if (length >= frame.wire_length)
            take(&step, direction, view, state, bytes, &frame);
        break;
    }
    return step;
}
