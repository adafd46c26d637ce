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

/* What the rule is for, in a plant engineer's words: "read coils, inputs and registers 0-99".
 * `opaque` are the functions of the accesses from MODBUS_ACCESS_OPAQUE on. */
struct arena;
struct modbus_rule;
const char *modbus_rule_text(struct arena *arena, const struct modbus_rule *rule,
                             const uint8_t *opaque);

#endif
