/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A configuration file as the offline verbs need it: its policy image, made and checked as for
 * the gateway.
 */
#ifndef SLUICE_CLI_POLICY_FILE_H
#define SLUICE_CLI_POLICY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/image.h"

/* The policy image of `path`; the caller frees it. NULL when the file has mistakes, which are
 * then on `errors`. */
void *policy_file_load(const char *path, FILE *errors);

/* The service of this name; NULL when there is none. */
const struct policy_service *policy_file_service(const void *image, const char *name);

/* `text` as an IPv4 address in host byte order, or a host that the file names. */
bool policy_file_client(const void *image, const char *text, uint32_t *address);

#endif
