/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocols/dnp3/limits.h"

#include "protocols/dnp3/rule_set.h"

/* Control blocks (1815 A.8.1): control code, count, on-time, off-time, status */
#define BLOCK_OPERATION   0x0fu
#define BLOCK_OBSOLETE    0x30u /* queue, clear */
#define BLOCK_TRIP_CLOSE  6u    /* shift */
#define BLOCK_COUNT_AT    1u
#define BLOCK_ON_TIME_AT  2u
#define BLOCK_OFF_TIME_AT 6u

/* Analog commands (1815 A.19), by variation. */
#define ANALOG_INT32  1u
#define ANALOG_INT16  2u
#define ANALOG_FLOAT  3u
#define ANALOG_DOUBLE 4u

/* IEEE 754. Whole numbers only: the core has no floating-point registers on every host. */
#define SIGN_32         UINT32_C(0x80000000)
#define SIGN_64         UINT64_C(0x8000000000000000)
#define FLOAT_INFINITE  UINT32_C(0x7f800000)
#define DOUBLE_INFINITE UINT64_C(0x7ff0000000000000)
#define FLOAT_FRACTION  23u
#define FLOAT_BIAS      127
#define DOUBLE_FRACTION 52u
#define DOUBLE_BIAS     1023
#define LARGEST_STEP    42 /* below 2^42 a value in units of 2^-20 fits an int64 */

bool dnp3_double_order(uint64_t bits, uint64_t *order)
{
    if ((bits & ~SIGN_64) > DOUBLE_INFINITE)
        return false;
    if (bits == SIGN_64)
        bits = 0;
    *order = bits & SIGN_64 ? ~bits : bits | SIGN_64;
    return true;
}

bool dnp3_float_order(uint32_t bits, uint32_t *order)
{
    if ((bits & ~SIGN_32) > FLOAT_INFINITE)
        return false;
    if (bits == SIGN_32)
        bits = 0;
    *order = bits & SIGN_32 ? ~bits : bits | SIGN_32;
    return true;
}

uint64_t dnp3_integer_order(int32_t value)
{
    uint64_t bits = 0, order = 0;
    const uint32_t size = value < 0 ? (uint32_t) - (int64_t)value : (uint32_t)value;
    if (size) {
        const unsigned exponent = 31u - (unsigned)__builtin_clz(size);
        const uint64_t fraction = (uint64_t)size << (DOUBLE_FRACTION - exponent);
        bits = (uint64_t)(DOUBLE_BIAS + exponent) << DOUBLE_FRACTION |
               (fraction & ((UINT64_C(1) << DOUBLE_FRACTION) - 1)) | (value < 0 ? SIGN_64 : 0);
    }
    (void)dnp3_double_order(bits, &order); /* an integer is a number */
    return order;
}

/* `exponent` without its bias; `fraction` of `width` bits. */
static bool fixed_point(bool negative, int exponent, bool normal, uint64_t fraction, unsigned width,
                        int64_t *value)
{
    if (exponent >= LARGEST_STEP)
        return false; /* infinite, not a number, or too large to compare */
    const int64_t mantissa = (int64_t)(fraction | (normal ? UINT64_C(1) << width : 0));
    const int shift = exponent - (int)width + (int)DNP3_STEP_BITS;
    const int64_t size = shift >= 0 ? mantissa << shift : shift > -63 ? mantissa >> -shift : 0;
    *value = negative ? -size : size;
    return true;
}

bool dnp3_step_value(unsigned variation, const uint8_t *data, int64_t *value)
{
    const int64_t one = INT64_C(1) << DNP3_STEP_BITS;
    switch (variation) {
    case ANALOG_INT32:
        *value = (int32_t)dnp3_number(data, 4) * one;
        return true;
    case ANALOG_INT16:
        *value = (int16_t)dnp3_number(data, 2) * one;
        return true;
    case ANALOG_FLOAT: {
        const uint32_t bits = (uint32_t)dnp3_number(data, 4);
        const int exponent = (int)(bits >> FLOAT_FRACTION & 0xff);
        return fixed_point(bits >> 31, exponent - FLOAT_BIAS, exponent != 0,
                           bits & ((UINT32_C(1) << FLOAT_FRACTION) - 1), FLOAT_FRACTION, value);
    }
    case ANALOG_DOUBLE: {
        const uint64_t bits = dnp3_number(data, 8);
        const int exponent = (int)(bits >> DOUBLE_FRACTION & 0x7ff);
        return fixed_point(bits >> 63, exponent - DOUBLE_BIAS, exponent != 0,
                           bits & ((UINT64_C(1) << DOUBLE_FRACTION) - 1), DOUBLE_FRACTION, value);
    }
    default:
        return false;
    }
}

