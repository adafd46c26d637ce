/* SPDX-License-Identifier: BSD-2-Clause */
#include "topology/linux_check.h"

#include <ctype.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hosts/linux/process.h"
#include "hosts/linux/sandbox.h"
#include "topology/flow_graph.h"

#define MAX_OBJECTS 1024u
#define NAME_SHOWN  15u /* of a process: TASK_COMM_LEN without its end */

/* Something that a process has: shared memory, an eventfd that it may ring, a descriptor. */
enum kind { SHARED_MEMORY, EVENTFD, OTHER };
struct object {
    enum kind kind;
    uint8_t component;
    uint8_t rights;     /* RIGHT_*: as mapped, or as it could be made */
    int fd;             /* -1: a mapping */
    char identity[160]; /* the same text is the same object */
    char name[160];     /* memory: the region's */
};

struct look {
    const struct topology *topology;
    FILE *out;
    int violations;
    pid_t pid[TOPOLOGY_MAX_COMPONENTS];
    unsigned watched[TOPOLOGY_MAX_COMPONENTS]; /* eventfds in its epoll set */
    unsigned asked[TOPOLOGY_MAX_COMPONENTS];   /* of these, such as the launcher alone rings */
    unsigned count;
    struct object object[MAX_OBJECTS];
};

__attribute__((format(printf, 2, 3))) static void violation(struct look *look, const char *format,
                                                            ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("running: VIOLATION: ", look->out);
    vfprintf(look->out, format, arguments);
    fputc('\n', look->out);
    va_end(arguments);
    look->violations++;
}

static const char *name_of(const struct look *look, unsigned component)
{
    return look->topology->component[component].name;
}

static FILE *open_proc(pid_t pid, const char *what)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what);
    return fopen(path, "re");
}

/* The value of one line of /proc/PID/status, -1 for none. */
static long long status_of(pid_t pid, const char *key, int base)
{
    char line[256];
    long long value = -1;
    FILE *file = open_proc(pid, "status");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
            value = strtoll(line + strlen(key) + 1, NULL, base);
    if (file)
        fclose(file);
    return value;
}

/* A component's process calls itself by its name, as far as the kernel keeps it; its filter
 * lets it take no other. */
static void find_process(struct look *look, pid_t pid)
{
    char name[64] = "";
    FILE *file = open_proc(pid, "comm");
    if (!file || !fgets(name, sizeof name, file))
        name[0] = '\0';
    if (file)
        fclose(file);
    name[strcspn(name, "\n")] = '\0';
    for (unsigned i = 0; i < look->topology->component_count; i++)
        if (strncmp(name, name_of(look, i), NAME_SHOWN) == 0 && look->pid[i] == 0) {
            look->pid[i] = pid;
            return;
        }
    if (strcmp(name, "audit_writer") == 0) {
        fputs(
            "running: trusted: audit_writer: takes the monitor's lines from a pipe; nothing of the "
            "pipeline reads from it\n",
            look->out);
        return;
    }
    violation(look, "process %d, '%s', is no component", (int)pid, name);
}

static void find_processes(struct look *look, pid_t launcher)
{
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        const pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
        if (pid > 0 && status_of(pid, "PPid", 10) == launcher)
            find_process(look, pid);
    }
    if (proc)
        closedir(proc);
}

static struct object *add_object(struct look *look, enum kind kind, unsigned component)
{
    static struct object spill;
    if (look->count == MAX_OBJECTS) {
        violation(look, "%s has more than can be looked at", name_of(look, component));
        return &spill;
    }
    struct object *object = &look->object[look->count++];
    *object = (struct object){.kind = kind, .component = (uint8_t)component, .fd = -1};
    return object;
}

