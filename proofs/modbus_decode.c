/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes from the wire: any bytes, any length, both directions. */
#include "any.h"
#include "protocols/modbus/modbus.h"

static uint8_t wire[MODBUS_MAX_ADU];
static struct modbus_message canonical;

int main(void)
{
    const enum sl_direction direction = Frama_C_nondet(SL_REQUEST, SL_REPLY);
    const size_t length = any_size(0, sizeof wire);
    any_bytes(wire, sizeof wire);
    any_bytes(&canonical, sizeof canonical);
    struct sl_frame frame = modbus_frame(direction, wire, length);
    if (frame.status == SL_FRAME_COMPLETE)
        modbus_frame_key(wire, frame.length);
    size_t canonical_length = 0;
    modbus_decode(direction, NULL, wire, length, &canonical, &canonical_length);
    return 0;
}
