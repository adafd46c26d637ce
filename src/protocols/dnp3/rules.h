/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A DNP3 service as the policy image holds it, and the evaluator that uses it in place. A rule
 * names ranges of a few things: clients, stations, functions, objects, indexes. For each of these
 * the compiler (src/policy/compiler/dnp3_body.c) divides all numbers into segments with the same
 * set of rules, and a message's rules are the intersection of the sets that it meets: a search a
 * thing, then a few words, with one rule as with a thousand. What is left to ask (the content of
 * commands, the time, a select before) is asked of the few rules that remain.
 *
 * Offsets are in bytes from the body's start. dnp3_rules_check() is total; after it no lookup
 * leaves the body.
 */
#ifndef SLUICE_DNP3_RULES_H
#define SLUICE_DNP3_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/dnp3/dnp3.h"
#include "sluice/protocol.h"

struct policy_state;

#define DNP3_MAX_RULES     4096u /* of one service */
#define DNP3_RULE_WORDS    (DNP3_MAX_RULES / 64)
#define DNP3_FUNCTIONS     34u  /* of requests: codes 0 to 33 */
#define DNP3_MAX_STATIONS  256u /* entries of one service */
#define DNP3_NO_POINTS     UINT8_MAX
#define DNP3_MAX_FRAGMENTS 1024u /* of one response, at most in any configuration */

/* dnp3_rules.options */
#define DNP3_SKIP_NOISE  1u /* octets between link frames are skipped; else they end the session */
#define DNP3_UNSOLICITED 2u /* unsolicited responses pass */
#define DNP3_UDP         4u /* transport: udp */

/* Segments of 0 to UINT32_MAX, and the rules of each. */
struct dnp3_axis {
    uint32_t starts; /* count uint32_t, ascending, the first 0 */
    uint32_t sets;   /* count uint32_t: a set of rules each */
    uint32_t count;
};

struct dnp3_rules {
    uint32_t size;               /* of the body, this struct included */
    uint16_t options;            /* DNP3_* above */
    uint16_t response_fragments; /* of one response at most, 1..DNP3_MAX_FRAGMENTS */
    uint32_t response_size;      /* octets of one response's fragments in all at most */
    uint32_t stations;           /* station_count struct dnp3_station, by outstation and master */
    uint32_t by_device;          /* station_count uint16_t: the same by the device's numbers */
    uint32_t entries;            /* rule_count struct dnp3_rule_entry */
    uint32_t spans;              /* span_count struct dnp3_span */
    uint32_t values;             /* value_count struct dnp3_value_range */
    uint32_t words;              /* word_count uint64_t: the sets */
    uint16_t station_count, rule_count;
    uint32_t span_count, value_count, word_count;
    uint32_t allows, denies;           /* sets: the rules of each kind */
    uint32_t any_index;                /* set: rules that cover every index */
    uint32_t whole;                    /* set: rules that name neither objects nor indexes */
    struct dnp3_axis clients;          /* IPv4, host byte order */
    struct dnp3_axis objects;          /* group << 8 | variation */
    struct dnp3_axis indexes;          /* of points */
    uint32_t function[DNP3_FUNCTIONS]; /* sets */
};
_Static_assert(sizeof(struct dnp3_rules) % 8 == 0, "the body's head");

/* A set of rules is the number of its first word in `words`: which words of 64 rules are not
 * zero, then these words. Rules are numbered in the file's order. */

/* Which stations there are: one master and one outstation, as the clients say them, and what the
 * device is told instead. A broadcast address stands for itself. */
struct dnp3_station {
    uint16_t master, outstation;
    uint16_t device_master, device_outstation;
    uint32_t rules; /* set: that name both */
    uint8_t points; /* the outstation's number where last values are kept (policy_step_point.unit);
                       DNP3_NO_POINTS: no rule of it limits steps */
    uint8_t reserved[3];
};
_Static_assert(sizeof(struct dnp3_station) == 16, "station entry");

struct dnp3_span {
    uint32_t low, high; /* both belong to it */
};
struct dnp3_spans {
    uint32_t first, count; /* ascending, disjoint, not touching */
};

/* Analog values, both ends in it: as the order of doubles, for commands of 16 and 32 bits and of
 * doubles, and as the order of floats, for those of floats (dnp3_double_order, dnp3_float_order).
 */
struct dnp3_value_range {
    uint64_t low, high;
    uint32_t float_low, float_high;
};

/* dnp3_rule_entry.flags */
#define DNP3_RULE_DENY       0x0001u
#define DNP3_RULE_OBJECTS    0x0002u /* names groups */
#define DNP3_RULE_INDEXES    0x0004u /* `indexes` counts */
#define DNP3_RULE_OPERATION  0x0008u /* `operations`; neither queue nor clear */
#define DNP3_RULE_TRIP_CLOSE 0x0010u
#define DNP3_RULE_ON_TIME    0x0020u
#define DNP3_RULE_OFF_TIME   0x0040u
#define DNP3_RULE_COUNT      0x0080u
#define DNP3_RULE_VALUE      0x0100u
#define DNP3_RULE_STEP       0x0200u
#define DNP3_RULE_FIRST      0x0400u /* with a step: a value passes where the last is not known */
#define DNP3_RULE_SELECT     0x0800u /* an operate needs its select before */
#define DNP3_RULE_BLOCKS                                                                           \
    (DNP3_RULE_OPERATION | DNP3_RULE_TRIP_CLOSE | DNP3_RULE_ON_TIME | DNP3_RULE_OFF_TIME |         \
     DNP3_RULE_COUNT)