/* Shared mappings. A mapping that could be made writable (VmFlags mw) counts as writable. */
static void look_at_memory(struct look *look, unsigned component)
{
    char line[512], rights[8], device[16], path[256];
    unsigned long inode;
    struct object *object = NULL;
    FILE *file = open_proc(look->pid[component], "smaps");
    while (file && fgets(line, sizeof line, file)) {
        path[0] = '\0';
        if (sscanf(line, "%*x-%*x %7s %*x %15s %lu %255[^\n]", rights, device, &inode, path) >= 3) {
            object = NULL;
            if (rights[3] != 's')
                continue;
            object = add_object(look, SHARED_MEMORY, component);
            object->rights = (uint8_t)((rights[0] == 'r' ? RIGHT_READ : 0) |
                                       (rights[1] == 'w' ? RIGHT_WRITE : 0));
            snprintf(object->identity, sizeof object->identity, "%s:%lu", device, inode);
            const char *named = strncmp(path, "/memfd:", 7) == 0 ? path + 7 : path;
            snprintf(object->name, sizeof object->name, "%.*s", (int)strcspn(named, " "), named);
            if (rights[2] == 'x')
                violation(look, "%s may execute %s", name_of(look, component), object->name);
        } else if (object && strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " mw")) {
            object->rights |= RIGHT_WRITE;
        }
    }
    if (file)
        fclose(file);
}

/* An eventfd's number from its fdinfo; for the epoll set, how many others it watches. */
static long look_at_fdinfo(struct look *look, unsigned component, int fd)
{
    char line[256], path[64];
    long identity = -1;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)look->pid[component], fd);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        unsigned long long data;
        const char *at = strstr(line, "data:");
        if (sscanf(line, "eventfd-id: %ld", &identity) == 1)
            continue;
        /* process.c: component << 8 | source; a device is no bell */
        if (strncmp(line, "tfd:", 4) != 0 || !at || sscanf(at, "data: %llx", &data) != 1)
            continue;
        if ((data & 0xff) < SL_MAX_CHANNELS)
            look->watched[component]++;
        else if ((data & 0xff) != PROCESS_DEVICE)
            look->asked[component]++;
    }
    if (file)
        fclose(file);
    return identity;
}

static void look_at_descriptors(struct look *look, unsigned component)
{
    char path[64], target[128];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)look->pid[component]);
    DIR *directory = opendir(path);
    if (!directory)
        violation(look, "%s's descriptors cannot be read: run as root", name_of(look, component));
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        const ssize_t length =
            readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
        if (length < 0)
            continue;
        target[length] = '\0';
        const int fd = atoi(entry->d_name);
        const long eventfd = look_at_fdinfo(look, component, fd);
        if (fd == FD_LOG || strcmp(target, "anon_inode:[eventpoll]") == 0)
            continue;
        struct object *object =
            add_object(look, strstr(target, "[eventfd]") ? EVENTFD : OTHER, component);
        object->fd = fd;
        if (object->kind == EVENTFD)
            snprintf(object->identity, sizeof object->identity, "eventfd %ld", eventfd);
        else
            snprintf(object->identity, sizeof object->identity, "%s", target);
    }
    if (directory)
        closedir(directory);
}

static void look_at_sandbox(struct look *look, unsigned component)
{
    static const struct {
        const char *key;
        long long wanted;
        const char *without;
    } facts[] = {
        {"Seccomp", 2, "has no system call filter"},
        {"NoNewPrivs", 1, "may gain privileges"},
        {"CapEff", 0, "has capabilities"},
        {"CapPrm", 0, "could have capabilities"},
        {"TracerPid", 0, "is traced: somebody reads and writes all of it"},
        {"Threads", 1, "has more than one thread"},
    };
    for (unsigned i = 0; i < sizeof facts / sizeof *facts; i++)
        if (status_of(look->pid[component], facts[i].key, facts[i].key[0] == 'C' ? 16 : 10) !=
            facts[i].wanted)
            violation(look, "%s %s", name_of(look, component), facts[i].without);
}

/* ---- against the topology ---- */

static const struct topology_outer *outer_named(const struct topology *topology, const char *name)
{
    for (unsigned i = 0; i < OUTER_COUNT; i++)
        if (topology->outer[i].size && strcmp(topology->outer[i].name, name) == 0)
            return &topology->outer[i];
    return NULL;
}

