/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One life of the pipeline: its processes, from fork to the last one's end. Memory, bells and
 * sockets are made for it and are gone with it.
 */
#ifndef SLUICE_LINUX_EPOCH_H
#define SLUICE_LINUX_EPOCH_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "hosts/linux/bells.h"
#include "hosts/linux/launch.h"
#include "hosts/linux/memory.h"
#include "hosts/linux/report.h"

struct epoch_process {
    pid_t pid; /* 0: none, or reaped */
    int pidfd;
    int report;
    int policy_bell;           /* rung when the policy board has changed; -1: it has none */
    uint32_t adopted, retired; /* generations that it told */
    uint64_t alive;            /* when it last said so, CLOCK_MONOTONIC ns */
    bool ready;
    bool faulted;
    struct report fault;
};

/* What the log does not have when an epoch has ended without the monitor's last look. */
struct epoch_unaudited {
    uint64_t records; /* on the audit rings and not taken */
    uint64_t untold;  /* messages that the monitor had counted, without a line */
};

struct epoch {
    uint32_t number; /* restarts since the gateway's start */
    unsigned count;
    struct epoch_process process[LAUNCH_MAX_PROCESSES];
    struct memory memory; /* the launcher's mappings: for parts that start anew, and to see at the
                           * end what was not read of the audit rings */
    struct bells bells;
    struct memory_block policy;       /* policy/board.h, the launcher's to write */
    struct memory_block counters;     /* sluice/counters.h, the monitor's word */
    bool policy_moves;                /* some have not yet told that they took the last step */
    unsigned monitor;                 /* the process that it is in */
    int closing;                      /* eventfd: the monitor's last look */
    struct epoch_unaudited unaudited; /* since epoch_kill */
    /* Packet sockets by component, -1 for none. The launcher keeps those of the running epoch
     * open, so that the end of a driver's process need not wait for the kernel to take its
     * socket down, and has the next epoch's ready; see epoch_tidy. */
    int socket[TOPOLOGY_MAX_COMPONENTS];
    int old_socket[TOPOLOGY_MAX_COMPONENTS];
    int spare_socket[TOPOLOGY_MAX_COMPONENTS];
};

struct death {
    unsigned process;
    pid_t pid;
    int signal;       /* that ended it; 0: it exited */
    int status;       /* exit status */
    bool late;        /* it still runs, but did not come up in time */
    bool kept_policy; /* or did not take another policy, or leave one, in time */
    bool hung;        /* or has not taken a turn for long */
    bool faulted;
    struct report fault;
};

/* Before the first start. */
void epoch_init(struct epoch *epoch);

/* Starts every process. False: `error` says why, nothing is left. */
bool epoch_start(struct epoch *epoch, struct launch *launch, uint32_t number, char *error,
                 size_t error_size);

/* Fills in what to poll for; returns how many, at most 2 * LAUNCH_MAX_PROCESSES. */
nfds_t epoch_poll_set(const struct epoch *epoch, struct pollfd *set);

/* Reads what the processes report; true when one has ended. Where several have, the one that
 * reported a fault is the cause. */
bool epoch_find_death(struct epoch *epoch, struct death *death);
bool epoch_ready(const struct epoch *epoch);
/* The first process that is not up yet. */
void epoch_blame_late(const struct epoch *epoch, struct death *death);

/* The process that has been silent longest, if for `limit` ns. */
bool epoch_find_hung(const struct epoch *epoch, uint64_t now, uint64_t limit, struct death *death);
/* Nobody is blamed for time in which the launcher itself did not run. */
void epoch_forgive(struct epoch *epoch, uint64_t now);

/* One part of those that launch_has_parts: its processes end, and start anew beside the others,
 * which are told `restarts`. False: `error` says why, none of them is left. */
void epoch_stop_part(struct epoch *epoch, const struct launch *launch, enum launch_part part);
bool epoch_start_part(struct epoch *epoch, struct launch *launch, enum launch_part part,
                      uint32_t number, uint32_t restarts, char *error, size_t error_size);
bool epoch_part_ready(const struct epoch *epoch, const struct launch *launch,
                      enum launch_part part);

/* The policy of `launch`, newer than what the processes have, in three steps: the monitor gets to
 * know it, so that it can name what is decided by it (epoch_can_name), all take it (epoch_adopted),
 * all drop the one before (epoch_retired). No other may follow until then. */
void epoch_publish(struct epoch *epoch, const struct launch *launch);
bool epoch_can_name(const struct epoch *epoch, uint32_t generation);
void epoch_take(struct epoch *epoch);
void epoch_retire(struct epoch *epoch);
bool epoch_adopted(const struct epoch *epoch, uint32_t generation);
bool epoch_retired(const struct epoch *epoch, uint32_t generation);
void epoch_policy_settled(struct epoch *epoch);
/* The first process that has not taken the step. */
void epoch_blame_policy(const struct epoch *epoch, uint32_t generation, struct death *death);

/* What takes time and can wait until the processes run: closes the last epoch's sockets and
 * makes those for the next. */
void epoch_tidy(struct epoch *epoch, const struct launch *launch);

/* Kills all that still run and waits for their end. The monitor goes last, after one more look at
 * what the others left on their audit rings; `unaudited` says what it did not get to. */
void epoch_kill(struct epoch *epoch, const struct launch *launch);

#endif
