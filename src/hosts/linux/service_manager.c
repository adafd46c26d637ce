/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/linux/service_manager.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

static void say(const struct service_manager *manager, const char *state)
{
    if (manager->socket_length == 0)
        return;
    /* Not kept open: what is forked meanwhile has no socket too many. */
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    /* Lost where nobody takes it: the manager's business. */
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&manager->socket,
                 manager->socket_length);
    close(fd);
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
    manager->interval = limit * 1000 / 3;
    manager->next = 0;
}

void service_manager_ready(const struct service_manager *manager)
{
    say(manager, "READY=1");
}

void service_manager_stopping(const struct service_manager *manager)
{
    say(manager, "STOPPING=1");
}

void service_manager_alive(struct service_manager *manager, uint64_t now)
{
    if (now < manager->next)
        return;
    manager->next = now + manager->interval;
    say(manager, "WATCHDOG=1");
}
