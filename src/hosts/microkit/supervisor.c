/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor: parent of every other domain. A fault in any of them stops all, is written to
 * the serial port with its cause, and the pipeline starts anew: shared memory zeroed, every
 * domain at its entry with the registers it had at boot (start.S renews its data). One that
 * faults again soon waits first, doubling each time; it never gives up.
 */
#include <microkit.h>
#include <string.h>

#include "hosts/microkit/bench.h"
#include "hosts/microkit/domain.h"
#include "hosts/microkit/random.h"
#include "hosts/microkit/supervisor_line.h"
#include "hosts/microkit/wakes.h"
#include "sluice/barrier.h"
#include "sluice/json.h"

#define NS_PER_MS UINT64_C(1000000)
/* As the Linux host's: a pipeline that lived this long starts anew at once. */
#define LIVED_NS        (UINT64_C(1000) * NS_PER_MS)
#define BACK_OFF_MIN_NS (UINT64_C(10) * NS_PER_MS)
#define BACK_OFF_MAX_NS (UINT64_C(5000) * NS_PER_MS)

/* After the last request: the monitor, which waits for all others, writes its lines. */
#define BENCH_REST_NS (UINT64_C(300) * NS_PER_MS)

#define LINE_SIZE 2048u

struct supervisor {
    const struct domain_supervisor_config *config;
    struct domain_status *status;
    seL4_UserContext entry[DOMAIN_MAX_CHILDREN]; /* registers at boot */
    bool named;                                  /* the boot identifier is known */
    bool stopped;
    uint64_t started; /* domain_now() at the last start */
    uint64_t faulted;
    uint64_t back_off, restart_at;
    uint64_t sequence;
    uint64_t report_at; /* when to write what was measured; 0: not at all */
    char line[LINE_SIZE];
};

static struct supervisor the_supervisor;

#define REGISTERS (sizeof(seL4_UserContext) / sizeof(seL4_Word))

static void line_start(struct supervisor *supervisor, struct sl_json *json, const char *event)
{
    const struct domain_status *status = supervisor->status;
    struct supervisor_line line = {.now = domain_now(),
                                   .wall_offset = status->wall_offset,
                                   .sequence = supervisor->sequence++,
                                   .epoch = status->restarts,
                                   .boot = status->boot,
                                   .policy_hash = supervisor->config->policy_hash};
    supervisor_line_start(json, supervisor->line, sizeof supervisor->line - 1, &line, event);
}

static void line_send(struct supervisor *supervisor, struct sl_json *json, bool fresh)
{
    supervisor_line_send(json, (void *)supervisor->config->uart.base, fresh);
}

static void stop_all(const struct supervisor *supervisor)
{
    for (microkit_child i = 0; i < supervisor->config->child_count; i++)
        microkit_pd_stop(i);
}

static void restart_all(struct supervisor *supervisor)
{
    const struct domain_supervisor_config *config = supervisor->config;
    for (unsigned i = 0; i < config->region_count; i++)
        memset((void *)config->region[i].base, 0, config->region[i].size);
    supervisor->stopped = false;
    supervisor->status->restarts++;
    supervisor->started = domain_now();
    sl_store_relaxed(&supervisor->status->alive, supervisor->started);

    struct sl_json json;
    line_start(supervisor, &json, "restarted");
    sl_json_number(&json, "restart_us", (supervisor->started - supervisor->faulted) / 1000);
    sl_json_number(&json, "back_off_ms", supervisor->back_off / NS_PER_MS);
    line_send(supervisor, &json, false);
    for (unsigned i = 0; i < config->child_count; i++)
        seL4_TCB_WriteRegisters(BASE_TCB_CAP + i, seL4_True, 0, REGISTERS, &supervisor->entry[i]);
}

static void plan_restart(struct supervisor *supervisor)
{
    uint64_t lived = supervisor->faulted - supervisor->started;
    if (lived >= LIVED_NS)
        supervisor->back_off = 0;
    else if (supervisor->back_off == 0)
        supervisor->back_off = BACK_OFF_MIN_NS;
    else if (supervisor->back_off < BACK_OFF_MAX_NS / 2)
        supervisor->back_off *= 2;
    else
        supervisor->back_off = BACK_OFF_MAX_NS;
    supervisor->restart_at = supervisor->faulted + supervisor->back_off;
}

