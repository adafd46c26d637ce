/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor: parent of every other domain. A fault in one of them, or that one has taken no
 * turn for three seconds, stops its part of the gateway (domain_config.h), is written to the serial
 * port with its cause, and the part starts anew: its shared memory zeroed, every domain at its
 * entry with the registers it had at boot (start.S renews its data). One that dies again soon waits
 * first, doubling each time; it never gives up.
 */
#include <microkit.h>
#include <string.h>

#include "hosts/microkit/bench.h"
#include "hosts/microkit/domain.h"
#include "hosts/microkit/fault.h"
#include "hosts/microkit/hung.h"
#include "hosts/microkit/random.h"
#include "hosts/microkit/supervisor_line.h"
#include "hosts/microkit/wakes.h"
#include "sluice/barrier.h"
#include "sluice/json.h"

#define NS_PER_MS UINT64_C(1000000)
/* As the Linux host's: what lived this long starts anew at once. */
#define LIVED_NS         (UINT64_C(1000) * NS_PER_MS)
#define MONITOR_LIVED_NS (UINT64_C(60000) * NS_PER_MS)
#define BACK_OFF_MIN_NS  (UINT64_C(10) * NS_PER_MS)
#define BACK_OFF_MAX_NS  (UINT64_C(5000) * NS_PER_MS)

/* After the last request: the monitor, which waits for all others, writes its lines. */
#define BENCH_REST_NS (UINT64_C(300) * NS_PER_MS)

#define LINE_SIZE 2048u

struct part {
    bool down;
    uint64_t started; /* domain_now() at the last start */
    uint64_t died;
    uint64_t back_off, restart_at;
    uint32_t restarts; /* since all started */
};

