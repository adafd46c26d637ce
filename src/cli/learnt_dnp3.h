/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `sluice learn` saw of DNP3. A rule must cover a whole message, so what is kept together is
 * one kind of message: its stations, its function and the groups of its objects.
 */
#ifndef SLUICE_CLI_LEARNT_DNP3_H
#define SLUICE_CLI_LEARNT_DNP3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/time.h>

#include "cli/capture.h"
#include "cli/learn_text.h"
#include "protocols/dnp3/dnp3.h"

#define LEARNT_GROUP_WORDS 4u /* 256 groups, a bit each */

struct learnt_dnp3_key {
    uint32_t server, client; /* IPv4, host byte order */
    uint16_t port;           /* of the server */
    uint16_t master, outstation;
    uint8_t function;
    bool udp;
    bool every; /* some object is about all points there are, or about none */
    /* Only control blocks with an index each, without queue or clear: rules can name their
     * operations. */
    bool blocks;
    uint64_t groups[LEARNT_GROUP_WORDS];
};

/* What analog commands set one output to. */
struct learnt_dnp3_value {
    uint32_t index;
    double low, high;
    uint64_t count;
};

struct learnt_dnp3_kind {
    struct learnt_dnp3_key key;
    struct learnt_dnp3_kind *next_in_bucket;
    struct arena_list indexes;      /* struct span, any order */
    size_t indexes_kept;            /* of them, when last put in order */
    struct arena_list values;       /* struct learnt_dnp3_value, in order of appearance */
    uint8_t operations, trip_close; /* 1 << each that was seen */
    struct learnt_times times;
};

#define LEARNT_DNP3_BUCKETS 4096u
struct learnt_dnp3 {
    struct arena arena;
    struct learnt_dnp3_kind *bucket[LEARNT_DNP3_BUCKETS];
    struct arena_list kinds;       /* struct learnt_dnp3_kind *, in order of appearance */
    struct arena_list unsolicited; /* struct endpoint: servers that sent such */
    struct arena_list confirmed;   /* struct learnt_dnp3_key: between whom such was confirmed */
    struct learn_counts counts;
};

/* One well-formed request; a link frame is none, a confirm says only that there are the stations.
 */
void learnt_dnp3_request(struct learnt_dnp3 *learnt, const struct endpoint *client,
                         const struct endpoint *server, bool udp, const struct timeval *time,
                         const struct dnp3_message *request);
void learnt_dnp3_reply(struct learnt_dnp3 *learnt, const struct endpoint *server,
                       const struct dnp3_message *reply);

/* Writes the configuration. False: `errors` says why; what is on `out` is not whole. */
bool learn_dnp3_draft(struct learnt_dnp3 *learnt, const struct learn_source *source, FILE *out,
                      FILE *errors);

#endif
