/* SPDX-License-Identifier: BSD-2-Clause */
/* Canonical bytes from another component: any bytes, any length. */
#include "any.h"
#include "protocols/modbus/modbus.h"

static struct modbus_message message;

int main(void)
{
    const enum sl_direction direction = Frama_C_nondet(SL_REQUEST, SL_REPLY);
    const size_t length = any_size(0, sizeof message);
    any_bytes(&message, sizeof message);
    modbus_validate(direction, NULL, &message, length);
    if (length >= MODBUS_HEAD_SIZE)
        modbus_validate_malformed(&message, length);
    modbus_key(&message, length);
    return 0;
}
