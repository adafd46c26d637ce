/* SPDX-License-Identifier: BSD-2-Clause */
/* The pipeline that is built, its sizes, and what each component is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ring/frame_queue.h"
#include "ring/message_ring.h"
#include "ring/oneway_ring.h"
#include "sluice/audit.h"
#include "sluice/record.h"
#include "topology/topology.h"
#include "topology/example_site.h"

static struct topology built(enum sl_mode mode)
{
    struct site site = example_site(mode);
    struct topology topology;
    topology_build(&site, &topology);
    return topology;
}

static int find_link(const struct topology *topology, const char *from, const char *to,
                     unsigned from_port)
{
    for (unsigned i = 0; i < topology->link_count; i++)
        if (topology->link[i].from == topology_find(topology, from) &&
            topology->link[i].to == topology_find(topology, to) &&
            topology->link[i].from_port == from_port)
            return (int)i;
    return -1;
}

static unsigned rights(const struct topology *topology, const char *component, int link,
                       unsigned part)
{
    for (unsigned i = 0; i < topology->map_count; i++) {
        const struct topology_map *map = &topology->map[i];
        if (map->component == topology_find(topology, component) &&
            topology->region[map->region].link == link &&
            topology->region[map->region].part == part)
            return map->rights;
    }
    return 0;
}

static void test_components(void **state)
{
    (void)state;
    static const char *const two_way[] = {
        "ext_nic_drv",         "ext_frontend",      "request_parser_norm",
        "request_policy_emit", "int_frontend",      "int_nic_drv",
        "reply_parser_norm",   "reply_policy_emit", "monitor"};
    static const char *const one_way[] = {
        "ext_nic_drv", "ext_frontend", "request_parser_norm", "request_policy_emit", "int_frontend",
        "int_nic_drv", "monitor"};

    struct topology topology = built(SL_TWO_WAY);
    assert_int_equal(topology.component_count, 9);
    for (int i = 0; i < 9; i++)
        assert_int_equal(topology_find(&topology, two_way[i]), i);
    topology = built(SL_ONE_WAY);
    assert_int_equal(topology.component_count, 7);
    for (int i = 0; i < 7; i++)
        assert_int_equal(topology_find(&topology, one_way[i]), i);
    assert_int_equal(topology_find(&topology, "reply_policy_emit"), -1);
}

/* Written out, not taken from the table that the lowering uses. */
static void test_rights(void **state)
{
    (void)state;
    struct topology topology = built(SL_TWO_WAY);
    int hop = find_link(&topology, "ext_frontend", "request_parser_norm", SL_PORT_OUT);
    assert_int_equal(rights(&topology, "ext_frontend", hop, 0), RIGHT_READ | RIGHT_WRITE);
    assert_int_equal(rights(&topology, "request_parser_norm", hop, 0), RIGHT_READ);
    assert_int_equal(rights(&topology, "ext_frontend", hop, 1), RIGHT_READ);
    assert_int_equal(rights(&topology, "request_parser_norm", hop, 1), RIGHT_READ | RIGHT_WRITE);

    int audit = find_link(&topology, "int_frontend", "monitor", SL_PORT_AUDIT);
    assert_int_equal(rights(&topology, "int_frontend", audit, 0), RIGHT_READ | RIGHT_WRITE);
    assert_int_equal(rights(&topology, "monitor", audit, 0), RIGHT_READ);

    int receive = find_link(&topology, "int_nic_drv", "int_frontend", SL_PORT_RX);
    int transmit = find_link(&topology, "int_frontend", "int_nic_drv", SL_PORT_TX);
    for (unsigned part = 0; part < 2; part++) {
        assert_int_equal(rights(&topology, "int_frontend", receive, part), 3);
        assert_int_equal(rights(&topology, "int_nic_drv", transmit, part), 3);
    }
    assert_int_equal(rights(&topology, "int_nic_drv", receive, 2), RIGHT_READ | RIGHT_WRITE);
    assert_int_equal(rights(&topology, "int_frontend", receive, 2), RIGHT_READ);
    assert_int_equal(rights(&topology, "int_frontend", transmit, 2), RIGHT_READ | RIGHT_WRITE);
    assert_int_equal(rights(&topology, "int_nic_drv", transmit, 2), RIGHT_READ);

    for (unsigned i = 0; i < topology.map_count; i++)
        if (topology.map[i].component == topology_find(&topology, "monitor"))
            assert_int_equal(topology.map[i].rights, RIGHT_READ);
}

