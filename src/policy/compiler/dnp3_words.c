/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/compiler/dnp3_words.h"

#include "policy/compiler/arena.h"
#include "policy/compiler/spans.h"
#include "protocols/dnp3/dnp3.h"
#include "protocols/dnp3/objects.h"
#include "protocols/dnp3/rules.h"

#define FREEZES                                                                                    \
    (FUNCTION(DNP3_IMMEDIATE_FREEZE) | FUNCTION(DNP3_IMMEDIATE_FREEZE_NO_ACK) |                    \
     FUNCTION(DNP3_FREEZE_CLEAR) | FUNCTION(DNP3_FREEZE_CLEAR_NO_ACK) |                            \
     FUNCTION(DNP3_FREEZE_AT_TIME) | FUNCTION(DNP3_FREEZE_AT_TIME_NO_ACK))
#define APPLICATIONS                                                                               \
    (FUNCTION(DNP3_INITIALIZE_DATA) | FUNCTION(DNP3_INITIALIZE_APPLICATION) |                      \
     FUNCTION(DNP3_START_APPLICATION) | FUNCTION(DNP3_STOP_APPLICATION))
#define CONFIGURATION                                                                              \
    (FUNCTION(DNP3_SAVE_CONFIGURATION) | FUNCTION(DNP3_ENABLE_UNSOLICITED) |                       \
     FUNCTION(DNP3_DISABLE_UNSOLICITED) | FUNCTION(DNP3_ASSIGN_CLASS) |                            \
     FUNCTION(DNP3_ACTIVATE_CONFIGURATION))
#define FILES                                                                                      \
    (FUNCTION(DNP3_OPEN_FILE) | FUNCTION(DNP3_CLOSE_FILE) | FUNCTION(DNP3_DELETE_FILE) |           \
     FUNCTION(DNP3_GET_FILE_INFORMATION) | FUNCTION(DNP3_AUTHENTICATE_FILE) |                      \
     FUNCTION(DNP3_ABORT_FILE))

/* `read` and `write` are functions and groups of one: they stand here for the list of words. */
const struct dnp3_group_word dnp3_group_words[] = {
    {"read", FUNCTION(DNP3_READ), 0, 0},
    {"write", FUNCTION(DNP3_WRITE), 0, 0},
    {"control", FUNCTIONS_CONTROL, 0, 0},
    {"freeze", FREEZES, 0, 0},
    {"restart", FUNCTION(DNP3_COLD_RESTART) | FUNCTION(DNP3_WARM_RESTART), 0, 0},
    {"application", APPLICATIONS, 0, 0},
    {"time", FUNCTION(DNP3_DELAY_MEASUREMENT) | FUNCTION(DNP3_RECORD_CURRENT_TIME),
     FUNCTION(DNP3_WRITE), GROUP_TIME},
    {"file", FILES, FUNCTION(DNP3_READ) | FUNCTION(DNP3_WRITE), GROUP_FILE},
    {"configuration", CONFIGURATION, 0, 0},
};
const size_t dnp3_group_word_count = sizeof dnp3_group_words / sizeof dnp3_group_words[0];

const char *dnp3_functions_text(struct arena *arena, uint64_t functions)
{
    const char *text = "";
    for (unsigned function = 0; function < DNP3_FUNCTIONS; function++)
        if (functions & FUNCTION(function))
            text = arena_printf(arena, "%s%s%s", text, *text ? ", " : "",
                                dnp3_function_name(function));
    return words_joined(arena, text, "and");
}
