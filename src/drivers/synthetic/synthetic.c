/* SPDX-License-Identifier: BSD-2-Clause */
#include "drivers/synthetic/synthetic.h"

#include <string.h>

#define ETHERNET  14u
#define IPV4      20u
#define TCP       20u
#define HEADERS   (ETHERNET + IPV4 + TCP)
#define FRAME_MIN 60u

#define SYN 0x02u /* RFC 9293 section 3.1 */
#define RST 0x04u
#define PSH 0x08u
#define ACK 0x10u

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

/* RFC 1071 */
static uint16_t checksum(const uint8_t *bytes, uint32_t length, uint32_t sum)
{
    for (uint32_t i = 0; i + 1 < length; i += 2)
        sum += get16(bytes + i);
    if (length & 1)
        sum += (uint32_t)bytes[length - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static uint8_t *new_frame(struct synthetic *synthetic, uint16_t length)
{
    unsigned place = (synthetic->first + synthetic->count) % SYNTHETIC_FRAMES;
    if (synthetic->count == SYNTHETIC_FRAMES)
        place = (place + SYNTHETIC_FRAMES - 1) % SYNTHETIC_FRAMES; /* the newest gives way */
    else
        synthetic->count++;
    synthetic->length[place] = length < FRAME_MIN ? FRAME_MIN : length;
    memset(synthetic->frame[place], 0, sizeof synthetic->frame[place]);
    memcpy(synthetic->frame[place], synthetic->gateway.mac, 6);
    memcpy(synthetic->frame[place] + 6, synthetic->own.mac, 6);
    return synthetic->frame[place];
}

static void send_segment(struct synthetic *synthetic, uint8_t flags, const uint8_t *data,
                         uint16_t length)
{
    uint8_t *frame = new_frame(synthetic, (uint16_t)(HEADERS + length));
    uint8_t *ip = frame + ETHERNET, *tcp = ip + IPV4;
    put16(frame + 12, 0x0800);
    ip[0] = 0x45;
    put16(ip + 2, IPV4 + TCP + (uint32_t)length);
    ip[8] = 64;
    ip[9] = 6;
    put32(ip + 12, synthetic->own.address);
    put32(ip + 16, synthetic->gateway.address);
    put16(ip + 10, checksum(ip, IPV4, 0));
    put16(tcp, synthetic->own.port);
    put16(tcp + 2, synthetic->gateway.port);
    put32(tcp + 4, synthetic->sequence);
    put32(tcp + 8, synthetic->acknowledge);
    tcp[12] = TCP / 4 << 4;
    tcp[13] = flags;
    put16(tcp + 14, 0xffff);
    memcpy(tcp + TCP, data, length);
    uint32_t pseudo = get16(ip + 12) + (uint32_t)get16(ip + 14) + get16(ip + 16) + get16(ip + 18) +
                      6 + TCP + length;
    put16(tcp + 16, checksum(tcp, TCP + (uint32_t)length, pseudo));
    synthetic->sequence += length + (uint32_t)(flags & SYN ? 1 : 0);
}

/* Modbus/TCP: read one holding register of unit 1. */
static void send_request(struct synthetic *synthetic)
{
    uint8_t adu[12] = {0, 0, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1};
    put16(adu, ++synthetic->transaction);
    send_segment(synthetic, PSH | ACK, adu, sizeof adu);
}

static void send_reply(struct synthetic *synthetic, const uint8_t *request)
{
    uint8_t adu[11] = {0, 0, 0, 0, 0, 5, 1, 3, 2, 0x12, 0x34};
    memcpy(adu, request, 2);
    send_segment(synthetic, PSH | ACK, adu, sizeof adu);
}

static void take_data(struct synthetic *synthetic, const uint8_t *data, uint32_t length)
{
    synthetic->acknowledge += length;
    if (!synthetic->client) {
        send_reply(synthetic, data);
        return;
    }
    synthetic->replies++;
    if (synthetic->replies < synthetic->wanted)
        send_request(synthetic);
    else
        send_segment(synthetic, ACK, NULL, 0);
}

static void take_segment(struct synthetic *synthetic, const uint8_t *frame, uint16_t frame_length)
{
    const uint8_t *ip = frame + ETHERNET, *tcp = ip + IPV4;
    uint32_t total = get16(ip + 2), header = (uint32_t)(tcp[12] >> 4) * 4;
    if (ip[0] != 0x45 || ip[9] != 6 || total + ETHERNET > frame_length || IPV4 + header > total ||
        get32(ip + 16) != synthetic->own.address)
        return;
    uint8_t flags = tcp[13];
    uint32_t length = total - IPV4 - header;
    if (flags & RST)
        return;
    if (flags & SYN) {
        synthetic->gateway.port = get16(tcp);
        synthetic->acknowledge = get32(tcp + 4) + 1;
        synthetic->connected = true;
        if (synthetic->client) {
            send_request(synthetic); /* with the handshake's last acknowledgement */
        } else {
            synthetic->own.port = get16(tcp + 2);
            send_segment(synthetic, SYN | ACK, NULL, 0);
        }
        return;
    }
    if (length && get32(tcp + 4) == synthetic->acknowledge)
        take_data(synthetic, tcp + header, length);
}

/* RFC 826 */
static void take_arp(struct synthetic *synthetic, const uint8_t *frame)
{
    const uint8_t *arp = frame + ETHERNET;
    if (get16(arp + 6) != 1 || get32(arp + 24) != synthetic->own.address)
        return;
    uint8_t *answer = new_frame(synthetic, FRAME_MIN);
    put16(answer + 12, 0x0806);
    memcpy(answer + ETHERNET, arp, 6);
    put16(answer + ETHERNET + 6, 2);
    memcpy(answer + ETHERNET + 8, synthetic->own.mac, 6);
    put32(answer + ETHERNET + 14, synthetic->own.address);
    memcpy(answer + ETHERNET + 18, arp + 8, 10);
}

static uint16_t net_receive(struct nic_driver *driver, uint8_t *buffer)
{
    struct synthetic *synthetic = (struct synthetic *)driver;
    if (synthetic->count == 0)
        return 0;
    uint16_t length = synthetic->length[synthetic->first];
    memcpy(buffer, synthetic->frame[synthetic->first], length);
    synthetic->first = (synthetic->first + 1) % SYNTHETIC_FRAMES;
    synthetic->count--;
    driver->counters.received++;
    return length;
}

static unsigned net_transmit(struct nic_driver *driver, const struct nic_frame *frames,
                             unsigned count)
{
    struct synthetic *synthetic = (struct synthetic *)driver;
    for (unsigned i = 0; i < count; i++) {
        if (frames[i].length >= ETHERNET + 28 && get16(frames[i].bytes + 12) == 0x0806)
            take_arp(synthetic, frames[i].bytes);
        else if (frames[i].length >= HEADERS && get16(frames[i].bytes + 12) == 0x0800)
            take_segment(synthetic, frames[i].bytes, frames[i].length);
        driver->counters.transmitted++;
    }
    return count;
}

static bool net_may_sleep(struct nic_driver *driver)
{
    return !synthetic_pending((struct synthetic *)driver);
}

static const struct nic_operations operations = {net_receive, net_transmit, net_may_sleep};

bool synthetic_pending(const struct synthetic *synthetic)
{
    return synthetic->count != 0;
}

void synthetic_start(struct synthetic *synthetic, bool client, const struct synthetic_endpoint *own,
                     const struct synthetic_endpoint *gateway, uint64_t wanted)
{
    memset(synthetic, 0, sizeof *synthetic);
    synthetic->driver.operations = &operations;
    memcpy(synthetic->driver.mac, gateway->mac, sizeof synthetic->driver.mac);
    synthetic->client = client;
    synthetic->own = *own;
    synthetic->gateway = *gateway;
    synthetic->wanted = wanted;
    synthetic->sequence = 1000;
    if (client)
        send_segment(synthetic, SYN, NULL, 0);
}
