/* SPDX-License-Identifier: BSD-2-Clause */
#include "components/monitor/audit_line.h"

#include "policy/image.h"
#include "sluice/protocol.h"
#include "util/phrase.h"
#include "util/timestamp.h"

#define SENTENCE_SIZE 640u
#define WORDS_SIZE    160u

static const char *const event_names[] = {
    [SL_AUDIT_MESSAGE] = "message",
    [SL_AUDIT_SESSION_OPEN] = "session-open",
    [SL_AUDIT_SESSION_CLOSE] = "session-close",
    [SL_AUDIT_DEVICE_OPEN] = "device-open",
    [SL_AUDIT_DEVICE_CLOSE] = "device-close",
    [SL_AUDIT_FAILED] = "request-failed",
    [SL_AUDIT_DROPPED] = "dropped",
    [SL_AUDIT_START] = "start",
    [SL_AUDIT_COUNTERS] = "counters",
    [SL_AUDIT_READS] = "reads",
    [SL_AUDIT_WAITED] = "waited",
};
static const char *const verdict_names[] = {
    [SL_VERDICT_ACCEPT] = "accept",
    [SL_VERDICT_ALLOW] = "allow",
    [SL_VERDICT_DENY] = "deny",
    [SL_VERDICT_MALFORMED] = "malformed",
    [SL_VERDICT_INCOMPLETE] = "incomplete",
};
#define NAME(table, index)                                                                         \
    ((index) < sizeof(table) / sizeof(table)[0] && (table)[index] ? (table)[index] : "unknown")

/* As a time of day, or since the start where the clock was never set. */
static void moment(struct sl_json *json, const struct sl_monitor_config *config, uint64_t time,
                   const char *timestamp, const char *uptime)
{
    char text[TIMESTAMP_SIZE];
    if (config->wall_offset == 0) {
        sl_json_number(json, uptime, time / 1000u);
        return;
    }
    timestamp_format(config->wall_offset + time, text);
    sl_json_string(json, timestamp, text);
}

void audit_line_start(struct sl_json *json, const struct audit_run *run, uint64_t sequence,
                      uint64_t time, const char *event_type, unsigned component)
{
    const struct sl_monitor_config *config = run->config;
    const struct policy_image *image = run->policy;
    sl_json_open_object(json, NULL);
    moment(json, config, time, "timestamp", "uptime_us");
    sl_json_string(json, "event_type", event_type);
    sl_json_number(json, "seq", sequence);
    sl_json_hex(json, "boot", config->boot, sizeof config->boot);
    sl_json_number(json, "epoch", config->epoch);
    sl_json_hex(json, "policy", run->hash ? run->hash : image->hash, 8);
    sl_json_string(json, "component",
                   component < SL_MAX_COMPONENTS ? config->ring_name[component] : "monitor");
}

static void who(struct sl_json *json, const struct audit_run *run, const struct sl_audit *record,
                const struct policy_service *service)
{
    sl_json_number(json, "flow_id", (uint64_t)record->generation << 16 | record->session);
    sl_json_ipv4(json, "src_ip", record->client);
    sl_json_number(json, "src_port", record->client_port);
    const char *host = policy_host_name(run->policy, record->client);
    if (host)
        sl_json_string(json, "client", host);
    if (!service)
        return;
    sl_json_ipv4(json, "dest_ip", service->device_address);
    sl_json_number(json, "dest_port", service->device_port);
    sl_json_string(json, "proto", service->flags & POLICY_SERVICE_DATAGRAMS ? "UDP" : "TCP");
    sl_json_string(json, "app_proto", sl_protocol(service->protocol)->name);
    sl_json_string(json, "service", policy_service_name(service));
}

static void value(struct sl_json *json, const struct sl_value *shown)
{
    if (shown->number)
        sl_json_decimal(json, NULL, shown->text);
    else
        sl_json_string(json, NULL, shown->text);
}

/* What a write changes, and what stood there before as far as that is known. */
static void values(struct sl_json *json, const struct sl_audit *record,
                   const struct sl_protocol *protocol, size_t length)
{
    struct sl_value new[SL_AUDIT_OLD], old;
    if (record->event != SL_AUDIT_MESSAGE || record->direction != SL_REQUEST || !protocol->written)
        return;
    const unsigned count = protocol->written(record->detail, length, new, SL_AUDIT_OLD);
    if (count == 0)
        return;
    sl_json_open_array(json, "new");
    for (unsigned i = 0; i < count; i++)
        value(json, &new[i]);
    sl_json_close_array(json);
    if (record->old_known == 0 || !protocol->old_value)
        return;
    sl_json_open_array(json, "old");
    for (unsigned i = 0; i < count; i++)
        if (protocol->old_value(record, i, &old))
            value(json, &old);
        else
            sl_json_null(json, NULL);
    sl_json_close_array(json);
}

