/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one message costs from decode to emit, for a policy of so many rules.
 *
 *   message RULES [REPEAT]
 *
 * One JSON line: nanoseconds for decode, validate + decide, encode (median of batches). Under
 * `valgrind --tool=callgrind --toggle-collect=measured_decode` (or _decide, _encode) the
 * instructions collected, divided by "messages", are those of one message exactly.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/image.h"
#include "policy/site.h"
#include "sluice/protocol.h"

#define BATCH   1000
#define BATCHES 201

static const struct sl_protocol *protocol;
static const struct policy_service *service;
static uint32_t client;
static uint8_t wire[300], emitted[300];
static size_t wire_length;
static _Alignas(8) uint8_t canonical[4096];
static size_t canonical_length;

__attribute__((noinline)) void measured_decode(int count);
__attribute__((noinline)) void measured_decide(int count);
__attribute__((noinline)) void measured_encode(int count);

void measured_decode(int count)
{
    for (int i = 0; i < count; i++)
        if (protocol->decode(SL_REQUEST, service, wire, wire_length, canonical,
                             &canonical_length) != SL_REASON_NONE)
            abort();
}

void measured_decide(int count)
{
    for (int i = 0; i < count; i++) {
        if (protocol->validate(SL_REQUEST, service, canonical, canonical_length) != SL_REASON_NONE)
            abort();
        if (!protocol->decide(service, client, canonical, canonical_length).allowed)
            abort();
    }
}

void measured_encode(int count)
{
    for (int i = 0; i < count; i++)
        if (protocol->encode(SL_REQUEST, canonical, canonical_length, (uint16_t)i, emitted,
                             sizeof emitted) == 0)
            abort();
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median_nanoseconds(void (*measured)(int), int repeat)
{
    static double batch[BATCHES];
    int batches = repeat < BATCHES ? repeat : BATCHES;
    for (int i = 0; i < batches; i++) {
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        measured(BATCH);
        clock_gettime(CLOCK_MONOTONIC, &end);
        batch[i] = ((double)(end.tv_sec - start.tv_sec) * 1e9 +
                    (double)(end.tv_nsec - start.tv_nsec)) /
                   BATCH;
    }
    qsort(batch, (size_t)batches, sizeof *batch, ascending);
    return batch[batches / 2];
}

/* `rules` rules: half reads of ten registers each, half writes with value limits, over 100 units
 * and four clients, none void. */
static void write_site(FILE *file, int rules)
{
    fputs("gateway:\n"
          "  external: { nic: ext0, address: 192.168.96.2/24 }\n"
          "  internal: { nic: int0, address: 192.168.95.1/24 }\n"
          "services:\n"
          "  - name: bench\n"
          "    protocol: modbus-tcp\n"
          "    listen: 192.168.96.2:502\n"
          "    device: 192.168.95.2:502\n"
          "    rules:\n",
          file);
    for (int i = 0; i < rules; i++) {
        int unit = 1 + i / 2 % 100, area = i / 200;
        int from = 10 + i / 2 % 4;
        if (i % 2 == 0)
            fprintf(file, "      - { allow: read, from: 192.168.96.%d, unit: %d, address: %d-%d }\n",
                    from, unit, area * 20, area * 20 + 9);
        else
            fprintf(file,
                    "      - { allow: write-single-register, from: 192.168.96.%d, unit: %d, "
                    "address: %d, value: 100-%d }\n",
                    from, unit, area * 20 + 12, 200 + i);
    }
}

int main(int argc, char **argv)
{
    int rules = argc > 1 ? atoi(argv[1]) : 1;
    int repeat = argc > 2 ? atoi(argv[2]) : BATCHES;
    char path[] = "/tmp/sluice-bench-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    write_site(file, rules);
    fclose(file);
    struct site *site = site_load(path, stderr);
    remove(path);
    size_t size;
    void *image = site ? site_compile(site, &size, stderr) : NULL;
    if (!image || policy_image_check(image, size))
        return 1;
    protocol = sl_protocol(SL_PROTOCOL_MODBUS_TCP);
    service = policy_service(image, 0);
    client = 192u << 24 | 168u << 16 | 96u << 8 | 10u;
    static const uint8_t read[] = {0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 10};
    memcpy(wire, read, sizeof read);
    wire_length = sizeof read;
    measured_decode(1);
    printf("{\"rules\":%d,\"image_bytes\":%zu,\"messages\":%d,\"decode_ns\":%.1f,", rules, size,
           repeat * BATCH, median_nanoseconds(measured_decode, repeat));
    printf("\"decide_ns\":%.1f,", median_nanoseconds(measured_decide, repeat));
    printf("\"encode_ns\":%.1f}\n", median_nanoseconds(measured_encode, repeat));
    free(image);
    site_free(site);
    return 0;
}
