/* SPDX-License-Identifier: BSD-2-Clause */
/* Time on an seL4 host; CAmkES has the first too, for the sources that both share. */
#ifndef SLUICE_MICROKIT_DOMAIN_TIME_H
#define SLUICE_MICROKIT_DOMAIN_TIME_H

#include <stdint.h>

/* Nanoseconds since the machine's start: a counter that the kernel lets all read; the same for all.
 */
uint64_t domain_now(void);

/* The counter itself, in ticks. */
uint64_t domain_counter(void);

#endif
