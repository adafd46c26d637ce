/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/status.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/compiler/scalars.h"
#include "policy/image.h"
#include "sluice/protocol.h"

#define NS_PER_S UINT64_C(1000000000)

struct moment_text moment_text(int64_t moment)
{
    struct moment_text text = {""};
    struct tm broken;
    const time_t seconds = (time_t)moment;
    if (gmtime_r(&seconds, &broken))
        strftime(text.text, sizeof text.text, "%Y-%m-%dT%H:%M:%SZ", &broken);
    return text;
}

uint64_t since(const struct operation_view *view, uint64_t moment)
{
    return view->now > moment ? view->now - moment : 0;
}

void status_look(struct look *look, const struct operation_view *view)
{
    look_take(look, view->epoch->counters.base);
}

/* "3 d 04:05:06" or "04:05:06" */
struct span_text {
    char text[48];
};
static struct span_text span_text(uint64_t ns)
{
    struct span_text text;
    const uint64_t s = ns / NS_PER_S;
    if (s >= 86400)
        snprintf(text.text, sizeof text.text, "%llu d %02u:%02u:%02u",
                 (unsigned long long)(s / 86400), (unsigned)(s / 3600 % 24),
                 (unsigned)(s / 60 % 60), (unsigned)(s % 60));
    else
        snprintf(text.text, sizeof text.text, "%02u:%02u:%02u", (unsigned)(s / 3600),
                 (unsigned)(s / 60 % 60), (unsigned)(s % 60));
    return text;
}

/* "230 us", "4.1 ms", "1.2 s" */
struct duration_text {
    char text[24];
};
static struct duration_text duration_text(uint64_t us)
{
    struct duration_text text;
    if (us < 1000)
        snprintf(text.text, sizeof text.text, "%u us", (unsigned)us);
    else if (us < 1000000)
        snprintf(text.text, sizeof text.text, "%.3g ms", (double)us / 1e3);
    else
        snprintf(text.text, sizeof text.text, "%.3g s", (double)us / 1e6);
    return text;
}

static void print_durations(const char *what, const struct look_durations *durations, FILE *out)
{
    if (durations->count == 0)
        return;
    fprintf(out, "    %s: half within %s, 90 %% %s, 99 %% %s, 99.9 %% %s\n", what,
            duration_text(look_percentile(durations, 0.5)).text,
            duration_text(look_percentile(durations, 0.9)).text,
            duration_text(look_percentile(durations, 0.99)).text,
            duration_text(look_percentile(durations, 0.999)).text);
}

static void print_reasons(const char *what, const uint64_t reason[SL_REASON_COUNT], FILE *out)
{
    const char *before = what;
    for (unsigned i = 1; i < SL_REASON_COUNT; i++) {
        if (reason[i] == 0)
            continue;
        fprintf(out, "%s%s %llu", before, sl_reason_name(i), (unsigned long long)reason[i]);
        before = ", ";
    }
    if (before != what)
        fputc('\n', out);
}

static void print_service(const struct site_service *service, const struct look_service *look,
                          const struct operation_view *view, FILE *out)
{
    char listen[ADDRESS_TEXT_SIZE], device[ADDRESS_TEXT_SIZE];
    fprintf(out, "service %s: %s, %s:%u to %s:%u\n", service->name,
            sl_protocol(service->protocol)->name, ipv4_text(service->listen_address, listen),
            service->listen_port, ipv4_text(service->device_address, device), service->device_port);
    fprintf(out, "    requests: %llu allowed, %llu denied, %llu malformed",
            (unsigned long long)look->allowed, (unsigned long long)look->denied,
            (unsigned long long)look->malformed);
    if (look->let_through)
        fprintf(out, "; %llu of those denied LET THROUGH (mode monitor)",
                (unsigned long long)look->let_through);
    fprintf(out,
            "\n    of those that passed: %llu answered (%llu with an exception), %llu failed\n",
            (unsigned long long)look->answered, (unsigned long long)look->exceptions,
            (unsigned long long)look->failed);
    if (look->unsolicited)
        fprintf(out, "    unsolicited: %llu passed on\n", (unsigned long long)look->unsolicited);
    print_reasons("    refused and failed: ", look->reason, out);
    fprintf(out, "    device: %s", look_device_states[look->device_state]);
    if (look->device_state == SL_DEVICE_DOWN)
        fprintf(out, ", %s", sl_reason_name(look->device_reason));
    if (look->device_state != SL_DEVICE_UNUSED)
        fprintf(out, " for %s, %llu connection%s", span_text(since(view, look->device_since)).text,
                (unsigned long long)look->connections, look->connections == 1 ? "" : "s");
    fprintf(out, "\n    sessions: %llu, of %llu since the start\n",
            (unsigned long long)look->sessions, (unsigned long long)look->sessions_opened);
    print_durations("answered", &look->answer, out);
    print_durations("decided", &look->decision, out);
}

