/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/linux/syslog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define RETRY_NS    UINT64_C(1000000000)
#define SEND_BUFFER 65536

/* RFC 5424 6.2.1 table 2 */
enum severity { CRITICAL = 2, ERROR = 3, WARNING = 4, NOTICE = 5, INFORMATIONAL = 6 };

static const struct {
    const char *member, *value;
    enum severity severity;
} severities[] = {
    {"event", "component-died", CRITICAL}, {"event", "closed", CRITICAL},
    {"event", "restart-failed", CRITICAL}, {"event", "audit-lost", ERROR},
    {"event", "audit-stopped", CRITICAL},  {"event", "launcher-hung", CRITICAL},
    {"event", "request-failed", WARNING},  {"event", "dropped", WARNING},
    {"event", "override-start", WARNING},  {"event", "override-reminder", WARNING},
    {"event", "override-end", WARNING},    {"event", "reload-failed", WARNING},
    {"verdict", "deny", WARNING},          {"verdict", "malformed", WARNING},
    {"event", "restarted", NOTICE},        {"event", "started", NOTICE},
    {"event", "stopped", NOTICE},          {"event", "reloaded", NOTICE},
    {"event", "launcher-resumed", NOTICE},
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* A member's text, without what JSON escapes; "" where the line has none. Inside a string no
 * quote stands bare, so what looks like the member is it. */
static void member_of(const char *line, size_t length, const char *member, char *text, size_t size)
{
    char wanted[40];
    const int wanted_length = snprintf(wanted, sizeof wanted, "\"%s\":\"", member);
    text[0] = '\0';
    const char *found = memmem(line, length, wanted, (size_t)wanted_length);
    if (!found)
        return;
    found += wanted_length;
    size_t used = 0;
    while (found < line + length && *found != '"' && *found != '\\' && used + 1 < size)
        text[used++] = *found++;
    text[used] = '\0';
}

size_t syslog_format(const struct syslog *syslog, const char *line, size_t length, char *message,
                     size_t size)
{
    char timestamp[40], event[33], verdict[16];
    member_of(line, length, "timestamp", timestamp, sizeof timestamp);
    member_of(line, length, "event", event, sizeof event);
    member_of(line, length, "verdict", verdict, sizeof verdict);
    enum severity severity = INFORMATIONAL;
    for (size_t i = sizeof severities / sizeof *severities; i-- > 0;)
        if (strcmp(severities[i].value, severities[i].member[0] == 'e' ? event : verdict) == 0)
            severity = severities[i].severity;
    /* "2026-11-22T22:38:24.057237+0000": RFC 5424 6.2.3 wants Z or a colon there. */
    char *zone = strchr(timestamp, '+');
    if (zone)
        memcpy(zone, "Z", 2);
    const int head = snprintf(message, size, "<%u>1 %s %s sluice %ld %s - ",
                              syslog->to.facility * 8u + severity, timestamp[0] ? timestamp : "-",
                              syslog->host, (long)syslog->process, event[0] ? event : "-");
    size_t used = head > 0 ? (size_t)head : 0;
    if (length > size - used)
        length = size - used;
    memcpy(message + used, line, length);
    return used + length;
}

void syslog_name(const struct syslog *syslog, char *name, size_t size)
{
    const struct site_syslog *to = &syslog->to;
    if (to->kind == SITE_SYSLOG_UNIX)
        snprintf(name, size, "%s", to->path);
    else
        snprintf(name, size, "%s:%u.%u.%u.%u:%u", to->kind == SITE_SYSLOG_UDP ? "udp" : "tcp",
                 to->address >> 24, to->address >> 16 & 255, to->address >> 8 & 255,
                 to->address & 255, to->port);
}

void syslog_start(struct syslog *syslog, const struct site_syslog *to, pid_t process)
{
    syslog->to = *to;
    syslog->process = process;
    syslog->fd = -1;
    snprintf(syslog->host, sizeof syslog->host, "%s", to->host);
    if (!syslog->host[0] && gethostname(syslog->host, sizeof syslog->host - 1) != 0)
        snprintf(syslog->host, sizeof syslog->host, "-");
}

static void failed(struct syslog *syslog, int error)
{
    if (syslog->fd >= 0)
        close(syslog->fd);
    syslog->fd = -1;
    syslog->connecting = false;
    syslog->sent = 0; /* the next connection gets the message whole */
    syslog->error = error;
    syslog->next_try = now_ns() + RETRY_NS;
}

static bool connected(struct syslog *syslog)
{
    int error = 0;
    if (syslog->fd >= 0 && syslog->connecting) {
        struct sockaddr_in peer;
        socklen_t size = sizeof error, peer_size = sizeof peer;
        getsockopt(syslog->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error)
            failed(syslog, error);
        else
            syslog->connecting = getpeername(syslog->fd, (struct sockaddr *)&peer, &peer_size) != 0;
    }
    if (syslog->fd >= 0 || now_ns() < syslog->next_try)
        return syslog->fd >= 0 && !syslog->connecting;

    const struct site_syslog *to = &syslog->to;
    const bool local = to->kind == SITE_SYSLOG_UNIX;
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct sockaddr_in endpoint = {
        .sin_family = AF_INET, .sin_port = htons(to->port), .sin_addr.s_addr = htonl(to->address)};
    memcpy(path.sun_path, to->path, sizeof path.sun_path);
    syslog->fd = socket(
        local ? AF_UNIX : AF_INET,
        (to->kind == SITE_SYSLOG_TCP ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* What lies in the kernel is lost without a count when the receiver goes. */
    if (to->kind == SITE_SYSLOG_TCP && syslog->fd >= 0)
        setsockopt(syslog->fd, SOL_SOCKET, SO_SNDBUF, &(int){SEND_BUFFER}, sizeof(int));
    const void *address = local ? (const void *)&path : (const void *)&endpoint;
    if (syslog->fd < 0 || (connect(syslog->fd, address, local ? sizeof path : sizeof endpoint) &&
                           errno != EINPROGRESS)) {
        failed(syslog, errno);
        return false;
    }
    syslog->connecting = to->kind == SITE_SYSLOG_TCP;
    return !syslog->connecting;
}

/* The queue holds messages one after the other, each after its length. */
void syslog_line(struct syslog *syslog, const char *line, size_t length)
{
    char message[SYSLOG_MESSAGE], framed[SYSLOG_MESSAGE + 16];
    if (syslog->to.kind == SITE_SYSLOG_NONE)
        return;
    length = syslog_format(syslog, line, length, message, sizeof message);
    int frame = 0;
    if (syslog->to.kind == SITE_SYSLOG_TCP)
        frame = snprintf(framed, sizeof framed, "%zu ", length);
    memcpy(framed + frame, message, length);
    const uint32_t whole = (uint32_t)(length + (size_t)frame);
    if (syslog->length + sizeof whole + whole > SYSLOG_QUEUE)
        syslog_flush(syslog);
    if (syslog->length + sizeof whole + whole > SYSLOG_QUEUE) {
        syslog->lost++;
        return;
    }
    memcpy(syslog->queue + syslog->length, &whole, sizeof whole);
    memcpy(syslog->queue + syslog->length + sizeof whole, framed, whole);
    syslog->length += sizeof whole + whole;
}

bool syslog_flush(struct syslog *syslog)
{
    size_t done = 0;
    uint32_t whole = 0;
    while (done < syslog->length && connected(syslog)) {
        memcpy(&whole, syslog->queue + done, sizeof whole);
        const ssize_t sent = send(syslog->fd, syslog->queue + done + sizeof whole + syslog->sent,
                                  whole - syslog->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0) {
            if (errno == EMSGSIZE) { /* no receiver takes it */
                syslog->lost++;
                done += sizeof whole + whole;
            } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
                break;
            } else if (errno != EINTR) {
                failed(syslog, errno);
            }
            continue;
        }
        syslog->error = 0;
        syslog->sent += (size_t)sent;
        if (syslog->sent < whole)
            continue;
        syslog->sent = 0;
        done += sizeof whole + whole;
    }
    syslog->length -= done;
    memmove(syslog->queue, syslog->queue + done, syslog->length);
    return syslog->length == 0;
}
