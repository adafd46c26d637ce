/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last values of points, learned from what passes: how far a write may move one. A value is
 * known as a range, which a write under way widens and its good outcome narrows again, so that
 * neither a pipelined nor a failed write opens a way to a larger step.
 */
#include "policy/image.h"
#include "policy/state.h"
#include "protocols/modbus/rules.h"

#define FLOAT_MANTISSA_BITS 23u
#define FLOAT_BIAS          127
#define FLOAT_LARGEST       42 /* below 2^42 a value in units of 2^-20 fits an int64 */

/* Whole numbers only: the core has no floating-point registers on every host (IEEE 754). */
static bool float_value(uint32_t bits, int64_t *value)
{
    const int exponent = (int)(bits >> FLOAT_MANTISSA_BITS & 0xff) - FLOAT_BIAS;
    if (exponent >= FLOAT_LARGEST)
        return false; /* infinite, not a number, or too large to compare */
    const int64_t mantissa = (int64_t)(bits & ((UINT32_C(1) << FLOAT_MANTISSA_BITS) - 1)) +
                             (exponent == -FLOAT_BIAS ? 0 : INT64_C(1) << FLOAT_MANTISSA_BITS);
    const int shift = exponent - (int)FLOAT_MANTISSA_BITS + (int)MODBUS_STEP_BITS;
    const int64_t size = shift >= 0 ? mantissa << shift : shift > -40 ? mantissa >> -shift : 0;
    *value = bits >> 31 ? -size : size;
    return true;
}

bool modbus_step_value(enum modbus_value_type type, uint32_t bits, int64_t *value)
{
    const int64_t one = INT64_C(1) << MODBUS_STEP_BITS;
    switch (type) {
    case MODBUS_INT16:
        *value = (int64_t)(int16_t)bits * one;
        return true;
    case MODBUS_INT32:
        *value = (int64_t)(int32_t)bits * one;
        return true;
    case MODBUS_FLOAT32:
        return float_value(bits, value);
    case MODBUS_UINT16:
    case MODBUS_UINT32:
    case MODBUS_COIL:
        break;
    }
    *value = (int64_t)bits * one;
    return true;
}

bool modbus_step_within(const struct policy_service *service, const struct policy_state *state,
                        const struct modbus_limit *limit, uint8_t unit, uint32_t address,
                        uint32_t bits)
{
    int64_t value;
    if (!modbus_step_value(limit->type, bits, &value))
        return false;
    if (state == NULL || state->conditions == NULL)
        return limit->first != 0;
    unsigned first;
    const unsigned count =
        policy_step_points(state->conditions, service->number, unit, address, address, &first);
    for (unsigned i = first; i < first + count; i++) {
        const struct policy_step_point *const point = policy_step_point(state->conditions, i);
        if (point->type != limit->type || point->low_first != limit->low_first)
            continue;
        const struct policy_value *const last = &state->value[i];
        if (!last->known)
            return limit->first != 0;
        /* as far as `step` from wherever the value may be now */
        return value - last->low <= (int64_t)limit->step &&
               last->high - value <= (int64_t)limit->step;
    }
    return false; /* no image has a limit without its point */
}

/* What a message writes to, or a reply says of, holding registers. */
struct content {
    uint32_t first, count;
    const uint16_t *registers; /* NULL: not known */
};

static bool written_by(const struct modbus_message *request, struct content *content)
{
    switch (request->function) {
    case MODBUS_WRITE_SINGLE_REGISTER:
    case MODBUS_WRITE_MULTIPLE_REGISTERS:
        *content = (struct content){request->address, request->count, request->value.registers};
        return true;
    case MODBUS_READ_WRITE_MULTIPLE_REGISTERS:
        *content =
            (struct content){request->write_address, request->count, request->value.registers};
        return true;
    case MODBUS_MASK_WRITE_REGISTER:
        *content = (struct content){request->address, 1, NULL};
        return true;
    default:
        return false;
    }
}

static bool read_by(const struct modbus_message *request, const struct modbus_message *reply,
                    struct content *content)
{
    if ((request->function != MODBUS_READ_HOLDING_REGISTERS &&
         request->function != MODBUS_READ_WRITE_MULTIPLE_REGISTERS) ||
        reply->kind != MODBUS_REPLY || reply->count != request->quantity)
        return false;
    *content = (struct content){request->address, reply->count, reply->value.registers};
    return true;
}

/* The value of `point` in the content; false where half of it is missing or it has none. */
static bool value_in(const struct content *content, const struct policy_step_point *point,
                     int64_t *value)
{
    const enum modbus_value_type type = (enum modbus_value_type)point->type;
    const uint32_t size = modbus_value_is_wide(type) ? 2 : 1;
    if (content->registers == NULL || point->address < content->first ||
        point->address + size > content->first + content->count)
        return false;
    const uint16_t *const r = content->registers + (point->address - content->first);
    const uint32_t bits = size == 1          ? r[0]
                          : point->low_first ? (uint32_t)r[1] << 16 | r[0]
                                             : (uint32_t)r[0] << 16 | r[1];
    return modbus_step_value(type, bits, value);
}

