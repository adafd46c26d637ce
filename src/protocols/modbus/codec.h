/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the specification says of each function code, as one table (codec.c) of decoders,
 * encoders and limits, by direction. decode() and validate() apply the same limits: decode
 * reads the wire into the canonical message, then both go through modbus_check().
 */
#ifndef SLUICE_MODBUS_CODEC_H
#define SLUICE_MODBUS_CODEC_H

#include "protocols/modbus/modbus.h"
#include "sluice/cursor.h"

/* Head fields that a message uses, besides kind, function, unit and transaction. */
#define MODBUS_HAS_ADDRESS        (1u << 0)
#define MODBUS_HAS_QUANTITY       (1u << 1)
#define MODBUS_HAS_WRITE          (1u << 2) /* write_address, write_quantity */
#define MODBUS_HAS_MASKS          (1u << 3)
#define MODBUS_HAS_SUBFUNCTION    (1u << 4)
#define MODBUS_HAS_STATUS         (1u << 5)
#define MODBUS_HAS_EVENTS         (1u << 6)
#define MODBUS_HAS_MESSAGES       (1u << 7)
#define MODBUS_HAS_MEI            (1u << 8)
#define MODBUS_HAS_READ_CODE      (1u << 9)
#define MODBUS_HAS_OBJECT         (1u << 10)
#define MODBUS_HAS_IDENTIFICATION (1u << 11) /* conformity, more */
#define MODBUS_HAS_PARTS          (1u << 12)
#define MODBUS_HAS_COUNT          (1u << 13)

enum modbus_values { MODBUS_NO_VALUES, MODBUS_COILS, MODBUS_REGISTERS, MODBUS_BYTES };

struct modbus_codec {
    uint16_t fields;       /* MODBUS_HAS_* */
    uint16_t quantity_max; /* 0: the function has no quantity */
    uint8_t values;        /* enum modbus_values: what `count` counts */
    /* Leading bytes of the PDU after the function code that are addresses and quantities (8:
     * the subfunction, 43: the MEI type), in the order of struct modbus_message. */
    uint8_t leading;
    /* Reads the PDU after the function code into a message whose head is zero but for kind,
     * function, unit and transaction. What is missing or left over the caller finds. */
    enum sl_reason (*decode)(struct sl_reader *pdu, struct modbus_message *message);
    void (*encode)(struct sl_writer *pdu, const struct modbus_message *message);
    /* Limits beyond quantity and address range; NULL: none. */
    enum sl_reason (*check)(const struct modbus_message *message);
};

/* NULL when the standard gives this function no such message. */
const struct modbus_codec *modbus_codec(enum sl_direction direction, unsigned function);

/* Quantity within 1..codec->quantity_max, address + quantity at most 65536 (AP 4.4, 6). */
enum sl_reason modbus_check_range(const struct modbus_message *message, unsigned quantity_max);

/* All limits of a message whose sizes agree and whose unused fields are zero. */
enum sl_reason modbus_check(const struct modbus_codec *codec, const struct modbus_message *message);

/* The service's opaque entry for this function and direction against the message's bytes. */
enum sl_reason modbus_check_opaque(enum sl_direction direction,
                                   const struct policy_service *service,
                                   const struct modbus_message *message);

/* True for a function of the standard, or one that the service carries unread in any direction:
 * only such a request can be answered by an exception. */
bool modbus_has_function(const struct policy_service *service, uint8_t function);

/* An exception reply to `message` with its own transaction; 0 when `size` is too small. */
size_t modbus_encode_exception(const struct modbus_message *message, uint8_t code, uint8_t *bytes,
                               size_t size);

/* Clears the bits of the last byte beyond `count` coils. */
void modbus_clear_padding(uint8_t *coils, unsigned count);

#define MODBUS_DECLARE_CODEC(name)                                                                 \
    enum sl_reason modbus_decode_##name(struct sl_reader *pdu, struct modbus_message *message);    \
    void modbus_encode_##name(struct sl_writer *pdu, const struct modbus_message *message)
#define MODBUS_DECLARE_CHECK(name)                                                                 \
    enum sl_reason modbus_check_##name(const struct modbus_message *message)

/* range.c */
MODBUS_DECLARE_CODEC(nothing);
MODBUS_DECLARE_CODEC(range);
/* coils.c */
MODBUS_DECLARE_CODEC(coils_read);
MODBUS_DECLARE_CHECK(coils_read);
MODBUS_DECLARE_CODEC(single_coil);
MODBUS_DECLARE_CHECK(single_coil);
MODBUS_DECLARE_CODEC(coils_written);
MODBUS_DECLARE_CHECK(coils_written);
/* registers.c */
MODBUS_DECLARE_CODEC(registers_read);
MODBUS_DECLARE_CHECK(registers_read);
MODBUS_DECLARE_CODEC(single_register);
MODBUS_DECLARE_CHECK(single_register);
MODBUS_DECLARE_CODEC(registers_written);
MODBUS_DECLARE_CHECK(registers_written);
MODBUS_DECLARE_CODEC(mask_write);
MODBUS_DECLARE_CODEC(read_write);
MODBUS_DECLARE_CHECK(read_write);
MODBUS_DECLARE_CODEC(fifo_pointer);
MODBUS_DECLARE_CODEC(fifo);
MODBUS_DECLARE_CHECK(fifo);
/* serial_line.c */
MODBUS_DECLARE_CODEC(exception_status);
MODBUS_DECLARE_CHECK(exception_status);
MODBUS_DECLARE_CODEC(diagnostics);
MODBUS_DECLARE_CHECK(diagnostics_request);
MODBUS_DECLARE_CHECK(diagnostics_reply);
MODBUS_DECLARE_CODEC(event_counter);
MODBUS_DECLARE_CODEC(event_log);
MODBUS_DECLARE_CHECK(status_word);
MODBUS_DECLARE_CHECK(event_log);
MODBUS_DECLARE_CODEC(server_id);
MODBUS_DECLARE_CHECK(server_id);
/* file_records.c */
MODBUS_DECLARE_CODEC(file_read_request);
MODBUS_DECLARE_CHECK(file_read_request);
MODBUS_DECLARE_CODEC(file_read_reply);
MODBUS_DECLARE_CHECK(file_read_reply);
MODBUS_DECLARE_CODEC(file_write);
MODBUS_DECLARE_CHECK(file_write);
/* encapsulated.c */
MODBUS_DECLARE_CODEC(encapsulated_request);
MODBUS_DECLARE_CHECK(encapsulated_request);
MODBUS_DECLARE_CODEC(encapsulated_reply);
MODBUS_DECLARE_CHECK(encapsulated_reply);

#undef MODBUS_DECLARE_CODEC
#undef MODBUS_DECLARE_CHECK

/* Diagnostics sub-functions (AP 6.8): what a request's data must be, and whether the reply
 * repeats it. */
bool modbus_diagnostics_echoed(unsigned subfunction);

#endif
