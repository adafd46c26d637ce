/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flow checker against every topology that is one step from the right one: each map, right,
 * notification and device too many or too few. Every one must be reported; and it must be
 * reported as a path exactly where an independent closure over the same topology finds one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "topology/topology.h"
#include "topology/example_site.h"

static struct topology built(enum sl_mode mode)
{
    struct site site = example_site(mode);
    struct topology topology;
    topology_build(&site, &topology);
    return topology;
}

struct outcome {
    int violations;
    char *text;
};

static struct outcome check(const struct topology *topology, enum topology_host host)
{
    struct outcome outcome;
    size_t size;
    FILE *out = open_memstream(&outcome.text, &size);
    assert_non_null(out);
    outcome.violations = topology_check_on(topology, host, out);
    fclose(out);
    return outcome;
}

/* Who may tell whom something: at first directly, then by Warshall's closure. */
struct closure {
    bool reach[TOPOLOGY_MAX_COMPONENTS][TOPOLOGY_MAX_COMPONENTS];
};

static struct closure direct(const struct topology *topology, enum topology_host host)
{
    struct closure closure = {0};
    for (unsigned i = 0; i < topology->map_count; i++)
        for (unsigned j = 0; j < topology->map_count; j++)
            if (topology->map[i].region == topology->map[j].region &&
                (topology->map[i].rights & RIGHT_WRITE) && topology->map[j].rights)
                closure.reach[topology->map[i].component][topology->map[j].component] = true;
    for (unsigned i = 0; i < topology->channel_count; i++) {
        const struct topology_channel *channel = &topology->channel[i];
        for (unsigned end = 0; end < 2; end++)
            if (channel->notifies[end] || (host == TOPOLOGY_LINUX && channel->notifies[1 - end]))
                closure.reach[channel->end[end]][channel->end[1 - end]] = true;
    }
    for (unsigned i = 0; i < topology->component_count; i++)
        for (unsigned j = 0; j < topology->component_count; j++)
            if (topology->component[i].device && topology->component[j].device &&
                (topology->component[i].side == topology->component[j].side ||
                 topology->component[i].side >= SL_SIDE_CORE ||
                 topology->component[j].side >= SL_SIDE_CORE))
                closure.reach[i][j] = true;
    return closure;
}

/* A node breaks paths only between the sides, not as a member of one. */
static bool breaks(const struct topology_component *component)
{
    return component->breaks_path && component->side == SL_SIDE_CORE;
}

static struct closure close_over(const struct topology *topology, enum topology_host host,
                                 bool around_breakers)
{
    struct closure closure = direct(topology, host);
    unsigned count = topology->component_count;
    for (unsigned from = 0; around_breakers && from < count; from++)
        for (unsigned to = 0; to < count; to++)
            if (breaks(&topology->component[from]) || breaks(&topology->component[to]))
                closure.reach[from][to] = false;
    for (unsigned by = 0; by < count; by++)
        for (unsigned from = 0; from < count; from++)
            for (unsigned to = 0; to < count; to++)
                closure.reach[from][to] |= closure.reach[from][by] && closure.reach[by][to];
    return closure;
}

static bool joins(const struct topology *topology, const struct closure *closure, unsigned source,
                  unsigned target)
{
    for (unsigned from = 0; from < topology->component_count; from++)
        for (unsigned to = 0; to < topology->component_count; to++)
            if (topology->component[from].side == source &&
                topology->component[to].side == target && closure->reach[from][to])
                return true;
    return false;
}

static bool path_exists(const struct topology *topology, enum topology_host host)
{
    struct closure around = close_over(topology, host, true);
    struct closure through = close_over(topology, host, false);
    if (joins(topology, &around, SL_SIDE_EXT, SL_SIDE_INT) ||
        joins(topology, topology->mode == SL_ONE_WAY ? &through : &around, SL_SIDE_INT,
              SL_SIDE_EXT))
        return true;
    struct closure steps = direct(topology, host);
    unsigned monitor = (unsigned)topology_find(topology, "monitor");
    for (unsigned to = 0; to < topology->component_count; to++)
        if (to != monitor && steps.reach[monitor][to])
            return true;
    return false;
}

