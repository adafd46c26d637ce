/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that a device reaches past the caches: cleaned to memory before it reads, and thrown
 * out of the cache before we read what it wrote. Nothing to do where DMA is coherent.
 */
#ifndef SLUICE_CACHE_H
#define SLUICE_CACHE_H

#include <stddef.h>
#include <stdint.h>

/* Both at once: throwing out alone is not allowed in user mode (Arm ARM, DC IVAC). */
static inline void cache_clean_and_invalidate(const void *bytes, size_t length)
{
#if defined(__aarch64__)
    uint64_t type;
    __asm__ volatile("mrs %0, ctr_el0" : "=r"(type));
    uint64_t line = UINT64_C(4) << (type >> 16 & 15); /* CTR_EL0.DminLine, in words */
    uintptr_t end = (uintptr_t)bytes + length;
    for (uintptr_t at = (uintptr_t)bytes & ~(line - 1); at < end; at += line)
        __asm__ volatile("dc civac, %0" ::"r"(at) : "memory");
    __asm__ volatile("dsb sy" ::: "memory");
#else
    (void)bytes;
    (void)length;
#endif
}

#endif
