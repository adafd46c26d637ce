/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one message costs from decode to emit, for a policy of so many rules.
 *
 *   message PROTOCOL RULES [REPEAT [STRIDE]]     PROTOCOL: modbus-tcp or dnp3
 *
 * STRIDE 1 (the default) leaves the rules in order: those for the same points stand together, as a
 * person would write them. Another number, prime to RULES, strews them over the file.
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
        batch[i] =
            ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) /
            BATCH;
    }
    qsort(batch, (size_t)batches, sizeof *batch, ascending);
    return batch[batches / 2];
}

/* One protocol's read of ten, and a policy of which one rule allows it. */
struct subject {
    const char *name, *service; /* the service's own lines */
    void (*write_rule)(FILE *file, int rule);
    uint8_t message[40];
    size_t length;
};

/* Half reads of ten registers each, half writes with value limits, over 100 units and four
 * clients, none void. */
static void write_modbus_rule(FILE *file, int rule)
{
    int unit = 1 + rule / 2 % 100, area = rule / 200, from = 10 + rule / 2 % 4;
    if (rule % 2 == 0)
        fprintf(file, "      - { allow: read, from: 192.168.96.%d, unit: %d, address: %d-%d }\n",
                from, unit, area * 20, area * 20 + 9);
    else
        fprintf(file,
                "      - { allow: write-single-register, from: 192.168.96.%d, unit: %d, "
                "address: %d, value: 100-%d }\n",
                from, unit, area * 20 + 12, 200 + rule);
}

/* Half reads of ten analog inputs each, half operations of one output, over ten outstations and
 * four clients. */
static void write_dnp3_rule(FILE *file, int rule)
{
    int outstation = 10 + rule / 2 % 10, area = rule / 20, from = 10 + rule / 2 % 4;
    if (rule % 2 == 0)
        fprintf(file,
                "      - { allow: read, from: 192.168.96.%d, outstation: %d, group: 30, "
                "index: %d-%d }\n",
                from, outstation, area * 20, area * 20 + 9);
    else
        fprintf(file,
                "      - { allow: [select, operate], from: 192.168.96.%d, outstation: %d, "
                "group: 12, index: %d, operation: pulse-on, trip-close: trip, on-time: 0-%d }\n",
                from, outstation, area, 100 + rule);
}

static const struct subject subjects[] = {
    {.name = "modbus-tcp",
     .service = "    listen: 192.168.96.2:502\n"
                "    device: 192.168.95.2:502\n",
     .write_rule = write_modbus_rule,
     .message = {0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 10},
     .length = 12},
    /* link header, CRC, transport, application header, group 30 variation 1, 0 to 9, CRC */
    {.name = "dnp3",
     .service = "    listen: 192.168.96.2:20000\n"
                "    device: 192.168.95.2:20000\n"
                "    stations:\n"
                "      - { master: 1, outstation: 10 }\n"
                "      - { master: 1, outstation: 11 }\n"
                "      - { master: 1, outstation: 12 }\n"
                "      - { master: 1, outstation: 13 }\n"
                "      - { master: 1, outstation: 14 }\n"
                "      - { master: 1, outstation: 15 }\n"
                "      - { master: 1, outstation: 16 }\n"
                "      - { master: 1, outstation: 17 }\n"
                "      - { master: 1, outstation: 18 }\n"
                "      - { master: 1, outstation: 19 }\n",
     .write_rule = write_dnp3_rule,
     .message = {0x05, 0x64, 0x0d, 0xc4, 0x0a, 0x00, 0x01, 0x00, 0x75, 0xba,
                 0xc0, 0xc0, 0x01, 0x1e, 0x01, 0x00, 0x00, 0x09, 0xe9, 0xce},
     .length = 20},
};

static void write_site(FILE *file, const struct subject *subject, int rules, int stride)
{
    fprintf(file,
            "gateway:\n"
            "  external: { nic: ext0, address: 192.168.96.2/24 }\n"
            "  internal: { nic: int0, address: 192.168.95.1/24 }\n"
            "services:\n"
            "  - name: bench\n"
            "    protocol: %s\n"
            "%s"
            "    rules:\n",
            subject->name, subject->service);
    for (int i = 0; i < rules; i++)
        subject->write_rule(file, i * stride % rules);
}

static const struct subject *subject_named(const char *name)
{
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
        if (strcmp(subjects[i].name, name) == 0)
            return &subjects[i];
    return NULL;
}

int main(int argc, char **argv)
{
    const struct subject *subject = subject_named(argc > 1 ? argv[1] : "modbus-tcp");
    int rules = argc > 2 ? atoi(argv[2]) : 1;
    int repeat = argc > 3 ? atoi(argv[3]) : BATCHES;
    int stride = argc > 4 ? atoi(argv[4]) : 1;
    if (!subject) {
        fprintf(stderr, "message: no such protocol: %s; modbus-tcp or dnp3\n", argv[1]);
        return 2;
    }
    char path[] = "/tmp/sluice-bench-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    write_site(file, subject, rules, stride);
    fclose(file);
    struct site *site = site_load(path, stderr);
    remove(path);
    size_t size;
    void *image = site ? site_compile(site, &size, stderr) : NULL;
    if (!image || policy_image_check(image, size))
        return 1;
    protocol = sl_protocol_by_name(subject->name);
    service = policy_service(image, 0);
    client = 192u << 24 | 168u << 16 | 96u << 8 | 10u;
    memcpy(wire, subject->message, subject->length);
    wire_length = subject->length;
    measured_decode(1);
    printf("{\"rules\":%d,\"image_bytes\":%zu,\"messages\":%d,\"decode_ns\":%.1f,", rules, size,
           repeat * BATCH, median_nanoseconds(measured_decode, repeat));
    printf("\"decide_ns\":%.1f,", median_nanoseconds(measured_decide, repeat));
    printf("\"encode_ns\":%.1f}\n", median_nanoseconds(measured_encode, repeat));
    free(image);
    site_free(site);
    return 0;
}
