/* SPDX-License-Identifier: BSD-2-Clause */
/* What the configuration file says, in the compiler's own terms. */
#ifndef SLUICE_POLICY_MODEL_H
#define SLUICE_POLICY_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/compiler/decimal.h"
#include "policy/compiler/mistakes.h"
#include "policy/compiler/spans.h"
#include "policy/conditions.h"
#include "policy/site.h"
#include "protocols/dnp3/rules.h"
#include "protocols/modbus/rules.h"

struct node;

struct policy_host {
    const char *name;
    struct spans addresses;
    unsigned line;
};

#define ACCESS(access) (UINT64_C(1) << (access))

/* What a rule of any protocol has. */
struct rule_head {
    const char *name;
    uint16_t number; /* index into the image's rules */
    uint16_t service;
    unsigned line, column;
    bool deny;
    bool any_client;
    struct spans clients; /* IPv4 addresses, when not any_client */
    const char *clients_text;
    /* Conditions: as the file says them (NULL: none), and as the image holds them. */
    const char *owner, *expires, *when, *rate;
    bool expired;       /* when the file was read */
    uint16_t condition; /* POLICY_NONE: none */
};

struct modbus_rule {
    struct rule_head head;
    bool any_unit;
    struct spans units;
    uint64_t accesses; /* set of ACCESS(enum modbus_access) */
    bool any_address;
    bool names_addresses;   /* or files, or records */
    struct spans addresses; /* full range where not given; so are the next three */
    struct spans files, records, subfunctions;
    bool limited;
    enum modbus_value_type type;
    bool low_first;
    struct spans values; /* in the order of modbus_value_order() */
    /* Where the rule names points: their names and places for sentences, how values are said. */
    const char *points, *places; /* NULL without */
    struct decimal scale;
    const char *measure;
    const char *step_text; /* as the file says it */
    uint64_t step;         /* of the values, as struct modbus_limit; 0: none */
    bool first_passes;
};

/* What one rule of the file amounts to is one of these, or several where its words stand for
 * functions with different objects; all have its number. */
struct dnp3_rule {
    struct rule_head head;
    uint64_t functions; /* 1 << enum dnp3_function */
    bool any_master, any_outstation;
    struct spans masters, outstations;
    bool names_objects;
    struct spans objects; /* group << 8 | variation; all where none are named */
    const char *points;   /* by which names they are meant; NULL: none */
    bool names_indexes;
    struct spans indexes;
    uint16_t flags; /* DNP3_RULE_* of the content that it limits */
    uint8_t operations, trip_close;
    struct spans on_time, off_time, count;
    struct arena_list values; /* struct dnp3_value_range, ascending, disjoint */
    const char *values_text, *step_text;
    uint64_t step;
    uint64_t select_within; /* ns; 0: no select is asked for */
};

/* A name for the same numbers in some groups. */
struct dnp3_point {
    const char *name;
    struct spans groups, indexes;
    unsigned line;
};

struct dnp3_service_rules {
    struct arena_list stations; /* struct dnp3_station, in the file's order */
    struct arena_list points;   /* struct dnp3_point */
    struct arena_list rules;    /* struct dnp3_rule */
};

struct policy_profile {
    const char *name;
    struct arena_list points; /* struct policy_point */
    const struct node *rules; /* NULL: none */
    unsigned line, column;
    bool used;
};

/* Rules that hold only while an operator says so (load_overrides.c). */
struct policy_override {
    const char *name;
    uint64_t longest;         /* ns */
    const struct node *rules; /* a map: service, list of rules; NULL after a mistake */
    unsigned first_line, first_column, last_line;
};

struct modbus_service_rules {
    struct arena_list rules;                               /* struct modbus_rule */
    struct arena_list opaque;                              /* struct modbus_opaque */
    uint8_t opaque_functions[MODBUS_MAX_OPAQUE_FUNCTIONS]; /* access - MODBUS_ACCESS_OPAQUE */
    unsigned opaque_function_count;
    struct arena_list points;         /* struct policy_point, of the service alone */
    struct arena_list profile_points; /* those of its profiles */
};

