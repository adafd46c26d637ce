/* SPDX-License-Identifier: BSD-2-Clause */
/* A monitor, the ring of one component that it reads, and what its lines told. */
#ifndef SLUICE_TEST_MONITOR_FIXTURE_H
#define SLUICE_TEST_MONITOR_FIXTURE_H

#include "policy/policy_fixture.h"
#include "ring/oneway_ring.h"
#include "sluice/component.h"
#include "sluice/host.h"

#define SECOND UINT64_C(1000000000)
#define SLOTS  1024u

extern const struct sl_component monitor_component;

static struct fixture fixture;
static struct sl_monitor_config config;
static struct sl_environment environment;
static struct oneway_producer ring;
static void *region, *monitor;
static uint64_t now;

/* What the lines told. */
static struct {
    unsigned lines;
    uint64_t allowed, denied, dropped, failed;
    char last[4096];
} told;
static char (*lines_kept)[4096]; /* NULL: none; else they go here */

uint64_t sl_now(struct sl_host *host)
{
    (void)host;
    return now;
}

void sl_deadline(struct sl_host *host, uint64_t when)
{
    (void)host;
    (void)when;
}

_Noreturn void sl_fault(struct sl_host *host, const char *what, uint64_t found, uint64_t expected)
{
    (void)host;
    print_error("%s: %llu, %llu\n", what, (unsigned long long)found, (unsigned long long)expected);
    abort();
}

void sl_emit_line(struct sl_host *host, const char *line, size_t length)
{
    (void)host;
    assert_true(length < sizeof told.last && line[length - 1] == '}');
    memcpy(told.last, line, length);
    told.last[length] = '\0';
    if (lines_kept)
        memcpy(lines_kept[told.lines], told.last, length + 1);
    const char *count = strstr(told.last, "\"count\":");
    /* a line of one message may have counts of its own */
    const bool one = strstr(told.last, "\"age_us\":") != NULL;
    const uint64_t times = count && !one ? strtoull(count + 8, NULL, 10) : 1;
    told.lines++;
    if (strstr(told.last, "\"event\":\"dropped\""))
        told.dropped += times;
    else if (strstr(told.last, "\"event\":\"request-failed\""))
        told.failed += times;
    else if (strstr(told.last, "\"verdict\":\"allow\""))
        told.allowed += times;
    else if (strstr(told.last, "\"verdict\":\"deny\""))
        told.denied += times;
}

static void put(const struct sl_audit *record)
{
    oneway_put(&ring, record, sizeof *record);
}

static void wake(uint64_t badges)
{
    monitor_component.wake(monitor, badges);
}

static int make(void **state)
{
    (void)state;
    memset(&told, 0, sizeof told);
    memset(&config, 0, sizeof config);
    config.ring_count = 1;
    memcpy(config.ring_name[0], "policy", 7);
    const uint32_t size = oneway_ring_region_size(sizeof(struct sl_audit), SLOTS);
    region = calloc(1, size);
    monitor = calloc(1, monitor_component.self_size);
    oneway_producer_init(&ring, region, size, sizeof(struct sl_audit));
    environment = (struct sl_environment){
        .config = &config, .config_size = sizeof config, .policy = fixture.image};
    environment.port[0].region[0] = region;
    environment.port[0].size[0] = size;
    now = SECOND;
    monitor_component.init(monitor, &environment);
    return 0;
}

static int release(void **state)
{
    (void)state;
    free(region);
    free(monitor);
    return 0;
}

#endif
