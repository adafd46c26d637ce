/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory ordering, the only place where it is spelled. Every shared index, flag and word goes
 * through these; no bare fence or volatile stands anywhere else.
 *
 *   sl_load_acquire   what the other side wrote before its store_release is visible after this
 *   sl_store_release  what was written before this is visible to who load_acquires the value
 *   sl_load_relaxed   one untorn load, no order
 *   sl_store_relaxed  one untorn store, no order
 *   sl_fence_full     total order (seq_cst) against the other side's full fence: both ends of
 *                     the sleep/wake handshake need it
 *   sl_fence_acquire  earlier loads stay before later loads and stores
 *   sl_fence_device   earlier loads and stores stay before later ones as a device sees them that
 *                     reads and writes memory (DMA), its registers included
 *   sl_fence_release  earlier loads and stores stay before later stores
 */
#ifndef SLUICE_BARRIER_H
#define SLUICE_BARRIER_H

#include <stdatomic.h>
#include <stdint.h>

#define sl_load_acquire(pointer) atomic_load_explicit((pointer), memory_order_acquire)
#define sl_load_relaxed(pointer) atomic_load_explicit((pointer), memory_order_relaxed)
#define sl_store_release(pointer, value)                                                           \
    atomic_store_explicit((pointer), (value), memory_order_release)
#define sl_store_relaxed(pointer, value)                                                           \
    atomic_store_explicit((pointer), (value), memory_order_relaxed)
#define sl_fence_full()    atomic_thread_fence(memory_order_seq_cst)
#define sl_fence_acquire() atomic_thread_fence(memory_order_acquire)
#define sl_fence_release() atomic_thread_fence(memory_order_release)

#if defined(__aarch64__) /* a device is outside the inner shareable domain that C11 orders */
#define sl_fence_device() __asm__ volatile("dmb osh" ::: "memory")
#else
#define sl_fence_device() atomic_thread_fence(memory_order_seq_cst)
#endif

#endif
