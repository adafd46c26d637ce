/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `sluice replay` says at its end: which requests the policy would have refused, by rule,
 * client and time, as text and as one self-contained HTML page.
 */
#ifndef SLUICE_CLI_REPLAY_REPORT_H
#define SLUICE_CLI_REPLAY_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/time.h>

#include "cli/flows.h"
#include "cli/line.h"

enum report_verdict { REPORT_ALLOWED, REPORT_DENIED, REPORT_MALFORMED, REPORT_VERDICTS };

/* Requests that have something in common: a rule or reason, a client, or all of it. */
struct report_group {
    const struct policy_service *service; /* NULL: of no one service */
    uint32_t client;                      /* IPv4, host byte order; 0 for IPv6 or for all */
    uint16_t rule;                        /* SL_NO_RULE */
    uint16_t reason;                      /* enum sl_reason */
    char *text;                           /* what was asked for; NULL; own */
    uint64_t count[REPORT_VERDICTS];
    struct timeval first, last;
};

struct report_groups {
    struct report_group *group;
    size_t count, room;
    uint64_t beyond; /* requests not told apart any more: see REPORT_MOST_GROUPS */
};
#define REPORT_MOST_GROUPS 4096u

struct report_moment {
    int64_t microseconds; /* since 1970 */
    uint8_t verdict;      /* enum report_verdict */
};

struct replay_report {
    const void *image;
    uint64_t count[REPORT_VERDICTS];
    struct report_groups rules;    /* by service, rule and reason: those that decided */
    struct report_groups clients;  /* by client */
    struct report_groups requests; /* refused ones, by client, service, reason and words */
    struct report_moment *moment;
    size_t moment_count, moment_room;
    bool no_memory;
};

/* For struct replay.seen; `context` is the struct replay_report. */
void replay_report_take(void *context, const struct flow *flow, enum sl_direction direction,
                        const struct stream_message *message, const struct timeval *time);

/* Sorts what is there, the most refused first; before the two below. */
void replay_report_finish(struct replay_report *report);
void replay_report_text(const struct replay_report *report, FILE *out);
struct report_source {
    const char *config;
    char **captures;
    size_t capture_count;
};
void replay_report_html(const struct replay_report *report, const struct report_source *source,
                        FILE *out);
void replay_report_free(struct replay_report *report);

/* Names for both forms; `text` is room for an address. */
const char *report_client(const struct replay_report *report, const struct report_group *group,
                          char text[ENDPOINT_TEXT]);
const char *report_rule(const struct replay_report *report, const struct report_group *group);
/* "2016-11-02 13:01:01" in UTC */
#define REPORT_TIME 32u
const char *report_time(int64_t seconds, char text[REPORT_TIME]);

/* The span of all requests in bins of equal, round length. */
#define REPORT_BINS 60u
struct report_bins {
    int64_t start, width; /* microseconds */
    size_t count;         /* at most REPORT_BINS; 0 without requests */
    uint64_t bin[REPORT_BINS + 1][REPORT_VERDICTS];
    uint64_t highest; /* requests in one bin */
};
void report_bins(const struct replay_report *report, struct report_bins *bins);

#endif
