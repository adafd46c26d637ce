/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor: whoever faults, clock and entropy included, its fault comes here. Every thread
 * is stopped, or every one of a part (instance.h), the cause is written to the serial port, and so
 * it stays: a CAmkES component cannot be started anew. The highest priority is this one's, and it
 * runs at no other time.
 */
#include <sel4/sel4.h>

#include "hosts/camkes/instance.h"
#include "hosts/camkes/instance_time.h"
#include "hosts/microkit/supervisor_line.h"
#include "sluice/barrier.h"

#define LINE_SIZE 1024u

static struct instance instance;

static void line_start(struct sl_json *json, const char *event)
{
    static const struct instance_seed none;
    static char text[LINE_SIZE];
    static uint64_t sequence;
    const struct instance_seed *seed = instance.seed;
    if (!sl_load_acquire(&seed->ready))
        seed = &none;
    struct supervisor_line line = {.now = instance_now(),
                                   .wall_offset = seed->wall_offset,
                                   .sequence = sequence++,
                                   .boot = seed->boot,
                                   .policy_hash = instance.policy_hash};
    supervisor_line_start(json, text, sizeof text, &line, event);
}

static void tell_part(struct sl_json *json, enum instance_part part)
{
    if (part != INSTANCE_WHOLE)
        sl_json_string(json, "part", part == INSTANCE_MONITOR ? "monitor" : "internal");
}

static void stop(enum instance_part part)
{
    for (unsigned i = 0; i < instance.other_count; i++)
        if (part == INSTANCE_WHOLE || part == instance.other[i].part)
            seL4_TCB_Suspend(instance.other[i].thread);
}

int run(void);

int run(void)
{
    instance_fill(&instance);
    for (;;) {
        struct sl_json json;
        seL4_Word badge;
        seL4_MessageInfo_t message = seL4_Recv(instance.faults, &badge, instance.fault_reply);
        bool known = badge - 1 < instance.other_count;
        enum instance_part part = known ? instance.other[badge - 1].part : INSTANCE_WHOLE;
        line_start(&json, "component-died");
        sl_json_string(&json, "died", known ? instance.other[badge - 1].name : "unknown");
        supervisor_line_cause(&json, message);
        tell_part(&json, part);
        stop(part);
        supervisor_line_send(&json, instance.uart, true);
        line_start(&json, "closed");
        tell_part(&json, part);
        supervisor_line_send(&json, instance.uart, false);
    }
}
