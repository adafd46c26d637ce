/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/af_packet/checksum.h"

#include <stddef.h>

#define ETHERNET_HEADER 14u
#define ETHERTYPE_IPV4  0x0800u
#define IPV4_HEADER     20u
#define PROTOCOL_TCP    6u
#define PROTOCOL_UDP    17u

static uint16_t get16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint64_t sum(uint64_t total, const uint8_t *bytes, size_t length)
{
    for (; length > 1; bytes += 2, length -= 2)
        total += get16(bytes);
    return length ? total + (uint64_t)(bytes[0] << 8) : total;
}

static uint16_t fold(uint64_t total)
{
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    return (uint16_t)~total;
}

void checksum_complete(uint8_t *frame, uint32_t length)
{
    if (length < ETHERNET_HEADER + IPV4_HEADER || get16(frame + 12) != ETHERTYPE_IPV4)
        return;
    uint8_t *ip = frame + ETHERNET_HEADER;
    size_t header = (size_t)(ip[0] & 15) * 4;
    size_t total = get16(ip + 2);
    if (ip[0] >> 4 != 4 || header < IPV4_HEADER || total < header ||
        total > length - ETHERNET_HEADER)
        return;
    if (get16(ip + 6) & 0x3fff) /* more fragments, or an offset */
        return;

    uint8_t protocol = ip[9];
    size_t segment_length = total - header;
    size_t field = protocol == PROTOCOL_TCP ? 16 : 6;
    if ((protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP) || segment_length < field + 2)
        return;
    uint8_t *segment = ip + header;
    segment[field] = segment[field + 1] = 0;
    uint64_t pseudo_header = sum(protocol + segment_length, ip + 12, 8);
    uint16_t checksum = fold(sum(pseudo_header, segment, segment_length));
    if (checksum == 0 && protocol == PROTOCOL_UDP)
        checksum = 0xffff; /* zero would say that there is none */
    segment[field] = (uint8_t)(checksum >> 8);
    segment[field + 1] = (uint8_t)checksum;
}
