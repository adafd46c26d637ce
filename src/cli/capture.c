/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <string.h>

#include "cli/ip_fragments.h"
#include "sluice/cursor.h"

/* EtherTypes, from the IEEE registry. */
#define ETHERTYPE_IPV4     0x0800u
#define ETHERTYPE_IPV6     0x86ddu
#define ETHERTYPE_VLAN     0x8100u /* 802.1Q */
#define ETHERTYPE_QINQ     0x88a8u /* 802.1ad */
#define ETHERTYPE_QINQ_OLD 0x9100u

/* IP protocol numbers, from the IANA registry. */
#define PROTOCOL_HOP_BY_HOP  0u
#define PROTOCOL_TCP         6u
#define PROTOCOL_UDP         17u
#define PROTOCOL_ROUTING     43u
#define PROTOCOL_FRAGMENT    44u
#define PROTOCOL_AH          51u
#define PROTOCOL_DESTINATION 60u

/* One packet on its way from the link to TCP. */
struct parse {
    struct timeval time;
    struct endpoint from, to;
    struct sl_reader bytes; /* what is left of the packet */
    size_t missing;         /* bytes that the wire had after it */
    struct ip_fragments *fragments;
    segment_sink sink;
    void *context;
    struct capture_counts *counts;
};

static uint32_t read_u32be(struct sl_reader *reader)
{
    uint32_t high = sl_read_u16be(reader);
    return high << 16 | sl_read_u16be(reader);
}

uint32_t endpoint_ipv4(const struct endpoint *endpoint)
{
    if (endpoint->family != 4)
        return 0;
    struct sl_reader reader = sl_reader(endpoint->address, 4);
    return read_u32be(&reader);
}

static void damaged(const struct parse *parse)
{
    parse->counts->damaged++;
}

static void other(const struct parse *parse)
{
    parse->counts->other++;
}

/* What the packet has after the length that its IP header states is padding; what it has less
 * was cut off by the capture. */
static void limit(struct parse *parse, size_t stated)
{
    size_t here = sl_remaining(&parse->bytes);
    if (stated <= here) {
        parse->bytes = sl_read_block(&parse->bytes, stated);
        parse->missing = 0;
        return;
    }
    parse->missing = stated - here;
}

/* RFC 9293 section 3.1 */
static void parse_tcp(struct parse *parse)
{
    struct sl_reader *bytes = &parse->bytes;
    parse->from.port = sl_read_u16be(bytes);
    parse->to.port = sl_read_u16be(bytes);
    struct tcp_segment segment = {.time = parse->time, .from = parse->from, .to = parse->to};
    segment.sequence = read_u32be(bytes);
    sl_read_bytes(bytes, 4); /* acknowledgment number */
    size_t header = (size_t)(sl_read_u8(bytes) >> 4) * 4;
    uint8_t flags = sl_read_u8(bytes);
    segment.fin = flags & 0x01;
    segment.syn = flags & 0x02;
    segment.reset = flags & 0x04;
    segment.acknowledges = flags & 0x10;
    sl_read_bytes(bytes, 6); /* window, checksum, urgent pointer */
    if (header < 20 || !sl_read_bytes(bytes, header - 20)) {
        damaged(parse);
        return;
    }
    segment.length = sl_remaining(bytes);
    segment.payload = sl_read_bytes(bytes, segment.length);
    segment.missing = parse->missing;
    parse->sink(parse->context, &segment);
}

/* RFC 768 */
static void parse_udp(struct parse *parse)
{
    struct sl_reader *bytes = &parse->bytes;
    parse->from.port = sl_read_u16be(bytes);
    parse->to.port = sl_read_u16be(bytes);
    size_t stated = sl_read_u16be(bytes);
    sl_read_bytes(bytes, 2); /* checksum */
    if (bytes->failed || stated < 8) {
        damaged(parse);
        return;
    }
    limit(parse, stated - 8);
    struct tcp_segment datagram = {.time = parse->time,
                                   .datagram = true,
                                   .from = parse->from,
                                   .to = parse->to,
                                   .length = sl_remaining(bytes),
                                   .missing = parse->missing};
    datagram.payload = sl_read_bytes(bytes, datagram.length);
    parse->sink(parse->context, &datagram);
}

static void parse_transport(struct parse *parse, unsigned protocol)
{
    if (protocol == PROTOCOL_TCP)
        parse_tcp(parse);
    else if (protocol == PROTOCOL_UDP)
        parse_udp(parse);
    else
        other(parse);
}

