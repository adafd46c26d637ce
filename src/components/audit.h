/* SPDX-License-Identifier: BSD-2-Clause */
/* What every component does to leave an audit record: fill from a record header, put. */
#ifndef SLUICE_COMPONENTS_AUDIT_H
#define SLUICE_COMPONENTS_AUDIT_H

#include <string.h>

#include "ring/oneway_ring.h"
#include "sluice/audit.h"
#include "sluice/component.h"
#include "sluice/record.h"

static inline void audit_init(struct oneway_producer *audit,
                              const struct sl_environment *environment)
{
    const struct sl_port *port = &environment->port[SL_PORT_AUDIT];
    oneway_producer_init(audit, port->region[0], port->size[0], sizeof(struct sl_audit));
}

/* An audit record about `record`, to be completed and put. */
static inline struct sl_audit audit_about(const struct sl_record *record, enum sl_audit_event event,
                                          unsigned component, uint64_t now)
{
    return (struct sl_audit){
        .time = now,
        .event = (uint8_t)event,
        .service = record->service,
        .reason = record->reason,
        .rule = SL_NO_RULE,
        .session = record->session,
        .client_port = record->client_port,
        .client = record->client,
        .generation = record->generation,
        .slot = record->slot,
        .component = (uint8_t)component,
        .value = now > record->time ? now - record->time : 0,
    };
}

static inline void audit_detail(struct sl_audit *audit, const void *canonical, size_t length)
{
    size_t kept = length < SL_AUDIT_DETAIL ? length : SL_AUDIT_DETAIL;
    memcpy(audit->detail, canonical, kept);
    audit->detail_length = (uint8_t)kept;
}

static inline void audit_put(struct oneway_producer *audit, const struct sl_audit *record)
{
    oneway_put(audit, record, sizeof *record);
}

#endif
