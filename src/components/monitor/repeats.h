/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines that say the same again and again (a denied request that its client repeats, a dead
 * device, a quota that is used up): the first has its line at once, the others are counted, and
 * the count is told from time to time, before the next other line of that flow, and at its end.
 * A bounded table: when it is full the longest silent makes room, told first.
 */
#ifndef SLUICE_MONITOR_REPEATS_H
#define SLUICE_MONITOR_REPEATS_H

#include "components/monitor/audit_line.h"
#include "sluice/protocol.h"

#ifndef REPEATS /* less where a host's memory is small */
#define REPEATS 256u
#endif

struct repeat {
    struct sl_audit same; /* what all have in common; `event` 0: free */
    uint64_t count;       /* since the last line */
    uint64_t since, last; /* when the first and the last of them came */
    uint64_t due;         /* the monitor's clock: when to tell, or to forget where none came */
    uint64_t wait;        /* ns from one telling to the next */
    uint32_t client_port; /* of the last */
};

struct repeats {
    uint64_t interval;      /* the longest wait, ns */
    uint64_t next;          /* nothing is due before */
    uint32_t mark[REPEATS]; /* of `same`, to search by */
    struct repeat entry[REPEATS];
};

/* A count to be told. */
typedef void repeats_tell(void *context, const struct sl_audit *record,
                          const struct audit_tally *tally);

void repeats_init(struct repeats *repeats, uint64_t interval);
/* True when the record is one more of what was said, and counted. `protocol` is its service's, or
 * NULL. */
bool repeats_take(struct repeats *repeats, const struct sl_audit *record,
                  const struct sl_protocol *protocol, uint64_t now, repeats_tell *tell,
                  void *context);
/* Tells what this record's flow has, before another line of it; `ended`: and soon forgets it. */
void repeats_tell_flow(struct repeats *repeats, const struct sl_audit *record, bool ended,
                       uint64_t now, repeats_tell *tell, void *context);
/* Tells all that is due; `now` SL_NEVER: everything. */
void repeats_tell_due(struct repeats *repeats, uint64_t now, repeats_tell *tell, void *context);

#endif
