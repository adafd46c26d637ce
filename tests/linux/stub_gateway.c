/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A gateway of stub components under the real Linux host: components in a circle, each with a
 * page it writes for the next, which may only read it, and a channel to it. A token goes round;
 * the first component measures. One component may be told to misbehave once the token has come
 * round twice. The last one is the monitor's stand-in and emits a line.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "hosts/linux/launch.h"
#include "hosts/linux/output.h"
#include "hosts/linux/sandbox.h"
#include "hosts/linux/supervisor.h"
#include "sluice/barrier.h"
#include "sluice/component.h"
#include "sluice/host.h"

struct stub_config {
    uint32_t number;
    uint32_t rounds; /* token's trips to measure; the first component only */
    char act[32];    /* "" behaves */
};

struct stub {
    struct sl_host *host;
    const struct stub_config *config;
    const struct sl_environment *environment;
    const _Atomic uint64_t *in;
    _Atomic uint64_t *out;
    uint8_t in_channel, out_channel;
    uint64_t token, started, wakes;
};

static void say(struct stub *stub, const char *text, long number)
{
    char line[128];
    snprintf(line, sizeof line, "%s %ld", text, number);
    sl_log(stub->host, line);
}

/* What a component that was taken over might try. Each ends the process, or fails and says so. */
static void act(struct stub *stub, const char *what)
{
    uint64_t word = 1;
    void *page = (void *)(uintptr_t)stub->in;
    struct iovec own = {&word, sizeof word}, other = {page, sizeof word};
    /* clang-format off */
    if (!strcmp(what, "fault"))    sl_fault(stub->host, "test fault", 41, 42);
    if (!strcmp(what, "segv"))     *(volatile uint64_t *)page = 1;
    if (!strcmp(what, "overrun"))  *((volatile uint8_t *)stub->out + 4096) = 1;
    if (!strcmp(what, "exit"))     _exit(3);
    if (!strcmp(what, "config"))   *(volatile uint32_t *)(uintptr_t)&stub->config->number = 9;
    if (!strcmp(what, "open"))     word = (uint64_t)syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
    if (!strcmp(what, "socket"))   word = (uint64_t)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    if (!strcmp(what, "mprotect")) word = (uint64_t)syscall(SYS_mprotect, page, 4096, PROT_READ | PROT_WRITE);
    if (!strcmp(what, "mmap"))     word = (uint64_t)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!strcmp(what, "vmwrite"))  word = (uint64_t)syscall(SYS_process_vm_writev, syscall(SYS_getpid), &own, 1, &other, 1, 0);
    if (!strcmp(what, "ptrace"))   word = (uint64_t)syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
    if (!strcmp(what, "fork"))     word = (uint64_t)syscall(SYS_fork);
    if (!strcmp(what, "execve"))   word = (uint64_t)syscall(SYS_execve, "/bin/true", NULL, NULL);
    if (!strcmp(what, "kill"))     word = (uint64_t)syscall(SYS_kill, 1, 0);
    if (!strcmp(what, "dup"))      word = (uint64_t)syscall(SYS_dup, FD_BELL);
    if (!strcmp(what, "readbell")) word = (uint64_t)syscall(SYS_read, FD_BELL, &word, sizeof word);
    if (!strcmp(what, "readlog"))  word = (uint64_t)syscall(SYS_read, FD_LOG, &word, sizeof word);
    if (!strcmp(what, "epollctl")) word = (uint64_t)syscall(SYS_epoll_ctl, FD_EPOLL, EPOLL_CTL_DEL, 0, NULL);
    if (!strcmp(what, "epollother")) word = (uint64_t)syscall(SYS_epoll_pwait2, FD_BELL, NULL, 0, NULL, NULL, 0);
    if (!strcmp(what, "sendto"))   word = (uint64_t)syscall(SYS_sendto, FD_DEVICE, &word, 8, 0, NULL, 0);
    if (!strcmp(what, "iouring"))  word = (uint64_t)syscall(SYS_io_uring_setup, 1, NULL);
    if (!strcmp(what, "x32"))      word = (uint64_t)syscall(0x40000000 + SYS_getpid);
    if (!strcmp(what, "writehigh")) word = (uint64_t)syscall(SYS_write, UINT64_C(0x100000005), &word, 8);
    /* These are allowed and must come to nothing: the descriptor is not there. */
    if (!strcmp(what, "audit"))    word = (uint64_t)syscall(SYS_write, FD_AUDIT, "x", 1);
    if (!strcmp(what, "bells"))
        for (int fd = FD_BELL + 1; fd < FD_BELL + FD_BELLS; fd++)
            if (syscall(SYS_write, fd, &word, 8) != -1) say(stub, "writable", fd);
    /* clang-format on */
    say(stub, "survived", (long)word);
}