#define DNP3_RULE_CONTENT (DNP3_RULE_BLOCKS | DNP3_RULE_VALUE | DNP3_RULE_STEP)

struct dnp3_rule_entry {
    uint16_t rule;      /* index into the image's rules */
    uint16_t condition; /* of the image's conditions; POLICY_NONE: always */
    uint16_t flags;     /* DNP3_RULE_* */
    uint8_t operations; /* 1 << operation type (1815 A.8.1) */
    uint8_t trip_close; /* 1 << trip-close code */
    struct dnp3_spans indexes;
    struct dnp3_spans on_time, off_time; /* milliseconds */
    struct dnp3_spans count;
    struct dnp3_spans values; /* of struct dnp3_value_range */
    uint64_t step;            /* how far a value may move at once, as dnp3_step_value() */
    uint64_t select_within;   /* ns from a select's good answer to its operate */
};
_Static_assert(sizeof(struct dnp3_rule_entry) == 64, "rule entry");

/* NULL when everything in the body stays within its `size` bytes (aligned to 8) and rule and
 * condition numbers are below `rule_count` and `condition_count`; otherwise what is wrong. */
const char *dnp3_rules_check(const void *body, size_t size, unsigned rule_count,
                             unsigned condition_count);

/* The body of a service in a checked image. */
const struct dnp3_rules *dnp3_rules_of(const struct policy_service *service);

/* The station with these addresses, as clients say them or as the device does; NULL: there is
 * none. For a device's broadcasts there is none either. */
const struct dnp3_station *dnp3_station_of(const struct policy_service *service, unsigned master,
                                           unsigned outstation);
const struct dnp3_station *dnp3_station_of_device(const struct policy_service *service,
                                                  unsigned device_master,
                                                  unsigned device_outstation);

/* The decision on a valid canonical request in the clients' addresses (sluice/protocol.h, decide
 * and decide_in). A message any part of which a deny rule covers is denied; else one allow rule
 * must cover the whole of it. A confirmation between stations that there are passes: who calls
 * knows of the reply that it confirms. `state` NULL: no time is known, and nothing was seen before.
 */
struct sl_decision dnp3_decide(const struct policy_service *service, uint32_t client,
                               const void *request, size_t length);
struct sl_decision dnp3_decide_in(const struct policy_service *service, struct policy_state *state,
                                  uint32_t client, const void *request, size_t length);

/* sluice/protocol.h, note_sent and note_outcome: selects, and the last values of analog outputs. */
void dnp3_note_sent(const struct policy_service *service, struct policy_state *state,
                    const void *request, size_t length);
void dnp3_note_outcome(const struct policy_service *service, struct policy_state *state,
                       const void *request, size_t request_length, uint32_t order,
                       const void *reply, size_t reply_length);

/* last_values.c: what stands at outputs, for audit lines. Commands are about to be sent; their echo
 * has come, all accepted; an answer to a read has. */
void dnp3_last_sent(const struct policy_service *service, struct policy_state *state,
                    const struct dnp3_station *station, const struct dnp3_message *request);
void dnp3_last_commanded(const struct policy_service *service, struct policy_state *state,
                         const struct dnp3_station *station, const struct dnp3_message *echo);
void dnp3_last_read(const struct policy_service *service, struct policy_state *state,
                    const struct dnp3_station *station, const struct dnp3_message *reply);
void dnp3_old_values(const struct policy_service *service, const struct policy_state *state,
                     const void *request, size_t length, struct sl_audit *record);

/* True when the operate `message` executes what the client selected at this station: the same
 * objects, the next sequence number, a good answer at most `within` ns ago. */
bool dnp3_selected(const struct policy_service *service, struct policy_state *state,
                   uint32_t client, const struct dnp3_message *message, uint64_t within);
/* True when the analog command moves its point by at most the rule's step. */
bool dnp3_step_within(const struct policy_service *service, const struct policy_state *state,
                      const struct dnp3_rule_entry *rule, const struct dnp3_station *station,
                      uint32_t index, unsigned variation, const uint8_t *data);

/* The decision on a valid reply in the clients' addresses, which answers `request` (matched) or is
 * unsolicited (NULL); and on how many fragments, and octets as encoded, a response may have. */
struct sl_decision dnp3_decide_reply(const struct policy_service *service, const void *request,
                                     size_t request_length, const void *reply, size_t reply_length);
/* Between the clients' addresses and the device's (sluice/protocol.h, translate). */
bool dnp3_translate(const struct policy_service *service, enum sl_direction direction,
                    void *canonical, size_t length);
enum sl_reason dnp3_reply_within(const struct policy_service *service, unsigned messages,
                                 uint32_t bytes);

#endif
