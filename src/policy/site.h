/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A site: the configuration file, read and checked, on the host only. The loader reports every
 * mistake at once as file:line:column and makes nothing of a file that has one.
 */
#ifndef SLUICE_SITE_H
#define SLUICE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sluice/config.h"

struct site_side {
    char nic[16];     /* network interface */
    uint32_t address; /* IPv4, host byte order */
    uint8_t prefix;   /* 0..32 */
    uint32_t gateway; /* default route; 0: none */
    bool mac_given;
    uint8_t mac[6];
    uint16_t vlan; /* 802.1Q, 1..4094; 0: none */
    bool no_ping;
    int cpu; /* for its NIC driver and frontend; -1: the gateway's */
    uint8_t route_count;
    struct sl_route route[SL_MAX_ROUTES];
};

struct site_service {
    char name[64];
    uint16_t protocol; /* enum sl_protocol_id */
    uint32_t listen_address, device_address;
    uint16_t listen_port, device_port;
    uint64_t timeout;       /* ns; default 1 s */
    uint16_t pipeline;      /* requests under way to the device, per connection; 0: as the client */
    uint64_t queue_timeout; /* ns that a request waits to be sent at most; 0: timeout */
    uint16_t max_connections; /* to the device; 0: one a client (shared: 1) */
    uint16_t queue;           /* requests that wait to be sent at most; 0: outstanding */
    bool shared;              /* connections to the device serve all clients */
    bool broadcast;           /* unit 0 is a serial line's broadcast: no reply */
    bool echo;                /* one-way: a write is confirmed to the client at once */
    bool reply_unit_any;      /* the device answers with a unit of its own */
    bool datagrams;           /* UDP with clients, not TCP */
    bool device_datagrams;    /* UDP with the device */
    uint16_t source_port;     /* from which the device is spoken to, over UDP; 0: any */
    uint32_t flags;           /* more of POLICY_SERVICE_* (policy/image.h) */
    uint16_t rate;            /* of all that passes; POLICY_NONE (policy/conditions.h): none */
    const char *rate_text;
    /* DNP3 */
    bool skip_noise;             /* octets between link frames are skipped; else they close */
    bool unsolicited;            /* unsolicited responses pass */
    uint16_t response_fragments; /* of one response at most */
    uint32_t response_size;      /* octets of one response at most */
};

/* Requests made inside, out of a seed, instead of clients and devices. */
struct site_synthetic {
    bool given;
    uint16_t seed;
    uint16_t messages; /* in all; default 5000 */
    uint16_t pace;     /* a second; default 1000 */
    uint32_t client;   /* from whom they are; IPv4, host byte order */
};

/* Where audit lines go beside the file, as syslog (RFC 5424). */
enum site_syslog_kind { SITE_SYSLOG_NONE, SITE_SYSLOG_UNIX, SITE_SYSLOG_UDP, SITE_SYSLOG_TCP };
struct site_syslog {
    enum site_syslog_kind kind;
    char path[108];   /* UNIX: of the receiver's datagram socket */
    uint32_t address; /* UDP, TCP: IPv4, host byte order */
    uint16_t port;
    uint16_t facility; /* 0..23; default 16, local0 */
    char host[64];     /* who we are; "": the machine's name */
};

/* How the running gateway is asked and told. "": the default; "none": not at all. */
struct site_control {
    char socket[108];  /* path */
    uint16_t mode;     /* of its file; 0: the default */
    char group[33];    /* whose it is; "": the process's */
    char state[240];   /* path of the file that keeps an override */
    char metrics[240]; /* path of a file for node_exporter; "": none */
};

