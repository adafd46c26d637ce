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
#include <stdint.h>

#include "hosts/linux/launch.h"

struct memory_block {
    void *base; /* NULL: not mapped */
    size_t size;
};

struct memory {
    /* Each has a page without rights on either side. */
    struct memory_block view[LAUNCH_MAX_PROCESSES][TOPOLOGY_MAX_REGIONS];
    struct memory_block config[TOPOLOGY_MAX_COMPONENTS]; /* read-only once made */
    struct memory_block policy;          /* policy/board.h, read-only; base NULL for none */
    struct memory_block policy_writer;   /* the same once more, the launcher's to write */
    struct memory_block counters;        /* sluice/counters.h, the monitor's to write */
    struct memory_block counters_reader; /* the same once more, the launcher's to read */
};

/* Makes all regions of one epoch, zeroed. False: `error` says what could not be had; nothing is
 * left mapped. */
bool memory_create(struct memory *memory, const struct launch *launch, char *error,
                   size_t error_size);

/* Puts an image in force: into the place of the one before the last, then says so. */
void memory_publish(const struct memory_block *policy_writer, const void *image, size_t size,
                    uint32_t generation);

/* For a part that starts anew while the others run: what only its own processes hold is zeroed
 * memory again, what they share with others stays, configurations are as `launch` has them now.
 * False: `error` says what could not be had. */
bool memory_renew(struct memory *memory, const struct launch *launch, enum launch_part part,
                  char *error, size_t error_size);

/* In a child: unmaps all that `process` does not hold, and touches the rest so that no page
 * fault comes later. */
void memory_keep(struct memory *memory, const struct launch *launch, unsigned process);

void memory_release(struct memory *memory);
void memory_unmap(struct memory_block *block);

/* Zeroed private memory between two pages without rights; NULL: none to be had. */
void *memory_private(size_t size);

#endif
