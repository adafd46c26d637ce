/* SPDX-License-Identifier: BSD-2-Clause */
/* Function codes as AP 6 lists them, both directions. */
#include "protocols/modbus/codec.h"

#define CODEC(name)  .decode = modbus_decode_##name, .encode = modbus_encode_##name
#define CHECK(name)  .check = modbus_check_##name
#define RANGE        .fields = MODBUS_HAS_ADDRESS | MODBUS_HAS_QUANTITY, .leading = 4, CODEC(range)
#define VALUES(kind) .fields = MODBUS_HAS_COUNT, .values = (kind)
#define EMPTY        CODEC(nothing)
#define SINGLE(kind)                                                                               \
    .fields = MODBUS_HAS_ADDRESS | MODBUS_HAS_QUANTITY | MODBUS_HAS_COUNT, .quantity_max = 1,      \
    .values = (kind), .leading = 2
#define WRITTEN(kind)                                                                              \
    .fields = MODBUS_HAS_ADDRESS | MODBUS_HAS_QUANTITY | MODBUS_HAS_COUNT, .values = (kind),       \
    .leading = 4
#define MASK_WRITE                                                                                 \
    .fields = MODBUS_HAS_ADDRESS | MODBUS_HAS_QUANTITY | MODBUS_HAS_MASKS, .quantity_max = 1,      \
    .leading = 2, CODEC(mask_write)
#define DIAGNOSTICS                                                                                \
    .fields = MODBUS_HAS_SUBFUNCTION | MODBUS_HAS_COUNT, .values = MODBUS_BYTES, .leading = 2,     \
    CODEC(diagnostics)
#define FILE_WRITE                                                                                 \
    .fields = MODBUS_HAS_PARTS | MODBUS_HAS_COUNT, .values = MODBUS_REGISTERS, CODEC(file_write),  \
    CHECK(file_write)

#define FUNCTION_TABLE_SIZE (MODBUS_ENCAPSULATED_INTERFACE + 1)

static const struct modbus_codec requests[FUNCTION_TABLE_SIZE] = {
    [MODBUS_READ_COILS] = {RANGE, .quantity_max = MODBUS_MAX_COILS},
    [MODBUS_READ_DISCRETE_INPUTS] = {RANGE, .quantity_max = MODBUS_MAX_COILS},
    [MODBUS_READ_HOLDING_REGISTERS] = {RANGE, .quantity_max = MODBUS_MAX_REGISTERS},
    [MODBUS_READ_INPUT_REGISTERS] = {RANGE, .quantity_max = MODBUS_MAX_REGISTERS},
    [MODBUS_WRITE_SINGLE_COIL] = {SINGLE(MODBUS_COILS), CODEC(single_coil), CHECK(single_coil)},
    [MODBUS_WRITE_SINGLE_REGISTER] = {SINGLE(MODBUS_REGISTERS), CODEC(single_register),
                                      CHECK(single_register)},
    [MODBUS_READ_EXCEPTION_STATUS] = {EMPTY},
    [MODBUS_DIAGNOSTICS] = {DIAGNOSTICS, CHECK(diagnostics_request)},
    [MODBUS_GET_COMM_EVENT_COUNTER] = {EMPTY},
    [MODBUS_GET_COMM_EVENT_LOG] = {EMPTY},
    [MODBUS_WRITE_MULTIPLE_COILS] = {WRITTEN(MODBUS_COILS), .quantity_max = MODBUS_MAX_WRITE_COILS,
                                     CODEC(coils_written), CHECK(coils_written)},
    [MODBUS_WRITE_MULTIPLE_REGISTERS] = {WRITTEN(MODBUS_REGISTERS),
                                         .quantity_max = MODBUS_MAX_WRITE_REGISTERS,
                                         CODEC(registers_written), CHECK(registers_written)},
    [MODBUS_REPORT_SERVER_ID] = {EMPTY},
    [MODBUS_READ_FILE_RECORD] = {.fields = MODBUS_HAS_PARTS,
                                 CODEC(file_read_request),
                                 CHECK(file_read_request)},
    [MODBUS_WRITE_FILE_RECORD] = {FILE_WRITE},
    [MODBUS_MASK_WRITE_REGISTER] = {MASK_WRITE},
    [MODBUS_READ_WRITE_MULTIPLE_REGISTERS] = {.fields = MODBUS_HAS_ADDRESS | MODBUS_HAS_QUANTITY |
                                                        MODBUS_HAS_WRITE | MODBUS_HAS_COUNT,
                                              .quantity_max = MODBUS_MAX_REGISTERS,
                                              .values = MODBUS_REGISTERS,
                                              .leading = 8,
                                              CODEC(read_write),
                                              CHECK(read_write)},
    [MODBUS_READ_FIFO_QUEUE] = {.fields = MODBUS_HAS_ADDRESS | MODBUS_HAS_QUANTITY,
                                .quantity_max = 1,
                                .leading = 2,
                                CODEC(fifo_pointer)},
    [MODBUS_ENCAPSULATED_INTERFACE] = {.fields = MODBUS_HAS_MEI | MODBUS_HAS_READ_CODE |
                                                 MODBUS_HAS_OBJECT | MODBUS_HAS_COUNT,
                                       .values = MODBUS_BYTES,
                                       .leading = 1,
                                       CODEC(encapsulated_request),
                                       CHECK(encapsulated_request)},
};

