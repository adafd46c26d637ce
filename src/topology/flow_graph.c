/* SPDX-License-Identifier: BSD-2-Clause */
#include "topology/flow_graph.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define NO_EDGE UINT32_MAX

void flow_graph_init(struct flow_graph *graph)
{
    memset(graph, 0, sizeof(*graph));
}

void flow_graph_free(struct flow_graph *graph)
{
    for (unsigned i = 0; i < graph->node_count; i++) {
        free(graph->node[i].name);
        free(graph->node[i].trusted);
    }
    for (unsigned i = 0; i < graph->edge_count; i++)
        free(graph->edge[i].label);
    free(graph->node);
    free(graph->edge);
    flow_graph_init(graph);
}

/* Room for one more element; false (and the graph failed) when there is none. */
static bool grow(struct flow_graph *graph, void **array, unsigned count, unsigned *room,
                 size_t element)
{
    if (count < *room)
        return true;
    unsigned more = *room ? *room * 2 : 32;
    void *larger = reallocarray(*array, more, element);
    if (!larger) {
        graph->failed = true;
        return false;
    }
    *array = larger;
    *room = more;
    return true;
}

unsigned flow_add_node(struct flow_graph *graph, const char *name, uint8_t side)
{
    void *array = graph->node;
    bool room = grow(graph, &array, graph->node_count, &graph->node_room, sizeof(*graph->node));
    graph->node = array;
    char *copy = strdup(name);
    if (!room || !copy) {
        free(copy);
        graph->failed = true;
        return 0;
    }
    graph->node[graph->node_count] = (struct flow_node){.name = copy, .side = side};
    return graph->node_count++;
}

unsigned flow_add_breaker(struct flow_graph *graph, const char *name, uint8_t side)
{
    unsigned number = flow_add_node(graph, name, side);
    if (!graph->failed)
        graph->node[number].breaks = true;
    return number;
}

unsigned flow_add_sink(struct flow_graph *graph, const char *name, uint8_t side)
{
    unsigned number = flow_add_node(graph, name, side);
    if (!graph->failed)
        graph->node[number].sink = true;
    return number;
}

unsigned flow_add_trusted(struct flow_graph *graph, const char *name, const char *why)
{
    unsigned number = flow_add_node(graph, name, FLOW_NO_SIDE);
    if (graph->failed)
        return 0;
    graph->node[number].trusted = strdup(why);
    graph->failed |= !graph->node[number].trusted;
    return number;
}

void flow_add_edge(struct flow_graph *graph, unsigned from, unsigned to, const char *label, ...)
{
    if (from >= graph->node_count || to >= graph->node_count) {
        graph->failed = true;
        return;
    }
    if (from == to)
        return;
    void *array = graph->edge;
    bool room = grow(graph, &array, graph->edge_count, &graph->edge_room, sizeof(*graph->edge));
    graph->edge = array;
    if (!room)
        return;
    va_list arguments;
    va_start(arguments, label);
    char *text;
    int length = vasprintf(&text, label, arguments);
    va_end(arguments);
    if (length < 0) {
        graph->failed = true;
        return;
    }
    graph->edge[graph->edge_count++] = (struct flow_edge){.from = from, .to = to, .label = text};
}

/* One question asked of the graph: what of `target` does `source` reach, and how. */
struct search {
    const struct flow_graph *graph;
    enum sl_side source, target;
    bool around_breakers; /* nodes that break a path end it */
    const char *rule;     /* completes "A reaches B" */
    FILE *out;
    uint32_t *by;    /* the edge by which each node was first reached */
    unsigned *queue; /* nodes reached, in order */
};

static void print_path(const struct search *search, unsigned edge)
{
    const struct flow_edge *step = &search->graph->edge[edge];
    if (search->by[step->from] != NO_EDGE)
        print_path(search, search->by[step->from]);
    else
        fprintf(search->out, "%s", search->graph->node[step->from].name);
    fprintf(search->out, " -> [%s] -> %s", step->label, search->graph->node[step->to].name);
}

static void print_violation(const struct search *search, unsigned start, unsigned edge)
{
    fprintf(search->out, "flow: VIOLATION: %s reaches %s %s: ", search->graph->node[start].name,
            search->graph->node[search->graph->edge[edge].to].name, search->rule);
    print_path(search, edge);
    fputc('\n', search->out);
}

