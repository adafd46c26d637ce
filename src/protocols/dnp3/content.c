/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects whose content has lengths and offsets of its own, or values that are not all defined. */
#include "protocols/dnp3/objects.h"

/* A.8.1: control code, count, on-time, off-time, status */
#define CONTROL_OPERATION      0x0fu
#define CONTROL_OPERATION_LAST 4u /* NUL, pulse on, pulse off, latch on, latch off */
#define CONTROL_TRIP_CLOSE     6u /* shift; 0 none, 1 close, 2 trip, 3 reserved */
#define CONTROL_TRIP_LAST      2u

bool dnp3_check_control_block(unsigned variation, const uint8_t *data, size_t size)
{
    (void)variation;
    (void)size;
    return (data[0] & CONTROL_OPERATION) <= CONTROL_OPERATION_LAST &&
           data[0] >> CONTROL_TRIP_CLOSE <= CONTROL_TRIP_LAST;
}

/* A.17: how far a value moves before it is an event; as a float (variation 3) not below zero. */
#define FLOAT_NEGATIVE UINT32_C(0x80000000)
#define FLOAT_INFINITE UINT32_C(0x7f800000)

bool dnp3_check_dead_band(unsigned variation, const uint8_t *data, size_t size)
{
    struct sl_reader in = sl_reader(data, size);
    const uint32_t bits = sl_read_u32le(&in);
    return variation != 3 || bits <= FLOAT_INFINITE || bits == FLOAT_NEGATIVE;
}

/* --- device attributes (A.1) --------------------------------------------------------------- */

enum attribute_type {
    ATTRIBUTE_VSTR = 1,
    ATTRIBUTE_UINT = 2,
    ATTRIBUTE_INT = 3,
    ATTRIBUTE_FLT = 4,
    ATTRIBUTE_OSTR = 5,
    ATTRIBUTE_BSTR = 6,
    ATTRIBUTE_TIME = 7,
    ATTRIBUTE_LIST = 254,          /* pairs of variation and properties */
    ATTRIBUTE_EXTENDED_LIST = 255, /* the same, 256 octets more than the length says */
};

size_t dnp3_attribute_length(uint8_t type, uint8_t length)
{
    return type == ATTRIBUTE_EXTENDED_LIST ? (size_t)length + 256 : length;
}

bool dnp3_check_attribute(unsigned variation, const uint8_t *data, size_t size)
{
    size_t length = size - 2;
    uint8_t type = data[0];
    bool list = type == ATTRIBUTE_LIST || type == ATTRIBUTE_EXTENDED_LIST;
    if (list != (variation == 255))
        return false;
    switch (type) {
    case ATTRIBUTE_VSTR:
    case ATTRIBUTE_OSTR:
    case ATTRIBUTE_BSTR:
        return true;
    case ATTRIBUTE_UINT:
    case ATTRIBUTE_INT:
        return length == 1 || length == 2 || length == 4 || length == 8;
    case ATTRIBUTE_FLT:
        return length == 4 || length == 8;
    case ATTRIBUTE_TIME:
        return length == 6;
    case ATTRIBUTE_LIST:
    case ATTRIBUTE_EXTENDED_LIST:
        return length % 2 == 0;
    default:
        return false;
    }
}

/* --- files (A.25) -------------------------------------------------------------------------- */

/* A string that the object's head places at `offset`, with nothing between or after. */
static bool string_at(size_t offset, size_t length, size_t expected, size_t size)
{
    return (offset == expected || (offset == 0 && length == 0)) && expected + length == size;
}

/* Head sizes; a string follows. */
#define FILE_AUTHENTICATION_HEAD 12u
#define FILE_COMMAND_HEAD        26u
#define FILE_DESCRIPTOR_HEAD     20u

bool dnp3_check_file(unsigned variation, const uint8_t *data, size_t size)
{
    struct sl_reader head = sl_reader(data, size);
    size_t offset = sl_read_u16le(&head);
    size_t length = sl_read_u16le(&head);
    switch (variation) {
    case 2: {
        size_t password = sl_read_u16le(&head);
        size_t password_length = sl_read_u16le(&head);
        size_t user_end = FILE_AUTHENTICATION_HEAD + length;
        return string_at(offset, length, FILE_AUTHENTICATION_HEAD, user_end) &&
               string_at(password, password_length, user_end, size);
    }
    case 3:
        return string_at(offset, length, FILE_COMMAND_HEAD, size);
    case 7:
        return string_at(offset, length, FILE_DESCRIPTOR_HEAD, size);
    default: /* handle, block number, status and what text or data follows */
        return true;
    }
}

/* --- authentication (A.45) ----------------------------------------------------------------- */

/* After `head` octets, among which stand up to three 2-octet lengths at the offsets named, come
 * parts of these lengths, and then the rest. */
enum rest { NOTHING, MAYBE, SOMETHING };
struct layout {
    uint8_t head;
    uint8_t lengths; /* how many */
    uint8_t at[3];
    uint8_t rest; /* enum rest */
};

static const struct layout authentication[] = {
    [1] = {8, 0, {0}, SOMETHING}, /* CSQ, user, algorithm, reason; challenge */
    [2] = {6, 0, {0}, MAYBE},     /* CSQ, user; MAC, which may be empty */
    [3] = {6, 0, {0}, NOTHING},   /* CSQ, user */
    [4] = {2, 0, {0}, NOTHING},   /* user */
    [5] = {11, 1, {9}, MAYBE},    /* KSQ, user, wrap, status, MAC; challenge; MAC */
    [6] = {6, 0, {0}, SOMETHING}, /* KSQ, user; wrapped keys */
    [7] = {15, 0, {0}, MAYBE},    /* sequence, user, association, code, time; text */
    [8] = {2, 0, {0}, SOMETHING}, /* method, type; certificate */
    [9] = {0, 0, {0}, SOMETHING}, /* MAC */
    [10] = {16,
            3,
            {10, 12, 14},
            NOTHING},               /* method, operation, SCS, role, expiry; name, key, data */
    [11] = {5, 2, {1, 3}, NOTHING}, /* method; name, challenge */
    [12] = {8, 1, {6}, NOTHING},    /* KSQ, user; challenge */
    [13] = {8, 1, {6}, NOTHING},    /* KSQ, user; encrypted key */
    [14] = {0, 0, {0}, SOMETHING},  /* signature */
    [15] = {0, 0, {0}, SOMETHING},  /* MAC */
};

bool dnp3_check_authentication(unsigned variation, const uint8_t *data, size_t size)
{
    if (variation == 0 || variation >= sizeof authentication / sizeof authentication[0])
        return false;
    const struct layout *layout = &authentication[variation];
    size_t needed = layout->head;
    if (size < needed)
        return false;
    for (unsigned i = 0; i < layout->lengths; i++) {
        struct sl_reader length = sl_reader(data + layout->at[i], 2);
        needed += sl_read_u16le(&length);
    }
    if (layout->rest == NOTHING)
        return size == needed;
    return layout->rest == MAYBE ? size >= needed : size > needed;
}
