/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/replay_report.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/image.h"

#define TEXT_ROWS  10u
#define TEXT_BINS  12u
#define WORDS_SIZE 160u
#define MICRO      INT64_C(1000000)

/* --- what is counted ----------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static struct report_group *group_of(struct replay_report *report, struct report_groups *groups,
                                     const struct report_group *key)
{
    for (size_t i = 0; i < groups->count; i++) {
        struct report_group *group = &groups->group[i];
        if (group->service == key->service && group->client == key->client &&
            group->rule == key->rule && group->reason == key->reason &&
            same_text(group->text, key->text))
            return group;
    }
    if (groups->count == REPORT_MOST_GROUPS)
        return NULL;
    if (groups->count == groups->room) {
        size_t room = groups->room ? groups->room * 2 : 16;
        struct report_group *larger = realloc(groups->group, room * sizeof *larger);
        if (!larger) {
            report->no_memory = true;
            return NULL;
        }
        groups->group = larger;
        groups->room = room;
    }
    struct report_group *added = &groups->group[groups->count];
    *added = *key;
    if (key->text) {
        added->text = strdup(key->text);
        if (!added->text) {
            report->no_memory = true;
            return NULL;
        }
    }
    groups->count++;
    return added;
}

static void count_in(struct replay_report *report, struct report_groups *groups,
                     const struct report_group *key, enum report_verdict verdict,
                     const struct timeval *time)
{
    struct report_group *group = group_of(report, groups, key);
    if (!group) {
        groups->beyond++;
        return;
    }
    if (!group->count[REPORT_ALLOWED] && !group->count[REPORT_DENIED] &&
        !group->count[REPORT_MALFORMED])
        group->first = group->last = *time;
    if (timercmp(time, &group->first, <))
        group->first = *time;
    if (timercmp(time, &group->last, >))
        group->last = *time;
    group->count[verdict]++;
}

static void note_moment(struct replay_report *report, enum report_verdict verdict,
                        const struct timeval *time)
{
    if (report->moment_count == report->moment_room) {
        size_t room = report->moment_room ? report->moment_room * 2 : 1024;
        struct report_moment *larger = realloc(report->moment, room * sizeof *larger);
        if (!larger) {
            report->no_memory = true;
            return;
        }
        report->moment = larger;
        report->moment_room = room;
    }
    report->moment[report->moment_count++] = (struct report_moment){
        .microseconds = (int64_t)time->tv_sec * MICRO + time->tv_usec, .verdict = (uint8_t)verdict};
}

void replay_report_take(void *context, const struct flow *flow, enum sl_direction direction,
                        const struct stream_message *message, const struct timeval *time)
{
    struct replay_report *report = context;
    if (direction != SL_REQUEST || message->verdict == SL_VERDICT_INCOMPLETE || !flow->service)
        return;
    const enum report_verdict verdict = message->verdict == SL_VERDICT_ALLOW  ? REPORT_ALLOWED
                                        : message->verdict == SL_VERDICT_DENY ? REPORT_DENIED
                                                                              : REPORT_MALFORMED;
    const uint32_t client = endpoint_ipv4(&flow->client);
    report->count[verdict]++;
    note_moment(report, verdict, time);
    count_in(report, &report->clients, &(struct report_group){.client = client, .rule = SL_NO_RULE},
             verdict, time);
    count_in(report, &report->rules,
             &(struct report_group){.service = flow->service,
                                    .rule = message->rule,
                                    .reason = (uint16_t)message->reason},
             verdict, time);
    if (verdict == REPORT_ALLOWED)
        return;
    char words[WORDS_SIZE] = "";
    if (message->canonical && flow->protocol->words)
        flow->protocol->words(words, sizeof words, SL_REQUEST, message->canonical,
                              message->canonical_length);
    count_in(report, &report->requests,
             &(struct report_group){.service = flow->service,
                                    .client = client,
                                    .rule = message->rule,
                                    .reason = (uint16_t)message->reason,
                                    .text = words},
             verdict, time);
}

static int by_refused(const void *left, const void *right)
{
    const struct report_group *a = left, *b = right;
    const uint64_t of_a = a->count[REPORT_DENIED] + a->count[REPORT_MALFORMED];
    const uint64_t of_b = b->count[REPORT_DENIED] + b->count[REPORT_MALFORMED];
    if (of_a != of_b)
        return of_a > of_b ? -1 : 1;
    if (a->count[REPORT_ALLOWED] != b->count[REPORT_ALLOWED])
        return a->count[REPORT_ALLOWED] > b->count[REPORT_ALLOWED] ? -1 : 1;
    return timercmp(&a->first, &b->first, <) ? -1 : timercmp(&a->first, &b->first, >);
}

static void sort(struct report_groups *groups)
{
    if (groups->count)
        qsort(groups->group, groups->count, sizeof *groups->group, by_refused);
}

void replay_report_finish(struct replay_report *report)
{
    sort(&report->rules);
    sort(&report->clients);
    sort(&report->requests);
}

void replay_report_free(struct replay_report *report)
{
    for (size_t i = 0; i < report->requests.count; i++)
        free(report->requests.group[i].text);
    free(report->rules.group);
    free(report->clients.group);
    free(report->requests.group);
    free(report->moment);
}

/* --- names and times ----------------------------------------------------------------------- */

const char *report_client(const struct replay_report *report, const struct report_group *group,
                          char text[ENDPOINT_TEXT])
{
    const char *name = group->client ? policy_host_name(report->image, group->client) : NULL;
    if (!group->client)
        return "IPv6";
    if (name)
        return name;
    const struct in_addr address = {htonl(group->client)};
    inet_ntop(AF_INET, &address, text, ENDPOINT_TEXT);
    return text;
}