static void print_sessions(const struct operation *operation, const struct operation_view *view,
                           const struct look *look, FILE *out)
{
    bool any = false;
    for (unsigned i = 0; i < SL_MAX_SESSIONS; i++) {
        const struct look_session *session = &look->session[i];
        char address[ADDRESS_TEXT_SIZE];
        if (!session->open || session->service >= operation->site->service_count)
            continue;
        if (!any)
            fprintf(out, "sessions:\n  %-22s %-16s %-16s %-12s %-10s %9s %9s %7s\n", "client",
                    "name", "service", "since", "last", "allowed", "refused", "failed");
        any = true;
        char client[32];
        snprintf(client, sizeof client, "%s:%u", ipv4_text(session->client, address),
                 session->port);
        const char *name = policy_host_name(operation->image, session->client);
        fprintf(out, "  %-22s %-16s %-16s %-12s %-10s %9llu %9llu %7llu\n", client,
                name ? name : "-", operation->site->service[session->service].name,
                span_text(since(view, session->since)).text,
                span_text(since(view, session->last)).text, (unsigned long long)session->allowed,
                (unsigned long long)session->refused, (unsigned long long)session->failed);
    }
}

static void print_override(const struct operation *operation, FILE *out)
{
    const struct override_state *on = &operation->override;
    if (!on->ruleset[0])
        return;
    const int64_t left = on->until - (int64_t)time(NULL);
    fprintf(out, "OVERRIDE %s in force since %s until %s (%s left), by %s (uid %u): %s\n",
            on->ruleset, moment_text(on->started).text, moment_text(on->until).text,
            span_text((uint64_t)(left > 0 ? left : 0) * NS_PER_S).text, on->who, on->uid, on->why);
}

void status_human(const struct operation *operation, const struct operation_view *view,
                  const struct look *look, FILE *out)
{
    const struct site *site = operation->site;
    print_override(operation, out);
    fprintf(out, "%s: %s, %s, policy %s\n", site->path,
            view->running ? "running" : "STARTING: no traffic passes",
            site->mode == SL_ONE_WAY ? "one-way" : "two-way", operation->launch->policy_hash);
    fprintf(out, "started %s; pipeline up for %s, restarted %u time%s\n",
            moment_text((int64_t)operation->started).text,
            view->running ? span_text(since(view, view->up)).text : "0", view->number,
            view->number == 1 ? "" : "s");
    for (unsigned i = 0; i < site->service_count; i++)
        print_service(&site->service[i], &look->service[i], view, out);
    print_sessions(operation, view, look, out);
    fprintf(out, "audit: %llu records, %llu lost before they were read\n",
            (unsigned long long)look->records, (unsigned long long)look->lost);
    print_reasons("dropped inside: ", look->dropped, out);
}

char *status_text(const struct operation *operation, const struct operation_view *view,
                  const char *request)
{
    static struct look look; /* too large for the stack */
    char format[16] = "human";
    control_value(request, "format", format, sizeof format);
    status_look(&look, view);
    if (strcmp(format, "json") == 0)
        return status_json(operation, view, &look);
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (!out)
        return NULL;
    (strcmp(format, "metrics") == 0 ? status_metrics : status_human)(operation, view, &look, out);
    fclose(out);
    return text;
}
