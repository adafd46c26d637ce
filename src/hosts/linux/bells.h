/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notifications between processes: an eventfd for each channel and direction. It is written
 * by one process and never read: the other has it in its epoll set, edge-triggered, which
 * fires anew on every write. The waiting process closes its descriptor after that, so that it
 * can neither write nor read it; the writer may not read (sandbox.c).
 */
#ifndef SLUICE_LINUX_BELLS_H
#define SLUICE_LINUX_BELLS_H

#include <stdbool.h>

#include "hosts/linux/launch.h"

struct bells {
    /* Rung by end `i` of the channel; -1: it may not, or both ends share a process. */
    int fd[TOPOLOGY_MAX_CHANNELS][2];
};

/* Those of one part's processes; between parts there are none. False: errno says why; nothing is
 * left open. */
bool bells_create(struct bells *bells, const struct launch *launch, enum launch_part part);
void bells_close(struct bells *bells);

#endif