static void parse_fragment(struct parse *parse, struct fragment_key *key, uint8_t protocol,
                           size_t offset, bool more)
{
    if (parse->missing) { /* cut off by the capture: its datagram stays incomplete */
        parse->counts->fragments++;
        return;
    }
    key->family = parse->from.family;
    memcpy(key->from, parse->from.address, sizeof key->from);
    memcpy(key->to, parse->to.address, sizeof key->to);
    size_t length = sl_remaining(&parse->bytes);
    const uint8_t *bytes = sl_read_bytes(&parse->bytes, length);
    size_t total;
    uint8_t first_protocol;
    const uint8_t *datagram = ip_fragments_add(parse->fragments, key, protocol, offset, more, bytes,
                                               length, &total, &first_protocol);
    if (!datagram)
        return;
    parse->bytes = sl_reader(datagram, total);
    parse_transport(parse, first_protocol);
}

/* RFC 791 section 3.1 */
static void parse_ipv4(struct parse *parse)
{
    struct sl_reader *bytes = &parse->bytes;
    uint8_t version_and_size = sl_read_u8(bytes);
    size_t header = (size_t)(version_and_size & 15) * 4;
    sl_read_u8(bytes); /* type of service */
    size_t total = sl_read_u16be(bytes);
    struct fragment_key key = {.identification = sl_read_u16be(bytes)};
    uint16_t flags_and_offset = sl_read_u16be(bytes);
    sl_read_u8(bytes); /* time to live */
    uint8_t protocol = sl_read_u8(bytes);
    sl_read_u16be(bytes); /* checksum */
    const uint8_t *from = sl_read_bytes(bytes, 4);
    const uint8_t *to = sl_read_bytes(bytes, 4);
    /* A total of 0 is how segmentation offload looks on the machine that sends. */
    if (!to || version_and_size >> 4 != 4 || header < 20 || (total && total < header) ||
        !sl_read_bytes(bytes, header - 20)) {
        damaged(parse);
        return;
    }
    parse->from.family = parse->to.family = 4;
    memcpy(parse->from.address, from, 4);
    memcpy(parse->to.address, to, 4);
    if (total)
        limit(parse, total - header);
    bool more = flags_and_offset & 0x2000;
    size_t offset = (size_t)(flags_and_offset & 0x1fff) * 8;
    if (!more && !offset) {
        parse_transport(parse, protocol);
        return;
    }
    key.protocol = protocol;
    parse_fragment(parse, &key, protocol, offset, more);
}

/* RFC 8200 section 4: skips the extension headers up to the transport or a fragment header. */
static void parse_ipv6_next(struct parse *parse, uint8_t next)
{
    struct sl_reader *bytes = &parse->bytes;
    while (next == PROTOCOL_HOP_BY_HOP || next == PROTOCOL_ROUTING ||
           next == PROTOCOL_DESTINATION || next == PROTOCOL_AH) {
        uint8_t following = sl_read_u8(bytes);
        size_t count = sl_read_u8(bytes);
        /* in units of 8 bytes beyond the first; AH (RFC 4302): of 4, minus 2 */
        size_t size = next == PROTOCOL_AH ? (count + 2) * 4 : (count + 1) * 8;
        if (!sl_read_bytes(bytes, size - 2)) {
            damaged(parse);
            return;
        }
        next = following;
    }
    if (next != PROTOCOL_FRAGMENT) {
        parse_transport(parse, next);
        return;
    }
    next = sl_read_u8(bytes);
    sl_read_u8(bytes); /* reserved */
    uint16_t offset_and_more = sl_read_u16be(bytes);
    struct fragment_key key = {.identification = read_u32be(bytes)};
    if (bytes->failed) {
        damaged(parse);
        return;
    }
    parse_fragment(parse, &key, next, offset_and_more & 0xfff8u, offset_and_more & 1);
}

static void parse_ipv6(struct parse *parse)
{
    struct sl_reader *bytes = &parse->bytes;
    uint32_t version = read_u32be(bytes) >> 28;
    size_t payload = sl_read_u16be(bytes);
    uint8_t next = sl_read_u8(bytes);
    sl_read_u8(bytes); /* hop limit */
    const uint8_t *from = sl_read_bytes(bytes, 16);
    const uint8_t *to = sl_read_bytes(bytes, 16);
    if (!to || version != 6) {
        damaged(parse);
        return;
    }
    parse->from.family = parse->to.family = 6;
    memcpy(parse->from.address, from, 16);
    memcpy(parse->to.address, to, 16);
    if (payload)
        limit(parse, payload);
    parse_ipv6_next(parse, next);
}

