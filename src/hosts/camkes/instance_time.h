/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SLUICE_CAMKES_INSTANCE_TIME_H
#define SLUICE_CAMKES_INSTANCE_TIME_H

#include <stdint.h>

/* Nanoseconds since the machine's start: the virtual counter, which the kernel lets every
 * component read (KernelArmExportVCNTUser) and none write; the same in all of them. */
uint64_t instance_now(void);

/* The counter itself, in ticks. */
uint64_t instance_counter(void);

#endif