static void stub_init(void *self, const struct sl_environment *environment)
{
    struct stub *stub = self;
    stub->host = environment->host;
    stub->environment = environment;
    stub->config = environment->config;
    stub->in = environment->port[SL_PORT_IN].region[0];
    stub->out = environment->port[SL_PORT_OUT].region[0];
    stub->in_channel = environment->port[SL_PORT_IN].channel;
    stub->out_channel = environment->port[SL_PORT_OUT].channel;
    if (!strcmp(stub->config->act, "init"))
        sl_fault(stub->host, "test fault in init", 1, 2);
    if (!strcmp(stub->config->act, "hang"))
        for (;;)
            stub->wakes++;
    sl_deadline(stub->host, sl_now(stub->host)); /* the first one starts the token */
}

static void measure(struct stub *stub)
{
    uint64_t took = sl_now(stub->host) - stub->started;
    char line[128];
    snprintf(line, sizeof line, "rounds %u ns_per_round %llu wakes %llu", stub->config->rounds,
             (unsigned long long)(took / stub->config->rounds), (unsigned long long)stub->wakes);
    sl_log(stub->host, line);
}

static void stub_wake(void *self, uint64_t badges)
{
    struct stub *stub = self;
    uint64_t arrived = sl_load_acquire(stub->in);
    bool first = stub->config->number == 0;
    (void)badges;
    stub->wakes++;
    if (first ? arrived < stub->token : arrived == stub->token)
        return; /* spurious */
    if (arrived == 2 && stub->config->act[0])
        act(stub, stub->config->act);
    if (first && arrived == 2)
        stub->started = sl_now(stub->host);
    if (first && arrived == (uint64_t)stub->config->rounds + 2) {
        measure(stub);
        return;
    }
    stub->token = first ? arrived + 1 : arrived;
    sl_store_release(stub->out, stub->token);
    sl_notify(stub->host, stub->out_channel);
    sl_notify(stub->host, stub->out_channel); /* twice is once */
}

static void emitter_init(void *self, const struct sl_environment *environment)
{
    (void)self;
    sl_emit_line(environment->host, "{\"event_type\":\"stub\"}", 21);
}

static void emitter_wake(void *self, uint64_t badges)
{
    (void)self;
    (void)badges;
}

static const struct sl_component stub_component = {
    .name = "stub", .self_size = sizeof(struct stub), .init = stub_init, .wake = stub_wake};
static const struct sl_component emitter_component = {
    .name = "emitter", .self_size = 1, .init = emitter_init, .wake = emitter_wake};

static void add_circle(struct topology *topology, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t from = (uint8_t)i, to = (uint8_t)((i + 1) % count);
        snprintf(topology->component[i].name, SL_NAME_SIZE, "stub%u", i);
        topology->component[i].program = PROGRAM_PARSER_NORM;
        struct topology_region *region = &topology->region[i];
        snprintf(region->name, sizeof region->name, "page%u", i);
        region->size = 4096;
        topology->map[2 * i] =
            (struct topology_map){from, from, RIGHT_READ | RIGHT_WRITE, SL_PORT_OUT};
        topology->map[2 * i + 1] = (struct topology_map){from, to, RIGHT_READ, SL_PORT_IN};
        topology->channel[i] = (struct topology_channel){.end = {from, to},
                                                         .channel = {1, 2},
                                                         .port = {SL_PORT_OUT, SL_PORT_IN},
                                                         .notifies = {true, false}};
    }
    topology->component_count = topology->region_count = topology->channel_count = (uint8_t)count;
    topology->map_count = (uint16_t)(2 * count);
}

static void add_emitter(struct topology *topology)
{
    struct topology_component *emitter = &topology->component[topology->component_count++];
    strcpy(emitter->name, "emitter");
    emitter->program = PROGRAM_MONITOR;
}

int main(int argc, char **argv)
{
    static struct topology topology;
    static struct launch launch;
    if (argc != 7) {
        fprintf(stderr, "usage: stub_gateway COMPONENTS isolated|fused ROUNDS ACTOR ACT AUDIT\n");
        return 2;
    }
    unsigned count = (unsigned)atoi(argv[1]), actor = (unsigned)atoi(argv[4]);
    add_circle(&topology, count);
    add_emitter(&topology);
    launch.topology = &topology;
    for (unsigned i = 0; i < count; i++) {
        struct stub_config *config = (void *)launch.component[i].config;
        launch.component[i].program = &stub_component;
        launch.component[i].config_size = sizeof *config;
        config->number = i;
        config->rounds = (uint32_t)atoi(argv[3]);
        if (i == actor)
            snprintf(config->act, sizeof config->act, "%s", argv[5]);
    }
    launch.component[count].program = &emitter_component;
    launch_group(&launch, strcmp(argv[2], "fused") ? LAUNCH_ISOLATED : LAUNCH_FUSED);
    launch.cpu = launch_choose_cpu();
    launch.keep_log = true;
    launch.audit_fd = launch.launcher_fd = output_open(argv[6]);
    return supervise(&launch) ? 0 : 1;
}
