/* SPDX-License-Identifier: BSD-2-Clause */
/* A DNP3 request from a person's words or from hexadecimal, as the bytes that a master sends. */
#include <stdlib.h>
#include <string.h>

#include "policy/compiler/dnp3_words.h"
#include "policy/compiler/language.h"
#include "policy/compiler/scalars.h"
#include "protocols/dnp3/link.h"
#include "protocols/dnp3/names.h"
#include "protocols/dnp3/objects.h"
#include "protocols/dnp3/rules.h"

#define MOST_WORDS 600u

/* Qualifiers (1815 4.2.2.7.3) */
#define RANGE_OF_1 0x00u
#define RANGE_OF_2 0x01u
#define RANGE_OF_4 0x02u
#define ALL_POINTS 0x06u
#define COUNT_OF_1 0x07u
#define INDEX_OF_1 0x17u
#define INDEX_OF_2 0x28u

struct words {
    const char *word[MOST_WORDS];
    size_t count, next;
    FILE *errors;
    bool good;
};

static void wrong(struct words *w, const char *found, const char *expected)
{
    if (w->good)
        fprintf(w->errors, "found '%s', expected %s\n", found ? found : "the end", expected);
    w->good = false;
}

static const char *take(struct words *w)
{
    return w->next < w->count ? w->word[w->next++] : NULL;
}

static bool take_if(struct words *w, const char *word)
{
    if (w->next == w->count || strcmp(w->word[w->next], word) != 0)
        return false;
    w->next++;
    return true;
}

static uint32_t take_number(struct words *w, uint64_t high, const char *expected)
{
    const char *const word = take(w);
    uint64_t number = 0;
    if (word == NULL || !parse_number(word, strlen(word), &number) || number > high)
        wrong(w, word, expected);
    return (uint32_t)number;
}

/* What the words say of the points. */
struct points {
    bool given;
    uint32_t low, high;
};

static void take_index(struct words *w, struct points *points)
{
    const char *const word = take(w);
    uint64_t low = 0, high = 0;
    if (word == NULL || !parse_range(word, &low, &high) || low > high || high > UINT32_MAX)
        wrong(w, word, "an index such as 3, or a range such as 0-9");
    *points = (struct points){true, (uint32_t)low, (uint32_t)high};
}

static void put_number(struct sl_writer *out, unsigned qualifier, uint32_t number)
{
    if (qualifier == RANGE_OF_1 || qualifier == INDEX_OF_1)
        sl_write_u8(out, (uint8_t)number);
    else if (qualifier == RANGE_OF_4)
        sl_write_u32le(out, number);
    else
        sl_write_u16le(out, (uint16_t)number);
}

static void put_header(struct sl_writer *out, uint32_t group, uint32_t variation,
                       const struct points *points)
{
    const unsigned qualifier = !points->given               ? ALL_POINTS
                               : points->high <= UINT8_MAX  ? RANGE_OF_1
                               : points->high <= UINT16_MAX ? RANGE_OF_2
                                                            : RANGE_OF_4;
    sl_write_u8(out, (uint8_t)group);
    sl_write_u8(out, (uint8_t)variation);
    sl_write_u8(out, (uint8_t)qualifier);
    if (!points->given)
        return;
    put_number(out, qualifier, points->low);
    put_number(out, qualifier, points->high);
}

/* --- objects without content: read, freeze, assign, enable --------------------------------- */

static void class_words(struct words *w, struct sl_writer *out)
{
    static const struct points all = {false, 0, 0};
    unsigned count = 0;
    uint64_t class;
    while (w->next < w->count && parse_number(w->word[w->next], strlen(w->word[w->next]), &class) &&
           class <= 3) {
        w->next++;
        count++;
        put_header(out, GROUP_CLASS, (uint32_t) class + 1, &all);
    }
    if (count == 0)
        wrong(w, take(w), "classes: 0 to 3");
}

static void group_words(struct words *w, struct sl_writer *out)
{
    struct points points = {false, 0, 0};
    const uint32_t group = take_number(w, UINT8_MAX, "the number of a group, such as 30");
    uint32_t variation = 0;
    if (take_if(w, "variation"))
        variation = take_number(w, UINT8_MAX, "the number of a variation");
    if (take_if(w, "index") || take_if(w, "indexes"))
        take_index(w, &points);
    put_header(out, group, variation, &points);
}

static void object_words(struct words *w, struct sl_writer *out)
{
    for (;;) {
        if (take_if(w, "class") || take_if(w, "classes"))
            class_words(w, out);
        else if (take_if(w, "group"))
            group_words(w, out);
        else
            return;
        if (!w->good)
            return;
    }
}

