/* SPDX-License-Identifier: BSD-2-Clause */
/* Function codes (1815 4.2.2.5, clause 4.4). */
#include "protocols/dnp3/dnp3.h"
#include "protocols/dnp3/objects.h"

#define NONE     ROLE_NONE, OBJECTS_NONE
#define SOME(r)  ROLE_##r, OBJECTS_REQUIRED
#define MAYBE(r) ROLE_##r, OBJECTS_OPTIONAL

static const struct dnp3_function_entry functions[] = {
    [DNP3_CONFIRM] = {"confirm", NONE, false},
    [DNP3_READ] = {"read", SOME(READ), true},
    [DNP3_WRITE] = {"write", SOME(WRITE), true},
    [DNP3_SELECT] = {"select", SOME(CONTROL), true},
    [DNP3_OPERATE] = {"operate", SOME(CONTROL), true},
    [DNP3_DIRECT_OPERATE] = {"direct-operate", SOME(CONTROL), true},
    [DNP3_DIRECT_OPERATE_NO_ACK] = {"direct-operate-no-ack", SOME(CONTROL), false},
    [DNP3_IMMEDIATE_FREEZE] = {"immediate-freeze", SOME(FREEZE), true},
    [DNP3_IMMEDIATE_FREEZE_NO_ACK] = {"immediate-freeze-no-ack", SOME(FREEZE), false},
    [DNP3_FREEZE_CLEAR] = {"freeze-clear", SOME(FREEZE_CLEAR), true},
    [DNP3_FREEZE_CLEAR_NO_ACK] = {"freeze-clear-no-ack", SOME(FREEZE_CLEAR), false},
    [DNP3_FREEZE_AT_TIME] = {"freeze-at-time", SOME(FREEZE_AT_TIME), true},
    [DNP3_FREEZE_AT_TIME_NO_ACK] = {"freeze-at-time-no-ack", SOME(FREEZE_AT_TIME), false},
    [DNP3_COLD_RESTART] = {"cold-restart", NONE, true},
    [DNP3_WARM_RESTART] = {"warm-restart", NONE, true},
    [DNP3_INITIALIZE_DATA] = {"initialize-data", NONE, true},
    [DNP3_INITIALIZE_APPLICATION] = {"initialize-application", MAYBE(OTHER), true},
    [DNP3_START_APPLICATION] = {"start-application", MAYBE(OTHER), true},
    [DNP3_STOP_APPLICATION] = {"stop-application", MAYBE(OTHER), true},
    [DNP3_SAVE_CONFIGURATION] = {"save-configuration", NONE, true},
    [DNP3_ENABLE_UNSOLICITED] = {"enable-unsolicited", SOME(CLASSES), true},
    [DNP3_DISABLE_UNSOLICITED] = {"disable-unsolicited", SOME(CLASSES), true},
    [DNP3_ASSIGN_CLASS] = {"assign-class", SOME(ASSIGN), true},
    [DNP3_DELAY_MEASUREMENT] = {"delay-measurement", NONE, true},
    [DNP3_RECORD_CURRENT_TIME] = {"record-current-time", NONE, true},
    [DNP3_OPEN_FILE] = {"open-file", SOME(OTHER), true},
    [DNP3_CLOSE_FILE] = {"close-file", SOME(OTHER), true},
    [DNP3_DELETE_FILE] = {"delete-file", SOME(OTHER), true},
    [DNP3_GET_FILE_INFORMATION] = {"get-file-information", SOME(OTHER), true},
    [DNP3_AUTHENTICATE_FILE] = {"authenticate-file", SOME(OTHER), true},
    [DNP3_ABORT_FILE] = {"abort-file", SOME(OTHER), true},
    [DNP3_ACTIVATE_CONFIGURATION] = {"activate-configuration", SOME(OTHER), true},
    [DNP3_AUTHENTICATION_REQUEST] = {"authentication-request", SOME(OTHER), true},
    [DNP3_AUTHENTICATION_REQUEST_NO_ACK] = {"authentication-request-no-ack", SOME(OTHER), false},
    [DNP3_RESPONSE] = {"response", MAYBE(RESPONSE), false},
    [DNP3_UNSOLICITED_RESPONSE] = {"unsolicited-response", MAYBE(UNSOLICITED), false},
    [DNP3_AUTHENTICATION_RESPONSE] = {"authentication-response", SOME(AUTHENTICATION_RESPONSE),
                                      false},
};

const struct dnp3_function_entry *dnp3_function(unsigned function)
{
    if (function >= sizeof functions / sizeof functions[0] || !functions[function].name)
        return NULL;
    return &functions[function];
}

const char *dnp3_function_name(unsigned function)
{
    const struct dnp3_function_entry *entry = dnp3_function(function);
    return entry ? entry->name : NULL;
}
