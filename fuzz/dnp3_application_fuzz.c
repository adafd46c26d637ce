/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One application fragment of either direction (the first byte says which), put in link frames.
 * What decode accepts, validate accepts; encode repeats it, and decoding that gives the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/dnp3/dnp3.h"
#include "protocols/dnp3/link.h"

static void require(int holds)
{
    if (!holds)
        abort();
}

static void print(enum sl_direction direction, const struct dnp3_message *message, size_t length)
{
    static char text[DNP3_DESCRIBE_MAX];
    struct sl_json json;
    sl_json_start(&json, text, sizeof text);
    sl_json_open_object(&json, NULL);
    dnp3_describe(&json, direction, message, length, true);
    sl_json_close_object(&json);
    require(!json.overflow);
}

static void refuse(const struct dnp3_message *message, size_t length, enum sl_reason reason)
{
    uint8_t refusal[DNP3_MAX_MESSAGE];
    struct dnp3_message answer;
    size_t answer_length;
    size_t refused = dnp3_refuse(message, length, reason, refusal, sizeof refusal);
    if (refused == 0)
        return;
    require(dnp3_decode(SL_REPLY, NULL, refusal, refused, &answer, &answer_length) ==
            SL_REASON_NONE);
    require(answer.sequence == message->sequence && answer.source == message->destination);
}

static void accepted(enum sl_direction direction, const struct dnp3_message *message, size_t length)
{
    uint8_t bytes[DNP3_MAX_MESSAGE];
    static struct dnp3_message again;
    size_t again_length;
    require(length <= sizeof *message);
    require(dnp3_validate(direction, NULL, message, length) == SL_REASON_NONE);
    size_t written =
        dnp3_encode(direction, message, length, dnp3_key(message, length), bytes, sizeof bytes);
    require(written > 0);
    struct sl_frame frame = dnp3_frame(direction, bytes, written);
    require(frame.status == SL_FRAME_COMPLETE && frame.length == written);
    memset(&again, 0x5a, sizeof again);
    require(dnp3_decode(direction, NULL, bytes, written, &again, &again_length) == SL_REASON_NONE);
    require(again_length == length && memcmp(&again, message, length) == 0);
    if (direction == SL_REQUEST)
        refuse(message, length, SL_REASON_NO_RULE);
}

static void malformed(enum sl_direction direction, const struct dnp3_message *message,
                      size_t length, enum sl_reason reason)
{
    require(message->kind == DNP3_MALFORMED);
    require(dnp3_validate_malformed(message, length) == SL_REASON_NONE);
    require(dnp3_validate(direction, NULL, message, length) != SL_REASON_NONE);
    if (direction == SL_REQUEST)
        refuse(message, length, reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > DNP3_MAX_FRAGMENT + 64)
        return 0;
    enum sl_direction direction = data[0] & 1 ? SL_REPLY : SL_REQUEST;
    uint8_t bytes[DNP3_MAX_MESSAGE];
    struct sl_writer frames = sl_writer(bytes, sizeof bytes);
    struct sl_reader fragment = sl_reader(data + 1, size - 1);
    link_write_segments(
        &frames, LINK_PRM | LINK_UNCONFIRMED_USER_DATA | (direction == SL_REQUEST ? LINK_DIR : 0),
        4, 3, &fragment);
    require(!frames.failed);
    static struct dnp3_message message;
    size_t length = 0;
    memset(&message, 0xa5, sizeof message);
    enum sl_reason reason = dnp3_decode(direction, NULL, bytes, frames.length, &message, &length);
    if (reason == SL_REASON_NONE)
        accepted(direction, &message, length);
    else
        malformed(direction, &message, length, reason);
    print(direction, &message, length);
    return 0;
}
