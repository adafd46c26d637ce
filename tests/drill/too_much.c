/* SPDX-License-Identifier: BSD-2-Clause */
#include "drill/too_much.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "drivers/af_packet/af_packet.h"
#include "hosts/linux/process.h"
#include "hosts/linux/sandbox.h"
#include "topology/topology.h"

#define UNUSED_PORT (SL_MAX_PORTS - 1)

enum too_much {
    NOTHING,
    EXTRA_MAP,
    EXTRA_PRIVATE,
    EXTRA_BELL,
    SWAP_BELLS,
    EXTRA_SOCKET,
    OTHER_SOCKET,
    EXTRA_PIPE,
    KEEP_LOG,
    WIDE_FILTER,
};

static const char *const options[] = {
    [EXTRA_MAP] = "--extra-map",       [EXTRA_PRIVATE] = "--extra-private",
    [EXTRA_BELL] = "--extra-bell",     [SWAP_BELLS] = "--swap-bells",
    [EXTRA_SOCKET] = "--extra-socket", [OTHER_SOCKET] = "--other-socket",
    [EXTRA_PIPE] = "--extra-pipe",     [KEEP_LOG] = "--keep-log",
    [WIDE_FILTER] = "--wide-filter",
};

static struct {
    enum too_much what;
    char one[80], other[80];
    unsigned rights;
    int pipe_end;
    int memory; /* the region's descriptor */
} plan;

bool too_much_take(const char *option, const char *value)
{
    for (unsigned i = EXTRA_MAP; i < sizeof options / sizeof *options; i++)
        if (strcmp(option, options[i]) == 0) {
            plan.what = (enum too_much)i;
            sscanf(value, "%79[^:]:%79[^:]:%u", plan.one, plan.other, &plan.rights);
            return true;
        }
    return false;
}

bool too_much_wanted(void)
{
    return plan.what != NOTHING;
}

static bool add_map(struct topology *topology)
{
    unsigned region = 0;
    while (region < topology->region_count && strcmp(topology->region[region].name, plan.one) != 0)
        region++;
    const int component = topology_find(topology, plan.other);
    if (region == topology->region_count || component < 0)
        return false;
    topology->map[topology->map_count++] = (struct topology_map){.region = (uint8_t)region,
                                                                 .component = (uint8_t)component,
                                                                 .rights = (uint8_t)plan.rights,
                                                                 .port = UNUSED_PORT};
    return true;
}

static bool add_bell(struct topology *topology)
{
    const int from = topology_find(topology, plan.one), to = topology_find(topology, plan.other);
    if (from < 0 || to < 0)
        return false;
    topology->channel[topology->channel_count++] =
        (struct topology_channel){.end = {(uint8_t)from, (uint8_t)to},
                                  .channel = {SL_MAX_CHANNELS - 1, SL_MAX_CHANNELS - 1},
                                  .port = {UNUSED_PORT, UNUSED_PORT},
                                  .notifies = {true, false}};
    return true;
}

bool too_much_prepare(struct topology *topology)
{
    int ends[2];
    switch (plan.what) {
    case EXTRA_MAP:
        return add_map(topology);
    case EXTRA_BELL:
        return add_bell(topology);
    case EXTRA_PIPE:
        if (pipe2(ends, O_CLOEXEC) != 0)
            return false;
        plan.pipe_end = ends[0];
        return true;
    default:
        return true;
    }
}

int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags)
{
    const int fd = __real_memfd_create(name, flags);
    if (plan.what == EXTRA_PRIVATE && strcmp(name, plan.one) == 0)
        plan.memory = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return fd;
}

/* ---- in a component's process, before it gives up its rights ---- */

static bool is_named(const char *wanted)
{
    char mine[16] = "";
    prctl(PR_GET_NAME, mine, 0, 0, 0);
    return wanted[0] && strncmp(mine, wanted, sizeof mine - 1) == 0;
}

static int open_socket(const char *interface)
{
    char error[256] = "";
    const int fd = af_packet_prepare(error, sizeof error);
    if (fd < 0 || !af_packet_bind(fd, interface, NULL, error, sizeof error)) {
        fprintf(stderr, "sluice-drill: %s\n", error);
        _exit(1);
    }
    return fd;
}

static bool open_pipe(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getppid(), plan.pipe_end);
    return open(path, O_RDWR | O_CLOEXEC) >= 0;
}

const char *__real_sandbox_drop_rights(void);
const char *__wrap_sandbox_drop_rights(void);
const char *__wrap_sandbox_drop_rights(void)
{
    if (plan.what == EXTRA_SOCKET && is_named(plan.one))
        open_socket(plan.other);
    if (plan.what == OTHER_SOCKET && is_named(plan.one))
        dup2(open_socket(plan.other), FD_DEVICE);
    if (plan.what == EXTRA_PIPE && (is_named(plan.one) || is_named(plan.other)) && !open_pipe())
        _exit(1);
    return __real_sandbox_drop_rights();
}

const char *__real_sandbox_restrict_calls(unsigned devices);
const char *__wrap_sandbox_restrict_calls(unsigned devices);
const char *__wrap_sandbox_restrict_calls(unsigned devices)
{
    return __real_sandbox_restrict_calls(devices +
                                         (plan.what == WIDE_FILTER && is_named(plan.one) ? 1 : 0));
}

/* The first eventfd that a component rings; NULL: none, or of another part. */
static int *first_rung(const struct topology *topology, struct bells *bells, const char *component)
{
    for (unsigned i = 0; i < topology->channel_count; i++)
        for (unsigned end = 0; end < 2; end++)
            if (topology->channel[i].end[end] == topology_find(topology, component) &&
                bells->fd[i][end] >= 0)
                return &bells->fd[i][end];
    return NULL;
}

void __real_process_run(struct launch *launch, unsigned number, uint32_t epoch,
                        struct memory *memory, const struct bells *bells,
                        const int socket[TOPOLOGY_MAX_COMPONENTS], int report,
                        struct process_bells from_launcher, int launcher);
void __wrap_process_run(struct launch *launch, unsigned number, uint32_t epoch,
                        struct memory *memory, const struct bells *bells,
                        const int socket[TOPOLOGY_MAX_COMPONENTS], int report,
                        struct process_bells from_launcher, int launcher);
void __wrap_process_run(struct launch *launch, unsigned number, uint32_t epoch,
                        struct memory *memory, const struct bells *bells,
                        const int socket[TOPOLOGY_MAX_COMPONENTS], int report,
                        struct process_bells from_launcher, int launcher)
{
    struct bells mine = *bells;
    launch->keep_log = plan.what == KEEP_LOG;
    const char *name = launch->topology->component[number].name; /* isolated */
    if (plan.what == EXTRA_PRIVATE && strcmp(name, plan.other) == 0 &&
        mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, plan.memory, 0) == MAP_FAILED)
        _exit(1);
    int *one = first_rung(launch->topology, &mine, plan.one);
    int *other = first_rung(launch->topology, &mine, plan.other);
    if (plan.what == SWAP_BELLS && one && other && strcmp(name, plan.one) == 0)
        *one = *other;
    else if (plan.what == SWAP_BELLS && one && other && strcmp(name, plan.other) == 0)
        *other = *one;
    __real_process_run(launch, number, epoch, memory, &mine, socket, report, from_launcher,
                       launcher);
}
