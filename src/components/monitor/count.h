/* SPDX-License-Identifier: BSD-2-Clause */
/* Audit records into counters. */
#ifndef SLUICE_MONITOR_COUNT_H
#define SLUICE_MONITOR_COUNT_H

#include "sluice/audit.h"
#include "sluice/counters.h"

/* The record may hold anything. `counters` NULL: nobody wants to know. */
void count_record(struct sl_counters *counters, const struct sl_audit *record);
void count_lost(struct sl_counters *counters, uint64_t lost);

#endif