const char *report_rule(const struct replay_report *report, const struct report_group *group)
{
    const char *rule = policy_rule_name(report->image, group->rule);
    if (rule)
        return rule;
    return group->reason ? sl_reason_name((enum sl_reason)group->reason) : "-";
}

const char *report_time(int64_t seconds, char text[REPORT_TIME])
{
    struct tm utc;
    const time_t time = (time_t)seconds;
    if (!gmtime_r(&time, &utc) || !strftime(text, REPORT_TIME, "%Y-%m-%d %H:%M:%S", &utc))
        memcpy(text, "?", 2);
    return text;
}

void report_bins(const struct replay_report *report, struct report_bins *bins)
{
    /* Seconds that people count in; beyond, whole weeks. */
    static const int64_t widths[] = {1,   2,    5,    10,   30,    60,    120,   300,
                                     600, 1800, 3600, 7200, 14400, 43200, 86400, 172800};
    memset(bins, 0, sizeof *bins);
    if (!report->moment_count)
        return;
    int64_t first = report->moment[0].microseconds, last = first;
    for (size_t i = 0; i < report->moment_count; i++) {
        const int64_t at = report->moment[i].microseconds;
        first = at < first ? at : first;
        last = at > last ? at : last;
    }
    for (size_t i = 0; i < sizeof widths / sizeof widths[0] && !bins->width; i++)
        if ((last - first) / (widths[i] * MICRO) < REPORT_BINS)
            bins->width = widths[i] * MICRO;
    const int64_t week = 7 * 86400 * MICRO;
    if (!bins->width)
        bins->width = ((last - first) / (REPORT_BINS * week) + 1) * week;
    bins->start = first - first % bins->width;
    bins->count = (size_t)((last - bins->start) / bins->width) + 1;
    for (size_t i = 0; i < report->moment_count; i++) {
        const struct report_moment *moment = &report->moment[i];
        uint64_t *bin = bins->bin[(moment->microseconds - bins->start) / bins->width];
        bin[moment->verdict]++;
        const uint64_t all = bin[REPORT_ALLOWED] + bin[REPORT_DENIED] + bin[REPORT_MALFORMED];
        bins->highest = all > bins->highest ? all : bins->highest;
    }
}

/* --- text ---------------------------------------------------------------------------------- */

static uint64_t refused(const uint64_t count[REPORT_VERDICTS])
{
    return count[REPORT_DENIED] + count[REPORT_MALFORMED];
}

static void text_rules(const struct replay_report *report, FILE *out)
{
    fputs("  by rule or reason:\n", out);
    for (size_t i = 0; i < report->rules.count && i < TEXT_ROWS; i++) {
        const struct report_group *group = &report->rules.group[i];
        if (!refused(group->count))
            break;
        fprintf(out, "    %8llu  %s: %s\n", (unsigned long long)refused(group->count),
                policy_service_name(group->service), report_rule(report, group));
    }
}

static void text_clients(const struct replay_report *report, FILE *out)
{
    fputs("  by client:\n", out);
    for (size_t i = 0; i < report->clients.count && i < TEXT_ROWS; i++) {
        const struct report_group *group = &report->clients.group[i];
        char address[ENDPOINT_TEXT];
        if (!refused(group->count))
            break;
        fprintf(out, "    %8llu  %s, %llu allowed\n", (unsigned long long)refused(group->count),
                report_client(report, group, address),
                (unsigned long long)group->count[REPORT_ALLOWED]);
    }
}

static void text_requests(const struct replay_report *report, FILE *out)
{
    fputs("  most often:\n", out);
    for (size_t i = 0; i < report->requests.count && i < TEXT_ROWS; i++) {
        const struct report_group *group = &report->requests.group[i];
        char address[ENDPOINT_TEXT];
        fprintf(out, "    %8llu  %s to %s: %s (%s)\n", (unsigned long long)refused(group->count),
                report_client(report, group, address), policy_service_name(group->service),
                *group->text ? group->text : "not understood", report_rule(report, group));
    }
}

/* Bins are joined until there are few enough for a page of text. */
static void text_times(const struct replay_report *report, FILE *out)
{
    struct report_bins bins;
    report_bins(report, &bins);
    const size_t joined = (bins.count + TEXT_BINS - 1) / TEXT_BINS;
    fputs("  by time (UTC):\n", out);
    for (size_t i = 0; i < bins.count; i += joined) {
        uint64_t sum = 0;
        char text[REPORT_TIME];
        for (size_t j = i; j < bins.count && j < i + joined; j++)
            sum += refused(bins.bin[j]);
        if (sum)
            fprintf(out, "    %8llu  from %s on\n", (unsigned long long)sum,
                    report_time((bins.start + (int64_t)i * bins.width) / MICRO, text));
    }
}

void replay_report_text(const struct replay_report *report, FILE *out)
{
    const uint64_t all = report->count[REPORT_ALLOWED] + refused(report->count);
    if (!refused(report->count)) {
        if (all)
            fprintf(out, "sluice replay: the policy would have refused none of %llu requests\n",
                    (unsigned long long)all);
        return;
    }
    fprintf(out,
            "sluice replay: %llu of %llu requests would have been refused, %llu of them "
            "malformed\n",
            (unsigned long long)refused(report->count), (unsigned long long)all,
            (unsigned long long)report->count[REPORT_MALFORMED]);
    text_rules(report, out);
    text_clients(report, out);
    text_times(report, out);
    text_requests(report, out);
}
