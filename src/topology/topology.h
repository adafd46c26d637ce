/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The topology: which components there are, what joins them, and with which rights. One
 * declarative source (pipeline.c) builds it from a site; the Linux launch table, the Microkit
 * system description, the CAmkES assembly, the drawing and the flow checker all read this.
 *
 * Links say what is meant; regions, maps, channels and devices say what is built for them.
 * The checker looks only at the latter.
 */
#ifndef SLUICE_TOPOLOGY_H
#define SLUICE_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/site.h"
#include "sluice/component.h"
#include "sluice/config.h"

#define TOPOLOGY_MAX_COMPONENTS 16u
#define TOPOLOGY_MAX_LINKS      64u
#define TOPOLOGY_MAX_REGIONS    96u
#define TOPOLOGY_MAX_MAPS       256u
#define TOPOLOGY_MAX_CHANNELS   64u

enum topology_program {
    PROGRAM_NIC_DRV,
    PROGRAM_EXT_FRONTEND,
    PROGRAM_INT_FRONTEND,
    PROGRAM_PARSER_NORM,
    PROGRAM_POLICY_EMIT,
    PROGRAM_MONITOR,
    PROGRAM_SOURCE, /* of the synthetic assembly */
    PROGRAM_STREAM_FRONTEND,
    PROGRAM_SINK,
};
#define PROGRAM_COUNT (PROGRAM_SINK + 1)

struct topology_component {
    char name[SL_NAME_SIZE]; /* "ext_nic_drv", "request_parser_norm", "reply_policy_emit" .. */
    enum topology_program program;
    enum sl_side side;
    enum sl_direction direction; /* parser_norm, policy_emit */
    bool breaks_path;            /* policy_emit: the flow rule asks for paths without these */
    bool has_policy;             /* maps the policy image */
    bool device;                 /* owns its side's NIC */
};

enum topology_link_kind { LINK_MESSAGE_RING, LINK_ONEWAY_RING, LINK_FRAME_QUEUE };

struct topology_link {
    char name[SL_NAME_SIZE * 2 + 4]; /* "FROM_to_TO" */
    enum topology_link_kind kind;
    uint8_t from, to;           /* components; frame queue: from = where frames come from */
    uint8_t from_port, to_port; /* enum sl_port_id; the monitor: ring number */
    uint32_t capacity;          /* message ring: data bytes; one-way: slots; frames: buffers */
    uint32_t slot_size;         /* one-way ring */
};

struct topology_region {
    char name[SL_NAME_SIZE * 3];
    uint32_t size; /* bytes, a multiple of 4096 */
    uint8_t link;
    uint8_t part; /* index into sl_port.region */
};

#define RIGHT_READ  1u
#define RIGHT_WRITE 2u
struct topology_map {
    uint8_t region;
    uint8_t component;
    uint8_t rights; /* RIGHT_* */
    uint8_t port;   /* enum sl_port_id */
};

/* Notification between two components. `channel` numbers are unique within a component. The two
 * frame queues of a NIC share one channel, `port` SL_PORT_RX: ask topology_port_channel(). */
struct topology_channel {
    uint8_t end[2];     /* components */
    uint8_t channel[2]; /* number at each end */
    uint8_t port[2];
    bool notifies[2]; /* end i may signal the other */
};

/* Memory that the launcher shares with components beside the links', on hosts where the launcher
 * stays (Linux): it writes and they read, or one of them writes and it reads. */
enum topology_outer_kind { OUTER_POLICY, OUTER_COUNTERS, OUTER_COUNT };
struct topology_outer {
    const char *name;
    uint32_t size;    /* bytes, a multiple of 4096 */
    uint16_t holders; /* bit i: component i maps it */
    bool launcher_writes;
};

/* What the flow rules do not apply to, and what it could do. Printed, never skipped. */
struct topology_trusted {
    const char *name;
    const char *why;
};

struct topology {
    enum sl_mode mode;
    bool clients_inside; /* ext is the internal network, int the external one */
    uint8_t component_count;
    struct topology_component component[TOPOLOGY_MAX_COMPONENTS];
    uint8_t link_count;
    struct topology_link link[TOPOLOGY_MAX_LINKS];
    uint8_t region_count;
    struct topology_region region[TOPOLOGY_MAX_REGIONS];
    uint16_t map_count;
    struct topology_map map[TOPOLOGY_MAX_MAPS];
    uint8_t channel_count;
    struct topology_channel channel[TOPOLOGY_MAX_CHANNELS];
    struct topology_outer outer[OUTER_COUNT]; /* size 0: not there */
    uint8_t trusted_count;
    struct topology_trusted trusted[8];
};

/* The pipeline of DESIGN section 2 for this site. Never fails for a loaded site. */
void topology_build(const struct site *site, struct topology *topology);

/* Checks the flow rules; writes every violation with the path that makes it, and the trusted
 * nodes by name. Returns the number of violations. */
int topology_check(const struct topology *topology, FILE *out);

/* The same for what a host makes of it. On Linux a notification is an eventfd, which both ends
 * can read and write: each channel counts both ways. topology_check() is that, the stricter. */
enum topology_host { TOPOLOGY_LINUX, TOPOLOGY_SEL4 };
int topology_check_on(const struct topology *topology, enum topology_host host, FILE *out);

/* The component's own configuration (config.h), as the site says; returns its size. Linux fills
 * in MAC addresses, boot identifier and epoch afterwards. `config` holds SL_CONFIG_MAX bytes. */
#define SL_CONFIG_MAX 8192u
uint32_t topology_config(const struct site *site, const struct topology *topology,
                         unsigned component, void *config);

/* True when a service's protocol has a link layer: components need their sl_component.link_size. */
bool topology_has_link(const struct site *site);

/* Channel number of a component's port (struct sl_port.channel), SL_NO_CHANNEL for none. SL_PORT_TX
 * has SL_PORT_RX's. */
uint8_t topology_port_channel(const struct topology *topology, unsigned component, unsigned port);

/* Buffers of each frame queue: the site's, as a power of two within 2..32768. */
uint16_t topology_frame_capacity(const struct site *site);

/* One self-contained SVG. */
void topology_draw(const struct topology *topology, FILE *out);

/* The same as text: components, links with regions and rights (r, w), channels. */
void topology_print(const struct topology *topology, FILE *out);

/* Index by name, -1 for none. */
int topology_find(const struct topology *topology, const char *name);

#endif
