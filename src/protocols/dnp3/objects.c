/* SPDX-License-Identifier: BSD-2-Clause */
/* The object library as 1815 annex A and table 3 of AN list it, in the order of groups. */
#include "protocols/dnp3/dnp3.h"
#include "protocols/dnp3/objects.h"

/* Qualifiers by what is asked or told (AN table 3). */
#define STATIC (QUALIFIER_RANGE | QUALIFIER_ALL | QUALIFIER_COUNT | QUALIFIER_INDEX)
#define EVENT  (QUALIFIER_ALL | QUALIFIER_COUNT)
#define POINT  (QUALIFIER_RANGE | QUALIFIER_INDEX)
#define RANGE  QUALIFIER_RANGE
#define INDEX  QUALIFIER_INDEX
#define ALL    QUALIFIER_ALL
#define FREE   QUALIFIER_FREE
#define ONE    QUALIFIER_ONE

#define READ(q)          .use[ROLE_READ] = (q)
#define WRITE(q)         .use[ROLE_WRITE] = (q)
#define CONTROL(q)       .use[ROLE_CONTROL] = (q)
#define RESPONSE(q)      .use[ROLE_RESPONSE] = (q)
#define UNSOLICITED(q)   .use[ROLE_UNSOLICITED] = (q)
#define ASSIGN           .use[ROLE_ASSIGN] = STATIC
#define FREEZE           .use[ROLE_FREEZE] = STATIC, .use[ROLE_FREEZE_AT_TIME] = STATIC
#define FREEZE_CLEAR     .use[ROLE_FREEZE_CLEAR] = STATIC
#define REPLY(q)         .use[ROLE_AUTHENTICATION_RESPONSE] = (q)
#define OTHER(q, f)      .use[ROLE_OTHER] = (q), .functions = (f)
#define ANY_STATIC(g)    .group = (g), .layout = OBJECT_EMPTY, READ(STATIC)
#define ANY_EVENT(g)     .group = (g), .layout = OBJECT_EMPTY, READ(EVENT)
#define VAR(v)           .first = (v), .last = (v)
#define VARS(f, l)       .first = (f), .last = (l)
#define FIXED(n)         .layout = OBJECT_FIXED, .size = (n)
#define FLAGS_RESERVE(m) .reserved_first = (m)

#define IN(function)      (UINT64_C(1) << (function))
#define IN_AUTHENTICATION IN(DNP3_AUTHENTICATION_REQUEST)

/* A point's value, and an event of it: `n` octets, of whose first the bits `m` are reserved. */
#define VALUE(g, v, n, m)                                                                          \
    {                                                                                              \
        .group = (g), VAR(v), FIXED(n), FLAGS_RESERVE(m), READ(STATIC), RESPONSE(POINT)            \
    }
#define CHANGE(g, v, n, m)                                                                         \
    {                                                                                              \
        .group = (g), VAR(v), FIXED(n), FLAGS_RESERVE(m), READ(EVENT), RESPONSE(INDEX),            \
        UNSOLICITED(INDEX)                                                                         \
    }
#define PACKED(g, v, l, ...)                                                                       \
    {                                                                                              \
        .group = (g), VAR(v), .layout = (l), READ(STATIC), RESPONSE(RANGE), __VA_ARGS__            \
    }
#define FREEFORM(g, v, n, ...)                                                                     \
    {                                                                                              \
        .group = (g), VAR(v), .layout = OBJECT_FREE, .size = (n), __VA_ARGS__                      \
    }
#define FILE_OBJECT(v, n, ...) FREEFORM(70, v, n, .check = dnp3_check_file, __VA_ARGS__)
#define AUTHENTICATION(v, n, ...)                                                                  \
    FREEFORM(120, v, n, .check = dnp3_check_authentication, __VA_ARGS__)

