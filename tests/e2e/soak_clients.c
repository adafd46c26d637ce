/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mixed clients for the soak: each of CONNECTIONS connections keeps one to four requests under
 * way, allowed ones, denied ones and malformed ones, and connects anew now and then. Every
 * request must get its one reply, of the kind that it deserves, in order.
 *
 *   soak_clients ADDRESS PORT CONNECTIONS REQUESTS
 *
 * Ends when REQUESTS were answered; prints how many of each kind. Anything else is said, status 1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MOST_UNDER_WAY 4u
#define RECONNECT      5000u /* requests of a connection, at least */
#define SILENCE_MS     30000

enum kind { KIND_READ, KIND_DENIED, KIND_MALFORMED, KIND_COUNT };
static const struct {
    uint8_t function, exception;
    uint16_t address, quantity;
    size_t reply;
} kinds[KIND_COUNT] = {
    [KIND_READ] = {3, 0, 0, 4, 17},
    [KIND_DENIED] = {6, 2, 77, 1, 9},    /* no rule for this register */
    [KIND_MALFORMED] = {3, 3, 0, 126, 9} /* AP 6.3: at most 125 */
};

struct connection {
    int fd;
    uint32_t sent, answered;
    unsigned under_way; /* kept so many */
    size_t held;
    uint8_t bytes[MOST_UNDER_WAY * 32];
};

static struct sockaddr_in to;
static int poller;
static uint64_t counts[KIND_COUNT], connects;

/* Which request number `n` of a connection is: two of three are reads. */
static enum kind kind_of(uint32_t n)
{
    return n % 6 == 5 ? KIND_MALFORMED : n % 6 == 2 ? KIND_DENIED : KIND_READ;
}

static void fail(const struct connection *connection, const char *what)
{
    fprintf(stderr, "soak_clients: request %u: %s\n", connection->answered, what);
    exit(1);
}

static void send_next(struct connection *connection)
{
    const uint32_t n = connection->sent++;
    const enum kind kind = kind_of(n);
    const uint8_t adu[12] = {(uint8_t)(n >> 8),
                             (uint8_t)n,
                             0,
                             0,
                             0,
                             6,
                             1,
                             kinds[kind].function,
                             (uint8_t)(kinds[kind].address >> 8),
                             (uint8_t)kinds[kind].address,
                             (uint8_t)(kinds[kind].quantity >> 8),
                             (uint8_t)kinds[kind].quantity};
    if (write(connection->fd, adu, sizeof adu) != sizeof adu)
        fail(connection, strerror(errno));
}

static void open_connection(struct connection *connection, unsigned under_way)
{
    int one = 1;
    *connection =
        (struct connection){.fd = socket(AF_INET, SOCK_STREAM, 0), .under_way = under_way};
    if (connect(connection->fd, (struct sockaddr *)&to, sizeof to) < 0)
        fail(connection, strerror(errno));
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(poller, EPOLL_CTL_ADD, connection->fd, &event);
    connects++;
    for (unsigned i = 0; i < under_way; i++)
        send_next(connection);
}

/* Takes one reply off the head. The gateway answers what it refuses itself before what the device
 * still has: replies may overtake each other, so the transaction says which one it is. */
static size_t take_reply(struct connection *connection)
{
    const uint8_t *reply = connection->bytes;
    if (connection->held < 9)
        return 0;
    const uint16_t transaction = (uint16_t)(reply[0] << 8 | reply[1]);
    const enum kind kind =
        kind_of(connection->sent - 1 - (uint16_t)(connection->sent - 1 - transaction));
    if (connection->held < kinds[kind].reply)
        return 0;
    if ((uint16_t)(connection->sent - 1 - transaction) >= 4 * MOST_UNDER_WAY)
        fail(connection, "a reply that nobody asked for");
    const uint8_t function = kinds[kind].function | (kinds[kind].exception ? 0x80 : 0);
    if (reply[7] != function || (kinds[kind].exception && reply[8] != kinds[kind].exception))
        fail(connection, "another reply than it deserves");
    counts[kind]++;
    connection->answered++;
    return kinds[kind].reply;
}

static void receive(struct connection *connection)
{
    ssize_t got = read(connection->fd, connection->bytes + connection->held,
                       sizeof connection->bytes - connection->held);
    if (got <= 0)
        fail(connection, got ? strerror(errno) : "the connection was closed");
    connection->held += (size_t)got;
    size_t length;
    while ((length = take_reply(connection)) != 0) {
        connection->held -= length;
        memmove(connection->bytes, connection->bytes + length, connection->held);
        if (connection->sent < RECONNECT * connection->under_way)
            send_next(connection);
    }
    if (connection->sent != connection->answered)
        return;
    close(connection->fd);
    open_connection(connection, connection->under_way);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: soak_clients ADDRESS PORT CONNECTIONS REQUESTS\n");
        return 2;
    }
    const unsigned connections = (unsigned)atoi(argv[3]);
    const uint64_t wanted = strtoull(argv[4], NULL, 10);
    to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &to.sin_addr);
    poller = epoll_create1(0);
    struct connection *all = calloc(connections, sizeof *all);
    for (unsigned i = 0; i < connections; i++)
        open_connection(&all[i], i % MOST_UNDER_WAY + 1);
    while (counts[KIND_READ] + counts[KIND_DENIED] + counts[KIND_MALFORMED] < wanted) {
        struct epoll_event events[64];
        int ready = epoll_wait(poller, events, 64, SILENCE_MS);
        if (ready <= 0)
            fail(&all[0], "silence: requests were lost");
        for (int i = 0; i < ready; i++)
            receive(events[i].data.ptr);
    }
    printf("{\"read\":%llu,\"denied\":%llu,\"malformed\":%llu,\"connections\":%llu}\n",
           (unsigned long long)counts[KIND_READ], (unsigned long long)counts[KIND_DENIED],
           (unsigned long long)counts[KIND_MALFORMED], (unsigned long long)connects);
    return 0;
}
