/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor: whoever faults, clock and entropy included, its fault comes here; and the clock
 * wakes it to look whether the components take turns. For either every thread is stopped, or every
 * one of a part (instance.h), the cause is written to the serial port, and so it stays: a CAmkES
 * component cannot be started anew. The highest priority is this one's.
 */
#include <sel4/sel4.h>

#include "hosts/camkes/instance.h"
#include "hosts/camkes/instance_time.h"
#include "hosts/microkit/hung.h"
#include "hosts/microkit/supervisor_line.h"
#include "sluice/barrier.h"

#define LINE_SIZE 1024u

static struct instance instance;
static bool stopped[INSTANCE_MAX_OTHERS];

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
        if (part == INSTANCE_WHOLE || part == instance.other[i].part) {
            seL4_TCB_Suspend(instance.other[i].thread);
            stopped[i] = true;
        }
}

static enum instance_part start_death(struct sl_json *json, unsigned died)
{
    bool known = died < instance.other_count;
    line_start(json, "component-died");
    sl_json_string(json, "died", known ? instance.other[died].name : "unknown");
    return known ? instance.other[died].part : INSTANCE_WHOLE;
}

/* The part of one that died, by the line that says how. */
static void end(enum instance_part part, struct sl_json *json)
{
    tell_part(json, part);
    stop(part);
    supervisor_line_send(json, instance.uart, true);
    line_start(json, "closed");
    tell_part(json, part);
    supervisor_line_send(json, instance.uart, false);
}

/* The first that is hung; other_count: none. */
static unsigned find_hung(void)
{
    static struct hung hung[INSTANCE_MAX_OTHERS];
    for (unsigned i = 0; i < instance.other_count; i++) {
        if (!instance.other[i].life || stopped[i])
            continue;
        if (hung_look(&hung[i], sl_load_relaxed(&instance.other[i].life->turns)))
            return i;
    }
    return instance.other_count;
}

static void look(void)
{
    static uint64_t looked;
    const uint64_t now = instance_now();
    if (now - looked < HUNG_LOOK_NS)
        return;
    looked = now;
    const unsigned hung = find_hung();
    if (hung == instance.other_count)
        return;
    struct sl_json json;
    enum instance_part part = start_death(&json, hung);
    sl_json_string(&json, "cause", "hung");
    end(part, &json);
}

int run(void);

int run(void)
{
    instance_fill(&instance);
    for (;;) {
        struct sl_json json;
        seL4_Word badge;
        seL4_MessageInfo_t message = seL4_Recv(instance.faults, &badge, instance.fault_reply);
        if (badge == UINT64_C(1) << INSTANCE_BADGE_CLOCK) {
            look();
            continue;
        }
        enum instance_part part = start_death(&json, (unsigned)(badge - 1));
        supervisor_line_cause(&json, message);
        end(part, &json);
    }
}