struct tally {
    unsigned tried, caught, paths;
};

/* The closure is the measure both ways: no path missed, none imagined. */
static void try(const struct topology *topology, struct tally *tally)
{
    static const enum topology_host hosts[] = {TOPOLOGY_SEL4, TOPOLOGY_LINUX};
    for (unsigned i = 0; i < 2; i++) {
        struct outcome outcome = check(topology, hosts[i]);
        bool path = strstr(outcome.text, " reaches ") != NULL;
        if (path != path_exists(topology, hosts[i]))
            fail_msg("%s", outcome.text);
        tally->tried++;
        tally->caught += outcome.violations > 0;
        tally->paths += path;
        free(outcome.text);
    }
}

static void report(const char *what, enum sl_mode mode, const struct tally *tally)
{
    print_message("%s, %s: %u tried, %u reported, %u of them as a path\n", what,
                  mode == SL_ONE_WAY ? "one-way" : "two-way", tally->tried, tally->caught,
                  tally->paths);
    assert_true(tally->tried > 0);
    assert_int_equal(tally->caught, tally->tried);
}

static void test_good(void **state)
{
    (void)state;
    for (int mode = SL_TWO_WAY; mode <= SL_ONE_WAY; mode++) {
        struct topology topology = built((enum sl_mode)mode);
        for (int host = TOPOLOGY_LINUX; host <= TOPOLOGY_SEL4; host++) {
            struct outcome outcome = check(&topology, (enum topology_host)host);
            if (outcome.violations || strstr(outcome.text, "VIOLATION"))
                fail_msg("%s", outcome.text);
            assert_non_null(strstr(outcome.text, "flow: ok: "));
            assert_non_null(strstr(outcome.text, "trusted, not followed: launcher: "));
            assert_non_null(strstr(outcome.text, "trusted, not followed: kernel: "));
            assert_non_null(strstr(outcome.text, "trusted, not followed: clock: "));
            assert_int_equal(strstr(outcome.text, "eventfd") != NULL, host == TOPOLOGY_LINUX);
            free(outcome.text);
            assert_false(path_exists(&topology, (enum topology_host)host));
        }
    }
}

static void test_every_extra_map(void **state)
{
    (void)state;
    for (int mode = SL_TWO_WAY; mode <= SL_ONE_WAY; mode++) {
        const struct topology good = built((enum sl_mode)mode);
        struct tally tally = {0};
        for (unsigned component = 0; component < good.component_count; component++) {
            for (unsigned region = 0; region < good.region_count; region++) {
                for (unsigned rights = 0; rights <= 3; rights++) {
                    struct topology topology = good;
                    topology.map[topology.map_count++] =
                        (struct topology_map){.region = (uint8_t)region,
                                              .component = (uint8_t)component,
                                              .rights = (uint8_t)rights,
                                              .port = SL_PORT_IN};
                    try(&topology, &tally);
                }
            }
        }
        report("every map too many", (enum sl_mode)mode, &tally);
        assert_true(tally.paths > 0);
    }
}

static void test_every_other_right(void **state)
{
    (void)state;
    for (int mode = SL_TWO_WAY; mode <= SL_ONE_WAY; mode++) {
        const struct topology good = built((enum sl_mode)mode);
        struct tally tally = {0};
        for (unsigned map = 0; map < good.map_count; map++) {
            for (unsigned rights = 0; rights <= 7; rights++) {
                struct topology topology = good;
                if (rights == good.map[map].rights)
                    continue;
                topology.map[map].rights = (uint8_t)rights;
                try(&topology, &tally);
            }
        }
        report("every right too many or too few", (enum sl_mode)mode, &tally);
        assert_true(tally.paths > 0);
    }
}

