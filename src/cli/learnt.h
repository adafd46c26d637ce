/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `sluice learn` saw: for each device, client, unit and kind of access the addresses asked
 * for, the values written, how often, and when first and last.
 */
#ifndef SLUICE_CLI_LEARNT_H
#define SLUICE_CLI_LEARNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/time.h>

#include "cli/capture.h"
#include "cli/learn_text.h"
#include "policy/compiler/spans.h"
#include "protocols/modbus/modbus.h"
#include "protocols/modbus/rules.h"

/* What was written at one address. */
struct learnt_value {
    uint16_t address;
    uint16_t low, high;
    uint64_t count;
};

struct learnt_flow {         /* all that one observation is about */
    uint32_t server, client; /* IPv4, host byte order */
    uint16_t port;           /* of the server */
    uint16_t file;           /* functions 20 and 21 */
    uint8_t unit;
    uint8_t access; /* enum modbus_access; not READ_WRITE_READ's function but what it reads */
};

struct learnt_access {
    struct learnt_flow key;
    struct learnt_access *next_in_bucket;
    struct span *span; /* ascending, disjoint, not touching */
    size_t span_count, span_room;
    struct learnt_value *value; /* ascending */
    size_t value_count, value_room;
    struct learnt_times times;
};

#define LEARNT_BUCKETS 16384u
struct learnt {
    struct learnt_access *bucket[LEARNT_BUCKETS];
    struct learnt_access **access; /* all of them, in order of appearance; own */
    size_t count, room;
    struct learn_counts counts;
    uint64_t unknown[128]; /* requests by function that is none the gateway knows */
    bool no_memory;
};

/* One well-formed request. */
void learnt_request(struct learnt *learnt, const struct endpoint *client,
                    const struct endpoint *server, const struct timeval *time,
                    const struct modbus_message *request);
void learnt_time(struct learnt_times *times, uint64_t count, const struct timeval *first,
                 const struct timeval *last);
void learnt_free(struct learnt *learnt);

/* Writes the configuration. False: `errors` says why; what is on `out` is not whole. */
bool learn_draft(const struct learnt *learnt, const struct learn_source *source, FILE *out,
                 FILE *errors);

#endif
