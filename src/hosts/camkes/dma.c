/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/camkes/dma.h"

#include <camkes/dma.h>
#include <string.h>

#define PAGE 4096u

void *dma_take(size_t size, uint64_t *address)
{
    uint8_t *memory = camkes_dma_alloc(size, PAGE, true);
    if (!memory)
        return NULL;
    *address = camkes_dma_get_paddr(memory);
    /* The pool's frames come one by one: that they follow each other is for us to see. */
    for (size_t offset = 0; offset < size; offset += PAGE)
        if (camkes_dma_get_paddr(memory + offset) != *address + offset)
            return NULL;
    memset(memory, 0, size);
    return memory;
}