/* Another policy may ask for last values: then replies go from peer to peer. */
static void test_room_for_another_policy(void **state)
{
    (void)state;
    struct site site = example_site(SL_TWO_WAY);
    struct topology topology;
    topology_build(&site, &topology);
    const struct topology_link *link = NULL;
    for (unsigned i = 0; i < topology.link_count; i++)
        if (topology.link[i].from_port == SL_PORT_PEER_OUT &&
            topology.component[topology.link[i].from].direction == SL_REPLY)
            link = &topology.link[i];
    assert_non_null(link);
    assert_true(link->capacity >=
                site.outstanding * sl_protocol(SL_PROTOCOL_MODBUS_TCP)->max_canonical);
}

/* record.h: an honest producer never finds a ring full. Bytes of a record: u32 length, header,
 * payload, padded to 8. */
static uint64_t record_bytes(uint64_t payload)
{
    return (4 + sizeof(struct sl_record) + payload + 7) & ~UINT64_C(7);
}

static void test_capacities(void **state)
{
    (void)state;
    static const struct {
        uint16_t outstanding, sessions;
    } cases[] = {{192, 512}, {1, 1}, {1000, 7}, {UINT16_MAX, UINT16_MAX}};
    const struct sl_protocol *modbus = sl_protocol(SL_PROTOCOL_MODBUS_TCP);
    uint64_t payload =
        modbus->max_message > modbus->max_canonical ? modbus->max_message : modbus->max_canonical;
    for (unsigned c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
        struct site site = example_site(SL_TWO_WAY);
        struct topology topology;
        site.outstanding = cases[c].outstanding;
        site.sessions = cases[c].sessions;
        site.fixed_policy = true;
        topology_build(&site, &topology);
        for (unsigned i = 0; i < topology.link_count; i++) {
            const struct topology_link *link = &topology.link[i];
            bool settles = topology.component[link->from].direction == SL_REPLY;
            uint64_t need =
                link->from_port == SL_PORT_PEER_OUT
                    ? site.outstanding * 2 * record_bytes(settles ? 0 : payload)
                    : site.outstanding * record_bytes(payload) + site.sessions * record_bytes(0);
            assert_int_equal(link->capacity & (link->capacity - 1), 0);
            if (link->kind == LINK_MESSAGE_RING) {
                assert_true(link->capacity >= need);
                assert_true(link->capacity / 2 < need);
            }
        }
    }
}

static void test_frame_capacity(void **state)
{
    (void)state;
    static const uint16_t cases[][2] = {{0, 2},     {1, 2},         {2, 2},        {100, 128},
                                        {128, 128}, {32768, 32768}, {32769, 32768}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct site site = example_site(SL_TWO_WAY);
        site.buffers = cases[i][0];
        assert_int_equal(topology_frame_capacity(&site), cases[i][1]);
    }
}

/* What both ends see of a ring is the whole of it: they find the capacity from the size. */
static void test_regions(void **state)
{
    (void)state;
    struct topology topology = built(SL_TWO_WAY);
    uint64_t total = 0;
    for (unsigned i = 0; i < topology.region_count; i++) {
        const struct topology_region *region = &topology.region[i];
        const struct topology_link *link = &topology.link[region->link];
        assert_int_equal(region->size % 4096, 0);
        total += region->size;
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(region->name, topology.region[j].name);
        if (link->kind == LINK_MESSAGE_RING && region->part == 0) {
            assert_true(region->size >= message_ring_region_size(link->capacity));
            assert_true(region->size < message_ring_region_size(link->capacity * 2));
        }
        if (link->kind == LINK_ONEWAY_RING) {
            assert_int_equal(link->slot_size, sizeof(struct sl_audit));
            bool every_message = link->from == topology_find(&topology, "request_policy_emit");
            bool seldom = topology.component[link->from].program == PROGRAM_NIC_DRV;
            assert_int_equal(link->capacity, every_message ? 1024 : seldom ? 64 : 256);
            assert_true(region->size >= oneway_ring_region_size(link->slot_size, link->capacity));
            assert_true(region->size <
                        oneway_ring_region_size(link->slot_size, link->capacity * 2));
        }
        if (link->kind == LINK_FRAME_QUEUE && region->part == 2)
            assert_int_equal(region->size, 128 * FRAME_BUFFER_SIZE);
    }
    /* The budget for shared regions. */
    print_message("shared regions: %u, %u KiB\n", topology.region_count, (unsigned)(total / 1024));
    assert_true(total < 4u << 20);
}

