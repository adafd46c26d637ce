/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The side that answers: the launcher's socket. Nothing here waits for anybody: a client that sends
 * or takes nothing for CONTROL_IDLE_NS is dropped, and there are at most CONTROL_CLIENTS.
 */
#ifndef SLUICE_CONTROL_SERVER_H
#define SLUICE_CONTROL_SERVER_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "control/control.h"

#define CONTROL_CLIENTS 8u
#define CONTROL_IDLE_NS UINT64_C(5000000000)

struct control_client {
    int fd; /* -1: free */
    uid_t uid;
    uint64_t since; /* of its last byte, ns */
    size_t length;  /* of the request so far */
    char request[CONTROL_REQUEST_SIZE];
    bool whole;  /* the request is */
    bool held;   /* it has not been answered, and need not be yet */
    char *reply; /* malloc'd; NULL: none yet */
    size_t reply_length, sent;
};

struct control_server {
    int fd; /* -1: no socket */
    char path[CONTROL_PATH_SIZE];
    struct control_client client[CONTROL_CLIENTS];
};

/* Makes the socket; `group` "" for none. False: `error` says why. */
bool control_open(struct control_server *server, const char *path, unsigned mode, const char *group,
                  char *error, size_t error_size);
void control_close(struct control_server *server);

/* Fills in what to poll for; returns how many, at most CONTROL_CLIENTS + 1. */
nfds_t control_poll_set(const struct control_server *server, struct pollfd *set);
/* When a client is to be dropped, UINT64_MAX for none. */
uint64_t control_deadline(const struct control_server *server);

/* Reads and writes what can be. Afterwards control_next() gives the requests that are whole and
 * neither answered nor held, NULL for none. */
void control_serve(struct control_server *server, uint64_t now);
struct control_client *control_next(struct control_server *server);

/* The answer: `text`, malloc'd, becomes the server's. */
void control_answer(struct control_client *client, int status, char *text);

#endif
