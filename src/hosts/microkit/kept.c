/* SPDX-License-Identifier: BSD-2-Clause */
/* Values that the microkit tool writes into the image; a restart leaves them (domain.ld). */
#include "hosts/microkit/domain.h"

uint64_t domain_dma_address __attribute__((section(".kept")));
