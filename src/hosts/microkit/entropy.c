/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entropy domain: fetches randomness from a virtio entropy device once and gives each
 * component that asks for random bytes a key of its own. Where there is no device, or it does
 * not answer, keys come from the random bytes that the build put in and the counter: known to
 * whoever has the image, and said so in each seed.
 */
#include <microkit.h>
#include <string.h>

#include "drivers/virtio_mmio/virtio_entropy.h"
#include "hosts/microkit/domain.h"
#include "hosts/microkit/random.h"
#include "sluice/barrier.h"

#define ANSWER_LIMIT_NS                                                                            \
    UINT64_C(200000000) /* a device that has not answered by then never will                       \
                         */
#define DEVICE_BYTES 64u

static struct virtio_entropy device;
static struct random pool;

/* Mixes what the device gives into the pool; false when that is less than DEVICE_BYTES. */
static bool ask_device(const struct domain_entropy_config *config)
{
    static uint8_t bytes[VIRTIO_ENTROPY_MAX];
    if (!config->device.base ||
        virtio_entropy_start(&device, virtio_mapped_bus((void *)config->device.base),
                             (void *)config->dma.base, domain_dma_address))
        return false;
    uint64_t limit = domain_now() + ANSWER_LIMIT_NS;
    for (uint32_t have = 0; have < DEVICE_BYTES;) {
        virtio_entropy_ask(&device, DEVICE_BYTES - have);
        int length = 0;
        while (length == 0 && domain_now() < limit)
            length = virtio_entropy_answer(&device, bytes);
        if (length <= 0)
            return false;
        random_mix(&pool, bytes, (size_t)length);
        have += (uint32_t)length;
    }
    return virtio_reset(&device.bus);
}

void init(void)
{
    const struct domain_entropy_config *config = (const void *)sluice_config;
    uint64_t now = domain_now();
    random_seed(&pool, config->build_seed);
    random_mix(&pool, &now, sizeof now);
    bool from_device = ask_device(config);
    now = domain_now();
    random_mix(&pool, &now, sizeof now);
    for (uint32_t i = 0; i < config->seed_count; i++) {
        struct domain_seed *seed = (void *)config->seed[i].base;
        random_bytes(&pool, seed->key, sizeof seed->key);
        seed->from_device = from_device;
        sl_store_release(&seed->ready, 1);
    }
}

void notified(microkit_channel channel)
{
    (void)channel;
}
