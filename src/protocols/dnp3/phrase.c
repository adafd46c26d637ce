/* SPDX-License-Identifier: BSD-2-Clause */
/* A message, whole or cut short, as a substation engineer would say it. */
#include "protocols/dnp3/dnp3.h"
#include "protocols/dnp3/link.h"
#include "protocols/dnp3/names.h"
#include "protocols/dnp3/objects.h"
#include "util/float_text.h"
#include "util/phrase.h"
#include "util/timestamp.h"

#define HEADERS_SAID 4u
#define OBJECTS_SAID 3u
#define ENOUGH_SAID  60u /* letters: the stations must fit an audit line too */
#define NAME_SAID    40u /* octets of a file's name */
#define SECONDS_END  19u /* of "2026-11-22T20:17:53.123456+0000" */

struct saying {
    struct phrase phrase;
    const struct dnp3_message *head; /* DNP3_HEAD_SIZE of it */
    struct sl_reader in;             /* those of its objects that are there */
    struct dnp3_header header;
    unsigned headers; /* read so far */
};

static void say(struct saying *saying, const char *text)
{
    phrase_text(&saying->phrase, text);
}

static void say_number(struct saying *saying, uint64_t number)
{
    phrase_number(&saying->phrase, number);
}

static void say_named(struct saying *saying, const char *name, unsigned number)
{
    if (name)
        say(saying, name);
    else
        say_number(saying, number);
}

static bool next_header(struct saying *saying)
{
    if (!sl_remaining(&saying->in) ||
        dnp3_read_header(&saying->in, FORM_CANONICAL, saying->head->function, &saying->header) !=
            SL_REASON_NONE)
        return false;
    saying->headers++;
    return true;
}

/* The next object of a header with data that is no packed bits. */
static bool next_object(struct saying *saying, uint32_t *index, const uint8_t **data, size_t *size)
{
    return dnp3_read_object(&saying->header, &saying->in, FORM_CANONICAL, index, data, size);
}

/* --- points -------------------------------------------------------------------------------- */

static bool is_class(const struct dnp3_header *header)
{
    return header->group == GROUP_CLASS;
}

/* "binary input", "device attribute 242" */
static void say_kind(struct saying *saying, bool several)
{
    const struct dnp3_header *header = &saying->header;
    const char *name = dnp3_group_name(header->group);
    if (!name) {
        say(saying, "object of group ");
        say_number(saying, header->group);
        return;
    }
    say(saying, name);
    const bool attribute = header->group == 0 && header->object->layout == OBJECT_ATTRIBUTE;
    if (several && !attribute)
        say(saying, "s");
    if (!attribute)
        return;
    say(saying, " ");
    say_number(saying, header->variation);
}

/* "counters 3, 4, 7, ..." */
static void say_indexes(struct saying *saying)
{
    const struct dnp3_header *header = &saying->header;
    struct sl_reader objects = saying->in;
    say_kind(saying, header->count != 1);
    for (uint64_t i = 0; i < header->count; i++) {
        uint32_t index;
        const uint8_t *data;
        size_t size;
        if (i == OBJECTS_SAID ||
            !dnp3_read_object(header, &objects, FORM_CANONICAL, &index, &data, &size)) {
            say(saying, ", ...");
            return;
        }
        say(saying, i ? ", " : " ");
        say_number(saying, index);
    }
}

static void say_points(struct saying *saying)
{
    const struct dnp3_header *header = &saying->header;
    if (is_class(header)) {
        say(saying, "class ");
        say_number(saying, header->variation - 1u);
        return;
    }
    switch (header->class) {
    case QUALIFIER_RANGE:
        say_kind(saying, header->count > 1);
        say(saying, " ");
        say_number(saying, header->start);
        if (header->count > 1) {
            say(saying, "-");
            say_number(saying, header->start + header->count - 1);
        }
        break;
    case QUALIFIER_INDEX:
        say_indexes(saying);
        break;
    case QUALIFIER_ALL:
        say(saying, "all ");
        say_kind(saying, true);
        break;
    default:
        if (header->count > 1) {
            say_number(saying, header->count);
            say(saying, " ");
        }
        say_kind(saying, header->count > 1);
        break;
    }
}

/* All headers; classes that follow each other share the word. */
static void say_objects(struct saying *saying)
{
    bool class_before = false;
    while (next_header(saying)) {
        if (saying->headers > HEADERS_SAID)
            break;
        if (class_before && is_class(&saying->header)) {
            say(saying, ", ");
            say_number(saying, saying->header.variation - 1u);
        } else {
            say(saying, saying->headers > 1 ? ", " : "");
            say_points(saying);
        }
        class_before = is_class(&saying->header);
        if (!dnp3_skip_objects(&saying->header, &saying->in))
            break;
    }
    if (saying->headers < saying->head->header_count || saying->headers > HEADERS_SAID)
        say(saying, ", ...");
}

