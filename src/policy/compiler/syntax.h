/* SPDX-License-Identifier: BSD-2-Clause */
/* What libyaml could not read, in words for who wrote the file. */
#ifndef SLUICE_POLICY_SYNTAX_H
#define SLUICE_POLICY_SYNTAX_H

#include <stddef.h>

#include "policy/compiler/mistakes.h"

/* Of libyaml's parser; positions count from 0 there. NULL where it says nothing. */
struct syntax_problem {
    const char *problem, *context;
    size_t line, column; /* of the problem */
    size_t begun;        /* line on which what it was reading began */
};

void syntax_mistake(struct mistakes *mistakes, const char *text, size_t length,
                    const struct syntax_problem *problem);

#endif
