/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A protocol as small as can be, to test what is the same for all: a message is '<', one digit
 * that counts the bytes after it, then a transaction and content; content '!' is malformed;
 * what does not begin with "<" and a digit has lost its framing.
 */
#ifndef FAKE_PROTOCOL_H
#define FAKE_PROTOCOL_H

#include <string.h>

#include "sluice/protocol.h"

#define FAKE_MAX 11u

static struct sl_frame fake_frame(enum sl_direction direction, const uint8_t *bytes, size_t length)
{
    (void)direction;
    if (length >= 1 && bytes[0] != '<')
        return (struct sl_frame){SL_FRAME_LOST, 0, SL_REASON_PROTOCOL_IDENTIFIER};
    if (length >= 2 && (bytes[1] < '1' || bytes[1] > '9'))
        return (struct sl_frame){SL_FRAME_LOST, 0, SL_REASON_LENGTH_FIELD};
    if (length < 2 || length < 2u + (size_t)(bytes[1] - '0'))
        return (struct sl_frame){SL_FRAME_MORE, 0, SL_REASON_NONE};
    return (struct sl_frame){SL_FRAME_COMPLETE, 2u + (size_t)(bytes[1] - '0'), SL_REASON_NONE};
}

static enum sl_reason fake_decode(enum sl_direction direction, const struct policy_service *service,
                                  const uint8_t *bytes, size_t length, void *canonical,
                                  size_t *canonical_length)
{
    (void)direction, (void)service;
    memcpy(canonical, bytes + 2, length - 2);
    *canonical_length = length - 2;
    return memchr(bytes, '!', length) ? SL_REASON_FUNCTION_UNKNOWN : SL_REASON_NONE;
}

static enum sl_reason fake_validate(enum sl_direction direction,
                                    const struct policy_service *service, const void *canonical,
                                    size_t length)
{
    (void)direction, (void)service;
    return memchr(canonical, '~', length) ? SL_REASON_CANONICAL_INVALID : SL_REASON_NONE;
}

/* Client 1 may say anything but 'd'. */
static struct sl_decision fake_decide(const struct policy_service *service, uint32_t client,
                                      const void *request, size_t length)
{
    (void)service;
    if (client != 1)
        return (struct sl_decision){false, SL_REASON_NO_RULE_CLIENT, UINT16_MAX};
    if (memchr(request, 'd', length))
        return (struct sl_decision){false, SL_REASON_DENY_RULE, 3};
    return (struct sl_decision){true, SL_REASON_NONE, 2};
}

/* A reply answers a request of the same length. */
static enum sl_reason fake_match(const struct policy_service *service, const void *request,
                                 size_t request_length, uint16_t key, const void *reply,
                                 size_t reply_length)
{
    (void)service, (void)request, (void)key, (void)reply;
    return request_length == reply_length ? SL_REASON_NONE : SL_REASON_REPLY_SHAPE;
}

static const struct sl_protocol fake_protocol = {.name = "fake",
                                                 .max_message = FAKE_MAX,
                                                 .max_canonical = FAKE_MAX - 2,
                                                 .frame = fake_frame,
                                                 .decode = fake_decode,
                                                 .validate = fake_validate,
                                                 .decide = fake_decide,
                                                 .match = fake_match};

#endif
