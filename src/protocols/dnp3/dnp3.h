/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DNP3: the canonical message, and the pure functions that the protocol seam
 * (sluice/protocol.h) and the tests use. IEEE 1815-2012 ("1815") and application note
 * AN2013-004b, Validation of Incoming DNP3 Data ("AN").
 *
 * A message is one application fragment with the link frames that carry it, or one link frame
 * that carries none. Requests run from master to outstation, replies the other way.
 */
#ifndef SLUICE_DNP3_H
#define SLUICE_DNP3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/config.h"
#include "sluice/protocol.h"
#include "sluice/reason.h"

#define DNP3_PORT         20000u /* 1815 13.2.3.1 */
#define DNP3_MAX_FRAGMENT 2048u  /* 1815 4.2.2.1: what every device may be sent */
/* Frames of one fragment: 2048 octets in full segments take 2411. Who fills segments badly may
 * use more, up to here. */
#define DNP3_MAX_MESSAGE 4096u
/* What the gateway sends: a whole fragment in full segments. */
#define DNP3_MAX_EMITTED 2411u

enum dnp3_function {
    DNP3_CONFIRM = 0,
    DNP3_READ = 1,
    DNP3_WRITE = 2,
    DNP3_SELECT = 3,
    DNP3_OPERATE = 4,
    DNP3_DIRECT_OPERATE = 5,
    DNP3_DIRECT_OPERATE_NO_ACK = 6,
    DNP3_IMMEDIATE_FREEZE = 7,
    DNP3_IMMEDIATE_FREEZE_NO_ACK = 8,
    DNP3_FREEZE_CLEAR = 9,
    DNP3_FREEZE_CLEAR_NO_ACK = 10,
    DNP3_FREEZE_AT_TIME = 11,
    DNP3_FREEZE_AT_TIME_NO_ACK = 12,
    DNP3_COLD_RESTART = 13,
    DNP3_WARM_RESTART = 14,
    DNP3_INITIALIZE_DATA = 15,
    DNP3_INITIALIZE_APPLICATION = 16,
    DNP3_START_APPLICATION = 17,
    DNP3_STOP_APPLICATION = 18,
    DNP3_SAVE_CONFIGURATION = 19,
    DNP3_ENABLE_UNSOLICITED = 20,
    DNP3_DISABLE_UNSOLICITED = 21,
    DNP3_ASSIGN_CLASS = 22,
    DNP3_DELAY_MEASUREMENT = 23,
    DNP3_RECORD_CURRENT_TIME = 24,
    DNP3_OPEN_FILE = 25,
    DNP3_CLOSE_FILE = 26,
    DNP3_DELETE_FILE = 27,
    DNP3_GET_FILE_INFORMATION = 28,
    DNP3_AUTHENTICATE_FILE = 29,
    DNP3_ABORT_FILE = 30,
    DNP3_ACTIVATE_CONFIGURATION = 31,
    DNP3_AUTHENTICATION_REQUEST = 32,
    DNP3_AUTHENTICATION_REQUEST_NO_ACK = 33,
    DNP3_RESPONSE = 129,
    DNP3_UNSOLICITED_RESPONSE = 130,
    DNP3_AUTHENTICATION_RESPONSE = 131,
};

/* Application control octet (1815 4.2.2.4); the low four bits are the sequence number. */
#define DNP3_FIR      0x80u
#define DNP3_FIN      0x40u
#define DNP3_CON      0x20u
#define DNP3_UNS      0x10u
#define DNP3_SEQUENCE 0x0fu

/* Internal indications as one number: IIN1 in the high octet (1815 4.2.2.6). */
#define DNP3_IIN_FUNCTION_NOT_SUPPORTED 0x0001u
#define DNP3_IIN_OBJECT_UNKNOWN         0x0002u
#define DNP3_IIN_PARAMETER_ERROR        0x0004u
#define DNP3_IIN_ALREADY_EXECUTING      0x0010u
#define DNP3_IIN_EVENTS                 0x0e00u /* of classes 1 to 3 */
#define DNP3_IIN_RESERVED               0x00c0u

enum dnp3_kind {
    DNP3_FRAGMENT = 1, /* a request or response */
    DNP3_LINK,         /* a link frame without user data */
    DNP3_MALFORMED,    /* only what `known` says holds */
};

#define DNP3_KNOWS_LINK        (1u << 0) /* link_control, source, destination */
#define DNP3_KNOWS_APPLICATION (1u << 1) /* control, sequence, function */

/* The canonical message. Fields that a kind does not use are zero. The direction is not in it:
 * every function that needs it is told.
 *
 * `objects` is a sequence of object headers, each followed by its objects, without gaps:
 *
 *   group, variation, qualifier      an octet each; the qualifier as on the wire
 *   start, stop | count | nothing    as the qualifier says, numbers of 2 octets, of 4 where the
 *                                    wire has 4
 *   the objects                      each after its index (again 2 or 4 octets) or size (2),
 *                                    where the qualifier gives it one; packed bits as on the wire
 *
 * Numbers are little-endian. Which objects, of which size and content, and with which
 * qualifiers a function may carry stands in objects.c. Reserved and padding bits are zero. */
