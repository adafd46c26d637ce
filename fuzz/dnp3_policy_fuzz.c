/* SPDX-License-Identifier: BSD-2-Clause */
/* A damaged policy image of a DNP3 service: its check says no, or every decision stays within. The
 * input is two octets of a length, so much of a canonical message, then patches of three bytes: an
 * offset into the image and a byte. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/image.h"
#include "policy/site.h"
#include "sluice/protocol.h"
#include "protocols/dnp3/dnp3.h"

static const char text[] =
    "gateway: { external: { nic: a, address: 10.0.0.2/24 },\n"
    "           internal: { nic: b, address: 10.0.1.1/24 } }\n"
    "hosts: { h: 10.0.0.3 }\n"
    "services:\n"
    "  - name: s\n"
    "    protocol: dnp3\n"
    "    listen: 10.0.0.2:20000\n"
    "    device: 10.0.1.2:20000\n"
    "    stations:\n"
    "      - { master: 1, outstation: 10 }\n"
    "      - { master: 2, outstation: 11, device-master: 100, device-outstation: 7 }\n"
    "    rules:\n"
    "      - { allow: read, from: h, group: [1, 30, 60] }\n"
    "      - { allow: control, group: 12, index: 3-9, operation: pulse-on, trip-close: trip,\n"
    "          on-time: 0-500, count: 1, select-before-operate: required }\n"
    "      - { allow: direct-operate, group: 41, index: 0-3, value: [-1.5-2e3, 9000],\n"
    "          max-step: { by: 5 } }\n"
    "      - { deny: control, group: 12, index: 7 }\n"
    "      - { allow: [file, restart, freeze], master: 2 }\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decide(const struct policy_service *service, const void *message, size_t length)
{
    (void)dnp3_protocol.decide(service, UINT32_C(0x0a000003), message, length);
    static struct dnp3_message reply;
    memcpy(&reply, message, length);
    if (dnp3_protocol.decide_reply)
        (void)dnp3_protocol.decide_reply(service, NULL, 0, &reply, length);
    if (dnp3_protocol.reply_within)
        (void)dnp3_protocol.reply_within(service, 3, 4000);
    if (dnp3_protocol.translate)
        (void)dnp3_protocol.translate(service, SL_REQUEST, &reply, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void *whole;
    static size_t length;
    static struct dnp3_message message;
    if (whole == NULL) {
        struct site *site = site_load_text("fuzz", text, sizeof text - 1, stderr);
        whole = site_compile(site, &length, stderr);
        site_free(site);
    }
    if (size < 2)
        return 0;
    size_t head = (size_t)(data[0] << 8 | data[1]);
    data += 2;
    size -= 2;
    head = head < size ? head : size;
    head = head < sizeof message ? head : sizeof message;
    memset(&message, 0, sizeof message);
    memcpy(&message, data, head);
    if (dnp3_validate(SL_REQUEST, NULL, &message, head) != SL_REASON_NONE)
        return 0;
    uint8_t *const image = malloc(length);
    memcpy(image, whole, length);
    for (size_t i = head; i + 3 <= size; i += 3)
        image[(size_t)(data[i] << 8 | data[i + 1]) % length] = data[i + 2];
    if (policy_image_check(image, length) == NULL)
        for (unsigned i = 0; policy_service(image, i); i++)
            if (policy_service(image, i)->protocol == SL_PROTOCOL_DNP3)
                decide(policy_service(image, i), &message, head);
    free(image);
    return 0;
}
