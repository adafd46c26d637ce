/* SPDX-License-Identifier: BSD-2-Clause */
/* A damaged policy image of a DNP3 service: its check says no, or every decision, and what is
 * remembered of it, stays within. The input is which request, then patches of three bytes: an
 * offset into the image and a byte. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/image.h"
#include "policy/site.h"
#include "policy/state.h"
#include "protocols/dnp3/link.h"
#include "protocols/dnp3/rules.h"

static const char text[] =
    "gateway: { external: { nic: a, address: 10.0.0.2/24 },\n"
    "           internal: { nic: b, address: 10.0.1.1/24 } }\n"
    "services:\n"
    "  - name: s\n"
    "    protocol: dnp3\n"
    "    listen: 10.0.0.2\n"
    "    device: 10.0.1.2\n"
    "    stations: [ { master: 3, outstation: 4 },\n"
    "                { master: 3, outstation: 5, device-outstation: 1 } ]\n"
    "    rules:\n"
    "      - { allow: read, from: [10.0.0.3, 10.1.0.0/16], group: [1, 30], index: [0-9, 20] }\n"
    "      - { allow: control, index: 3, operation: pulse-on, on-time: 0-9, count: [1, 3],\n"
    "          select-before-operate: required }\n"
    "      - { allow: direct-operate, index: 0-3, value: [-1.5-2e3, 9e9], max-step: 5 }\n"
    "      - { deny: control, index: 2, value: 5, expires: 2026-12-31 }\n"
    "      - { allow: [time, file, restart], outstation: 5, rate: 5/s }\n";

/* Application fragments: length, then octets. */
static const struct {
    uint8_t length, octets[40];
} requests[] = {
    {7, {0xc0, 1, 30, 0, 0, 2, 9}},
    {8, {0xc0, 1, 1, 1, 0x17, 2, 20, 3}},
    {8, {0xc0, 1, 60, 2, 6, 60, 3, 6}},
    {18, {0xc0, 3, 12, 1, 0x17, 1, 3, 1, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0}},
    {18, {0xc1, 4, 12, 1, 0x17, 1, 3, 1, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0}},
    {10, {0xc0, 5, 41, 2, 0x17, 1, 2, 5, 0, 0}},
    {12, {0xc0, 5, 41, 3, 0x17, 1, 2, 0, 0, 0xc8, 0x42, 0}},
    {16, {0xc0, 5, 41, 4, 0x17, 1, 2, 0, 0, 0, 0, 0, 0, 0x59, 0x40, 0}},
    {23, {0xc0, 5, 12, 2, 7, 1, 1, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 12, 3, 0, 0, 7, 0x81}},
    {12, {0xc0, 2, 50, 1, 7, 1, 0, 0, 0, 0, 0, 0}},
    {2, {0xc0, 13}},
};
#define REQUESTS (sizeof requests / sizeof requests[0])

/* As a decoder leaves it; between master 3 and outstation 4 or 5. */
static size_t request_of(size_t number, uint16_t outstation, struct dnp3_message *message)
{
    uint8_t bytes[256];
    size_t length = 0;
    struct sl_writer out = sl_writer(bytes, sizeof bytes);
    struct sl_reader fragment = sl_reader(requests[number].octets, requests[number].length);
    link_write_segments(&out, LINK_DIR | LINK_PRM | LINK_UNCONFIRMED_USER_DATA, outstation, 3,
                        &fragment);
    if (dnp3_decode(SL_REQUEST, NULL, bytes, out.length, message, &length) != SL_REASON_NONE)
        abort();
    return length;
}

static void use(const void *image, const struct dnp3_message *message, size_t length)
{
    static struct policy_state state;
    memset(&state, 0, sizeof state);
    policy_state_init(&state, image);
    for (unsigned i = 0; policy_service(image, i); i++) {
        const struct policy_service *const service = policy_service(image, i);
        policy_state_begin(&state, 1, UINT64_C(1800000000000000000), UINT32_C(0x0a000003));
        (void)dnp3_decide_in(service, &state, UINT32_C(0x0a000003), message, length);
        policy_state_spend(&state);
        dnp3_note_sent(service, &state, message, length);
        /* any reply that is one; the device's echo of a command among them */
        struct dnp3_message reply = *message;
        reply.function = DNP3_RESPONSE;
        reply.source = message->destination;
        reply.destination = message->source;
        const bool echo = dnp3_validate(SL_REPLY, service, &reply, length) == SL_REASON_NONE;
        dnp3_note_outcome(service, &state, message, length, state.order, echo ? &reply : NULL,
                          echo ? length : 0);
        if (echo)
            (void)dnp3_decide_reply(service, message, length, &reply, length);
        (void)dnp3_reply_within(service, 1, 2048);
        (void)dnp3_station_of_device(service, 3, 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void *whole;
    static size_t length;
    if (whole == NULL) {
        struct site *site = site_load_text("fuzz", text, sizeof text - 1, stderr);
        whole = site_compile(site, &length, stderr);
        site_free(site);
    }
    if (size == 0)
        return 0;
    static struct dnp3_message message;
    const size_t message_length =
        request_of((data[0] & 0x7f) % REQUESTS, data[0] & 0x80 ? 5 : 4, &message);
    uint8_t *image = malloc(length);
    memcpy(image, whole, length);
    for (size_t i = 1; i + 3 <= size; i += 3)
        image[(size_t)(data[i] << 8 | data[i + 1]) % length] = data[i + 2];
    if (policy_image_check(image, length) == NULL)
        use(image, &message, message_length);
    free(image);
    return 0;
}
