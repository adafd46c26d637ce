/* SPDX-License-Identifier: BSD-2-Clause */
/* One look at the monitor's counters, as plain numbers. The monitor may be hostile: they are
 * numbers and nothing is indexed by them unchecked. */
#ifndef SLUICE_CONTROL_LOOK_H
#define SLUICE_CONTROL_LOOK_H

#include <stdbool.h>

#include "sluice/counters.h"

struct look_durations {
    uint64_t sum, count; /* ns; all buckets together */
    uint64_t bucket[SL_DURATION_BUCKETS];
};

struct look_service {
    uint64_t allowed, denied, malformed, let_through, answered, failed, exceptions, unsolicited;
    uint64_t reason[SL_REASON_COUNT];
    uint64_t sessions, sessions_opened;
    uint64_t connections, device_opened, device_since;
    unsigned device_state, device_reason;
    struct look_durations decision, answer;
};

struct look_session {
    bool open;
    unsigned service;
    uint32_t client;
    uint16_t port;
    uint64_t since, last, allowed, refused, failed;
};

struct look {
    uint64_t records, lost;
    uint64_t dropped[SL_REASON_COUNT];
    struct look_service service[SL_MAX_SERVICES];
    struct look_session session[SL_MAX_SESSIONS];
};

/* `counters` NULL: all zero. */
void look_take(struct look *look, const struct sl_counters *counters);

/* Microseconds that `share` (0 to 1) of the durations stay below; 0 where there are none. */
uint64_t look_percentile(const struct look_durations *durations, double share);

extern const char *const look_device_states[4]; /* by enum sl_device_state */

#endif
