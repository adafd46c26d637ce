/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entropy component: fetches randomness from a virtio entropy device once and gives each
 * component that asks for random bytes a key of its own, and with it what all are told once: the
 * boot identifier and what time it is. Where there is no device, or it does not answer, keys come
 * from the random bytes that the build put in and the counter: known to whoever has the image, and
 * said so in each seed.
 */
#include <sel4/sel4.h>
#include <string.h>

#include "drivers/virtio_mmio/virtio_entropy.h"
#include "hosts/camkes/dma.h"
#include "hosts/camkes/instance.h"
#include "hosts/camkes/instance_time.h"
#include "hosts/microkit/random.h"
#include "sluice/barrier.h"

/* A device that has not answered by then never will. */
#define ANSWER_LIMIT_NS UINT64_C(200000000)
#define DEVICE_BYTES    64u

static struct instance instance;
static struct virtio_entropy device;
static struct random pool;

/* Mixes what the device gives into the pool; false when that is less than DEVICE_BYTES. */
static bool ask_device(void)
{
    static uint8_t bytes[VIRTIO_ENTROPY_MAX];
    uint64_t address;
    void *memory = dma_take(VIRTIO_ENTROPY_MEMORY, &address);
    if (!memory ||
        virtio_entropy_start(&device, virtio_mapped_bus(instance.device), memory, address))
        return false;
    uint64_t limit = instance_now() + ANSWER_LIMIT_NS;
    for (uint32_t have = 0; have < DEVICE_BYTES;) {
        virtio_entropy_ask(&device, DEVICE_BYTES - have);
        int length = 0;
        while (length == 0 && instance_now() < limit)
            length = virtio_entropy_answer(&device, bytes);
        if (length <= 0)
            return false;
        random_mix(&pool, bytes, (size_t)length);
        have += (uint32_t)length;
    }
    return virtio_reset(&device.bus);
}

/* Unix time in nanoseconds minus instance_now(), from a PL031 (Arm DDI 0224: RTCDR, whole
 * seconds); 0 without one. */
static uint64_t wall_offset(void)
{
    if (!instance.rtc)
        return 0;
    uint64_t wall = instance.rtc[0] * UINT64_C(1000000000);
    uint64_t now = instance_now();
    return wall > now ? wall - now : 0;
}

int run(void);

int run(void)
{
    uint8_t boot[sizeof((struct instance_seed){0}.boot)];
    instance_fill(&instance);
    uint64_t now = instance_now();
    random_seed(&pool, instance.build_seed);
    random_mix(&pool, &now, sizeof now);
    bool from_device = ask_device();
    now = instance_now();
    random_mix(&pool, &now, sizeof now);
    random_bytes(&pool, boot, sizeof boot);
    uint64_t offset = wall_offset();
    for (unsigned i = 0; i < instance.other_count; i++) {
        struct instance_seed *seed = instance.other[i].page;
        random_bytes(&pool, seed->key, sizeof seed->key);
        seed->from_device = from_device;
        seed->wall_offset = offset;
        memcpy(seed->boot, boot, sizeof boot);
        sl_store_release(&seed->ready, 1);
    }
    memset(&pool, 0, sizeof pool);
    return 0; /* its work is done: CAmkES suspends it */
}
