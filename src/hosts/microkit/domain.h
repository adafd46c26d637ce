/* SPDX-License-Identifier: BSD-2-Clause */
/* What the sources of this folder share. */
#ifndef SLUICE_MICROKIT_DOMAIN_H
#define SLUICE_MICROKIT_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hosts/microkit/domain_config.h"
#include "hosts/microkit/domain_time.h"
#include "sluice/barrier.h"

/* The domain's configuration: start and end of .sluice_config and .sluice_policy. */
extern const uint8_t sluice_config[];
extern const uint8_t sluice_policy[], sluice_policy_end[];

/* Bus address of the domain's DMA region, written by the microkit tool (setvar region_paddr). */
extern uint64_t domain_dma_address;

/* What the supervisor told this start of the domain (start.S): how often its part has started anew
 * while the others ran on, and DOMAIN_MAGIC, which is not there at boot. */
extern const uint64_t domain_told[2];

/* The image's entry, and the stack pointer there. */
extern const char _start[];
extern const uint64_t domain_stack;

/* The component goes on: told to the supervisor at every turn, and within long ones. */
static inline void domain_turn(const struct domain_config *config)
{
    struct domain_life *life = (void *)config->life.base;
    sl_store_relaxed(&life->turns, sl_load_relaxed(&life->turns) + 1);
}

#endif
