/* SPDX-License-Identifier: BSD-2-Clause */
/* The standard's numbers in words, as the configuration, JSON lines and sentences have them. */
#ifndef SLUICE_DNP3_NAMES_H
#define SLUICE_DNP3_NAMES_H

#include <stdint.h>

/* All return NULL for a number without a name. */

const char *dnp3_group_name(unsigned group);         /* what one object of it is: "binary input" */
const char *dnp3_operation_name(unsigned operation); /* "latch-on" (1815 A.8.1) */
const char *dnp3_trip_close_name(unsigned code);     /* "trip" (1815 A.8.1) */
const char *dnp3_command_status_name(unsigned status); /* "no-select" (1815 A.8.1) */
const char *dnp3_link_function_name(uint8_t control);  /* "link-status"; the link control octet */

#endif
