/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Modbus/TCP: the canonical message, and the pure functions that the protocol seam
 * (sluice/protocol.h) and the tests use. MODBUS Application Protocol Specification V1.1b3
 * ("AP") and MODBUS Messaging on TCP/IP Implementation Guide V1.0b ("MG").
 */
#ifndef SLUICE_MODBUS_H
#define SLUICE_MODBUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/config.h"
#include "sluice/protocol.h"
#include "sluice/reason.h"

#define MODBUS_MBAP_SIZE               7u    /* MG 3.1.3: transaction, protocol, length, unit */
#define MODBUS_PROTOCOL_IDENTIFIER     0u    /* MG 3.1.3 */
#define MODBUS_MAX_PDU                 253u  /* AP 4.1 */
#define MODBUS_MAX_ADU                 260u  /* MBAP + PDU; MG 3.1.2 */
#define MODBUS_MAX_REGISTERS           125u  /* AP 6.3 */
#define MODBUS_MAX_COILS               2000u /* AP 6.1 */
#define MODBUS_MAX_WRITE_COILS         1968u /* AP 6.11 */
#define MODBUS_MAX_WRITE_REGISTERS     123u  /* AP 6.12 */
#define MODBUS_MAX_WRITE_IN_READ_WRITE 121u  /* AP 6.17 */
#define MODBUS_MAX_PARTS               35u   /* AP 6.14: byte count 0xF5 / 7 */
#define MODBUS_MAX_FIFO                31u   /* AP 6.18 */

enum modbus_function {
    MODBUS_READ_COILS = 1,
    MODBUS_READ_DISCRETE_INPUTS = 2,
    MODBUS_READ_HOLDING_REGISTERS = 3,
    MODBUS_READ_INPUT_REGISTERS = 4,
    MODBUS_WRITE_SINGLE_COIL = 5,
    MODBUS_WRITE_SINGLE_REGISTER = 6,
    MODBUS_READ_EXCEPTION_STATUS = 7,
    MODBUS_DIAGNOSTICS = 8,
    MODBUS_GET_COMM_EVENT_COUNTER = 11,
    MODBUS_GET_COMM_EVENT_LOG = 12,
    MODBUS_WRITE_MULTIPLE_COILS = 15,
    MODBUS_WRITE_MULTIPLE_REGISTERS = 16,
    MODBUS_REPORT_SERVER_ID = 17,
    MODBUS_READ_FILE_RECORD = 20,
    MODBUS_WRITE_FILE_RECORD = 21,
    MODBUS_MASK_WRITE_REGISTER = 22,
    MODBUS_READ_WRITE_MULTIPLE_REGISTERS = 23,
    MODBUS_READ_FIFO_QUEUE = 24,
    MODBUS_ENCAPSULATED_INTERFACE = 43, /* MEI types 13 CANopen, 14 device identification */
};
#define MODBUS_MEI_CANOPEN               13u
#define MODBUS_MEI_DEVICE_IDENTIFICATION 14u

enum modbus_kind {
    MODBUS_REQUEST = 1,
    MODBUS_REPLY,
    MODBUS_EXCEPTION,
    MODBUS_OPAQUE,    /* request or reply of a function that the service lists as opaque */
    MODBUS_MALFORMED, /* content not understood: only transaction, unit and function hold */
};

/* One sub-request of functions 20 and 21 (AP 6.14, 6.15). In a reply to 20, `file` and
 * `record` are zero: the wire does not carry them. */
struct modbus_file_part {
    uint16_t file;   /* 1..65535 */
    uint16_t record; /* 0..9999 */
    uint16_t length; /* registers, at least 1 */
};

/* The canonical message, host byte order. Fields that a kind and function do not use are zero.
 * The head's 34 bytes are always there; the message ends after the last value that `count`
 * says, for file records after the last part that `parts` says, see modbus_canonical_size().
 *
 *   function          address  quantity  count and value
 *   1, 2    request   first    coils     -
 *           reply     -        -         coils; count = 8 * the wire's bytes, which is all that
 *                                        the wire tells; modbus_normalise() makes it the
 *                                        request's quantity
 *   3, 4    request   first    registers -
 *           reply     -        -         registers, 1..125
 *   5       both      coil     1         count 1, coils[0] = 0 or 1
 *   6       both      register 1         count 1, registers[0]
 *   7       reply     -        -         -; status = the exception status, 0..255
 *   8       both      -        -         bytes: the data, count = 2 (subfunction 0: 2..250, even)
 *   11      reply     -        -         -; status, events
 *   12      reply     -        -         bytes: 0..64 events; status, events, messages
 *   15      request   first    coils     coils, count = quantity
 *   16      request   first    registers registers, count = quantity
 *   15, 16  reply     first    as asked  -
 *   17      reply     -        -         bytes: server id, run indicator, additional data
 *   20      request   -        -         -; part[]
 *           reply     -        -         registers of all parts, one after the other; part[]
 *   21      both      -        -         registers of all parts, one after the other; part[]
 *   22      both      register 1         -; and_mask, or_mask
 *   23      request   of the   of the    registers to write, count = write_quantity;
 *                     read     read      write_address
 *           reply     -        -         registers read
 *   24      request   pointer  1         -
 *           reply     -        -         registers, 0..31
 *   43/13   both      -        -         bytes after the MEI type, 1..251
 *   43/14   request   -        -         -; read_code, object
 *           reply     -        -         bytes: parts * (id, length, value), as on the wire
 *   opaque  both      -        -         bytes after the function code, 0..252
 *
 * Between the registers and the parts of file records all is zero. */
