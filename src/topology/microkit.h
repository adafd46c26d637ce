/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A topology as a Microkit system: protection domains, memory regions with their maps, channels,
 * interrupts; then its system description, each domain's configuration (domain_config.h), and
 * what it all takes. Host only.
 *
 * Besides the topology's components there are three domains that are trusted: the supervisor,
 * parent of all the others; the clock; and the source of random seeds.
 */
#ifndef SLUICE_TOPOLOGY_MICROKIT_H
#define SLUICE_TOPOLOGY_MICROKIT_H

#include "hosts/microkit/domain_config.h"
#include "topology/topology.h"

#define MICROKIT_MAX_DOMAINS  24u
#define MICROKIT_MAX_REGIONS  160u
#define MICROKIT_MAX_MAPS     320u
#define MICROKIT_MAX_CHANNELS 96u

/* What the generator must know of a board. */
struct microkit_board {
    const char *name;
    struct {
        uint64_t registers; /* page of the device; nothing else of use may be on it */
        unsigned interrupt;
        bool edge;
    } nic[2];         /* SL_SIDE_EXT, SL_SIDE_INT */
    uint64_t uart;    /* PL011 */
    uint64_t rtc;     /* PL031; 0: none */
    uint64_t entropy; /* virtio entropy device; 0: none */
    uint64_t dma_top; /* end of main memory that the kernel does not manage, for DMA at addresses
                       * that must be known at build time (stock drivers) */
};

/* NULL for a name that is none. */
const struct microkit_board *microkit_board(const char *name);
/* All of them, ended by NULL names. */
extern const struct microkit_board microkit_boards[];

/* What moves the frames of one side. */
enum microkit_nic {
    MICROKIT_NIC_VIRTIO,    /* our driver, in the driver's domain */
    MICROKIT_NIC_SDDF,      /* a stock sDDF driver beside it; the driver's domain is the edge */
    MICROKIT_NIC_SYNTHETIC, /* frames made inside: for measurement */
};

/* Buffers shared with a stock driver: of the frames received, of those to send. */
#define SDDF_RECEIVE_BUFFERS  32u
#define SDDF_TRANSMIT_BUFFERS 32u

/* Channels as a stock driver is told to number them. */
#define SDDF_CHANNEL_INTERRUPT 0u
#define SDDF_CHANNEL_RECEIVE   1u
#define SDDF_CHANNEL_TRANSMIT  2u

/* A stock sDDF Ethernet driver, as its config.json describes it. */
#define SDDF_MAX_REGIONS 8u
struct microkit_sddf {
    char elf[512]; /* path */
    struct {
        char name[32];
        uint32_t size;
        bool device; /* the NIC's registers; otherwise memory for DMA */
        bool uncached;
    } region[SDDF_MAX_REGIONS];
    unsigned region_count;
    unsigned interrupt_count;
};

struct microkit_options {
    const struct microkit_board *board;
    enum microkit_nic nic[2];
    struct microkit_sddf sddf[2]; /* where nic is MICROKIT_NIC_SDDF */
};

enum microkit_kind {
    DOMAIN_SUPERVISOR,
    DOMAIN_CLOCK,
    DOMAIN_ENTROPY,
    DOMAIN_COMPONENT,
    DOMAIN_SDDF_DRIVER,
};

/* How the domains of a kind run. */
struct microkit_run {
    uint32_t priority, budget, period; /* microseconds; the domain has `budget` in each `period` */
    uint32_t stack; /* bytes: the walk, the load and the corpus of tests/microkit pass with half of
                     * the pipeline's; beyond a stack lies a page that is not mapped */
};

struct microkit_domain {
    char name[SL_NAME_SIZE + 8];
    enum microkit_kind kind;
    const char *program;                /* object that its image is linked from */
    const char *self;                   /* likewise: its component there, whose state it has */
    uint8_t component;                  /* DOMAIN_COMPONENT: index in the topology */
    uint8_t side;                       /* DOMAIN_SDDF_DRIVER */
    uint8_t resource[SDDF_MAX_REGIONS]; /* likewise: its regions, as it counts them */
    struct microkit_run run;
    uint64_t next; /* virtual address of the next map */
    int interrupt; /* -1: none */
    bool interrupt_edge;
    uint8_t interrupt_channel;
    int dma;  /* region whose bus address the image is told; -1: none */
    int life; /* region in which it counts its turns, and where in it; -1: none */
    uint64_t life_offset;
};

enum microkit_memory { MEMORY_SHARED, MEMORY_DMA, MEMORY_DEVICE };

struct microkit_region {
    char name[SL_NAME_SIZE * 3];
    enum microkit_memory kind;
    uint64_t size;
    uint64_t physical; /* 0: the tool chooses */
    bool uncached;
};

struct microkit_map {
    uint8_t domain;
    uint8_t region;
    uint8_t rights; /* RIGHT_* */
    uint64_t address;
};

struct microkit_channel {
    uint8_t domain[2];
    uint8_t number[2];
    bool notifies[2];
};

struct microkit_system {
    const struct site *site;
    const struct topology *topology;
    struct microkit_options options;
    unsigned domain_count, region_count, map_count, channel_count;
    struct microkit_domain domain[MICROKIT_MAX_DOMAINS];
    struct microkit_region region[MICROKIT_MAX_REGIONS];
    struct microkit_map map[MICROKIT_MAX_MAPS];
    struct microkit_channel channel[MICROKIT_MAX_CHANNELS];
    uint64_t dma_next;                             /* end of the next region at a known address */
    uint8_t of_component[TOPOLOGY_MAX_COMPONENTS]; /* its domain */
};

/* Lowers what the site asks for to what fits this host, and says so. Before topology_build(). */
void microkit_limit(struct site *site, FILE *out);

/* The first domain is the supervisor; child n of it is domain n + 1. */
void microkit_plan(const struct site *site, const struct topology *topology,
                   const struct microkit_options *options, struct microkit_system *system);

/* Images begin at 2 MiB and end below this; maps begin here, so that most domains need one
 * lowest page table for both. */
#define MICROKIT_FIRST_MAP UINT64_C(0x300000)

struct microkit_run microkit_run_of(enum microkit_kind kind);

/* Region or domain by name; -1 for none. */
int microkit_region(const struct microkit_system *system, const char *name);
int microkit_domain(const struct microkit_system *system, const char *name);
/* Where `domain` has `region` mapped; all zero where it has not. */
struct domain_region microkit_mapped(const struct microkit_system *system, unsigned domain,
                                     int region);

/* The system description (microkit's manual, "System Description File"). */
void microkit_write_system(const struct microkit_system *system, FILE *out);

/* The domain's configuration, as its image has it in .sluice_config; returns its size.
 * `random` is 32 bytes that nobody can guess. `config` holds MICROKIT_CONFIG_MAX bytes. */
#define MICROKIT_CONFIG_MAX 16384u
uint32_t microkit_config(const struct microkit_system *system, unsigned domain,
                         const uint8_t random[32], const uint8_t policy_hash[8], void *config);

/* The site's MAC address of a side, or a locally administered one of ours. */
void microkit_mac(const struct site *site, unsigned side, uint8_t mac[6]);

#endif
