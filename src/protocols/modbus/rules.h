/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Modbus service's rules as the policy image holds them, and the evaluator that uses them in
 * place. The compiler (src/policy/compiler/modbus_body.c) turns rules into lookups:
 *
 *   client address > client class      a hash of single addresses, then the networks
 *   class, unit > row                  256 bytes a distinct division of the units
 *   row, access > table                an access is a function, or a part of one
 *   table, address > segment           what holds for every address of the segment
 *
 * so that a message costs the same with one rule and with a thousand. Offsets are in bytes from
 * the body's start. modbus_rules_check() is total; after it no lookup leaves the body.
 */
#ifndef SLUICE_MODBUS_RULES_H
#define SLUICE_MODBUS_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/modbus/modbus.h"
#include "protocols/modbus/opaque.h"
#include "sluice/protocol.h"

/* What a right is given for: a function, a part of one, or an opaque function (from
 * MODBUS_ACCESS_OPAQUE on, in the order of the service's list). */
enum modbus_access {
    MODBUS_ACCESS_NONE, /* no function of the gateway */
    MODBUS_ACCESS_READ_COILS,
    MODBUS_ACCESS_READ_DISCRETE_INPUTS,
    MODBUS_ACCESS_READ_HOLDING_REGISTERS,
    MODBUS_ACCESS_READ_INPUT_REGISTERS,
    MODBUS_ACCESS_WRITE_SINGLE_COIL,
    MODBUS_ACCESS_WRITE_SINGLE_REGISTER,
    MODBUS_ACCESS_READ_EXCEPTION_STATUS,
    MODBUS_ACCESS_DIAGNOSTICS, /* its addresses are sub-functions */
    MODBUS_ACCESS_GET_COMM_EVENT_COUNTER,
    MODBUS_ACCESS_GET_COMM_EVENT_LOG,
    MODBUS_ACCESS_WRITE_MULTIPLE_COILS,
    MODBUS_ACCESS_WRITE_MULTIPLE_REGISTERS,
    MODBUS_ACCESS_REPORT_SERVER_ID,
    MODBUS_ACCESS_READ_FILE_RECORD,  /* its addresses are records, beneath files */
    MODBUS_ACCESS_WRITE_FILE_RECORD, /* likewise */
    MODBUS_ACCESS_MASK_WRITE_REGISTER,
    MODBUS_ACCESS_READ_WRITE_READ,  /* function 23, what it reads */
    MODBUS_ACCESS_READ_WRITE_WRITE, /* function 23, what it writes */
    MODBUS_ACCESS_READ_FIFO_QUEUE,
    MODBUS_ACCESS_CANOPEN,               /* function 43, MEI type 13 */
    MODBUS_ACCESS_DEVICE_IDENTIFICATION, /* function 43, MEI type 14 */
    MODBUS_ACCESS_OPAQUE
};
#define MODBUS_MAX_OPAQUE_FUNCTIONS 32u
#define MODBUS_MAX_ACCESSES         (MODBUS_ACCESS_OPAQUE + MODBUS_MAX_OPAQUE_FUNCTIONS)

struct modbus_rules {
    uint32_t size;          /* of the body, this struct included */
    uint32_t exact;         /* 1 << exact_bits struct modbus_exact_client */
    uint32_t range_starts;  /* range_count uint32_t, ascending, the first 0 */
    uint32_t range_classes; /* range_count uint16_t */
    uint32_t classes;       /* class_count struct modbus_client_class */
    uint32_t unit_maps;     /* unit_map_count * 256 bytes: unit > unit class */
    uint32_t class_rows;    /* class_row_count uint16_t: row of a class's unit class */
    uint32_t rows;          /* row_count * access_count uint16_t: table */
    uint32_t row_allows;    /* row_count bytes: not 0 where any allow rule may apply */
    uint32_t tables;        /* table_count struct modbus_table */
    uint32_t limited;       /* limited_count struct modbus_limited */
    uint32_t limits;        /* limit_count struct modbus_limit */
    uint32_t opaque;        /* opaque_count struct modbus_opaque */
    uint32_t class_row_count;
    uint32_t limited_count;
    uint16_t range_count, class_count, unit_map_count, row_count;
    uint16_t table_count, limit_count, opaque_count, access_count;
    uint8_t exact_bits;   /* 0..16 */
    uint8_t exact_probes; /* slots to look at, at most */
    uint16_t reserved;
    uint8_t access[128]; /* function > enum modbus_access; 23 and 43: the first of two */
    uint8_t reserved_end[8];
};
_Static_assert(sizeof(struct modbus_rules) == 216, "the body's head");

struct modbus_exact_client {
    uint32_t address;
    uint16_t class;
    uint16_t used;
};

struct modbus_client_class {
    uint32_t first_row; /* index into class_rows of unit class 0 */
    uint16_t unit_map;
    uint16_t unit_classes;
    uint16_t allows; /* not 0 where any allow rule names this client */
    uint16_t reserved;
};

/* Segments of the address space, ascending; the first starts at 0. An index over the addresses
 * keeps the search short: entry i is the segment that holds address i << shift; one more entry
 * ends it. */
