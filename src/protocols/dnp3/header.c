/* SPDX-License-Identifier: BSD-2-Clause */
/* Object headers: group, variation, qualifier, range (1815 4.2.2.7). */
#include "protocols/dnp3/dnp3.h"
#include "protocols/dnp3/objects.h"

/* Octets of the numbers that a qualifier announces; 0: it has none. */
struct widths {
    uint8_t class; /* QUALIFIER_*; 0: no such qualifier */
    uint8_t index; /* of each object's index */
    uint8_t range; /* of start and stop, or the count */
};

static struct widths widths_of(unsigned qualifier)
{
    static const uint8_t octets[3] = {1, 2, 4};
    unsigned prefix = qualifier >> 4, range = qualifier & 0x0fu;
    if (qualifier == 0x5b)
        return (struct widths){QUALIFIER_FREE, 0, 1};
    if (qualifier == 0x06)
        return (struct widths){QUALIFIER_ALL, 0, 0};
    if (prefix == 0 && range <= 2)
        return (struct widths){QUALIFIER_RANGE, 0, octets[range]};
    if (prefix == 0 && range >= 7 && range <= 9)
        return (struct widths){QUALIFIER_COUNT, 0, octets[range - 7]};
    if (prefix >= 1 && prefix <= 3 && range >= 7 && range <= 9)
        return (struct widths){QUALIFIER_INDEX, octets[prefix - 1], octets[range - 7]};
    return (struct widths){0, 0, 0};
}

static unsigned width_in(enum object_form form, unsigned width)
{
    return form == FORM_CANONICAL && width == 1 ? 2 : width;
}

unsigned dnp3_index_width(enum object_form form, const struct dnp3_header *header)
{
    return width_in(form, widths_of(header->qualifier).index);
}

static uint32_t read_number(struct sl_reader *in, unsigned width)
{
    if (width == 1)
        return sl_read_u8(in);
    return width == 2 ? sl_read_u16le(in) : sl_read_u32le(in);
}

static void write_number(struct sl_writer *out, unsigned width, uint32_t value)
{
    if (width == 1)
        sl_write_u8(out, (uint8_t)value);
    else if (width == 2)
        sl_write_u16le(out, (uint16_t)value);
    else
        sl_write_u32le(out, value);
}

/* What the object may have as qualifiers in `function`; aggressive mode's are in every function
 * but those of authentication itself (AN table 3). */
static unsigned allowed(const struct dnp3_object *object, unsigned function)
{
    const struct dnp3_function_entry *entry = dnp3_function(function);
    if (!entry)
        return 0;
    if (object->group == GROUP_AUTHENTICATION && (object->first == 3 || object->first == 9)) {
        if (function == DNP3_AUTHENTICATION_REQUEST ||
            function == DNP3_AUTHENTICATION_REQUEST_NO_ACK ||
            function == DNP3_AUTHENTICATION_RESPONSE)
            return 0;
        return object->first == 3 ? QUALIFIER_ONE : QUALIFIER_FREE;
    }
    if (entry->role == ROLE_OTHER && !dnp3_object_of(object, function))
        return 0;
    return object->use[entry->role];
}

/* What is read, frozen or assigned is only named. */
static bool carries_data(const struct dnp3_object *object, unsigned function)
{
    if (object->layout == OBJECT_EMPTY)
        return false;
    return object->read_data || object->group == GROUP_AUTHENTICATION ||
           dnp3_function(function)->role != ROLE_READ;
}

/* A number that the canonical form widened must still fit the wire. */
static bool fits(uint64_t value, unsigned width)
{
    return width == 4 || value < (UINT64_C(1) << 8 * width);
}

static enum sl_reason read_range(struct sl_reader *in, enum object_form form, bool one,
                                 struct dnp3_header *header)
{
    struct widths widths = widths_of(header->qualifier);
    unsigned width = width_in(form, widths.range);
    header->start = 0;
    header->count = 0;
    if (header->class == QUALIFIER_ALL)
        return SL_REASON_NONE;
    uint32_t first = read_number(in, width);
    uint32_t stop = header->class == QUALIFIER_RANGE ? read_number(in, width) : first;
    if (in->failed)
        return SL_REASON_OBJECT_TRUNCATED;
    if (!fits(first, widths.range) || !fits(stop, widths.range))
        return SL_REASON_RANGE;
    header->count = first;
    if (header->class == QUALIFIER_RANGE) {
        if (first > stop)
            return SL_REASON_RANGE;
        header->start = first;
        header->count = (uint64_t)stop - first + 1;
    }
    return header->count == 0 || (one && header->count != 1) ? SL_REASON_RANGE : SL_REASON_NONE;
}

enum sl_reason dnp3_read_header(struct sl_reader *in, enum object_form form, unsigned function,
                                struct dnp3_header *header)
{
    *header = (struct dnp3_header){.group = sl_read_u8(in), .variation = 0};
    header->variation = sl_read_u8(in);
    header->qualifier = sl_read_u8(in);
    if (in->failed)
        return SL_REASON_OBJECT_TRUNCATED;
    header->class = widths_of(header->qualifier).class;
    header->object = dnp3_object(header->group, header->variation);
    if (!header->object)
        return SL_REASON_OBJECT_UNKNOWN;
    unsigned qualifiers = allowed(header->object, function);
    if (!qualifiers)
        return SL_REASON_OBJECT_FUNCTION;
    bool one = qualifiers & QUALIFIER_ONE && header->qualifier == 0x07;
    if (!one && !(header->class & qualifiers))
        return SL_REASON_QUALIFIER;
    one = one || header->group == GROUP_AUTHENTICATION;
    header->data = carries_data(header->object, function);
    return read_range(in, form, one, header);
}

