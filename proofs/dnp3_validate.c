/* SPDX-License-Identifier: BSD-2-Clause */
/* Canonical bytes from another component: any bytes, any length. */
#include "any.h"
#include "protocols/dnp3/dnp3.h"

static struct dnp3_message message;

int main(void)
{
    const enum sl_direction direction = Frama_C_nondet(SL_REQUEST, SL_REPLY);
    const size_t length = any_size(0, sizeof message);
    any_bytes(&message, sizeof message);
    dnp3_validate(direction, NULL, &message, length);
    if (length >= DNP3_HEAD_SIZE)
        dnp3_validate_malformed(&message, length);
    dnp3_key(&message, length);
    return 0;
}