struct modbus_table {
    uint32_t starts;   /* segment_count uint16_t */
    uint32_t segments; /* segment_count struct modbus_segment */
    uint32_t index;    /* index_count + 1 uint16_t */
    uint16_t segment_count;
    uint16_t index_count;
    uint8_t shift; /* 0..16 */
    uint8_t flags; /* MODBUS_TABLE_* */
    uint16_t reserved;
};
#define MODBUS_TABLE_ALLOWS       1u /* some allow rule is in it */
#define MODBUS_TABLE_LIMITED_DENY 2u /* some deny rule with a value limit is in it */
#define MODBUS_TABLE_FILES        4u /* addresses are files; `limited` is the records' table */

struct modbus_segment {
    uint16_t reach;      /* last address that one unlimited allow rule covers without a gap */
    uint16_t allow_rule; /* that rule; SL_NO_RULE: none covers this segment */
    uint16_t deny_start; /* nearest address, from the segment's start on, that is denied */
    uint16_t deny_rule;  /* by this rule; SL_NO_RULE: none */
    uint32_t limited;    /* first of the segment's rules with a value limit */
    uint8_t limited_allows, limited_denies; /* the allowing ones come first */
    uint8_t deny_addressed; /* not 0 where deny_rule names addresses, files or records */
    uint8_t reserved;
};
_Static_assert(sizeof(struct modbus_segment) == 16, "segment");
#define MODBUS_MAX_LIMITED 8u /* allowing, and denying, rules with a limit at one address */

struct modbus_limited {
    uint16_t rule;
    uint16_t limit;       /* POLICY_NONE: any value */
    uint16_t first, last; /* the rule's addresses around the segment */
    uint16_t condition;   /* of the image's conditions; POLICY_NONE: always */
    uint8_t addressed;    /* not 0 where the rule names addresses, files or records */
    uint8_t reserved;
};

enum modbus_value_type {
    MODBUS_UINT16,
    MODBUS_INT16,
    MODBUS_UINT32,
    MODBUS_INT32,
    MODBUS_FLOAT32,
    MODBUS_COIL,
};

/* Values are compared as unsigned numbers of the same order as the type's own. */
struct modbus_limit {
    uint8_t type;      /* enum modbus_value_type */
    uint8_t low_first; /* 32-bit types: the low word is at the lower address */
    uint16_t count;    /* of ranges, ascending, disjoint */
    uint32_t ranges;   /* count struct modbus_value_range */
    uint64_t step;     /* how far a value may move at once, as modbus_step_value(); 0: any way */
    uint8_t first;     /* with a step: a value passes where the last one is not known */
    uint8_t reserved[7];
};
struct modbus_value_range {
    uint32_t low, high;
};

/* The value's bits (16 or 32) as an unsigned number of the same order; false where there is
 * none (a float that is not a number). Minus zero is zero. */
bool modbus_value_order(enum modbus_value_type type, uint32_t bits, uint32_t *order);

static inline bool modbus_value_is_wide(enum modbus_value_type type)
{
    return type == MODBUS_UINT32 || type == MODBUS_INT32 || type == MODBUS_FLOAT32;
}

/* NULL when everything in the body stays within its `size` bytes (aligned to 8) and rule and
 * condition numbers are below `rule_count` and `condition_count`; otherwise what is wrong. */
const char *modbus_rules_check(const void *body, size_t size, unsigned rule_count,
                               unsigned condition_count);

/* The decision on a valid canonical request (sluice/protocol.h, decide). Every part that a deny
 * rule covers any of is denied; else each part needs one allow rule that covers the whole of it.
 * Function 23 has two parts, functions 20 and 21 one a sub-request, every other function one. */
struct sl_decision modbus_decide(const struct policy_service *service, uint32_t client,
                                 const void *request, size_t length);

/* The same with the clock, the rates and the last values of `state` (policy/state.h); NULL: as
 * modbus_decide(), for which no time is known and no value was seen. */
struct policy_state;
struct sl_decision modbus_decide_in(const struct policy_service *service,
                                    struct policy_state *state, uint32_t client,
                                    const void *request, size_t length);

/* A value as a number whose differences are steps: in units of 2^-20. False where it has none. */
#define MODBUS_STEP_BITS 20u
bool modbus_step_value(enum modbus_value_type type, uint32_t bits, int64_t *value);
/* True when the step from the last value at `address` to `bits` is within the limit. */
bool modbus_step_within(const struct policy_service *service, const struct policy_state *state,
                        const struct modbus_limit *limit, uint8_t unit, uint32_t address,
                        uint32_t bits);
/* The last values for audit lines (last_values.c): a valid request is about to be sent; it has its
 * outcome, `reply` valid and matched, NULL: it failed. */
void modbus_last_sent(const struct policy_service *service, struct policy_state *state,
                      const struct modbus_message *request);
void modbus_last_outcome(const struct policy_service *service, struct policy_state *state,
                         const struct modbus_message *request, const struct modbus_message *reply);
void modbus_old_values(const struct policy_service *service, const struct policy_state *state,
                       const void *request, size_t length, struct sl_audit *record);

/* sluice/protocol.h, note_sent and note_outcome */
void modbus_note_sent(const struct policy_service *service, struct policy_state *state,
                      const void *request, size_t length);
void modbus_note_outcome(const struct policy_service *service, struct policy_state *state,
                         const void *request, size_t request_length, uint32_t order,
                         const void *reply, size_t reply_length);

/* The slot of `client` in a hash of 1 << bits entries. */
static inline uint32_t modbus_client_hash(uint32_t client, unsigned bits)
{
    return (uint32_t)((uint64_t)(uint32_t)(client * UINT32_C(2654435761)) >> (32 - bits));
}

#endif