/* Reserved bits of flag octets (1815 11.6). */
#define BINARY_FLAGS  0x40u
#define DOUBLE_FLAGS  0x00u
#define OUTPUT_FLAGS  0x60u
#define COUNTER_FLAGS 0x80u
#define DELTA_FLAGS   0xc0u
#define ANALOG_FLAGS  0x80u
#define NO_FLAGS      0x00u
#define STATUS_BIT    0x80u /* a command status has seven bits (A.8, A.19) */
/* A command event's state bit stands above its status; an analog's is reserved. */
#define BINARY_COMMAND_STATUS 0x00u
#define ANALOG_COMMAND_STATUS 0x80u

#define COMMAND(g, v, n, c)                                                                        \
    {                                                                                              \
        .group = (g), VAR(v), FIXED(n), .reserved_last = STATUS_BIT, CONTROL(INDEX),               \
        RESPONSE(INDEX), .check = (c)                                                              \
    }

/* clang-format off */
static const struct dnp3_object library[] = {
    /* device attributes: the index is the set */
    {.group = 0, VARS(1, 239), .layout = OBJECT_ATTRIBUTE, READ(RANGE | ALL | INDEX),
     RESPONSE(POINT), .check = dnp3_check_attribute},
    {.group = 0, VAR(240), .layout = OBJECT_ATTRIBUTE, READ(RANGE | ALL | INDEX), WRITE(POINT),
     RESPONSE(POINT), .check = dnp3_check_attribute},
    {.group = 0, VARS(241, 244), .layout = OBJECT_ATTRIBUTE, READ(RANGE | ALL | INDEX),
     RESPONSE(POINT), .check = dnp3_check_attribute},
    {.group = 0, VARS(245, 247), .layout = OBJECT_ATTRIBUTE, READ(RANGE | ALL | INDEX),
     WRITE(POINT), RESPONSE(POINT), .check = dnp3_check_attribute},
    {.group = 0, VARS(248, 253), .layout = OBJECT_ATTRIBUTE, READ(RANGE | ALL | INDEX),
     RESPONSE(POINT), .check = dnp3_check_attribute},
    {.group = 0, VAR(254), .layout = OBJECT_EMPTY, READ(RANGE | ALL | INDEX)},
    {.group = 0, VAR(255), .layout = OBJECT_ATTRIBUTE, READ(RANGE | ALL | INDEX),
     RESPONSE(POINT), .check = dnp3_check_attribute},
    /* binary inputs and their events */
    {ANY_STATIC(1), ASSIGN},
    PACKED(1, 1, OBJECT_BITS),
    VALUE(1, 2, 1, BINARY_FLAGS),
    {ANY_EVENT(2)},
    CHANGE(2, 1, 1, BINARY_FLAGS), CHANGE(2, 2, 7, BINARY_FLAGS), CHANGE(2, 3, 3, BINARY_FLAGS),
    /* double-bit inputs and their events */
    {ANY_STATIC(3), ASSIGN},
    PACKED(3, 1, OBJECT_DOUBLE_BITS),
    VALUE(3, 2, 1, DOUBLE_FLAGS),
    {ANY_EVENT(4)},
    CHANGE(4, 1, 1, DOUBLE_FLAGS), CHANGE(4, 2, 7, DOUBLE_FLAGS), CHANGE(4, 3, 3, DOUBLE_FLAGS),
    /* binary outputs, their events, commands to them, events of commands */
    {ANY_STATIC(10), ASSIGN},
    PACKED(10, 1, OBJECT_BITS, WRITE(RANGE)),
    VALUE(10, 2, 1, OUTPUT_FLAGS),
    {ANY_EVENT(11)},
    CHANGE(11, 1, 1, OUTPUT_FLAGS), CHANGE(11, 2, 7, OUTPUT_FLAGS),
    {.group = 12, VAR(0), .layout = OBJECT_EMPTY, ASSIGN},
    COMMAND(12, 1, 11, dnp3_check_control_block),
    {.group = 12, VAR(2), FIXED(11), .reserved_last = STATUS_BIT, CONTROL(ONE), RESPONSE(ONE),
     .check = dnp3_check_control_block},
    {.group = 12, VAR(3), .layout = OBJECT_BITS, CONTROL(RANGE), RESPONSE(RANGE)},
    {ANY_EVENT(13)},
    CHANGE(13, 1, 1, BINARY_COMMAND_STATUS), CHANGE(13, 2, 7, BINARY_COMMAND_STATUS),
    /* counters: 3, 4, 7, 8 are the obsolete delta counters */
    {ANY_STATIC(20), ASSIGN, FREEZE, FREEZE_CLEAR},
    VALUE(20, 1, 5, COUNTER_FLAGS), VALUE(20, 2, 3, COUNTER_FLAGS),
    VALUE(20, 3, 5, DELTA_FLAGS), VALUE(20, 4, 3, DELTA_FLAGS),
    VALUE(20, 5, 4, NO_FLAGS), VALUE(20, 6, 2, NO_FLAGS),
    VALUE(20, 7, 4, NO_FLAGS), VALUE(20, 8, 2, NO_FLAGS),
    {ANY_STATIC(21), ASSIGN},
    VALUE(21, 1, 5, COUNTER_FLAGS), VALUE(21, 2, 3, COUNTER_FLAGS),
    VALUE(21, 3, 5, DELTA_FLAGS), VALUE(21, 4, 3, DELTA_FLAGS),
    VALUE(21, 5, 11, COUNTER_FLAGS), VALUE(21, 6, 9, COUNTER_FLAGS),
    VALUE(21, 7, 11, DELTA_FLAGS), VALUE(21, 8, 9, DELTA_FLAGS),
    VALUE(21, 9, 4, NO_FLAGS), VALUE(21, 10, 2, NO_FLAGS),
    VALUE(21, 11, 4, NO_FLAGS), VALUE(21, 12, 2, NO_FLAGS),
    {ANY_EVENT(22)},
    CHANGE(22, 1, 5, COUNTER_FLAGS), CHANGE(22, 2, 3, COUNTER_FLAGS),
    CHANGE(22, 3, 5, DELTA_FLAGS), CHANGE(22, 4, 3, DELTA_FLAGS),
    CHANGE(22, 5, 11, COUNTER_FLAGS), CHANGE(22, 6, 9, COUNTER_FLAGS),
    CHANGE(22, 7, 11, DELTA_FLAGS), CHANGE(22, 8, 9, DELTA_FLAGS),
    {ANY_EVENT(23)},
    CHANGE(23, 1, 5, COUNTER_FLAGS), CHANGE(23, 2, 3, COUNTER_FLAGS),
    CHANGE(23, 3, 5, DELTA_FLAGS), CHANGE(23, 4, 3, DELTA_FLAGS),
    CHANGE(23, 5, 11, COUNTER_FLAGS), CHANGE(23, 6, 9, COUNTER_FLAGS),
    CHANGE(23, 7, 11, DELTA_FLAGS), CHANGE(23, 8, 9, DELTA_FLAGS),
    /* analog inputs, frozen ones, their events, dead-bands */
    {ANY_STATIC(30), ASSIGN, FREEZE},
    VALUE(30, 1, 5, ANALOG_FLAGS), VALUE(30, 2, 3, ANALOG_FLAGS),
    VALUE(30, 3, 4, NO_FLAGS), VALUE(30, 4, 2, NO_FLAGS),
    VALUE(30, 5, 5, ANALOG_FLAGS), VALUE(30, 6, 9, ANALOG_FLAGS),
    {ANY_STATIC(31), ASSIGN},
    VALUE(31, 1, 5, ANALOG_FLAGS), VALUE(31, 2, 3, ANALOG_FLAGS),
    VALUE(31, 3, 11, ANALOG_FLAGS), VALUE(31, 4, 9, ANALOG_FLAGS),
    VALUE(31, 5, 4, NO_FLAGS), VALUE(31, 6, 2, NO_FLAGS),
    VALUE(31, 7, 5, ANALOG_FLAGS), VALUE(31, 8, 9, ANALOG_FLAGS),
    {ANY_EVENT(32)},
    CHANGE(32, 1, 5, ANALOG_FLAGS), CHANGE(32, 2, 3, ANALOG_FLAGS),
    CHANGE(32, 3, 11, ANALOG_FLAGS), CHANGE(32, 4, 9, ANALOG_FLAGS),
    CHANGE(32, 5, 5, ANALOG_FLAGS), CHANGE(32, 6, 9, ANALOG_FLAGS),
    CHANGE(32, 7, 11, ANALOG_FLAGS), CHANGE(32, 8, 15, ANALOG_FLAGS),
    {ANY_EVENT(33)},
    CHANGE(33, 1, 5, ANALOG_FLAGS), CHANGE(33, 2, 3, ANALOG_FLAGS),
    CHANGE(33, 3, 11, ANALOG_FLAGS), CHANGE(33, 4, 9, ANALOG_FLAGS),
    CHANGE(33, 5, 5, ANALOG_FLAGS), CHANGE(33, 6, 9, ANALOG_FLAGS),
    CHANGE(33, 7, 11, ANALOG_FLAGS), CHANGE(33, 8, 15, ANALOG_FLAGS),
    {ANY_STATIC(34)},
    {.group = 34, VAR(1), FIXED(2), READ(STATIC), WRITE(POINT), RESPONSE(POINT)},
    {.group = 34, VARS(2, 3), FIXED(4), READ(STATIC), WRITE(POINT), RESPONSE(POINT),
     .check = dnp3_check_dead_band},
    /* analog outputs, commands to them, their events, events of commands */
    {ANY_STATIC(40), ASSIGN},
    VALUE(40, 1, 5, ANALOG_FLAGS), VALUE(40, 2, 3, ANALOG_FLAGS),
    VALUE(40, 3, 5, ANALOG_FLAGS), VALUE(40, 4, 9, ANALOG_FLAGS),
    {.group = 41, VAR(0), .layout = OBJECT_EMPTY, ASSIGN},
    COMMAND(41, 1, 5, NULL), COMMAND(41, 2, 3, NULL),
    COMMAND(41, 3, 5, NULL), COMMAND(41, 4, 9, NULL),
    {ANY_EVENT(42)},
    CHANGE(42, 1, 5, ANALOG_FLAGS), CHANGE(42, 2, 3, ANALOG_FLAGS),
    CHANGE(42, 3, 11, ANALOG_FLAGS), CHANGE(42, 4, 9, ANALOG_FLAGS),
    CHANGE(42, 5, 5, ANALOG_FLAGS), CHANGE(42, 6, 9, ANALOG_FLAGS),
    CHANGE(42, 7, 11, ANALOG_FLAGS), CHANGE(42, 8, 15, ANALOG_FLAGS),
    {ANY_EVENT(43)},
    CHANGE(43, 1, 5, ANALOG_COMMAND_STATUS), CHANGE(43, 2, 3, ANALOG_COMMAND_STATUS),
    CHANGE(43, 3, 11, ANALOG_COMMAND_STATUS), CHANGE(43, 4, 9, ANALOG_COMMAND_STATUS),
    CHANGE(43, 5, 5, ANALOG_COMMAND_STATUS), CHANGE(43, 6, 9, ANALOG_COMMAND_STATUS),
    CHANGE(43, 7, 11, ANALOG_COMMAND_STATUS), CHANGE(43, 8, 15, ANALOG_COMMAND_STATUS),
    /* times: now, with interval, last recorded, indexed; of events that follow; delays */
    {.group = 50, VAR(1), FIXED(6), READ(ONE), WRITE(ONE), RESPONSE(ONE)},
    {.group = 50, VAR(2), FIXED(10), .use[ROLE_FREEZE_AT_TIME] = ONE},
    {.group = 50, VAR(3), FIXED(6), WRITE(ONE)},
    {.group = 50, VAR(4), FIXED(11), READ(STATIC), WRITE(POINT), RESPONSE(POINT)},
    {.group = 51, VARS(1, 2), FIXED(6), RESPONSE(ONE), UNSOLICITED(ONE)},
    {.group = 52, VARS(1, 2), FIXED(2), RESPONSE(ONE)},
    /* classes: 0, then 1 to 3 */
    {.group = 60, VAR(1), .layout = OBJECT_EMPTY, READ(ALL), .use[ROLE_ASSIGN] = ALL},
    {.group = 60, VARS(2, 4), .layout = OBJECT_EMPTY, READ(EVENT), .use[ROLE_ASSIGN] = ALL,
     .use[ROLE_CLASSES] = ALL},
    /* files: their events, authentication, command (AN table 3 has it in function 26 too), command
     * status, transport, its status, descriptor, specification string */
    {ANY_EVENT(70), .use[ROLE_ASSIGN] = ALL},
    FILE_OBJECT(2, 12, OTHER(FREE, IN(DNP3_AUTHENTICATE_FILE)), RESPONSE(FREE)),
    FILE_OBJECT(3, 26, OTHER(FREE, IN(DNP3_OPEN_FILE) | IN(DNP3_CLOSE_FILE) | IN(DNP3_DELETE_FILE))),
    FILE_OBJECT(4, 13, OTHER(FREE, IN(DNP3_CLOSE_FILE) | IN(DNP3_ABORT_FILE)), RESPONSE(FREE),
                UNSOLICITED(FREE)),
    FILE_OBJECT(5, 8, .read_data = true, READ(FREE), WRITE(FREE), RESPONSE(FREE),
                UNSOLICITED(FREE)),
    FILE_OBJECT(6, 9, .read_data = true, READ(FREE), RESPONSE(FREE), UNSOLICITED(FREE)),
    FILE_OBJECT(7, 20, OTHER(FREE, IN(DNP3_GET_FILE_INFORMATION)), RESPONSE(FREE),
                UNSOLICITED(FREE)),
    FILE_OBJECT(8, 1, OTHER(FREE, IN(DNP3_ACTIVATE_CONFIGURATION))),
    /* internal indications, storage, device profile, private registration */
    PACKED(80, 1, OBJECT_BITS, WRITE(RANGE)),
    {.group = 81, VAR(1), FIXED(3), READ(STATIC), RESPONSE(POINT | QUALIFIER_COUNT)},
    FREEFORM(82, 1, 1, READ(STATIC), RESPONSE(FREE), UNSOLICITED(FREE)),
    FREEFORM(83, 1, 8, READ(STATIC), RESPONSE(FREE), UNSOLICITED(FREE)),
    FREEFORM(83, 2, 1, READ(STATIC), RESPONSE(FREE)),
    /* data sets: prototypes, descriptors, present values, snapshots */
    {ANY_STATIC(85)},
    FREEFORM(85, 1, 1, READ(STATIC), WRITE(FREE), RESPONSE(FREE), UNSOLICITED(FREE)),
    {ANY_STATIC(86), ASSIGN},
    FREEFORM(86, 1, 1, READ(STATIC), WRITE(FREE), RESPONSE(FREE)),
    {.group = 86, VAR(2), FIXED(1), READ(STATIC), RESPONSE(POINT)},
    FREEFORM(86, 3, 1, READ(STATIC), WRITE(FREE), RESPONSE(FREE)),
    {ANY_STATIC(87)},
    FREEFORM(87, 1, 1, READ(STATIC), WRITE(FREE), CONTROL(FREE), RESPONSE(FREE)),
    {ANY_EVENT(88)},
    FREEFORM(88, 1, 1, READ(EVENT), RESPONSE(FREE), UNSOLICITED(FREE)),
    /* applications, status of an activation */
    FREEFORM(90, 1, 1, OTHER(FREE, IN(DNP3_INITIALIZE_APPLICATION) | IN(DNP3_START_APPLICATION) |
                          IN(DNP3_STOP_APPLICATION))),
    FREEFORM(91, 1, 1, RESPONSE(FREE)),
    /* binary-coded decimals of 4, 8, 16 digits; unsigned octets */
    {ANY_STATIC(101)},
    {.group = 101, VAR(1), FIXED(2), READ(STATIC), WRITE(POINT), RESPONSE(POINT)},
    {.group = 101, VAR(2), FIXED(4), READ(STATIC), WRITE(POINT), RESPONSE(POINT)},
    {.group = 101, VAR(3), FIXED(8), READ(STATIC), WRITE(POINT), RESPONSE(POINT)},
    {ANY_STATIC(102)},
    {.group = 102, VAR(1), FIXED(1), READ(STATIC), WRITE(POINT), RESPONSE(POINT)},
    /* octet strings, virtual terminals */
    {ANY_STATIC(110), ASSIGN},
    {.group = 110, VARS(1, 255), .layout = OBJECT_BY_VARIATION, READ(STATIC), WRITE(POINT),
     RESPONSE(POINT)},
    {ANY_EVENT(111)},
    {.group = 111, VARS(1, 255), .layout = OBJECT_BY_VARIATION, READ(EVENT), RESPONSE(INDEX),
     UNSOLICITED(INDEX)},
    {.group = 112, VARS(1, 255), .layout = OBJECT_BY_VARIATION, WRITE(POINT)},
    {ANY_EVENT(113), ASSIGN},
    {.group = 113, VARS(1, 255), .layout = OBJECT_BY_VARIATION, READ(EVENT), RESPONSE(INDEX),
     UNSOLICITED(INDEX)},
    /* authentication; 3 and 9 stand around the objects of any function, see order.c */
    {.group = 120, VAR(0), .layout = OBJECT_EMPTY, ASSIGN},
    AUTHENTICATION(1, 12, OTHER(FREE, IN_AUTHENTICATION), RESPONSE(FREE), REPLY(FREE)),
    AUTHENTICATION(2, 6, OTHER(FREE, IN_AUTHENTICATION), REPLY(FREE)),
    {.group = 120, VAR(3), FIXED(6)},
    {.group = 120, VAR(4), FIXED(2), OTHER(ONE, IN_AUTHENTICATION)},
    AUTHENTICATION(5, 11, REPLY(FREE)),
    AUTHENTICATION(6, 7, OTHER(FREE, IN_AUTHENTICATION)),
    AUTHENTICATION(7, 15, OTHER(FREE, IN(DNP3_AUTHENTICATION_REQUEST_NO_ACK)), REPLY(FREE)),
    AUTHENTICATION(8, 3, OTHER(FREE, IN_AUTHENTICATION)),
    AUTHENTICATION(9, 1, .use = {0}),
    AUTHENTICATION(10, 16, OTHER(FREE, IN_AUTHENTICATION)),
    AUTHENTICATION(11, 5, OTHER(FREE, IN_AUTHENTICATION)),
    AUTHENTICATION(12, 8, REPLY(FREE)),
    AUTHENTICATION(13, 8, OTHER(FREE, IN_AUTHENTICATION)),
    AUTHENTICATION(14, 1, OTHER(FREE, IN_AUTHENTICATION)),
    AUTHENTICATION(15, 1, OTHER(FREE, IN_AUTHENTICATION), REPLY(FREE)),
    /* security statistics and their events */
    {ANY_STATIC(121), ASSIGN},
    VALUE(121, 1, 7, NO_FLAGS),
    {ANY_EVENT(122)},
    CHANGE(122, 1, 7, NO_FLAGS), CHANGE(122, 2, 13, NO_FLAGS),
};
/* clang-format on */

#define LIBRARY_SIZE (sizeof library / sizeof library[0])

const struct dnp3_object *dnp3_objects(size_t *count)
{
    *count = LIBRARY_SIZE;
    return library;
}

/* The last line of variations that begin at or before this one. */
const struct dnp3_object *dnp3_object(unsigned group, unsigned variation)
{
    size_t low = 0, high = LIBRARY_SIZE;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct dnp3_object *object = &library[middle];
        if (object->group < group || (object->group == group && object->last < variation))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == LIBRARY_SIZE || library[low].group != group || library[low].first > variation)
        return NULL;
    return &library[low];
}
