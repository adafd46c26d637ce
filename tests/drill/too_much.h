/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One thing too many, for the flow checker's tests: `sluice-drill run CONFIG --OPTION A:B`.
 *
 *   --extra-map REGION:COMPONENT:RIGHTS    (1 read, 3 write) maps it
 *   --extra-private REGION:COMPONENT       maps it privately: reads what others write
 *   --extra-bell COMPONENT:COMPONENT       the first may ring the second
 *   --swap-bells COMPONENT:COMPONENT       each rings whom the other should
 *   --extra-socket COMPONENT:INTERFACE     it holds a packet socket on it
 *   --other-socket COMPONENT:INTERFACE     it holds that in the place of its own
 *   --extra-pipe COMPONENT:COMPONENT       both hold it
 *   --keep-log COMPONENT:                  all keep standard error
 *   --wide-filter COMPONENT:               may send on a packet socket though it has none
 */
#ifndef SLUICE_DRILL_TOO_MUCH_H
#define SLUICE_DRILL_TOO_MUCH_H

#include <stdbool.h>

struct topology;

/* True where `option` is one of the above. */
bool too_much_take(const char *option, const char *value);
bool too_much_wanted(void);
/* What the launcher does otherwise, before it starts anything. False: the value names nothing. */
bool too_much_prepare(struct topology *topology);

#endif
