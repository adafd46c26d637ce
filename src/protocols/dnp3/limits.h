/* SPDX-License-Identifier: BSD-2-Clause */
/* What rules ask of the content of commands: control blocks and analog values. */
#ifndef SLUICE_DNP3_LIMITS_H
#define SLUICE_DNP3_LIMITS_H

#include "protocols/dnp3/objects.h"
#include "protocols/dnp3/rules.h"
#include "protocols/dnp3/walk.h"

/* A value's bits as an unsigned number of the same order; false: not a number. Minus zero is
 * zero. */
bool dnp3_double_order(uint64_t bits, uint64_t *order);
bool dnp3_float_order(uint32_t bits, uint32_t *order);
uint64_t dnp3_integer_order(int32_t value); /* as dnp3_double_order() of the same number */

/* The value of an analog command or of an analog output's status as a number whose differences
 * are steps: in units of 2^-20. `variation` as for commands (1, 2: integers of 32 and 16 bits, 3,
 * 4: floating point of 4 and 8 octets). False where it has none. */
#define DNP3_STEP_BITS 20u
bool dnp3_step_value(unsigned variation, const uint8_t *data, int64_t *value);

/* A double's bits as a float of the same value; false: there is none, or it is infinite or no
 * number. */
bool dnp3_double_to_float(uint64_t bits, uint32_t *value);

bool dnp3_spans_hold(const struct dnp3_rules *rules, const struct dnp3_spans *spans, uint32_t low,
                     uint32_t high);
bool dnp3_spans_meet(const struct dnp3_rules *rules, const struct dnp3_spans *spans, uint32_t low,
                     uint32_t high);

/* True when the content of the item is within what the rule names, its step apart. What has no
 * such content is within: of a pattern, the mask has none. `unknown`: what becomes of a value that
 * is no number, or a command of another kind. */
bool dnp3_content_within(const struct dnp3_rules *rules, const struct dnp3_rule_entry *rule,
                         const struct dnp3_header *header, const struct item *item, bool unknown);

#endif
