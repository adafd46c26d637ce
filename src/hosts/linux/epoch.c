/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/linux/epoch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "drivers/af_packet/af_packet.h"
#include "hosts/linux/process.h"
#include "policy/board.h"
#include "ring/oneway_ring.h"
#include "sluice/counters.h"

/* For the monitor's last look; it takes well under one when it runs at all. */
#define LAST_LOOK_MS 100

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* What the monitor's lines say of this epoch. */
static void stamp_monitors(struct launch *launch, uint32_t number)
{
    struct timespec wall, monotonic;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    int64_t offset = (int64_t)(wall.tv_sec - monotonic.tv_sec) * INT64_C(1000000000) +
                     (wall.tv_nsec - monotonic.tv_nsec);
    for (unsigned i = 0; i < launch->topology->component_count; i++) {
        struct launch_component *component = &launch->component[i];
        if (launch->topology->component[i].program != PROGRAM_MONITOR ||
            component->config_size != sizeof(struct sl_monitor_config))
            continue;
        struct sl_monitor_config *config = (void *)component->config;
        config->epoch = number;
        config->wall_offset = (uint64_t)offset;
        memcpy(config->boot, launch->boot, sizeof config->boot);
    }
}

static const uint8_t *wanted_mac(const struct launch_component *component)
{
    static const uint8_t none[6];
    if (component->config_size != sizeof(struct sl_nic_config))
        return NULL;
    const struct sl_nic_config *config = (const void *)component->config;
    return memcmp(config->mac, none, sizeof none) ? config->mac : NULL;
}

static void close_sockets(int socket[TOPOLOGY_MAX_COMPONENTS])
{
    for (unsigned i = 0; i < TOPOLOGY_MAX_COMPONENTS; i++) {
        if (socket[i] >= 0)
            close(socket[i]);
        socket[i] = -1;
    }
}

void epoch_init(struct epoch *epoch)
{
    memset(epoch, 0, sizeof *epoch);
    for (unsigned i = 0; i < TOPOLOGY_MAX_COMPONENTS; i++)
        epoch->socket[i] = epoch->old_socket[i] = epoch->spare_socket[i] = -1;
}

static bool open_socket(struct epoch *epoch, const struct launch_component *component,
                        unsigned number, char *error, size_t error_size)
{
    int *fd = &epoch->socket[number];
    *fd = epoch->spare_socket[number];
    epoch->spare_socket[number] = -1;
    if (*fd < 0)
        *fd = af_packet_prepare(error, error_size);
    return *fd >= 0 &&
           af_packet_bind(*fd, component->interface, wanted_mac(component), error, error_size);
}

static bool open_sockets(struct epoch *epoch, const struct launch *launch, enum launch_part part,
                         char *error, size_t error_size)
{
    for (unsigned i = 0; i < launch->topology->component_count; i++) {
        const struct launch_component *component = &launch->component[i];
        if (launch_part_of(launch, component->process) != part)
            continue;
        if (epoch->old_socket[i] >= 0) /* of a start that never came up */
            close(epoch->old_socket[i]);
        epoch->old_socket[i] = epoch->socket[i];
        epoch->socket[i] = -1;
        if (component->interface[0] && !open_socket(epoch, component, i, error, error_size))
            return false;
    }
    return true;
}

void epoch_tidy(struct epoch *epoch, const struct launch *launch)
{
    char error[256]; /* whoever needs the socket will try again, and say so */
    close_sockets(epoch->old_socket);
    for (unsigned i = 0; i < launch->topology->component_count; i++)
        if (launch->component[i].interface[0] && epoch->spare_socket[i] < 0)
            epoch->spare_socket[i] = af_packet_prepare(error, sizeof error);
}

static bool process_has_policy(const struct launch *launch, unsigned number)
{
    bool has = false;
    for (unsigned i = 0; i < launch->topology->component_count; i++)
        has |= launch->component[i].process == number && launch->topology->component[i].has_policy;
    return has && launch->policy;
}

