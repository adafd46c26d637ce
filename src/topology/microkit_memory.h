/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a built Microkit system takes: every image, stack, region, and page table, and beside it
 * what is not the gateway's own (kernel, loader, initialiser, Microkit's monitor).
 */
#ifndef SLUICE_MICROKIT_MEMORY_H
#define SLUICE_MICROKIT_MEMORY_H

#include "topology/elf_image.h"
#include "topology/microkit.h"

struct microkit_totals {
    uint64_t image, stack, region, table; /* bytes, whole pages */
};

/* Pages of the domain's segments, in bytes. */
uint64_t microkit_image_size(const struct elf_image *image);

/* Page tables of the domain, in bytes, top level included: one per 2 MiB and per GiB in which
 * anything is mapped (seL4, AArch64 with a 40-bit address space), stack and IPC buffer at the top
 * included. */
uint64_t microkit_table_size(const struct microkit_system *system, unsigned domain,
                             const struct elf_image *image);

/* Prints all; `images` has one for each domain. Returns the sums. */
struct microkit_totals microkit_print_memory(const struct microkit_system *system,
                                             const struct elf_image *images, FILE *out);

#endif
