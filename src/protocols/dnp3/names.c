/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocols/dnp3/names.h"

#include <stddef.h>

#include "protocols/dnp3/link.h"
#include "protocols/dnp3/objects.h"

#define NAME(names, number) ((number) < sizeof(names) / sizeof(names)[0] ? (names)[number] : NULL)

const char *dnp3_group_name(unsigned group)
{
    static const char *const names[] = {
        [0] = "device attribute",
        [1] = "binary input",
        [2] = "binary input event",
        [3] = "double-bit input",
        [4] = "double-bit input event",
        [10] = "binary output",
        [11] = "binary output event",
        [GROUP_COMMAND] = "binary output",
        [13] = "binary output command event",
        [20] = "counter",
        [21] = "frozen counter",
        [22] = "counter event",
        [23] = "frozen counter event",
        [30] = "analog input",
        [31] = "frozen analog input",
        [32] = "analog input event",
        [33] = "frozen analog input event",
        [34] = "analog input dead-band",
        [40] = "analog output",
        [GROUP_ANALOG_COMMAND] = "analog output",
        [42] = "analog output event",
        [43] = "analog output command event",
        [GROUP_TIME] = "time",
        [GROUP_COMMON_TIME] = "common time",
        [52] = "time delay",
        [GROUP_CLASS] = "class",
        [70] = "file",
        [80] = "internal indication",
        [81] = "device storage",
        [82] = "device profile",
        [83] = "private registration object",
        [85] = "data set prototype",
        [86] = "data set descriptor",
        [87] = "data set",
        [88] = "data set event",
        [90] = "application",
        [91] = "activation status",
        [101] = "binary-coded decimal",
        [102] = "unsigned octet",
        [110] = "octet string",
        [111] = "octet string event",
        [112] = "virtual terminal output",
        [113] = "virtual terminal event",
        [GROUP_AUTHENTICATION] = "authentication object",
        [121] = "security statistic",
        [122] = "security statistic event",
    };
    return NAME(names, group);
}

const char *dnp3_operation_name(unsigned operation)
{
    static const char *const names[] = {"nul", "pulse-on", "pulse-off", "latch-on", "latch-off"};
    return NAME(names, operation);
}

const char *dnp3_trip_close_name(unsigned code)
{
    static const char *const names[] = {"nul", "close", "trip"};
    return NAME(names, code);
}

const char *dnp3_command_status_name(unsigned status)
{
    static const char *const names[] = {
        [0] = "success",
        [1] = "timeout",
        [2] = "no-select",
        [3] = "format-error",
        [4] = "not-supported",
        [5] = "already-active",
        [6] = "hardware-error",
        [7] = "local",
        [8] = "too-many-objects",
        [9] = "not-authorized",
        [10] = "automation-inhibit",
        [11] = "processing-limited",
        [12] = "out-of-range",
        [13] = "downstream-local",
        [14] = "already-complete",
        [15] = "blocked",
        [16] = "cancelled",
        [17] = "blocked-other-master",
        [18] = "downstream-fail",
        [126] = "non-participating",
        [127] = "undefined",
    };
    return NAME(names, status);
}

const char *dnp3_link_function_name(uint8_t control)
{
    static const char *const asks[LINK_FUNCTION + 1] = {
        [LINK_RESET_STATES] = "reset-link-states",
        [LINK_TEST_STATES] = "test-link-states",
        [LINK_CONFIRMED_USER_DATA] = "confirmed-user-data",
        [LINK_UNCONFIRMED_USER_DATA] = "unconfirmed-user-data",
        [LINK_REQUEST_STATUS] = "request-link-status",
    };
    static const char *const tells[LINK_FUNCTION + 1] = {
        [LINK_ACK] = "ack",
        [LINK_NACK] = "nack",
        [LINK_STATUS] = "link-status",
        [LINK_NOT_SUPPORTED] = "not-supported",
    };
    return (control & LINK_PRM ? asks : tells)[control & LINK_FUNCTION];
}
