/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Supervision by parts (launch.h), beside a running epoch: a death ends its own part, which starts
 * anew while the others run on. What the parts share stays: the ring from policy_emit goes on for
 * its consumer, and so do the audit rings.
 */
#ifndef SLUICE_LINUX_PARTS_H
#define SLUICE_LINUX_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "hosts/linux/epoch.h"

/* One that lived this long is started anew at once; one that died sooner waits first, doubling each
 * time. */
#define LIVED_NS UINT64_C(1000000000)
/* The monitor's part: nobody waits for it, and one that is taken over must not be able to keep the
 * launcher and the others' processor busy by dying again and again. */
#define MONITOR_LIVED_NS (UINT64_C(60) * LIVED_NS)
#define BACK_OFF_MIN_NS  UINT64_C(10000000)
#define BACK_OFF_MAX_NS  UINT64_C(5000000000)
/* Longer than any component's init takes on the slowest machine we know, a hundred times. */
#define START_LIMIT_NS UINT64_C(10000000000)

enum part_state { PART_UP, PART_DOWN, PART_STARTING };

struct part {
    enum part_state state;
    uint64_t since;    /* of PART_UP; ns */
    uint64_t detected; /* the death */
    uint64_t back_off;
    uint64_t next;     /* PART_DOWN: when it starts; PART_STARTING: when that has failed */
    uint32_t restarts; /* in this epoch */
};

struct parts {
    struct part part[LAUNCH_PARTS];
};

/* An epoch's processes are all up. */
void parts_begin(struct parts *parts, uint64_t now);
/* Ends the part of a process that died. */
void parts_stop(struct parts *parts, struct epoch *epoch, const struct launch *launch,
                unsigned process, uint64_t now);
/* Starts what is due, `*number` being one more with each start, and tells of what came up. True
 * when a start took too long: `*death` says whose. */
bool parts_go_on(struct parts *parts, struct epoch *epoch, struct launch *launch, uint32_t *number,
                 struct death *death);
/* When there is something to do; UINT64_MAX. */
uint64_t parts_next(const struct parts *parts);
bool parts_all_up(const struct parts *parts);

const char *launch_part_name(enum launch_part part);

#endif