#define DNP3_MAX_OBJECTS 4080u
struct dnp3_message {
    uint8_t kind;  /* enum dnp3_kind */
    uint8_t known; /* DNP3_MALFORMED: DNP3_KNOWS_* */
    /* DNP3_LINK, DNP3_MALFORMED: the link control octet, less DIR and what is reserved. User
     * data is always sent unconfirmed (1815 13.2.3.7), however it came. */
    uint8_t link_control;
    uint8_t function; /* enum dnp3_function */
    uint8_t control;  /* DNP3_FIR, FIN, CON, UNS */
    uint8_t sequence; /* 0..15 */
    uint16_t source;
    uint16_t destination;
    uint16_t iin;            /* responses: DNP3_IIN_* */
    uint16_t header_count;   /* object headers */
    uint16_t objects_length; /* octets of objects that are used */
    uint8_t objects[DNP3_MAX_OBJECTS];
};
_Static_assert(offsetof(struct dnp3_message, objects) == 16, "head of a canonical message");
_Static_assert(sizeof(struct dnp3_message) == 4096, "fits a record (sluice/record.h)");
#define DNP3_HEAD_SIZE offsetof(struct dnp3_message, objects)

/* The functions below fill struct sl_protocol; their contracts stand in sluice/protocol.h.
 *
 * decode(encode(m)) = m for every m that decode() yields and every m that validate() accepts.
 * The key is the application sequence number, with DNP3_KEY_UNSOLICITED where UNS is set; link
 * frames have DNP3_KEY_LINK. encode() takes the number from it. */
#define DNP3_KEY_UNSOLICITED 0x10u
#define DNP3_KEY_LINK        0x20u
#define DNP3_KEY_CONTINUES                                                                         \
    0x40u /* of traits and match() alone: no FIR, a fragment after another                         \
           */

/* The link frames of one fragment, from the transport segment with FIR to the one with FIN, are
 * one message, and so is a link frame without user data. What interrupts a fragment (a new FIR,
 * a frame between other stations or without user data, a broken frame) ends the message before
 * it, which decode() then finds incomplete. Octets that are no frame lose the framing. */
struct sl_frame dnp3_frame(enum sl_direction direction, const uint8_t *bytes, size_t length);
bool dnp3_runs(const uint8_t *bytes, size_t length, enum sl_direction *direction);
uint16_t dnp3_frame_key(const uint8_t *bytes, size_t length);
struct sl_traits dnp3_frame_traits(enum sl_direction direction, const uint8_t *bytes,
                                   size_t length);
struct sl_traits dnp3_traits(enum sl_direction direction, const void *canonical, size_t length);
struct sl_link_step dnp3_link(enum sl_direction direction, const struct sl_link_view *view,
                              struct sl_link_state *state, const uint8_t *bytes, size_t length);
enum sl_reason dnp3_decode(enum sl_direction direction, const struct policy_service *service,
                           const uint8_t *bytes, size_t length, void *canonical,
                           size_t *canonical_length);
enum sl_reason dnp3_validate(enum sl_direction direction, const struct policy_service *service,
                             const void *canonical, size_t length);
enum sl_reason dnp3_validate_malformed(const void *canonical, size_t length);
size_t dnp3_encode(enum sl_direction direction, const void *canonical, size_t length, uint16_t key,
                   uint8_t *bytes, size_t size);
uint16_t dnp3_key(const void *canonical, size_t length);
void dnp3_describe(struct sl_json *json, enum sl_direction direction, const void *canonical,
                   size_t length, bool own_object);
/* A record's `old` (sluice/audit.h) has so many values of 32 bits, the low half first: integers
 * or, bit i + 4 of `old_known`, floats. Bit i: the value is known. */
#define DNP3_OLD_VALUES 4u
unsigned dnp3_reads(const void *request, size_t length, struct sl_extent *extent, unsigned room,
                    bool *more);
unsigned dnp3_written(const void *request, size_t length, struct sl_value *value, unsigned room);
bool dnp3_old_value(const struct sl_audit *record, unsigned i, struct sl_value *value);
size_t dnp3_untie(enum sl_direction direction, void *canonical, size_t length);
void dnp3_describe_extent(struct sl_json *json, const struct sl_extent *extent);
void dnp3_extent_words(char *text, size_t size, const struct sl_extent *extent);
void dnp3_phrase(char *text, size_t size, enum sl_direction direction, const void *canonical,
                 size_t length);
/* describe() writes at most this much. */
#define DNP3_DESCRIBE_MAX ((size_t)56 * 1024)

bool dnp3_expects_reply(const struct policy_service *service, const void *request, size_t length);
enum sl_reason dnp3_match(const struct policy_service *service, const void *request,
                          size_t request_length, uint16_t key, const void *reply,
                          size_t reply_length);
size_t dnp3_normalise(const void *request, size_t request_length, void *reply, size_t reply_length);
bool dnp3_notable(const void *reply, size_t length);
size_t dnp3_refuse(const void *request, size_t length, enum sl_reason reason, uint8_t *bytes,
                   size_t size);

/* "direct-operate"; NULL for a number that is no function code. */
const char *dnp3_function_name(unsigned function);

#endif
