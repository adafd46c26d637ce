/* SPDX-License-Identifier: BSD-2-Clause */
/* The last values of registers, learned from what passes (policy/state.h). */
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
        return policy_value_near(state, i, value, limit->step, limit->first != 0);
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

void modbus_note_sent(const struct policy_service *service, struct policy_state *state,
                      const void *request, size_t length)
{
    const struct modbus_message *const message = request;
    struct content content;
    state->order++;
    if (length < MODBUS_HEAD_SIZE || message->kind != MODBUS_REQUEST)
        return;
    modbus_last_sent(service, state, message);
    if (!state->conditions || !written_by(message, &content))
        return;
    /* A broadcast writes to every unit on the line, and nobody says that it did. */
    if (message->unit == 0 && service->flags & POLICY_SERVICE_BROADCAST)
        policy_values_forget(state, service->number);
    unsigned first = 0;
    const unsigned count = points_in(state, service, message->unit, &content, &first);
    for (unsigned i = first; i < first + count; i++) {
        const struct policy_step_point *const point = policy_step_point(state->conditions, i);
        int64_t value;
        if (touches(&content, point))
            policy_value_sent(state, i, value_in(&content, point, &value) ? &value : NULL);
    }
}

static void settle_write(struct policy_state *state, const struct policy_service *service,
                         unsigned unit, const struct content *content, uint32_t order, bool good)
{
    unsigned first = 0;
    const unsigned count = points_in(state, service, unit, content, &first);
    for (unsigned i = first; i < first + count; i++) {
        const struct policy_step_point *const point = policy_step_point(state->conditions, i);
        int64_t value;
        if (touches(content, point))
            policy_value_settled(state, i, order,
                                 good && value_in(content, point, &value) ? &value : NULL);
    }
}

static void note_read(struct policy_state *state, const struct policy_service *service,
                      unsigned unit, const struct content *content, uint32_t order)
{
    unsigned first = 0;
    const unsigned count = points_in(state, service, unit, content, &first);
    for (unsigned i = first; i < first + count; i++) {
        int64_t value;
        if (value_in(content, policy_step_point(state->conditions, i), &value))
            policy_value_read(state, i, order, value);
    }
}

void modbus_note_outcome(const struct policy_service *service, struct policy_state *state,
                         const void *request, size_t request_length, uint32_t order,
                         const void *reply, size_t reply_length)
{
    const struct modbus_message *const asked = request, *answer = reply;
    struct content content;
    if (request_length < MODBUS_HEAD_SIZE || asked->kind != MODBUS_REQUEST)
        return;
    if (reply_length < MODBUS_HEAD_SIZE)
        answer = NULL;
    modbus_last_outcome(service, state, asked, answer);
    if (!state->conditions)
        return;
    const bool good = answer && answer->kind == MODBUS_REPLY;
    if (written_by(asked, &content))
        settle_write(state, service, asked->unit, &content, order, good);
    if (good && read_by(asked, answer, &content))
        note_read(state, service, asked->unit, &content, order);
}
