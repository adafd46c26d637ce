/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A frontend alone with the test: a fake host with a clock of its own, the NIC driver's end of
 * the frame queues, the core's end of the rings. A component is woken only when it was notified
 * or its deadline has passed, so that a lost wake shows as a test that gets no answer.
 *
 * lwIP's state is global: each test runs in a process of its own, see ISOLATED.
 */
#ifndef TESTS_FRONTEND_WORLD_H
#define TESTS_FRONTEND_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ring/frame_queue.h"
#include "ring/message_ring.h"
#include "ring/oneway_ring.h"
#include "sluice/audit.h"
#include "sluice/component.h"
#include "sluice/config.h"
#include "sluice/host.h"
#include "sluice/protocol.h"
#include "sluice/reason.h"
#include "sluice/record.h"

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)
#define CHECK_EQUAL(found, expected)                                                               \
    do {                                                                                           \
        const long long found_ = (long long)(found), expected_ = (long long)(expected);            \
        if (found_ != expected_) {                                                                 \
            fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #found, found_,   \
                    expected_);                                                                    \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* A cmocka test that runs `body` in a child. */
#define ISOLATED(name)                                                                             \
    static void name##_body(void);                                                                 \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        const pid_t child = fork();                                                                \
        if (child == 0) {                                                                          \
            alarm(60);                                                                             \
            name##_body();                                                                         \
            _exit(0);                                                                              \
        }                                                                                          \
        int status = -1;                                                                           \
        assert_int_equal(waitpid(child, &status, 0), child);                                       \
        assert_int_equal(status, 0);                                                               \
    }                                                                                              \
    static void name##_body(void)

#define SECOND      UINT64_C(1000000000)
#define MILLISECOND UINT64_C(1000000)

enum { CHANNEL_DRIVER, CHANNEL_IN, CHANNEL_OUT, CHANNELS };

struct node;
typedef void wire_function(struct node *from, const uint8_t *frame, uint16_t length);

struct sl_host {
    struct node *node;
};

struct node {
    struct sl_host host;
    const struct sl_component *component;
    void *self;
    struct sl_frontend_config config;
    struct sl_environment environment;
    bool pending; /* notified */
    uint64_t deadline;
    unsigned notified[CHANNELS];
    unsigned wakes;
    wire_function *wire; /* where its frames go */
    /* the driver's and the core's ends */
    struct frame_end receive_free, receive_active, transmit_free, transmit_active;
    struct message_ring_producer in;
    struct message_ring_consumer out;
    struct oneway_consumer audit;
    _Alignas(8) uint8_t record[SL_MAX_RECORD]; /* last taken off `out` */
    struct sl_audit audited[4096];
    unsigned audited_count;
};

extern uint64_t world_now;
extern const char *world_fault_expected; /* sl_fault with these words in it ends the test well */
extern bool world_driver_busy;           /* frames to send stay where they are */
extern unsigned world_drop;              /* of the next frames of any node, how many are lost */

struct node *world_add(const struct sl_component *component,
                       const struct sl_frontend_config *config, wire_function *wire);
/* A configuration for one side; services are added by the test. */
struct sl_frontend_config world_config(enum sl_side side);

/* Until nobody has anything to do. */
void world_run(void);
/* Time passes; deadlines on the way are kept. */
void world_advance(uint64_t nanoseconds);

/* A frame from the wire to the node. False: no receive buffer. */
bool node_receive(struct node *node, const uint8_t *frame, uint16_t length);
/* The core's record to the node, and the node's next to the core (false: none). */
void node_put(struct node *node, const struct sl_record *record, const void *payload);
bool node_take(struct node *node, struct sl_record *record, uint8_t **payload);
/* Audit records of this event (and reason, unless SL_REASON_COUNT) so far. */
unsigned node_audits(struct node *node, enum sl_audit_event event, enum sl_reason reason);

#endif
