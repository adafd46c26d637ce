/* SPDX-License-Identifier: BSD-2-Clause */
/* A Modbus request from a person's words or from hexadecimal, as the bytes that a client sends. */
#include <string.h>

#include "policy/compiler/modbus_words.h"
#include "policy/compiler/points.h"
#include "policy/compiler/scalars.h"

#define MOST_WORDS 300u

struct message_words {
    struct loader loader; /* for the names of points */
    const char *word[MOST_WORDS];
    size_t count, next;
    FILE *errors;
    uint8_t pdu[MODBUS_MAX_PDU];
    size_t length;
    uint8_t unit;
    bool good;
};

static void wrong(struct message_words *m, const char *found, const char *expected)
{
    if (m->good)
        fprintf(m->errors, "found '%s', expected %s\n", found ? found : "the end", expected);
    m->good = false;
}

static const char *take(struct message_words *m)
{
    return m->next < m->count ? m->word[m->next++] : NULL;
}

static bool take_if(struct message_words *m, const char *word)
{
    if (m->next == m->count || strcmp(m->word[m->next], word) != 0)
        return false;
    m->next++;
    return true;
}

static void put(struct message_words *m, uint64_t value, size_t bytes)
{
    if (m->length + bytes > sizeof m->pdu) {
        wrong(m, "more", "at most 253 bytes");
        return;
    }
    while (bytes-- > 0)
        m->pdu[m->length++] = (uint8_t)(value >> 8 * bytes);
}

/* What words may name: a place in one of the tables, or a point. */
struct target {
    enum point_table table;
    uint64_t first, last;
    const struct policy_point *point; /* NULL: by number */
};

static const struct {
    const char *word;
    enum point_table table;
} places[] = {
    {"coil", POINT_COILS},
    {"coils", POINT_COILS},
    {"input", POINT_DISCRETE_INPUTS},
    {"inputs", POINT_DISCRETE_INPUTS},
    {"discrete-inputs", POINT_DISCRETE_INPUTS},
    {"input-register", POINT_INPUT_REGISTERS},
    {"input-registers", POINT_INPUT_REGISTERS},
    {"register", POINT_HOLDING_REGISTERS},
    {"registers", POINT_HOLDING_REGISTERS},
    {"holding-registers", POINT_HOLDING_REGISTERS},
};

/* "holding register", "discrete inputs", "input register": as the log says them. */
static const char *take_place(struct message_words *m)
{
    (void)(take_if(m, "holding") || take_if(m, "discrete"));
    const char *word = take(m);
    if (word && strcmp(word, "input") == 0 && (take_if(m, "register") || take_if(m, "registers")))
        return "input-registers";
    return word;
}

static bool take_target(struct message_words *m, struct target *target)
{
    const char *word = take_place(m);
    *target = (struct target){0};
    for (size_t i = 0; word && i < sizeof places / sizeof places[0]; i++) {
        if (strcmp(places[i].word, word) != 0)
            continue;
        target->table = places[i].table;
        const char *range = take(m);
        if (range && parse_range(range, &target->first, &target->last) &&
            target->first <= target->last && target->last <= UINT16_MAX)
            return true;
        wrong(m, range, "an address such as 2, or a range such as 0-9");
        return false;
    }
    target->point = word ? point_by_name(&m->loader, word) : NULL;
    if (target->point == NULL) {
        wrong(m, word, "coils, inputs, registers, input-registers or the name of a point");
        return false;
    }
    target->table = target->point->table;
    target->first = target->point->address;
    target->last = target->first + point_registers(target->point) - 1;
    return true;
}

static void read_message(struct message_words *m)
{
    static const uint8_t functions[POINT_TABLE_COUNT] = {
        [POINT_COILS] = MODBUS_READ_COILS,
        [POINT_DISCRETE_INPUTS] = MODBUS_READ_DISCRETE_INPUTS,
        [POINT_INPUT_REGISTERS] = MODBUS_READ_INPUT_REGISTERS,
        [POINT_HOLDING_REGISTERS] = MODBUS_READ_HOLDING_REGISTERS,
    };
    struct target target;
    if (!take_target(m, &target))
        return;
    put(m, functions[target.table], 1);
    put(m, target.first, 2);
    put(m, target.last - target.first + 1, 2);
}

