/* SPDX-License-Identifier: BSD-2-Clause */
/* What the words of a configuration file say: numbers, ranges, addresses, times. Each function is
 * strict (the whole text or nothing) and says nothing; its caller knows what was expected. */
#ifndef SLUICE_POLICY_SCALARS_H
#define SLUICE_POLICY_SCALARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/compiler/spans.h"
#include "protocols/modbus/rules.h"

/* Decimal without leading zeros, or hexadecimal with 0x. */
bool parse_number(const char *text, size_t length, uint64_t *number);
/* "7" or "0-99"; `low` may come out above `high`. */
bool parse_range(const char *text, uint64_t *low, uint64_t *high);
/* A value of `type`, or two with '-' between them, in the order of modbus_value_order(). */
/* True where a number in `text` is beyond what a float32 holds. */
bool beyond_float32(const char *text);
bool parse_value_range(const char *text, enum modbus_value_type type, uint32_t *low,
                       uint32_t *high);

bool parse_ipv4(const char *text, size_t length, uint32_t *address);
/* "a.b.c.d" (prefix 32) or "a.b.c.d/len". */
bool parse_network(const char *text, uint32_t *address, uint8_t *prefix);
/* "a.b.c.d" or "a.b.c.d:port"; *port stays as it is where none is given. */
bool parse_endpoint(const char *text, uint32_t *address, uint16_t *port);
bool parse_mac(const char *text, uint8_t mac[6]);
/* "500ms", "1.5s", "2min", "8h", "1d" in nanoseconds. */
bool parse_duration(const char *text, uint64_t *nanoseconds);
/* Bytes in hexadecimal, blanks between bytes allowed. False for more than `size`. */
bool parse_hex(const char *text, uint8_t *bytes, size_t size, size_t *length);

uint32_t prefix_mask(unsigned prefix);

#define ADDRESS_TEXT_SIZE 16u
const char *ipv4_text(uint32_t address, char text[ADDRESS_TEXT_SIZE]);

/* "192.168.96.10", "192.168.97.0/24" or "10.0.0.1-10.0.0.9", with commas between. */
const char *addresses_text(struct arena *arena, const struct spans *addresses);
/* The bits whose order modbus_value_order() gives. */
uint32_t modbus_order_bits(enum modbus_value_type type, uint32_t order);
/* A value in the order of modbus_value_order(), as the file would say it. */
const char *value_text(struct arena *arena, enum modbus_value_type type, uint32_t order);

#endif
