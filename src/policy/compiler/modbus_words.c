/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/compiler/modbus_words.h"

#include <string.h>

#include "policy/compiler/model.h"

#define A(access) ACCESS(MODBUS_ACCESS_##access)

#define READ_GROUP                                                                                 \
    (A(READ_COILS) | A(READ_DISCRETE_INPUTS) | A(READ_HOLDING_REGISTERS) |                         \
     A(READ_INPUT_REGISTERS) | A(READ_WRITE_READ) | A(READ_FIFO_QUEUE))
#define WRITE_GROUP (ACCESSES_WRITING_COILS | ACCESSES_WRITING_REGISTERS)
#define DIAGNOSTIC_GROUP                                                                           \
    (A(READ_EXCEPTION_STATUS) | A(DIAGNOSTICS) | A(GET_COMM_EVENT_COUNTER) |                       \
     A(GET_COMM_EVENT_LOG) | A(REPORT_SERVER_ID) | A(DEVICE_IDENTIFICATION))

/* Names of V1.1b3, section 6, then the MEI types of 6.19, then the groups. */
const struct modbus_word modbus_words[] = {
    {"read-coils", 1, A(READ_COILS), 0},
    {"read-discrete-inputs", 2, A(READ_DISCRETE_INPUTS), 0},
    {"read-holding-registers", 3, A(READ_HOLDING_REGISTERS), 0},
    {"read-input-registers", 4, A(READ_INPUT_REGISTERS), 0},
    {"write-single-coil", 5, A(WRITE_SINGLE_COIL), 0},
    {"write-single-register", 6, A(WRITE_SINGLE_REGISTER), 0},
    {"read-exception-status", 7, A(READ_EXCEPTION_STATUS), 0},
    {"diagnostics", 8, A(DIAGNOSTICS), 0},
    {"get-comm-event-counter", 11, A(GET_COMM_EVENT_COUNTER), 0},
    {"get-comm-event-log", 12, A(GET_COMM_EVENT_LOG), 0},
    {"write-multiple-coils", 15, A(WRITE_MULTIPLE_COILS), 0},
    {"write-multiple-registers", 16, A(WRITE_MULTIPLE_REGISTERS), 0},
    {"report-server-id", 17, A(REPORT_SERVER_ID), 0},
    {"read-file-record", 20, A(READ_FILE_RECORD), 0},
    {"write-file-record", 21, A(WRITE_FILE_RECORD), 0},
    {"mask-write-register", 22, A(MASK_WRITE_REGISTER), 0},
    {"read-write-multiple-registers", 23, A(READ_WRITE_READ) | A(READ_WRITE_WRITE), 0},
    {"read-fifo-queue", 24, A(READ_FIFO_QUEUE), 0},
    {"encapsulated-interface-transport", 43, A(CANOPEN) | A(DEVICE_IDENTIFICATION), 0},
    {"canopen-general-reference", 43, A(CANOPEN), 0},
    {"read-device-identification", 43, A(DEVICE_IDENTIFICATION), 0},
    {"read", 0, READ_GROUP, READ_GROUP | A(READ_FILE_RECORD)},
    {"write", 0, WRITE_GROUP, WRITE_GROUP | A(WRITE_FILE_RECORD)},
    {"diagnostic", 0, DIAGNOSTIC_GROUP, DIAGNOSTIC_GROUP},
};
const size_t modbus_word_count = sizeof modbus_words / sizeof modbus_words[0];

const struct modbus_word *modbus_word_by_name(const char *name)
{
    for (size_t i = 0; i < modbus_word_count; i++)
        if (strcmp(modbus_words[i].name, name) == 0)
            return &modbus_words[i];
    return NULL;
}

const struct modbus_word *modbus_word_by_function(unsigned function)
{
    for (size_t i = 0; i < modbus_word_count; i++)
        if (function != 0 && modbus_words[i].function == function)
            return &modbus_words[i];
    return NULL;
}

#define ALL_READS                                                                                  \
    (A(READ_COILS) | A(READ_DISCRETE_INPUTS) | A(READ_HOLDING_REGISTERS) | A(READ_INPUT_REGISTERS))

