/* SPDX-License-Identifier: BSD-2-Clause */
/* What the sources of this folder share. */
#ifndef SLUICE_MICROKIT_DOMAIN_H
#define SLUICE_MICROKIT_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hosts/microkit/domain_config.h"
#include "hosts/microkit/domain_time.h"

/* The domain's configuration: start and end of .sluice_config and .sluice_policy. */
extern const uint8_t sluice_config[];
extern const uint8_t sluice_policy[], sluice_policy_end[];

/* Bus address of the domain's DMA region, written by the microkit tool (setvar region_paddr). */
extern uint64_t domain_dma_address;

#endif
