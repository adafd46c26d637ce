/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SLUICE_CAMKES_DMA_H
#define SLUICE_CAMKES_DMA_H

#include <stddef.h>
#include <stdint.h>

/* `size` bytes of the component's DMA pool, contiguous and aligned to a page, zeroed; their bus
 * address goes to `*address`. NULL when the pool has no such run. */
void *dma_take(size_t size, uint64_t *address);

#endif