bool dnp3_double_to_float(uint64_t bits, uint32_t *value)
{
    const unsigned lost = DOUBLE_FRACTION - FLOAT_FRACTION;
    const int exponent = (int)(bits >> DOUBLE_FRACTION & 0x7ff) - DOUBLE_BIAS;
    const uint64_t fraction = bits & ((UINT64_C(1) << DOUBLE_FRACTION) - 1);
    const uint32_t sign = bits & SIGN_64 ? SIGN_32 : 0;
    if ((bits & ~SIGN_64) == 0) {
        *value = sign;
        return true;
    }
    if (exponent <= -FLOAT_BIAS || exponent > FLOAT_BIAS || fraction & ((UINT64_C(1) << lost) - 1))
        return false;
    *value =
        sign | (uint32_t)(exponent + FLOAT_BIAS) << FLOAT_FRACTION | (uint32_t)(fraction >> lost);
    return true;
}

/* The last span that does not begin above `number`; NULL: all do. */
static const struct dnp3_span *span_before(const struct dnp3_rules *rules,
                                           const struct dnp3_spans *spans, uint32_t number)
{
    const struct dnp3_span *const span =
        (const struct dnp3_span *)rules_at(rules, rules->spans) + spans->first;
    uint32_t low = 0, count = spans->count;
    while (count > 1) {
        const uint32_t half = count / 2;
        if (span[low + half].low <= number)
            low += half;
        count -= half;
    }
    return spans->count && span[low].low <= number ? &span[low] : NULL;
}

bool dnp3_spans_hold(const struct dnp3_rules *rules, const struct dnp3_spans *spans, uint32_t low,
                     uint32_t high)
{
    const struct dnp3_span *const span = span_before(rules, spans, low);
    return span && high <= span->high;
}

bool dnp3_spans_meet(const struct dnp3_rules *rules, const struct dnp3_spans *spans, uint32_t low,
                     uint32_t high)
{
    const struct dnp3_span *const span = span_before(rules, spans, high);
    return span && span->high >= low;
}

static bool block_within(const struct dnp3_rules *rules, const struct dnp3_rule_entry *rule,
                         const uint8_t *block)
{
    const uint32_t on_time = (uint32_t)dnp3_number(block + BLOCK_ON_TIME_AT, 4);
    const uint32_t off_time = (uint32_t)dnp3_number(block + BLOCK_OFF_TIME_AT, 4);
    const uint32_t count = block[BLOCK_COUNT_AT];
    if (rule->flags & DNP3_RULE_OPERATION) {
        if (!(rule->operations >> (block[0] & BLOCK_OPERATION) & 1))
            return false;
        /* obsolete, and of no meaning to who allows an operation */
        if (!(rule->flags & DNP3_RULE_DENY) && block[0] & BLOCK_OBSOLETE)
            return false;
    }
    if (rule->flags & DNP3_RULE_TRIP_CLOSE &&
        !(rule->trip_close >> (block[0] >> BLOCK_TRIP_CLOSE) & 1))
        return false;
    if (rule->flags & DNP3_RULE_ON_TIME &&
        !dnp3_spans_hold(rules, &rule->on_time, on_time, on_time))
        return false;
    if (rule->flags & DNP3_RULE_OFF_TIME &&
        !dnp3_spans_hold(rules, &rule->off_time, off_time, off_time))
        return false;
    return !(rule->flags & DNP3_RULE_COUNT) || dnp3_spans_hold(rules, &rule->count, count, count);
}

static bool value_within(const struct dnp3_rules *rules, const struct dnp3_rule_entry *rule,
                         unsigned variation, const uint8_t *data, bool unknown)
{
    const struct dnp3_value_range *range =
        (const struct dnp3_value_range *)rules_at(rules, rules->values) + rule->values.first;
    uint64_t order = 0;
    uint32_t float_order = 0;
    bool number = true;
    if (variation == ANALOG_INT32)
        order = dnp3_integer_order((int32_t)dnp3_number(data, 4));
    else if (variation == ANALOG_INT16)
        order = dnp3_integer_order((int16_t)dnp3_number(data, 2));
    else if (variation == ANALOG_FLOAT)
        number = dnp3_float_order((uint32_t)dnp3_number(data, 4), &float_order);
    else
        number = dnp3_double_order(dnp3_number(data, 8), &order);
    if (!number)
        return unknown;
    for (uint32_t i = 0; i < rule->values.count; i++, range++)
        if (variation == ANALOG_FLOAT
                ? range->float_low <= float_order && float_order <= range->float_high
                : range->low <= order && order <= range->high)
            return true;
    return false;
}

bool dnp3_content_within(const struct dnp3_rules *rules, const struct dnp3_rule_entry *rule,
                         const struct dnp3_header *header, const struct item *item, bool unknown)
{
    if (!(rule->flags & DNP3_RULE_CONTENT) || item->data == NULL)
        return true;
    const bool block = header->group == GROUP_COMMAND;
    if (rule->flags & (block ? DNP3_RULE_VALUE | DNP3_RULE_STEP : DNP3_RULE_BLOCKS))
        return unknown;
    if (block)
        return block_within(rules, rule, item->data);
    return !(rule->flags & DNP3_RULE_VALUE) ||
           value_within(rules, rule, header->variation, item->data, unknown);
}
