/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "control/look.h"

const char *const look_device_states[4] = {
    [SL_DEVICE_UNUSED] = "unused",
    [SL_DEVICE_UP] = "up",
    [SL_DEVICE_IDLE] = "idle",
    [SL_DEVICE_DOWN] = "down",
};

/* Read-only here; an atomic load wants no const. */
static uint64_t take(const sl_counter *counter)
{
    return sl_load_relaxed((sl_counter *)(uintptr_t)counter);
}

static uint64_t less(uint64_t from, uint64_t taken)
{
    return from > taken ? from - taken : 0;
}

static void take_durations(struct look_durations *to, const struct sl_durations *from)
{
    to->sum = take(&from->sum);
    for (unsigned i = 0; i < SL_DURATION_BUCKETS; i++) {
        to->bucket[i] = take(&from->count[i]);
        to->count += to->bucket[i];
    }
}

static void take_service(struct look_service *to, const struct sl_service_counters *from)
{
    to->allowed = take(&from->allowed);
    to->denied = take(&from->denied);
    to->malformed = take(&from->malformed);
    to->let_through = take(&from->let_through);
    to->answered = take(&from->answered);
    to->failed = take(&from->failed);
    to->exceptions = take(&from->exceptions);
    to->unsolicited = take(&from->unsolicited);
    for (unsigned i = 0; i < SL_REASON_COUNT; i++)
        to->reason[i] = take(&from->reason[i]);
    to->sessions_opened = take(&from->sessions_opened);
    to->sessions = less(to->sessions_opened, take(&from->sessions_closed));
    to->device_opened = take(&from->device_opened);
    to->connections = less(to->device_opened, take(&from->device_closed));
    to->device_state = (unsigned)take(&from->device_state) % 4;
    to->device_reason = (unsigned)take(&from->device_reason);
    to->device_since = take(&from->device_since);
    take_durations(&to->decision, &from->decision);
    take_durations(&to->answer, &from->answer);
}

static void take_session(struct look_session *to, const struct sl_session_counters *from)
{
    const uint64_t open = sl_load_acquire((sl_counter *)(uintptr_t)&from->open);
    const uint64_t client = take(&from->client);
    to->open = open != 0 && open <= SL_MAX_SERVICES;
    to->service = to->open ? (unsigned)open - 1 : 0;
    to->client = (uint32_t)(client >> 16);
    to->port = (uint16_t)client;
    to->since = take(&from->since);
    to->last = take(&from->last);
    to->allowed = take(&from->allowed);
    to->refused = take(&from->refused);
    to->failed = take(&from->failed);
}

void look_take(struct look *look, const struct sl_counters *counters)
{
    memset(look, 0, sizeof *look);
    if (counters == NULL)
        return;
    look->records = take(&counters->records);
    look->lost = take(&counters->lost);
    for (unsigned i = 0; i < SL_REASON_COUNT; i++)
        look->dropped[i] = take(&counters->dropped[i]);
    for (unsigned i = 0; i < SL_MAX_SERVICES; i++)
        take_service(&look->service[i], &counters->service[i]);
    for (unsigned i = 0; i < SL_MAX_SESSIONS; i++)
        take_session(&look->session[i], &counters->session[i]);
}

uint64_t look_percentile(const struct look_durations *durations, double share)
{
    const double wanted = share * (double)durations->count;
    uint64_t seen = 0;
    for (unsigned i = 0; durations->count && i < SL_DURATION_BUCKETS; i++) {
        seen += durations->bucket[i];
        if (seen > 0 && (double)seen >= wanted)
            return sl_duration_limit(i);
    }
    return 0;
}
