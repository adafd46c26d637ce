/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In place of protocols/protocol.c: the table is laid out at link time with the protocols of the
 * site's services alone, so that an image has no code of one that its policy does not name.
 */
#include <stddef.h>

#include "sluice/protocol.h"

extern const struct sl_protocol *const sluice_protocols[SL_PROTOCOL_COUNT]; /* the linker's */

const struct sl_protocol *sl_protocol(unsigned id)
{
    return id < SL_PROTOCOL_COUNT ? sluice_protocols[id] : NULL;
}
