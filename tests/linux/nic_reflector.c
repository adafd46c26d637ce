/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The NIC driver component on a real interface, under the real Linux host, with a frontend that
 * sends every frame back to its sender.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hosts/linux/launch.h"
#include "hosts/linux/output.h"
#include "hosts/linux/supervisor.h"
#include "ring/frame_queue.h"
#include "sluice/component.h"
#include "sluice/host.h"

#define BUFFERS 128u

struct reflector {
    struct sl_host *host;
    struct frame_end rx_free, rx_active, tx_free, tx_active;
    const uint8_t *rx_buffers;
    uint8_t *tx_buffers;
    uint8_t channel;
    uint64_t spare[BUFFERS];
    unsigned spares;
};

static void reflector_init(void *self, const struct sl_environment *environment)
{
    struct reflector *reflector = self;
    const struct sl_port *rx = &environment->port[SL_PORT_RX];
    const struct sl_port *tx = &environment->port[SL_PORT_TX];
    reflector->host = environment->host;
    reflector->channel = rx->channel;
    frame_end_init(&reflector->rx_free, rx->region[0], BUFFERS);
    frame_end_init(&reflector->rx_active, rx->region[1], BUFFERS);
    frame_end_init(&reflector->tx_free, tx->region[0], BUFFERS);
    frame_end_init(&reflector->tx_active, tx->region[1], BUFFERS);
    reflector->rx_buffers = rx->region[2];
    reflector->tx_buffers = tx->region[2];
    for (unsigned i = 0; i < BUFFERS; i++) {
        frame_put(&reflector->rx_free, i * FRAME_BUFFER_SIZE, 0);
        reflector->spare[reflector->spares++] = i * FRAME_BUFFER_SIZE;
    }
    if (frame_should_notify(&reflector->rx_free))
        sl_notify(reflector->host, reflector->channel);
}

static bool reflect_one(struct reflector *reflector)
{
    uint64_t offset, unused_offset;
    uint16_t length, unused;
    while (frame_take(&reflector->tx_free, &unused_offset, &unused) == RING_OK)
        reflector->spare[reflector->spares++] = unused_offset;
    if (reflector->spares == 0 || frame_take(&reflector->rx_active, &offset, &length) != RING_OK)
        return false;
    uint64_t target = reflector->spare[--reflector->spares];
    const uint8_t *frame = reflector->rx_buffers + offset;
    uint8_t *reply = reflector->tx_buffers + target;
    memcpy(reply, frame, length);
    memcpy(reply, frame + 6, 6);
    memcpy(reply + 6, frame, 6);
    frame_put(&reflector->tx_active, target, length);
    frame_put(&reflector->rx_free, offset, 0);
    return true;
}

static void reflector_wake(void *self, uint64_t badges)
{
    struct reflector *reflector = self;
    (void)badges;
    do {
        while (reflect_one(reflector))
            continue;
    } while (!(reflector->spares ? frame_may_sleep(&reflector->rx_active)
                                 : frame_may_sleep(&reflector->tx_free)));
    bool notify = frame_should_notify(&reflector->rx_free);
    notify |= frame_should_notify(&reflector->tx_active);
    if (notify)
        sl_notify(reflector->host, reflector->channel);
}

static const struct sl_component reflector_component = {.name = "reflector",
                                                        .self_size = sizeof(struct reflector),
                                                        .init = reflector_init,
                                                        .wake = reflector_wake};

static void add_queue(struct topology *topology, uint8_t from, uint8_t to, uint8_t port)
{
    const uint32_t sizes[] = {4096, 4096, BUFFERS * FRAME_BUFFER_SIZE};
    topology->link[topology->link_count++] =
        (struct topology_link){.kind = LINK_FRAME_QUEUE, .from = from, .to = to};
    for (uint8_t part = 0; part < 3; part++) {
        uint8_t region = topology->region_count++;
        snprintf(topology->region[region].name, sizeof topology->region[region].name, "queue%u",
                 region);
        topology->region[region].size = sizes[part];
        topology->region[region].part = part;
        topology->map[topology->map_count++] =
            (struct topology_map){region, from, RIGHT_READ | RIGHT_WRITE, port};
        topology->map[topology->map_count++] = (struct topology_map){
            region, to, part == 2 ? RIGHT_READ : RIGHT_READ | RIGHT_WRITE, port};
    }
}

int main(int argc, char **argv)
{
    static struct topology topology;
    static struct launch launch;
    if (argc != 4) {
        fprintf(stderr, "usage: nic_reflector INTERFACE isolated|merged|fused AUDIT\n");
        return 2;
    }
    topology.component_count = 2;
    strcpy(topology.component[0].name, "ext_nic_drv");
    topology.component[0].program = PROGRAM_NIC_DRV;
    topology.component[0].device = true;
    strcpy(topology.component[1].name, "reflector");
    topology.component[1].program = PROGRAM_EXT_FRONTEND;
    add_queue(&topology, 0, 1, SL_PORT_RX);
    add_queue(&topology, 1, 0, SL_PORT_TX);
    topology.channel_count = 1;
    topology.channel[0] = (struct topology_channel){.end = {0, 1},
                                                    .channel = {0, 0},
                                                    .port = {SL_PORT_RX, SL_PORT_RX},
                                                    .notifies = {true, true}};
    launch.topology = &topology;
    launch.component[0].program = &nic_drv_component;
    launch.component[1].program = &reflector_component;
    snprintf(launch.component[0].interface, sizeof launch.component[0].interface, "%s", argv[1]);
    struct sl_nic_config *config = (void *)launch.component[0].config;
    launch.component[0].config_size = sizeof *config;
    config->buffers = BUFFERS;
    launch_group(&launch, !strcmp(argv[2], "fused")    ? LAUNCH_FUSED
                          : !strcmp(argv[2], "merged") ? LAUNCH_MERGED
                                                       : LAUNCH_ISOLATED);
    launch.cpu = launch_choose_cpu();
    launch.audit_fd = launch.launcher_fd = output_open(argv[3]);
    return supervise(&launch) ? 0 : 1;
}
