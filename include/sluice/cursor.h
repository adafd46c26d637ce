/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bounded cursor: the only way to bytes of the wire, in both directions. It never moves
 * past its end; the first read or write that would fails the cursor for good, and every later
 * one then yields zero or does nothing. So a decoder may read a whole block and ask once.
 * A nested block gets a cursor of its own (sl_read_block) that cannot see past its parent.
 */
#ifndef SLUICE_CURSOR_H
#define SLUICE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sl_reader {
    const uint8_t *bytes;
    size_t length; /* of bytes */
    size_t offset; /* of the next byte; never above length */
    bool failed;
};

static inline struct sl_reader sl_reader(const uint8_t *bytes, size_t length)
{
    return (struct sl_reader){.bytes = bytes, .length = length, .offset = 0, .failed = false};
}

static inline size_t sl_remaining(const struct sl_reader *reader)
{
    return reader->failed ? 0 : reader->length - reader->offset;
}

/* True when every byte was read and none was missing: what a strict decoder ends with. */
static inline bool sl_consumed(const struct sl_reader *reader)
{
    return !reader->failed && reader->offset == reader->length;
}

/* The next `length` bytes in place, or NULL when fewer remain. */
static inline const uint8_t *sl_read_bytes(struct sl_reader *reader, size_t length)
{
    if (length > sl_remaining(reader) || reader->failed) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *bytes = reader->bytes + reader->offset;
    reader->offset += length;
    return bytes;
}

static inline uint8_t sl_read_u8(struct sl_reader *reader)
{
    const uint8_t *b = sl_read_bytes(reader, 1);
    return b ? b[0] : 0;
}

static inline uint16_t sl_read_u16be(struct sl_reader *reader)
{
    const uint8_t *b = sl_read_bytes(reader, 2);
    return b ? (uint16_t)(b[0] << 8 | b[1]) : 0;
}

static inline uint16_t sl_read_u16le(struct sl_reader *reader)
{
    const uint8_t *b = sl_read_bytes(reader, 2);
    return b ? (uint16_t)(b[1] << 8 | b[0]) : 0;
}

static inline uint32_t sl_read_u32le(struct sl_reader *reader)
{
    uint32_t low = sl_read_u16le(reader);
    return (uint32_t)sl_read_u16le(reader) << 16 | low;
}

/* The next `count` values; none is stored when fewer remain. */
static inline void sl_read_u16be_array(struct sl_reader *reader, uint16_t *values, size_t count)
{
    const uint8_t *b = sl_read_bytes(reader, 2 * count);
    for (size_t i = 0; b && i < count; i++)
        values[i] = (uint16_t)(b[2 * i] << 8 | b[2 * i + 1]);
}

/* A cursor over the next `length` bytes, which this one skips. Fails both when too few remain. */
static inline struct sl_reader sl_read_block(struct sl_reader *reader, size_t length)
{
    const uint8_t *bytes = sl_read_bytes(reader, length);
    struct sl_reader block = sl_reader(bytes, bytes ? length : 0);
    block.failed = bytes == NULL;
    return block;
}

struct sl_writer {
    uint8_t *bytes;
    size_t size;   /* of bytes */
    size_t length; /* written so far; never above size */
    bool failed;
};

static inline struct sl_writer sl_writer(uint8_t *bytes, size_t size)
{
    return (struct sl_writer){.bytes = bytes, .size = size, .length = 0, .failed = false};
}

static inline void sl_write_bytes(struct sl_writer *writer, const void *bytes, size_t length)
{
    if (writer->failed || length > writer->size - writer->length) {
        writer->failed = true;
        return;
    }
    if (length)
        memcpy(writer->bytes + writer->length, bytes, length);
    writer->length += length;
}

static inline void sl_write_u8(struct sl_writer *writer, uint8_t value)
{
    sl_write_bytes(writer, &value, 1);
}

static inline void sl_write_u16be(struct sl_writer *writer, uint16_t value)
{
    const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    sl_write_bytes(writer, bytes, sizeof bytes);
}

static inline void sl_write_u16be_array(struct sl_writer *writer, const uint16_t *values,
                                        size_t count)
{
    if (writer->failed || 2 * count > writer->size - writer->length) {
        writer->failed = true;
        return;
    }
    uint8_t *b = writer->bytes + writer->length;
    for (size_t i = 0; i < count; i++) {
        b[2 * i] = (uint8_t)(values[i] >> 8);
        b[2 * i + 1] = (uint8_t)values[i];
    }
    writer->length += 2 * count;
}

static inline void sl_write_u16le(struct sl_writer *writer, uint16_t value)
{
    const uint8_t bytes[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
    sl_write_bytes(writer, bytes, sizeof bytes);
}

static inline void sl_write_u32le(struct sl_writer *writer, uint32_t value)
{
    sl_write_u16le(writer, (uint16_t)value);
    sl_write_u16le(writer, (uint16_t)(value >> 16));
}

#endif
