/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a service manager (systemd) is told of the gateway: that it is up, that its launcher takes
 * turns, that it stops. sd_notify(3): a datagram to the socket that $NOTIFY_SOCKET names. Where
 * nobody asks for it nothing is sent.
 */
#ifndef SLUICE_LINUX_SERVICE_MANAGER_H
#define SLUICE_LINUX_SERVICE_MANAGER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

struct service_manager {
    struct sockaddr_un socket;
    uint32_t socket_length;      /* 0: there is none */
    uint64_t limit;              /* ns without a sign of life after which we are killed; 0: none */
    uint64_t next;               /* monotonic ns: when a sign of life is due; UINT64_MAX: never */
    bool owes_ready, owes_limit; /* not said yet: the manager's queue was full */
};

/* From the environment: $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID (sd_watchdog_enabled(3)).
 */
void service_manager_init(struct service_manager *manager);
void service_manager_ready(struct service_manager *manager);
void service_manager_stopping(const struct service_manager *manager);
/* Before and after what may take longer than a turn: there is more time meanwhile. */
void service_manager_long_work(struct service_manager *manager, bool begins);
/* In each turn. A sign of life, when one is due: three in the time after which the manager gives
 * the launcher up. */
void service_manager_alive(struct service_manager *manager, uint64_t now);
/* When the next turn is to be at the latest. */
uint64_t service_manager_next(const struct service_manager *manager, uint64_t now);

#endif
