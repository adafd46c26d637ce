/* SPDX-License-Identifier: BSD-2-Clause */
// link: src/drivers/af_packet/checksum.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "drivers/af_packet/checksum.h"

/* An Ethernet frame with UDP, 192.0.2.1:4000 to 192.0.2.2:4001, "hello" (odd length). Its
 * checksum, 0x18bd, was worked out beside the code: 0xc000+0x0201+0xc000+0x0202+0x0011+0x000d
 * (pseudo header) + 0x0fa0+0x0fa1+0x000d (header) + 0x6865+0x6c6c+0x6f00, folded, complemented. */
static const uint8_t udp[] = {
    2,    0,    0,    0,    0, 1,  2,    0,    0,   0,   0,   2,   8,   0, /* Ethernet */
    0x45, 0,    0,    33,   0, 0,  0x40, 0,    64,  17,  0,   0,   192, 0, 2, 1,
    192,  0,    2,    2,                                                         /* IPv4 */
    0x0f, 0xa0, 0x0f, 0xa1, 0, 13, 0xde, 0xad, 'h', 'e', 'l', 'l', 'o', 0, 0, 0, /* UDP, padding */
};

/* TCP, 192.0.2.1:4000 to 192.0.2.2:502, SYN, no data. */
static const uint8_t tcp[] = {
    2,    0,    0,    0,    0, 1, 2,    0, 0,  0, 0, 2, 8,    0, /* Ethernet */
    0x45, 0,    0,    40,   0, 0, 0x40, 0, 64, 6, 0, 0, 192,  0, 2, 1, 192,  0,    2, 2, /* IPv4 */
    0x0f, 0xa0, 0x01, 0xf6, 0, 0, 0,    1, 0,  0, 0, 0, 0x50, 2, 4, 0, 0xde, 0xad, 0, 0,
};

enum { ETHERTYPE = 12, VERSION = 14, TOTAL = 17, FRAGMENT = 20, PROTOCOL = 23 };

/* A copy that ends exactly where the frame does, so that a read beyond is found. */
static uint8_t *copy(const uint8_t *frame, size_t length)
{
    uint8_t *heap = malloc(length);
    assert_non_null(heap);
    memcpy(heap, frame, length);
    return heap;
}

static unsigned completed(const uint8_t *frame, size_t length, unsigned field)
{
    uint8_t *heap = copy(frame, length);
    checksum_complete(heap, (uint32_t)length);
    unsigned checksum = (unsigned)heap[field] << 8 | heap[field + 1];
    memcpy(heap + field, frame + field, 2);
    assert_memory_equal(heap, frame, length); /* nothing else was touched */
    free(heap);
    return checksum;
}

/* The one's complement sum over a segment with its checksum in place is all ones. */
static unsigned verified(const uint8_t *frame, size_t length, unsigned field)
{
    uint8_t *heap = copy(frame, length);
    checksum_complete(heap, (uint32_t)length);
    unsigned segment = (unsigned)heap[TOTAL] - 20;
    unsigned long total = heap[PROTOCOL] + segment;
    for (unsigned i = 26; i < 34 + segment; i += 2)
        total += (unsigned)heap[i] << 8 | (i + 1 < 34 + segment ? heap[i + 1] : 0u);
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    (void)field;
    free(heap);
    return (unsigned)total;
}

static void udp_and_tcp(void **state)
{
    (void)state;
    assert_int_equal(completed(udp, sizeof udp, 40), 0x18bd);
    assert_int_equal(verified(udp, sizeof udp, 40), 0xffff);
    assert_int_equal(verified(tcp, sizeof tcp, 50), 0xffff);
}

static void udp_zero_is_written_as_ones(void **state)
{
    (void)state;
    uint8_t frame[sizeof udp];
    memcpy(frame, udp, sizeof udp);
    frame[TOTAL] = 32;
    frame[39] = 12;
    /* Four bytes of data, the last two chosen so that the sum comes to zero. */
    frame[44] = frame[45] = 0;
    unsigned checksum = completed(frame, sizeof frame, 40);
    frame[44] = (uint8_t)(checksum >> 8);
    frame[45] = (uint8_t)checksum;
    assert_int_equal(completed(frame, sizeof frame, 40), 0xffff);
}

static void left_alone(const uint8_t *frame, size_t length, unsigned where, uint8_t value)
{
    uint8_t changed[64];
    memcpy(changed, frame, length);
    changed[where] = value;
    assert_int_equal(completed(changed, length, 40), 0xdead);
}

static void others_are_left_alone(void **state)
{
    (void)state;
    left_alone(udp, sizeof udp, ETHERTYPE, 0x86);
    left_alone(udp, sizeof udp, VERSION, 0x65);   /* version 6 */
    left_alone(udp, sizeof udp, VERSION, 0x44);   /* header of 16 bytes */
    left_alone(udp, sizeof udp, TOTAL, 19);       /* below the header */
    left_alone(udp, sizeof udp, TOTAL, 27);       /* no room for UDP's header */
    left_alone(udp, sizeof udp, TOTAL, 37);       /* beyond the frame */
    left_alone(udp, sizeof udp, FRAGMENT, 0x20);  /* more fragments */
    left_alone(udp, sizeof udp, FRAGMENT + 1, 1); /* a later fragment */
    left_alone(udp, sizeof udp, PROTOCOL, 1);     /* ICMP */
}

static void every_truncation_is_survived(void **state)
{
    (void)state;
    for (size_t length = 0; length < sizeof tcp; length++) {
        uint8_t *heap = copy(tcp, length);
        checksum_complete(heap, (uint32_t)length);
        assert_memory_equal(heap, tcp, length);
        free(heap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(udp_and_tcp),
        cmocka_unit_test(udp_zero_is_written_as_ones),
        cmocka_unit_test(others_are_left_alone),
        cmocka_unit_test(every_truncation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
