/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client or a device in place of the NIC, for measurement. The client tells the supervisor when
 * the measured requests begin and end, and leaves the counter's readings in their shared page.
 */
#include <microkit.h>
#include <stddef.h>

#include "drivers/synthetic/synthetic.h"
#include "hosts/microkit/device.h"
#include "hosts/microkit/domain.h"
#include "sluice/barrier.h"

static struct synthetic synthetic;
static struct domain_bench *bench;

const char *device_start(const struct domain_config *config)
{
    const struct domain_synthetic *told = &config->synthetic;
    struct synthetic_endpoint own = {
        .mac = {0x02, 'S', 'L', 'G', 1, told->client}, .address = told->own_address, .port = 40000};
    struct synthetic_endpoint gateway = {.address = told->gateway_address,
                                         .port = told->gateway_port};
    for (unsigned i = 0; i < sizeof gateway.mac; i++)
        gateway.mac[i] = told->gateway_mac[i];
    bench = (void *)config->bench.base;
    synthetic_start(&synthetic, told->client, &own, &gateway,
                    (uint64_t)told->warm_up + told->measured);
    return NULL;
}

struct nic_driver *device_driver(void)
{
    return &synthetic.driver;
}

void device_interrupt(void) {}

bool device_polls(void)
{
    return false;
}

bool device_pending(void)
{
    return synthetic_pending(&synthetic);
}

static void mark(uint32_t phase, uint64_t *reading)
{
    microkit_notify(DOMAIN_CHANNEL_TRANSMIT); /* the supervisor runs at once, and returns */
    *reading = domain_counter();
    sl_store_release(&bench->phase, phase);
}

void device_flush(void)
{
    const struct domain_synthetic *told = &((const struct domain_config *)sluice_config)->synthetic;
    if (!bench || !told->client)
        return;
    uint32_t phase = sl_load_relaxed(&bench->phase);
    if (phase == BENCH_WARM_UP && synthetic.replies >= told->warm_up) {
        bench->first = synthetic.replies;
        mark(BENCH_MEASURED, &bench->start);
    } else if (phase == BENCH_MEASURED && synthetic.replies == synthetic.wanted) {
        bench->end = domain_counter();
        bench->last = synthetic.replies;
        sl_store_release(&bench->phase, BENCH_DONE);
        microkit_notify(DOMAIN_CHANNEL_TRANSMIT);
    }
}
