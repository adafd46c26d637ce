/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sluice/host.h on Microkit: one component in one protection domain. libmicrokit calls init()
 * once and notified() for each channel of a wake-up.
 */
#include "sluice/host.h"

#include <microkit.h>
#include <string.h>

#include "drivers/nic_driver.h"
#include "hosts/microkit/device.h"
#include "hosts/microkit/domain.h"
#include "hosts/microkit/console.h"
#include "hosts/microkit/fault.h"
#include "hosts/microkit/random.h"
#include "hosts/microkit/wakes.h"
#include "sluice/barrier.h"

extern const struct sl_component *const domain_program; /* program_*.c */
extern uint8_t sluice_self[];                           /* domain.ld */

struct sl_host {
    const struct domain_config *config;
    bool started;
    bool held;           /* woken while there was no supervisor */
    uint64_t held_since; /* domain_now() */
    uint64_t deadline;
    struct random random;
    struct sl_environment environment;
};

static struct sl_host the_host;

void sl_notify(struct sl_host *host, unsigned channel)
{
    (void)host;
    if (channel < SL_MAX_CHANNELS)
        microkit_notify(channel);
}

uint64_t sl_now(struct sl_host *host)
{
    (void)host;
    return domain_now();
}

uint64_t sl_wall(struct sl_host *host)
{
    const struct domain_status *status = (const void *)host->config->status.base;
    return status && status->wall_offset ? status->wall_offset + domain_now() : 0;
}

void sl_deadline(struct sl_host *host, uint64_t when)
{
    host->deadline = when;
}

void sl_random(struct sl_host *host, void *bytes, size_t length)
{
    random_bytes(&host->random, bytes, length);
}

void sl_log(struct sl_host *host, const char *line)
{
    (void)host;
    microkit_dbg_puts(microkit_name); /* nothing but in debug kernels */
    microkit_dbg_puts(": ");
    microkit_dbg_puts(line);
    microkit_dbg_puts("\n");
}

void sl_emit_line(struct sl_host *host, const char *line, size_t length)
{
    console_write(host->config, line, length);
}

_Noreturn void sl_fault(struct sl_host *host, const char *what, uint64_t found, uint64_t expected)
{
    (void)host;
    domain_fault(what, found, expected);
}

struct nic_driver *nic_driver_of(struct sl_host *host)
{
    (void)host;
    return device_driver();
}

static void fill_environment(struct sl_host *host)
{
    const struct domain_config *config = host->config;
    struct sl_environment *environment = &host->environment;
    environment->host = host;
    environment->config = console_stamp(config, config + 1);
    environment->config_size = config->config_size;
    size_t policy_size = (size_t)(sluice_policy_end - sluice_policy);
    if (policy_size) {
        environment->policy = sluice_policy;
        environment->policy_size = policy_size;
    }
    environment->place = console_place();
    environment->restarts = domain_told[1] == DOMAIN_MAGIC ? (uint32_t)domain_told[0] : 0;
    for (unsigned i = 0; i < SL_MAX_PORTS; i++) {
        struct sl_port *port = &environment->port[i];
        for (unsigned part = 0; part < SL_PORT_REGIONS; part++) {
            port->region[part] = (void *)config->port[i][part].base;
            port->size[part] = (uint32_t)config->port[i][part].size;
        }
        port->channel = config->channel[i];
    }
}

/* False while the entropy domain has not filled this component's seed. */
static bool take_seed(struct sl_host *host)
{
    const struct domain_seed *seed = (const void *)host->config->seed.base;
    if (!seed)
        return true;
    if (!sl_load_acquire(&seed->ready))
        return false;
    uint64_t now = domain_now();
    random_seed(&host->random, seed->key);
    random_mix(&host->random, &now, sizeof now);
    return true;
}

/* Start order is not defined: the component starts when what it needs is there. */
static bool start(struct sl_host *host)
{
    if (!take_seed(host) || !console_ready(host->config))
        return false;
    const char *wrong = device_start(host->config);
    if (wrong)
        domain_fault(wrong, 0, 0);
    fill_environment(host);
    domain_program->init(sluice_self, &host->environment);
    return true;
}

/* True in a domain that does not hear of the supervisor. */
static bool supervised(const struct sl_host *host)
{
    const struct domain_status *status = (const void *)host->config->status.base;
    return !status || domain_now() < sl_load_relaxed(&status->alive) + DOMAIN_SUPERVISOR_SILENT_NS;
}

static void wake(const struct sl_host *host, uint64_t badges)
{
    struct wake_count *wakes = (void *)host->config->wakes.base;
    uint64_t began = wakes ? domain_counter() : 0;
    domain_program->wake(sluice_self, badges);
    if (wakes)
        wakes_add(wakes, badges, domain_counter() - began);
    device_flush();
}

/* Nothing is to pass: the supervisor is silent. */
static void hold(struct sl_host *host)
{
    if (!host->held)
        host->held_since = domain_now();
    else if (domain_now() - host->held_since >= DOMAIN_NO_TICKS_NS)
        domain_no_ticks();
    host->held = true;
}

/* Wakes the component, and again while its deadline is already due; the others of its priority
 * get the processor in between. Without a supervisor nobody would see a component die: those that
 * decide let nothing pass then, and the monitor, which goes on, says so. */
static void run(struct sl_host *host, uint64_t badges)
{
    if (!supervised(host) && !console_without_supervisor(host->config)) {
        hold(host);
        return;
    }
    host->held = false;
    wake(host, badges);
    for (;;) {
        bool due = host->deadline != SL_NEVER && host->deadline <= domain_now();
        if (!due && !device_pending())
            return;
        if (due)
            host->deadline = SL_NEVER;
        seL4_Yield();
        domain_turn(host->config);
        wake(host, due ? SL_BADGE_DEADLINE : SL_BADGE_DEVICE);
    }
}

void init(void)
{
    struct sl_host *host = &the_host;
    host->config = (const void *)sluice_config;
    host->deadline = SL_NEVER;
    if (host->config->magic != DOMAIN_MAGIC)
        domain_fault("no configuration in the image", host->config->magic, DOMAIN_MAGIC);
    host->started = start(host);
    if (host->started)
        run(host, device_driver() ? SL_BADGE_DEVICE : 1);
}

void notified(microkit_channel channel)
{
    struct sl_host *host = &the_host;
    domain_turn(host->config);
    if (!host->started) {
        host->started = start(host);
        if (!host->started)
            return;
    }
    if (channel == DOMAIN_CHANNEL_CLOCK) {
        bool due = host->deadline <= domain_now();
        if (due)
            host->deadline = SL_NEVER;
        if (due || device_polls() || host->held)
            run(host, due ? SL_BADGE_DEADLINE : SL_BADGE_DEVICE);
    } else if (channel >= SL_MAX_CHANNELS) {
        device_interrupt();
        run(host, SL_BADGE_DEVICE);
    } else {
        run(host, UINT64_C(1) << channel);
    }
}
