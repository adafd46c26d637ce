/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which override is in force, kept in a small file so that neither a restart of the pipeline nor
 * one of the gateway ends it, and none goes on longer than was said. Times are Unix seconds.
 */
#ifndef SLUICE_OVERRIDE_STATE_H
#define SLUICE_OVERRIDE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OVERRIDE_NAME 64u
#define OVERRIDE_TEXT 256u

struct override_state {
    char ruleset[OVERRIDE_NAME]; /* "": none is in force */
    int64_t started, until;
    uint32_t uid;                                /* of whoever asked, as the kernel says */
    char who[OVERRIDE_TEXT], why[OVERRIDE_TEXT]; /* as was said */
};

/* Printable text of one line, not empty. */
bool override_text_good(const char *text);

/* Replaces the file, whole or not at all. False: `error` says why. */
bool override_save(const char *path, const struct override_state *state, char *error,
                   size_t error_size);
/* Removes it. */
bool override_forget(const char *path, char *error, size_t error_size);

enum override_loaded { OVERRIDE_NONE, OVERRIDE_KEPT, OVERRIDE_SPOILT };
/* SPOILT: there is a file, and it is not one; `error` says what is wrong. */
enum override_loaded override_load(const char *path, struct override_state *state, char *error,
                                   size_t error_size);

#endif
