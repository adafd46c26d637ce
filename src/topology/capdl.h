/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a capDL specification as CAmkES writes it: which kernel objects there are, and which
 * capability each container has in which slot. What is not understood is an error, never
 * skipped. Host only: allocates.
 */
#ifndef SLUICE_TOPOLOGY_CAPDL_H
#define SLUICE_TOPOLOGY_CAPDL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum capdl_type {
    CAPDL_TCB,
    CAPDL_CNODE,
    CAPDL_FRAME,
    CAPDL_TABLE, /* of a virtual address space: pgd, pud, pd, pt */
    CAPDL_ENDPOINT,
    CAPDL_NOTIFICATION,
    CAPDL_SCHEDULING_CONTEXT,
    CAPDL_REPLY,
    CAPDL_INTERRUPT,
    CAPDL_OTHER, /* untyped memory, ASID pools, I/O ports and spaces .. */
};

struct capdl_object {
    char *name;
    enum capdl_type type;
    bool has_address;
    uint64_t address;                /* frame: physical */
    uint64_t size;                   /* frame: bytes */
    uint32_t interrupt;              /* CAPDL_INTERRUPT: its number, from the irq maps */
    uint32_t priority, max_priority; /* thread */
    uint32_t budget, period;         /* scheduling context: microseconds */
};

#define CAPDL_READ    1u
#define CAPDL_WRITE   2u
#define CAPDL_EXECUTE 4u /* grant, of other objects than frames */

struct capdl_cap {
    unsigned container, object; /* indices of objects */
    char slot[24];              /* "0x3", "vspace" .. */
    unsigned rights;            /* CAPDL_* */
    uint64_t badge;
    unsigned line;
};

struct capdl {
    struct capdl_object *object; /* sorted by name */
    struct capdl_cap *cap;       /* as the file orders them: a container's are together */
    unsigned object_count, cap_count;
};

/* False, and the mistake with its line on `errors`, when `in` is no such specification. */
bool capdl_read(struct capdl *capdl, FILE *in, const char *name, FILE *errors);
void capdl_free(struct capdl *capdl);

/* Index of an object by name; -1 for none. */
int capdl_find(const struct capdl *capdl, const char *name);

#endif