/* One value's bits, as many registers as its type has. */
static bool take_value(struct message_words *m, const struct target *target, uint32_t *bits)
{
    const char *word = take(m);
    const struct policy_point *const point = target->point;
    uint32_t low = 0, high = 0;
    const enum modbus_value_type type = target->table == POINT_COILS ? MODBUS_COIL
                                        : point                      ? point->type
                                                                     : MODBUS_UINT16;
    bool good = word != NULL;
    if (good && point && type != MODBUS_COIL)
        good = scaled_range(word, type, point->scale, &low, &high) && low == high;
    else if (good && !(parse_value_range(word, type, &low, &high) && low == high)) {
        good = type == MODBUS_UINT16 && parse_value_range(word, MODBUS_INT16, &low, &high) &&
               low == high;
        low ^= UINT32_C(0x8000); /* as an order, see below */
    }
    if (!good) {
        wrong(m, word, point ? "a value that the point can hold" : "a value");
        return false;
    }
    *bits = point ? modbus_order_bits(type, low) : low;
    return true;
}

/* "write 5, 6 to registers 4-5", as the log says it: the values' words come after the target's. */
static void put_values_last(struct message_words *m)
{
    size_t to = m->next;
    while (to < m->count && strcmp(m->word[to], "to") != 0)
        to++;
    size_t unit = to;
    while (unit < m->count && strcmp(m->word[unit], "unit") != 0)
        unit++;
    if (to == m->count)
        return;
    const char *turned[MOST_WORDS];
    const size_t values = to - m->next, target = unit - to - 1;
    memcpy(turned, m->word + to + 1, target * sizeof *turned);
    turned[target] = "=";
    memcpy(turned + target + 1, m->word + m->next, values * sizeof *turned);
    memcpy(m->word + m->next, turned, (target + 1 + values) * sizeof *turned);
}

static void write_message(struct message_words *m)
{
    struct target target;
    uint32_t value[MODBUS_MAX_WRITE_REGISTERS];
    size_t count = 0;
    put_values_last(m);
    if (!take_target(m, &target))
        return;
    if (target.table != POINT_COILS && target.table != POINT_HOLDING_REGISTERS) {
        wrong(m, "a table that is read only", "coils or registers");
        return;
    }
    (void)take_if(m, "=");
    if (m->next == m->count) {
        wrong(m, NULL, "'=' and a value");
        return;
    }
    do {
        if (count == MODBUS_MAX_WRITE_REGISTERS || !take_value(m, &target, &value[count++]))
            break;
    } while (m->next < m->count && strcmp(m->word[m->next], "unit") != 0);
    if (!m->good)
        return;
    const bool wide = target.point && point_registers(target.point) == 2;
    if (count == 1 && !wide) {
        put(m,
            target.table == POINT_COILS ? MODBUS_WRITE_SINGLE_COIL : MODBUS_WRITE_SINGLE_REGISTER,
            1);
        put(m, target.first, 2);
        put(m, target.table == POINT_COILS ? (value[0] ? 0xff00 : 0) : value[0], 2);
        return;
    }
    const size_t quantity = wide ? 2 * count : count;
    const bool coils = target.table == POINT_COILS;
    put(m, coils ? MODBUS_WRITE_MULTIPLE_COILS : MODBUS_WRITE_MULTIPLE_REGISTERS, 1);
    put(m, target.first, 2);
    put(m, quantity, 2);
    put(m, coils ? (quantity + 7) / 8 : 2 * quantity, 1);
    if (coils)
        for (size_t byte = 0; byte * 8 < count; byte++) {
            unsigned bits = 0;
            for (size_t i = 0; i < 8 && byte * 8 + i < count; i++)
                bits |= (value[byte * 8 + i] & 1u) << i;
            put(m, bits, 1);
        }
    for (size_t i = 0; i < count && !coils; i++)
        if (!wide)
            put(m, value[i], 2);
        else
            put(m, target.point->low_first ? value[i] << 16 | value[i] >> 16 : value[i], 4);
}

