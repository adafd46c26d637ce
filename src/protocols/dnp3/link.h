/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link layer (1815 clause 9) and the transport segment inside its user data (clause 8).
 *
 *   05 64 length control destination source CRC, then blocks of up to 16 octets, each with a CRC
 *
 * `length` counts control, addresses and user data, no CRC.
 */
#ifndef SLUICE_DNP3_LINK_H
#define SLUICE_DNP3_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/config.h"
#include "sluice/cursor.h"
#include "sluice/reason.h"

#define LINK_START_1     0x05u
#define LINK_START_2     0x64u
#define LINK_HEADER_SIZE 10u
#define LINK_BLOCK       16u
#define LINK_MAX_DATA    250u /* 255 less control and addresses */
#define LINK_CRC_SIZE    2u
#define LINK_MAX_SEGMENT (LINK_MAX_DATA - 1) /* without the transport octet */

/* Control octet (9.2.4.1.3) */
#define LINK_DIR      0x80u /* from a master */
#define LINK_PRM      0x40u /* from the one who asks */
#define LINK_FCB      0x20u
#define LINK_FCV      0x10u /* with PRM: FCB counts */
#define LINK_DFC      0x10u /* without: no room for data */
#define LINK_FUNCTION 0x0fu

enum link_function {
    /* with PRM */
    LINK_RESET_STATES = 0,
    LINK_TEST_STATES = 2,
    LINK_CONFIRMED_USER_DATA = 3,
    LINK_UNCONFIRMED_USER_DATA = 4,
    LINK_REQUEST_STATUS = 9,
    /* without */
    LINK_ACK = 0,
    LINK_NACK = 1,
    LINK_STATUS = 11,
    LINK_NOT_SUPPORTED = 15,
};

/* Station addresses (9.2.4.1.4) */
#define LINK_LAST_STATION    0xffefu
#define LINK_SELF_ADDRESS    0xfffcu /* destination only, like the three above it: broadcasts */
#define LINK_FIRST_BROADCAST 0xfffdu

/* Transport octet (8.2.1): the low six bits are the sequence number. */
#define TRANSPORT_FIN      0x80u
#define TRANSPORT_FIR      0x40u
#define TRANSPORT_SEQUENCE 0x3fu

struct link_frame {
    uint8_t control;
    uint16_t destination, source;
    size_t data_length; /* octets of user data, 0..250 */
    size_t wire_length; /* of the whole frame */
};

uint16_t dnp3_crc(const uint8_t *bytes, size_t length);

/* Reads the header at the head of `bytes`, whose CRC must be right. COMPLETE: `frame` is filled
 * (its user data need not be there yet). MORE: it is not all there. LOST: `reason`. */
enum link_status { LINK_MORE, LINK_COMPLETE, LINK_LOST };
enum link_status link_read_header(const uint8_t *bytes, size_t length, struct link_frame *frame,
                                  enum sl_reason *reason);

/* True for a function that carries user data and a frame that has some. */
bool link_carries_data(const struct link_frame *frame);
/* True when both run between the same stations the same way. */
bool link_same_stations(const struct link_frame *a, const struct link_frame *b);

/* NONE when control octet and addresses are ones that a station may send in `direction`. */
enum sl_reason link_check(enum sl_direction direction, const struct link_frame *frame);

/* The control octet without DIR and with what counts for nothing cleared. */
uint8_t link_clean_control(uint8_t control);

/* True when the CRC of the first block, or of all, is right. `bytes` is a whole frame. */
bool link_first_block_intact(const uint8_t *bytes, const struct link_frame *frame);
/* Copies the user data without CRCs to `data` (LINK_MAX_DATA octets); false where one is wrong. */
bool link_read_data(const uint8_t *bytes, const struct link_frame *frame, uint8_t *data);

/* One frame with fresh CRCs. */
void link_write(struct sl_writer *out, uint8_t control, uint16_t destination, uint16_t source,
                const uint8_t *data, size_t length);

/* A whole fragment in frames as full as can be. Transport sequence numbers start from 0: any may
 * begin a fragment (8.2.1.3). */
void link_write_segments(struct sl_writer *out, uint8_t control, uint16_t destination,
                         uint16_t source, struct sl_reader *fragment);

#endif
