/* SPDX-License-Identifier: BSD-2-Clause */
/* Any values, for the harnesses that Frama-C analyses: `make prove`. */
#ifndef SLUICE_PROOFS_ANY_H
#define SLUICE_PROOFS_ANY_H

#include <__fc_builtin.h>
#include <stddef.h>
#include <stdint.h>

static inline void any_bytes(void *bytes, size_t size)
{
    Frama_C_make_unknown(bytes, size);
}

static inline size_t any_size(size_t low, size_t high)
{
    return (size_t)Frama_C_unsigned_long_interval(low, high);
}

#endif
