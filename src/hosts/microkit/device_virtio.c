/* SPDX-License-Identifier: BSD-2-Clause */
#include <microkit.h>

#include "drivers/virtio_mmio/virtio_net.h"
#include "hosts/microkit/device.h"
#include "hosts/microkit/domain.h"
#include "hosts/microkit/fault.h"

static struct virtio_net net;

const char *device_start(const struct domain_config *config)
{
    if (config->dma.size < virtio_net_memory_size())
        return "DMA region is too small";
    const char *wrong = virtio_net_start(&net, virtio_mapped_bus((void *)config->device.base),
                                         (void *)config->dma.base, domain_dma_address);
    /* After a restart the interrupt may still be masked from before. */
    microkit_irq_ack(DOMAIN_CHANNEL_DEVICE);
    return wrong;
}

struct nic_driver *device_driver(void)
{
    return &net.driver;
}

void device_interrupt(void)
{
    virtio_net_interrupt(&net);
    microkit_irq_ack(DOMAIN_CHANNEL_DEVICE);
}

bool device_pending(void)
{
    return false;
}

bool device_polls(void)
{
    return false;
}

/* One that cannot be used at all, reset or not, is tried anew at every start of the pipeline. */
void device_flush(void)
{
    if (net.broken)
        domain_fault(net.broken, 0, 0);
}
