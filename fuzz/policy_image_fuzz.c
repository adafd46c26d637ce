/* SPDX-License-Identifier: BSD-2-Clause */
/* A damaged policy image: its check says no, or every decision stays within. The input is a
 * canonical message, then patches of three bytes: an offset into the image and a byte. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/image.h"
#include "policy/site.h"
#include "protocols/modbus/rules.h"

static const char text[] =
    "gateway: { external: { nic: a, address: 10.0.0.2/24 },\n"
    "           internal: { nic: b, address: 10.0.1.1/24 } }\n"
    "hosts: { h: 10.0.0.3 }\n"
    "services:\n"
    "  - name: s\n"
    "    protocol: modbus-tcp\n"
    "    listen: 10.0.0.2\n"
    "    device: 10.0.1.2\n"
    "    opaque: [ { function: 90, length: 2-9 } ]\n"
    "    rules:\n"
    "      - { allow: [read, 23], from: [h, 10.1.0.0/16], unit: 1-3, address: [0-9, 20] }\n"
    "      - { allow: write, address: 40-43, value: -1.5-2e3, type: float32 }\n"
    "      - { deny: write, address: 42-50, value: 5 }\n"
    "      - { allow: read, file: 4 }\n"
    "      - { allow: 90, from: h }\n";

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
    struct modbus_message message = {0};
    const size_t head = size < sizeof message ? size : sizeof message;
    memcpy(&message, data, head);
    uint8_t *image = malloc(length);
    memcpy(image, whole, length);
    for (size_t i = head; i + 3 <= size; i += 3)
        image[(size_t)(data[i] << 8 | data[i + 1]) % length] = data[i + 2];
    if (policy_image_check(image, length) == NULL)
        for (unsigned i = 0; policy_service(image, i); i++) {
            const struct policy_service *service = policy_service(image, i);
            (void)policy_service_name(service);
            (void)modbus_opaque_find(service, message.function, SL_REQUEST);
            (void)modbus_decide(service, UINT32_C(0x0a000003), &message, sizeof message);
        }
    free(image);
    return 0;
}
