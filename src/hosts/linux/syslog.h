/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Audit lines to a syslog receiver, as RFC 5424 has them: over a unix datagram socket such as
 * /dev/log, UDP (RFC 5426: a datagram each) or TCP (RFC 6587 3.4.1: each with its length before
 * it). Never waits: what the receiver does not take now stays here, what does not fit is dropped
 * and counted. A receiver that is gone is looked for once a second.
 */
#ifndef SLUICE_LINUX_SYSLOG_H
#define SLUICE_LINUX_SYSLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "policy/site.h"

#define SYSLOG_QUEUE   262144u /* bytes that wait for the receiver */
#define SYSLOG_MESSAGE 8192u   /* the longest message; longer ones are cut */

struct syslog {
    struct site_syslog to;
    pid_t process; /* PROCID: the gateway's launcher */
    char host[65];
    int fd; /* -1: not connected */
    bool connecting;
    int error;           /* errno of the last failure; 0: none since it last worked */
    uint64_t next_try;   /* monotonic ns */
    size_t length, sent; /* of the queue; of its first message, TCP only */
    uint64_t lost;       /* messages; whoever reports them takes them back */
    uint8_t queue[SYSLOG_QUEUE];
};

/* `to->kind` SITE_SYSLOG_NONE: all below does nothing. */
void syslog_start(struct syslog *syslog, const struct site_syslog *to, pid_t process);
/* One audit line, JSON; its members say when, what and how serious. */
void syslog_line(struct syslog *syslog, const char *line, size_t length);
/* Sends what the receiver takes. True when nothing waits. */
bool syslog_flush(struct syslog *syslog);
/* Where messages go, for messages about it. */
void syslog_name(const struct syslog *syslog, char *name, size_t size);

/* The message for a line, without any framing; its length. `size` at least 512. */
size_t syslog_format(const struct syslog *syslog, const char *line, size_t length, char *message,
                     size_t size);

#endif
