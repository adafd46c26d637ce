/* SPDX-License-Identifier: BSD-2-Clause */
/* Where `sluice build --host microkit` finds what it needs, and what it says where it does not. */
#ifndef SLUICE_CLI_BUILD_PLACES_H
#define SLUICE_CLI_BUILD_PLACES_H

#include <limits.h>
#include <stddef.h>

#include "cli/build.h"

struct places {
    char root[PATH_MAX / 4];    /* of the sources */
    char sdk[PATH_MAX / 4];     /* no symbolic links */
    char objects[PATH_MAX / 2]; /* programs for this SDK, board and configuration */
    char output[PATH_MAX / 4];
    const char *board, *flavour;
};

/* From options, environment and defaults: SDK, board and configuration are there, and so are the
 * sources. Returns the exit status, having said what is missing. */
int build_places(const struct build *build, struct places *places);

/* Prefix of the cross compiler's tools. */
const char *build_cross(void);

/* Says it on standard error; returns CLI_FAILED. */
__attribute__((format(printf, 1, 2))) int build_fail(const char *format, ...);

/* snprintf for paths. */
__attribute__((format(printf, 3, 4))) void build_path(char *path, size_t size, const char *format,
                                                      ...);

#endif