static void extents(struct sl_json *json, const struct audit_tally *tally,
                    const struct sl_protocol *protocol)
{
    bool more = false;
    sl_json_open_array(json, "extents");
    for (unsigned i = 0; i < tally->extents; i++) {
        const struct audit_extent *extent = &tally->extent[i];
        sl_json_open_object(json, NULL);
        if (protocol->describe_extent)
            protocol->describe_extent(json, &extent->run);
        if (extent->gaps)
            sl_json_bool(json, "gaps", true);
        sl_json_close_object(json);
        more |= extent->more;
    }
    sl_json_close_array(json);
    if (more)
        sl_json_bool(json, "more", true);
}

/* ", was 200" where it is one value, as most writes are. */
static void say_old(struct phrase *phrase, const struct sl_audit *record,
                    const struct sl_protocol *protocol, size_t length)
{
    struct sl_value new[2], old;
    if (record->event != SL_AUDIT_MESSAGE || record->direction != SL_REQUEST ||
        record->old_known == 0 || !protocol->written || !protocol->old_value ||
        protocol->written(record->detail, length, new, 2) != 1 ||
        !protocol->old_value(record, 0, &old))
        return;
    phrase_text(phrase, ", was ");
    phrase_text(phrase, old.text);
}

static void say_reason(struct phrase *phrase, const struct sl_audit *record, const char *mark)
{
    if (record->reason == SL_REASON_NONE)
        return;
    phrase_text(phrase, mark);
    phrase_text(phrase, sl_reason_name(record->reason));
}

/* What became of a message, in words; the protocol's own for what it wants. */
static void say_message(struct phrase *phrase, const struct sl_audit *record,
                        const struct sl_protocol *protocol, size_t length, const char *rule)
{
    char words[WORDS_SIZE] = "";
    if (protocol->words && length)
        protocol->words(words, sizeof words, (enum sl_direction)(record->direction & 1u),
                        record->detail, length);
    phrase_text(phrase, ": ");
    if (words[0])
        phrase_text(phrase, words);
    else
        phrase_text(phrase, record->direction == SL_REPLY ? "a reply" : "a message");
    say_old(phrase, record, protocol, length);
    if (record->event == SL_AUDIT_FAILED)
        phrase_text(phrase, ": failed");
    else if (record->verdict == SL_VERDICT_ALLOW)
        phrase_text(phrase, ": allowed");
    else
        phrase_text(phrase, record->verdict == SL_VERDICT_DENY ? ": denied" : ": malformed");
    say_reason(phrase, record, ", ");
    if (record->flags & SL_AUDIT_LET_THROUGH)
        phrase_text(phrase, ", but let through (mode: monitor)");
    if (rule) {
        phrase_text(phrase, " (rule ");
        phrase_text(phrase, rule);
        phrase_text(phrase, ")");
    }
}

static void say_reads(struct phrase *phrase, const struct audit_tally *tally,
                      const struct sl_protocol *protocol)
{
    for (unsigned i = 0; tally && i < tally->extents && protocol->extent_words; i++) {
        const struct audit_extent *extent = &tally->extent[i];
        char words[WORDS_SIZE];
        protocol->extent_words(words, sizeof words, &extent->run);
        phrase_text(phrase, i ? "; " : ": ");
        phrase_text(phrase, words);
        if (extent->gaps)
            phrase_text(phrase, " (not all of them)");
    }
    phrase_text(phrase, ": allowed");
}

static void say_tally(struct phrase *phrase, const struct sl_audit *record,
                      const struct audit_tally *tally)
{
    const uint64_t ms =
        record->time > tally->since ? (record->time - tally->since) / UINT64_C(1000000) : 0;
    phrase_text(phrase, record->event == SL_AUDIT_READS ? ", " : "; again ");
    phrase_number(phrase, tally->count);
    phrase_text(phrase, tally->count == 1 ? " time" : " times");
    if (ms >= 1000) {
        phrase_text(phrase, " in ");
        phrase_number(phrase, (ms + 500) / 1000);
        phrase_text(phrase, " s");
    }
}