struct supervisor {
    const struct domain_supervisor_config *config;
    struct domain_status *status;
    seL4_UserContext entry[DOMAIN_MAX_CHILDREN]; /* registers at boot */
    struct part part[DOMAIN_PARTS];
    struct part all;
    uint64_t looked;
    struct hung hung[DOMAIN_MAX_CHILDREN];
    uint64_t report_at; /* when to write what was measured; 0: not at all */
    uint64_t sequence;
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

/* Nothing where it is all of the pipeline. */
static void add_part(struct sl_json *json, enum domain_part part)
{
    static const char *const names[DOMAIN_PARTS] = {"external", "internal", "monitor"};
    if (part < DOMAIN_PARTS)
        sl_json_string(json, "part", names[part]);
}

/* A monitor that goes on writes the line again that this one cuts (console.c). */
static void line_send(struct supervisor *supervisor, struct sl_json *json, bool fresh)
{
    struct domain_status *status = supervisor->status;
    sl_store_release(&status->lines, sl_load_relaxed(&status->lines) + 1);
    supervisor_line_send(json, (void *)supervisor->config->uart.base, fresh);
}

static struct part *part_of(struct supervisor *supervisor, enum domain_part number)
{
    return number < DOMAIN_PARTS ? &supervisor->part[number] : &supervisor->all;
}

/* A part, or with DOMAIN_PART_ALL everything. */
static bool belongs(uint8_t part, enum domain_part wanted)
{
    return wanted == DOMAIN_PART_ALL || part == wanted;
}

/* But for the clock, by whose ticks a restart is waited for. */
static void stop(const struct supervisor *supervisor, enum domain_part part)
{
    for (microkit_child i = 0; i < supervisor->config->child_count; i++)
        if (belongs(supervisor->config->part[i], part) && i != supervisor->config->clock)
            microkit_pd_stop(i);
}

static void zero(const struct supervisor *supervisor, enum domain_part part)
{
    const struct domain_supervisor_config *config = supervisor->config;
    for (unsigned i = 0; i < config->region_count; i++)
        if (belongs(config->region_part[i], part))
            memset((void *)config->region[i].base, 0, config->region[i].size);
}

/* At its entry, told how often its part alone has started anew (start.S). */
static void start_child(struct supervisor *supervisor, unsigned child, uint32_t restarts)
{
    seL4_UserContext registers = supervisor->entry[child];
    registers.x0 = restarts;
    registers.x1 = DOMAIN_MAGIC;
    supervisor->hung[child] = (struct hung){0};
    microkit_pd_stop((microkit_child)child); /* the clock was not */
    seL4_TCB_WriteRegisters(BASE_TCB_CAP + child, seL4_True, 0, REGISTERS, &registers);
}

static void begin_all(struct supervisor *supervisor, uint64_t now)
{
    supervisor->all.started = now;
    for (unsigned i = 0; i < DOMAIN_PARTS; i++)
        supervisor->part[i] = (struct part){.started = now};
    sl_store_relaxed(&supervisor->status->alive, now);
}

static void restart(struct supervisor *supervisor, enum domain_part number)
{
    const struct domain_supervisor_config *config = supervisor->config;
    struct part *part = part_of(supervisor, number);
    zero(supervisor, number);
    supervisor->status->restarts++;
    part->down = false;
    part->restarts++;
    part->started = domain_now();
    if (number == DOMAIN_PART_ALL)
        begin_all(supervisor, part->started);

    struct sl_json json;
    line_start(supervisor, &json, "restarted");
    add_part(&json, number);
    sl_json_number(&json, "restart_us", (part->started - part->died) / 1000);
    sl_json_number(&json, "back_off_ms", part->back_off / NS_PER_MS);
    line_send(supervisor, &json, number != DOMAIN_PART_ALL);
    for (unsigned i = 0; i < config->child_count; i++)
        if (belongs(config->part[i], number))
            start_child(supervisor, i, number == DOMAIN_PART_ALL ? 0 : part->restarts);
}

static void plan_restart(struct part *part, uint64_t enough)
{
    if (part->died - part->started >= enough)
        part->back_off = 0;
    else if (part->back_off == 0)
        part->back_off = BACK_OFF_MIN_NS;
    else if (part->back_off < BACK_OFF_MAX_NS / 2)
        part->back_off *= 2;
    else
        part->back_off = BACK_OFF_MAX_NS;
    part->restart_at = part->died + part->back_off;
}

/* The part of a child that died, by the line that says how. */
static void end(struct supervisor *supervisor, enum domain_part number, struct sl_json *json)
{
    const struct domain_supervisor_config *config = supervisor->config;
    struct part *part = part_of(supervisor, number);
    stop(supervisor, number);
    line_send(supervisor, json, true);
    part->down = true;
    if (config->closed & 1u << number) {
        line_start(supervisor, json, "closed");
        add_part(json, number);
        line_send(supervisor, json, false);
        part->restart_at = UINT64_MAX;
        return;
    }
    plan_restart(part, number == DOMAIN_PART_MONITOR ? MONITOR_LIVED_NS : LIVED_NS);
    if (part->back_off == 0)
        restart(supervisor, number);
}

static void start_death(struct supervisor *supervisor, struct sl_json *json, unsigned child)
{
    const struct domain_supervisor_config *config = supervisor->config;
    part_of(supervisor, config->part[child])->died = domain_now();
    line_start(supervisor, json, "component-died");
    sl_json_string(json, "died", config->child[child]);
    add_part(json, config->part[child]);
}

/* A component that decides has heard no tick for long, and neither have we. */
static bool clock_hangs(const struct supervisor *supervisor, microkit_msginfo message)
{
    return seL4_MessageInfo_get_label(message) == seL4_Fault_UnknownSyscall &&
           seL4_GetMR(seL4_UnknownSyscall_Syscall) == FAULT_NO_TICKS &&
           domain_now() >=
               sl_load_relaxed(&supervisor->status->alive) + DOMAIN_SUPERVISOR_SILENT_NS;
}

seL4_Bool fault(microkit_child child, microkit_msginfo message, microkit_msginfo *reply)
{
    struct supervisor *supervisor = &the_supervisor;
    struct sl_json json;
    (void)reply;
    if (child >= supervisor->config->child_count)
        return seL4_False;
    const bool hangs = clock_hangs(supervisor, message);
    if (hangs)
        child = supervisor->config->clock;
    start_death(supervisor, &json, child);
    if (hangs)
        sl_json_string(&json, "cause", "hung");
    else
        supervisor_line_cause(&json, message);
    end(supervisor, supervisor->config->part[child], &json);
    if (child == supervisor->config->clock &&
        !(supervisor->config->closed & 1u << DOMAIN_PART_ALL) && supervisor->all.down) {
        while (domain_now() < supervisor->all.restart_at)
            ; /* every other domain is stopped: nothing else could run */
        restart(supervisor, DOMAIN_PART_ALL);
    }
    return seL4_False;
}

/* The entropy domain works at a start only, and is done when keys are there. */
static uint64_t turns_of(const struct supervisor *supervisor, unsigned child)
{
    const struct domain_supervisor_config *config = supervisor->config;
    const struct domain_seed *seed = (const void *)config->seed.base;
    const struct domain_life *life = (const void *)config->life[child].base;
    if (child == config->entropy)
        return sl_load_acquire(&seed->ready) ? supervisor->hung[child].turns + 1 : 0;
    return life ? sl_load_relaxed(&life->turns) : supervisor->hung[child].turns + 1;
}

/* The first that is hung; child_count: none. */
static unsigned find_hung(struct supervisor *supervisor)
{
    const struct domain_supervisor_config *config = supervisor->config;
    for (unsigned i = 0; i < config->child_count; i++) {
        struct hung *hung = &supervisor->hung[i];
        const bool hangs = hung_look(hung, turns_of(supervisor, i));
        if (part_of(supervisor, config->part[i])->down)
            hung->missed = 0;
        else if (hangs)
            return i;
    }
    return config->child_count;
}

static void look(struct supervisor *supervisor)
{
    const struct domain_supervisor_config *config = supervisor->config;
    const uint64_t now = domain_now();
    if (now - supervisor->looked < HUNG_LOOK_NS)
        return;
    supervisor->looked = now;
    if (supervisor->all.down) {
        if (supervisor->all.restart_at <= now)
            restart(supervisor, DOMAIN_PART_ALL);
        return;
    }
    const unsigned hung = find_hung(supervisor);
    if (hung < config->child_count) {
        struct sl_json json;
        start_death(supervisor, &json, hung);
        sl_json_string(&json, "cause", "hung");
        end(supervisor, config->part[hung], &json);
    }
    for (unsigned i = 0; i < DOMAIN_PARTS && !supervisor->all.down; i++)
        if (supervisor->part[i].down && supervisor->part[i].restart_at <= domain_now())
            restart(supervisor, i);
}

/* The boot's identifier, once the entropy domain has given our seed. */
static void name_boot(struct supervisor *supervisor)
{
    const struct domain_seed *seed = (const void *)supervisor->config->seed.base;
    if (sl_load_relaxed(&supervisor->status->named) || !sl_load_acquire(&seed->ready))
        return;
    struct random random;
    random_seed(&random, seed->key);
    random_bytes(&random, supervisor->status->boot, sizeof supervisor->status->boot);
    supervisor->status->boot[0] |= 1; /* all zero means not known yet */
    sl_store_release(&supervisor->status->named, 1);
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

/* A child's registers at boot. Where it ran before we came to it (a machine that stood still for
 * all of our budget) they are those of its entry again: all domains begin at one place, with a
 * stack that ends where ours does. What else start.S finds in registers it does not use. */
static void read_entry(struct supervisor *supervisor, unsigned child)
{
    seL4_UserContext *entry = &supervisor->entry[child];
    seL4_TCB_ReadRegisters(BASE_TCB_CAP + child, seL4_False, 0, REGISTERS, entry);
    if (entry->pc == (seL4_Word)_start)
        return;
    entry->pc = (seL4_Word)_start;
    entry->sp = domain_stack;
}

void init(void)
{
    struct supervisor *supervisor = &the_supervisor;
    supervisor->config = (const void *)sluice_config;
    supervisor->status = (void *)supervisor->config->status.base;
    supervisor->status->wall_offset = wall_offset(&supervisor->config->rtc);
    begin_all(supervisor, domain_now());
    for (unsigned i = 0; i < supervisor->config->child_count; i++)
        read_entry(supervisor, i);
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
        look(supervisor);
        if (supervisor->report_at && supervisor->report_at <= domain_now())
            tell_measured(supervisor);
    } else if (sl_load_acquire(&bench->phase) == BENCH_DONE) {
        bench_end();
        supervisor->report_at = domain_now() + BENCH_REST_NS;
    } else {
        bench_begin(supervisor->config);
    }
}