/* --- commands ------------------------------------------------------------------------------ */

/* "pulse-on close, 100 ms on" (1815 A.8.1) */
static void say_control_block(struct saying *saying, const uint8_t *data)
{
    const unsigned operation = data[0] & 0x0fu, code = data[0] >> 6;
    const uint64_t on = dnp3_number(data + 2, 4), off = dnp3_number(data + 6, 4);
    say_named(saying, dnp3_operation_name(operation), operation);
    if (code) {
        say(saying, " ");
        say_named(saying, dnp3_trip_close_name(code), code);
    }
    if (data[1] != 1) {
        say(saying, ", ");
        say_number(saying, data[1]);
        say(saying, " times");
    }
    const bool pulses = operation == 1 || operation == 2;
    if (pulses && on) {
        say(saying, ", ");
        say_number(saying, on);
        say(saying, " ms on");
    }
    if (pulses && off) {
        say(saying, ", ");
        say_number(saying, off);
        say(saying, " ms off");
    }
}

/* 1815 A.19: variations 1 and 2 are integers, 3 and 4 floating point */
static void say_analog_value(struct saying *saying, const uint8_t *data, size_t size)
{
    const unsigned octets = (unsigned)size - 1;
    const uint64_t bits = dnp3_number(data, octets);
    char text[FLOAT_TEXT_SIZE];
    if (saying->header.variation >= 3) {
        float_text(bits, octets, text);
        say(saying, text);
        return;
    }
    const int64_t value = octets == 4 ? (int32_t)bits : (int16_t)bits;
    say(saying, value < 0 ? "-" : "");
    say_number(saying, value < 0 ? (uint64_t)-value : (uint64_t)value);
}

/* "binary output 3 (latch-on)", "analog output 2 := 7.5"; a response's with the status. */
static void say_command(struct saying *saying, uint32_t index, const uint8_t *data, size_t size)
{
    const bool block = saying->header.group == GROUP_COMMAND;
    say_kind(saying, false);
    if (saying->header.class == QUALIFIER_INDEX) {
        say(saying, " ");
        say_number(saying, index);
    }
    say(saying, block ? " (" : " := ");
    if (block)
        say_control_block(saying, data);
    else
        say_analog_value(saying, data, size);
    say(saying, block ? ")" : "");
    if (saying->head->function < DNP3_RESPONSE)
        return;
    say(saying, " ");
    say_named(saying, dnp3_command_status_name(data[size - 1]), data[size - 1]);
}

/* Commands one by one; other objects between them (pattern masks, data sets) as points. */
static void say_commands(struct saying *saying)
{
    unsigned said = 0;
    while (next_header(saying)) {
        const struct dnp3_header *header = &saying->header;
        if (said >= OBJECTS_SAID)
            break;
        if (!dnp3_is_command(header)) {
            say(saying, said++ ? ", " : "");
            say_points(saying);
            if (!dnp3_skip_objects(&saying->header, &saying->in))
                break;
            continue;
        }
        for (uint64_t i = 0; i < header->count; i++) {
            uint32_t index;
            const uint8_t *data;
            size_t size;
            const bool enough =
                said >= OBJECTS_SAID || (said && saying->phrase.length > ENOUGH_SAID);
            if (enough || !next_object(saying, &index, &data, &size)) {
                say(saying, ", ...");
                return;
            }
            say(saying, said++ ? ", " : "");
            say_command(saying, index, data, size);
        }
    }
    if (saying->headers < saying->head->header_count)
        say(saying, ", ...");
}

/* --- time, indications, files -------------------------------------------------------------- */

static bool say_clock(struct saying *saying)
{
    uint32_t index;
    const uint8_t *data;
    size_t size;
    char text[TIMESTAMP_SIZE];
    if (!next_object(saying, &index, &data, &size))
        return false;
    say(saying, "set the clock to ");
    const uint64_t milliseconds = dnp3_number(data, 6);
    if (milliseconds > UINT64_MAX / 1000000) { /* after the year 2554 */
        say_number(saying, milliseconds);
        say(saying, " ms since 1970");
        return true;
    }
    timestamp_format(milliseconds * 1000000, text);
    text[SECONDS_END] = '\0';
    say(saying, text);
    say(saying, "Z");
    return true;
}

