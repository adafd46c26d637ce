/* SPDX-License-Identifier: BSD-2-Clause */
#include "topology/linux_look.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hosts/linux/sandbox.h"

#define NAME_SHOWN 15u /* of a process: TASK_COMM_LEN without its end */

void look_violation(struct look *look, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("running: VIOLATION: ", look->out);
    vfprintf(look->out, format, arguments);
    fputc('\n', look->out);
    va_end(arguments);
    look->violations++;
}

const char *look_name(const struct look *look, unsigned component)
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
        if (strncmp(name, look_name(look, i), NAME_SHOWN) == 0 && look->pid[i] == 0) {
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
    look_violation(look, "process %d, '%s', is no component", (int)pid, name);
}

void look_for_processes(struct look *look)
{
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        const pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? atoi(entry->d_name) : 0;
        if (pid > 0 && status_of(pid, "PPid", 10) == look->launcher)
            find_process(look, pid);
    }
    if (proc)
        closedir(proc);
}

static struct object *add_object(struct look *look, enum kind kind, unsigned component)
{
    static struct object spill;
    if (look->count == LOOK_MAX_OBJECTS) {
        look_violation(look, "%s has more than can be looked at", look_name(look, component));
        return &spill;
    }
    struct object *object = &look->object[look->count++];
    *object = (struct object){.kind = kind, .component = (uint8_t)component, .fd = -1};
    return object;
}

/* Shared mappings, and private ones of what others share: through these it is read as well. A
 * mapping that could be made writable (VmFlags mw) counts as writable. */
static void look_at_memory(struct look *look, unsigned component)
{
    char line[512], rights[8], device[16], path[256];
    unsigned long inode;
    struct object *object = NULL;
    bool shared = false;
    FILE *file = open_proc(look->pid[component], "smaps");
    while (file && fgets(line, sizeof line, file)) {
        path[0] = '\0';
        if (sscanf(line, "%*x-%*x %7s %*x %15s %lu %255[^\n]", rights, device, &inode, path) >= 3) {
            object = NULL;
            const bool memfd = strncmp(path, "/memfd:", 7) == 0;
            shared = rights[3] == 's';
            if (!shared && !memfd)
                continue;
            object = add_object(look, SHARED_MEMORY, component);
            object->rights = (uint8_t)((rights[0] == 'r' ? RIGHT_READ : 0) |
                                       (shared && rights[1] == 'w' ? RIGHT_WRITE : 0));
            snprintf(object->identity, sizeof object->identity, "%s:%lu", device, inode);
            const char *named = memfd ? path + 7 : path;
            snprintf(object->name, sizeof object->name, "%.*s", (int)strcspn(named, " "), named);
            if (rights[2] == 'x')
                look_violation(look, "%s may execute %s", look_name(look, component), object->name);
        } else if (object && shared && strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " mw")) {
            object->rights |= RIGHT_WRITE;
        }
    }
    if (file)
        fclose(file);
}

/* One of an epoll set's entries, as fdinfo tells it. */
static void add_watch(struct look *look, unsigned component, int epoll, unsigned fd,
                      unsigned long long data)
{
    unsigned order = 0;
    for (unsigned i = 0; i < look->watch_count; i++)
        order += look->watch[i].component == component && look->watch[i].fd == fd;
    if (look->watch_count == LOOK_MAX_WATCHES) {
        look_violation(look, "%s waits on more than can be looked at", look_name(look, component));
        return;
    }
    look->watch[look->watch_count++] = (struct watch){.component = (uint8_t)component,
                                                      .source = (uint8_t)(data & 0xff),
                                                      .epoll = epoll,
                                                      .fd = fd,
                                                      .order = order};
}

