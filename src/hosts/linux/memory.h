/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared memory: each region of the topology is one memfd, mapped for each process that holds
 * it with exactly its rights, and sealed so that nobody can map it for writing afterwards.
 *
 * The launcher maps everything before it forks; a child keeps what is its own. The order is
 * what makes a reader's mapping read-only for good: writers are mapped, then
 * F_SEAL_FUTURE_WRITE is set, then readers are mapped. The kernel takes VM_MAYWRITE from a
 * mapping made after the seal, so neither mprotect nor /proc/self/mem opens it again.
 */
#ifndef SLUICE_LINUX_MEMORY_H
#define SLUICE_LINUX_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "hosts/linux/launch.h"

struct memory_block {
    void *base; /* NULL: not mapped */
    size_t size;
};

struct memory {
    /* Each has a page without rights on either side. */
    struct memory_block view[LAUNCH_MAX_PROCESSES][TOPOLOGY_MAX_REGIONS];
    struct memory_block config[TOPOLOGY_MAX_COMPONENTS]; /* read-only once made */
    struct memory_block policy;                          /* likewise; base NULL for none */
};

/* Makes all regions of one epoch, zeroed. False: `error` says what could not be had; nothing is
 * left mapped. */
bool memory_create(struct memory *memory, const struct launch *launch, char *error,
                   size_t error_size);

/* In a child: unmaps all that `process` does not hold, and touches the rest so that no page
 * fault comes later. */
void memory_keep(struct memory *memory, const struct launch *launch, unsigned process);

void memory_release(struct memory *memory);

/* Zeroed private memory between two pages without rights; NULL: none to be had. */
void *memory_private(size_t size);

#endif