static unsigned meant_rights(const struct look *look, const struct object *object)
{
    const struct topology *topology = look->topology;
    for (unsigned i = 0; i < topology->map_count; i++)
        if (topology->map[i].component == object->component &&
            strcmp(topology->region[topology->map[i].region].name, object->name) == 0)
            return topology->map[i].rights;
    const struct topology_outer *const outer = outer_named(topology, object->name);
    if (outer && outer->holders >> object->component & 1)
        return outer->launcher_writes ? RIGHT_READ : RIGHT_READ | RIGHT_WRITE;
    return 0;
}

/* One mapping of each thing that the topology gives it. */
static void expect_mapped(struct look *look, unsigned component, const char *name)
{
    unsigned found = 0;
    for (unsigned i = 0; i < look->count; i++)
        found += look->object[i].kind == SHARED_MEMORY && look->object[i].component == component &&
                 strcmp(look->object[i].name, name) == 0;
    if (found != 1)
        violation(look, "%s has %u mappings of %s, the topology says 1", name_of(look, component),
                  found, name);
}

static bool is_packet_ring(const struct look *look, const struct object *object)
{
    return look->topology->component[object->component].device &&
           strncmp(object->name, "socket:", 7) == 0;
}

static void compare_memory(struct look *look)
{
    static const char *const words[] = {"nothing", "read", "write", "read and write"};
    const struct topology *topology = look->topology;
    for (unsigned i = 0; i < look->count; i++) {
        const struct object *object = &look->object[i];
        if (object->kind != SHARED_MEMORY || is_packet_ring(look, object))
            continue;
        const unsigned meant = meant_rights(look, object);
        if (object->rights != meant)
            violation(look, "%s may %s %s, the topology says %s", name_of(look, object->component),
                      words[object->rights & 3], object->name, words[meant & 3]);
    }
    for (unsigned i = 0; i < topology->map_count; i++)
        expect_mapped(look, topology->map[i].component,
                      topology->region[topology->map[i].region].name);
    for (unsigned i = 0; i < OUTER_COUNT; i++)
        for (unsigned j = 0; topology->outer[i].size && j < topology->component_count; j++)
            if (topology->outer[i].holders >> j & 1)
                expect_mapped(look, j, topology->outer[i].name);
}

static void compare_bells(struct look *look, unsigned component)
{
    const struct topology *topology = look->topology;
    unsigned rings = 0, waits = 0, found = 0;
    for (unsigned i = 0; i < topology->channel_count; i++)
        for (unsigned end = 0; end < 2; end++)
            if (topology->channel[i].end[end] == component) {
                rings += topology->channel[i].notifies[end];
                waits += topology->channel[i].notifies[!end];
            }
    for (unsigned i = 0; i < look->count; i++)
        found += look->object[i].kind == EVENTFD && look->object[i].component == component;
    if (found != rings)
        violation(look, "%s holds %u eventfds that it may ring, the topology says %u",
                  name_of(look, component), found, rings);
    const unsigned asked = (topology->component[component].program == PROGRAM_MONITOR ? 1u : 0u) +
                           (topology->component[component].has_policy ? 1u : 0u);
    if (look->asked[component] != asked)
        violation(look, "%s waits on %u eventfds of the launcher's, the topology says %u",
                  name_of(look, component), look->asked[component], asked);
    if (look->watched[component] != waits)
        violation(look, "%s waits on %u eventfds, the topology says %u", name_of(look, component),
                  look->watched[component], waits);
}

/* What each descriptor may be, by its place (sandbox.h). */
static void compare_descriptor(struct look *look, const struct object *object)
{
    const struct topology_component *component = &look->topology->component[object->component];
    const bool socket = strncmp(object->identity, "socket:", 7) == 0;
    if (object->fd == FD_REPORT && strncmp(object->identity, "pipe:", 5) == 0)
        return;
    if (object->fd == FD_AUDIT && component->program == PROGRAM_MONITOR)
        return;
    if (socket && component->device && object->fd == FD_DEVICE)
        return;
    violation(look, "%s holds descriptor %d, %s, which is nothing of its own", component->name,
              object->fd, object->identity);
}

/* ---- the flow rules ---- */