/* 1815 4.4.2: a master clears the restart indication (bit 7) and that of the time (4). */
static bool say_indication(struct saying *saying)
{
    const struct dnp3_header *header = &saying->header;
    const char *what = header->start == 7 ? "restart" : header->start == 4 ? "need-time" : NULL;
    if (!what || header->count != 1)
        return false;
    const uint8_t *bits = sl_read_bytes(&saying->in, 1);
    if (!bits || bits[0])
        return false;
    say(saying, "clear the ");
    say(saying, what);
    say(saying, " indication");
    return true;
}

static void say_file_name(struct saying *saying, const uint8_t *name, size_t length)
{
    char text[NAME_SAID + 1];
    const size_t said = length < NAME_SAID ? length : NAME_SAID;
    for (size_t i = 0; i < said; i++)
        text[i] = name[i] >= 0x20 && name[i] < 0x7f ? (char)name[i] : '?';
    text[said] = '\0';
    say(saying, " '");
    say(saying, text);
    say(saying, length > said ? "...'" : "'");
}

/* Where a file command and a file descriptor have what (1815 A.25.3, A.25.7). */
#define FILE_COMMAND_MODE    20u
#define FILE_COMMAND_NAME    26u
#define FILE_DESCRIPTOR_NAME 20u

/* What is there of the first object, which a record may cut short. */
static size_t first_file_object(struct saying *saying, const uint8_t **data)
{
    *data = NULL;
    if (!next_header(saying) || saying->header.object->layout != OBJECT_FREE)
        return 0;
    size_t size = sl_read_u16le(&saying->in);
    const size_t there = sl_remaining(&saying->in);
    size = size < there ? size : there;
    *data = sl_read_bytes(&saying->in, size);
    return *data ? size : 0;
}

static void say_file(struct saying *saying)
{
    static const char *const modes[] = {"", " to delete it", " to read it", " to write it anew",
                                        " to append to it"};
    const uint8_t *data;
    const size_t size = first_file_object(saying, &data);
    const unsigned function = saying->head->function;
    say(saying, function == DNP3_OPEN_FILE     ? "open file"
                : function == DNP3_DELETE_FILE ? "delete file"
                : function == DNP3_CLOSE_FILE  ? "close file"
                : function == DNP3_ABORT_FILE  ? "abort file"
                                               : "ask about file");
    if (function == DNP3_CLOSE_FILE || function == DNP3_ABORT_FILE) {
        if (size >= 4) {
            say(saying, " handle ");
            say_number(saying, dnp3_number(data, 4));
        }
        return;
    }
    const size_t name =
        function == DNP3_GET_FILE_INFORMATION ? FILE_DESCRIPTOR_NAME : FILE_COMMAND_NAME;
    if (size >= name)
        say_file_name(saying, data + name, size - name);
    if (function != DNP3_OPEN_FILE || size < name)
        return;
    const uint64_t mode = dnp3_number(data + FILE_COMMAND_MODE, 2) + 1;
    say(saying, mode < sizeof modes / sizeof modes[0] ? modes[mode] : "");
}

/* "block 3 of file handle 7" (1815 A.25.5) */
static bool say_block(struct saying *saying, const char *verb)
{
    const size_t size = sl_read_u16le(&saying->in);
    const uint8_t *data = size >= 8 ? sl_read_bytes(&saying->in, 8) : NULL;
    if (!data)
        return false;
    say(saying, verb);
    say(saying, "block ");
    say_number(saying, dnp3_number(data + 4, 4) & 0x7fffffffu);
    say(saying, " of file handle ");
    say_number(saying, dnp3_number(data, 4));
    return true;
}

static bool is_block(const struct dnp3_header *header)
{
    return header->group == 70 && header->variation == 5;
}

/* True where one header says it all: time, indications, a file's block. */
static bool say_single(struct saying *saying, const char *verb)
{
    const struct sl_reader in = saying->in;
    bool said = false;
    if (saying->head->header_count == 1 && next_header(saying)) {
        const struct dnp3_header *header = &saying->header;
        const bool write = saying->head->function == DNP3_WRITE;
        if (is_block(header))
            said = say_block(saying, verb);
        else if (write && header->group == GROUP_TIME && header->class == QUALIFIER_COUNT)
            said = say_clock(saying);
        else if (write && header->group == 80)
            said = say_indication(saying);
    }
    saying->in = in;
    saying->headers = 0;
    return said;
}

/* --- the message --------------------------------------------------------------------------- */