static void test_channels(void **state)
{
    (void)state;
    struct topology topology = built(SL_TWO_WAY);
    unsigned ext = (unsigned)topology_find(&topology, "ext_nic_drv");
    unsigned frontend = (unsigned)topology_find(&topology, "ext_frontend");
    unsigned parser = (unsigned)topology_find(&topology, "request_parser_norm");
    unsigned monitor = (unsigned)topology_find(&topology, "monitor");

    assert_int_not_equal(topology_port_channel(&topology, ext, SL_PORT_RX), SL_NO_CHANNEL);
    assert_int_equal(topology_port_channel(&topology, ext, SL_PORT_RX),
                     topology_port_channel(&topology, ext, SL_PORT_TX));
    assert_int_equal(topology_port_channel(&topology, ext, SL_PORT_OUT), SL_NO_CHANNEL);
    assert_int_equal(topology_port_channel(&topology, parser, SL_PORT_TX), SL_NO_CHANNEL);
    uint8_t numbers[] = {topology_port_channel(&topology, frontend, SL_PORT_RX),
                         topology_port_channel(&topology, frontend, SL_PORT_OUT),
                         topology_port_channel(&topology, frontend, SL_PORT_IN)};
    for (unsigned i = 0; i < 3; i++)
        for (unsigned j = 0; j < i; j++)
            assert_int_not_equal(numbers[i], numbers[j]);
    for (unsigned port = 0; port < SL_MAX_PORTS; port++)
        assert_int_equal(topology_port_channel(&topology, monitor, port), SL_NO_CHANNEL);

    /* A channel for each of the two NICs and the eight message rings. */
    assert_int_equal(topology.channel_count, 10);
    for (unsigned i = 0; i < topology.channel_count; i++) {
        const struct topology_channel *channel = &topology.channel[i];
        assert_true(channel->notifies[0]);
        assert_int_equal(channel->notifies[1], channel->port[0] == SL_PORT_RX);
    }
}

static void test_one_way_hop(void **state)
{
    (void)state;
    struct topology topology = built(SL_ONE_WAY);
    int hop = find_link(&topology, "request_policy_emit", "int_frontend", SL_PORT_OUT);
    assert_true(hop >= 0);
    const struct topology_link *link = &topology.link[hop];
    assert_int_equal(link->kind, LINK_ONEWAY_RING);
    assert_int_equal(link->to_port, SL_PORT_IN);
    assert_true(link->capacity >= 192);
    assert_true(link->slot_size >=
                sizeof(struct sl_record) + sl_protocol(SL_PROTOCOL_MODBUS_TCP)->max_message);
    assert_int_equal(link->slot_size % 8, 0);
    assert_int_equal(rights(&topology, "int_frontend", hop, 0), RIGHT_READ);
    unsigned emit = (unsigned)topology_find(&topology, "request_policy_emit");
    assert_int_equal(topology_port_channel(&topology, emit, SL_PORT_OUT), SL_NO_CHANNEL);
    assert_int_equal(topology_port_channel(&topology, emit, SL_PORT_PEER_IN), SL_NO_CHANNEL);
}

union any_config {
    struct sl_frontend_config frontend;
    struct sl_nic_config nic;
    struct sl_stage_config stage;
    struct sl_monitor_config monitor;
    uint8_t bytes[SL_CONFIG_MAX];
};

