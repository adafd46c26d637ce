/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <time.h>

#include "control/status.h"
#include "policy/image.h"
#include "sluice/json.h"
#include "sluice/protocol.h"

/* SL_MAX_SESSIONS of some 250 bytes and 64 services of at most 4 KiB fit. */
#define STATUS_SIZE ((size_t)1 << 20)

static void add_durations(struct sl_json *json, const char *key,
                          const struct look_durations *durations)
{
    sl_json_open_object(json, key);
    sl_json_number(json, "count", durations->count);
    if (durations->count) {
        sl_json_number(json, "mean", durations->sum / durations->count / 1000);
        sl_json_number(json, "p50", look_percentile(durations, 0.5));
        sl_json_number(json, "p90", look_percentile(durations, 0.9));
        sl_json_number(json, "p99", look_percentile(durations, 0.99));
        sl_json_number(json, "p999", look_percentile(durations, 0.999));
    }
    sl_json_close_object(json);
}

static void add_reasons(struct sl_json *json, const char *key,
                        const uint64_t reason[SL_REASON_COUNT])
{
    sl_json_open_object(json, key);
    for (unsigned i = 1; i < SL_REASON_COUNT; i++)
        if (reason[i])
            sl_json_number(json, sl_reason_name(i), reason[i]);
    sl_json_close_object(json);
}

static void add_endpoint(struct sl_json *json, const char *key, uint32_t address, uint16_t port)
{
    sl_json_open_object(json, key);
    sl_json_ipv4(json, "address", address);
    sl_json_number(json, "port", port);
    sl_json_close_object(json);
}

static void add_service(struct sl_json *json, const struct site_service *service,
                        const struct look_service *look, const struct operation_view *view)
{
    sl_json_open_object(json, NULL);
    sl_json_string(json, "name", service->name);
    sl_json_string(json, "protocol", sl_protocol(service->protocol)->name);
    add_endpoint(json, "listen", service->listen_address, service->listen_port);
    sl_json_open_object(json, "requests");
    sl_json_number(json, "allowed", look->allowed);
    sl_json_number(json, "denied", look->denied);
    sl_json_number(json, "malformed", look->malformed);
    sl_json_number(json, "let_through", look->let_through);
    sl_json_number(json, "answered", look->answered);
    sl_json_number(json, "exceptions", look->exceptions);
    sl_json_number(json, "unsolicited", look->unsolicited);
    sl_json_number(json, "failed", look->failed);
    sl_json_close_object(json);
    add_reasons(json, "reasons", look->reason);
    sl_json_open_object(json, "device");
    sl_json_ipv4(json, "address", service->device_address);
    sl_json_number(json, "port", service->device_port);
    sl_json_string(json, "state", look_device_states[look->device_state]);
    sl_json_string(json, "reason",
                   look->device_state == SL_DEVICE_DOWN ? sl_reason_name(look->device_reason)
                                                        : NULL);
    if (look->device_state != SL_DEVICE_UNUSED)
        sl_json_number(json, "for_ms", since(view, look->device_since) / 1000000);
    sl_json_number(json, "connections", look->connections);
    sl_json_number(json, "connections_opened", look->device_opened);
    sl_json_close_object(json);
    sl_json_number(json, "sessions", look->sessions);
    sl_json_number(json, "sessions_opened", look->sessions_opened);
    sl_json_open_object(json, "latency_us");
    add_durations(json, "answered", &look->answer);
    add_durations(json, "decided", &look->decision);
    sl_json_close_object(json);
    sl_json_close_object(json);
}

static void add_session(struct sl_json *json, const struct operation *operation,
                        const struct operation_view *view, const struct look_session *session)
{
    sl_json_open_object(json, NULL);
    sl_json_ipv4(json, "client", session->client);
    sl_json_number(json, "port", session->port);
    sl_json_string(json, "name", policy_host_name(operation->image, session->client));
    sl_json_string(json, "service", operation->site->service[session->service].name);
    sl_json_number(json, "for_ms", since(view, session->since) / 1000000);
    sl_json_number(json, "last_ms", since(view, session->last) / 1000000);
    sl_json_number(json, "allowed", session->allowed);
    sl_json_number(json, "refused", session->refused);
    sl_json_number(json, "failed", session->failed);
    sl_json_close_object(json);
}

static void add_override(struct sl_json *json, const struct override_state *on)
{
    if (!on->ruleset[0]) {
        sl_json_null(json, "override");
        return;
    }
    const int64_t left = on->until - (int64_t)time(NULL);
    sl_json_open_object(json, "override");
    sl_json_string(json, "ruleset", on->ruleset);
    sl_json_string(json, "since", moment_text(on->started).text);
    sl_json_string(json, "until", moment_text(on->until).text);
    sl_json_number(json, "left_s", (uint64_t)(left > 0 ? left : 0));
    sl_json_string(json, "who", on->who);
    sl_json_string(json, "why", on->why);
    sl_json_number(json, "uid", on->uid);
    sl_json_close_object(json);
}

char *status_json(const struct operation *operation, const struct operation_view *view,
                  const struct look *look)
{
    const struct site *site = operation->site;
    char *text = malloc(STATUS_SIZE + 1);
    struct sl_json json;
    if (text == NULL)
        return NULL;
    sl_json_start(&json, text, STATUS_SIZE);
    sl_json_open_object(&json, NULL);
    sl_json_string(&json, "config", site->path);
    sl_json_bool(&json, "running", view->running);
    sl_json_string(&json, "mode", site->mode == SL_ONE_WAY ? "one-way" : "two-way");
    sl_json_string(&json, "policy", operation->launch->policy_hash);
    add_override(&json, &operation->override);
    sl_json_hex(&json, "boot", operation->launch->boot, sizeof operation->launch->boot);
    sl_json_number(&json, "epoch", view->number);
    sl_json_string(&json, "started", moment_text((int64_t)operation->started).text);
    sl_json_number(&json, "up_ms", view->running ? since(view, view->up) / 1000000 : 0);
    sl_json_open_object(&json, "audit");
    sl_json_number(&json, "records", look->records);
    sl_json_number(&json, "lost", look->lost);
    sl_json_close_object(&json);
    add_reasons(&json, "dropped", look->dropped);
    sl_json_open_array(&json, "services");
    for (unsigned i = 0; i < site->service_count; i++)
        add_service(&json, &site->service[i], &look->service[i], view);
    sl_json_close_array(&json);
    sl_json_open_array(&json, "sessions");
    for (unsigned i = 0; i < SL_MAX_SESSIONS; i++)
        if (look->session[i].open && look->session[i].service < site->service_count)
            add_session(&json, operation, view, &look->session[i]);
    sl_json_close_array(&json);
    sl_json_close_object(&json);
    text[json.length] = '\n';
    text[json.length + 1] = '\0';
    return text;
}
