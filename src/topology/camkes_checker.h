/* SPDX-License-Identifier: BSD-2-Clause */
/* What the comparison of a capDL with its plan (camkes_check.c) and the paths that it makes
 * (camkes_flow.c) share. Of these two alone. */
#ifndef SLUICE_TOPOLOGY_CAMKES_CHECKER_H
#define SLUICE_TOPOLOGY_CAMKES_CHECKER_H

#include <stdio.h>
#include <string.h>

#include "topology/camkes.h"
#include "topology/camkes_check.h"
#include "topology/capdl.h"

/* One instance, as the specification has it. */
struct camkes_found {
    int tcb, cnode, table; /* objects; -1: missing */
    int wake;              /* its notification; -1: it waits for none */
};

struct camkes_checker {
    const struct camkes_system *system;
    const struct capdl *capdl;
    FILE *out;
    int violations;
    struct camkes_found found[CAMKES_MAX_INSTANCES];
    int faults;                              /* the endpoint of all faults; -1: missing */
    unsigned *first;                         /* object: its first capability, as container */
    uint8_t (*mapped)[CAMKES_MAX_INSTANCES]; /* frame: CAPDL_* of each instance */
};

static inline const struct capdl_object *object_of(const struct camkes_checker *checker,
                                                   unsigned object)
{
    return &checker->capdl->object[object];
}

/* The capabilities in container `object`, one by one from NULL on. */
static inline const struct capdl_cap *next_cap(const struct camkes_checker *checker,
                                               unsigned object, const struct capdl_cap *cap)
{
    const struct capdl_cap *end = checker->capdl->cap + checker->capdl->cap_count;
    cap = cap ? cap + 1 : checker->capdl->cap + checker->first[object];
    return cap < end && cap->container == object ? cap : NULL;
}

/* What stands in the slot of that name; -1: nothing. */
static inline int slot(const struct camkes_checker *checker, unsigned container, const char *name)
{
    for (const struct capdl_cap *cap = next_cap(checker, container, NULL); cap;
         cap = next_cap(checker, container, cap))
        if (!strcmp(cap->slot, name))
            return (int)cap->object;
    return -1;
}

/* The plan's region of which `frame` is a part; NULL: none. */
const struct camkes_region *camkes_region_of(const struct camkes_checker *checker,
                                             const struct capdl_object *frame);

/* The paths that all of it makes, against the flow rules. Returns the number of violations. */
int camkes_check_flows(const struct camkes_checker *checker, const struct camkes_kernel *kernel);

#endif
