/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SLUICE_CLI_CHECK_SYSTEM_H
#define SLUICE_CLI_CHECK_SYSTEM_H

#include <stdbool.h>

#include "policy/site.h"

/* Checks the Microkit system description `path` against this site, for `board` (NULL: the default)
 * and with its kernel's gen_config.json (NULL: not given). Returns the exit status. */
int cli_check_system(const struct site *site, const char *path, const char *board,
                     const char *kernel_path, bool accept_open);

#endif
