/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each protection domain is told at build time, in its own read-only section
 * .sluice_config: where its memory is mapped, which channels it has, and, for a component, its
 * sl_*_config. Written by src/topology/microkit.c, read by this folder. Flat, little-endian.
 */
#ifndef SLUICE_MICROKIT_DOMAIN_CONFIG_H
#define SLUICE_MICROKIT_DOMAIN_CONFIG_H

#include <stdint.h>

#include "sluice/component.h"
#include "sluice/config.h"

#define DOMAIN_MAGIC UINT32_C(0x4d504c53) /* "SLPM" */

/* Channel numbers above a component's own (0..31); libmicrokit has 0..61. */
#define DOMAIN_CHANNEL_DEVICE   40u /* interrupt of the device; or a stock driver's receive side */
#define DOMAIN_CHANNEL_CLOCK    41u /* from the clock */
#define DOMAIN_CHANNEL_TRANSMIT 42u /* a stock driver's transmit side */

#define DOMAIN_MAX_CHILDREN 24u
#define DOMAIN_MAX_REGIONS  128u

/* What dies and starts anew together. In two-way mode that is everything but for the monitor, which
 * nothing waits for; in one-way mode the sides are kept apart, so that nobody outside sees what
 * becomes of the internal one. What belongs to no part takes all with it. */
enum domain_part {
    DOMAIN_PART_EXTERNAL,
    DOMAIN_PART_INTERNAL,
    DOMAIN_PART_MONITOR,
    DOMAIN_PARTS,
    DOMAIN_PART_ALL = DOMAIN_PARTS
};

struct domain_region {
    uint64_t base; /* virtual address; 0: not mapped */
    uint64_t size; /* bytes */
};

/* One direction between the edge and a stock sDDF driver (drivers/sddf). */
struct domain_peer {
    struct domain_region to, from, buffers;
    uint64_t address; /* of the buffers, on the device's bus */
    uint16_t count;
    uint8_t reserved[6];
};

/* In place of a NIC, for measurement (drivers/synthetic). */
struct domain_synthetic {
    uint8_t client; /* 1: a client; 0: a device */
    uint8_t gateway_mac[6];
    uint8_t reserved;
    uint32_t own_address, gateway_address; /* IPv4, host byte order */
    uint16_t gateway_port;
    uint16_t reserved2;
    uint32_t warm_up, measured; /* requests */
};

/* Shared by the synthetic client and the supervisor. */
enum { BENCH_WARM_UP, BENCH_MEASURED, BENCH_DONE };
struct domain_bench {
    _Atomic uint32_t phase;
    uint64_t start, end;  /* readings of cntpct_el0 */
    uint64_t first, last; /* replies by then */
};

/* A component's domain; its configuration follows at once. */
struct domain_config {
    uint32_t magic;
    uint32_t config_size; /* bytes of sl_*_config after this struct */
    struct domain_region port[SL_MAX_PORTS][SL_PORT_REGIONS];
    uint8_t channel[SL_MAX_PORTS];
    struct domain_region device; /* registers of its NIC */
    struct domain_region dma;    /* memory shared with its NIC; bus address: domain_dma_address */
    struct domain_peer peer[2];  /* in front of a stock driver: receive, transmit */
    struct domain_synthetic synthetic;
    struct domain_region bench;  /* synthetic client: struct domain_bench */
    struct domain_region wakes;  /* where it is measured: struct wake_count by badge */
    struct domain_region uart;   /* monitor: PL011 */
    struct domain_region life;   /* struct domain_life */
    struct domain_region seed;   /* struct domain_seed, read-only; 0: asks for no random bytes */
    struct domain_region status; /* monitor, policy_emit: struct domain_status, read-only */
};

/* Randomness for one component, from the entropy domain. */
struct domain_seed {
    _Atomic uint32_t ready; /* 1: key is filled */
    uint32_t from_device;   /* 1: from an entropy device; 0: only what the build put in */
    uint8_t key[32];
};

/* A component's sign of life, for the supervisor. */
struct domain_life {
    _Atomic uint64_t turns; /* one more with each, and the clock gives it one every 10 ms */
};

/* What the supervisor tells the monitor, and those that decide. */
struct domain_status {
    uint64_t restarts;      /* of the pipeline or a part of it since boot */
    uint8_t boot[8];        /* boot identifier; all zero: not known yet */
    _Atomic uint32_t named; /* 1: boot is whole, and stays */
    uint64_t wall_offset;   /* nanoseconds from domain_now() to Unix time; 0: no clock tells */
    _Atomic uint64_t alive; /* domain_now() when the supervisor last ran */
    _Atomic uint64_t lines; /* that the supervisor has begun to write */
};

/* The clock wakes the supervisor every 10 ms; one that was silent for so long is dead. */
#define DOMAIN_SUPERVISOR_SILENT_NS UINT64_C(1000000000)
/* Who has heard nothing of it at two requests that are so far apart says so to it: it lives, and
 * the clock has stopped, or nobody is there to hear that. */
#define DOMAIN_NO_TICKS_NS UINT64_C(3000000000)

/* The clock's domain. */
struct domain_clock_config {
    uint32_t magic;
    uint32_t channel_count; /* notifies channels 0..channel_count-1 */
};

/* The entropy domain. */
struct domain_entropy_config {
    uint32_t magic;
    uint32_t seed_count;
    struct domain_region device; /* registers of a virtio entropy device; 0: the board has none */
    struct domain_region dma;
    struct domain_region seed[DOMAIN_MAX_CHILDREN];
    uint8_t build_seed[32]; /* random at build time */
};

/* The supervisor, parent of all the others. */
struct domain_supervisor_config {
    uint32_t magic;
    uint8_t child_count;
    uint8_t closed;         /* bit n: part n never starts anew (enum domain_part) */
    uint8_t clock, entropy; /* their child numbers */
    uint8_t region_count;
    uint8_t part[DOMAIN_MAX_CHILDREN];               /* by child number */
    uint8_t region_part[DOMAIN_MAX_REGIONS];         /* what is shared beyond a part is of none */
    char child[DOMAIN_MAX_CHILDREN][SL_NAME_SIZE];   /* names by child number */
    struct domain_region region[DOMAIN_MAX_REGIONS]; /* zeroed before their part's restart */
    struct domain_region life[DOMAIN_MAX_CHILDREN];  /* struct domain_life; 0: it has none */
    struct domain_region uart, rtc, status;
    struct domain_region bench; /* struct domain_bench, read-only; 0: nothing is measured */
    struct domain_region wakes[DOMAIN_MAX_CHILDREN]; /* by child number, read-only */
    struct domain_region seed;                       /* for the boot identifier */
    uint8_t policy_hash[8];
};

#endif