static void test_every_missing_map(void **state)
{
    (void)state;
    const struct topology good = built(SL_TWO_WAY);
    struct tally tally = {0};
    for (unsigned map = 0; map < good.map_count; map++) {
        struct topology topology = good;
        topology.map[map] = topology.map[--topology.map_count];
        try(&topology, &tally);
    }
    report("every map too few", SL_TWO_WAY, &tally);
}

/* Between every pair, with every port number, in either direction, both and none. */
static void test_every_extra_channel(void **state)
{
    (void)state;
    for (int mode = SL_TWO_WAY; mode <= SL_ONE_WAY; mode++) {
        const struct topology good = built((enum sl_mode)mode);
        struct tally tally = {0};
        for (unsigned from = 0; from < good.component_count; from++) {
            for (unsigned to = 0; to < good.component_count; to++) {
                for (unsigned ports = 0; ports < SL_PORT_COUNT * SL_PORT_COUNT; ports++) {
                    struct topology topology = good;
                    if (from == to)
                        continue;
                    topology.channel[topology.channel_count++] = (struct topology_channel){
                        .end = {(uint8_t)from, (uint8_t)to},
                        .channel = {30, 31},
                        .port = {(uint8_t)(ports / SL_PORT_COUNT), ports % SL_PORT_COUNT},
                        .notifies = {(ports & 1) != 0, (ports & 2) != 0},
                    };
                    try(&topology, &tally);
                }
            }
        }
        report("every channel too many", (enum sl_mode)mode, &tally);
        assert_true(tally.paths > 0);
    }
}

static void test_every_other_notification(void **state)
{
    (void)state;
    for (int mode = SL_TWO_WAY; mode <= SL_ONE_WAY; mode++) {
        const struct topology good = built((enum sl_mode)mode);
        struct tally tally = {0};
        for (unsigned channel = 0; channel < good.channel_count; channel++) {
            for (unsigned end = 0; end < 2; end++) {
                struct topology topology = good;
                topology.channel[channel].notifies[end] ^= true;
                try(&topology, &tally);
                topology = good;
                topology.channel[channel].channel[end] = 32;
                try(&topology, &tally);
                for (unsigned port = 0; port < SL_MAX_PORTS; port++) {
                    topology = good;
                    if (port == good.channel[channel].port[end])
                        continue;
                    topology.channel[channel].port[end] = (uint8_t)port;
                    try(&topology, &tally);
                }
            }
            struct topology topology = good;
            topology.channel[channel] = topology.channel[--topology.channel_count];
            try(&topology, &tally);
        }
        report("every notification too many or too few", (enum sl_mode)mode, &tally);
    }
}

/* A component may not own another's NIC, sit on another side, or pass for a policy_emit. */
static void test_every_wrong_component(void **state)
{
    (void)state;
    const struct topology good = built(SL_TWO_WAY);
    struct tally tally = {0};
    for (unsigned i = 0; i < good.component_count; i++) {
        struct topology topology = good;
        for (unsigned side = 0; side <= 3; side++) {
            topology = good;
            topology.component[i].side = side;
            if (side != (unsigned)good.component[i].side &&
                !(side < SL_SIDE_CORE && good.component[i].program == PROGRAM_NIC_DRV))
                try(&topology, &tally);
        }
        topology = good;
        topology.component[i].device = true;
        if (!good.component[i].device)
            try(&topology, &tally);
        topology = good;
        topology.component[i].breaks_path = true;
        if (!good.component[i].breaks_path)
            try(&topology, &tally);
    }
    report("every component out of place", SL_TWO_WAY, &tally);
}

/* A NIC driver of the wrong side has the right to be there; the paths give it away. */
static void test_swapped_drivers(void **state)
{
    (void)state;
    struct topology topology = built(SL_TWO_WAY);
    topology.component[topology_find(&topology, "ext_nic_drv")].side = SL_SIDE_INT;
    struct tally tally = {0};
    try(&topology, &tally);
    report("a driver on the other side", SL_TWO_WAY, &tally);
    assert_int_equal(tally.paths, tally.tried);
    struct outcome outcome = check(&topology, TOPOLOGY_SEL4);
    assert_non_null(strstr(outcome.text, "ext_nic_drv and int_nic_drv both own one NIC\n"));
    free(outcome.text);
}