static const char *verb_of(unsigned function)
{
    static const char *const verbs[] = {
        [DNP3_READ] = "read ",
        [DNP3_WRITE] = "write ",
        [DNP3_SELECT] = "select ",
        [DNP3_OPERATE] = "operate ",
        [DNP3_DIRECT_OPERATE] = "operate directly ",
        [DNP3_DIRECT_OPERATE_NO_ACK] = "operate directly, unanswered, ",
        [DNP3_IMMEDIATE_FREEZE] = "freeze ",
        [DNP3_IMMEDIATE_FREEZE_NO_ACK] = "freeze, unanswered, ",
        [DNP3_FREEZE_CLEAR] = "freeze and clear ",
        [DNP3_FREEZE_CLEAR_NO_ACK] = "freeze and clear, unanswered, ",
        [DNP3_FREEZE_AT_TIME] = "freeze at a time ",
        [DNP3_FREEZE_AT_TIME_NO_ACK] = "freeze at a time, unanswered, ",
        [DNP3_ENABLE_UNSOLICITED] = "enable unsolicited responses of ",
        [DNP3_DISABLE_UNSOLICITED] = "disable unsolicited responses of ",
        [DNP3_ASSIGN_CLASS] = "assign ",
    };
    return function < sizeof verbs / sizeof verbs[0] ? verbs[function] : NULL;
}

static bool is_control(unsigned function)
{
    return function >= DNP3_SELECT && function <= DNP3_DIRECT_OPERATE_NO_ACK;
}

static bool is_file(unsigned function)
{
    return (function >= DNP3_OPEN_FILE && function <= DNP3_GET_FILE_INFORMATION) ||
           function == DNP3_ABORT_FILE;
}

static void say_function(struct saying *saying)
{
    const char *name = dnp3_function_name(saying->head->function);
    if (!name)
        say(saying, "function ");
    say_named(saying, name, saying->head->function);
}

static void say_link_function(struct saying *saying)
{
    const uint8_t control = saying->head->link_control;
    const char *name = dnp3_link_function_name(control);
    if (!name)
        say(saying, control & LINK_PRM ? "link function " : "secondary link function ");
    say_named(saying, name, control & LINK_FUNCTION);
}

static void say_request(struct saying *saying)
{
    const unsigned function = saying->head->function;
    const char *verb = verb_of(function);
    if (function == DNP3_CONFIRM) {
        say(saying, saying->head->control & DNP3_UNS ? "confirm unsolicited response "
                                                     : "confirm response ");
        say_number(saying, saying->head->sequence);
    } else if (is_file(function)) {
        say_file(saying);
    } else if (!verb) {
        say_function(saying);
    } else if (!say_single(saying, verb)) {
        say(saying, verb);
        if (is_control(function))
            say_commands(saying);
        else
            say_objects(saying);
    }
}

/* "response: binary inputs 0-9", "response: object unknown" */
static void say_response(struct saying *saying)
{
    static const char *const errors[] = {"function not supported", "object unknown",
                                         "parameter error"};
    say_function(saying);
    const char *before = ": ";
    for (unsigned bit = 0; bit < 3; bit++)
        if (saying->head->iin >> bit & 1) {
            say(saying, before);
            say(saying, errors[bit]);
            before = ", ";
        }
    if (!saying->head->header_count)
        return;
    say(saying, before);
    struct sl_reader look = saying->in;
    struct dnp3_header first;
    if (dnp3_read_header(&look, FORM_CANONICAL, saying->head->function, &first) == SL_REASON_NONE &&
        dnp3_is_command(&first))
        say_commands(saying);
    else
        say_objects(saying);
}

/* A request, be it that its reply is spoken of: one that never came has no other words. */
static bool is_asked(const struct dnp3_message *head)
{
    return head->kind == DNP3_FRAGMENT && head->function < DNP3_RESPONSE;
}

static void say_stations(struct saying *saying, bool request)
{
    say(saying, request ? ", master " : ", outstation ");
    say_number(saying, saying->head->source);
    say(saying, request ? " to outstation " : " to master ");
    say_number(saying, saying->head->destination);
}

void dnp3_phrase(char *text, size_t size, enum sl_direction direction, const void *canonical,
                 size_t length)
{
    const struct dnp3_message *head = canonical;
    struct saying saying = {.phrase = phrase_start(text, size), .head = head};
    if (length < DNP3_HEAD_SIZE)
        return;
    const size_t there = length - DNP3_HEAD_SIZE;
    saying.in =
        sl_reader(head->objects, there < head->objects_length ? there : head->objects_length);
    const bool malformed = head->kind == DNP3_MALFORMED;
    if (malformed && !(head->known & DNP3_KNOWS_LINK))
        return;
    const bool asks = direction == SL_REQUEST || is_asked(head);
    if (asks && direction == SL_REPLY)
        say(&saying, "reply to ");
    if (head->kind == DNP3_LINK || (malformed && !(head->known & DNP3_KNOWS_APPLICATION)))
        say_link_function(&saying);
    else if (malformed)
        say_function(&saying);
    else if (head->function >= DNP3_RESPONSE)
        say_response(&saying);
    else
        say_request(&saying);
    say_stations(&saying, asks);
}