static uint32_t configure(const char *name, union any_config *config)
{
    struct site site = example_site(SL_TWO_WAY);
    struct topology topology;
    topology_build(&site, &topology);
    memset(config, 0xa5, sizeof(*config));
    int number = topology_find(&topology, name);
    assert_true(number >= 0);
    return topology_config(&site, &topology, (unsigned)number, config);
}

static void test_frontend_config(void **state)
{
    (void)state;
    union any_config config;
    assert_int_equal(configure("ext_frontend", &config), sl_frontend_config_size(0));
    assert_int_equal(config.frontend.side, SL_SIDE_EXT);
    assert_int_equal(config.frontend.address, 0xc0a86002);
    assert_int_equal(config.frontend.netmask, 0xffffff00);
    assert_int_equal(config.frontend.gateway, 0);
    assert_int_equal(config.frontend.component, 1);
    assert_int_equal(config.frontend.slots, 192);
    assert_int_equal(config.frontend.sessions, 512);
    assert_int_equal(config.frontend.quota, 16);
    assert_int_equal(config.frontend.service_count, 2);
    assert_int_equal(config.frontend.service[0].address, 0xc0a86002);
    assert_int_equal(config.frontend.service[0].port, 502);
    assert_int_equal(config.frontend.service[1].port, 503);
    assert_int_equal(config.frontend.service[1].timeout, 2000000000);

    configure("int_frontend", &config);
    assert_int_equal(config.frontend.side, SL_SIDE_INT);
    assert_int_equal(config.frontend.netmask, 0xfffff000);
    assert_int_equal(config.frontend.gateway, 0xc0a85ffe);
    assert_int_equal(config.frontend.mac[5], 7);
    assert_int_equal(config.frontend.service[0].address, 0xc0a85f02);
    assert_int_equal(config.frontend.service[0].port, 1502);
}

static void test_netmask_edges(void **state)
{
    (void)state;
    static const struct {
        uint8_t prefix;
        uint32_t netmask;
    } cases[] = {{0, 0}, {1, 0x80000000}, {31, 0xfffffffe}, {32, 0xffffffff}};
    for (unsigned i = 0; i < 4; i++) {
        struct site site = example_site(SL_TWO_WAY);
        struct topology topology;
        union any_config config;
        site.side[SL_SIDE_EXT].prefix = cases[i].prefix;
        topology_build(&site, &topology);
        topology_config(&site, &topology, 1, &config);
        assert_int_equal(config.frontend.netmask, cases[i].netmask);
    }
}

static void test_other_configs(void **state)
{
    (void)state;
    union any_config config;
    assert_int_equal(configure("int_nic_drv", &config), sizeof(config.nic));
    assert_int_equal(config.nic.side, SL_SIDE_INT);
    assert_int_equal(config.nic.component, 5);
    assert_int_equal(config.nic.buffers, 128);
    assert_int_equal(config.nic.mac[5], 7);
    assert_string_equal(config.nic.interface, "int0");

    assert_int_equal(configure("reply_policy_emit", &config), sizeof(config.stage));
    assert_int_equal(config.stage.direction, SL_REPLY);
    assert_int_equal(config.stage.mode, SL_TWO_WAY);
    assert_int_equal(config.stage.slots, 192);
    assert_int_equal(config.stage.sessions, 512);
    assert_int_equal(config.stage.component, 7);
    configure("request_parser_norm", &config);
    assert_int_equal(config.stage.direction, SL_REQUEST);

    assert_int_equal(configure("monitor", &config), sizeof(config.monitor));
    assert_int_equal(config.monitor.ring_count, 8);
    assert_int_equal(config.monitor.component, 8);
    assert_string_equal(config.monitor.ring_name[0], "ext_nic_drv");
    assert_string_equal(config.monitor.ring_name[7], "reply_policy_emit");
    assert_int_equal(config.monitor.boot[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_components),      cmocka_unit_test(test_rights),
        cmocka_unit_test(test_capacities),      cmocka_unit_test(test_room_for_another_policy),
        cmocka_unit_test(test_frame_capacity),  cmocka_unit_test(test_regions),
        cmocka_unit_test(test_channels),        cmocka_unit_test(test_one_way_hop),
        cmocka_unit_test(test_frontend_config), cmocka_unit_test(test_netmask_edges),
        cmocka_unit_test(test_other_configs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
