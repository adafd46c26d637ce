/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the prover sees in place of sluice/barrier.h: every load from shared memory yields any
 * value at all, each time anew, as if the peer wrote between any two of them. Included first, so
 * that the real header is not.
 */
#ifndef SLUICE_BARRIER_H
#define SLUICE_BARRIER_H

#include <__fc_builtin.h>
#include <stdint.h>

/* The load itself stays, so that its address is checked. */
#define sl_load_relaxed(pointer)                                                                   \
    ((void)*(pointer), (__typeof__(*(pointer)))Frama_C_unsigned_long_long_interval(0, UINT64_MAX))
#define sl_load_acquire(pointer)         sl_load_relaxed(pointer)
#define sl_store_relaxed(pointer, value) (void)(*(pointer) = (value))
#define sl_store_release(pointer, value) (void)(*(pointer) = (value))
#define sl_fence_full()                  ((void)0)
#define sl_fence_acquire()               ((void)0)
#define sl_fence_release()               ((void)0)
#define sl_fence_device()                ((void)0)

#endif
