/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a stock sDDF 0.7 Ethernet driver is given: its description is read, and the two sections
 * that its image has for it are filled.
 */
#ifndef SLUICE_TOPOLOGY_SDDF_H
#define SLUICE_TOPOLOGY_SDDF_H

#include "topology/elf_image.h"
#include "topology/microkit.h"

/* Reads the driver's config.json (`text`, NUL-terminated): its regions and interrupts. Returns
 * NULL, or what is wrong. */
const char *sddf_describe(const char *text, struct microkit_sddf *sddf);

/* Fills .net_driver_config and .device_resources of the driver in `domain`, and takes the right
 * to execute from its writable segments. Returns NULL, or what is wrong. */
const char *sddf_fill(const struct microkit_system *system, unsigned domain,
                      struct elf_image *image);

#endif
