/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The launcher: makes memory, bells and sockets for one epoch of the pipeline, forks its
 * processes, and waits. When any of them ends, it kills all others at once, logs the cause and
 * starts a new epoch with fresh memory. It recovers from crashes; it does not clean a compromise.
 *
 * Trusted: it creates everything and gives out the rights.
 */
#ifndef SLUICE_LINUX_SUPERVISOR_H
#define SLUICE_LINUX_SUPERVISOR_H

#include "hosts/linux/launch.h"

/* Runs until SIGTERM or SIGINT. True after a clean stop; false when the first start failed
 * (said on standard error). Leaves no process behind, however it ends. */
bool supervise(struct launch *launch);

#endif
