/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A topology as a CAmkES application: component instances, shared regions with the rights of
 * each end, bells; then the assembly, the component descriptions, and each instance's glue.
 * Host only.
 *
 * Besides the topology's components there are three instances that are trusted: the clock, the
 * source of random seeds, and the supervisor, to whom everybody's faults go and who looks whether
 * they take turns.
 */
#ifndef SLUICE_TOPOLOGY_CAMKES_H
#define SLUICE_TOPOLOGY_CAMKES_H

#include "topology/microkit.h"
#include "topology/topology.h"

#define CAMKES_MAX_INSTANCES 24u
#define CAMKES_MAX_REGIONS   160u
#define CAMKES_MAX_BELLS     96u
#define CAMKES_NO_COMPONENT  UINT8_MAX

enum camkes_kind {
    CAMKES_COMPONENT,
    CAMKES_MONITOR,
    CAMKES_CLOCK,
    CAMKES_ENTROPY,
    CAMKES_SUPERVISOR
};

struct camkes_instance {
    char name[SL_NAME_SIZE];
    char type[SL_NAME_SIZE]; /* of the CAmkES component: the name in capitals, ExtFrontend */
    enum camkes_kind kind;
    uint8_t component; /* index in the topology; CAMKES_NO_COMPONENT */
    uint8_t priority;
    uint32_t budget, period; /* microseconds */
    uint32_t stack;          /* bytes */
    uint32_t dma;            /* bytes of DMA pool; 0: none */
    bool waits;              /* somebody wakes it */
};

/* What a region is to those who map it. */
enum camkes_use { CAMKES_LINK, CAMKES_SEED, CAMKES_LIFE, CAMKES_MEASURE };

/* Every region has two ends. */
struct camkes_region {
    char name[SL_NAME_SIZE * 3];
    uint32_t size;
    enum camkes_use use;
    uint8_t end[2];    /* instances */
    uint8_t rights[2]; /* RIGHT_* */
    uint8_t port[2];   /* CAMKES_LINK: enum sl_port_id, */
    uint8_t part;      /* index into sl_port.region */
};

/* `from` may wake `to`. */
struct camkes_bell {
    uint8_t from, to;
    uint8_t number; /* at from: the channel; names the interface bell_<number> */
    uint8_t badge;  /* bit at to */
};

struct camkes_system {
    const struct site *site;
    const struct topology *topology;
    const struct microkit_board *board;
    bool synthetic; /* client and device inside, in place of the NICs: for measurement */
    unsigned instance_count, region_count, bell_count;
    struct camkes_instance instance[CAMKES_MAX_INSTANCES];
    struct camkes_region region[CAMKES_MAX_REGIONS];
    struct camkes_bell bell[CAMKES_MAX_BELLS];
};

/* The topology's components keep their numbers; clock, entropy and supervisor follow. The
 * supervisor is the last, and tells the others' faults apart by the badge 1 + their number. */
void camkes_plan(const struct site *site, const struct topology *topology,
                 const struct microkit_board *board, bool synthetic, struct camkes_system *system);

/* The device pages of one instance: interface and physical address. Returns how many. */
#define CAMKES_MAX_DEVICES 2u
struct camkes_device {
    const char *interface;
    uint64_t address;
};
unsigned camkes_devices(const struct camkes_system *system, unsigned instance,
                        struct camkes_device device[CAMKES_MAX_DEVICES]);
/* Several may have one device's page: the serial port is the monitor's and the supervisor's. */
bool camkes_owns_device(const struct camkes_system *system, unsigned instance, uint64_t address);
bool camkes_owns_interrupt(const struct camkes_system *system, unsigned instance,
                           uint32_t interrupt);

/* sluice.camkes, and components/<type>/<type>.camkes of one instance. */
void camkes_write_assembly(const struct camkes_system *system, FILE *out);
void camkes_write_component(const struct camkes_system *system, unsigned instance, FILE *out);

/* components/<type>/instance.c. `self_size`: bytes of the program's state, by
 * enum topology_program; `random`: 32 bytes that nobody can guess; `policy_hash`: for the
 * supervisor's lines. */
void camkes_write_instance(const struct camkes_system *system, unsigned instance,
                           const size_t self_size[], const uint8_t random[32],
                           const uint8_t policy_hash[8], FILE *out);

/* sluice_policy.c */
void camkes_write_policy(const void *policy, size_t size, FILE *out);

/* components.cmake: which sources and libraries make which component. */
void camkes_write_cmake(const struct camkes_system *system, FILE *out);

#endif
