/* SPDX-License-Identifier: BSD-2-Clause */
/* The supervisor's part in measuring: which domain took how much, where the kernel counts it. */
#ifndef SLUICE_MICROKIT_BENCH_H
#define SLUICE_MICROKIT_BENCH_H

#include "hosts/microkit/domain_config.h"
#include "sluice/json.h"

/* From here on. */
void bench_begin(const struct domain_supervisor_config *config);

/* Up to here. */
void bench_end(void);

/* Adds to the line what was measured in between. */
void bench_report(const struct domain_supervisor_config *config, struct sl_json *json);

#endif
