/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One process of the gateway: the components in it, their environments and the loop that wakes
 * them. Behind sluice/host.h on Linux.
 */
#ifndef SLUICE_LINUX_PROCESS_H
#define SLUICE_LINUX_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/af_packet/af_packet.h"
#include "hosts/linux/bells.h"
#include "hosts/linux/launch.h"
#include "hosts/linux/memory.h"
#include "hosts/linux/output.h"
#include "policy/board.h"
#include "sluice/component.h"
#include "sluice/host.h"

/* Source of an event in the epoll set: a channel's number, or this. */
#define PROCESS_DEVICE 0xffu
/* Or this: the launcher ends the epoch, and the monitor is to look once more. */
#define PROCESS_CLOSING 0xfeu
/* Or this: the launcher has put a policy in force, or taken one away. */
#define PROCESS_POLICY 0xfdu

/* Where sl_notify on one channel leads: to a component of this process, to an eventfd, or
 * nowhere (fd -1). */
struct bell {
    struct sl_host *local;
    uint64_t badge; /* at the local component */
    int fd;
};

struct sl_host {
    struct process *process;
    const struct sl_component *program;
    const char *name;
    uint32_t number;   /* index in the topology */
    void *self;        /* the component's state */
    uint64_t pending;  /* badges for the next wake; 0: none due */
    uint64_t deadline; /* sl_now's clock; SL_NEVER */
    uint32_t rung;     /* channels to other processes, to be rung when the wake returns */
    struct bell bell[SL_MAX_CHANNELS];
    struct nic_driver *nic; /* NULL: owns none */
    int nic_fd;
    struct sl_environment environment;
};

struct process {
    struct launch *launch; /* this process's own copy */
    uint32_t epoch;
    const struct policy_board *board; /* NULL: no component here has the policy */
    uint32_t generation, retired;     /* of the policy, as last taken from the board */
    bool policy_rung;
    unsigned count;
    struct sl_host host[TOPOLOGY_MAX_COMPONENTS];
    struct sl_host *closing; /* the monitor, once the launcher asks for its last look */
    int epoll;
    int report;
    struct af_packet device[LAUNCH_MAX_DEVICES];
    struct output output;
    uint64_t alive; /* when the launcher is to hear of us next */
};

/* Eventfds that the launcher alone rings. */
struct process_bells {
    int closing; /* asks the monitor for its last look */
    int policy;  /* asks whoever has the policy to look at the board */
};

/* Takes what the board says, between two wakes, and tells the launcher. */
void process_adopt(struct process *process);

/* Turns a child of the launcher into process number `number`: keeps what its components hold,
 * gives up everything else, runs them. `socket[c]` is the packet socket of component c, -1
 * for none; `from_launcher` are its bells; `launcher` is the launcher's process id. */
_Noreturn void process_run(struct launch *launch, unsigned number, uint32_t epoch,
                           struct memory *memory, const struct bells *bells,
                           const int socket[TOPOLOGY_MAX_COMPONENTS], int report,
                           struct process_bells from_launcher, int launcher);

/* Wakes components until none is due, then waits; never returns. */
_Noreturn void process_loop(struct process *process);

#endif
