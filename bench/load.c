/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Closed-loop load: CONNECTIONS connections, one read of four registers outstanding on each.
 *
 *   load ADDRESS PORT CONNECTIONS SECONDS [IDLE [SOURCE [EVERY]]]
 *
 * IDLE further connections are opened first, used once and then left alone. SOURCE: the client's
 * own address. EVERY, with one connection: microseconds from one request to the next.
 *
 * One JSON line: requests, errors, per second, round trip p50 p99 p99.9 in microseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define REPLY_SIZE  17 /* MBAP, function, byte count, four registers */
#define MAX_SAMPLES 8000000u

struct connection {
    int fd;
    uint16_t transaction;
    unsigned got;
    uint8_t reply[REPLY_SIZE];
    uint64_t sent;
};

static uint32_t *samples; /* nanoseconds */
static size_t count, errors;
static uint64_t every; /* ns between requests; 0: at once */

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void request(struct connection *c)
{
    c->transaction++;
    uint8_t adu[12] = {
        (uint8_t)(c->transaction >> 8), (uint8_t)c->transaction, 0, 0, 0, 6, 1, 3, 0, 0, 0, 4};
    c->got = 0;
    c->sent = now();
    if (write(c->fd, adu, sizeof adu) != sizeof adu) {
        perror("load: write");
        exit(1);
    }
}

static void reply(struct connection *c)
{
    ssize_t n = read(c->fd, c->reply + c->got, REPLY_SIZE - c->got);
    if (n <= 0) {
        fprintf(stderr, "load: connection lost: %s\n", n ? strerror(errno) : "closed");
        exit(1);
    }
    c->got += (unsigned)n;
    if (c->got < 9 || (c->got < REPLY_SIZE && !(c->reply[7] & 0x80)))
        return;
    if (count < MAX_SAMPLES)
        samples[count++] = (uint32_t)(now() - c->sent);
    if (c->reply[7] != 3 || (c->reply[0] << 8 | c->reply[1]) != c->transaction)
        errors++;
    const uint64_t took = now() - c->sent;
    if (took < every)
        usleep((useconds_t)((every - took) / 1000));
    request(c);
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double microseconds(double quantile)
{
    if (count == 0)
        return 0;
    size_t index = (size_t)(quantile * (double)(count - 1));
    return samples[index] / 1000.0;
}

static int open_connection(const struct sockaddr_in *to, const char *source)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (source && inet_pton(AF_INET, source, &from.sin_addr) == 1 &&
        bind(fd, (struct sockaddr *)&from, sizeof from) < 0) {
        perror("load: bind");
        exit(1);
    }
    if (connect(fd, (const struct sockaddr *)to, sizeof *to) < 0) {
        perror("load: connect");
        exit(1);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* One request and its reply, so that whatever is made at the first request is made. */
static void use_once(int fd)
{
    struct connection c = {.fd = fd};
    request(&c);
    while (c.got < REPLY_SIZE) {
        ssize_t n = read(fd, c.reply + c.got, REPLY_SIZE - c.got);
        if (n <= 0) {
            fprintf(stderr, "load: an idle connection was lost\n");
            exit(1);
        }
        c.got += (unsigned)n;
    }
}

int main(int argc, char **argv)
{
    if (argc < 5 || argc > 8) {
        fprintf(stderr, "usage: load ADDRESS PORT CONNECTIONS SECONDS [IDLE [SOURCE [EVERY]]]\n");
        return 2;
    }
    const char *source = argc > 6 ? argv[6] : NULL;
    if (argc > 7)
        every = (uint64_t)atol(argv[7]) * 1000u;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &to.sin_addr);
    int connections = atoi(argv[3]);
    samples = malloc(MAX_SAMPLES * sizeof *samples);
    struct connection *all = calloc((size_t)connections, sizeof *all);
    int epoll = epoll_create1(0);
    for (int i = 0; argc > 5 && i < atoi(argv[5]); i++)
        use_once(open_connection(&to, source));
    for (int i = 0; i < connections; i++) {
        all[i].fd = open_connection(&to, source);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event);
    }
    uint64_t start = now(), end = start + (uint64_t)(atof(argv[4]) * 1e9);
    for (int i = 0; i < connections; i++)
        request(&all[i]);
    while (now() < end) {
        struct epoll_event events[64];
        int ready = epoll_wait(epoll, events, 64, 1000);
        if (ready == 0)
            errors++;
        for (int i = 0; i < ready; i++)
            reply(events[i].data.ptr);
    }
    double seconds = (double)(now() - start) / 1e9;
    qsort(samples, count, sizeof *samples, ascending);
    printf("{\"requests\":%zu,\"errors\":%zu,\"per_second\":%.0f,\"p50\":%.2f,\"p99\":%.2f,"
           "\"p999\":%.2f}\n",
           count, errors, (double)count / seconds, microseconds(.5), microseconds(.99),
           microseconds(.999));
    return errors != 0;
}
