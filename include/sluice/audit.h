/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One audit record: a fixed slot of a one-way ring. The monitor numbers them, renders each as
 * a JSON line (src/components/monitor), and counts those that were lapped.
 */
#ifndef SLUICE_AUDIT_H
#define SLUICE_AUDIT_H

#include <stdint.h>

enum sl_audit_event {
    SL_AUDIT_MESSAGE = 1,   /* one protocol message and its verdict; `detail` describes it */
    SL_AUDIT_SESSION_OPEN,  /* a client connected */
    SL_AUDIT_SESSION_CLOSE, /* it left, or was closed: reason */
    SL_AUDIT_DEVICE_OPEN,   /* connection to the device established */
    SL_AUDIT_DEVICE_CLOSE,  /* ended or failed: reason */
    SL_AUDIT_FAILED,        /* a request got no usable reply: reason */
    SL_AUDIT_DROPPED,       /* a record or frame was dropped inside: reason; value = how many */
    SL_AUDIT_START,         /* the component is up */
    SL_AUDIT_COUNTERS,      /* periodic: value = messages seen */
    SL_AUDIT_READS,         /* the monitor's own: reads of one flow, summed up */
    SL_AUDIT_ANSWERED,      /* no line: `detail` is a byte for each reply, how long the request took
                             * (counters.h), value = all of them together, ns */
    SL_AUDIT_WAITED,        /* requests had to wait to be admitted: reason; value = how many */
};

enum sl_verdict {
    SL_VERDICT_ACCEPT, /* well-formed, no policy asked */
    SL_VERDICT_ALLOW,
    SL_VERDICT_DENY,
    SL_VERDICT_MALFORMED,
    SL_VERDICT_INCOMPLETE, /* offline only: the stream ended inside the message */
};

#define SL_NO_RULE      UINT16_MAX
#define SL_AUDIT_DETAIL 86u
#define SL_AUDIT_OLD    8u /* values before a write, at most */

/* flags */
#define SL_AUDIT_LET_THROUGH 1u /* MESSAGE: denied, but passed on in monitor mode */

struct sl_audit {
    uint64_t time;   /* sl_now at the event */
    uint8_t event;   /* enum sl_audit_event */
    uint8_t verdict; /* enum sl_verdict; MESSAGE only */
    uint8_t direction;
    uint8_t service;
    uint16_t reason; /* enum sl_reason */
    uint16_t rule;   /* index into the policy image's rules; SL_NO_RULE */
    uint16_t session;
    uint16_t client_port;
    uint32_t client; /* IPv4, host byte order */
    uint32_t generation;
    uint16_t slot;
    uint8_t detail_length;
    uint8_t component;               /* sl_*_config.component of the writer */
    uint64_t value;                  /* nanoseconds the message took so far, or as the event says */
    uint8_t detail[SL_AUDIT_DETAIL]; /* the leading bytes of the canonical message */
    uint8_t flags;                   /* SL_AUDIT_LET_THROUGH */
    uint8_t old_known;               /* the protocol's own (sl_protocol.old_value); 0: nothing is */
    /* MESSAGE, a write: what stood there before, as far as this gateway has seen it; in the order
     * of the values written (sl_protocol.written). */
    uint16_t old[SL_AUDIT_OLD];
    uint8_t policy; /* tag of the policy that `rule` is of (component.h); 0: not said */
    uint8_t reserved[7];
};
_Static_assert(sizeof(struct sl_audit) == 152, "an audit slot is 152 bytes on every host");

#endif
