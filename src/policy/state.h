/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a decision depends on beside the message and the policy: the clock, how much was let
 * through of late, and the last values of points. One for the policy_emit that decides; bounded,
 * no pointers into messages. A decision costs the same however much is in it.
 */
#ifndef SLUICE_POLICY_STATE_H
#define SLUICE_POLICY_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/conditions.h"
#include "policy/image.h"
#include "sluice/reason.h"

#define POLICY_CLIENT_BUCKETS 256u /* of rates per client, at once not full */
#define POLICY_BUCKET_PROBES  8u
#define POLICY_MOST_RATES     8u /* that one message may draw on */

/* Before this moment (2020-01-01) a clock was not set. */
#define POLICY_CLOCK_SET INT64_C(1577836800)

struct policy_client_bucket {
    uint64_t empty_until;
    uint32_t client;
    uint16_t rate;
    uint16_t reserved;
};

/* Where the search for a client's bucket begins. */
static inline uint32_t policy_bucket_place(uint32_t client, uint32_t rate)
{
    return (client ^ rate << 20) * UINT32_C(2654435761) >> 24;
}

/* The value at the device lies within low..high, as far as this gateway can know. */
struct policy_value {
    int64_t low, high;
    uint32_t written; /* order of the last write that was sent */
    uint16_t pending; /* writes without an outcome yet */
    bool known;
    bool challenged; /* a write may still be done, once its sender has said who it is */
};
#define POLICY_VALUE_LOWEST  (INT64_MIN / 4) /* so that differences fit */
#define POLICY_VALUE_HIGHEST (INT64_MAX / 4)

/* A command that was prepared and waits to be executed: the same content, in the same session,
 * between the same parties, next in sequence. */
#define POLICY_SELECTS     24u
#define POLICY_SELECT_SIZE 240u
struct policy_select {
    uint64_t at; /* ns: of its good outcome */
    uint32_t client;
    uint32_t session;
    uint32_t parties; /* the protocol's own */
    uint32_t order;   /* of its message */
    uint16_t service;
    uint16_t length;  /* of the content; 0: the place is free */
    uint8_t sequence; /* what its execution carries */
    bool good;        /* the device confirmed it */
    bool challenged;  /* it asked first who wants it, and was not answered yet */
    uint8_t content[POLICY_SELECT_SIZE];
};

/* What was last read from or written to a place of a device, for audit lines. A place that is
 * needed for another one loses its value: "not known" is always a right answer. */
#define POLICY_LAST_VALUES 4096u
struct policy_last_value {
    uint32_t key; /* the protocol's own; 0: none */
    uint32_t value;
    uint16_t known; /* the protocol's own: which bits of it, or whether at all; 0: nothing */
    uint16_t kind;  /* likewise */
};

struct policy_state {
    const struct policy_conditions *conditions; /* NULL: the policy has none */
    uint64_t now;                               /* ns, on sl_now's clock */
    int64_t wall;                               /* Unix seconds; 0: not known */
    uint32_t client;
    uint32_t session; /* whose message it is; the caller of policy_state_begin() sets it */
    uint32_t order;   /* counts messages sent */
    uint16_t draws[POLICY_MOST_RATES];
    uint16_t draw_count;
    /* Generic cell rate: when the bucket would be full again, ns; below `now`: it is. */
    uint64_t full_at[POLICY_MAX_RATES];
    struct policy_client_bucket bucket[POLICY_CLIENT_BUCKETS];
    struct policy_value value[POLICY_MAX_STEP_POINTS];
    struct policy_select select[POLICY_SELECTS];
    struct policy_last_value last[POLICY_LAST_VALUES];
};

/* `state` zeroed, `image` checked. */
void policy_state_init(struct policy_state *state, const void *image);

/* Another image of the same site is in force: rates of the same rules and services go on where they
 * were, and the values of points that it still asks for stay known. Both images checked; the one
 * before, which `state` has, is not used after this. */
void policy_state_adopt(struct policy_state *state, const void *image);

/* Before each decision. `wall`: Unix time in ns, 0 where unknown. */
void policy_state_begin(struct policy_state *state, uint64_t now, uint64_t wall, uint32_t client);

/* NONE when the condition (its number in the checked image; POLICY_NONE: none) holds now; else
 * why it does not. Remembers the rates it asked for until policy_state_spend(). `state` NULL:
 * nothing is known but that nothing was let through yet. */
enum sl_reason policy_condition_fails(struct policy_state *state, const void *image,
                                      unsigned condition);
/* The same of a rate alone: that of a service. */
bool policy_rate_allows(struct policy_state *state, const void *image, unsigned rate);

/* The message passes: takes a token from each rate that its decision asked. */
void policy_state_spend(struct policy_state *state);

/* The conditions' section of a checked image; NULL: none. */
const struct policy_conditions *policy_conditions_of(const void *image);

/* Numbers *first .. *first + count - 1 of the points of this service and unit whose address is
 * within low..high. */
unsigned policy_step_points(const struct policy_conditions *conditions, unsigned service,
                            unsigned unit, uint32_t low, uint32_t high, unsigned *first);
static inline const struct policy_step_point *
policy_step_point(const struct policy_conditions *conditions, unsigned number)
{
    return (const struct policy_step_point *)(const void *)((const uint8_t *)conditions +
                                                            conditions->points) +
           number;
}

/* values.c: the last value of a point. A write of `value` (NULL: not known which) was sent, and
 * state->order counts it. */
void policy_value_sent(struct policy_state *state, unsigned point, const int64_t *value);
/* That write has its outcome: the device has `value`; NULL: it failed, or nobody knows. */
void policy_value_settled(struct policy_state *state, unsigned point, uint32_t order,
                          const int64_t *value);
/* It has its outcome and may yet be done, when its sender has said who it is; no read settles the
 * point before that was (done: the device has `value`), or can be no more. */
void policy_value_challenged(struct policy_state *state, unsigned point);
void policy_value_done(struct policy_state *state, unsigned point, int64_t value);
void policy_value_unchallenged(struct policy_state *state, unsigned point);
/* The device said so in answer to the message of this order. */
void policy_value_read(struct policy_state *state, unsigned point, uint32_t order, int64_t value);
/* All points of a service may have any value now. */
void policy_values_forget(struct policy_state *state, unsigned service);
/* True when `value` is at most `step` from wherever the point may be; `first`: what holds while
 * nothing is known of it. */
bool policy_value_near(const struct policy_state *state, unsigned point, int64_t value,
                       uint64_t step, bool first);

/* last_values.c: the place of a key, NULL where another's value or none is there; and the same
 * taken for this key, empty where it was not its own. Keys that differ in their low 16 bits alone
 * never meet unless these are POLICY_LAST_VALUES apart. */
const struct policy_last_value *policy_last_find(const struct policy_state *state, uint32_t key);
struct policy_last_value *policy_last_take(struct policy_state *state, uint32_t key);
void policy_last_forget(struct policy_state *state, uint32_t key);
void policy_last_forget_all(struct policy_state *state);

/* selects.c: what was prepared. The place of what this client prepared in state->session between
 * these parties of this service; NULL: nothing. */
struct policy_select *policy_select_find(struct policy_state *state, unsigned service,
                                         uint32_t client, uint32_t parties);
/* What was prepared in this session is void: it ended. */
void policy_selects_forget(struct policy_state *state, uint32_t session);
/* A place for it: that of the one before, be it of another session of the client, a free one, or
 * the oldest. Its key is filled. */
struct policy_select *policy_select_place(struct policy_state *state, unsigned service,
                                          uint32_t client, uint32_t parties);

#endif
