/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel says of the processes of a running gateway, private to `sluice check --running`
 * (linux_check.h): what they have mapped, hold, wait on and may call.
 */
#ifndef SLUICE_LINUX_LOOK_H
#define SLUICE_LINUX_LOOK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "topology/topology.h"

#define LOOK_MAX_OBJECTS 1024u
#define LOOK_MAX_WATCHES 256u

/* Something that a process has: shared memory, an eventfd that it may ring, a descriptor. */
enum kind { SHARED_MEMORY, EVENTFD, OTHER };
struct object {
    enum kind kind;
    uint8_t component;
    uint8_t rights;              /* RIGHT_*: as mapped, or as it could be made */
    int fd;                      /* -1: a mapping */
    char identity[160];          /* the same text is the same object */
    char name[160];              /* memory: the region's */
    char interface[IF_NAMESIZE]; /* a packet socket: whose frames it has; "" for all others */
};

/* An eventfd in a process's epoll set; the process itself has closed it. */
struct watch {
    uint8_t component;
    uint8_t source; /* process.h: a channel's number, or one of the launcher's */
    int epoll;      /* the set's descriptor */
    unsigned fd;    /* the number that it was added by */
    unsigned order; /* among those of the same number */
};

struct look {
    const struct topology *topology;
    FILE *out;
    int violations;
    pid_t launcher;
    const char *const *interface; /* by side */
    unsigned interface_index[2];  /* 0: there is none of that name */
    pid_t pid[TOPOLOGY_MAX_COMPONENTS];
    unsigned count, watch_count;
    struct object object[LOOK_MAX_OBJECTS];
    struct watch watch[LOOK_MAX_WATCHES];
};

__attribute__((format(printf, 2, 3))) void look_violation(struct look *look, const char *format,
                                                          ...);
const char *look_name(const struct look *look, unsigned component);

/* The launcher's children, by their names. */
void look_for_processes(struct look *look);
/* Mappings, descriptors, epoll set and sandbox of one component. */
void look_at(struct look *look, unsigned component);

/* Whether the eventfd that `watch` is of is descriptor `fd` of process `pid`. -1: the kernel does
 * not say. */
int look_same_eventfd(const struct look *look, const struct watch *watch, pid_t pid, int fd);

/* Compares the component's system call filter with the one that sandbox.c makes. NULL: it is that
 * one; else how it differs. `*unknown`: it could not be read, and this is why. */
const char *look_at_filter(const struct look *look, unsigned component, bool *unknown);

#endif
