/* SPDX-License-Identifier: BSD-2-Clause */
/* A draft as text, whatever the protocol: what stands around the rules, and how a rule says when it
 * was seen, from whom and for which numbers. */
#ifndef SLUICE_CLI_LEARN_TEXT_H
#define SLUICE_CLI_LEARN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/time.h>

#include "policy/compiler/arena.h"
#include "policy/compiler/spans.h"

#define LEARN_FIRST_LISTEN 10u /* host part of the first service's address of the placeholders */

struct learn_numbers {
    uint32_t *number; /* ascending */
    size_t count;
};

struct learnt_times {
    uint64_t count;
    struct timeval first, last;
};

struct learn_counts {
    struct learnt_times requests; /* that were learnt */
    uint64_t malformed, not_ipv4; /* that were not */
};

struct learn_source {
    char **captures;
    size_t capture_count;
    unsigned gap; /* numbers not asked for between two that were: up to so many are read too */
};

struct learn_text {
    FILE *out;
    struct arena *arena;
    const struct learn_source *source;
    struct learn_numbers clients, servers; /* IPv4, host byte order; may repeat */
};

void learn_sort(struct learn_numbers *numbers);

void learn_put_head(struct learn_text *draft, const struct learn_counts *counts);
/* Returns the network of the external side, which is a placeholder. */
uint32_t learn_put_gateway(struct learn_text *draft);
void learn_put_hosts(struct learn_text *draft);

/* "3 requests, first ..., last ..." */
void learn_put_times(struct learn_text *draft, const struct learnt_times *times, const char *what);
/* Lines of a rule: its clients; numbers of any kind. */
void learn_put_from(struct learn_text *draft, const struct learn_numbers *clients);
void learn_put_spans(struct learn_text *draft, const char *key, const struct spans *spans);
struct spans learn_spans_of(struct learn_text *draft, const struct learn_numbers *numbers);

/* False, and said why, where one gateway does not hold so many. */
bool learn_fits(unsigned services, size_t rules, FILE *errors);

#endif
