/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients that have closed their sending half and are owed replies. One that only half closed
 * waits for them; one that has left for good cannot be told from it until a reply reaches it. So
 * what the device has is answered, and what does not reach it soon is not sent any more: the
 * client may be back with another value already.
 */
#include "components/int_frontend/int_frontend.h"
#include "sluice/host.h"

#define STAYS UINT64_C(300000000) /* ns: long for a request that nothing holds up */

static void say_end(struct device *device)
{
    struct sl_record end = device_record(device);
    end.type = SL_RECORD_SESSION_END;
    device_end(device);
    (void)links_put(&device->frontend->links, &end, NULL, end.time);
}

void leaving_begin(struct device *device)
{
    if (device->leaves == 0)
        device->frontend->leaving++;
    device->leaves = device->frontend->stack.now + STAYS;
}

void leaving_keep(struct int_frontend *frontend)
{
    for (unsigned i = 0; frontend->leaving > 0 && i < frontend->session_limit; i++) {
        struct device *device = &frontend->device[i];
        if (device->leaves == 0)
            continue;
        if (device->requests > 0 && frontend->stack.now >= device->leaves)
            request_fail_waiting(service_carrier(device), device, SL_REASON_CLIENT_LEFT);
        if (device->requests == 0)
            say_end(device);
    }
}

uint64_t leaving_next(const struct int_frontend *frontend)
{
    uint64_t next = SL_NEVER;
    for (unsigned i = 0; frontend->leaving > 0 && i < frontend->session_limit; i++) {
        const uint64_t leaves = frontend->device[i].leaves;
        if (leaves > frontend->stack.now && leaves < next)
            next = leaves;
    }
    return next;
}
