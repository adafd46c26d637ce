/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The object library (1815 annex A, AN table 3): what each group and variation looks like, and
 * in which functions and with which qualifiers it may stand.
 */
#ifndef SLUICE_DNP3_OBJECTS_H
#define SLUICE_DNP3_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/cursor.h"
#include "sluice/reason.h"

/* Classes of qualifier codes, as a mask; the octet's high digit is the prefix, the low one the
 * range specifier (1815 4.2.2.7.3). Others (virtual addresses, other sizes) are malformed. */
#define QUALIFIER_RANGE (1u << 0) /* 00, 01, 02: start and stop index */
#define QUALIFIER_ALL   (1u << 1) /* 06: no range */
#define QUALIFIER_COUNT (1u << 2) /* 07, 08, 09: so many */
#define QUALIFIER_INDEX (1u << 3) /* 17 to 39: so many, each with its index */
#define QUALIFIER_FREE  (1u << 4) /* 5B: so many, each with its size */
#define QUALIFIER_ONE   (1u << 5) /* 07 with a count of 1, nothing else */

enum object_layout {
    OBJECT_EMPTY,        /* stands for a kind of object; has no data anywhere */
    OBJECT_BITS,         /* one bit each, packed */
    OBJECT_DOUBLE_BITS,  /* two bits each, packed */
    OBJECT_FIXED,        /* `size` octets */
    OBJECT_BY_VARIATION, /* as many octets as the variation's number */
    OBJECT_ATTRIBUTE,    /* type, length, value */
    OBJECT_FREE,         /* with a size prefix */
};

/* What a function does with objects; a column of the table each. */
enum object_role {
    ROLE_NONE, /* the function has no objects */
    ROLE_READ,
    ROLE_WRITE,
    ROLE_CONTROL, /* select, operate, direct operate */
    ROLE_FREEZE,
    ROLE_FREEZE_AT_TIME,
    ROLE_FREEZE_CLEAR, /* counters only */
    ROLE_CLASSES,      /* enable and disable unsolicited */
    ROLE_ASSIGN,       /* classes to points */
    ROLE_OTHER,        /* functions 16 to 18 and 25 to 33: object.function */
    ROLE_RESPONSE,
    ROLE_UNSOLICITED,
    ROLE_AUTHENTICATION_RESPONSE,
    ROLE_COUNT
};

struct dnp3_object {
    uint8_t group;
    uint8_t first, last;                   /* variations that this line describes */
    uint8_t layout;                        /* enum object_layout */
    uint8_t size;                          /* OBJECT_FIXED: octets; OBJECT_FREE: the fewest */
    bool read_data;                        /* has its data in a read request too: files */
    uint8_t reserved_first, reserved_last; /* reserved bits of the first and the last octet */
    uint8_t use[ROLE_COUNT];               /* QUALIFIER_*; 0: not in this role */
    uint64_t functions;                    /* ROLE_OTHER: of which, 1 << function */
    /* Content beyond the size; NULL: any. `data` is one object. */
    bool (*check)(unsigned variation, const uint8_t *data, size_t size);
};

/* ROLE_OTHER: true for an object of this very function. */
static inline bool dnp3_object_of(const struct dnp3_object *object, unsigned function)
{
    return function < 64 && object->functions >> function & 1;
}

/* NULL for what is not in the library. */
const struct dnp3_object *dnp3_object(unsigned group, unsigned variation);

/* The table itself, for tests and the description; `*count` lines. */
const struct dnp3_object *dnp3_objects(size_t *count);

/* What a function code is (1815 4.2.2.5, 4.4). */
enum function_objects { OBJECTS_NONE, OBJECTS_OPTIONAL, OBJECTS_REQUIRED };
struct dnp3_function_entry {
    const char *name;  /* NULL: not a function code */
    uint8_t role;      /* enum object_role */
    uint8_t objects;   /* enum function_objects, not counting those of authentication */
    bool acknowledged; /* a request that is answered */
};
const struct dnp3_function_entry *dnp3_function(unsigned function);

/* One object header, read and checked. */
struct dnp3_header {
    uint8_t group, variation, qualifier;
    uint8_t class; /* one QUALIFIER_*, never ONE */
    bool data;     /* objects follow, not only indexes */
    uint32_t start;
    uint64_t count; /* objects; RANGE: stop - start + 1; ALL: 0 */
    const struct dnp3_object *object;
};

/* Two forms of the same: as on the wire, and canonical (dnp3.h). */
enum object_form { FORM_WIRE, FORM_CANONICAL };

/* Octets of an index in `header`'s objects; 0: they have none. */
unsigned dnp3_index_width(enum object_form form, const struct dnp3_header *header);

enum sl_reason dnp3_read_header(struct sl_reader *in, enum object_form form, unsigned function,
                                struct dnp3_header *header);
void dnp3_write_header(struct sl_writer *out, enum object_form form,
                       const struct dnp3_header *header);

/* The objects that follow `header`, from one form to another, checked, reserved bits cleared.
 * `*changed` is set where one was not clear. */
enum sl_reason dnp3_copy_objects(const struct dnp3_header *header, struct sl_reader *in,
                                 enum object_form from, struct sl_writer *out, enum object_form to,
                                 bool *changed);

/* True for objects that end with a command status: control blocks and analog commands. */
bool dnp3_is_command(const struct dnp3_header *header);

/* One object of `header`, which has data and is no packed bits: its index (INDEX) and its data
 * in place; false when it is not all there. `*size` is its size without index or size prefix. */
bool dnp3_read_object(const struct dnp3_header *header, struct sl_reader *in, enum object_form form,
                      uint32_t *index, const uint8_t **data, size_t *size);

/* Steps over the objects of `header`; false when they are not all there. */
bool dnp3_skip_objects(const struct dnp3_header *header, struct sl_reader *in);

/* The number of up to 8 octets in an object's data, least octet first. */
uint64_t dnp3_number(const uint8_t *data, size_t octets);

/* All object headers and objects of one fragment, with what the standard says of their order.
 * Fills `*headers`. */
enum sl_reason dnp3_copy_fragment_objects(unsigned function, struct sl_reader *in,
                                          enum object_form from, struct sl_writer *out,
                                          enum object_form to, uint16_t *headers, bool *changed,
                                          bool *authenticated);

/* content.c: objects whose content the standard structures further */
bool dnp3_check_dead_band(unsigned variation, const uint8_t *data, size_t size);
bool dnp3_check_control_block(unsigned variation, const uint8_t *data, size_t size);
bool dnp3_check_attribute(unsigned variation, const uint8_t *data, size_t size);
bool dnp3_check_file(unsigned variation, const uint8_t *data, size_t size);
bool dnp3_check_authentication(unsigned variation, const uint8_t *data, size_t size);

/* Octets of an attribute's value after its type and length octets (1815 A.1). */
size_t dnp3_attribute_length(uint8_t type, uint8_t length);

#define GROUP_COMMAND        12u
#define GROUP_TIME           50u
#define GROUP_COMMON_TIME    51u
#define GROUP_CLASS          60u
#define GROUP_FILE           70u
#define GROUP_AUTHENTICATION 120u
#define GROUP_ANALOG_COMMAND 41u

#endif
