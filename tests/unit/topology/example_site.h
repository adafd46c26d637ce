/* SPDX-License-Identifier: BSD-2-Clause */
/* A small site, as the loader would hand it over. */
#ifndef TEST_TOPOLOGY_EXAMPLE_SITE_H
#define TEST_TOPOLOGY_EXAMPLE_SITE_H

#include "policy/site.h"
#include "sluice/protocol.h"

static inline struct site example_site(enum sl_mode mode)
{
    return (struct site){
        .path = "example.yaml",
        .mode = mode,
        .cpu = -1,
        .side = {[SL_SIDE_EXT] = {.nic = "ext0", .address = 0xc0a86002, .prefix = 24},
                 [SL_SIDE_INT] = {.nic = "int0",
                                  .address = 0xc0a85f01,
                                  .prefix = 20,
                                  .gateway = 0xc0a85ffe,
                                  .mac_given = true,
                                  .mac = {2, 0, 0, 0, 0, 7}}},
        .outstanding = 192,
        .sessions = 512,
        .quota = 16,
        .buffers = 128,
        .service_count = 2,
        .service = {{.name = "boiler",
                     .protocol = SL_PROTOCOL_MODBUS_TCP,
                     .listen_address = 0xc0a86002,
                     .listen_port = 502,
                     .device_address = 0xc0a85f02,
                     .device_port = 1502,
                     .timeout = 1000000000},
                    {.name = "pump",
                     .protocol = SL_PROTOCOL_MODBUS_TCP,
                     .listen_address = 0xc0a86002,
                     .listen_port = 503,
                     .device_address = 0xc0a85f03,
                     .device_port = 502,
                     .timeout = 2000000000}},
    };
}

#endif
