/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/compiler/scalars.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGN_16 UINT32_C(0x8000)
#define SIGN_32 UINT32_C(0x80000000)

bool parse_number(const char *text, size_t length, uint64_t *number)
{
    unsigned base = 10;
    if (length > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
        length -= 2;
    } else if (length > 1 && text[0] == '0') {
        return false; /* octal to some, decimal to others */
    }
    if (length == 0)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        const int c = tolower((unsigned char)text[i]);
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
        if (digit >= (int)base || __builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value))
            return false;
    }
    *number = value;
    return true;
}

bool parse_range(const char *text, uint64_t *low, uint64_t *high)
{
    const char *dash = strchr(text, '-');
    if (dash == NULL) {
        if (!parse_number(text, strlen(text), low))
            return false;
        *high = *low;
        return true;
    }
    return parse_number(text, (size_t)(dash - text), low) &&
           parse_number(dash + 1, strlen(dash + 1), high);
}

static bool parse_float(const char *text, size_t length, uint32_t *bits)
{
    char copy[64];
    if (length == 0 || length >= sizeof copy)
        return false;
    bool digit = false;
    for (size_t i = 0; i < length; i++) {
        if (!strchr("0123456789.+-eE", text[i]))
            return false; /* neither nan, inf nor hexadecimal */
        digit = digit || isdigit((unsigned char)text[i]);
    }
    memcpy(copy, text, length);
    copy[length] = 0;
    char *end;
    const float value = strtof(copy, &end);
    if (!digit || *end || !isfinite(value))
        return false;
    memcpy(bits, &value, sizeof value);
    return true;
}

bool beyond_float32(const char *text)
{
    if (text[0] == 0 || strspn(text, "0123456789.+-eE") != strlen(text))
        return false;
    while (*text) {
        char *end;
        if (isinf(strtof(text, &end)))
            return true;
        if (end == text)
            return false;
        text = *end == '-' ? end + 1 : end;
    }
    return false;
}

static bool parse_signed(const char *text, size_t length, uint32_t limit, uint32_t *bits)
{
    const bool negative = length && text[0] == '-';
    uint64_t magnitude;
    if (!parse_number(text + negative, length - negative, &magnitude) ||
        magnitude > (uint64_t)limit + negative)
        return false;
    *bits = negative ? (uint32_t) - (int64_t)magnitude : (uint32_t)magnitude;
    return true;
}

static bool parse_coil(const char *text, size_t length, uint32_t *bits)
{
    if ((length == 2 && !memcmp(text, "on", 2)) || (length == 1 && text[0] == '1'))
        *bits = 1;
    else if ((length == 3 && !memcmp(text, "off", 3)) || (length == 1 && text[0] == '0'))
        *bits = 0;
    else
        return false;
    return true;
}

static bool parse_value(const char *text, size_t length, enum modbus_value_type type,
                        uint32_t *order)
{
    uint32_t bits = 0;
    uint64_t number;
    switch (type) {
    case MODBUS_UINT16:
    case MODBUS_UINT32:
        if (!parse_number(text, length, &number) ||
            number > (type == MODBUS_UINT16 ? UINT16_MAX : UINT32_MAX))
            return false;
        bits = (uint32_t)number;
        break;
    case MODBUS_INT16:
        if (!parse_signed(text, length, INT16_MAX, &bits))
            return false;
        bits &= 0xffff;
        break;
    case MODBUS_INT32:
        if (!parse_signed(text, length, INT32_MAX, &bits))
            return false;
        break;
    case MODBUS_FLOAT32:
        if (!parse_float(text, length, &bits))
            return false;
        break;
    case MODBUS_COIL:
        if (!parse_coil(text, length, &bits))
            return false;
        break;
    }
    return modbus_value_order(type, bits, order);
}

bool parse_value_range(const char *text, enum modbus_value_type type, uint32_t *low, uint32_t *high)
{
    const size_t length = strlen(text);
    if (parse_value(text, length, type, low)) {
        *high = *low;
        return true;
    }
    /* the dash between: not a sign at the front, not one of an exponent */
    for (size_t i = 1; i + 1 < length; i++) {
        if (text[i] != '-' ||
            (type == MODBUS_FLOAT32 && (text[i - 1] == 'e' || text[i - 1] == 'E')))
            continue;
        return parse_value(text, i, type, low) &&
               parse_value(text + i + 1, length - i - 1, type, high);
    }
    return false;
}

bool parse_ipv4(const char *text, size_t length, uint32_t *address)
{
    uint32_t value = 0;
    for (unsigned part = 0; part < 4; part++) {
        const char *dot = part < 3 ? memchr(text, '.', length) : text + length;
        uint64_t number;
        if (dot == NULL || dot - text > 3 || !parse_number(text, (size_t)(dot - text), &number) ||
            number > 255)
            return false;
        value = value << 8 | (uint32_t)number;
        if (part < 3) {
            length -= (size_t)(dot - text) + 1;
            text = dot + 1;
        }
    }
    *address = value;
    return true;
}

uint32_t prefix_mask(unsigned prefix)
{
    return prefix ? UINT32_MAX << (32 - prefix) : 0;
}

