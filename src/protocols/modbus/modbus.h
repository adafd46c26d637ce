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
#include "sluice/reason.h"

#define MODBUS_MBAP_SIZE     7u   /* MG 3.1.3: transaction, protocol, length, unit */
#define MODBUS_MAX_PDU       253u /* AP 4.1 */
#define MODBUS_MAX_ADU       260u /* MBAP + PDU; MG 3.1.2 */
#define MODBUS_MAX_REGISTERS 125u /* AP 6.3 */
#define MODBUS_MAX_COILS     2000u /* AP 6.1 */
#define MODBUS_MAX_PARTS     35u  /* AP 6.14: byte count 0xF5 / 7 */
#define MODBUS_MAX_FIFO      31u  /* AP 6.18 */

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
    uint16_t file;
    uint16_t record; /* 0..9999 */
    uint16_t length; /* registers */
};

/* The canonical message. Fields that a kind and function do not use are zero. The head's 34
 * bytes are always there; the message ends after the last value that `count` (and, for file
 * records, `parts`) says, see modbus_canonical_size(). */
struct modbus_message {
    uint8_t kind;     /* enum modbus_kind */
    uint8_t function; /* without the exception bit */
    uint8_t unit;
    uint8_t exception; /* MODBUS_EXCEPTION: its code */
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
    uint8_t parts;           /* FC20, 21: number of file parts; FC43/14 reply: of objects */
    /* Entries of the array below that are used: registers for 3,4,6,16,20,21,22..24 (values
     * written or read), coils for 1,2,5,15 (count = coils, except in a reply to 1 and 2, whose
     * wire gives only bytes: count = 8 * bytes), bytes for everything else. */
    uint16_t count;
    union {
        uint16_t registers[126];
        uint8_t coils[252]; /* packed as on the wire: first coil in bit 0; padding zero */
        uint8_t bytes[252]; /* FC8 data, FC12 events, FC17 data, FC43 data, opaque content */
    } value;
    struct modbus_file_part part[MODBUS_MAX_PARTS];
};
_Static_assert(offsetof(struct modbus_message, value) == 34, "head of a canonical message");

/* Bytes of `message` that carry meaning, by kind, function, count and parts alone; 0 when these
 * are impossible. What is between is not sent over a ring. */
size_t modbus_canonical_size(const struct modbus_message *message);

#endif
