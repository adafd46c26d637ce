/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hostile canonical bytes, a request and a reply (two bytes say how long the request is). What
 * validate accepts encodes to a message that decodes to the same; match and refuse hold on any
 * accepted pair; describe holds on anything.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/dnp3/dnp3.h"

static void require(int holds)
{
    if (!holds)
        abort();
}

/* Exactly as long as it says, so that a read beyond is found. */
static void *copy(const uint8_t *data, size_t size)
{
    void *bytes = malloc(size ? size : 1);
    require(bytes != NULL);
    memcpy(bytes, data, size);
    return bytes;
}

static void print(enum sl_direction direction, const void *canonical, size_t length)
{
    char text[512]; /* short enough to overflow */
    struct sl_json json;
    sl_json_start(&json, text, sizeof text);
    dnp3_describe(&json, direction, canonical, length, true);
    char words[100];
    dnp3_phrase(words, sizeof words, direction, canonical, length);
}

static int good(enum sl_direction direction, const void *canonical, size_t length)
{
    print(direction, canonical, length);
    (void)dnp3_key(canonical, length);
    uint8_t bytes[DNP3_MAX_MESSAGE];
    if (dnp3_validate_malformed(canonical, length) == SL_REASON_NONE)
        (void)dnp3_refuse(canonical, length, SL_REASON_RANGE, bytes, sizeof bytes);
    if (dnp3_validate(direction, NULL, canonical, length) != SL_REASON_NONE)
        return 0;
    static struct dnp3_message again;
    size_t again_length;
    size_t written =
        dnp3_encode(direction, canonical, length, dnp3_key(canonical, length), bytes, sizeof bytes);
    require(written > 0);
    require(dnp3_frame(direction, bytes, written).status == SL_FRAME_COMPLETE);
    require(dnp3_frame(direction, bytes, written).length == written);
    require(dnp3_decode(direction, NULL, bytes, written, &again, &again_length) == SL_REASON_NONE);
    require(again_length == length && memcmp(&again, canonical, length) == 0);
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t request_length = (size_t)(data[0] << 8 | data[1]);
    data += 2;
    size -= 2;
    if (request_length > size)
        request_length = size;
    size_t reply_length = size - request_length;
    void *request = copy(data, request_length);
    void *reply = copy(data + request_length, reply_length);
    int request_good = good(SL_REQUEST, request, request_length);
    int reply_good = good(SL_REPLY, reply, reply_length);
    if (request_good) {
        uint8_t bytes[DNP3_MAX_MESSAGE];
        (void)dnp3_refuse(request, request_length, SL_REASON_NO_RULE, bytes, sizeof bytes);
    }
    if (request_good && reply_good) {
        (void)dnp3_match(NULL, request, request_length, dnp3_key(reply, reply_length), reply,
                         reply_length);
        require(dnp3_normalise(request, request_length, reply, reply_length) == reply_length);
        (void)dnp3_notable(reply, reply_length);
    }
    free(request);
    free(reply);
    return 0;
}
