/* SPDX-License-Identifier: BSD-2-Clause */
/* What may be done with a canonical request that validate() accepted, and with a reply to it. */
#include "any.h"
#include "protocols/dnp3/dnp3.h"

static struct dnp3_message request, reply;
static uint8_t bytes[DNP3_MAX_MESSAGE];
static char text[160];

int main(void)
{
    const size_t length = any_size(0, sizeof request), reply_length = any_size(0, sizeof reply);
    const uint16_t key = Frama_C_unsigned_short_interval(0, UINT16_MAX);
    any_bytes(&request, sizeof request);
    any_bytes(&reply, sizeof reply);
    if (dnp3_validate(SL_REQUEST, NULL, &request, length) != SL_REASON_NONE)
        return 0;
    dnp3_expects_reply(NULL, &request, length);
    dnp3_encode(SL_REQUEST, &request, length, key, bytes, sizeof bytes);
    dnp3_refuse(&request, length, SL_REASON_DENY_RULE, bytes, sizeof bytes);
    dnp3_phrase(text, sizeof text, SL_REQUEST, &request, length);
    if (dnp3_validate(SL_REPLY, NULL, &reply, reply_length) != SL_REASON_NONE)
        return 0;
    dnp3_notable(&reply, reply_length);
    if (dnp3_match(NULL, &request, length, key, &reply, reply_length) != SL_REASON_NONE)
        return 0;
    const size_t normal = dnp3_normalise(&request, length, &reply, reply_length);
    dnp3_encode(SL_REPLY, &reply, normal, key, bytes, sizeof bytes);
    return 0;
}