/* Sets of accesses that have a short name; the first that is wholly there is taken. '#' stands
 * for the addresses, '^' for sub-functions, '@' for records of files, '~' for the plural's s. */
static const struct {
    uint64_t accesses;
    const char *text;
} phrases[] = {
    {READ_GROUP, "read coil~, input~, register~ and FIFO queue~#"},
    {ALL_READS, "read coil~, input~ and register~#"},
    {A(READ_HOLDING_REGISTERS) | A(READ_INPUT_REGISTERS), "read holding and input register~#"},
    {A(READ_COILS) | A(READ_DISCRETE_INPUTS), "read coil~ and discrete input~#"},
    {WRITE_GROUP, "write coil~ and register~#"},
    {ACCESSES_WRITING_REGISTERS, "write register~#"},
    {A(WRITE_SINGLE_REGISTER) | A(WRITE_MULTIPLE_REGISTERS) | A(READ_WRITE_WRITE),
     "write register~# (functions 6, 16 and 23)"},
    {A(WRITE_SINGLE_REGISTER) | A(WRITE_MULTIPLE_REGISTERS),
     "write register~# (functions 6 and 16)"},
    {ACCESSES_WRITING_COILS, "write coil~#"},
    {A(READ_WRITE_READ) | A(READ_WRITE_WRITE), "read and write register~# (function 23)"},
    {A(WRITE_MULTIPLE_REGISTERS) | A(READ_WRITE_WRITE), "write register~# (functions 16 and 23)"},
    {A(CANOPEN) | A(DEVICE_IDENTIFICATION), "use function 43: device identification and CANopen"},
    {A(READ_COILS), "read coil~#"},
    {A(READ_DISCRETE_INPUTS), "read discrete input~#"},
    {A(READ_HOLDING_REGISTERS), "read holding register~#"},
    {A(READ_INPUT_REGISTERS), "read input register~#"},
    {A(WRITE_SINGLE_COIL), "write coil~# (function 5)"},
    {A(WRITE_SINGLE_REGISTER), "write register~# (function 6)"},
    {A(WRITE_MULTIPLE_COILS), "write coil~# (function 15)"},
    {A(WRITE_MULTIPLE_REGISTERS), "write register~# (function 16)"},
    {A(MASK_WRITE_REGISTER), "mask-write register~#"},
    {A(READ_WRITE_READ), "read register~# (function 23)"},
    {A(READ_WRITE_WRITE), "write register~# (function 23)"},
    {A(READ_FIFO_QUEUE), "read FIFO queue~#"},
    {A(READ_FILE_RECORD), "read @"},
    {A(WRITE_FILE_RECORD), "write @"},
    {A(READ_EXCEPTION_STATUS), "read the exception status"},
    {A(DIAGNOSTICS), "use diagnostics (function 8)^"},
    {A(GET_COMM_EVENT_COUNTER), "read the event counter"},
    {A(GET_COMM_EVENT_LOG), "read the event log"},
    {A(REPORT_SERVER_ID), "read the server's id"},
    {A(CANOPEN), "use CANopen (function 43, type 13)"},
    {A(DEVICE_IDENTIFICATION), "read the device identification"},
};

static bool is_everything(const struct spans *spans)
{
    return spans->count == 1 && spans->span[0].low == 0 && spans->span[0].high == UINT16_MAX;
}

static const char *places_text(struct arena *arena, const struct modbus_rule *rule)
{
    return rule->any_address ? " at any address"
                             : arena_printf(arena, " %s", spans_text(arena, &rule->addresses));
}

static const char *subfunctions_text(struct arena *arena, const struct modbus_rule *rule)
{
    if (is_everything(&rule->subfunctions))
        return "";
    return arena_printf(arena, " sub-function%s %s", spans_single(&rule->subfunctions) ? "" : "s",
                        spans_text(arena, &rule->subfunctions));
}

