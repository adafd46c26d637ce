/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prometheus' text exposition format, version 0.0.4. Labels hold only names that the configuration
 * allows (letters, digits, '-', '_', '.') and reasons; nothing in them needs an escape.
 */
#include <stddef.h>

#include "cli/cli.h"
#include "control/status.h"

/* Upper bounds of the histograms, in microseconds: powers of two, as the buckets are. */
#define FIRST_BOUND 16u
#define BOUNDS      21u /* up to 16.8 s */

static void head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

struct family {
    const char *name, *type, *help;
    size_t offset;     /* of the uint64_t in struct look_service */
    const char *label; /* a further one, ready; "": none */
};

#define OF(member) offsetof(struct look_service, member)
static const struct family families[] = {
    {"sluice_requests_total", "counter", "Requests by verdict.", OF(allowed), ",verdict=\"allow\""},
    {"sluice_requests_total", NULL, NULL, OF(denied), ",verdict=\"deny\""},
    {"sluice_requests_total", NULL, NULL, OF(malformed), ",verdict=\"malformed\""},
    {"sluice_let_through_total", "counter", "Denied requests passed on in mode monitor.",
     OF(let_through), ""},
    {"sluice_answered_total", "counter", "Requests answered by the device.", OF(answered), ""},
    {"sluice_exceptions_total", "counter", "Answers by which the device refused.", OF(exceptions),
     ""},
    {"sluice_unsolicited_total", "counter", "Messages that nobody asked for, passed on.",
     OF(unsolicited), ""},
    {"sluice_failed_total", "counter", "Allowed requests without a usable answer.", OF(failed), ""},
    {"sluice_sessions", "gauge", "Client sessions open.", OF(sessions), ""},
    {"sluice_sessions_total", "counter", "Client sessions opened.", OF(sessions_opened), ""},
    {"sluice_device_connections", "gauge", "Connections to the device.", OF(connections), ""},
    {"sluice_device_connections_total", "counter", "Connections to the device opened.",
     OF(device_opened), ""},
};

static void print_families(const struct site *site, const struct look *look, FILE *out)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        const struct family *family = &families[i];
        if (family->type)
            head(out, family->name, family->type, family->help);
        for (unsigned s = 0; s < site->service_count; s++) {
            const uint64_t *value =
                (const void *)((const uint8_t *)&look->service[s] + family->offset);
            fprintf(out, "%s{service=\"%s\"%s} %llu\n", family->name, site->service[s].name,
                    family->label, (unsigned long long)*value);
        }
    }
}

static void print_devices(const struct site *site, const struct look *look, FILE *out)
{
    head(out, "sluice_device_down", "gauge",
         "1 where the last connection to the device failed or was ended by it.");
    for (unsigned s = 0; s < site->service_count; s++)
        fprintf(out, "sluice_device_down{service=\"%s\"} %d\n", site->service[s].name,
                look->service[s].device_state == SL_DEVICE_DOWN);
}

static void print_reasons(const struct site *site, const struct look *look, FILE *out)
{
    head(out, "sluice_refused_total", "counter",
         "Requests denied, malformed or failed, by reason.");
    for (unsigned s = 0; s < site->service_count; s++)
        for (unsigned i = 1; i < SL_REASON_COUNT; i++)
            if (look->service[s].reason[i])
                fprintf(out, "sluice_refused_total{service=\"%s\",reason=\"%s\"} %llu\n",
                        site->service[s].name, sl_reason_name(i),
                        (unsigned long long)look->service[s].reason[i]);
    head(out, "sluice_dropped_total", "counter",
         "Records, replies and frames dropped inside, by reason.");
    for (unsigned i = 1; i < SL_REASON_COUNT; i++)
        if (look->dropped[i])
            fprintf(out, "sluice_dropped_total{reason=\"%s\"} %llu\n", sl_reason_name(i),
                    (unsigned long long)look->dropped[i]);
}

/* Buckets end at powers of two from 4 us on, so that each bound is the end of one. */
static void print_histogram(const char *name, const char *service,
                            const struct look_durations *durations, FILE *out)
{
    uint64_t bound = FIRST_BOUND, seen = 0;
    unsigned bucket = 0;
    for (unsigned i = 0; i < BOUNDS; i++, bound *= 2) {
        while (bucket < SL_DURATION_BUCKETS - 1 && sl_duration_limit(bucket) <= bound)
            seen += durations->bucket[bucket++];
        fprintf(out, "%s_bucket{service=\"%s\",le=\"%g\"} %llu\n", name, service,
                (double)bound / 1e6, (unsigned long long)seen);
    }
    fprintf(out, "%s_bucket{service=\"%s\",le=\"+Inf\"} %llu\n", name, service,
            (unsigned long long)durations->count);
    fprintf(out, "%s_sum{service=\"%s\"} %.9f\n%s_count{service=\"%s\"} %llu\n", name, service,
            (double)durations->sum / 1e9, name, service, (unsigned long long)durations->count);
}

void status_metrics(const struct operation *operation, const struct operation_view *view,
                    const struct look *look, FILE *out)
{
    const struct site *site = operation->site;
    const struct override_state *on = &operation->override;
    head(out, "sluice_info", "gauge", "The policy in force, by the first bytes of its hash.");
    fprintf(out, "sluice_info{version=\"%s\",policy=\"%s\"} 1\n", SLUICE_VERSION,
            operation->launch->policy_hash);
    head(out, "sluice_running", "gauge", "1 when all components are up.");
    fprintf(out, "sluice_running %d\n", view->running);
    head(out, "sluice_start_time_seconds", "gauge", "Unix time of the gateway's start.");
    fprintf(out, "sluice_start_time_seconds %llu\n", (unsigned long long)operation->started);
    head(out, "sluice_restarts_total", "counter", "Restarts of the pipeline.");
    fprintf(out, "sluice_restarts_total %u\n", view->number);
    head(out, "sluice_override_active", "gauge", "1 while an override is in force.");
    if (on->ruleset[0])
        fprintf(out, "sluice_override_active{ruleset=\"%s\"} 1\n", on->ruleset);
    else
        fputs("sluice_override_active 0\n", out);
    head(out, "sluice_override_until_seconds", "gauge", "Unix time at which it ends.");
    fprintf(out, "sluice_override_until_seconds %lld\n", (long long)on->until);
    head(out, "sluice_audit_records_total", "counter", "Audit records that the monitor took.");
    fprintf(out, "sluice_audit_records_total %llu\n", (unsigned long long)look->records);
    head(out, "sluice_audit_lost_total", "counter", "Audit records lost before they were read.");
    fprintf(out, "sluice_audit_lost_total %llu\n", (unsigned long long)look->lost);
    print_families(site, look, out);
    print_devices(site, look, out);
    print_reasons(site, look, out);
    head(out, "sluice_answer_seconds", "histogram",
         "From the whole request at the gateway to the device's answer checked.");
    for (unsigned s = 0; s < site->service_count; s++)
        print_histogram("sluice_answer_seconds", site->service[s].name, &look->service[s].answer,
                        out);
    head(out, "sluice_decision_seconds", "histogram",
         "From the whole request at the gateway to the verdict.");
    for (unsigned s = 0; s < site->service_count; s++)
        print_histogram("sluice_decision_seconds", site->service[s].name,
                        &look->service[s].decision, out);
}
