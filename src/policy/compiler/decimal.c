/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/compiler/decimal.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "policy/compiler/scalars.h"

#define MOST_DIGITS 17u /* beside 10^9 still within 128 bits, and far within 64 alone */

static const int64_t tens[DECIMAL_MOST_PLACES + 1] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

int64_t decimal_ten(unsigned places)
{
    return tens[places];
}

bool parse_decimal(const char *text, size_t length, struct decimal *number)
{
    const bool negative = length && text[0] == '-';
    size_t i = negative, whole = 0, digits = 0;
    *number = (struct decimal){0};
    for (; i < length && isdigit((unsigned char)text[i]); i++, whole++)
        number->digits = number->digits * 10 + (text[i] - '0') * (++digits <= MOST_DIGITS);
    if (whole == 0 || (whole > 1 && text[negative] == '0'))
        return false;
    if (i < length && text[i] == '.') {
        for (i++; i < length && isdigit((unsigned char)text[i]); i++, number->places++)
            number->digits = number->digits * 10 + (text[i] - '0') * (++digits <= MOST_DIGITS);
        if (number->places == 0)
            return false;
    }
    if (negative)
        number->digits = -number->digits;
    return i == length && digits <= MOST_DIGITS && number->places <= DECIMAL_MOST_PLACES;
}

static bool in_type(enum modbus_value_type type, __int128 raw, uint32_t *order)
{
    static const struct {
        int64_t low, high;
    } bounds[] = {
        [MODBUS_UINT16] = {0, UINT16_MAX},        [MODBUS_INT16] = {INT16_MIN, INT16_MAX},
        [MODBUS_UINT32] = {0, UINT32_MAX},        [MODBUS_INT32] = {INT32_MIN, INT32_MAX},
        [MODBUS_FLOAT32] = {-(1 << 24), 1 << 24}, [MODBUS_COIL] = {0, 1},
    };
    if (raw < bounds[type].low || raw > bounds[type].high)
        return false;
    const uint32_t bits = (uint32_t)raw & (modbus_value_is_wide(type) ? UINT32_MAX : UINT16_MAX);
    return modbus_value_order(type, bits, order);
}

static bool float_value(struct decimal value, struct decimal scale, uint32_t *order)
{
    const double raw = (double)value.digits / (double)tens[value.places] /
                       ((double)scale.digits / (double)tens[scale.places]);
    const float nearest = (float)raw;
    uint32_t bits;
    memcpy(&bits, &nearest, sizeof bits);
    return isfinite(nearest) && modbus_value_order(MODBUS_FLOAT32, bits, order);
}

bool scaled_value(const char *text, size_t length, enum modbus_value_type type,
                  struct decimal scale, uint32_t *order)
{
    struct decimal value;
    if (!parse_decimal(text, length, &value))
        return false;
    if (type == MODBUS_FLOAT32)
        return float_value(value, scale, order);
    const __int128 above = (__int128)value.digits * tens[scale.places];
    const __int128 below = (__int128)scale.digits * tens[value.places];
    return above % below == 0 && in_type(type, above / below, order);
}

bool scaled_range(const char *text, enum modbus_value_type type, struct decimal scale,
                  uint32_t *low, uint32_t *high)
{
    const size_t length = strlen(text);
    if (type == MODBUS_FLOAT32 && scale.digits == 1 && scale.places == 0)
        return parse_value_range(text, type, low, high); /* exponents too */
    if (scaled_value(text, length, type, scale, low)) {
        *high = *low;
        return true;
    }
    const char *dash = length ? strchr(text + 1, '-') : NULL; /* not a sign at the front */
    return dash && scaled_value(text, (size_t)(dash - text), type, scale, low) &&
           scaled_value(dash + 1, strlen(dash + 1), type, scale, high);
}

/* The value that `order` stands for; types of whole numbers. */
static int64_t raw_value(enum modbus_value_type type, uint32_t order)
{
    return type == MODBUS_INT16   ? (int64_t)order - 0x8000
           : type == MODBUS_INT32 ? (int64_t)order - INT64_C(0x80000000)
                                  : (int64_t)order;
}

const char *scaled_text(struct arena *arena, enum modbus_value_type type, struct decimal scale,
                        uint32_t order)
{
    if (type == MODBUS_COIL || (scale.digits == 1 && scale.places == 0))
        return value_text(arena, type, order);
    if (type == MODBUS_FLOAT32) {
        const uint32_t bits = order >> 31 ? order & INT32_MAX : ~order;
        float value;
        memcpy(&value, &bits, sizeof value);
        return arena_printf(arena, "%.7g",
                            (double)value * (double)scale.digits / (double)tens[scale.places]);
    }
    const __int128 scaled = (__int128)raw_value(type, order) * scale.digits;
    const __int128 size = scaled < 0 ? -scaled : scaled;
    const char *whole = arena_printf(arena, "%s%lld", scaled < 0 ? "-" : "",
                                     (long long)(size / tens[scale.places]));
    if (scale.places == 0)
        return whole;
    return arena_printf(arena, "%s.%0*lld", whole, (int)scale.places,
                        (long long)(size % tens[scale.places]));
}
