/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fastest device that still speaks Modbus: answers reads and writes of holding registers,
 * nothing else, so that what is measured is what stands before it.   device ADDRESS PORT
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MAX_DESCRIPTORS 4096
static struct {
    uint8_t bytes[4096];
    size_t length;
} pending[MAX_DESCRIPTORS];

static void serve(int fd)
{
    ssize_t n = read(fd, pending[fd].bytes + pending[fd].length,
                     sizeof pending[fd].bytes - pending[fd].length);
    if (n <= 0) {
        close(fd);
        pending[fd].length = 0;
        return;
    }
    pending[fd].length += (size_t)n;
    uint8_t out[8192], *in = pending[fd].bytes;
    size_t used = 0, produced = 0;
    while (pending[fd].length - used >= 12 && produced + 259 < sizeof out) {
        const uint8_t function = in[used + 7], quantity = in[used + 11];
        const size_t whole = 6u + in[used + 5] + 256u * in[used + 4];
        if (pending[fd].length - used < whole)
            break;
        memcpy(out + produced, in + used, 12);
        if (function == 6 || function == 16) { /* answered by the first bytes of themselves */
            out[produced + 4] = 0;
            out[produced + 5] = 6;
            produced += 12;
            used += whole;
            continue;
        }
        if (function != 3 || quantity > 125)
            abort();
        out[produced + 4] = 0;
        out[produced + 5] = (uint8_t)(3 + 2 * quantity);
        out[produced + 8] = (uint8_t)(2 * quantity);
        memset(out + produced + 9, 7, 2u * quantity);
        produced += 9u + 2u * quantity;
        used += 12;
    }
    memmove(in, in + used, pending[fd].length - used);
    pending[fd].length -= used;
    if (produced && write(fd, out, produced) < 0)
        close(fd);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
    inet_pton(AF_INET, argv[1], &at.sin_addr);
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1, epoll = epoll_create1(0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, 512) < 0) {
        perror("device");
        return 1;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct epoll_event events[64];
        int ready = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd != listener) {
                serve(events[i].data.fd);
                continue;
            }
            int fd = accept(listener, NULL, NULL);
            if (fd < 0 || fd >= MAX_DESCRIPTORS)
                continue;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            event.data.fd = fd;
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        }
    }
}
