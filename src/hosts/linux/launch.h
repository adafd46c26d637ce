/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the launcher is told: the topology, what program each component runs with which
 * configuration, and which components share a process. Isolated is one component a process,
 * merged puts each NIC driver with its frontend, fused puts all in one: the same mechanism.
 */
#ifndef SLUICE_LINUX_LAUNCH_H
#define SLUICE_LINUX_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/component.h"
#include "topology/topology.h"

#define LAUNCH_MAX_PROCESSES TOPOLOGY_MAX_COMPONENTS
#define LAUNCH_MAX_DEVICES   2u

enum launch_grouping { LAUNCH_ISOLATED, LAUNCH_MERGED, LAUNCH_FUSED };

struct audit_writer; /* audit_writer.h */

/* What is started anew together. Fused, that is everything. The monitor, to which all others tell
 * things and which tells none, is for itself: audit never holds up traffic. In one-way mode each
 * side is for itself too, so that nothing outside can see a death inside. */
enum launch_part { LAUNCH_EXTERNAL, LAUNCH_INTERNAL, LAUNCH_MONITOR, LAUNCH_PARTS };

struct launch_component {
    const struct sl_component *program;
    uint8_t process;
    uint16_t own_cpu;   /* that it runs on, plus one; 0, and fused: the gateway's */
    char interface[16]; /* network interface that it owns; "" for none */
    uint32_t restarts;  /* sl_environment.restarts */
    uint32_t config_size;
    _Alignas(16) uint8_t config[SL_CONFIG_MAX];
};

struct operation;

struct launch {
    const struct topology *topology;
    struct launch_component component[TOPOLOGY_MAX_COMPONENTS];
    enum launch_grouping grouping;
    unsigned process_count;
    const void *policy; /* image for the components that have it; NULL for none */
    size_t policy_size;
    char policy_hash[17];        /* first 8 bytes of the image's, in hexadecimal; "" for none */
    uint32_t policy_generation;  /* counts policies put in force, through all epochs */
    struct operation *operation; /* what an operator may ask (control/operation.h); NULL: nothing */
    int cpu;                     /* that everything runs on */
    int audit_fd;                /* where the monitor's audit lines go */
    int launcher_fd;             /* and the launcher's own */
    bool keep_log; /* processes keep standard error, an object that all of them share */
    struct audit_writer *writer; /* the process that both go to; NULL: none, they are files */
    uint8_t boot[8];             /* random, the same on every audit line until the gateway ends */
};

/* Puts `image` in force for what starts from here on; it stays the caller's. */
void launch_set_policy(struct launch *launch, const void *image, size_t size);
/* What `launch->policy_hash` holds of an image. */
void launch_policy_hash(const void *image, char hash[17]);

/* Gives every component its process. Merged puts a component that owns a device together with
 * those that share a frame queue with it. */
void launch_group(struct launch *launch, enum launch_grouping grouping);

/* False: every death stops everything. */
bool launch_has_parts(const struct launch *launch);
/* False: this process's death stops everything. */
bool launch_stops_part_only(const struct launch *launch, unsigned process);
enum launch_part launch_part_of(const struct launch *launch, unsigned process);

/* A name for messages: the component's, or for a process of several those of all. */
void launch_process_name(const struct launch *launch, unsigned process, char *name, size_t size);

/* Pins this process, and so all that it starts, on `cpu`. False: errno says why. */
bool launch_pin(int cpu);

/* The CPU to use where nobody named one: the last that this process may run on, since interrupts
 * and most else go to the first. */
int launch_choose_cpu(void);

#endif