static const char *records_text(struct arena *arena, const struct modbus_rule *rule)
{
    const char *records = "any record", *files = "any file";
    if (!is_everything(&rule->records))
        records = arena_printf(arena, "record%s %s", spans_single(&rule->records) ? "" : "s",
                               spans_text(arena, &rule->records));
    if (!is_everything(&rule->files))
        files = arena_printf(arena, "file%s %s", spans_single(&rule->files) ? "" : "s",
                             spans_text(arena, &rule->files));
    return arena_printf(arena, "%s of %s", records, files);
}

static const char *filled_in(struct arena *arena, const struct modbus_rule *rule,
                             const char *phrase)
{
    const char *text = "";
    for (size_t plain; *phrase; phrase += plain + (phrase[plain] != 0)) {
        plain = strcspn(phrase, "#^@~");
        const char *middle = "";
        if (phrase[plain] == '#')
            middle = places_text(arena, rule);
        else if (phrase[plain] == '^')
            middle = subfunctions_text(arena, rule);
        else if (phrase[plain] == '@')
            middle = records_text(arena, rule);
        else if (phrase[plain] == '~')
            middle = spans_single(&rule->addresses) ? "" : "s";
        text = arena_printf(arena, "%s%.*s%s", text, (int)plain, phrase, middle);
    }
    return text;
}

const char *modbus_point_functions(struct arena *arena, const struct modbus_rule *rule,
                                   uint64_t accesses)
{
    static const uint64_t whole[] = {
        A(READ_COILS) | ACCESSES_WRITING_COILS,
        A(READ_COILS),
        ACCESSES_WRITING_COILS,
        A(READ_DISCRETE_INPUTS),
        A(READ_INPUT_REGISTERS),
        A(READ_HOLDING_REGISTERS) | A(READ_WRITE_READ) | ACCESSES_WRITING_REGISTERS,
        A(READ_HOLDING_REGISTERS) | A(READ_WRITE_READ),
        ACCESSES_WRITING_REGISTERS,
    };
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (rule->accesses == whole[i])
            return "";
    const char *numbers = "";
    unsigned found = 0, last = 0;
    for (size_t i = 0; i < modbus_word_count; i++)
        if ((modbus_words[i].accesses & accesses) && modbus_words[i].function &&
            modbus_words[i].function != last) {
            last = modbus_words[i].function;
            numbers = arena_printf(arena, "%s%s%u", numbers, found++ ? ", " : "", last);
        }
    return arena_printf(arena, " by function%s %s", found > 1 ? "s" : "",
                        words_joined(arena, numbers, "and"));
}

static const char *points_text(struct arena *arena, const struct modbus_rule *rule,
                               uint64_t accesses)
{
    const uint64_t writing = accesses & (ACCESSES_WRITING_COILS | ACCESSES_WRITING_REGISTERS);
    return arena_printf(arena, "%s %s",
                        writing == accesses ? "write"
                        : writing           ? "read and write"
                                            : "read",
                        words_joined(arena, rule->points, "and"));
}

const char *modbus_rule_text(struct arena *arena, const struct modbus_rule *rule, uint64_t accesses,
                             const uint8_t *opaque)
{
    const char *part[MODBUS_MAX_ACCESSES];
    size_t parts = 0;
    if (rule->points)
        return points_text(arena, rule, accesses);
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if ((accesses & phrases[i].accesses) == phrases[i].accesses) {
            part[parts++] = filled_in(arena, rule, phrases[i].text);
            accesses &= ~phrases[i].accesses;
        }
    for (unsigned access = MODBUS_ACCESS_OPAQUE; access < MODBUS_MAX_ACCESSES; access++)
        if (accesses & ACCESS(access))
            part[parts++] = arena_printf(arena, "use function %u (content not understood)",
                                         opaque[access - MODBUS_ACCESS_OPAQUE]);
    const char *text = parts ? part[0] : "do nothing";
    for (size_t i = 1; i < parts; i++)
        text = arena_printf(arena, "%s%s%s", text,
                            i + 1 < parts     ? ", "
                            : rule->head.deny ? " or "
                                              : " and ",
                            part[i]);
    return text;
}
