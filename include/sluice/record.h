/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What crosses a message ring: one header, the same on every hop, then `length` bytes.
 *
 * A request's way: ext_frontend reserves a reply slot and sends MESSAGE (bytes as received);
 * request parser_norm turns it into MESSAGE (canonical) or MALFORMED (what is known of it,
 * canonical); request policy_emit publishes OUTSTANDING (canonical request) to its peer and
 * sends MESSAGE (bytes encoded anew) to int_frontend, or sends REFUSED to its peer.
 *
 * Every slot gets exactly one outcome. int_frontend answers each MESSAGE with MESSAGE (the
 * device's bytes), FAILED (reason says why) or SENT (nothing will come); reply policy_emit
 * matches it, tells its peer SETTLED, and hands ext_frontend one MESSAGE (bytes for the
 * client) or SILENT (nothing to say), which frees the slot.
 *
 * Where replies come in several messages, all but the last carry SL_FLAG_MORE and settle nothing.
 * For each of these ext_frontend says ROOM when its client has room for the next.
 * Replies that nobody asked for have no slot. A reply that its receiver confirms is DELIVERED
 * from reply policy_emit to its peer before the client has it, so that the confirmation passes.
 *
 * Where a device may speak first, ext_frontend sends SESSION_BEGIN, int_frontend connects then and
 * not at the first request, and tells ext_frontend with DEVICE of each change.
 *
 * A session's end goes the same way round: SESSION_END from ext_frontend to int_frontend and
 * back; only then may ext_frontend use the session's number again. Where the client sends no more
 * and is owed replies, SESSION_END goes ahead with SL_FLAG_FINISHED, and comes back after them.
 *
 * Rings are sized for all slots and sessions at once (src/topology), so that an honest
 * producer never finds one full; a full ring is counted, audited and the record dropped.
 */
#ifndef SLUICE_RECORD_H
#define SLUICE_RECORD_H

#include <stdint.h>

enum sl_record_type {
    SL_RECORD_MESSAGE = 1,
    SL_RECORD_MALFORMED,     /* parser_norm > policy_emit */
    SL_RECORD_SESSION_END,   /* all the way round */
    SL_RECORD_FAILED,        /* int_frontend > parser_norm > policy_emit */
    SL_RECORD_SENT,          /* likewise */
    SL_RECORD_SILENT,        /* policy_emit > ext_frontend */
    SL_RECORD_OUTSTANDING,   /* request policy_emit > reply policy_emit */
    SL_RECORD_REFUSED,       /* likewise */
    SL_RECORD_SETTLED,       /* reply policy_emit > request policy_emit; with the canonical reply
                              * where the service's rules ask for last values */
    SL_RECORD_DELIVERED,     /* likewise; `key` is what a confirmation will carry, the payload
                              * between whom (protocol.h, parties) */
    SL_RECORD_SESSION_BEGIN, /* ext_frontend > parser_norm > policy_emit > int_frontend */
    SL_RECORD_DEVICE,        /* int_frontend > parser_norm > policy_emit > ext_frontend: the
                              * session's device is connected (reason NONE) or is not */
    SL_RECORD_ROOM,          /* ext_frontend > parser_norm > policy_emit > int_frontend: the slot's
                              * client has a part of its reply, and room for the next */
};

#define SL_NO_SLOT UINT16_MAX
/* SESSION_END over a one-way ring: whoever says who clients are has started anew. */
#define SL_EVERY_SESSION UINT16_MAX

/* flags */
#define SL_FLAG_NO_REPLY 1u /* request policy_emit > int_frontend: nothing will come back */
/* OUTSTANDING: the upper byte is the tag of the policy that it was admitted under (audit.h) */
#define SL_FLAG_POLICY_SHIFT 8u
#define SL_FLAG_CLOSE        2u /* with REFUSED and SILENT: and the client's connection is closed */
#define SL_FLAG_MORE         4u /* with replies: the slot is held for what follows */
#define SL_FLAG_FINISHED     8u /* with SESSION_END: the client is owed replies, and may be there */

struct sl_record {
    uint8_t type;     /* enum sl_record_type */
    uint8_t service;  /* index into the policy image's services */
    uint16_t session; /* ext_frontend's number for the client's connection */
    uint16_t slot;    /* reply slot; SL_NO_SLOT where none is held */
    uint16_t reason;  /* enum sl_reason */
    uint32_t client;  /* IPv4 address, host byte order; ext_frontend's word */
    uint16_t client_port;
    uint16_t length;     /* bytes after this header */
    uint32_t generation; /* counts uses of the session's number */
    uint16_t flags;
    uint16_t key;  /* protocol's transaction towards the device (protocol.h) */
    uint64_t time; /* sl_now when the message was complete at the frontend */
};
_Static_assert(sizeof(struct sl_record) == 32, "the record header is 32 bytes on every host");

#define SL_MAX_PAYLOAD 4096u /* no protocol's bytes or canonical message is longer */
#define SL_MAX_RECORD  (sizeof(struct sl_record) + SL_MAX_PAYLOAD)

#endif