/* Paths with no other node of either side between their ends: every longer one holds such. */
static int search_from(const struct search *search, unsigned start)
{
    const struct flow_graph *graph = search->graph;
    unsigned reached = 0, next = 0;
    int violations = 0;
    memset(search->by, 0xff, graph->node_count * sizeof(*search->by));
    search->queue[reached++] = start;
    while (next < reached) {
        unsigned at = search->queue[next++];
        for (unsigned i = 0; i < graph->edge_count; i++) {
            const struct flow_edge *edge = &graph->edge[i];
            const struct flow_node *to = &graph->node[edge->to];
            if (edge->from != at || to->trusted || to->side == search->source)
                continue;
            bool first = search->by[edge->to] == NO_EDGE;
            if (to->side == search->target) {
                if (first || at == start) {
                    print_violation(search, start, i);
                    violations++;
                }
                search->by[edge->to] = i;
                continue;
            }
            if (!first || (search->around_breakers && to->breaks && to->side == SL_SIDE_CORE))
                continue;
            search->by[edge->to] = i;
            search->queue[reached++] = edge->to;
        }
    }
    return violations;
}

static int search_paths(struct search *search)
{
    int violations = 0;
    for (unsigned i = 0; i < search->graph->node_count; i++)
        if (search->graph->node[i].side == search->source && !search->graph->node[i].trusted)
            violations += search_from(search, i);
    return violations;
}

static int check_paths(const struct flow_graph *graph, enum sl_mode mode, FILE *out)
{
    struct search search = {
        .graph = graph,
        .out = out,
        .by = calloc(graph->node_count + 1, sizeof(*search.by)),
        .queue = calloc(graph->node_count + 1, sizeof(*search.queue)),
    };
    int violations = 1;
    if (!search.by || !search.queue) {
        fprintf(out, "flow: VIOLATION: out of memory: paths were not searched\n");
    } else {
        search.source = SL_SIDE_EXT;
        search.target = SL_SIDE_INT;
        search.around_breakers = true;
        search.rule = "without policy_emit";
        violations = search_paths(&search);

        search.source = SL_SIDE_INT;
        search.target = SL_SIDE_EXT;
        search.around_breakers = mode != SL_ONE_WAY;
        if (mode == SL_ONE_WAY)
            search.rule = "against the one-way direction";
        violations += search_paths(&search);
    }
    free(search.by);
    free(search.queue);
    return violations;
}

static int check_nodes(const struct flow_graph *graph, FILE *out)
{
    int violations = 0;
    for (unsigned i = 0; i < graph->node_count; i++) {
        const struct flow_node *node = &graph->node[i];
        if (node->trusted || node->side == SL_SIDE_EXT || node->side == SL_SIDE_INT ||
            node->side == SL_SIDE_CORE)
            continue;
        fprintf(out, "flow: VIOLATION: %s has no side\n", node->name);
        violations++;
    }
    for (unsigned i = 0; i < graph->edge_count; i++) {
        const struct flow_edge *edge = &graph->edge[i];
        const struct flow_node *from = &graph->node[edge->from], *to = &graph->node[edge->to];
        if (!from->sink || to->trusted)
            continue;
        fprintf(out, "flow: VIOLATION: %s reaches %s, and nothing inside may: %s -> [%s] -> %s\n",
                from->name, to->name, from->name, edge->label, to->name);
        violations++;
    }
    return violations;
}

/* What a trusted node is joined with, each name once. */
static void print_joined(const struct flow_graph *graph, unsigned trusted, FILE *out)
{
    const char *before = "; joined with ";
    for (unsigned other = 0; other < graph->node_count; other++) {
        for (unsigned i = 0; i < graph->edge_count; i++) {
            const struct flow_edge *edge = &graph->edge[i];
            if ((edge->from == trusted && edge->to == other) ||
                (edge->to == trusted && edge->from == other)) {
                fprintf(out, "%s%s", before, graph->node[other].name);
                before = ", ";
                break;
            }
        }
    }
}

static void print_trusted(const struct flow_graph *graph, FILE *out)
{
    for (unsigned i = 0; i < graph->node_count; i++) {
        if (!graph->node[i].trusted)
            continue;
        fprintf(out, "flow: trusted, not followed: %s: %s", graph->node[i].name,
                graph->node[i].trusted);
        print_joined(graph, i, out);
        fputc('\n', out);
    }
}

int flow_check(const struct flow_graph *graph, enum sl_mode mode, FILE *out)
{
    if (graph->failed) {
        fprintf(out, "flow: VIOLATION: the graph is not whole: nothing is known of its paths\n");
        return 1;
    }
    int violations = check_nodes(graph, out) + check_paths(graph, mode, out);
    print_trusted(graph, out);
    return violations;
}