void dnp3_write_header(struct sl_writer *out, enum object_form form,
                       const struct dnp3_header *header)
{
    sl_write_u8(out, header->group);
    sl_write_u8(out, header->variation);
    sl_write_u8(out, header->qualifier);
    if (header->class == QUALIFIER_ALL)
        return;
    unsigned width = width_in(form, widths_of(header->qualifier).range);
    if (header->class != QUALIFIER_RANGE) {
        write_number(out, width, (uint32_t)header->count);
        return;
    }
    write_number(out, width, header->start);
    write_number(out, width, (uint32_t)(header->start + header->count - 1));
}

bool dnp3_is_command(const struct dnp3_header *header)
{
    return header->data && (header->group == GROUP_ANALOG_COMMAND ||
                            (header->group == GROUP_COMMAND && header->variation <= 2));
}

/* --- one object after the other ------------------------------------------------------------ */

static size_t size_of(const struct dnp3_header *header, struct sl_reader *in)
{
    switch (header->object->layout) {
    case OBJECT_FIXED:
        return header->object->size;
    case OBJECT_BY_VARIATION:
        return header->variation;
    case OBJECT_FREE:
        return sl_read_u16le(in);
    case OBJECT_ATTRIBUTE: {
        struct sl_reader look = *in;
        uint8_t type = sl_read_u8(&look);
        uint8_t length = sl_read_u8(&look);
        return 2 + dnp3_attribute_length(type, length);
    }
    default:
        return 0;
    }
}

bool dnp3_read_object(const struct dnp3_header *header, struct sl_reader *in, enum object_form form,
                      uint32_t *index, const uint8_t **data, size_t *size)
{
    unsigned width = dnp3_index_width(form, header);
    *index = width ? read_number(in, width) : 0;
    *data = NULL;
    *size = 0;
    if (!header->data)
        return !in->failed;
    *size = size_of(header, in);
    *data = sl_read_bytes(in, *size);
    return *data != NULL;
}

bool dnp3_skip_objects(const struct dnp3_header *header, struct sl_reader *in)
{
    const uint8_t layout = header->object->layout;
    if (header->data && (layout == OBJECT_BITS || layout == OBJECT_DOUBLE_BITS)) {
        const uint64_t octets = (header->count * (layout == OBJECT_BITS ? 1 : 2) + 7) / 8;
        return octets <= sl_remaining(in) && sl_read_bytes(in, (size_t)octets);
    }
    if (!header->data && header->class != QUALIFIER_INDEX)
        return true;
    bool whole = true;
    for (uint64_t i = 0; i < header->count && whole; i++) {
        uint32_t index;
        const uint8_t *data;
        size_t size;
        whole = dnp3_read_object(header, in, FORM_CANONICAL, &index, &data, &size);
    }
    return whole;
}

uint64_t dnp3_number(const uint8_t *data, size_t octets)
{
    uint64_t value = 0;
    for (size_t i = 0; i < octets; i++)
        value |= (uint64_t)data[i] << 8 * i;
    return value;
}

/* Clears the bits of the last octet beyond the last point (1815 A.2.1, A.4.1). */
static enum sl_reason copy_bits(const struct dnp3_header *header, unsigned each,
                                struct sl_reader *in, struct sl_writer *out, bool *changed)
{
    uint64_t bits = header->count * each;
    uint64_t octets = (bits + 7) / 8;
    if (octets > sl_remaining(in))
        return SL_REASON_OBJECT_TRUNCATED;
    const uint8_t *data = sl_read_bytes(in, (size_t)octets);
    uint8_t last = data[octets - 1];
    uint8_t clean = bits % 8 ? last & (uint8_t)((1u << bits % 8) - 1) : last;
    *changed = *changed || clean != last;
    sl_write_bytes(out, data, (size_t)octets - 1);
    sl_write_u8(out, clean);
    return SL_REASON_NONE;
}

static void write_clean(const struct dnp3_object *object, const uint8_t *data, size_t size,
                        struct sl_writer *out, bool *changed)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t reserved = 0;
        if (i == 0)
            reserved = object->reserved_first;
        if (i == size - 1)
            reserved |= object->reserved_last;
        *changed = *changed || (data[i] & reserved);
        sl_write_u8(out, data[i] & (uint8_t)~reserved);
    }
}

enum sl_reason dnp3_copy_objects(const struct dnp3_header *header, struct sl_reader *in,
                                 enum object_form from, struct sl_writer *out, enum object_form to,
                                 bool *changed)
{
    const struct dnp3_object *object = header->object;
    if (header->data && object->layout == OBJECT_BITS)
        return copy_bits(header, 1, in, out, changed);
    if (header->data && object->layout == OBJECT_DOUBLE_BITS)
        return copy_bits(header, 2, in, out, changed);
    if (!header->data && header->class != QUALIFIER_INDEX)
        return SL_REASON_NONE;
    unsigned wire = dnp3_index_width(FORM_WIRE, header);
    for (uint64_t i = 0; i < header->count; i++) {
        uint32_t index;
        const uint8_t *data;
        size_t size;
        if (!dnp3_read_object(header, in, from, &index, &data, &size))
            return SL_REASON_OBJECT_TRUNCATED;
        if (wire && !fits(index, wire))
            return SL_REASON_RANGE;
        if (wire)
            write_number(out, dnp3_index_width(to, header), index);
        if (!header->data)
            continue;
        if (object->layout == OBJECT_FREE) {
            if (size < object->size)
                return SL_REASON_OBJECT_CONTENT;
            sl_write_u16le(out, (uint16_t)size);
        }
        if (object->check && !object->check(header->variation, data, size))
            return SL_REASON_OBJECT_CONTENT;
        write_clean(object, data, size, out, changed);
    }
    return SL_REASON_NONE;
}