struct site {
    const char *path; /* of the file, for messages */
    enum sl_mode mode;
    bool fixed_policy; /* no other takes this one's place while it runs (seL4) */
    bool monitor;      /* what would be denied is logged and let through, in every service */
    int cpu;           /* CPU to run on; -1: the launcher chooses one */
    /* SL_SIDE_EXT, where clients are; SL_SIDE_INT, where devices are. The file's `external` and
     * `internal`, or, where clients_inside, the other way round. */
    struct site_side side[2];
    bool clients_inside;
    uint16_t outstanding;        /* reply slots; default 192 */
    uint16_t sessions;           /* default 512 */
    uint16_t quota;              /* per session; default 16 */
    uint16_t client_sessions;    /* of one client's address; default a quarter of sessions */
    uint16_t client_outstanding; /* likewise; default half of outstanding */
    uint16_t buffers;            /* per frame queue; default 128 */
    uint64_t one_way_poll;       /* ns between two looks at the one-way ring; 0: the default */
    bool merge_drivers;          /* NIC driver and frontend in one process; default false */
    char audit[256];             /* path of the audit file; "" or "-": standard output */
    enum sl_audit_lines audit_lines;
    uint64_t audit_interval; /* ns after which at the latest a count is told; 0: the default */
    uint64_t audit_size;     /* bytes at which the file is rotated; 0: never */
    uint16_t audit_keep;     /* older files kept; default 10 */
    struct site_syslog syslog;
    struct site_control control;
    struct site_synthetic synthetic;
    uint16_t service_count;
    struct site_service service[SL_MAX_SERVICES];
    struct site_policy *policy; /* rules; the compiler's own */
};

/* Reads and checks `path` (whole file: syntax, types, references, rules void or shadowed).
 * NULL when there was any mistake; all of them are on `errors`. Free with site_free. */
struct site *site_load(const char *path, FILE *errors);
/* The same of a text; `name` is how messages call it. */
struct site *site_load_text(const char *name, const char *text, size_t length, FILE *errors);
/* The file's text, malloc'd; NULL (said on `errors`) when it cannot be read. */
char *site_read_file(const char *path, size_t *length, FILE *errors);
void site_free(struct site *site);

/* What the file calls a side: "external" or "internal". */
const char *site_side_name(const struct site *site, unsigned side);

/* Overrides by number, in the file's order; NULL: there is none. */
const char *site_override_name(const struct site *site, size_t number);
/* False: the file has none of this name. `*longest`: how long it may last, ns. */
bool site_override(const struct site *site, const char *name, uint64_t *longest);
/* The same site with the rules of one of its overrides in force; NULL, said on `errors`, when that
 * would be too large. */
struct site *site_with_override(const struct site *site, const char *name, FILE *errors);

/* True when a gateway that runs `before` can go on with `after`: nothing but rules differs. Says on
 * `errors` what else does. */
bool site_same_plant(const struct site *before, const struct site *after, FILE *errors);

/* The policy image of a loaded site; malloc'd, the caller frees. NULL (reported on `errors`)
 * when it would be too large. */
void *site_compile(const struct site *site, size_t *size, FILE *errors);

/* The pairs of stations of one service, as its clients call them or as its device does; 0 where the
 * protocol has none. `stations`: room for SL_MAX_STATIONS. */
unsigned site_stations(const struct site *site, unsigned service, bool device,
                       struct sl_station *stations);

/* A request in words ("write register 2 = 900 unit 1"; each of `words` may hold several) or in
 * hexadecimal, as the bytes that a client of the service sends: `adu` has room for the protocol's
 * longest message. False, said on `errors`, for what is neither. */
bool site_message(const struct site *site, unsigned service, const char *const *words, size_t count,
                  uint8_t *adu, size_t *length, FILE *errors);

/* Which rule decides on the valid canonical `request`, why, and the nearest rule that would have
 * allowed it; true when it passes. `wall`: Unix time in nanoseconds. Rates are full, and no last
 * values known. */
bool site_explain_message(const struct site *site, unsigned service, uint32_t client, uint64_t wall,
                          const void *request, size_t length, FILE *out);

/* In plain sentences what each service lets through, and warnings (what deserves a look). */
void site_explain(const struct site *site, FILE *out);

#endif