struct modbus_message {
    uint8_t kind;     /* enum modbus_kind */
    uint8_t function; /* without the exception bit; MODBUS_MALFORMED: the wire's byte as it is */
    uint8_t unit;
    uint8_t exception; /* MODBUS_EXCEPTION: its code, 1..255 */
    uint16_t transaction;
    uint16_t address;        /* first coil or register; FC23: of the read; FC24: FIFO pointer */
    uint16_t quantity;       /* coils or registers; FC23: of the read */
    uint16_t write_address;  /* FC23 */
    uint16_t write_quantity; /* FC23 */
    uint16_t and_mask;       /* FC22 */
    uint16_t or_mask;        /* FC22 */
    uint16_t subfunction;    /* FC8 */
    uint16_t status;         /* FC7 reply; FC11, FC12 replies: status word */
    uint16_t events;         /* FC11, FC12 replies: event count */
    uint16_t messages;       /* FC12 reply: message count */
    uint8_t mei;             /* FC43 */
    uint8_t read_code;       /* FC43/14: read device id code 1..4 */
    uint8_t object;          /* FC43/14 request: object id; reply: next object id */
    uint8_t conformity;      /* FC43/14 reply */
    uint8_t more;            /* FC43/14 reply: more follows, 0 or 255 */
    /* FC20, 21: number of file parts; FC43/14 reply: of objects. MODBUS_MALFORMED: how many of
     * the leading bytes after the function code were there and are in the fields above, see
     * struct modbus_codec.leading; a field that was cut is zero. */
    uint8_t parts;
    uint16_t count; /* entries of the array below that are used, see above */
    union {
        uint16_t registers[126];
        uint8_t coils[252]; /* packed as on the wire: first coil in bit 0; padding zero */
        uint8_t bytes[252];
    } value;
    struct modbus_file_part part[MODBUS_MAX_PARTS];
};
_Static_assert(offsetof(struct modbus_message, value) == 34, "head of a canonical message");
_Static_assert(offsetof(struct modbus_message, part) == 286, "parts follow the values");
_Static_assert(sizeof(struct modbus_message) == 496, "no padding");
#define MODBUS_HEAD_SIZE offsetof(struct modbus_message, value)

/* Bytes of `message` that carry meaning, by kind, function, mei, count and parts alone; 0 when
 * these are impossible. Reads the head only. */
size_t modbus_canonical_size(const struct modbus_message *message);

/* The functions below fill struct sl_protocol; their contracts stand in sluice/protocol.h.
 * Canonical messages are aligned to 2 at least.
 *
 * decode(encode(m)) = m for every m that decode() yields and every m that validate() accepts.
 * encode(decode(b)) = b but for the transaction and for padding bits, which become zero: real
 * devices and masters leave rubbish there (AP 6.1, 6.11 ask for zeros). */
struct sl_frame modbus_frame(enum sl_direction direction, const uint8_t *bytes, size_t length);
uint16_t modbus_frame_key(const uint8_t *bytes, size_t length);
uint8_t modbus_frame_unit(const uint8_t *bytes, size_t length);
enum sl_reason modbus_decode(enum sl_direction direction, const struct policy_service *service,
                             const uint8_t *bytes, size_t length, void *canonical,
                             size_t *canonical_length);
enum sl_reason modbus_validate(enum sl_direction direction, const struct policy_service *service,
                               const void *canonical, size_t length);
enum sl_reason modbus_validate_malformed(const void *canonical, size_t length);
size_t modbus_confirm(const uint8_t *frame, size_t length, uint8_t *bytes, size_t size);
bool modbus_expects_reply(const struct policy_service *service, const void *request, size_t length);
enum sl_reason modbus_match(const struct policy_service *service, const void *request,
                            size_t request_length, uint16_t key, const void *reply,
                            size_t reply_length);
/* A normalised reply to 1 and 2 has the request's quantity as its count: encode() takes it,
 * validate() does not, for its wire would not say so. */
size_t modbus_normalise(const void *request, size_t request_length, void *reply,
                        size_t reply_length);
bool modbus_notable(const void *reply, size_t length);
size_t modbus_encode(enum sl_direction direction, const void *canonical, size_t length,
                     uint16_t key, uint8_t *bytes, size_t size);
size_t modbus_refuse(const void *request, size_t length, enum sl_reason reason, uint8_t *bytes,
                     size_t size);
uint16_t modbus_key(const void *canonical, size_t length);
/* At most MODBUS_DESCRIBE_MAX bytes; an array that has no room left is left out whole. */
void modbus_describe(struct sl_json *json, enum sl_direction direction, const void *canonical,
                     size_t length, bool own_object);
#define MODBUS_DESCRIBE_MAX 5120u
void modbus_phrase(char *text, size_t size, enum sl_direction direction, const void *canonical,
                   size_t length);

unsigned modbus_reads(const void *request, size_t length, struct sl_extent *extent, unsigned room,
                      bool *more);
unsigned modbus_written(const void *request, size_t length, struct sl_value *value, unsigned room);
bool modbus_old_value(const struct sl_audit *record, unsigned i, struct sl_value *value);
size_t modbus_untie(enum sl_direction direction, void *canonical, size_t length);
void modbus_describe_extent(struct sl_json *json, const struct sl_extent *extent);
void modbus_extent_words(char *text, size_t size, const struct sl_extent *extent);

/* "read-holding-registers"; NULL for what is not a public function code. */
const char *modbus_function_name(unsigned function);

#endif