/* Shared memory that belongs to no link, of the wrong size, or twice. */
static void test_regions(void **state)
{
    (void)state;
    const struct topology good = built(SL_TWO_WAY);
    struct tally tally = {0};
    for (unsigned i = 0; i < good.region_count; i++) {
        struct topology topology = good;
        topology.region[i].size += 4096;
        try(&topology, &tally);
        topology = good;
        topology.region[i].link = topology.link_count;
        try(&topology, &tally);
        topology = good;
        topology.region[i].part = SL_PORT_REGIONS;
        try(&topology, &tally);
        topology = good;
        topology.region[topology.region_count++] = topology.region[i];
        try(&topology, &tally);
    }
    /* The last region gone, with its two maps, which are the last too. */
    struct topology topology = good;
    topology.region_count--;
    topology.map_count = (uint16_t)(topology.map_count - 2);
    try(&topology, &tally);
    topology = good;
    topology.map[0].region = 200;
    try(&topology, &tally);
    report("every region out of place", SL_TWO_WAY, &tally);

    /* Of a component that is not there, nothing can be known: the whole check fails. */
    topology = good;
    topology.map[0].component = 15;
    struct outcome outcome = check(&topology, TOPOLOGY_SEL4);
    assert_true(outcome.violations > 0);
    assert_non_null(strstr(outcome.text, "the graph is not whole"));
    free(outcome.text);
}

/* The two-way topology is not a one-way one: the reply's path is in the way. */
static void test_two_way_is_not_one_way(void **state)
{
    (void)state;
    struct topology topology = built(SL_TWO_WAY);
    topology.mode = SL_ONE_WAY;
    struct outcome outcome = check(&topology, TOPOLOGY_SEL4);
    assert_true(outcome.violations > 0);
    assert_non_null(strstr(outcome.text,
                           "flow: VIOLATION: int_frontend reaches ext_frontend against the one-way "
                           "direction: int_frontend -> ["));
    free(outcome.text);
}

static void test_report_shows_the_path(void **state)
{
    (void)state;
    struct topology topology = built(SL_TWO_WAY);
    unsigned region;
    for (region = 0; region < topology.region_count; region++)
        if (!strcmp(topology.region[region].name,
                    "request_parser_norm_to_request_policy_emit_producer"))
            break;
    assert_true(region < topology.region_count);
    topology.map[topology.map_count++] =
        (struct topology_map){.region = (uint8_t)region,
                              .component = (uint8_t)topology_find(&topology, "int_frontend"),
                              .rights = RIGHT_READ,
                              .port = SL_PORT_IN};
    struct outcome outcome = check(&topology, TOPOLOGY_SEL4);
    assert_int_equal(outcome.violations, 2);
    assert_non_null(
        strstr(outcome.text,
               "flow: VIOLATION: int_frontend has read-only access to "
               "request_parser_norm_to_request_policy_emit_producer, its link gives no access\n"));
    assert_non_null(strstr(
        outcome.text,
        "flow: VIOLATION: ext_frontend reaches int_frontend without policy_emit: ext_frontend -> "
        "[writes ext_frontend_to_request_parser_norm_producer, read by] -> request_parser_norm -> "
        "[writes request_parser_norm_to_request_policy_emit_producer, read by] -> "
        "int_frontend\n"));
    free(outcome.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_every_extra_map),
        cmocka_unit_test(test_every_other_right),
        cmocka_unit_test(test_every_missing_map),
        cmocka_unit_test(test_every_extra_channel),
        cmocka_unit_test(test_every_other_notification),
        cmocka_unit_test(test_every_wrong_component),
        cmocka_unit_test(test_swapped_drivers),
        cmocka_unit_test(test_regions),
        cmocka_unit_test(test_two_way_is_not_one_way),
        cmocka_unit_test(test_report_shows_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