static void parse_ethertype(struct parse *parse, unsigned type)
{
    while (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD) {
        sl_read_u16be(&parse->bytes); /* priority and VLAN */
        type = sl_read_u16be(&parse->bytes);
    }
    if (type == ETHERTYPE_IPV4)
        parse_ipv4(parse);
    else if (type == ETHERTYPE_IPV6)
        parse_ipv6(parse);
    else
        other(parse);
}

/* Link headers without an EtherType: the IP version says what follows. */
static void parse_raw_ip(struct parse *parse)
{
    struct sl_reader look = parse->bytes;
    switch (sl_read_u8(&look) >> 4) {
    case 4:
        parse_ipv4(parse);
        return;
    case 6:
        parse_ipv6(parse);
        return;
    default:
        other(parse);
    }
}

void capture_packet(int link, const struct timeval *time, const uint8_t *bytes, size_t length,
                    size_t wire_length, struct ip_fragments *fragments, segment_sink sink,
                    void *context, struct capture_counts *counts)
{
    struct parse parse = {.time = *time,
                          .bytes = sl_reader(bytes, length),
                          .missing = wire_length > length ? wire_length - length : 0,
                          .fragments = fragments,
                          .sink = sink,
                          .context = context,
                          .counts = counts};
    counts->packets++;
    switch (link) {
    case DLT_EN10MB:
        sl_read_bytes(&parse.bytes, 12); /* addresses */
        parse_ethertype(&parse, sl_read_u16be(&parse.bytes));
        return;
    case DLT_LINUX_SLL:
        sl_read_bytes(&parse.bytes, 14); /* type, hardware, address */
        parse_ethertype(&parse, sl_read_u16be(&parse.bytes));
        return;
    case DLT_LINUX_SLL2: {
        unsigned type = sl_read_u16be(&parse.bytes);
        sl_read_bytes(&parse.bytes, 18); /* interface, hardware, type, address */
        parse_ethertype(&parse, type);
        return;
    }
    case DLT_NULL: /* BSD loopback: the address family in the byte order of who wrote it */
    case DLT_LOOP:
        sl_read_bytes(&parse.bytes, 4);
        parse_raw_ip(&parse);
        return;
    default:
        parse_raw_ip(&parse);
    }
}

static bool link_known(int link)
{
    static const int known[] = {DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL,
                                DLT_LOOP,   DLT_RAW,       DLT_IPV4,       DLT_IPV6};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i] == link)
            return true;
    return false;
}

bool capture_read(const char *path, segment_sink sink, void *context, struct capture_counts *counts,
                  FILE *errors)
{
    bool standard_input = strcmp(path, "-") == 0;
    FILE *file = standard_input ? stdin : fopen(path, "rb");
    if (!file) {
        fprintf(errors, "%s: cannot be opened: %s\n", path, strerror(errno));
        return false;
    }
    char message[PCAP_ERRBUF_SIZE];
    pcap_t *pcap = pcap_fopen_offline(file, message);
    if (!pcap) {
        fprintf(errors, "%s: not a capture file (pcap or pcapng): %s\n", path, message);
        if (!standard_input)
            fclose(file);
        return false;
    }
    int link = pcap_datalink(pcap);
    if (!link_known(link)) {
        const char *name = pcap_datalink_val_to_name(link);
        fprintf(errors,
                "%s: its link type %s (%d) is not known here: Ethernet, Linux cooked, raw IP and "
                "loopback are\n",
                path, name ? name : "has no name", link);
        pcap_close(pcap);
        return false;
    }
    struct ip_fragments *fragments = ip_fragments_new();
    if (!fragments) {
        fprintf(errors, "%s: no memory\n", path);
        pcap_close(pcap);
        return false;
    }
    struct pcap_pkthdr *header;
    const u_char *bytes;
    int result;
    while ((result = pcap_next_ex(pcap, &header, &bytes)) == 1)
        capture_packet(link, &header->ts, bytes, header->caplen, header->len, fragments, sink,
                       context, counts);
    bool whole = result == PCAP_ERROR_BREAK;
    if (!whole)
        fprintf(errors, "%s: cannot be read on after packet %llu: %s\n", path,
                (unsigned long long)counts->packets, pcap_geterr(pcap));
    counts->fragments += ip_fragments_free(fragments);
    pcap_close(pcap);
    return whole;
}