/* --- writes -------------------------------------------------------------------------------- */

static void write_words(struct words *w, struct sl_writer *out)
{
    if (take_if(w, "time")) { /* of no matter which */
        static const uint8_t time[] = {GROUP_TIME, 1, COUNT_OF_1, 1, 0, 0, 0, 0, 0, 0};
        sl_write_bytes(out, time, sizeof time);
        return;
    }
    if (take_if(w, "indication")) {
        struct points points;
        take_index(w, &points);
        points.high = points.low;
        put_header(out, 80, 1, &points);
        sl_write_u8(out, take_if(w, "on"));
        return;
    }
    wrong(w, take(w), "write time, write indication 7, or the message in hexadecimal");
}

/* --- commands ------------------------------------------------------------------------------ */

struct command {
    struct points points;
    uint8_t operation, trip_close, count;
    uint32_t on_time, off_time;
    const char *value;
};

static bool code_word(struct words *w, struct command *command)
{
    for (unsigned i = 0; w->next < w->count && i < DNP3_OPERATIONS; i++)
        if (take_if(w, dnp3_operation_name(i))) {
            command->operation = (uint8_t)i;
            return true;
        }
    for (unsigned i = 0; w->next < w->count && i < DNP3_TRIP_CLOSE; i++)
        if (take_if(w, dnp3_trip_close_name(i))) {
            command->trip_close = (uint8_t)i;
            return true;
        }
    return false;
}

static bool command_word(struct words *w, struct command *command)
{
    if (take_if(w, "index") || take_if(w, "point"))
        take_index(w, &command->points);
    else if (take_if(w, "value") || take_if(w, "="))
        command->value = take(w);
    else if (code_word(w, command))
        return true;
    else if (take_if(w, "on-time"))
        command->on_time = take_number(w, UINT32_MAX, "milliseconds");
    else if (take_if(w, "off-time"))
        command->off_time = take_number(w, UINT32_MAX, "milliseconds");
    else if (take_if(w, "count"))
        command->count = (uint8_t)take_number(w, UINT8_MAX, "a count up to 255");
    else
        return false;
    return w->good;
}

/* An integer where it is one, else floating point of 64 bits. */
static void put_value(struct words *w, struct sl_writer *value, unsigned *variation,
                      const char *text)
{
    char *end = NULL;
    const double number = text ? strtod(text, &end) : 0;
    if (text == NULL || end == text || *end) {
        wrong(w, text, "a number");
        return;
    }
    if (number >= INT32_MIN && number <= INT32_MAX && number == (double)(int32_t)number) {
        *variation = 1;
        sl_write_u32le(value, (uint32_t)(int32_t)number);
    } else {
        uint64_t bits;
        memcpy(&bits, &number, sizeof bits);
        *variation = 4;
        sl_write_u32le(value, (uint32_t)bits);
        sl_write_u32le(value, (uint32_t)(bits >> 32));
    }
    sl_write_u8(value, 0);
}

static void command_words(struct words *w, struct sl_writer *out)
{
    struct command command = {.operation = 1, .count = 1, .on_time = 100};
    uint8_t object[16];
    struct sl_writer content = sl_writer(object, sizeof object);
    unsigned group = GROUP_COMMAND, variation = 1;
    while (w->good && command_word(w, &command))
        ;
    if (!command.points.given)
        wrong(w, w->next < w->count ? w->word[w->next] : NULL,
              "a command such as: direct-operate pulse-on close index 3, or "
              "direct-operate index 3 value 15.5");
    if (command.value) {
        group = GROUP_ANALOG_COMMAND;
        put_value(w, &content, &variation, command.value);
    } else {
        sl_write_u8(&content, (uint8_t)(command.trip_close << 6 | command.operation));
        sl_write_u8(&content, command.count);
        sl_write_u32le(&content, command.on_time);
        sl_write_u32le(&content, command.off_time);
        sl_write_u8(&content, 0);
    }
    const struct points points = command.points;
    if (w->good && (points.high > UINT16_MAX || points.high - points.low >= 100))
        wrong(w, "so many points", "at most 100, up to 65535");
    if (!w->good)
        return;
    const unsigned qualifier = points.high <= UINT8_MAX ? INDEX_OF_1 : INDEX_OF_2;
    sl_write_u8(out, (uint8_t)group);
    sl_write_u8(out, (uint8_t)variation);
    sl_write_u8(out, (uint8_t)qualifier);
    put_number(out, qualifier, points.high - points.low + 1);
    for (uint32_t index = points.low; index <= points.high; index++) {
        put_number(out, qualifier, index);
        sl_write_bytes(out, object, content.length);
    }
}