seL4_Bool fault(microkit_child child, microkit_msginfo message, microkit_msginfo *reply)
{
    struct supervisor *supervisor = &the_supervisor;
    const struct domain_supervisor_config *config = supervisor->config;
    struct sl_json json;
    (void)reply;
    supervisor->faulted = domain_now();
    line_start(supervisor, &json, "component-died");
    sl_json_string(&json, "died", child < config->child_count ? config->child[child] : "unknown");
    supervisor_line_cause(&json, message);
    stop_all(supervisor);
    line_send(supervisor, &json, true);
    supervisor->stopped = true;
    if (config->closed) {
        line_start(supervisor, &json, "closed");
        line_send(supervisor, &json, false);
        return seL4_False;
    }
    plan_restart(supervisor);
    while (domain_now() < supervisor->restart_at)
        ; /* every other domain is stopped, the clock too: nothing else could run */
    restart_all(supervisor);
    return seL4_False;
}

/* The boot's identifier, once the entropy domain has given our seed. */
static void name_boot(struct supervisor *supervisor)
{
    const struct domain_seed *seed = (const void *)supervisor->config->seed.base;
    if (supervisor->named || !sl_load_acquire(&seed->ready))
        return;
    struct random random;
    random_seed(&random, seed->key);
    random_bytes(&random, supervisor->status->boot, sizeof supervisor->status->boot);
    supervisor->status->boot[0] |= 1; /* all zero means not known yet */
    supervisor->named = true;
    struct sl_json json;
    line_start(supervisor, &json, "started");
    sl_json_string(&json, "randomness", seed->from_device ? "device" : "build");
    line_send(supervisor, &json, true);
}

/* Unix time in nanoseconds minus domain_now(), from a PL031 (Arm DDI 0224: RTCDR, whole
 * seconds); 0 without one. */
static uint64_t wall_offset(const struct domain_region *rtc)
{
    volatile const uint32_t *pl031 = (volatile const uint32_t *)rtc->base;
    if (!pl031)
        return 0;
    uint64_t wall = pl031[0] * UINT64_C(1000000000);
    uint64_t now = domain_now();
    return wall > now ? wall - now : 0;
}

void init(void)
{
    struct supervisor *supervisor = &the_supervisor;
    supervisor->config = (const void *)sluice_config;
    supervisor->status = (void *)supervisor->config->status.base;
    supervisor->status->wall_offset = wall_offset(&supervisor->config->rtc);
    supervisor->started = domain_now();
    sl_store_relaxed(&supervisor->status->alive, supervisor->started);
    for (unsigned i = 0; i < supervisor->config->child_count; i++)
        seL4_TCB_ReadRegisters(BASE_TCB_CAP + i, seL4_False, 0, REGISTERS, &supervisor->entry[i]);
}

static void tell_measured(struct supervisor *supervisor)
{
    const struct domain_supervisor_config *config = supervisor->config;
    for (unsigned i = 0; i < config->child_count; i++) {
        struct sl_json json;
        if (!config->wakes[i].base)
            continue;
        line_start(supervisor, &json, "wakes");
        wakes_report(config->child[i], (const void *)config->wakes[i].base, &json);
        line_send(supervisor, &json, true);
    }
    struct sl_json json;
    line_start(supervisor, &json, "bench");
    bench_report(config, &json);
    line_send(supervisor, &json, true);
    supervisor->report_at = 0;
}

void notified(microkit_channel channel)
{
    struct supervisor *supervisor = &the_supervisor;
    const struct domain_bench *bench = (const void *)supervisor->config->bench.base;
    if (channel != DOMAIN_CHANNEL_TRANSMIT) {
        sl_store_relaxed(&supervisor->status->alive, domain_now());
        name_boot(supervisor);
        if (supervisor->report_at && supervisor->report_at <= domain_now())
            tell_measured(supervisor);
    } else if (sl_load_acquire(&bench->phase) == BENCH_DONE) {
        bench_end();
        supervisor->report_at = domain_now() + BENCH_REST_NS;
    } else {
        bench_begin(supervisor->config);
    }
}
