/* SPDX-License-Identifier: BSD-2-Clause */
/* The cursor: any sequence of reads and writes on any bytes. */
#include "any.h"
#include "sluice/cursor.h"

#define SIZE 12u

static uint8_t bytes[SIZE], copy[SIZE];
static uint16_t values[SIZE / 2];

static void read_any(struct sl_reader *reader)
{
    switch (Frama_C_interval(0, 7)) {
    case 0:
        sl_read_u8(reader);
        break;
    case 1:
        sl_read_u16be(reader);
        break;
    case 2:
        sl_read_u16le(reader);
        break;
    case 3:
        sl_read_u32le(reader);
        break;
    case 4:
        sl_read_bytes(reader, any_size(0, SIZE_MAX));
        break;
    case 5: {
        size_t count = any_size(0, SIZE / 2);
        /*@ split count; */
        sl_read_u16be_array(reader, values, count);
        break;
    }
    case 6: {
        struct sl_reader block = sl_read_block(reader, any_size(0, SIZE_MAX));
        sl_read_u16be(&block);
        sl_remaining(&block);
        break;
    }
    default:
        sl_consumed(reader);
        break;
    }
}

static void write_any(struct sl_writer *writer)
{
    switch (Frama_C_interval(0, 5)) {
    case 0:
        sl_write_u8(writer, 1);
        break;
    case 1:
        sl_write_u16be(writer, 1);
        break;
    case 2:
        sl_write_u16le(writer, 1);
        break;
    case 3:
        sl_write_u32le(writer, 1);
        break;
    case 4:
        sl_write_bytes(writer, copy, any_size(0, sizeof copy));
        break;
    default:
        sl_write_u16be_array(writer, values, any_size(0, SIZE / 2));
        break;
    }
}

/* One step from any state that keeps what the cursor promises, shown to lead to one that does: by
 * induction, so does every sequence of steps. */
int main(void)
{
    size_t length = any_size(0, sizeof bytes), offset = any_size(0, sizeof bytes);
    /*@ split length; */
    /*@ split offset; */
    if (offset > length)
        return 0;
    any_bytes(bytes, sizeof bytes);
    struct sl_reader reader = sl_reader(bytes, length);
    struct sl_writer writer = sl_writer(bytes, length);
    reader.offset = writer.length = offset;
    bool failed = Frama_C_nondet(0, 1);
    /*@ split failed; */
    reader.failed = writer.failed = failed;
    read_any(&reader);
    write_any(&writer);
    /*@ assert reader.offset <= reader.length; */
    /*@ assert writer.length <= writer.size; */
    return 0;
}