static void add_edges(const struct look *look, struct flow_graph *graph)
{
    for (unsigned i = 0; i < look->count; i++)
        for (unsigned j = 0; j < look->count; j++) {
            const struct object *one = &look->object[i], *other = &look->object[j];
            if (one->component == other->component || strcmp(one->identity, other->identity) != 0 ||
                (one->kind == SHARED_MEMORY) != (other->kind == SHARED_MEMORY))
                continue;
            if (one->kind != SHARED_MEMORY)
                flow_add_edge(graph, one->component, other->component, "holds %s, as does",
                              one->identity);
            else if (one->rights & RIGHT_WRITE)
                flow_add_edge(graph, one->component, other->component, "writes %s, mapped by",
                              one->name);
        }
    /* Who waits on an eventfd has closed it: that it waits is seen, on which is the launcher's
     * word. Counted both ways, as for the topology. */
    for (unsigned i = 0; i < look->topology->channel_count; i++) {
        const struct topology_channel *channel = &look->topology->channel[i];
        flow_add_edge(graph, channel->end[0], channel->end[1], "an eventfd, waited on by");
        flow_add_edge(graph, channel->end[1], channel->end[0], "an eventfd, waited on by");
    }
}

/* What each component has in common with the launcher, as mapped. */
static void add_outer_edges(const struct look *look, unsigned launcher, struct flow_graph *graph)
{
    for (unsigned i = 0; i < look->count; i++) {
        const struct object *object = &look->object[i];
        const struct topology_outer *outer =
            object->kind == SHARED_MEMORY ? outer_named(look->topology, object->name) : NULL;
        if (outer && outer->launcher_writes)
            flow_add_edge(graph, launcher, object->component, "writes %s, read by", outer->name);
        else if (outer)
            flow_add_edge(graph, object->component, launcher, "writes %s, read by", outer->name);
    }
}

static void check_paths(struct look *look)
{
    const struct topology *topology = look->topology;
    struct flow_graph graph;
    flow_graph_init(&graph);
    for (unsigned i = 0; i < topology->component_count; i++) {
        const struct topology_component *component = &topology->component[i];
        if (component->program == PROGRAM_MONITOR)
            flow_add_sink(&graph, component->name, (uint8_t)component->side);
        else if (component->breaks_path)
            flow_add_breaker(&graph, component->name, (uint8_t)component->side);
        else
            flow_add_node(&graph, component->name, (uint8_t)component->side);
    }
    add_edges(look, &graph);
    for (unsigned i = 0; i < topology->trusted_count; i++) {
        const unsigned node =
            flow_add_trusted(&graph, topology->trusted[i].name, topology->trusted[i].why);
        if (strcmp(topology->trusted[i].name, "launcher") == 0)
            add_outer_edges(look, node, &graph);
    }
    flow_add_trusted(
        &graph, "system call filter",
        "that each process has one is seen; what it allows is src/hosts/linux/sandbox.c "
        "(tests/linux); standard error is written by all and read by none of them");
    look->violations += flow_check(&graph, topology->mode, look->out);
    flow_graph_free(&graph);
}

int linux_check(const struct topology *topology, pid_t launcher, FILE *out)
{
    static struct look look; /* too large for the stack */
    look = (struct look){.topology = topology, .out = out};
    find_processes(&look, launcher);
    for (unsigned i = 0; i < topology->component_count; i++) {
        if (look.pid[i] == 0) {
            fprintf(out,
                    "running: process %d has no child '%s': is it a `sluice run` of this "
                    "configuration, one process a component?\n",
                    (int)launcher, name_of(&look, i));
            return -1;
        }
        look_at_sandbox(&look, i);
        look_at_memory(&look, i);
        look_at_descriptors(&look, i);
    }
    compare_memory(&look);
    for (unsigned i = 0; i < topology->component_count; i++)
        compare_bells(&look, i);
    for (unsigned i = 0; i < look.count; i++)
        if (look.object[i].kind == OTHER)
            compare_descriptor(&look, &look.object[i]);
    check_paths(&look);
    if (look.violations == 0)
        fprintf(out, "running: ok: %u processes have what the topology says, no more and no less\n",
                topology->component_count);
    else
        fprintf(out, "running: %d violation%s\n", look.violations, look.violations == 1 ? "" : "s");
    return look.violations;
}
