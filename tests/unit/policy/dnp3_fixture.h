/* SPDX-License-Identifier: BSD-2-Clause */
/* A DNP3 service with the rules that a test writes down, and messages to put to it. */
#ifndef SLUICE_TEST_DNP3_FIXTURE_H
#define SLUICE_TEST_DNP3_FIXTURE_H

#include "policy_fixture.h"

#include "dnp3/wire.h"
#include "policy/state.h"
#include "protocols/dnp3/rules.h"

#define DNP3_SERVICE                                                                               \
    "gateway:\n"                                                                                   \
    "  external: { nic: ext0, address: 192.168.96.2/24 }\n"                                        \
    "  internal: { nic: int0, address: 192.168.95.1/24 }\n"                                        \
    "hosts: { hmi: 192.168.96.10, historian: 192.168.96.20, office: 10.1.0.0/16 }\n"               \
    "services:\n"                                                                                  \
    "  - name: substation\n"                                                                       \
    "    protocol: dnp3\n"                                                                         \
    "    listen: 192.168.96.2:20000\n"                                                             \
    "    device: 192.168.95.2:20000\n"
#define DNP3_HEAD                                                                                  \
    DNP3_SERVICE                                                                                   \
    "    stations:\n"                                                                              \
    "      - { master: 3, outstation: 4 }\n"                                                       \
    "      - { master: 3, outstation: 5, device-outstation: 1 }\n"                                 \
    "      - { master: 7, outstation: 4, device-master: 100 }\n"                                   \
    "      - { master: 3, outstation: 65535 }\n"
/* Line of the first rule. */
#define DNP3_FIRST_RULE 16u
#define DNP3_RULES      DNP3_HEAD "    rules:\n"

/* A fragment in hexadecimal (dnp3/wire.h) as its receiver decodes it. */
static inline struct decoded dnp3_message(enum sl_direction direction, uint16_t master,
                                          uint16_t outstation, const char *text)
{
    static struct wire fragment;
    struct wire wire = {.length = 0};
    const bool request = direction == SL_REQUEST;
    fragment.length = 0;
    wire_hex(&fragment, text);
    wire_segments(&wire, USER_DATA | (request ? FROM_MASTER : 0), request ? outstation : master,
                  request ? master : outstation, &fragment, 249, 0);
    const struct decoded decoded = wire_decode(direction, &wire);
    if (decoded.reason != SL_REASON_NONE) {
        fprintf(stderr, "%s: %s\n", text, sl_reason_name(decoded.reason));
        fail();
    }
    return decoded;
}

/* Between master 3 and outstation 4. */
static inline struct sl_decision dnp3_decision(const struct fixture *f, struct policy_state *state,
                                               uint32_t client, const char *text)
{
    const struct decoded asked = dnp3_message(SL_REQUEST, 3, 4, text);
    return dnp3_decide_in(policy_service(f->image, 0), state, client, &asked.message, asked.length);
}

#endif
