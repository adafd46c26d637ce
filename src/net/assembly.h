/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages that come in several link frames, put together. All connections of a frontend share
 * few places: a message is under way for moments, and most take no place at all. Who needs one
 * when all are taken gets the oldest, so that a neighbour that never finishes holds up nobody.
 */
#ifndef SLUICE_NET_ASSEMBLY_H
#define SLUICE_NET_ASSEMBLY_H

#include <stdbool.h>
#include <stdint.h>

#include "net/limits.h"
#include "sluice/record.h"

/* Of one owner at most: stations whose messages may be under way at once. */
#define ASSEMBLY_OWN 4u

struct assembly {
    uint64_t order; /* counts beginnings; 0: free */
    uint32_t parties;
    uint16_t owner;
    uint16_t length; /* of `bytes` */
    uint8_t bytes[SL_MAX_PAYLOAD];
};

struct assemblies {
    uint64_t begun; /* ever */
    struct assembly place[NET_ASSEMBLIES];
};

/* What `owner` has begun between these parties, or NULL. */
struct assembly *assembly_of(struct assemblies *all, uint16_t owner, uint32_t parties);
/* A new one, empty. `*displaced`: another had to go for it. */
struct assembly *assembly_begin(struct assemblies *all, uint16_t owner, uint32_t parties,
                                bool *displaced);
void assembly_end(struct assembly *assembly);
/* All that `owner` has begun. */
void assembly_forget(struct assemblies *all, uint16_t owner);

#endif
