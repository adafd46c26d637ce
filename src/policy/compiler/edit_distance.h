/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SLUICE_EDIT_DISTANCE_H
#define SLUICE_EDIT_DISTANCE_H

#include <stddef.h>
#include <stdint.h>

/* Letters to insert, remove or replace to make one word the other; SIZE_MAX where one of them is
 * longer than 40: nobody's typing error. */
size_t edit_distance(const char *from, const char *to);

#endif
