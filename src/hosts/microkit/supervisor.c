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
#include "hosts/microkit/fault.h"
#include "hosts/microkit/random.h"
#include "hosts/microkit/uart.h"
#include "hosts/microkit/wakes.h"
#include "sluice/barrier.h"
#include "sluice/json.h"
#include "util/timestamp.h"

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
    uint64_t now = domain_now();
    uint64_t offset = supervisor->status->wall_offset;
    sl_json_start(json, supervisor->line, sizeof supervisor->line - 1);
    sl_json_open_object(json, NULL);
    if (offset) {
        char text[TIMESTAMP_SIZE];
        timestamp_format(offset + now, text);
        sl_json_string(json, "timestamp", text);
    } else {
        sl_json_number(json, "uptime_us", now / 1000);
    }
    sl_json_string(json, "event_type", "gateway");
    sl_json_number(json, "supervisor_seq", supervisor->sequence++);
    sl_json_hex(json, "boot", supervisor->status->boot, sizeof supervisor->status->boot);
    sl_json_number(json, "epoch", supervisor->status->restarts);
    sl_json_hex(json, "policy", supervisor->config->policy_hash,
                sizeof supervisor->config->policy_hash);
    sl_json_string(json, "component", "supervisor");
    sl_json_string(json, "event", event);
}

/* The monitor may have been stopped inside a line: ours starts a new one. */
static void line_send(struct supervisor *supervisor, struct sl_json *json, bool fresh)
{
    void *uart = (void *)supervisor->config->uart.base;
    sl_json_close_object(json);
    if (fresh)
        uart_write(uart, "\n", 1);
    uart_write(uart, json->text, json->length);
    uart_write(uart, "\n", 1);
}

/* The child's word: printable or replaced. */
static void add_fault_text(struct sl_json *json)
{
    char text[FAULT_TEXT_WORDS * 8 + 1];
    for (unsigned i = 0; i < sizeof text - 1; i++) {
        seL4_Word word = microkit_mr_get((seL4_Uint8)(seL4_UnknownSyscall_X2 + i / 8));
        char c = (char)(word >> i % 8 * 8);
        text[i] = c == 0 || (c >= 0x20 && c < 0x7f) ? c : '?';
    }
    text[sizeof text - 1] = '\0';
    sl_json_string(json, "cause", "fault");
    sl_json_string(json, "fault", text);
    sl_json_number(json, "found", microkit_mr_get(seL4_UnknownSyscall_X0));
    sl_json_number(json, "expected", microkit_mr_get(seL4_UnknownSyscall_X1));
}

static void add_hex(struct sl_json *json, const char *key, uint64_t value)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (56 - 8 * i));
    sl_json_hex(json, key, bytes, sizeof bytes);
}

static void add_cause(struct sl_json *json, microkit_msginfo message)
{
    switch (microkit_msginfo_get_label(message)) {
    case seL4_Fault_VMFault:
        sl_json_string(json, "cause", "memory-fault");
        add_hex(json, "address", microkit_mr_get(seL4_VMFault_Addr));
        add_hex(json, "instruction", microkit_mr_get(seL4_VMFault_IP));
        break;
    case seL4_Fault_UnknownSyscall:
        if (microkit_mr_get(seL4_UnknownSyscall_Syscall) == FAULT_SYSTEM_CALL) {
            add_fault_text(json);
            break;
        }
        sl_json_string(json, "cause", "forbidden-system-call");
        add_hex(json, "instruction", microkit_mr_get(seL4_UnknownSyscall_FaultIP));
        break;
    case seL4_Fault_UserException:
        sl_json_string(json, "cause", "exception");
        add_hex(json, "instruction", microkit_mr_get(seL4_UserException_FaultIP));
        break;
    case seL4_Fault_CapFault:
        sl_json_string(json, "cause", "forbidden-capability");
        break;
    default:
        sl_json_string(json, "cause", "unknown");
        sl_json_number(json, "label", microkit_msginfo_get_label(message));
    }
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
    add_cause(&json, message); /* before any system call takes the message registers */
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
