/* SPDX-License-Identifier: BSD-2-Clause */
#include <microkit.h>
#include <stddef.h>

#include "drivers/sddf/sddf_net.h"
#include "hosts/microkit/device.h"
#include "hosts/microkit/domain.h"
#include "hosts/microkit/fault.h"

static struct sddf_net net;

const char *device_start(const struct domain_config *config)
{
    const struct sl_nic_config *own = (const void *)(config + 1);
    const struct domain_peer *receive = &config->peer[0], *transmit = &config->peer[1];
    struct sddf_place place[2];
    for (unsigned i = 0; i < 2; i++) {
        const struct domain_peer *peer = &config->peer[i];
        place[i] = (struct sddf_place){(void *)peer->to.base, (void *)peer->from.base,
                                       (void *)peer->buffers.base, peer->address, peer->count};
    }
    if (receive->count == 0 || receive->count > SDDF_MAX_BUFFERS || transmit->count == 0 ||
        transmit->count > SDDF_MAX_BUFFERS)
        return "sDDF queues of an impossible size";
    sddf_net_start(&net, &place[0], &place[1], own->mac);
    return NULL;
}

struct nic_driver *device_driver(void)
{
    return &net.driver;
}

void device_interrupt(void) {}

bool device_pending(void)
{
    return false;
}

bool device_polls(void)
{
    return true;
}

/* The stock driver is told of every batch, whether it asked for it or not. */
void device_flush(void)
{
    if (net.broken)
        domain_fault(net.broken, 0, 0);
    if (net.gave_receive)
        microkit_notify(DOMAIN_CHANNEL_DEVICE);
    if (net.gave_transmit)
        microkit_notify(DOMAIN_CHANNEL_TRANSMIT);
    net.gave_receive = net.gave_transmit = false;
}