static bool start_process(struct epoch *epoch, struct launch *launch, unsigned number)
{
    struct epoch_process *process = &epoch->process[number];
    int pipe_ends[2];
    if (pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    const struct process_bells from_launcher = {
        .closing = epoch->closing,
        .policy = process_has_policy(launch, number) ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1,
    };
    pid_t launcher = getpid();
    pid_t pid = fork();
    if (pid == 0)
        process_run(launch, number, epoch->number, &epoch->memory, &epoch->bells, epoch->socket,
                    pipe_ends[1], from_launcher, launcher);
    int saved = errno;
    close(pipe_ends[1]);
    *process = (struct epoch_process){.report = pipe_ends[0],
                                      .pidfd = -1,
                                      .policy_bell = from_launcher.policy,
                                      .adopted = launch->policy_generation,
                                      .retired = launch->policy_generation,
                                      .alive = now_ns()};
    if (epoch->count < number + 1)
        epoch->count = number + 1;
    if (pid > 0) {
        process->pid = pid;
        process->pidfd = pidfd_open(pid, 0);
        saved = errno;
    }
    errno = saved;
    return pid > 0 && process->pidfd >= 0;
}

static bool start_processes(struct epoch *epoch, struct launch *launch, enum launch_part part)
{
    bool started = bells_create(&epoch->bells, launch, part);
    for (unsigned i = 0; started && i < launch->process_count; i++)
        if (launch_part_of(launch, i) == part)
            started = start_process(epoch, launch, i);
    int saved = errno;
    bells_close(&epoch->bells);
    errno = saved;
    return started;
}

bool epoch_start(struct epoch *epoch, struct launch *launch, uint32_t number, char *error,
                 size_t error_size)
{
    epoch->count = 0;
    epoch->number = number;
    for (unsigned i = 0; i < launch->topology->component_count; i++)
        if (launch->topology->component[i].program == PROGRAM_MONITOR)
            epoch->monitor = launch->component[i].process;
    stamp_monitors(launch, number);
    for (unsigned part = 0; part < LAUNCH_PARTS; part++)
        if (!open_sockets(epoch, launch, part, error, error_size))
            return false;
    memory_release(&epoch->memory);
    if (!memory_create(&epoch->memory, launch, error, error_size))
        return false;
    epoch->closing = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool started = epoch->closing >= 0;
    for (unsigned part = 0; started && part < LAUNCH_PARTS; part++)
        started = start_processes(epoch, launch, part);
    if (!started)
        snprintf(error, error_size, "cannot start the gateway's processes: %s", strerror(errno));
    epoch->policy = epoch->memory.policy_writer;
    epoch->policy_moves = false;
    epoch->memory.policy_writer = (struct memory_block){0};
    epoch->counters = epoch->memory.counters_reader;
    epoch->memory.counters_reader = (struct memory_block){0};
    if (!started) {
        epoch_kill(epoch, launch);
        memory_release(&epoch->memory);
    }
    return started;
}

nfds_t epoch_poll_set(const struct epoch *epoch, struct pollfd *set)
{
    nfds_t count = 0;
    for (unsigned i = 0; i < epoch->count; i++) {
        set[count++] = (struct pollfd){.fd = epoch->process[i].pidfd, .events = POLLIN};
        /* After its fault a process ends, and the other descriptor says so. */
        if (!epoch->process[i].ready || epoch->policy_moves)
            set[count++] = (struct pollfd){.fd = epoch->process[i].report, .events = POLLIN};
    }
    return count;
}

static void take_reports(struct epoch_process *process, uint64_t now)
{
    struct report report;
    /* A process that sends more gains nothing. */
    for (unsigned i = 0; i < 4 && report_take(process->report, &report); i++) {
        if (report.kind == REPORT_READY)
            process->ready = true;
        if (report.kind == REPORT_READY || report.kind == REPORT_ALIVE)
            process->alive = now;
        if (report.kind == REPORT_ADOPTED)
            process->adopted = (uint32_t)report.found;
        if (report.kind == REPORT_RETIRED)
            process->retired = (uint32_t)report.found;
        if (report.kind == REPORT_FAULT && !process->faulted) {
            process->faulted = true;
            process->fault = report;
        }
    }
}

static bool ended(struct epoch_process *process, siginfo_t *info)
{
    info->si_pid = 0;
    return waitid(P_PIDFD, (id_t)process->pidfd, info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info->si_pid != 0;
}

bool epoch_find_death(struct epoch *epoch, struct death *death)
{
    bool found = false;
    const uint64_t now = now_ns();
    for (unsigned i = 0; i < epoch->count; i++) {
        struct epoch_process *process = &epoch->process[i];
        siginfo_t info;
        if (process->pid <= 0)
            continue;
        bool dead = ended(process, &info);
        take_reports(process, now);
        if (!dead || (found && (death->faulted || !process->faulted)))
            continue;
        found = true;
        *death = (struct death){.process = i, .pid = process->pid};
        if (info.si_code == CLD_EXITED)
            death->status = info.si_status;
        else
            death->signal = info.si_status;
        death->faulted =
            process->faulted && info.si_code == CLD_EXITED && info.si_status == FAULT_STATUS;
        death->fault = process->fault;
    }
    return found;
}

bool epoch_ready(const struct epoch *epoch)
{
    for (unsigned i = 0; i < epoch->count; i++)
        if (!epoch->process[i].ready)
            return false;
    return true;
}

bool epoch_find_hung(const struct epoch *epoch, uint64_t now, uint64_t limit, struct death *death)
{
    uint64_t longest = 0;
    for (unsigned i = 0; i < epoch->count; i++) {
        const struct epoch_process *process = &epoch->process[i];
        const uint64_t silent = now > process->alive ? now - process->alive : 0;
        if (!process->ready || silent < limit || silent <= longest)
            continue;
        longest = silent;
        *death = (struct death){.process = i, .pid = process->pid, .hung = true};
    }
    return longest > 0;
}

void epoch_forgive(struct epoch *epoch, uint64_t now)
{
    for (unsigned i = 0; i < epoch->count; i++)
        epoch->process[i].alive = now;
}

void epoch_blame_late(const struct epoch *epoch, struct death *death)
{
    for (unsigned i = 0; i < epoch->count; i++)
        if (!epoch->process[i].ready) {
            *death = (struct death){.process = i, .pid = epoch->process[i].pid, .late = true};
            return;
        }
}

static void ring_policy(struct epoch *epoch, bool monitor_alone)
{
    static const uint64_t one = 1;
    for (unsigned i = 0; i < epoch->count; i++)
        if (epoch->process[i].policy_bell >= 0 && (!monitor_alone || i == epoch->monitor)) {
            ssize_t written = write(epoch->process[i].policy_bell, &one, sizeof one);
            (void)written; /* refused only when it was rung already */
        }
    epoch->policy_moves = true;
}

void epoch_publish(struct epoch *epoch, const struct launch *launch)
{
    memory_publish(&epoch->policy, launch->policy, launch->policy_size, launch->policy_generation);
    ring_policy(epoch, true);
}

bool epoch_can_name(const struct epoch *epoch, uint32_t generation)
{
    return epoch->monitor >= epoch->count || epoch->process[epoch->monitor].policy_bell < 0 ||
           epoch->process[epoch->monitor].adopted == generation;
}

void epoch_take(struct epoch *epoch)
{
    ring_policy(epoch, false);
}

void epoch_retire(struct epoch *epoch)
{
    struct policy_board *board = epoch->policy.base;
    sl_store_release(&board->retired, sl_load_relaxed(&board->generation));
    ring_policy(epoch, false);
}

void epoch_policy_settled(struct epoch *epoch)
{
    epoch->policy_moves = false;
}

bool epoch_adopted(const struct epoch *epoch, uint32_t generation)
{
    for (unsigned i = 0; i < epoch->count; i++)
        if (epoch->process[i].policy_bell >= 0 && epoch->process[i].adopted != generation)
            return false;
    return true;
}

bool epoch_retired(const struct epoch *epoch, uint32_t generation)
{
    for (unsigned i = 0; i < epoch->count; i++)
        if (epoch->process[i].policy_bell >= 0 && epoch->process[i].retired != generation)
            return false;
    return true;
}

void epoch_blame_policy(const struct epoch *epoch, uint32_t generation, struct death *death)
{
    const bool adopting = !epoch_adopted(epoch, generation);
    const bool naming = !epoch_can_name(epoch, generation); /* nobody else was asked yet */
    for (unsigned i = 0; i < epoch->count; i++) {
        const struct epoch_process *process = &epoch->process[i];
        if (process->policy_bell < 0 || (naming && i != epoch->monitor) ||
            (adopting ? process->adopted : process->retired) == generation)
            continue;
        *death = (struct death){.process = i, .pid = process->pid, .kept_policy = true};
        return;
    }
}

static void kill_process(const struct epoch_process *process)
{
    if (process->pid > 0)
        kill(process->pid, SIGKILL); /* not reaped yet: the number is still its own */
}

static void reap(struct epoch_process *process)
{
    if (process->pid > 0)
        waitpid(process->pid, NULL, 0);
    if (process->pidfd >= 0)
        close(process->pidfd);
    close(process->report);
    if (process->policy_bell >= 0)
        close(process->policy_bell);
    *process = (struct epoch_process){.pidfd = -1, .report = -1, .policy_bell = -1};
}

static void let_monitor_finish(struct epoch *epoch)
{
    static const uint64_t one = 1;
    const struct epoch_process *monitor = &epoch->process[epoch->monitor];
    if (epoch->monitor >= epoch->count || !monitor->ready || monitor->pidfd < 0 ||
        write(epoch->closing, &one, sizeof one) != sizeof one)
        return;
    poll(&(struct pollfd){.fd = monitor->pidfd, .events = POLLIN}, 1, LAST_LOOK_MS);
}

static void reap_part(struct epoch *epoch, const struct launch *launch, enum launch_part part)
{
    for (unsigned i = 0; i < epoch->count; i++)
        if (launch_part_of(launch, i) == part && epoch->process[i].pid > 0)
            reap(&epoch->process[i]);
}

void epoch_stop_part(struct epoch *epoch, const struct launch *launch, enum launch_part part)
{
    for (unsigned i = 0; i < epoch->count; i++)
        if (launch_part_of(launch, i) == part)
            kill_process(&epoch->process[i]);
    reap_part(epoch, launch, part);
}

/* For components that tell one start of their part from another. */
static void stamp_restarts(struct launch *launch, enum launch_part part, uint32_t restarts)
{
    for (unsigned i = 0; i < launch->topology->component_count; i++) {
        struct launch_component *component = &launch->component[i];
        if (launch_part_of(launch, component->process) == part)
            component->restarts = restarts;
    }
}

bool epoch_start_part(struct epoch *epoch, struct launch *launch, enum launch_part part,
                      uint32_t number, uint32_t restarts, char *error, size_t error_size)
{
    epoch->number = number;
    if (part == LAUNCH_MONITOR)
        stamp_monitors(launch, number);
    stamp_restarts(launch, part, restarts);
    if (!open_sockets(epoch, launch, part, error, error_size) ||
        !memory_renew(&epoch->memory, launch, part, error, error_size))
        return false;
    /* Children give up what is in `memory`; these two are the launcher's alone. */
    epoch->memory.policy_writer = epoch->policy;
    epoch->memory.counters_reader = epoch->counters;
    const bool started = start_processes(epoch, launch, part);
    if (!started)
        snprintf(error, error_size, "cannot start processes: %s", strerror(errno));
    epoch->memory.policy_writer = (struct memory_block){0};
    epoch->memory.counters_reader = (struct memory_block){0};
    if (!started)
        epoch_stop_part(epoch, launch, part);
    return started;
}

bool epoch_part_ready(const struct epoch *epoch, const struct launch *launch, enum launch_part part)
{
    for (unsigned i = 0; i < epoch->count; i++)
        if (launch_part_of(launch, i) == part && !epoch->process[i].ready)
            return false;
    return true;
}

/* By the monitor's own word of how far it had got, which may be anything. */
static struct epoch_unaudited find_unaudited(const struct epoch *epoch, const struct launch *launch)
{
    struct epoch_unaudited left = {0};
    const struct topology *topology = launch->topology;
    const struct sl_counters *counters = epoch->counters.base;
    for (unsigned i = 0; counters && i < topology->map_count; i++) {
        const struct topology_map *map = &topology->map[i];
        const struct launch_component *holder = &launch->component[map->component];
        const struct oneway_ring *ring = epoch->memory.view[holder->process][map->region].base;
        if (topology->component[map->component].program != PROGRAM_MONITOR || !ring ||
            map->port >= SL_MAX_COMPONENTS)
            continue;
        const uint64_t tail = sl_load_acquire(&ring->tail);
        const uint64_t taken = sl_load_relaxed(&counters->place.taken[map->port]);
        left.records += taken < tail ? tail - taken : 0;
    }
    left.untold = counters ? sl_load_relaxed(&counters->place.untold) : 0;
    return left;
}

void epoch_kill(struct epoch *epoch, const struct launch *launch)
{
    for (unsigned i = 0; i < epoch->count; i++)
        if (i != epoch->monitor)
            kill_process(&epoch->process[i]);
    for (unsigned i = 0; i < epoch->count; i++)
        if (i != epoch->monitor && epoch->process[i].report >= 0)
            reap(&epoch->process[i]);
    let_monitor_finish(epoch);
    if (epoch->monitor < epoch->count) {
        kill_process(&epoch->process[epoch->monitor]);
        if (epoch->process[epoch->monitor].report >= 0)
            reap(&epoch->process[epoch->monitor]);
    }
    epoch->unaudited = find_unaudited(epoch, launch);
    memory_unmap(&epoch->policy);
    memory_unmap(&epoch->counters);
    if (epoch->closing >= 0)
        close(epoch->closing);
    epoch->closing = -1;
    epoch->count = 0;
}