/* Of the points that the content touches, those that begin one register before it too. */
static unsigned points_in(const struct policy_state *state, const struct policy_service *service,
                          unsigned unit, const struct content *content, unsigned *first)
{
    const uint32_t low = content->first ? content->first - 1 : 0;
    return content->count == 0 ? 0
                               : policy_step_points(state->conditions, service->number, unit, low,
                                                    content->first + content->count - 1, first);
}

static bool touches(const struct content *content, const struct policy_step_point *point)
{
    return point->address >= content->first ||
           modbus_value_is_wide((enum modbus_value_type)point->type);
}

static void widen(struct policy_value *last, int64_t low, int64_t high)
{
    if (!last->known || low < last->low)
        last->low = low;
    if (!last->known || high > last->high)
        last->high = high;
    last->known = true;
}

/* A broadcast writes to every unit on the line, and nobody says that it did. */
static void forget_all(struct policy_state *state, const struct policy_service *service)
{
    for (unsigned i = 0; i < state->conditions->point_count; i++)
        if (policy_step_point(state->conditions, i)->service == service->number)
            widen(&state->value[i], POLICY_VALUE_LOWEST, POLICY_VALUE_HIGHEST);
}

void modbus_note_sent(const struct policy_service *service, struct policy_state *state,
                      const void *request, size_t length)
{
    const struct modbus_message *const message = request;
    struct content content;
    state->order++;
    if (length < MODBUS_HEAD_SIZE || message->kind != MODBUS_REQUEST || !state->conditions ||
        !written_by(message, &content))
        return;
    if (message->unit == 0 && service->flags & POLICY_SERVICE_BROADCAST)
        forget_all(state, service);
    unsigned first = 0;
    const unsigned count = points_in(state, service, message->unit, &content, &first);
    for (unsigned i = first; i < first + count; i++) {
        const struct policy_step_point *const point = policy_step_point(state->conditions, i);
        struct policy_value *const last = &state->value[i];
        int64_t value;
        if (!touches(&content, point))
            continue;
        if (value_in(&content, point, &value))
            widen(last, value, value);
        else
            widen(last, POLICY_VALUE_LOWEST, POLICY_VALUE_HIGHEST);
        last->written = state->order;
        if (last->pending < UINT16_MAX)
            last->pending++;
    }
}

/* The write has its outcome; when it is the only one under way, the device has its value. */
static void settle_write(struct policy_state *state, const struct policy_service *service,
                         unsigned unit, const struct content *content, uint32_t order, bool good)
{
    unsigned first = 0;
    const unsigned count = points_in(state, service, unit, content, &first);
    for (unsigned i = first; i < first + count; i++) {
        const struct policy_step_point *const point = policy_step_point(state->conditions, i);
        struct policy_value *const last = &state->value[i];
        int64_t value;
        if (!touches(content, point))
            continue;
        if (last->pending)
            last->pending--;
        if (good && last->pending == 0 && last->written == order &&
            value_in(content, point, &value))
            last->low = last->high = value;
    }
}

static void note_read(struct policy_state *state, const struct policy_service *service,
                      unsigned unit, const struct content *content, uint32_t order)
{
    unsigned first = 0;
    const unsigned count = points_in(state, service, unit, content, &first);
    for (unsigned i = first; i < first + count; i++) {
        struct policy_value *const last = &state->value[i];
        int64_t value;
        if (!value_in(content, policy_step_point(state->conditions, i), &value))
            continue;
        /* a write sent after the read, or without an outcome, may have changed it since */
        if (last->pending || (last->written && (int32_t)(last->written - order) > 0))
            widen(last, value, value);
        else
            *last = (struct policy_value){
                .low = value, .high = value, .written = last->written, .known = true};
    }
}

void modbus_note_outcome(const struct policy_service *service, struct policy_state *state,
                         const void *request, size_t request_length, uint32_t order,
                         const void *reply, size_t reply_length)
{
    const struct modbus_message *const asked = request, *answer = reply;
    struct content content;
    if (request_length < MODBUS_HEAD_SIZE || !state->conditions || asked->kind != MODBUS_REQUEST)
        return;
    if (reply_length < MODBUS_HEAD_SIZE)
        answer = NULL;
    const bool good = answer && answer->kind == MODBUS_REPLY;
    if (written_by(asked, &content))
        settle_write(state, service, asked->unit, &content, order, good);
    if (good && read_by(asked, answer, &content))
        note_read(state, service, asked->unit, &content, order);
}
