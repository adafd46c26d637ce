/* SPDX-License-Identifier: BSD-2-Clause */
/* Decimal numbers as the file writes them, without rounding: a point's scale, and the values that
 * rules give in the plant's units. */
#ifndef SLUICE_POLICY_DECIMAL_H
#define SLUICE_POLICY_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/compiler/arena.h"
#include "protocols/modbus/rules.h"

#define DECIMAL_MOST_PLACES 9u

/* digits / 10^places */
struct decimal {
    int64_t digits;
    unsigned places; /* at most DECIMAL_MOST_PLACES */
};

/* 10^places */
int64_t decimal_ten(unsigned places);
/* "15", "-0.5"; the whole text or nothing, no exponent. */
bool parse_decimal(const char *text, size_t length, struct decimal *number);

/* What a register of `type` holds for `value` in units of `scale`, in the order of
 * modbus_value_order(). False where it holds no such value: between two steps, or out of range. */
bool scaled_value(const char *text, size_t length, enum modbus_value_type type,
                  struct decimal scale, uint32_t *order);
/* The same of "15.0" or "15.0-25.0"; `*low` may come out above `*high`. */
bool scaled_range(const char *text, enum modbus_value_type type, struct decimal scale,
                  uint32_t *low, uint32_t *high);

/* The value as the plant says it: "15.0". */
const char *scaled_text(struct arena *arena, enum modbus_value_type type, struct decimal scale,
                        uint32_t order);

#endif
