/* SPDX-License-Identifier: BSD-2-Clause */
/* A frontend's links to the core: records in, records out, audit. */
#ifndef SLUICE_NET_LINKS_H
#define SLUICE_NET_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "components/audit.h"
#include "components/record_io.h"
#include "sluice/component.h"
#include "sluice/config.h"
#include "sluice/reason.h"

struct links {
    struct sl_host *host;
    uint16_t component;
    uint8_t direction; /* of what this frontend emits, on audit lines */
    uint8_t out_channel;
    bool has_in, has_out; /* one-way mode: ext_frontend hears nothing, int_frontend says nothing */
    struct record_inbox in;
    struct message_ring_producer out;
    struct oneway_producer audit;
};

/* False: the environment's configuration is not a frontend's, or cut short. */
bool links_config_whole(const struct sl_environment *environment);

void links_init(struct links *links, const struct sl_environment *environment,
                const struct sl_frontend_config *config);

/* Every waiting record to `handle`; true when the ring is empty and its producer will notify, or
 * when there is no such ring. */
bool links_drain(struct links *links,
                 void (*handle)(void *self, const struct sl_record *record, const uint8_t *payload),
                 void *self);

/* False when the ring is full: record not put. */
bool links_offer(struct links *links, const struct sl_record *record, const void *payload);

/* The same where no honest pipeline makes it full: audited. */
bool links_put(struct links *links, const struct sl_record *record, const void *payload,
               uint64_t now);

void links_notify(struct links *links);

/* `record` says whom it is about; `value` as the event says. */
void links_audit(struct links *links, const struct sl_record *record, enum sl_audit_event event,
                 enum sl_reason reason, uint64_t value, uint64_t now);

#endif