static const struct modbus_codec replies[FUNCTION_TABLE_SIZE] = {
    [MODBUS_READ_COILS] = {VALUES(MODBUS_COILS), CODEC(coils_read), CHECK(coils_read)},
    [MODBUS_READ_DISCRETE_INPUTS] = {VALUES(MODBUS_COILS), CODEC(coils_read), CHECK(coils_read)},
    [MODBUS_READ_HOLDING_REGISTERS] = {VALUES(MODBUS_REGISTERS), CODEC(registers_read),
                                       CHECK(registers_read)},
    [MODBUS_READ_INPUT_REGISTERS] = {VALUES(MODBUS_REGISTERS), CODEC(registers_read),
                                     CHECK(registers_read)},
    [MODBUS_WRITE_SINGLE_COIL] = {SINGLE(MODBUS_COILS), CODEC(single_coil), CHECK(single_coil)},
    [MODBUS_WRITE_SINGLE_REGISTER] = {SINGLE(MODBUS_REGISTERS), CODEC(single_register),
                                      CHECK(single_register)},
    [MODBUS_READ_EXCEPTION_STATUS] = {.fields = MODBUS_HAS_STATUS,
                                      CODEC(exception_status),
                                      CHECK(exception_status)},
    [MODBUS_DIAGNOSTICS] = {DIAGNOSTICS, CHECK(diagnostics_reply)},
    [MODBUS_GET_COMM_EVENT_COUNTER] = {.fields = MODBUS_HAS_STATUS | MODBUS_HAS_EVENTS,
                                       CODEC(event_counter),
                                       CHECK(status_word)},
    [MODBUS_GET_COMM_EVENT_LOG] = {.fields = MODBUS_HAS_STATUS | MODBUS_HAS_EVENTS |
                                             MODBUS_HAS_MESSAGES | MODBUS_HAS_COUNT,
                                   .values = MODBUS_BYTES,
                                   CODEC(event_log),
                                   CHECK(event_log)},
    [MODBUS_WRITE_MULTIPLE_COILS] = {RANGE, .quantity_max = MODBUS_MAX_WRITE_COILS},
    [MODBUS_WRITE_MULTIPLE_REGISTERS] = {RANGE, .quantity_max = MODBUS_MAX_WRITE_REGISTERS},
    [MODBUS_REPORT_SERVER_ID] = {VALUES(MODBUS_BYTES), CODEC(server_id), CHECK(server_id)},
    [MODBUS_READ_FILE_RECORD] = {.fields = MODBUS_HAS_PARTS | MODBUS_HAS_COUNT,
                                 .values = MODBUS_REGISTERS,
                                 CODEC(file_read_reply),
                                 CHECK(file_read_reply)},
    [MODBUS_WRITE_FILE_RECORD] = {FILE_WRITE},
    [MODBUS_MASK_WRITE_REGISTER] = {MASK_WRITE},
    [MODBUS_READ_WRITE_MULTIPLE_REGISTERS] = {VALUES(MODBUS_REGISTERS), CODEC(registers_read),
                                              CHECK(registers_read)},
    [MODBUS_READ_FIFO_QUEUE] = {VALUES(MODBUS_REGISTERS), CODEC(fifo), CHECK(fifo)},
    [MODBUS_ENCAPSULATED_INTERFACE] = {.fields = MODBUS_HAS_MEI | MODBUS_HAS_READ_CODE |
                                                 MODBUS_HAS_OBJECT | MODBUS_HAS_IDENTIFICATION |
                                                 MODBUS_HAS_PARTS | MODBUS_HAS_COUNT,
                                       .values = MODBUS_BYTES,
                                       .leading = 1,
                                       CODEC(encapsulated_reply),
                                       CHECK(encapsulated_reply)},
};

