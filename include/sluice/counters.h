/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the monitor counts, in memory that it alone writes and the launcher alone reads (Linux;
 * other hosts have nobody to read it). Each word is whole; two of them may be of different moments.
 * All begin at zero when the pipeline starts. Times are sl_now's, in nanoseconds.
 */
#ifndef SLUICE_COUNTERS_H
#define SLUICE_COUNTERS_H

#include <stdint.h>

#include "sluice/barrier.h"
#include "sluice/config.h"
#include "sluice/reason.h"

/* Durations by size: below 4 µs one microsecond wide, then four to each doubling. */
#define SL_DURATION_BUCKETS 128u

static inline uint8_t sl_duration_bucket(uint64_t nanoseconds)
{
    const uint64_t us = nanoseconds / 1000;
    if (us < 4)
        return (uint8_t)us;
    unsigned power = 2;
    while (power < 32 && us >> (power + 1))
        power++;
    return us >> 33 ? SL_DURATION_BUCKETS - 1
                    : (uint8_t)(4 + (power - 2) * 4 + (us >> (power - 2) & 3));
}

/* Microseconds that are above every duration in the bucket. */
static inline uint64_t sl_duration_limit(unsigned bucket)
{
    return bucket < 4 ? bucket + 1u : (uint64_t)(5 + (bucket - 4) % 4) << (bucket - 4) / 4;
}

typedef _Atomic uint64_t sl_counter;

struct sl_durations {
    sl_counter sum; /* ns */
    sl_counter count[SL_DURATION_BUCKETS];
};

enum sl_device_state {
    SL_DEVICE_UNUSED, /* no connection was needed yet */
    SL_DEVICE_UP,     /* there is one at least */
    SL_DEVICE_IDLE,   /* there was, and nobody needs one now */
    SL_DEVICE_DOWN,   /* the last one failed or was ended by the device */
};

struct sl_service_counters {
    sl_counter allowed, denied, malformed; /* requests, by verdict */
    sl_counter let_through;                /* of those denied: passed on, mode monitor */
    sl_counter answered, failed; /* of those that passed: with a reply, without a usable one */
    sl_counter exceptions;       /* of the replies: the device refused */
    sl_counter unsolicited;      /* messages that nobody asked for, passed on */
    sl_counter reason[SL_REASON_COUNT]; /* of denied, malformed and failed */
    sl_counter sessions_opened, sessions_closed;
    sl_counter device_opened, device_closed; /* connections that stood */
    sl_counter device_state, device_reason;  /* enum sl_device_state; why down */
    sl_counter device_since;                 /* of the state */
    struct sl_durations decision;            /* from the whole request to the verdict */
    struct sl_durations answer;              /* from the whole request to the reply's end */
};

struct sl_session_counters {
    sl_counter open;   /* 0: no session has this number; else 1 + its service */
    sl_counter client; /* IPv4 << 16 | port */
    sl_counter generation, since, last;
    sl_counter allowed, refused, failed;
};

/* How far the monitor had got when its last turn began, for whoever has to say what is missing when
 * it dies: the monitor after it, or the launcher. */
struct sl_monitor_place {
    sl_counter taken[SL_MAX_COMPONENTS]; /* slots of each audit ring, read or found lost */
    sl_counter lines;                    /* written, in `epoch` */
    sl_counter untold;                   /* messages that are counted and have no line yet */
    sl_counter epoch;
};

struct sl_counters {
    struct sl_monitor_place place;
    sl_counter records;                  /* audit records taken */
    sl_counter lost;                     /* audit records that were lapped */
    sl_counter dropped[SL_REASON_COUNT]; /* as audit records say, by reason */
    struct sl_service_counters service[SL_MAX_SERVICES];
    struct sl_session_counters session[SL_MAX_SESSIONS];
};

#endif
