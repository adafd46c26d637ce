/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clock: wakes those with deadlines once a period. Giving up its budget by seL4_Yield puts
 * it to sleep until its scheduling context is replenished, so the kernel's own timer keeps the
 * period: no timer register is exported to anybody, and nothing that another component does can
 * change it. It receives nothing.
 */
#include <sel4/sel4.h>

#include "hosts/camkes/instance.h"

int run(void);

int run(void)
{
    static struct instance instance;
    instance_fill(&instance);
    for (;;) {
        for (unsigned i = 0; i < INSTANCE_MAX_BELLS && instance.ring[i]; i++)
            instance.ring[i]();
        seL4_Yield();
    }
}