/* A service in the file, and what its protocol's rules say. */
struct service_policy {
    unsigned line, column;
    struct modbus_service_rules modbus;
    struct dnp3_service_rules dnp3;
};

/* A rule as the image and messages name it; its index is rule_head.number. */
struct rule_name {
    const char *name;
    uint16_t service;
    unsigned line;
};

struct site_policy {
    struct arena arena;
    struct arena_list hosts;     /* struct policy_host */
    struct arena_list points;    /* struct policy_point, of the whole file */
    struct arena_list profiles;  /* struct policy_profile */
    struct arena_list overrides; /* struct policy_override */
    const char *override;        /* its name; NULL: none */
    const struct node *root;     /* the file as read */
    const char *text;
    size_t text_length;
    struct service_policy service[SL_MAX_SERVICES];
    /* Of policy/conditions.h: struct policy_condition, _window, _zone, _shift, _rate, _step_point.
     */
    struct arena_list conditions, windows, zones, shifts, rates, step_points;
    struct arena_list zone_names; /* const char *, as `zones` */
    struct arena_list rule_names; /* struct rule_name */
    struct mistakes warnings;
    const uint8_t *image; /* made when the site was loaded */
    size_t image_size;
};

/* The addresses (records, sub-functions) that `rule` is about where it grants `access`. */
static inline const struct spans *modbus_rule_addresses(const struct modbus_rule *rule,
                                                        unsigned access)
{
    switch (access) {
    case MODBUS_ACCESS_DIAGNOSTICS:
        return &rule->subfunctions;
    case MODBUS_ACCESS_READ_FILE_RECORD:
    case MODBUS_ACCESS_WRITE_FILE_RECORD:
        return &rule->records;
    default:
        return &rule->addresses;
    }
}

#define ACCESSES_WRITING_COILS                                                                     \
    (ACCESS(MODBUS_ACCESS_WRITE_SINGLE_COIL) | ACCESS(MODBUS_ACCESS_WRITE_MULTIPLE_COILS))
#define ACCESSES_WRITING_REGISTERS                                                                 \
    (ACCESS(MODBUS_ACCESS_WRITE_SINGLE_REGISTER) |                                                 \
     ACCESS(MODBUS_ACCESS_WRITE_MULTIPLE_REGISTERS) | ACCESS(MODBUS_ACCESS_MASK_WRITE_REGISTER) |  \
     ACCESS(MODBUS_ACCESS_READ_WRITE_WRITE))
#define ACCESSES_WITH_FILES                                                                        \
    (ACCESS(MODBUS_ACCESS_READ_FILE_RECORD) | ACCESS(MODBUS_ACCESS_WRITE_FILE_RECORD))

/* The accesses of a rule with values whose values are never known whole: what a mask write makes
 * of a register, and of 32-bit values those that function 6 writes, half of one. An allow rule lets
 * none of these pass, a deny rule denies them all. */
static inline uint64_t modbus_rule_unknown(const struct modbus_rule *rule)
{
    const uint64_t half =
        modbus_value_is_wide(rule->type) ? ACCESS(MODBUS_ACCESS_WRITE_SINGLE_REGISTER) : 0;
    return rule->limited ? rule->accesses & (half | ACCESS(MODBUS_ACCESS_MASK_WRITE_REGISTER)) : 0;
}

/* True when `rule`'s values limit what `access` writes. */
static inline bool modbus_rule_limits(const struct modbus_rule *rule, unsigned access)
{
    return rule->limited &&
           (ACCESS(access) & (ACCESSES_WRITING_COILS | ACCESSES_WRITING_REGISTERS));
}

/* True when the rule, where it fits, still depends on values, the time or a rate. */
static inline bool modbus_rule_restricted(const struct modbus_rule *rule, unsigned access)
{
    return modbus_rule_limits(rule, access) || rule->head.condition != POLICY_NONE;
}

#endif
