/* SPDX-License-Identifier: BSD-2-Clause */
#include "sluice/json.h"

#include "util/utf8.h"

static const char hex_digits[] = "0123456789abcdef";

static void put(struct sl_json *json, char c)
{
    if (json->overflow)
        return;
    if (json->length + json->depth + 1 >= json->size) {
        json->overflow = true;
        return;
    }
    json->text[json->length++] = c;
    json->text[json->length] = '\0';
}

static void put_text(struct sl_json *json, const char *text)
{
    while (*text)
        put(json, *text++);
}

static void put_quoted(struct sl_json *json, const char *text)
{
    put(json, '"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            put(json, '\\');
        if (c >= 0x20 && c < 0x7f) {
            put(json, (char)c);
            continue;
        }
        if (c >= 0x80) { /* UTF-8 passes as it is, what is none (or was cut) as U+FFFD */
            const size_t length = utf8_length(text, UTF8_LONGEST);
            if (length == 0)
                put_text(json, "\xef\xbf\xbd");
            for (size_t i = 0; i < length; i++)
                put(json, text[i]);
            text += length ? length - 1 : 0;
            continue;
        }
        put_text(json, "\\u00");
        put(json, hex_digits[c >> 4]);
        put(json, hex_digits[c & 15]);
    }
    put(json, '"');
}

static void put_number(struct sl_json *json, uint64_t value)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count)
        put(json, digits[--count]);
}

/* A member that does not fit leaves no half behind: the text is cut back to `mark`. */
struct mark {
    size_t length;
    bool comma;
};

static struct mark begin(struct sl_json *json, const char *key)
{
    struct mark mark = {json->length, json->comma};
    if (json->comma)
        put(json, ',');
    if (key) {
        put_quoted(json, key);
        put(json, ':');
    }
    json->comma = true;
    return mark;
}

static void end(struct sl_json *json, struct mark mark)
{
    if (!json->overflow)
        return;
    json->length = mark.length;
    json->comma = mark.comma;
    if (json->size)
        json->text[json->length] = '\0';
}

void sl_json_start(struct sl_json *json, char *text, size_t size)
{
    *json = (struct sl_json){.text = text, .size = size};
    if (size)
        text[0] = '\0';
}

static void open_with(struct sl_json *json, const char *key, char bracket)
{
    struct mark mark = begin(json, key);
    json->depth++; /* its closing bracket needs room too */
    put(json, bracket);
    json->depth--;
    json->comma = false;
    end(json, mark);
    if (json->overflow)
        json->unopened++;
    else
        json->depth++;
}

/* Room for the closing brackets is always kept, so that a line cut short is still JSON. */
static void close_with(struct sl_json *json, char bracket)
{
    if (json->unopened) {
        json->unopened--;
        return;
    }
    if (json->depth == 0)
        return;
    json->depth--;
    json->text[json->length++] = bracket;
    json->text[json->length] = '\0';
    json->comma = true;
}

void sl_json_open_object(struct sl_json *json, const char *key)
{
    open_with(json, key, '{');
}

void sl_json_close_object(struct sl_json *json)
{
    close_with(json, '}');
}

void sl_json_open_array(struct sl_json *json, const char *key)
{
    open_with(json, key, '[');
}

void sl_json_close_array(struct sl_json *json)
{
    close_with(json, ']');
}

void sl_json_string(struct sl_json *json, const char *key, const char *value)
{
    if (!value) {
        sl_json_null(json, key);
        return;
    }
    struct mark mark = begin(json, key);
    put_quoted(json, value);
    end(json, mark);
}

void sl_json_number(struct sl_json *json, const char *key, uint64_t value)
{
    struct mark mark = begin(json, key);
    put_number(json, value);
    end(json, mark);
}

void sl_json_signed(struct sl_json *json, const char *key, int64_t value)
{
    struct mark mark = begin(json, key);
    if (value < 0)
        put(json, '-');
    put_number(json, value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value);
    end(json, mark);
}

void sl_json_decimal(struct sl_json *json, const char *key, const char *number)
{
    struct mark mark = begin(json, key);
    put_text(json, number);
    end(json, mark);
}

void sl_json_bool(struct sl_json *json, const char *key, bool value)
{
    struct mark mark = begin(json, key);
    put_text(json, value ? "true" : "false");
    end(json, mark);
}

void sl_json_null(struct sl_json *json, const char *key)
{
    struct mark mark = begin(json, key);
    put_text(json, "null");
    end(json, mark);
}

void sl_json_hex(struct sl_json *json, const char *key, const uint8_t *bytes, size_t length)
{
    struct mark mark = begin(json, key);
    put(json, '"');
    for (size_t i = 0; i < length; i++) {
        put(json, hex_digits[bytes[i] >> 4]);
        put(json, hex_digits[bytes[i] & 15]);
    }
    put(json, '"');
    end(json, mark);
}

void sl_json_ipv4(struct sl_json *json, const char *key, uint32_t address)
{
    struct mark mark = begin(json, key);
    put(json, '"');
    for (int shift = 24; shift >= 0; shift -= 8) {
        put_number(json, address >> shift & 0xff);
        if (shift)
            put(json, '.');
    }
    put(json, '"');
    end(json, mark);
}
