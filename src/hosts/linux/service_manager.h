/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a service manager (systemd) is told of the gateway: that it is up, that its launcher takes
 * turns, that it stops. sd_notify(3): a datagram to the socket that $NOTIFY_SOCKET names. Where
 * nobody asks for it nothing is sent.
 */
#ifndef SLUICE_LINUX_SERVICE_MANAGER_H
#define SLUICE_LINUX_SERVICE_MANAGER_H

#include <stdint.h>
#include <sys/un.h>

struct service_manager {
    struct sockaddr_un socket;
    uint32_t socket_length; /* 0: there is none */
    uint64_t interval;      /* ns between two signs of life; 0: none are wanted */
    uint64_t next;          /* monotonic ns; UINT64_MAX: none is due */
};

/* From the environment: $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID (sd_watchdog_enabled(3)).
 */
void service_manager_init(struct service_manager *manager);
void service_manager_ready(const struct service_manager *manager);
void service_manager_stopping(const struct service_manager *manager);
/* A sign of life, when one is due: three in the time after which the manager gives the launcher up.
 */
void service_manager_alive(struct service_manager *manager, uint64_t now);

#endif