bool parse_network(const char *text, uint32_t *address, uint8_t *prefix)
{
    const char *slash = strchr(text, '/');
    uint64_t number = 32;
    if (slash && (!parse_number(slash + 1, strlen(slash + 1), &number) || number > 32))
        return false;
    *prefix = (uint8_t)number;
    return parse_ipv4(text, slash ? (size_t)(slash - text) : strlen(text), address);
}

bool parse_endpoint(const char *text, uint32_t *address, uint16_t *port)
{
    const char *colon = strchr(text, ':');
    uint64_t number = *port;
    if (colon && (!parse_number(colon + 1, strlen(colon + 1), &number) || number == 0 ||
                  number > UINT16_MAX))
        return false;
    *port = (uint16_t)number;
    return parse_ipv4(text, colon ? (size_t)(colon - text) : strlen(text), address);
}

bool parse_mac(const char *text, uint8_t mac[6])
{
    for (unsigned i = 0; i < 6; i++, text += 3) {
        if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) ||
            text[2] != (i < 5 ? ':' : 0))
            return false;
        mac[i] = (uint8_t)strtoul(text, NULL, 16);
    }
    return true;
}

bool parse_duration(const char *text, uint64_t *nanoseconds)
{
    static const struct {
        const char *unit;
        uint64_t nanoseconds;
    } units[] = {{"ms", 1000000},
                 {"s", 1000000000},
                 {"min", UINT64_C(60000000000)},
                 {"h", UINT64_C(3600000000000)},
                 {"d", UINT64_C(86400000000000)}};
    const size_t digits = strspn(text, "0123456789");
    uint64_t whole, thousandths = 0;
    if (digits > 9 || !parse_number(text, digits, &whole))
        return false;
    text += digits;
    if (*text == '.') {
        const size_t decimals = strspn(++text, "0123456789");
        if (decimals == 0 || decimals > 3)
            return false;
        for (size_t i = 0; i < 3; i++)
            thousandths = thousandths * 10 + (i < decimals ? (uint64_t)(text[i] - '0') : 0);
        text += decimals;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(text, units[i].unit) == 0) {
            if (whole >= UINT64_MAX / units[i].nanoseconds)
                return false;
            *nanoseconds =
                whole * units[i].nanoseconds + thousandths * (units[i].nanoseconds / 1000);
            return true;
        }
    return false;
}

bool parse_hex(const char *text, uint8_t *bytes, size_t size, size_t *length)
{
    size_t count = 0;
    while (*text) {
        if (*text == ' ') {
            text++;
            continue;
        }
        if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) || count == size)
            return false;
        const char pair[3] = {text[0], text[1], 0};
        bytes[count++] = (uint8_t)strtoul(pair, NULL, 16);
        text += 2;
    }
    *length = count;
    return true;
}

const char *ipv4_text(uint32_t address, char text[ADDRESS_TEXT_SIZE])
{
    snprintf(text, ADDRESS_TEXT_SIZE, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
             address >> 8 & 255, address & 255);
    return text;
}

const char *addresses_text(struct arena *arena, const struct spans *addresses)
{
    const char *text = "";
    for (size_t i = 0; i < addresses->count; i++) {
        const struct span span = addresses->span[i];
        const uint32_t size = span.high - span.low + 1;
        char low[ADDRESS_TEXT_SIZE], high[ADDRESS_TEXT_SIZE];
        ipv4_text(span.low, low);
        ipv4_text(span.high, high);
        const char *comma = i ? ", " : "";
        if (size == 1)
            text = arena_printf(arena, "%s%s%s", text, comma, low);
        else if ((size & (size - 1)) == 0 && (span.low & (size - 1)) == 0)
            text = arena_printf(arena, "%s%s%s/%d", text, comma, low,
                                size ? 32 - __builtin_ctz(size) : 0);
        else
            text = arena_printf(arena, "%s%s%s-%s", text, comma, low, high);
        if (i == 9 && addresses->count > 11)
            return arena_printf(arena, "%s and %zu more", text, addresses->count - 10);
    }
    return text;
}

uint32_t modbus_order_bits(enum modbus_value_type type, uint32_t order)
{
    switch (type) {
    case MODBUS_INT16:
        return order ^ SIGN_16;
    case MODBUS_INT32:
        return order ^ SIGN_32;
    case MODBUS_FLOAT32:
        return order & SIGN_32 ? order ^ SIGN_32 : ~order;
    case MODBUS_UINT16:
    case MODBUS_UINT32:
    case MODBUS_COIL:
        break;
    }
    return order;
}

const char *value_text(struct arena *arena, enum modbus_value_type type, uint32_t order)
{
    switch (type) {
    case MODBUS_INT16:
        return arena_printf(arena, "%d", (int)order - 0x8000);
    case MODBUS_INT32:
        return arena_printf(arena, "%lld", (long long)order - INT64_C(0x80000000));
    case MODBUS_FLOAT32: {
        const uint32_t bits = order >> 31 ? order & INT32_MAX : ~order;
        float value;
        memcpy(&value, &bits, sizeof value);
        return arena_printf(arena, "%.9g", (double)value);
    }
    case MODBUS_COIL:
        return order ? "on" : "off";
    case MODBUS_UINT16:
    case MODBUS_UINT32:
        break;
    }
    return arena_printf(arena, "%u", order);
}
