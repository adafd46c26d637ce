/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One direction of a stream. Cutting it anywhere gives the same messages: each is found with
 * its last byte and not before, and a stream once lost stays lost.
 */
#include <stdint.h>
#include <stdlib.h>

#include "protocols/modbus/modbus.h"

static void require(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    while (size) {
        struct sl_frame whole = modbus_frame(SL_REQUEST, data, size);
        size_t until = whole.status == SL_FRAME_COMPLETE ? whole.length : size;
        require(until <= size && until > 0);
        int lost = 0;
        for (size_t length = 0; length < until && length < MODBUS_MAX_ADU; length++) {
            struct sl_frame part = modbus_frame(SL_REQUEST, data, length);
            require(part.status != SL_FRAME_COMPLETE);
            require(!lost || part.status == SL_FRAME_LOST);
            lost = part.status == SL_FRAME_LOST;
            require(!lost || (whole.status == SL_FRAME_LOST && part.reason == whole.reason));
        }
        if (whole.status != SL_FRAME_COMPLETE) {
            require(whole.status == SL_FRAME_LOST || size < MODBUS_MAX_ADU);
            return 0;
        }
        require(whole.length > MODBUS_MBAP_SIZE && whole.length <= MODBUS_MAX_ADU);
        require(modbus_frame_key(data, whole.length) == (data[0] << 8 | data[1]));
        data += whole.length;
        size -= whole.length;
    }
    return 0;
}