/* --- all of it ----------------------------------------------------------------------------- */

static const struct dnp3_function_entry *function_word(struct words *w, unsigned *function)
{
    const char *word = take(w);
    uint64_t number;
    if (word && strcmp(word, "function") == 0)
        word = take(w);
    for (*function = 0; word && *function < DNP3_FUNCTIONS; (*function)++)
        if (strcmp(word, dnp3_function_name(*function)) == 0)
            return dnp3_function(*function);
    if (word && parse_number(word, strlen(word), &number) && number < DNP3_FUNCTIONS) {
        *function = (unsigned)number;
        return dnp3_function(*function);
    }
    wrong(w, word, "a DNP3 function such as read or direct-operate, or the message in hexadecimal");
    return NULL;
}

static void fragment_words(struct words *w, struct sl_writer *out)
{
    unsigned function;
    const struct dnp3_function_entry *const entry = function_word(w, &function);
    if (entry == NULL)
        return;
    sl_write_u8(out, DNP3_FIR | DNP3_FIN);
    sl_write_u8(out, (uint8_t)function);
    if (entry->role == ROLE_CONTROL)
        command_words(w, out);
    else if (entry->role == ROLE_WRITE)
        write_words(w, out);
    else
        object_words(w, out);
}

static void station_words(struct words *w, struct dnp3_station *station)
{
    while (w->good) {
        if (take_if(w, "outstation"))
            station->outstation = (uint16_t)take_number(w, UINT16_MAX, "an outstation's address");
        else if (take_if(w, "master"))
            station->master = (uint16_t)take_number(w, UINT16_MAX, "a master's address");
        else
            return;
    }
}

/* The words up to `outstation` or `master`; false: they are not all hexadecimal. */
static bool hex_words(struct words *w, uint8_t *bytes, size_t size, size_t *length)
{
    const size_t start = w->next;
    *length = 0;
    while (w->next < w->count) {
        size_t some;
        if (!parse_hex(w->word[w->next], bytes + *length, size - *length, &some))
            break;
        *length += some;
        w->next++;
    }
    const bool hex =
        *length > 1 && (w->next == w->count || strcmp(w->word[w->next], "outstation") == 0 ||
                        strcmp(w->word[w->next], "master") == 0);
    if (!hex)
        w->next = start;
    return hex;
}

bool dnp3_message_of(const struct site *site, unsigned service, const char *const *words,
                     size_t count, uint8_t *bytes, size_t *length, FILE *errors)
{
    const struct arena_list *const stations = &site->policy->service[service].dnp3.stations;
    struct dnp3_station station = {0};
    if (stations->count)
        station = *(const struct dnp3_station *)stations->items;
    struct words w = {.errors = errors, .good = true};
    struct arena arena = {0};
    for (size_t i = 0; i < count; i++) { /* one argument may hold several words */
        char *text = arena_text(&arena, words[i], strlen(words[i]));
        for (char *word = strtok(text, " ,"); word; word = strtok(NULL, " ,"))
            if (w.count < MOST_WORDS)
                w.word[w.count++] = word;
    }
    uint8_t octets[DNP3_MAX_MESSAGE];
    struct sl_writer fragment = sl_writer(octets, DNP3_MAX_FRAGMENT);
    size_t hex_length;
    const bool hex = hex_words(&w, octets, sizeof octets, &hex_length);
    const bool framed = hex && octets[0] == 0x05 && octets[1] == 0x64;
    if (hex)
        fragment.length = hex_length;
    else
        fragment_words(&w, &fragment);
    if (!framed)
        station_words(&w, &station);
    if (w.good && w.next < w.count)
        wrong(&w, w.word[w.next],
              framed ? "the end" : "'outstation' or 'master' and its address, or the end");
    if (w.good && (fragment.failed || (!framed && fragment.length > DNP3_MAX_FRAGMENT)))
        wrong(&w, "more", "a fragment of at most 2048 octets");
    if (w.good && framed) {
        memcpy(bytes, octets, hex_length);
        *length = hex_length;
    } else if (w.good) {
        struct sl_writer out = sl_writer(bytes, DNP3_MAX_MESSAGE);
        struct sl_reader whole = sl_reader(octets, fragment.length);
        link_write_segments(&out, LINK_DIR | LINK_PRM | LINK_UNCONFIRMED_USER_DATA,
                            station.outstation, station.master, &whole);
        *length = out.length;
    }
    arena_free(&arena);
    return w.good;
}
