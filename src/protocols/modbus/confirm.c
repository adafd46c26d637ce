/* SPDX-License-Identifier: BSD-2-Clause */
/* What a device says to a write when all is well, made of the request alone (one-way mode). */
#include "protocols/modbus/codec.h"

#define FUNCTION_AT   7u /* after the MBAP header */
#define LENGTH_AT     5u /* low byte of the MBAP length: unit and PDU */
#define BEFORE_LENGTH 6u
#define WHOLE_REQUEST 0u

/* Of each write: the bytes of its ADU that the response repeats, and the shortest request. */
static const struct {
    uint8_t function, repeats, shortest;
} confirmations[] = {
    {5, 12, 12},             /* AP 6.5: address and value */
    {6, 12, 12},             /* AP 6.6 */
    {15, 12, 14},            /* AP 6.11: address and quantity */
    {16, 12, 15},            /* AP 6.12 */
    {21, WHOLE_REQUEST, 18}, /* AP 6.15: the response echoes the request */
    {22, 14, 14},            /* AP 6.16: address and both masks */
};

size_t modbus_confirm(const uint8_t *frame, size_t length, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof confirmations / sizeof confirmations[0]; i++) {
        if (length <= FUNCTION_AT || frame[FUNCTION_AT] != confirmations[i].function)
            continue;
        const size_t repeated =
            confirmations[i].repeats == WHOLE_REQUEST ? length : confirmations[i].repeats;
        if (length < confirmations[i].shortest || repeated > size)
            return 0;
        memcpy(bytes, frame, repeated);
        if (repeated != length) {
            bytes[LENGTH_AT - 1] = 0;
            bytes[LENGTH_AT] = (uint8_t)(repeated - BEFORE_LENGTH);
        }
        return repeated;
    }
    return 0;
}
