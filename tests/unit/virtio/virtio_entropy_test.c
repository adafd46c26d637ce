/* SPDX-License-Identifier: BSD-2-Clause */
/* The entropy driver, and the generator that its bytes seed. */
// link: src/drivers/virtio_mmio/virtio_mmio.c
// link: src/drivers/virtio_mmio/virtio_entropy.c
// link: src/drivers/virtio_mmio/virtqueue.c
// link: src/hosts/microkit/random.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/virtio_mmio/virtio_entropy.h"
#include "hosts/microkit/random.h"
#include "virtio/device.h"

static void takes_what_comes(void **state)
{
    (void)state;
    struct device device;
    struct virtio_entropy entropy;
    uint8_t bytes[VIRTIO_ENTROPY_MAX];
    uint8_t *memory = aligned_alloc(4096, VIRTIO_ENTROPY_MEMORY);
    device_init(&device, VIRTIO_ENTROPY);
    assert_null(virtio_entropy_start(&entropy, device_bus(&device), memory, (uintptr_t)memory));
    virtio_entropy_ask(&entropy, 64);
    assert_int_equal(device.notifies[0], 1);
    assert_int_equal(virtio_entropy_answer(&entropy, bytes), 0);
    int id = device_take(&device, 0);
    struct virtq_descriptor *descriptor = device_descriptor(&device, 0, (uint16_t)id);
    assert_int_equal(descriptor->length, 64);
    assert_int_equal(descriptor->flags, VIRTQ_DEVICE_WRITES);
    memset((void *)(uintptr_t)descriptor->address, 7, 40);
    device_give(&device, 0, (uint32_t)id, 40); /* fewer than asked for is allowed */
    assert_int_equal(virtio_entropy_answer(&entropy, bytes), 40);
    assert_int_equal(bytes[39], 7);

    virtio_entropy_ask(&entropy, UINT32_MAX); /* bounded by us */
    id = device_take(&device, 0);
    assert_int_equal(device_descriptor(&device, 0, (uint16_t)id)->length, VIRTIO_ENTROPY_MAX);
    device_give(&device, 0, (uint32_t)id, VIRTIO_ENTROPY_MAX + 1);
    assert_int_equal(virtio_entropy_answer(&entropy, bytes), -1);
    free(memory);
}

static void nothing_is_not_an_answer(void **state)
{
    (void)state;
    struct device device;
    struct virtio_entropy entropy;
    uint8_t bytes[VIRTIO_ENTROPY_MAX];
    uint8_t *memory = aligned_alloc(4096, VIRTIO_ENTROPY_MEMORY);
    device_init(&device, VIRTIO_ENTROPY);
    assert_null(virtio_entropy_start(&entropy, device_bus(&device), memory, (uintptr_t)memory));
    virtio_entropy_ask(&entropy, 32);
    device_give(&device, 0, (uint32_t)device_take(&device, 0), 0);
    assert_int_equal(virtio_entropy_answer(&entropy, bytes), -1);
    free(memory);
}

/* RFC 8439 section 2.3.2 */
static void chacha20_as_in_the_rfc(void **state)
{
    (void)state;
    uint8_t key[32], block[64];
    static const uint8_t nonce[12] = {0, 0, 0, 9, 0, 0, 0, 0x4a, 0, 0, 0, 0};
    static const uint8_t expected[16] = {0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15,
                                         0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4};
    for (unsigned i = 0; i < 32; i++)
        key[i] = (uint8_t)i;
    chacha20_block(key, 1, nonce, block);
    assert_memory_equal(block, expected, sizeof expected);
}

static void generator_never_repeats_and_forgets(void **state)
{
    (void)state;
    struct random random, before;
    uint8_t key[RANDOM_KEY] = {1}, first[100], second[100];
    random_seed(&random, key);
    random_bytes(&random, first, sizeof first);
    before = random;
    random_bytes(&random, second, sizeof second);
    assert_memory_not_equal(first, second, sizeof first);
    assert_memory_not_equal(before.key, random.key, RANDOM_KEY);
    random_seed(&random, key);
    random_bytes(&random, second, sizeof second);
    assert_memory_equal(first, second, sizeof first); /* the seed decides */
    random_seed(&random, key);
    random_mix(&random, "x", 1);
    random_bytes(&random, second, sizeof second);
    assert_memory_not_equal(first, second, sizeof first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_comes),
        cmocka_unit_test(nothing_is_not_an_answer),
        cmocka_unit_test(chacha20_as_in_the_rfc),
        cmocka_unit_test(generator_never_repeats_and_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
