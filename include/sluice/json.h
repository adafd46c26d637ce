/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A JSON writer for one line into a bounded buffer: no libc, no allocation, so that the
 * monitor on seL4 and the tools on Linux print the same. Members are separated by commas as
 * needed. The first member that does not fit marks the writer as overflowed and is left out
 * whole, as is all after it, except the closing brackets: a line cut short is still JSON.
 */
#ifndef SLUICE_JSON_H
#define SLUICE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sl_json {
    char *text;
    size_t size;       /* of text, with room for the final NUL */
    size_t length;     /* written, without the NUL */
    bool comma;        /* the next member needs one */
    unsigned depth;    /* brackets open; room to close them is kept */
    unsigned unopened; /* brackets that were left out for want of room */
    bool overflow;
};

void sl_json_start(struct sl_json *json, char *text, size_t size); /* nothing written yet */
void sl_json_open_object(struct sl_json *json, const char *key);   /* key NULL inside arrays */
void sl_json_close_object(struct sl_json *json);
void sl_json_open_array(struct sl_json *json, const char *key);
void sl_json_close_array(struct sl_json *json);
void sl_json_string(struct sl_json *json, const char *key, const char *value); /* NULL: null */
void sl_json_number(struct sl_json *json, const char *key, uint64_t value);
void sl_json_signed(struct sl_json *json, const char *key, int64_t value);
/* `number` is the text of a JSON number, e.g. a decimal fraction. */
void sl_json_decimal(struct sl_json *json, const char *key, const char *number);
void sl_json_bool(struct sl_json *json, const char *key, bool value);
void sl_json_null(struct sl_json *json, const char *key);
void sl_json_hex(struct sl_json *json, const char *key, const uint8_t *bytes, size_t length);
/* "192.168.96.10"; `address` in host byte order */
void sl_json_ipv4(struct sl_json *json, const char *key, uint32_t address);

#endif
