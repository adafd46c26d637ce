/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one CAmkES component instance is given: its ports, its bells, its one notification. The
 * generated instance.c of each (src/topology/camkes_instance.c) fills it in from the names that
 * CAmkES knows only at link time; the sources of this folder use it.
 */
#ifndef SLUICE_CAMKES_INSTANCE_H
#define SLUICE_CAMKES_INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hosts/microkit/wakes.h"
#include "sluice/barrier.h"
#include "sluice/component.h"
#include "sluice/config.h"

/* Badges of the one notification that a component waits for: bits 0..23 are its channels.
 * CAmkES allows 28 bits. */
#define INSTANCE_BADGE_DEVICE 24u
#define INSTANCE_BADGE_CLOCK  25u
#define INSTANCE_BADGE_SEED   26u
#define INSTANCE_MAX_BELLS    24u

#define INSTANCE_MAX_OTHERS (SL_MAX_COMPONENTS + 2u)

/* What a fault stops: everything; in one-way mode, of the internal side or of the monitor, that
 * alone, or it would be a way back. */
enum instance_part { INSTANCE_WHOLE, INSTANCE_INTERNAL, INSTANCE_MONITOR };

/* What the entropy component tells another at start: randomness of its own, and what all share. */
struct instance_seed {
    _Atomic uint32_t ready; /* 1: the rest is filled, and stays */
    uint32_t from_device;   /* 1: from an entropy device; 0: only what the build put in */
    uint8_t key[32];
    uint8_t boot[8];      /* boot identifier, the same for all */
    uint64_t wall_offset; /* nanoseconds from instance_now() to Unix time; 0: no clock tells */
};

/* One page of each component, which the supervisor reads: one that takes no more turns is hung. */
struct instance_life {
    _Atomic uint64_t turns;
};

/* Where the gateway is measured: one page of each component, which the monitor reads. */
struct instance_measure {
    _Atomic uint32_t done; /* 1: the client's last reply came; ticks and requests are filled */
    uint64_t ticks, requests;
    struct wake_count wakes[WAKES_BADGES];
};
_Static_assert(sizeof(struct instance_measure) <= 4096, "what is measured is one page");

/* In place of a NIC, for measurement (drivers/synthetic). */
struct instance_synthetic {
    uint8_t client; /* 1: a client; 0: a device */
    uint8_t gateway_mac[6];
    uint32_t own_address, gateway_address; /* IPv4, host byte order */
    uint16_t gateway_port;
    uint32_t warm_up, measured; /* requests */
};

struct instance {
    const char *name;
    const struct sl_component *program; /* NULL: not of the topology */
    const void *config;                 /* sl_*_config */
    size_t config_size;
    const void *policy; /* NULL: none */
    size_t policy_size;
    void *self; /* the component's state */
    size_t self_size;
    struct sl_port port[SL_MAX_PORTS];

    unsigned long wait; /* capability of the notification; 0: waits for nothing */
    void (*ring[INSTANCE_MAX_BELLS])(void); /* by channel; clock, entropy: 0.. */

    const struct instance_seed *seed;  /* NULL: asks for no random bytes */
    struct instance_life *life;        /* NULL: nobody looks whether it hangs */
    struct instance_measure *measure;  /* NULL: nothing is measured */
    struct wake_count *wakes;          /* likewise */
    void *device;                      /* registers of its virtio device, NULL: none */
    int (*acknowledge)(void);          /* its interrupt; NULL: none */
    void *uart;                        /* monitor, supervisor: PL011 */
    const volatile uint32_t *rtc;      /* entropy: PL031; NULL: none */
    unsigned long faults, fault_reply; /* supervisor: capabilities of endpoint and reply object */

    /* monitor: what others measured; entropy: the seeds it fills; supervisor: whom it stops */
    unsigned other_count;
    struct {
        const char *name;
        union {
            void *page;
            unsigned long thread; /* capability; whose faults have the badge 1 + index */
        };
        enum instance_part part;          /* supervisor */
        const struct instance_life *life; /* supervisor; NULL: it does not look at this one */
    } other[INSTANCE_MAX_OTHERS];
    struct instance_synthetic synthetic;
    uint8_t build_seed[32]; /* entropy: random at build time */
    uint8_t policy_hash[8]; /* supervisor */
};

/* The component goes on: told to the supervisor at every turn, of which the clock gives it one each
 * 10 ms, and within long ones. */
static inline void instance_turn(const struct instance *instance)
{
    if (instance->life)
        sl_store_relaxed(&instance->life->turns, sl_load_relaxed(&instance->life->turns) + 1);
}

/* Generated. */
void instance_fill(struct instance *instance);

#endif
