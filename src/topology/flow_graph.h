/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core of the flow checker: nodes with sides, directed edges, and the rules that paths must
 * keep. It knows nothing of where a graph comes from: topology_check() feeds it from a topology;
 * a system description or the mappings of running processes can feed it as well.
 *
 *   two-way   without the nodes that break a path, none joins ext and int, in either direction
 *   one-way   the same from ext to int; and from int to ext there is no path at all
 *   always    every node has a side; no edge leaves a sink
 *
 * Trusted nodes are not followed but printed, with why and with whom they are joined. Host only:
 * allocates. When memory runs out the graph fails, and a failed graph fails its check.
 */
#ifndef SLUICE_FLOW_GRAPH_H
#define SLUICE_FLOW_GRAPH_H

#include <stdbool.h>
#include <stdio.h>

#include "sluice/config.h"

#define FLOW_NO_SIDE UINT8_MAX

struct flow_node {
    char *name;
    uint8_t side;  /* enum sl_side; anything else is a violation */
    bool breaks;   /* on the core side: decides on what passes, so two-way paths may lead through */
    bool sink;     /* nothing may leave it */
    char *trusted; /* what it could do; NULL: not trusted */
};

/* `label` completes "from -> [label] -> to", e.g. "writes request_ring, read by". */
struct flow_edge {
    unsigned from, to;
    char *label;
};

struct flow_graph {
    struct flow_node *node;
    struct flow_edge *edge;
    unsigned node_count, node_room;
    unsigned edge_count, edge_room;
    bool failed; /* out of memory, or an edge from or to nowhere */
};

void flow_graph_init(struct flow_graph *graph);
void flow_graph_free(struct flow_graph *graph);

/* Return the new node's number. Names are copied. */
unsigned flow_add_node(struct flow_graph *graph, const char *name, uint8_t side);
unsigned flow_add_breaker(struct flow_graph *graph, const char *name, uint8_t side);
unsigned flow_add_sink(struct flow_graph *graph, const char *name, uint8_t side);
unsigned flow_add_trusted(struct flow_graph *graph, const char *name, const char *why);

/* The label is made as printf would. An edge from a node to itself is left out. */
__attribute__((format(printf, 4, 5))) void flow_add_edge(struct flow_graph *graph, unsigned from,
                                                         unsigned to, const char *label, ...);

/* Writes one line for each violation, with its path, and one for each trusted node. Every
 * violation is shown by its shortest form: a path that touches each side once, and every direct
 * edge between the sides. Returns the number of violations. */
int flow_check(const struct flow_graph *graph, enum sl_mode mode, FILE *out);

#endif
