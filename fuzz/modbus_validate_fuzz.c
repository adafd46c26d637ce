/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hostile canonical bytes, a request and a reply (two bytes say how long the request is). What
 * validate accepts encodes to a message that decodes to the same; match, normalise and refuse
 * hold on any accepted pair; describe holds on anything.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/modbus/modbus.h"

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
    modbus_describe(&json, direction, canonical, length, true);
}

static int good(enum sl_direction direction, const void *canonical, size_t length)
{
    print(direction, canonical, length);
    (void)modbus_key(canonical, length);
    if (modbus_validate_malformed(canonical, length) == SL_REASON_NONE) {
        uint8_t refusal[MODBUS_MAX_ADU];
        (void)modbus_refuse(canonical, length, SL_REASON_TRUNCATED, refusal, sizeof refusal);
    }
    if (modbus_validate(direction, NULL, canonical, length) != SL_REASON_NONE)
        return 0;
    uint8_t bytes[MODBUS_MAX_ADU];
    struct modbus_message again;
    size_t again_length;
    size_t written = modbus_encode(direction, canonical, length, modbus_key(canonical, length),
                                   bytes, sizeof bytes);
    require(written > MODBUS_MBAP_SIZE);
    require(modbus_frame(direction, bytes, written).status == SL_FRAME_COMPLETE);
    require(modbus_frame(direction, bytes, written).length == written);
    require(modbus_decode(direction, NULL, bytes, written, &again, &again_length) ==
            SL_REASON_NONE);
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
    if (request_good && reply_good &&
        modbus_match(NULL, request, request_length, modbus_key(reply, reply_length), reply,
                     reply_length) == SL_REASON_NONE) {
        uint8_t bytes[MODBUS_MAX_ADU];
        size_t length = modbus_normalise(request, request_length, reply, reply_length);
        require(length <= reply_length && length == modbus_canonical_size(reply));
        require(modbus_encode(SL_REPLY, reply, length, 1, bytes, sizeof bytes) != 0);
    }
    free(request);
    free(reply);
    return 0;
}
