/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TCP connections and UDP exchanges of one capture: each goes to a service, both its directions
 * are put in order, and every message gets its verdict. A SYN that does not belong to the
 * connection known between two endpoints starts another one.
 */
#ifndef SLUICE_CLI_FLOWS_H
#define SLUICE_CLI_FLOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/capture.h"
#include "cli/outstanding.h"
#include "cli/stream.h"
#include "cli/tcp_stream.h"

struct flow;

/* What to do with the connections, and what was seen; shared by all captures of a command. */
struct replay {
    const void *image;          /* policy; NULL: `protocol` on `port` without one */
    struct policy_state *state; /* with a policy: what was seen so far */
    const struct sl_protocol *protocol;
    uint16_t port;
    FILE *out;        /* lines; NULL: none */
    FILE *notes;      /* what happened to streams */
    const char *verb; /* whose notes these are */
    /* Takes every message with its verdict; NULL: nobody else asks. */
    void (*seen)(void *context, const struct flow *flow, enum sl_direction direction,
                 const struct stream_message *message, const struct timeval *time);
    void *seen_context;

    const char *source;       /* the capture being read */
    uint64_t messages[5];     /* by enum sl_verdict */
    uint64_t flows, skipped;  /* connections of a service, of none */
    uint64_t datagrams;       /* UDP of no service */
    uint64_t gaps, conflicts; /* directions cut short by missing bytes; overlaps that differ */
    uint64_t after_lost;      /* bytes not looked at behind lost framing */
    bool no_memory;
    bool connections_only; /* UDP is not looked at */
};

struct flow_side {
    struct flow *flow;
    enum sl_direction direction;
    struct tcp_stream tcp;
    struct stream stream;
    struct timeval time; /* of the segment at hand */
    bool conflict_said;
};

struct flow {
    struct flow *next_in_bucket;
    struct flow *next; /* in order of appearance */
    struct replay *replay;
    struct endpoint client, server;
    bool datagram;                        /* UDP: no connection, only who talks to whom */
    const struct sl_protocol *protocol;   /* NULL: of no service, skipped */
    const struct policy_service *service; /* NULL: no policy */
    struct flow_side side[2];             /* SL_REQUEST, SL_REPLY */
    struct outstanding outstanding;
};

#define FLOW_BUCKETS 4096u
struct flows {
    struct replay *replay;
    struct flow *bucket[FLOW_BUCKETS];
    struct flow *first;
    struct flow **last;
};

void flows_init(struct flows *flows, struct replay *replay);
/* A segment_sink; `context` is the struct flows. Prints the messages that it completes. */
void flows_segment(void *context, const struct tcp_segment *segment);
/* The capture is over: ends every connection in order of appearance, and frees all. */
void flows_free(struct flows *flows);

#endif
