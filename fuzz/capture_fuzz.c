/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Captured packets of any content, through everything that `sluice replay` does with them: link
 * and IP headers, fragments, TCP reassembly, framing, decoding. Input: one byte that chooses
 * the link type and, its highest bit, DNP3; then packets, each a 16-bit length and so many bytes.
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

#include "sluice/cursor.h"

/* The offline verbs are no library: their sources are part of this program. */
#include "../src/cli/capture.c"
#include "../src/cli/flows.c"
#include "../src/cli/ip_fragments.c"
#include "../src/cli/line.c"
#include "../src/cli/outstanding.c"
#include "../src/cli/stream.c"
#include "../src/cli/stream_link.c"
#include "../src/cli/tcp_stream.c"

static FILE *nowhere;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    nowhere = fopen("/dev/null", "w");
    return nowhere ? 0 : 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const int links[] = {DLT_EN10MB, DLT_RAW, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL};
    static struct flows flows;
    struct sl_reader input = sl_reader(bytes, length);
    const uint8_t choice = sl_read_u8(&input);
    const struct sl_protocol *const protocol =
        choice & 0x80 ? &dnp3_protocol : &modbus_tcp_protocol;
    int link = links[(choice & 0x7f) % (sizeof links / sizeof links[0])];
    struct replay replay = {.protocol = protocol,
                            .port = protocol->default_port,
                            .out = nowhere,
                            .notes = nowhere,
                            .source = "fuzz"};
    struct capture_counts counts = {0};
    struct timeval time = {0};
    struct ip_fragments *fragments = ip_fragments_new();
    flows_init(&flows, &replay);
    while (sl_remaining(&input) > 2) {
        size_t wire_length = sl_read_u16be(&input);
        size_t packet = wire_length < sl_remaining(&input) ? wire_length : sl_remaining(&input);
        capture_packet(link, &time, sl_read_bytes(&input, packet), packet, wire_length, fragments,
                       flows_segment, &flows, &counts);
        time.tv_sec++;
    }
    flows_free(&flows);
    ip_fragments_free(fragments);
    return 0;
}
