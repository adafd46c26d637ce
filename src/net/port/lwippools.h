/* SPDX-License-Identifier: BSD-2-Clause */
/* lwIP's heap as pools: constant time, no fragmentation. Included several times by lwIP. */
LWIP_MALLOC_MEMPOOL_START
LWIP_MALLOC_MEMPOOL(NET_BLOCKS, NET_BLOCK_SIZE)
LWIP_MALLOC_MEMPOOL(NET_LARGE_BLOCKS, NET_LARGE_BLOCK_SIZE)
LWIP_MALLOC_MEMPOOL_END
