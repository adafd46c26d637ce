/* SPDX-License-Identifier: BSD-2-Clause */
#include "components/monitor/count.h"

#include <stdbool.h>
#include <stddef.h>

#include "sluice/record.h"

/* There is one writer. */
static void add(sl_counter *counter, uint64_t more)
{
    sl_store_relaxed(counter, sl_load_relaxed(counter) + more);
}

static void note_duration(struct sl_durations *durations, unsigned bucket, uint64_t nanoseconds)
{
    add(&durations->count[bucket % SL_DURATION_BUCKETS], 1);
    add(&durations->sum, nanoseconds);
}

static struct sl_session_counters *session_of(struct sl_counters *counters,
                                              const struct sl_audit *record)
{
    if (record->session >= SL_MAX_SESSIONS)
        return NULL;
    struct sl_session_counters *session = &counters->session[record->session];
    const bool same = sl_load_relaxed(&session->open) != 0 &&
                      sl_load_relaxed(&session->generation) == record->generation;
    return same ? session : NULL;
}

static void open_session(struct sl_counters *counters, const struct sl_audit *record)
{
    if (record->session >= SL_MAX_SESSIONS)
        return;
    struct sl_session_counters *session = &counters->session[record->session];
    sl_store_relaxed(&session->client, (uint64_t)record->client << 16 | record->client_port);
    sl_store_relaxed(&session->generation, record->generation);
    sl_store_relaxed(&session->since, record->time);
    sl_store_relaxed(&session->last, record->time);
    sl_store_relaxed(&session->allowed, 0);
    sl_store_relaxed(&session->refused, 0);
    sl_store_relaxed(&session->failed, 0);
    sl_store_release(&session->open, 1u + record->service);
}

static void count_request(struct sl_counters *counters, struct sl_service_counters *service,
                          const struct sl_audit *record)
{
    struct sl_session_counters *session = session_of(counters, record);
    const bool allowed = record->verdict == SL_VERDICT_ALLOW;
    const bool malformed = record->verdict == SL_VERDICT_MALFORMED;
    add(allowed ? &service->allowed : malformed ? &service->malformed : &service->denied, 1);
    if (record->flags & SL_AUDIT_LET_THROUGH)
        add(&service->let_through, 1);
    if (!allowed && record->reason < SL_REASON_COUNT)
        add(&service->reason[record->reason], 1);
    note_duration(&service->decision, sl_duration_bucket(record->value), record->value);
    if (!session)
        return;
    add(allowed ? &session->allowed : &session->refused, 1);
    sl_store_relaxed(&session->last, record->time);
}

/* A request that passed and came to nothing: no reply, or none that could be handed on. */
static void count_failure(struct sl_counters *counters, struct sl_service_counters *service,
                          const struct sl_audit *record)
{
    struct sl_session_counters *session = session_of(counters, record);
    add(&service->failed, 1);
    if (record->reason < SL_REASON_COUNT)
        add(&service->reason[record->reason], 1);
    if (session)
        add(&session->failed, 1);
}

static void count_unsolicited(struct sl_service_counters *service, const struct sl_audit *record)
{
    if (record->verdict == SL_VERDICT_ALLOW)
        add(&service->unsolicited, 1);
    else if (record->reason < SL_REASON_COUNT)
        add(&service->reason[record->reason], 1);
}

static void set_device(struct sl_service_counters *service, enum sl_device_state state,
                       const struct sl_audit *record)
{
    if (sl_load_relaxed(&service->device_state) != (uint64_t)state)
        sl_store_relaxed(&service->device_since, record->time);
    sl_store_relaxed(&service->device_state, (uint64_t)state);
    sl_store_relaxed(&service->device_reason, record->reason);
}

static void close_device(struct sl_service_counters *service, const struct sl_audit *record)
{
    if (record->value) /* it stood; else the attempt failed */
        add(&service->device_closed, 1);
    const bool others =
        sl_load_relaxed(&service->device_opened) > sl_load_relaxed(&service->device_closed);
    const bool ours = record->reason == SL_REASON_CLIENT_LEFT || record->reason == SL_REASON_NONE;
    if (!others)
        set_device(service, ours ? SL_DEVICE_IDLE : SL_DEVICE_DOWN, record);
}

static void count_answers(struct sl_service_counters *service, const struct sl_audit *record)
{
    const size_t count =
        record->detail_length < SL_AUDIT_DETAIL ? record->detail_length : SL_AUDIT_DETAIL;
    for (size_t i = 0; i < count; i++)
        note_duration(&service->answer, record->detail[i], 0);
    add(&service->answer.sum, record->value);
    add(&service->answered, count);
}

void count_record(struct sl_counters *counters, const struct sl_audit *record)
{
    if (counters == NULL || record->service >= SL_MAX_SERVICES)
        return;
    struct sl_service_counters *service = &counters->service[record->service];
    struct sl_session_counters *session;
    add(&counters->records, 1);
    switch (record->event) {
    case SL_AUDIT_MESSAGE:
        if (record->direction == SL_REQUEST)
            count_request(counters, service, record);
        else if (record->slot == SL_NO_SLOT)
            count_unsolicited(service, record);
        else if (record->verdict == SL_VERDICT_ALLOW)
            add(&service->exceptions, 1);
        else
            count_failure(counters, service, record);
        break;
    case SL_AUDIT_FAILED:
        count_failure(counters, service, record);
        break;
    case SL_AUDIT_ANSWERED:
        count_answers(service, record);
        break;
    case SL_AUDIT_DROPPED:
        if (record->reason < SL_REASON_COUNT)
            add(&counters->dropped[record->reason], record->value);
        break;
    case SL_AUDIT_SESSION_OPEN:
        add(&service->sessions_opened, 1);
        open_session(counters, record);
        break;
    case SL_AUDIT_SESSION_CLOSE:
        add(&service->sessions_closed, 1);
        session = session_of(counters, record);
        if (session)
            sl_store_release(&session->open, 0);
        break;
    case SL_AUDIT_DEVICE_OPEN:
        add(&service->device_opened, 1);
        set_device(service, SL_DEVICE_UP, record);
        break;
    case SL_AUDIT_DEVICE_CLOSE:
        close_device(service, record);
        break;
    default:
        break;
    }
}

void count_lost(struct sl_counters *counters, uint64_t lost)
{
    if (counters)
        add(&counters->lost, lost);
}
