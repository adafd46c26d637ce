/* SPDX-License-Identifier: BSD-2-Clause */
/* The words for Modbus functions in the configuration file. */
#ifndef SLUICE_POLICY_MODBUS_WORDS_H
#define SLUICE_POLICY_MODBUS_WORDS_H

#include <stddef.h>
#include <stdint.h>

struct modbus_word {
    const char *name;
    uint8_t function; /* 0 for a group */
    uint64_t accesses;
    uint64_t accesses_denied; /* groups: in a deny rule without address and value */
};

extern const struct modbus_word modbus_words[];
extern const size_t modbus_word_count;

/* NULL where there is none. */
const struct modbus_word *modbus_word_by_name(const char *name);
const struct modbus_word *modbus_word_by_function(unsigned function);

/* What the rule's `accesses` are, in a plant engineer's words: "read coils and discrete inputs
 * 0-99", or with the names of points. `opaque` are the functions of the accesses from
 * MODBUS_ACCESS_OPAQUE on. */
struct arena;
struct modbus_rule;
const char *modbus_rule_text(struct arena *arena, const struct modbus_rule *rule, uint64_t accesses,
                             const uint8_t *opaque);
/* " by function 6" where a rule for points names some of the functions that could reach them. */
const char *modbus_point_functions(struct arena *arena, const struct modbus_rule *rule,
                                   uint64_t accesses);

#endif
