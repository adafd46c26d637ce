/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The component seam: what a host knows of a component, and what a component is given.
 *
 * A component is init(self, environment), then wake(self, badges) as often as its host likes.
 * It keeps its state in `self` (zeroed by the host before init), has no globals, allocates
 * nothing, never blocks and uses no libc beyond memcpy, memmove, memset, memcmp. Every wake
 * scans every queue it consumes, whatever the badges say.
 */
#ifndef SLUICE_COMPONENT_H
#define SLUICE_COMPONENT_H

#include <stddef.h>
#include <stdint.h>

struct sl_host;
struct sl_counters;
struct sl_monitor_place;

#define SL_NO_CHANNEL     0xffu
#define SL_MAX_CHANNELS   32u                 /* channel numbers 0..31; badge bit = 1 << channel */
#define SL_BADGE_DEVICE   (UINT64_C(1) << 62) /* the component's device wants attention */
#define SL_BADGE_DEADLINE (UINT64_C(1) << 63) /* sl_deadline has passed */
#define SL_BADGE_CLOSING  (UINT64_C(1) << 61) /* monitor: the last wake, where the host has one */

/* Where a component finds its end of a link. What the regions hold depends on the link's kind:
 *
 *   message ring   [0] producer's half, [1] consumer's half        (src/ring/message_ring.h)
 *   one-way ring   [0] the ring                                    (src/ring/oneway_ring.h)
 *   frame queue    [0] free queue, [1] active queue, [2] buffers   (src/ring/frame_queue.h)
 *
 * Rights (read-only or read-write) are the topology's; a component that writes where it may
 * only read dies by a page fault. */
#define SL_PORT_REGIONS 3u
struct sl_port {
    void *region[SL_PORT_REGIONS];
    uint32_t size[SL_PORT_REGIONS]; /* bytes mapped */
    uint8_t channel;                /* to and from the peer, or SL_NO_CHANNEL */
};

/* Port numbers. The same name means the same thing in every component that has it. */
enum sl_port_id {
    SL_PORT_IN,       /* message ring, consumer: from the stage before */
    SL_PORT_OUT,      /* message or one-way ring, producer: to the stage after */
    SL_PORT_PEER_IN,  /* message ring, consumer: from the other policy_emit */
    SL_PORT_PEER_OUT, /* message ring, producer: to the other policy_emit */
    SL_PORT_RX,       /* frame queue: frames from the NIC */
    SL_PORT_TX,       /* frame queue: frames to the NIC */
    SL_PORT_AUDIT,    /* one-way ring, producer: to the monitor */
    SL_PORT_COUNT
};
/* The monitor's ports are the audit rings, numbered 0.. in the topology's component order. */
#define SL_MAX_PORTS 16u

struct sl_environment {
    struct sl_host *host;
    const void *config; /* this component's own configuration (config.h), read-only */
    size_t config_size;
    const void *policy; /* policy image (src/policy/image.h), read-only; NULL where not given */
    size_t policy_size;
    struct sl_counters *counters;   /* monitor (counters.h); NULL where nobody reads them */
    struct sl_monitor_place *place; /* monitor: memory that outlives it (counters.h); NULL: none */
    uint32_t restarts;  /* of this component alone or its side, while the other end of its one-way
                         * rings ran on */
    uint8_t policy_tag; /* names this policy on audit records; 0: there is only one */
    struct sl_port port[SL_MAX_PORTS]; /* absent ports are all zero with SL_NO_CHANNEL */
};

struct sl_component {
    const char *name; /* of the program: "parser_norm" serves both directions */
    size_t self_size; /* bytes of state, alignment of max_align_t */
    void (*init)(void *self, const struct sl_environment *environment);
    void (*wake)(void *self, uint64_t badges);
    size_t link_size; /* bytes of state more, behind: where a protocol has a link layer */

    /* NULL in components without a policy; called between two wakes, and only by hosts where the
     * policy can change (Linux). From here on `policy` is in force: an image like the
     * environment's, in memory of its own, named `tag` on audit records. The one before stays
     * where it is until `policy` is NULL here: then nobody decides by it any more, what was
     * decided by it is on the audit rings, and its memory is about to be used anew. */
    void (*adopt)(void *self, const void *policy, size_t size, uint8_t tag);
};

extern const struct sl_component nic_drv_component; /* ext_nic_drv and int_nic_drv */
extern const struct sl_component ext_frontend_component;
extern const struct sl_component int_frontend_component;
extern const struct sl_component parser_norm_component;
extern const struct sl_component policy_emit_component;
extern const struct sl_component monitor_component;
/* The synthetic assembly's ext_nic_drv, ext_frontend and int_nic_drv. */
extern const struct sl_component source_component;
extern const struct sl_component stream_frontend_component;
extern const struct sl_component sink_component;

#endif
