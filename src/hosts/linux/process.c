/* SPDX-License-Identifier: BSD-2-Clause */
/* From a fresh child of the launcher to a running process of the gateway. */
#include "hosts/linux/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "hosts/linux/report.h"
#include "hosts/linux/sandbox.h"
#include "sluice/counters.h"

/* Descriptors are gathered from here on before they move to their places. */
#define FD_GATHER 256

static struct process process; /* this process; the launcher's copy stays unused */

_Static_assert(FD_BELL + FD_BELLS <= FD_GATHER, "gathered above their places");
_Static_assert(FD_DEVICE + LAUNCH_MAX_DEVICES <= FD_BELL, "devices fit before the bells");

static _Noreturn void fail(int report, const char *what)
{
    char text[REPORT_TEXT];
    snprintf(text, sizeof text, "%s: %s", what, strerror(errno));
    report_fault(report, REPORT_NO_COMPONENT, text, (uint64_t)errno, 0);
}

static struct sl_host *host_of(unsigned component)
{
    for (unsigned i = 0; i < process.count; i++)
        if (process.host[i].number == component)
            return &process.host[i];
    return NULL;
}

static void add_hosts(const struct launch *launch, unsigned number)
{
    for (unsigned i = 0; i < launch->topology->component_count; i++) {
        if (launch->component[i].process != number)
            continue;
        struct sl_host *host = &process.host[process.count++];
        host->process = &process;
        host->program = launch->component[i].program;
        host->name = launch->topology->component[i].name;
        host->number = i;
        host->deadline = SL_NEVER;
        for (unsigned channel = 0; channel < SL_MAX_CHANNELS; channel++)
            host->bell[channel].fd = -1;
    }
}

static void add_environment(const struct launch *launch, struct sl_host *host, unsigned number,
                            const struct memory *memory)
{
    const struct topology *topology = launch->topology;
    struct sl_environment *environment = &host->environment;
    environment->host = host;
    environment->config = memory->config[host->number].base;
    environment->config_size = launch->component[host->number].config_size;
    if (topology->component[host->number].has_policy && process.board) {
        environment->policy = policy_board_image(process.board, process.generation);
        environment->policy_size = process.board->size[process.generation % 2];
        environment->policy_tag = policy_tag(process.generation);
    }
    if (topology->component[host->number].program == PROGRAM_MONITOR) {
        environment->counters = memory->counters.base;
        environment->place = environment->counters ? &environment->counters->place : NULL;
    }
    environment->restarts = launch->component[host->number].restarts;
    for (unsigned i = 0; i < SL_MAX_PORTS; i++)
        environment->port[i].channel = SL_NO_CHANNEL;
    for (unsigned i = 0; i < topology->map_count; i++) {
        const struct topology_map *map = &topology->map[i];
        if (map->component != host->number)
            continue;
        const struct topology_region *region = &topology->region[map->region];
        struct sl_port *port = &environment->port[map->port];
        port->region[region->part] = memory->view[number][map->region].base;
        port->size[region->part] = region->size;
        port->channel = topology_port_channel(topology, host->number, map->port);
    }
}

static void watch(int fd, uint32_t events, unsigned host, unsigned source)
{
    struct epoll_event event = {.events = events | EPOLLET,
                                .data.u64 = (uint64_t)host << 8 | source};
    if (epoll_ctl(process.epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        fail(process.report, "cannot watch a descriptor");
}

/* How end `end` of a channel reaches the other end, and where the other's ring arrives here. */
static void add_channel(const struct topology_channel *channel, const int fd[2], unsigned end)
{
    struct sl_host *mine = host_of(channel->end[end]);
    struct sl_host *other = host_of(channel->end[!end]);
    if (!mine)
        return;
    struct bell *bell = &mine->bell[channel->channel[end]];
    if (channel->notifies[end] && other) {
        bell->local = other;
        bell->badge = UINT64_C(1) << channel->channel[!end];
    }
    bell->fd = fd[end];
    if (fd[!end] >= 0)
        watch(fd[!end], EPOLLIN, (unsigned)(mine - process.host), channel->channel[end]);
}

/* The descriptors that stay, moved out of the way of the places they go to. */
static int gather(int fd)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, FD_GATHER);
    if (moved < 0)
        fail(process.report, "too few descriptors allowed (ulimit -n)");
    return moved;
}

static void place(int fd, int where)
{
    if (dup3(fd, where, O_CLOEXEC) < 0)
        fail(process.report, "cannot arrange descriptors");
}

/* Returns the number after the last one's. */
static int place_bells(void)
{
    int next = FD_BELL;
    for (unsigned i = 0; i < process.count; i++)
        for (unsigned channel = 0; channel < SL_MAX_CHANNELS; channel++) {
            struct bell *bell = &process.host[i].bell[channel];
            if (bell->fd < 0)
                continue;
            if (next == FD_BELL + FD_BELLS) {
                errno = ENOSPC;
                fail(FD_REPORT, "too many channels in one process");
            }
            place(bell->fd, next);
            bell->fd = next++;
        }
    return next;
}

