/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client or a device in place of the NIC, for measurement. The client leaves the counter's
 * readings where the monitor finds them and writes them out.
 */
#include "drivers/synthetic/synthetic.h"
#include "hosts/camkes/instance.h"
#include "hosts/camkes/instance_time.h"
#include "hosts/camkes/nic.h"
#include "sluice/barrier.h"

static struct synthetic synthetic;

const char *nic_start(const struct instance *instance)
{
    const struct instance_synthetic *told = &instance->synthetic;
    struct synthetic_endpoint own = {
        .mac = {0x02, 'S', 'L', 'G', 1, told->client}, .address = told->own_address, .port = 40000};
    struct synthetic_endpoint gateway = {.address = told->gateway_address,
                                         .port = told->gateway_port};
    for (unsigned i = 0; i < sizeof gateway.mac; i++)
        gateway.mac[i] = told->gateway_mac[i];
    synthetic_start(&synthetic, told->client, &own, &gateway,
                    (uint64_t)told->warm_up + told->measured);
    return NULL;
}

struct nic_driver *nic_driver(void)
{
    return &synthetic.driver;
}

void nic_interrupt(const struct instance *instance)
{
    (void)instance;
}

bool nic_pending(void)
{
    return synthetic_pending(&synthetic);
}

void nic_flush(const struct instance *instance)
{
    static uint64_t start, first;
    const struct instance_synthetic *told = &instance->synthetic;
    struct instance_measure *measure = instance->measure;
    if (!told->client || sl_load_relaxed(&measure->done))
        return;
    if (start == 0 && synthetic.replies >= told->warm_up) {
        first = synthetic.replies;
        start = instance_counter();
    } else if (start && synthetic.replies == synthetic.wanted) {
        measure->ticks = instance_counter() - start;
        measure->requests = synthetic.replies - first;
        sl_store_release(&measure->done, 1);
    }
}
