/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/linux/service_manager.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The limit while a policy is compiled or kept on a disk. */
#define LONG_WORK_NS UINT64_C(600000000000)
/* What the manager's queue had no room for is said again so soon. */
#define AGAIN_NS UINT64_C(100000000)

/* The number in environment variable `name`; 0: there is none. */
static uint64_t number(const char *name)
{
    const char *text = getenv(name);
    if (!text || *text < '0' || *text > '9')
        return 0;
    char *end;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    return *end || errno ? 0 : value;
}

/* False: its queue is full. */
static bool say(const struct service_manager *manager, const char *state)
{
    if (manager->socket_length == 0)
        return true;
    /* Not kept open: what is forked meanwhile has no socket too many. */
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true;
    /* Lost where nobody takes it: the manager's business. */
    const bool sent =
        sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&manager->socket,
               manager->socket_length) >= 0;
    const bool full = !sent && (errno == EAGAIN || errno == ENOBUFS);
    close(fd);
    return !full;
}

static bool say_limit(const struct service_manager *manager, uint64_t limit)
{
    char state[64];
    snprintf(state, sizeof state, "WATCHDOG_USEC=%" PRIu64 "\nWATCHDOG=1", limit / 1000);
    return say(manager, state);
}

void service_manager_init(struct service_manager *manager)
{
    *manager = (struct service_manager){.socket.sun_family = AF_UNIX, .next = UINT64_MAX};
    const char *path = getenv("NOTIFY_SOCKET");
    const size_t length = path ? strlen(path) : 0;
    if (length < 2 || length >= sizeof manager->socket.sun_path || (*path != '/' && *path != '@'))
        return;
    memcpy(manager->socket.sun_path, path, length);
    manager->socket_length = (uint32_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (*path == '@') /* in the abstract namespace: its name has its length */
        manager->socket.sun_path[0] = '\0';
    else
        manager->socket_length++;
    const uint64_t process = number("WATCHDOG_PID"), limit = number("WATCHDOG_USEC");
    if (limit == 0 || limit > UINT64_MAX / 1000 || (process && process != (uint64_t)getpid()))
        return;
    manager->limit = limit * 1000;
    manager->next = 0;
}

void service_manager_ready(struct service_manager *manager)
{
    manager->owes_ready = !say(manager, "READY=1");
}

void service_manager_stopping(const struct service_manager *manager)
{
    (void)say(manager, "STOPPING=1");
}

void service_manager_long_work(struct service_manager *manager, bool begins)
{
    if (manager->limit > 0 && manager->limit < LONG_WORK_NS)
        manager->owes_limit =
            !say_limit(manager, begins ? LONG_WORK_NS : manager->limit) && !begins;
}

void service_manager_alive(struct service_manager *manager, uint64_t now)
{
    if (manager->owes_ready)
        manager->owes_ready = !say(manager, "READY=1");
    if (manager->owes_limit)
        manager->owes_limit = !say_limit(manager, manager->limit);
    if (now < manager->next)
        return;
    manager->next = now + manager->limit / 3;
    (void)say(manager, "WATCHDOG=1");
}

uint64_t service_manager_next(const struct service_manager *manager, uint64_t now)
{
    const uint64_t again = now + AGAIN_NS;
    const bool owes = manager->owes_ready || manager->owes_limit;
    return owes && again < manager->next ? again : manager->next;
}
