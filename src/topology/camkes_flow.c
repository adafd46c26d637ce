/* SPDX-License-Identifier: BSD-2-Clause */
/* The graph of what a capDL lets flow, and the rules over it. */
#include "topology/camkes_checker.h"
#include "topology/flow_graph.h"

/* CAmkES names its frames share_REGION_data_N_obj. */
const struct camkes_region *camkes_region_of(const struct camkes_checker *checker,
                                             const struct capdl_object *frame)
{
    for (unsigned i = 0; i < checker->system->region_count; i++) {
        const struct camkes_region *region = &checker->system->region[i];
        char start[SL_NAME_SIZE * 4];
        int length = snprintf(start, sizeof start, "share_%s_data_", region->name);
        if (!strncmp(frame->name, start, (size_t)length))
            return region;
    }
    return NULL;
}

static void add_nodes(const struct camkes_checker *checker, struct flow_graph *graph)
{
    for (unsigned i = 0; i < checker->system->instance_count; i++) {
        const struct camkes_instance *instance = &checker->system->instance[i];
        if (instance->kind == CAMKES_CLOCK) {
            flow_add_trusted(graph, instance->name, "wakes those with deadlines, receives nothing");
            continue;
        }
        if (instance->kind == CAMKES_ENTROPY) {
            flow_add_trusted(graph, instance->name,
                             "fills a seed for each who asks for random bytes, receives nothing; "
                             "its device writes to memory that it chooses");
            continue;
        }
        if (instance->kind == CAMKES_SUPERVISOR) {
            flow_add_trusted(graph, instance->name,
                             "receives the faults of all others and reads how many turns each "
                             "took, stops all and says so on the serial port; could stop them at "
                             "any time");
            continue;
        }
        const struct topology_component *component =
            &checker->system->topology->component[instance->component];
        if (component->breaks_path)
            flow_add_breaker(graph, instance->name, (uint8_t)component->side);
        else if (component->program == PROGRAM_MONITOR)
            flow_add_sink(graph, instance->name, (uint8_t)component->side);
        else
            flow_add_node(graph, instance->name, (uint8_t)component->side);
    }
}

/* Once for each region and pair: a region has many frames. */
static void add_memory(const struct camkes_checker *checker, struct flow_graph *graph)
{
    const struct camkes_region *last = NULL;
    for (unsigned frame = 0; frame < checker->capdl->object_count; frame++) {
        const struct capdl_object *object = object_of(checker, frame);
        if (object->type != CAPDL_FRAME)
            continue;
        const struct camkes_region *region = camkes_region_of(checker, object);
        bool again = region && region == last &&
                     !memcmp(checker->mapped[frame], checker->mapped[frame - 1],
                             sizeof checker->mapped[frame]);
        last = region;
        for (unsigned from = 0; !again && from < checker->system->instance_count; from++)
            for (unsigned to = 0; to < checker->system->instance_count; to++)
                if (checker->mapped[frame][from] & CAPDL_WRITE && checker->mapped[frame][to])
                    flow_add_edge(graph, from, to, "writes %s, mapped by",
                                  region ? region->name : object->name);
    }
}

/* Frames of devices that overlap, whatever they are called. */
static void add_devices(const struct camkes_checker *checker, struct flow_graph *graph)
{
    for (unsigned a = 0; a < checker->capdl->object_count; a++)
        for (unsigned b = 0; b < checker->capdl->object_count; b++) {
            const struct capdl_object *one = object_of(checker, a), *other = object_of(checker, b);
            if (a == b || one->type != CAPDL_FRAME || other->type != CAPDL_FRAME ||
                !one->has_address || !other->has_address ||
                one->address >= other->address + other->size ||
                other->address >= one->address + one->size)
                continue;
            for (unsigned from = 0; from < checker->system->instance_count; from++)
                for (unsigned to = 0; to < checker->system->instance_count; to++)
                    if (from != to && checker->mapped[a][from] & CAPDL_WRITE &&
                        checker->mapped[b][to])
                        flow_add_edge(graph, from, to, "writes %s, which overlaps %s, mapped by",
                                      one->name, other->name);
        }
}

/* Who owns an interrupt, to who waits for the notification that it signals. */
static void add_interrupts(const struct camkes_checker *checker, struct flow_graph *graph)
{
    for (unsigned i = 0; i < checker->capdl->cap_count; i++) {
        const struct capdl_cap *cap = &checker->capdl->cap[i];
        const struct capdl_object *interrupt = object_of(checker, cap->container);
        if (interrupt->type != CAPDL_INTERRUPT)
            continue;
        for (unsigned from = 0; from < checker->system->instance_count; from++)
            for (unsigned to = 0; to < checker->system->instance_count; to++)
                if (from != to && checker->found[to].wake == (int)cap->object &&
                    camkes_owns_interrupt(checker->system, from, interrupt->interrupt))
                    flow_add_edge(graph, from, to, "owns %s, which wakes", interrupt->name);
    }
}

