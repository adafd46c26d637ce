/* SPDX-License-Identifier: BSD-2-Clause */
/* Our virtio-net driver in a CAmkES component: device page, DMA pool and interrupt of its own. */
#include "drivers/virtio_mmio/virtio_net.h"
#include "hosts/camkes/dma.h"
#include "hosts/camkes/nic.h"
#include "hosts/microkit/fault.h"

static struct virtio_net net;

const char *nic_start(const struct instance *instance)
{
    uint64_t address;
    uint8_t *memory = dma_take(virtio_net_memory_size(), &address);
    if (!memory)
        return "the DMA pool has no contiguous run for the NIC's buffers";
    const char *wrong =
        virtio_net_start(&net, virtio_mapped_bus(instance->device), memory, address);
    instance->acknowledge();
    return wrong;
}

struct nic_driver *nic_driver(void)
{
    return &net.driver;
}

void nic_interrupt(const struct instance *instance)
{
    virtio_net_interrupt(&net);
    instance->acknowledge();
}

bool nic_pending(void)
{
    return false;
}

void nic_flush(const struct instance *instance)
{
    (void)instance;
    if (net.broken)
        domain_fault(net.broken, 0, 0);
}
