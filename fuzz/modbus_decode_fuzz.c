/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One message of either direction (the first byte says which). What decode accepts, validate
 * accepts, encode repeats but for padding bits, and decoding that gives the same message.
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

static void print(enum sl_direction direction, const struct modbus_message *message, size_t length)
{
    char text[MODBUS_DESCRIBE_MAX];
    struct sl_json json;
    sl_json_start(&json, text, sizeof text);
    modbus_describe(&json, direction, message, length, true);
    require(!json.overflow);
}

static void malformed(enum sl_direction direction, const struct modbus_message *message,
                      size_t length, enum sl_reason reason)
{
    uint8_t refusal[MODBUS_MAX_ADU];
    require(message->kind == MODBUS_MALFORMED);
    require(modbus_validate_malformed(message, length) == SL_REASON_NONE);
    require(modbus_validate(direction, NULL, message, length) != SL_REASON_NONE);
    size_t refused = modbus_refuse(message, length, reason, refusal, sizeof refusal);
    require(refused == 0 || refused == 9);
}

static void accepted(enum sl_direction direction, const struct modbus_message *message,
                     size_t length, size_t wire_length)
{
    uint8_t bytes[MODBUS_MAX_ADU];
    struct modbus_message again;
    size_t again_length;
    require(length == modbus_canonical_size(message));
    require(modbus_validate(direction, NULL, message, length) == SL_REASON_NONE);
    size_t written =
        modbus_encode(direction, message, length, modbus_key(message, length), bytes, sizeof bytes);
    require(written == wire_length);
    memset(&again, 0x5a, sizeof again);
    require(modbus_decode(direction, NULL, bytes, written, &again, &again_length) ==
            SL_REASON_NONE);
    require(again_length == length && memcmp(&again, message, length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct modbus_message message;
    size_t length = 0;
    if (size < 1)
        return 0;
    enum sl_direction direction = data[0] & 1 ? SL_REPLY : SL_REQUEST;
    memset(&message, 0xa5, sizeof message);
    enum sl_reason reason = modbus_decode(direction, NULL, data + 1, size - 1, &message, &length);
    if (reason == SL_REASON_NONE)
        accepted(direction, &message, length, size - 1);
    else
        malformed(direction, &message, length, reason);
    print(direction, &message, length);
    return 0;
}
