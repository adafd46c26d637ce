/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One direction of a stream of link frames; the first byte says which, and whether CRCs are made
 * right first. Every cut gives the same messages, none is longer than allowed, decode takes each,
 * and a stream once lost stays lost.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dnp3_frames.h"
#include "protocols/dnp3/dnp3.h"
#include "protocols/dnp3/link.h"

static void decode(enum sl_direction direction, const uint8_t *bytes, size_t length)
{
    static struct dnp3_message message, again;
    uint8_t written[DNP3_MAX_MESSAGE];
    size_t canonical, second;
    memset(&message, 0xa5, sizeof message);
    if (dnp3_decode(direction, NULL, bytes, length, &message, &canonical) != SL_REASON_NONE) {
        require(dnp3_validate_malformed(&message, canonical) == SL_REASON_NONE);
        return;
    }
    require(dnp3_validate(direction, NULL, &message, canonical) == SL_REASON_NONE);
    size_t size = dnp3_encode(direction, &message, canonical, dnp3_key(&message, canonical),
                              written, sizeof written);
    require(size > 0 && size <= length); /* never more frames than came */
    require(dnp3_decode(direction, NULL, written, size, &again, &second) == SL_REASON_NONE);
    require(second == canonical && memcmp(&message, &again, canonical) == 0);
    require(dnp3_frame_key(bytes, length) == dnp3_key(&message, canonical));
}

/* Shorter heads of the same stream say MORE up to the message's end; a message that is cut short
 * by what follows it is known only with that. */
static void cut(enum sl_direction direction, const uint8_t *data, size_t until)
{
    int lost = 0;
    for (size_t length = 0; length < until && length < DNP3_MAX_MESSAGE; length++) {
        struct sl_frame part = dnp3_frame(direction, data, length);
        require(part.status != SL_FRAME_COMPLETE);
        require(part.status != SL_FRAME_MORE || part.length <= length);
        require(!lost || part.status == SL_FRAME_LOST);
        lost = part.status == SL_FRAME_LOST;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_size)
{
    if (input_size < 2 || input_size > 3 * DNP3_MAX_MESSAGE)
        return 0;
    enum sl_direction direction = input[0] & 1 ? SL_REPLY : SL_REQUEST;
    size_t size = input_size - 1;
    uint8_t *copy = malloc(size), *data = copy;
    require(copy != NULL);
    memcpy(copy, input + 1, size);
    if (input[0] & 2)
        repair(copy, size);
    decode(direction, data, size < DNP3_MAX_MESSAGE ? size : DNP3_MAX_MESSAGE);
    while (size) {
        struct sl_frame whole = dnp3_frame(direction, data, size);
        size_t until = whole.status == SL_FRAME_COMPLETE ? whole.length : size;
        require(until <= size && until > 0);
        cut(direction, data, until < 600 ? until : 600);
        if (whole.status != SL_FRAME_COMPLETE) {
            require(whole.status == SL_FRAME_LOST || size < DNP3_MAX_MESSAGE);
            break;
        }
        require(whole.length >= LINK_HEADER_SIZE && whole.length <= DNP3_MAX_MESSAGE);
        decode(direction, data, whole.length);
        data += whole.length;
        size -= whole.length;
    }
    free(copy);
    return 0;
}