/* The line once more, as one sentence for a person. */
static void sentence(struct sl_json *json, const struct audit_run *run,
                     const struct sl_audit *record, const struct policy_service *service,
                     size_t length, const struct audit_tally *tally)
{
    static const char *const happened[] = {
        [SL_AUDIT_SESSION_OPEN] = " connected",
        [SL_AUDIT_SESSION_CLOSE] = " disconnected",
        [SL_AUDIT_DEVICE_OPEN] = ": connection to the device is up",
        [SL_AUDIT_DEVICE_CLOSE] = ": connection to the device ended",
        [SL_AUDIT_DROPPED] = ": dropped",
        [SL_AUDIT_READS] = "",
        [SL_AUDIT_WAITED] = ": had to wait",
    };
    const bool message = record->event == SL_AUDIT_MESSAGE || record->event == SL_AUDIT_FAILED;
    if (!service || (!message && (record->event >= sizeof happened / sizeof happened[0] ||
                                  !happened[record->event])))
        return;
    char text[SENTENCE_SIZE];
    struct phrase phrase = phrase_start(text, sizeof text);
    const struct sl_protocol *protocol = sl_protocol(service->protocol);
    const char *host = policy_host_name(run->policy, record->client);
    if (host)
        phrase_text(&phrase, host);
    else
        phrase_address(&phrase, record->client);
    phrase_text(&phrase, " to ");
    phrase_text(&phrase, policy_service_name(service));
    if (record->event == SL_AUDIT_READS)
        say_reads(&phrase, tally, protocol);
    else if (message)
        say_message(&phrase, record, protocol, length, policy_rule_name(run->policy, record->rule));
    else {
        phrase_text(&phrase, happened[record->event]);
        say_reason(&phrase, record, ": ");
    }
    if (tally)
        say_tally(&phrase, record, tally);
    sl_json_string(json, "message", text);
}

/* A message's event_type is its protocol's, as in EVE; everything else is the gateway's own. */
void audit_line(struct sl_json *json, const struct audit_run *run, uint64_t sequence,
                const struct sl_audit *record, const struct audit_tally *tally)
{
    const struct policy_service *service = policy_service(run->policy, record->service);
    const struct sl_protocol *protocol = service ? sl_protocol(service->protocol) : NULL;
    const bool message =
        protocol && (record->event == SL_AUDIT_MESSAGE || record->event == SL_AUDIT_FAILED);
    const bool reads = protocol && record->event == SL_AUDIT_READS;
    audit_line_start(json, run, sequence, record->time,
                     message || reads ? protocol->event_type : "gateway", record->component);
    sl_json_string(json, "event", NAME(event_names, record->event));
    if (record->event != SL_AUDIT_START && record->event != SL_AUDIT_COUNTERS)
        who(json, run, record, service);
    /* Who counts verdicts says which; others count what they saw. */
    if (record->event == SL_AUDIT_MESSAGE || record->event == SL_AUDIT_READS ||
        (record->event == SL_AUDIT_COUNTERS && record->verdict != SL_VERDICT_ACCEPT))
        sl_json_string(json, "verdict", NAME(verdict_names, record->verdict));
    if (record->event == SL_AUDIT_MESSAGE && record->flags & SL_AUDIT_LET_THROUGH)
        sl_json_bool(json, "let_through", true);
    if (record->reason == SL_REASON_NONE)
        sl_json_null(json, "reason");
    else
        sl_json_string(json, "reason", sl_reason_name(record->reason));
    const char *rule = policy_rule_name(run->policy, record->rule);
    if (rule)
        sl_json_string(json, "rule", rule);
    if (policy_rule_overrides(run->policy, record->rule))
        sl_json_string(json, "override", policy_override_name(run->policy));
    if (tally) {
        sl_json_number(json, "count", tally->count);
        moment(json, run->config, tally->since, "since", "since_uptime_us");
    } else if (record->event == SL_AUDIT_DROPPED || record->event == SL_AUDIT_COUNTERS ||
               record->event == SL_AUDIT_WAITED) {
        sl_json_number(json, "count", record->value);
    }
    if (message)
        sl_json_string(json, "direction", record->direction == SL_REQUEST ? "request" : "reply");
    if (message && !tally)
        sl_json_number(json, "age_us", record->value / 1000u);
    if (reads && tally)
        extents(json, tally, protocol);
    size_t length = record->detail_length <= SL_AUDIT_DETAIL ? record->detail_length : 0;
    if (message && length) {
        sl_json_open_object(json, protocol->event_type);
        protocol->describe(json, (enum sl_direction)(record->direction & 1u), record->detail,
                           length, true);
        sl_json_close_object(json);
        values(json, record, protocol, length);
    }
    sentence(json, run, record, service, length, tally);
    sl_json_close_object(json);
}
