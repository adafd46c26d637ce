/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clock: a domain that wakes those with deadlines once a period. Giving up its budget by
 * seL4_Yield puts it to sleep until its scheduling context is replenished, so the kernel's own
 * timer keeps the period, and nothing that another domain does to the exported timer registers
 * can change it. It receives nothing.
 */
#include <microkit.h>

#include "hosts/microkit/domain.h"

void init(void)
{
    const struct domain_clock_config *config = (const void *)sluice_config;
    for (;;) {
        for (microkit_channel i = 0; i < config->channel_count; i++)
            microkit_notify(i);
        seL4_Yield();
    }
}

void notified(microkit_channel channel)
{
    (void)channel;
}
