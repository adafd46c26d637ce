/* SPDX-License-Identifier: BSD-2-Clause */
/* The audit writer's own process: what audit_writer_start() forks. */
#ifndef SLUICE_LINUX_AUDIT_WRITER_WORK_H
#define SLUICE_LINUX_AUDIT_WRITER_WORK_H

#include "hosts/linux/audit_writer.h"

/* In the child; `launcher` is its parent. */
_Noreturn void audit_writer_run(const struct audit_writer *writer, pid_t launcher);

#endif
