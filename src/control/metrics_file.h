/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metrics as a file, for node_exporter's textfile collector: whoever scrapes reads what the gateway
 * last wrote, and nobody can reach the gateway by it.
 */
#ifndef SLUICE_METRICS_FILE_H
#define SLUICE_METRICS_FILE_H

#include "control/operation.h"

#define METRICS_FILE_NS UINT64_C(10000000000) /* between two writings */

/* Replaces the file, whole or not at all. What goes wrong is said on standard error, once until it
 * goes well again. */
void metrics_file_write(struct operation *operation, const struct operation_view *view);

#endif
