/* SPDX-License-Identifier: BSD-2-Clause */
#include "components/synthetic/requests.h"

#define MALFORMED_IN    10u  /* one in so many */
#define OTHER_UNIT_IN   16u  /* a unit that few policies name */
#define REGISTERS       120u /* addresses run a little past what examples allow */
#define READ_MOST       16u
#define WRITE_MOST      8u
#define SETPOINT_LOW    100u
#define SETPOINT_SPREAD 200u

struct draft {
    uint8_t *bytes;
    size_t length;
};

static void put8(struct draft *draft, uint32_t value)
{
    draft->bytes[draft->length++] = (uint8_t)value;
}

static void put16(struct draft *draft, uint32_t value)
{
    put8(draft, value >> 8 & 0xff);
    put8(draft, value & 0xff);
}

void requests_start(struct requests *requests, uint64_t seed)
{
    /* Any seed, 0 too, gives a state that is not 0. */
    requests->state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1u;
    requests->transaction = 0;
}

uint32_t requests_random(struct requests *requests, uint32_t limit)
{
    requests->state ^= requests->state >> 12;
    requests->state ^= requests->state << 25;
    requests->state ^= requests->state >> 27;
    return (uint32_t)((requests->state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % limit;
}

static void put_registers(struct requests *requests, struct draft *draft, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        put16(draft, requests_random(requests, SETPOINT_SPREAD) + SETPOINT_LOW);
}

/* MODBUS Application Protocol V1.1b3, sections 6.1 to 6.12 */
static void put_valid(struct requests *requests, struct draft *draft)
{
    static const uint8_t functions[] = {1, 2, 3, 4, 5, 6, 16};
    uint32_t function = functions[requests_random(requests, sizeof functions)];
    uint32_t count = requests_random(requests, WRITE_MOST) + 1;
    put8(draft, function);
    put16(draft, requests_random(requests, REGISTERS));
    switch (function) {
    case 5:
        put16(draft, requests_random(requests, 2) ? 0xff00 : 0);
        break;
    case 6:
        put_registers(requests, draft, 1);
        break;
    case 16:
        put16(draft, count);
        put8(draft, 2 * count);
        put_registers(requests, draft, count);
        break;
    default:
        put16(draft, requests_random(requests, READ_MOST) + 1);
    }
}

static void put_malformed(struct requests *requests, struct draft *draft)
{
    uint32_t address = requests_random(requests, REGISTERS);
    switch (requests_random(requests, 6)) {
    case 0: /* quantity 0 */
        put8(draft, 3);
        put16(draft, address);
        put16(draft, 0);
        break;
    case 1: /* past the last address */
        put8(draft, 4);
        put16(draft, 0xffff);
        put16(draft, 2);
        break;
    case 2: /* a coil that is neither on nor off */
        put8(draft, 5);
        put16(draft, address);
        put16(draft, 0x1234);
        break;
    case 3: /* byte count against quantity */
        put8(draft, 16);
        put16(draft, address);
        put16(draft, 2);
        put8(draft, 3);
        put_registers(requests, draft, 2);
        break;
    case 4: /* a function that is none */
        put8(draft, 99);
        put16(draft, address);
        break;
    default: /* one byte too many */
        put8(draft, 6);
        put16(draft, address);
        put16(draft, SETPOINT_LOW);
        put8(draft, 0);
    }
}

size_t requests_next(struct requests *requests, uint8_t bytes[REQUEST_MAX])
{
    struct draft draft = {bytes, 0};
    put16(&draft, requests->transaction++);
    put16(&draft, 0); /* protocol */
    put16(&draft, 0); /* length: below */
    put8(&draft, requests_random(requests, OTHER_UNIT_IN) ? 1 : 2);
    if (requests_random(requests, MALFORMED_IN))
        put_valid(requests, &draft);
    else
        put_malformed(requests, &draft);
    bytes[4] = 0;
    bytes[5] = (uint8_t)(draft.length - 6);
    return draft.length;
}
