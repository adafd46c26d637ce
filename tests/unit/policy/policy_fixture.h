/* SPDX-License-Identifier: BSD-2-Clause */
/* A policy made from the rules that a test writes down, and messages to put to it. */
#ifndef SLUICE_TEST_POLICY_FIXTURE_H
#define SLUICE_TEST_POLICY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/compiler/image_build.h"
#include "policy/compiler/load.h"
#include "policy/image.h"
#include "policy/site.h"
#include "protocols/modbus/rules.h"
#include "sluice/audit.h"

#define FIXTURE_HEAD                                                                               \
    "gateway:\n"                                                                                   \
    "  external: { nic: ext0, address: 192.168.96.2/24 }\n"                                        \
    "  internal: { nic: int0, address: 192.168.95.1/24 }\n"                                        \
    "hosts: { hmi: 192.168.96.10, historian: 192.168.96.20, office: 10.1.0.0/16 }\n"               \
    "services:\n"                                                                                  \
    "  - name: boiler\n"                                                                           \
    "    protocol: modbus-tcp\n"                                                                   \
    "    listen: 192.168.96.2:502\n"                                                               \
    "    device: 192.168.95.2:502\n"

#define HMI       UINT32_C(0xc0a8600a)
#define HISTORIAN UINT32_C(0xc0a86014)
#define OFFICE    UINT32_C(0x0a010203)

struct fixture {
    struct site site;
    struct site_policy policy;
    struct mistakes mistakes;
    struct loader loader;
    uint8_t *image; /* NULL after a mistake */
    size_t size;
};

/* Like site_load_text, but void rules stay and mistakes can be looked at. */
static inline void fixture_open(struct fixture *fixture, const char *text)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->mistakes.arena = &fixture->policy.arena;
    fixture->policy.warnings.arena = &fixture->policy.arena;
    fixture->site.policy = &fixture->policy;
    fixture->loader = (struct loader){.site = &fixture->site,
                                      .policy = &fixture->policy,
                                      .arena = &fixture->policy.arena,
                                      .mistakes = &fixture->mistakes};
    load_configuration(&fixture->loader, text, strlen(text));
    if (fixture->mistakes.list.count == 0)
        fixture->image = image_build(&fixture->loader, &fixture->size);
    if (fixture->image)
        assert_null(policy_image_check(fixture->image, fixture->size));
}

static inline void fixture_want_image(struct fixture *fixture, const char *text)
{
    fixture_open(fixture, text);
    if (fixture->image == NULL) {
        mistakes_print(&fixture->mistakes, "test", stderr);
        fprintf(stderr, "%s", text);
        fail();
    }
}

static inline void fixture_close(struct fixture *fixture)
{
    arena_free(&fixture->policy.arena);
}

/* Requests, as a decoder leaves them. */
static inline struct modbus_message reads(uint8_t function, uint16_t address, uint16_t quantity)
{
    return (struct modbus_message){.kind = MODBUS_REQUEST,
                                   .function = function,
                                   .unit = 1,
                                   .address = address,
                                   .quantity = quantity};
}

static inline struct modbus_message writes(uint8_t function, uint16_t address, uint16_t count,
                                           const uint16_t *values)
{
    struct modbus_message m = reads(function, address, count);
    m.count = count;
    for (unsigned i = 0; i < count; i++)
        m.value.registers[i] = values[i];
    return m;
}

static inline struct sl_decision decide(const struct fixture *fixture, uint32_t client,
                                        const struct modbus_message *message)
{
    return modbus_decide(policy_service(fixture->image, 0), client, message, sizeof *message);
}

#endif
