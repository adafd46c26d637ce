/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each component is told, generated from the topology and the configuration file: flat,
 * no pointers, host byte order, used in place on every host.
 */
#ifndef SLUICE_CONFIG_H
#define SLUICE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

enum sl_direction { SL_REQUEST = 0, SL_REPLY = 1 };
enum sl_side { SL_SIDE_EXT = 0, SL_SIDE_INT = 1, SL_SIDE_CORE = 2 };
enum sl_mode { SL_TWO_WAY = 0, SL_ONE_WAY = 1 };

#define SL_MAX_SERVICES 64u
#define SL_MAX_ROUTES   8u
#ifndef SL_MAX_SLOTS      /* less where a host's memory is small */
#define SL_MAX_SLOTS 256u /* reply slots: requests outstanding at once, all clients */
#endif
#define SL_MAX_SESSIONS 1024u
#define SL_MAX_STATIONS 512u /* of all services */
/* Replies that nobody asked for, on their way to clients at once. */
#define SL_MAX_UNSOLICITED 64u

/* parser_norm, policy_emit */
struct sl_stage_config {
    uint8_t direction; /* enum sl_direction */
    uint8_t mode;      /* enum sl_mode */
    uint16_t slots;    /* reply slots: requests outstanding at once, all clients */
    uint16_t sessions;
    uint16_t component; /* number of this component on audit lines */
    uint16_t reserved[2];
    uint32_t slot_size; /* one-way policy_emit: bytes of a slot of its ring; else 0 */
};

/* source, stream_frontend, sink */
struct sl_synthetic_config {
    uint16_t component;
    uint16_t protocol; /* enum sl_protocol_id */
    uint32_t client;   /* from whom the requests are; IPv4, host byte order */
    uint64_t seed;
    uint32_t messages;  /* requests in all */
    uint32_t pace;      /* requests a second, at least 1 */
    uint32_t slot_size; /* sink: bytes of a slot of its ring */
    uint32_t reserved;
};

struct sl_service_endpoint {
    uint32_t address;       /* ext: listen address; int: device address. IPv4, host byte order */
    uint16_t port;          /* likewise */
    uint16_t protocol;      /* enum sl_protocol_id */
    uint64_t timeout;       /* nanoseconds from a request's arrival to its failure */
    uint64_t pipeline;      /* int: requests under way at most on one connection; 0: no bound */
    uint64_t queue_timeout; /* int: ns that a request waits at most to be sent; 0: `timeout` */
    uint16_t connections;   /* int: to the device at most; 0: one a client */
    uint16_t queue;         /* int: requests that wait to be sent at most; 0: no bound */
    uint8_t shared;         /* int: connections serve all clients, not one each */
    uint8_t echo;           /* ext, one-way: a write is confirmed at once, whatever comes of it */
    uint8_t skip_noise;     /* link layer: bytes between frames are skipped; else they end the
                             * connection */
    uint8_t datagrams;      /* over UDP, not TCP: ext with clients; int with the device */
    uint8_t any_station;    /* link layer: stations that are not listed are let through too */
    uint16_t source_port;   /* int, over UDP: from which the device is spoken to; 0: any */
};

/* A pair of stations that may speak to each other, as this side's neighbours call them. */
struct sl_station {
    uint16_t service;
    uint16_t master, outstation;
};

/* Static: the longest netmask decides, before the side's `gateway`. IPv4, host byte order. */
struct sl_route {
    uint32_t destination;
    uint32_t netmask;
    uint32_t via; /* a router on this side's own network */
};

/* ext_frontend, int_frontend */
struct sl_frontend_config {
    uint8_t side; /* enum sl_side */
    uint8_t mode;
    uint8_t mac[6];
    uint32_t address; /* this side's own; IPv4, host byte order */
    uint32_t netmask;
    uint32_t gateway; /* 0: none */
    uint16_t component;
    uint16_t slots;
    uint16_t sessions;
    uint16_t quota;           /* requests outstanding at most for one session */
    uint16_t service_count;   /* index = service number in the policy image */
    uint16_t client_sessions; /* ext: sessions at most from one address; 0: no bound */
    uint16_t one_way_slot;    /* int, one-way: bytes of a slot of the ring from policy_emit */
    uint32_t one_way_poll;    /* int, one-way: ns between two looks at it; 0: the default */
    struct sl_service_endpoint service[SL_MAX_SERVICES];
    uint16_t client_slots; /* ext: reply slots held at most by one address; 0: no bound */
    uint16_t vlan;         /* 802.1Q: the only tag accepted, and put on what is sent; 0: none */
    uint8_t no_ping;       /* ICMP is not answered */
    uint8_t route_count;
    struct sl_route route[SL_MAX_ROUTES];
    uint16_t station_count;
    uint16_t reserved;
    struct sl_station station[SL_MAX_STATIONS]; /* by service; the configuration ends with the last
                                                 * that there is */
};

/* Bytes of a frontend's configuration with so many stations. */
static inline uint32_t sl_frontend_config_size(unsigned station_count)
{
    return (uint32_t)(offsetof(struct sl_frontend_config, station) +
                      station_count * sizeof(struct sl_station));
}

/* ext_nic_drv, int_nic_drv */
struct sl_nic_config {
    uint8_t side;
    uint8_t mac[6];
    uint8_t reserved;
    uint16_t component;
    uint16_t buffers;   /* capacity of each frame queue, power of two */
    char interface[16]; /* Linux: name of the network interface */
};

/* Which audit lines there are. */
enum sl_audit_lines {
    SL_AUDIT_SUMMARY, /* writes each; reads and what repeats are counted (docs/audit.md) */
    SL_AUDIT_EACH,    /* every message and event */
};

/* monitor */
#define SL_MAX_COMPONENTS 16u
#define SL_NAME_SIZE      24u
struct sl_monitor_config {
    uint16_t ring_count;
    uint16_t component;
    uint32_t epoch;       /* restarts of the pipeline since boot */
    uint8_t boot[8];      /* boot identifier, random at the gateway's start */
    uint64_t wall_offset; /* nanoseconds to add to sl_now for Unix time; 0: unknown */
    uint64_t interval;    /* ns after which at the latest a count is told; 0: the default */
    uint8_t lines;        /* enum sl_audit_lines */
    uint8_t reserved[7];
    char ring_name[SL_MAX_COMPONENTS][SL_NAME_SIZE]; /* component behind each audit ring */
};

#endif