const struct modbus_codec *modbus_codec(enum sl_direction direction, unsigned function)
{
    if (function >= FUNCTION_TABLE_SIZE)
        return NULL;
    const struct modbus_codec *codec =
        direction == SL_REQUEST ? &requests[function] : &replies[function];
    return codec->decode ? codec : NULL;
}

/* File records end with their parts, everything else with its values. */
static size_t content_size(const struct modbus_message *message, unsigned values)
{
    if (message->function == MODBUS_READ_FILE_RECORD ||
        message->function == MODBUS_WRITE_FILE_RECORD) {
        if (message->parts > MODBUS_MAX_PARTS ||
            message->count > sizeof message->value.registers / 2)
            return 0;
        return offsetof(struct modbus_message, part) +
               message->parts * sizeof(struct modbus_file_part);
    }
    size_t size = message->count;
    if (values == MODBUS_REGISTERS)
        size *= 2;
    if (values == MODBUS_COILS)
        size = (size + 7) / 8;
    return size <= sizeof message->value ? MODBUS_HEAD_SIZE + size : 0;
}

size_t modbus_canonical_size(const struct modbus_message *message)
{
    const struct modbus_codec *codec;
    switch (message->kind) {
    case MODBUS_REQUEST:
        codec = modbus_codec(SL_REQUEST, message->function);
        return codec ? content_size(message, codec->values) : 0;
    case MODBUS_REPLY:
        codec = modbus_codec(SL_REPLY, message->function);
        return codec ? content_size(message, codec->values) : 0;
    case MODBUS_OPAQUE:
        return message->count <= sizeof message->value ? MODBUS_HEAD_SIZE + message->count : 0;
    case MODBUS_EXCEPTION:
    case MODBUS_MALFORMED:
        return MODBUS_HEAD_SIZE;
    default:
        return 0;
    }
}

static const char *const names[FUNCTION_TABLE_SIZE] = {
    [MODBUS_READ_COILS] = "read-coils",
    [MODBUS_READ_DISCRETE_INPUTS] = "read-discrete-inputs",
    [MODBUS_READ_HOLDING_REGISTERS] = "read-holding-registers",
    [MODBUS_READ_INPUT_REGISTERS] = "read-input-registers",
    [MODBUS_WRITE_SINGLE_COIL] = "write-single-coil",
    [MODBUS_WRITE_SINGLE_REGISTER] = "write-single-register",
    [MODBUS_READ_EXCEPTION_STATUS] = "read-exception-status",
    [MODBUS_DIAGNOSTICS] = "diagnostics",
    [MODBUS_GET_COMM_EVENT_COUNTER] = "get-comm-event-counter",
    [MODBUS_GET_COMM_EVENT_LOG] = "get-comm-event-log",
    [MODBUS_WRITE_MULTIPLE_COILS] = "write-multiple-coils",
    [MODBUS_WRITE_MULTIPLE_REGISTERS] = "write-multiple-registers",
    [MODBUS_REPORT_SERVER_ID] = "report-server-id",
    [MODBUS_READ_FILE_RECORD] = "read-file-record",
    [MODBUS_WRITE_FILE_RECORD] = "write-file-record",
    [MODBUS_MASK_WRITE_REGISTER] = "mask-write-register",
    [MODBUS_READ_WRITE_MULTIPLE_REGISTERS] = "read-write-multiple-registers",
    [MODBUS_READ_FIFO_QUEUE] = "read-fifo-queue",
    [MODBUS_ENCAPSULATED_INTERFACE] = "encapsulated-interface-transport",
};

const char *modbus_function_name(unsigned function)
{
    return function < FUNCTION_TABLE_SIZE ? names[function] : NULL;
}