/* An eventfd's number from its fdinfo; for the epoll set, what it watches. */
static long look_at_fdinfo(struct look *look, unsigned component, int fd)
{
    char line[256], path[64];
    long identity = -1;
    snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)look->pid[component], fd);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        unsigned long long data;
        unsigned watched;
        const char *at = strstr(line, "data:");
        if (sscanf(line, "eventfd-id: %ld", &identity) == 1)
            continue;
        if (sscanf(line, "tfd: %u", &watched) == 1 && at && sscanf(at, "data: %llx", &data) == 1)
            add_watch(look, component, fd, watched, data); /* process.c: component << 8 | source */
    }
    if (file)
        fclose(file);
    return identity;
}

/* The numbers of both sides' interfaces in the network namespace of the components: asked by a
 * child, which may stay there. */
static void find_interfaces(struct look *look, pid_t pid)
{
    char path[64];
    int ends[2];
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
    if (pipe(ends) != 0)
        return;
    const pid_t child = fork();
    if (child == 0) {
        const int space = open(path, O_RDONLY | O_CLOEXEC);
        unsigned index[2] = {0, 0};
        if (space >= 0 && setns(space, CLONE_NEWNET) == 0)
            for (unsigned side = 0; side < 2; side++)
                index[side] = if_nametoindex(look->interface[side]);
        _exit(write(ends[1], index, sizeof index) != sizeof index);
    }
    close(ends[1]);
    if (child > 0 && read(ends[0], look->interface_index, sizeof look->interface_index) !=
                         sizeof look->interface_index)
        memset(look->interface_index, 0, sizeof look->interface_index);
    close(ends[0]);
    if (child > 0)
        waitpid(child, NULL, 0);
}

/* Whose frames a socket has, from the kernel's list of packet sockets. */
static void look_at_packet_socket(struct look *look, struct object *object, unsigned long inode)
{
    char line[256];
    FILE *file = open_proc(look->pid[object->component], "net/packet");
    while (file && fgets(line, sizeof line, file)) {
        unsigned index;
        unsigned long found;
        if (sscanf(line, "%*s %*s %*s %*s %u %*s %*s %*s %lu", &index, &found) != 2 ||
            found != inode)
            continue;
        if (index == 0)
            snprintf(object->interface, sizeof object->interface, "any");
        else
            snprintf(object->interface, sizeof object->interface, "#%u", index);
        for (unsigned side = 0; side < 2; side++)
            if (index != 0 && index == look->interface_index[side])
                snprintf(object->interface, sizeof object->interface, "%s", look->interface[side]);
    }
    if (file)
        fclose(file);
}

static void look_at_descriptors(struct look *look, unsigned component)
{
    char path[64], target[128];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)look->pid[component]);
    DIR *directory = opendir(path);
    if (!directory)
        look_violation(look, "%s's descriptors cannot be read: run as root",
                       look_name(look, component));
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
        if (fd == FD_EPOLL && strcmp(target, "anon_inode:[eventpoll]") == 0)
            continue;
        struct object *object =
            add_object(look, strstr(target, "[eventfd]") ? EVENTFD : OTHER, component);
        object->fd = fd;
        if (object->kind == EVENTFD)
            snprintf(object->identity, sizeof object->identity, "eventfd %ld", eventfd);
        else
            snprintf(object->identity, sizeof object->identity, "%s", target);
        unsigned long inode;
        if (sscanf(target, "socket:[%lu]", &inode) == 1)
            look_at_packet_socket(look, object, inode);
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
            look_violation(look, "%s %s", look_name(look, component), facts[i].without);
}

int look_same_eventfd(const struct look *look, const struct watch *watch, pid_t pid, int fd)
{
    const struct kcmp_epoll_slot slot = {
        .efd = (uint32_t)watch->epoll, .tfd = watch->fd, .toff = watch->order};
    const long order =
        syscall(SYS_kcmp, pid, look->pid[watch->component], KCMP_EPOLL_TFD, fd, &slot);
    return order < 0 ? -1 : order == 0;
}

void look_at(struct look *look, unsigned component)
{
    if (component == 0)
        find_interfaces(look, look->pid[component]);
    look_at_sandbox(look, component);
    look_at_memory(look, component);
    look_at_descriptors(look, component);
}
