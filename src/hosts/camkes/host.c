/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sluice/host.h on CAmkES: one component in the control thread of one CAmkES component, which
 * waits for one notification only. Whoever wakes it, device and clock included, signals that
 * one with a badge of its own (templates/).
 */
#include "sluice/host.h"

#include <sel4/sel4.h>
#include <string.h>

#include "drivers/nic_driver.h"
#include "hosts/camkes/console.h"
#include "hosts/camkes/instance.h"
#include "hosts/camkes/instance_time.h"
#include "hosts/camkes/nic.h"
#include "hosts/microkit/fault.h"
#include "hosts/microkit/random.h"
#include "sluice/barrier.h"

struct sl_host {
    struct instance instance;
    uint64_t deadline;
    uint32_t rung; /* channels to ring when the wake returns */
    struct random random;
    struct sl_environment environment;
};

static struct sl_host the_host;

/* Rung once a wake, however often the component asked. */
void sl_notify(struct sl_host *host, unsigned channel)
{
    if (channel < INSTANCE_MAX_BELLS && host->instance.ring[channel])
        host->rung |= UINT32_C(1) << channel;
}

uint64_t sl_now(struct sl_host *host)
{
    (void)host;
    return instance_now();
}

uint64_t sl_wall(struct sl_host *host)
{
    const struct instance_seed *seed = host->instance.seed;
    return seed && seed->wall_offset ? seed->wall_offset + instance_now() : 0;
}

void sl_deadline(struct sl_host *host, uint64_t when)
{
    host->deadline = when;
}

void sl_random(struct sl_host *host, void *bytes, size_t length)
{
    random_bytes(&host->random, bytes, length);
}

/* Nothing but in debug kernels: the serial port is the monitor's. */
static void debug_text(const char *text)
{
#ifdef CONFIG_PRINTING
    while (*text)
        seL4_DebugPutChar(*text++);
#else
    (void)text;
#endif
}

void sl_log(struct sl_host *host, const char *line)
{
    debug_text(host->instance.name);
    debug_text(": ");
    debug_text(line);
    debug_text("\n");
}

void sl_emit_line(struct sl_host *host, const char *line, size_t length)
{
    console_write(&host->instance, line, length);
}

/* Nobody can restart a CAmkES component: the supervisor says why, and stops all. */
_Noreturn void sl_fault(struct sl_host *host, const char *what, uint64_t found, uint64_t expected)
{
    sl_log(host, what);
    domain_fault(what, found, expected);
}

struct nic_driver *nic_driver_of(struct sl_host *host)
{
    (void)host;
    return nic_driver();
}

static void fill_environment(struct sl_host *host)
{
    const struct instance *instance = &host->instance;
    struct sl_environment *environment = &host->environment;
    environment->host = host;
    environment->config = console_stamp(instance);
    environment->config_size = instance->config_size;
    environment->policy = instance->policy;
    environment->policy_size = instance->policy_size;
    memcpy(environment->port, instance->port, sizeof environment->port);
}

static void take_seed(struct sl_host *host)
{
    const struct instance_seed *seed = host->instance.seed;
    uint64_t now = instance_now();
    random_seed(&host->random, seed->key);
    random_mix(&host->random, &now, sizeof now);
}

/* Start order is not defined: who needs a seed waits until the entropy component, which then
 * wakes it, has filled it. */
static void start(struct sl_host *host)
{
    const struct instance *instance = &host->instance;
    while (instance->seed && !sl_load_acquire(&instance->seed->ready))
        seL4_Wait(instance->wait, NULL);
    if (instance->seed)
        take_seed(host);
    if (instance->program->self_size > instance->self_size)
        sl_fault(host, "the image has too little room for the component's state",
                 instance->self_size, instance->program->self_size);
    const char *wrong = nic_start(instance);
    if (wrong)
        sl_fault(host, wrong, 0, 0);
    fill_environment(host);
    instance->program->init(instance->self, &host->environment);
}

static void wake_component(struct sl_host *host, uint64_t badges)
{
    host->instance.program->wake(host->instance.self, badges);
    while (host->rung) {
        unsigned channel = (unsigned)__builtin_ctz(host->rung);
        host->rung &= host->rung - 1;
        host->instance.ring[channel]();
    }
}

static void wake(struct sl_host *host, uint64_t badges)
{
    uint64_t began = host->instance.wakes ? instance_counter() : 0;
    instance_turn(&host->instance);
    wake_component(host, badges);
    if (host->instance.wakes)
        wakes_add(host->instance.wakes, badges, instance_counter() - began);
    console_look(&host->instance);
    nic_flush(&host->instance);
}

/* And again while the deadline is already due; the others get the processor in between. */
static void wake_until_idle(struct sl_host *host, uint64_t badges)
{
    wake(host, badges);
    while (nic_pending())
        wake(host, SL_BADGE_DEVICE);
    while (host->deadline != SL_NEVER && host->deadline <= instance_now()) {
        host->deadline = SL_NEVER;
        seL4_Yield();
        wake(host, SL_BADGE_DEADLINE);
    }
}

/* What a badge of our notification means to the component. */
static uint64_t badges_of(struct sl_host *host, seL4_Word badge)
{
    uint64_t badges = badge & ((UINT64_C(1) << INSTANCE_MAX_BELLS) - 1);
    if (badge & UINT64_C(1) << INSTANCE_BADGE_DEVICE) {
        nic_interrupt(&host->instance);
        badges |= SL_BADGE_DEVICE;
    }
    if (badge & UINT64_C(1) << INSTANCE_BADGE_CLOCK && host->deadline <= instance_now()) {
        host->deadline = SL_NEVER;
        badges |= SL_BADGE_DEADLINE;
    }
    return badges;
}

int run(void);

int run(void)
{
    struct sl_host *host = &the_host;
    instance_fill(&host->instance);
    host->deadline = SL_NEVER;
    start(host);
    wake_until_idle(host, nic_driver() ? SL_BADGE_DEVICE : 1);
    for (;;) {
        seL4_Word badge;
        seL4_Wait(host->instance.wait, &badge);
        uint64_t badges = badges_of(host, badge);
        if (badges)
            wake_until_idle(host, badges);
        else
            instance_turn(&host->instance);
    }
}
