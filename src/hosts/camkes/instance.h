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
#include "sluice/component.h"
#include "sluice/config.h"

/* Badges of the one notification that a component waits for: bits 0..23 are its channels.
 * CAmkES allows 28 bits. */
#define INSTANCE_BADGE_DEVICE 24u
#define INSTANCE_BADGE_CLOCK  25u
#define INSTANCE_BADGE_SEED   26u
#define INSTANCE_MAX_BELLS    24u

/* Randomness for one component, from the entropy component. */
struct instance_seed {
    _Atomic uint32_t ready; /* 1: key is filled */
    uint32_t from_device;   /* 1: from an entropy device; 0: only what the build put in */
    uint8_t key[32];
};

/* A component that cannot go on says why here; the monitor reads it. One page. */
#define INSTANCE_WORDS_TEXT 96u
enum {
    INSTANCE_FAULTED = 1,
    INSTANCE_MEASURED, /* found: ticks, expected: requests */
};
struct instance_words {
    _Atomic uint32_t spoken; /* INSTANCE_*: the rest is filled, and stays */
    uint64_t found, expected;
    char text[INSTANCE_WORDS_TEXT];
    struct wake_count wakes[WAKES_BADGES]; /* filled where it is measured */
};
_Static_assert(sizeof(struct instance_words) <= 4096, "the last words are one page");

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
    const struct sl_component *program; /* NULL: clock, entropy */
    const void *config;                 /* sl_*_config */
    size_t config_size;
    const void *policy; /* NULL: none */
    size_t policy_size;
    void *self; /* the component's state */
    size_t self_size;
    struct sl_port port[SL_MAX_PORTS];

    unsigned long wait; /* capability of the notification; 0: waits for nothing */
    void (*ring[INSTANCE_MAX_BELLS])(void); /* by channel; clock, entropy: 0.. */

    const struct instance_seed *seed; /* NULL: asks for no random bytes */
    struct instance_words *words;
    struct wake_count *wakes;     /* NULL: nothing is measured */
    void *device;                 /* registers of its virtio device, NULL: none */
    int (*acknowledge)(void);     /* its interrupt; NULL: none */
    void *uart;                   /* monitor: PL011 */
    const volatile uint32_t *rtc; /* monitor: PL031; NULL: none */

    /* monitor: every other instance's last words; entropy: the seeds it fills */
    unsigned other_count;
    struct {
        const char *name;
        void *page;
    } other[SL_MAX_COMPONENTS];
    struct instance_synthetic synthetic;
    uint8_t build_seed[32]; /* entropy: random at build time */
};

/* Generated. */
void instance_fill(struct instance *instance);

#endif
