/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SLUICE_TIMESTAMP_H
#define SLUICE_TIMESTAMP_H

#include <stdint.h>

#define TIMESTAMP_SIZE 32u

/* `unix_time` in nanoseconds as ISO 8601 in UTC with microseconds, as EVE writes it:
 * "2026-11-22T20:17:53.123456+0000". */
void timestamp_format(uint64_t unix_time, char text[TIMESTAMP_SIZE]);

#endif