/* Leaves open what sandbox.h lists and nothing else. */
static unsigned arrange_descriptors(const struct launch *launch, const int socket[])
{
    bool monitor = false;
    int device[LAUNCH_MAX_DEVICES];
    struct sl_host *owner[LAUNCH_MAX_DEVICES];
    unsigned devices = 0;

    process.report = gather(process.report);
    process.epoll = gather(process.epoll);
    int audit = gather(launch->audit_fd);
    for (unsigned i = 0; i < process.count; i++) {
        struct sl_host *host = &process.host[i];
        monitor |= launch->topology->component[host->number].program == PROGRAM_MONITOR;
        if (socket[host->number] >= 0 && devices < LAUNCH_MAX_DEVICES) {
            owner[devices] = host;
            device[devices++] = gather(socket[host->number]);
        }
        for (unsigned channel = 0; channel < SL_MAX_CHANNELS; channel++)
            if (host->bell[channel].fd >= 0)
                host->bell[channel].fd = gather(host->bell[channel].fd);
    }

    close_range(FD_REPORT, FD_GATHER - 1, 0);
    close(0);
    close(1);
    if (!launch->keep_log)
        close(FD_LOG);
    place(process.report, FD_REPORT);
    place(process.epoll, FD_EPOLL);
    if (monitor)
        place(audit, FD_AUDIT);
    for (unsigned i = 0; i < devices; i++) {
        place(device[i], FD_DEVICE + (int)i);
        if (!af_packet_attach(&process.device[i], FD_DEVICE + (int)i))
            fail(FD_REPORT, "cannot map the receive ring of a network interface");
        owner[i]->nic = &process.device[i].driver;
        owner[i]->nic_fd = FD_DEVICE + (int)i;
    }
    int next = place_bells();
    close_range((unsigned)next, ~0u, 0);
    process.report = FD_REPORT;
    process.epoll = FD_EPOLL;
    process.output.fd = FD_AUDIT;
    return devices;
}

static void enter_sandbox(unsigned devices, int launcher)
{
    const char *failed = sandbox_drop_rights();
    if (!failed)
        failed = sandbox_follow_parent(launcher);
    if (!failed)
        failed = sandbox_close_files();
    if (!failed)
        failed = sandbox_restrict_calls(devices);
    if (failed)
        fail(process.report, failed);
}

static bool has_policy(const struct launch *launch, const struct sl_host *host)
{
    return launch->topology->component[host->number].has_policy;
}

static void tell_components(struct process *here, const void *policy, size_t size)
{
    for (unsigned i = 0; i < here->count; i++) {
        struct sl_host *host = &here->host[i];
        if (has_policy(here->launch, host) && host->program->adopt)
            host->program->adopt(host->self, policy, size, policy_tag(here->generation));
    }
}

void process_adopt(struct process *here)
{
    here->policy_rung = false;
    if (!here->board)
        return;
    const uint32_t generation = sl_load_acquire(&here->board->generation);
    if (generation != here->generation) {
        const void *policy = policy_board_image(here->board, generation);
        here->generation = generation;
        launch_policy_hash(policy, here->launch->policy_hash);
        tell_components(here, policy, here->board->size[generation % 2]);
        report_policy(here->report, REPORT_ADOPTED, generation);
    }
    if (sl_load_acquire(&here->board->retired) == generation && here->retired != generation) {
        here->retired = generation;
        tell_components(here, NULL, 0);
        report_policy(here->report, REPORT_RETIRED, generation);
    }
}

static bool pin_to_own_cpu(const struct launch *launch, unsigned number)
{
    for (unsigned i = 0; launch->grouping != LAUNCH_FUSED && i < launch->topology->component_count;
         i++)
        if (launch->component[i].process == number && launch->component[i].own_cpu)
            return launch_pin(launch->component[i].own_cpu - 1);
    return true;
}

_Noreturn void process_run(struct launch *launch, unsigned number, uint32_t epoch,
                           struct memory *memory, const struct bells *bells,
                           const int socket[TOPOLOGY_MAX_COMPONENTS], int report,
                           struct process_bells from_launcher, int launcher)
{
    char name[64];
    launch_process_name(launch, number, name, sizeof name);
    prctl(PR_SET_NAME, launch->process_count == 1 ? "sluice-fused" : name, 0, 0, 0);
    /* Gains 10 % on one CPU: whoever notifies finishes its own work first. Only a preference. */
    sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});

    if (!pin_to_own_cpu(launch, number))
        fail(report, "cannot run on the CPU that this side was given");
    process.launch = launch;
    process.epoch = epoch;
    process.report = report;
    memory_keep(memory, launch, number);
    add_hosts(launch, number);
    process.board = memory->policy.base;
    process.generation = launch->policy_generation;
    process.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (process.epoll < 0)
        fail(report, "cannot make an epoll set");
    for (unsigned i = 0; i < launch->topology->channel_count; i++)
        for (unsigned end = 0; end < 2; end++)
            add_channel(&launch->topology->channel[i], bells->fd[i], end);
    for (unsigned i = 0; i < process.count; i++)
        if (launch->topology->component[process.host[i].number].program == PROGRAM_MONITOR)
            watch(from_launcher.closing, EPOLLIN, i, PROCESS_CLOSING);
    if (process.board)
        watch(from_launcher.policy, EPOLLIN, 0, PROCESS_POLICY);
    unsigned devices = arrange_descriptors(launch, socket);

    for (unsigned i = 0; i < process.count; i++) {
        struct sl_host *host = &process.host[i];
        add_environment(launch, host, number, memory);
        host->self = memory_private(host->program->self_size + host->program->link_size);
        if (!host->self)
            fail(process.report, "no memory for a component's state");
        if (host->nic)
            watch(host->nic_fd, EPOLLIN, i, PROCESS_DEVICE);
    }
    enter_sandbox(devices, launcher);

    for (unsigned i = 0; i < process.count; i++) {
        struct sl_host *host = &process.host[i];
        host->program->init(host->self, &host->environment);
        /* Whatever arrived before the descriptors were watched: a first wake for everyone. */
        host->pending = host->nic ? SL_BADGE_DEVICE : 1;
    }
    report_ready(process.report);
    process_loop(&process);
}