/* Whose buffer the kernel writes an instance's messages to. */
static void add_buffers(const struct camkes_checker *checker, struct flow_graph *graph)
{
    for (unsigned from = 0; from < checker->system->instance_count; from++) {
        int buffer = slot(checker, (unsigned)checker->found[from].tcb, "ipc_buffer_slot");
        for (unsigned to = 0; buffer >= 0 && to < checker->system->instance_count; to++)
            if (from != to && checker->mapped[buffer][to])
                flow_add_edge(graph, from, to, "has messages in %s, mapped by",
                              object_of(checker, (unsigned)buffer)->name);
    }
}

/* Whose faults the kernel sends to an endpoint, to who may receive from it. */
static void add_faults(const struct camkes_checker *checker, struct flow_graph *graph)
{
    for (unsigned from = 0; from < checker->system->instance_count; from++) {
        int endpoint = slot(checker, (unsigned)checker->found[from].tcb, "fault_ep_slot");
        for (unsigned to = 0; endpoint >= 0 && to < checker->system->instance_count; to++)
            for (const struct capdl_cap *cap =
                     next_cap(checker, (unsigned)checker->found[to].cnode, NULL);
                 cap; cap = next_cap(checker, (unsigned)checker->found[to].cnode, cap))
                if ((int)cap->object == endpoint && cap->rights & CAPDL_READ)
                    flow_add_edge(graph, from, to, "has its faults sent to %s, held by",
                                  object_of(checker, cap->object)->name);
    }
}

/* Who may signal a notification, to whose thread it is bound. */
static void add_bound(const struct camkes_checker *checker, struct flow_graph *graph)
{
    for (unsigned to = 0; to < checker->system->instance_count; to++) {
        int bound = slot(checker, (unsigned)checker->found[to].tcb, "bound_notification");
        for (unsigned from = 0; bound >= 0 && from < checker->system->instance_count; from++)
            for (const struct capdl_cap *cap =
                     next_cap(checker, (unsigned)checker->found[from].cnode, NULL);
                 from != to && cap;
                 cap = next_cap(checker, (unsigned)checker->found[from].cnode, cap))
                if ((int)cap->object == bound && cap->rights & CAPDL_WRITE)
                    flow_add_edge(graph, from, to, "signals %s, bound to the thread of",
                                  object_of(checker, cap->object)->name);
    }
}

/* Who holds a way into an object, to who holds a way out of it: notifications, endpoints, and
 * whatever else two hold. */
static void add_objects(const struct camkes_checker *checker, struct flow_graph *graph)
{
    for (unsigned from = 0; from < checker->system->instance_count; from++)
        for (const struct capdl_cap *cap =
                 next_cap(checker, (unsigned)checker->found[from].cnode, NULL);
             cap; cap = next_cap(checker, (unsigned)checker->found[from].cnode, cap))
            for (unsigned to = 0; to < checker->system->instance_count; to++) {
                const struct capdl_object *object = object_of(checker, cap->object);
                bool signals = object->type == CAPDL_NOTIFICATION || object->type == CAPDL_ENDPOINT;
                for (const struct capdl_cap *other =
                         next_cap(checker, (unsigned)checker->found[to].cnode, NULL);
                     to != from && other;
                     other = next_cap(checker, (unsigned)checker->found[to].cnode, other))
                    if (other->object == cap->object &&
                        (!signals || (cap->rights & CAPDL_WRITE && other->rights & CAPDL_READ)))
                        flow_add_edge(graph, from, to, "%s %s, held by",
                                      signals ? "signals" : "shares", object->name);
            }
}

int camkes_check_flows(const struct camkes_checker *checker, const struct camkes_kernel *kernel)
{
    struct flow_graph graph;
    flow_graph_init(&graph);
    add_nodes(checker, &graph);
    add_memory(checker, &graph);
    add_objects(checker, &graph);
    add_devices(checker, &graph);
    add_interrupts(checker, &graph);
    add_buffers(checker, &graph);
    add_faults(checker, &graph);
    add_bound(checker, &graph);
    flow_add_trusted(&graph, "capdl-loader",
                     "creates every object and hands out every capability before the start, then "
                     "stops; could join anything");
    flow_add_trusted(&graph, "kernel", "keeps components apart; could join anything");
    for (unsigned i = 0; i < checker->system->topology->component_count; i++)
        for (unsigned j = 0; kernel->timers && j < checker->system->topology->component_count; j++)
            flow_add_edge(&graph, i, j, "writes an exported timer register, read by");
    int violations = flow_check(&graph, checker->system->topology->mode, checker->out);
    flow_graph_free(&graph);
    return violations;
}