static void function_message(struct message_words *m)
{
    const char *word = take(m);
    uint64_t number = 0;
    const struct modbus_word *named = word ? modbus_word_by_name(word) : NULL;
    if (named && named->function)
        number = named->function;
    else if (!word || !parse_number(word, strlen(word), &number) || number == 0 || number > 127) {
        wrong(m, word, "a function's number or name");
        return;
    }
    put(m, number, 1);
    while (m->next < m->count && strcmp(m->word[m->next], "unit") != 0) {
        uint8_t bytes[MODBUS_MAX_PDU];
        size_t length;
        word = take(m);
        if (!parse_hex(word, bytes, sizeof bytes, &length)) {
            wrong(m, word, "the bytes after the function code, hexadecimal");
            return;
        }
        for (size_t i = 0; i < length; i++)
            put(m, bytes[i], 1);
    }
}

/* An ADU, or a PDU for unit 1. False where the words are not all hexadecimal. */
static bool hex_message(struct message_words *m, uint8_t *adu, size_t *length)
{
    uint8_t bytes[MODBUS_MAX_ADU];
    size_t count = 0;
    for (size_t i = 0; i < m->count; i++) {
        size_t some;
        if (!parse_hex(m->word[i], bytes + count, sizeof bytes - count, &some))
            return false;
        count += some;
    }
    const bool has_head = count > MODBUS_MBAP_SIZE && bytes[2] == 0 && bytes[3] == 0 &&
                          (size_t)(bytes[4] << 8 | bytes[5]) == count - 6;
    if (has_head) {
        memcpy(adu, bytes, count);
        *length = count;
        return true;
    }
    for (size_t i = 0; i < count; i++)
        put(m, bytes[i], 1);
    return count > 0;
}

bool modbus_message_of(const struct site *site, unsigned service, const char *const *words,
                       size_t count, uint8_t *adu, size_t *length, FILE *errors)
{
    struct message_words m = {.errors = errors, .unit = 1, .good = true};
    struct arena arena = {0};
    m.loader.points[0] = &site->policy->service[service].modbus.points;
    m.loader.points[1] = &site->policy->service[service].modbus.profile_points;
    m.loader.points[2] = &site->policy->points;
    for (size_t i = 0; i < count; i++) { /* one argument may hold several words */
        char *text = arena_text(&arena, words[i], strlen(words[i]));
        for (char *word = strtok(text, " ,()"); word; word = strtok(NULL, " ,()"))
            if (m.count < MOST_WORDS)
                m.word[m.count++] = word;
    }
    *length = 0;
    if (!hex_message(&m, adu, length) && m.good) {
        m.length = 0;
        const char *verb = take(&m);
        if (verb && strcmp(verb, "read") == 0)
            read_message(&m);
        else if (verb && (strcmp(verb, "write") == 0 || strcmp(verb, "switch") == 0))
            write_message(&m);
        else if (verb && strcmp(verb, "function") == 0)
            function_message(&m);
        else
            wrong(&m, verb, "read, write, function, or the message in hexadecimal");
        uint64_t unit = m.unit;
        if (m.good && take_if(&m, "unit")) {
            const char *word = take(&m);
            if (!word || !parse_number(word, strlen(word), &unit) || unit > 255)
                wrong(&m, word, "a unit from 0 to 255");
        }
        m.unit = (uint8_t)unit;
        if (m.good && m.next < m.count)
            wrong(&m, m.word[m.next],
                  "'unit' and its number, or the end; who sends it is --client's");
    }
    if (m.good && *length == 0) {
        const uint8_t head[MODBUS_MBAP_SIZE] = {
            0, 1, 0, 0, (uint8_t)((m.length + 1) >> 8), (uint8_t)(m.length + 1), m.unit};
        memcpy(adu, head, sizeof head);
        memcpy(adu + sizeof head, m.pdu, m.length);
        *length = sizeof head + m.length;
    }
    arena_free(&arena);
    return m.good;
}
