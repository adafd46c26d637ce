/* SPDX-License-Identifier: BSD-2-Clause */
/* What is wrong with a configuration file, collected and then printed in the file's order as
 * `file:line:column: what was found, what was expected`. Lines and columns count from 1. */
#ifndef SLUICE_POLICY_MISTAKES_H
#define SLUICE_POLICY_MISTAKES_H

#include <stdio.h>

#include "policy/compiler/arena.h"

struct mistake;
struct mistakes {
    struct arena *arena;
    struct arena_list list; /* struct mistake */
};

void mistake_at(struct mistakes *mistakes, unsigned line, unsigned column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Forgets those that stand before line `first` or after line `last`. */
void mistakes_within(struct mistakes *mistakes, unsigned first, unsigned last);

/* Prints all of them; `path` is how the file is called. */
void mistakes_print(const struct mistakes *mistakes, const char *path, FILE *out);

/* `text` as it can stand in a message: in quotes, shortened, control characters escaped. */
const char *quoted(struct arena *arena, const char *text, size_t length);

/* "; did you mean 'x'?" for the word of `words` (count of them) that is nearest to `text`, or "".
 */
const char *did_you_mean(struct arena *arena, const char *text, const char *const *words,
                         size_t count);

#endif
