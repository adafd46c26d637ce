/* SPDX-License-Identifier: BSD-2-Clause */
/* The words for DNP3 functions in the configuration file. */
#ifndef SLUICE_POLICY_DNP3_WORDS_H
#define SLUICE_POLICY_DNP3_WORDS_H

#include <stddef.h>
#include <stdint.h>

#define FUNCTION(function) (UINT64_C(1) << (function))
/* All that rules may name: a confirmation needs no rule. */
#define FUNCTIONS_OF_REQUESTS ((UINT64_C(1) << DNP3_FUNCTIONS) - 2)
#define FUNCTIONS_CONTROL                                                                          \
    (FUNCTION(DNP3_SELECT) | FUNCTION(DNP3_OPERATE) | FUNCTION(DNP3_DIRECT_OPERATE) |              \
     FUNCTION(DNP3_DIRECT_OPERATE_NO_ACK))

struct dnp3_group_word {
    const char *name;
    uint64_t functions; /* with any objects */
    uint64_t of_group;  /* with objects of `group` alone */
    uint8_t group;
};
extern const struct dnp3_group_word dnp3_group_words[];
extern const size_t dnp3_group_word_count;

/* Operation types and trip-close codes by number (1815 A.8.1). */
#define DNP3_OPERATIONS 5u
#define DNP3_TRIP_CLOSE 3u

/* "select and operate"; "read (group 70 only)" is the caller's to add. */
struct arena;
const char *dnp3_functions_text(struct arena *arena, uint64_t functions);

#endif
