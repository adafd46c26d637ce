/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/assembly.h"

#include <stddef.h>

struct assembly *assembly_of(struct assemblies *all, uint16_t owner, uint32_t parties)
{
    for (unsigned i = 0; i < NET_ASSEMBLIES; i++) {
        struct assembly *place = &all->place[i];
        if (place->order && place->owner == owner && place->parties == parties)
            return place;
    }
    return NULL;
}

struct assembly *assembly_begin(struct assemblies *all, uint16_t owner, uint32_t parties,
                                bool *displaced)
{
    struct assembly *oldest = &all->place[0], *own = NULL; /* free ones are oldest */
    unsigned owned = 0;
    for (unsigned i = 0; i < NET_ASSEMBLIES; i++) {
        struct assembly *place = &all->place[i];
        if (place->order < oldest->order)
            oldest = place;
        if (!place->order || place->owner != owner)
            continue;
        owned++;
        if (!own || place->order < own->order)
            own = place;
    }
    struct assembly *found = owned < ASSEMBLY_OWN ? oldest : own;
    *displaced = found->order != 0;
    found->order = ++all->begun;
    found->owner = owner;
    found->parties = parties;
    found->length = 0;
    return found;
}

void assembly_end(struct assembly *assembly)
{
    assembly->order = 0;
}

void assembly_forget(struct assemblies *all, uint16_t owner)
{
    for (unsigned i = 0; i < NET_ASSEMBLIES; i++)
        if (all->place[i].order && all->place[i].owner == owner)
            assembly_end(&all->place[i]);
}
