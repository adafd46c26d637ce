/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes from the wire: any bytes, any length, both directions. */
#include "any.h"
#include "protocols/dnp3/dnp3.h"

static uint8_t wire[DNP3_MAX_MESSAGE];
static struct dnp3_message canonical;

int main(void)
{
    const enum sl_direction direction = Frama_C_nondet(SL_REQUEST, SL_REPLY);
    const size_t length = any_size(0, sizeof wire);
    any_bytes(wire, sizeof wire);
    any_bytes(&canonical, sizeof canonical);
    struct sl_frame frame = dnp3_frame(direction, wire, length);
    if (frame.status == SL_FRAME_COMPLETE)
        dnp3_frame_key(wire, frame.length);
    enum sl_direction runs;
    dnp3_runs(wire, length, &runs);
    size_t canonical_length = 0;
    dnp3_decode(direction, NULL, wire, length, &canonical, &canonical_length);
    return 0;
}
