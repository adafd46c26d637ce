/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/server.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool failed(const char *what, const char *path, char *error, size_t size)
{
    snprintf(error, size, "%s '%s': %s", what, path, strerror(errno));
    return false;
}

/* What a gateway left that did not end properly goes; one that listens stays. */
static bool clear_path(const struct sockaddr_un *address, char *error, size_t size)
{
    struct stat status;
    if (lstat(address->sun_path, &status) != 0)
        return true;
    if (!S_ISSOCK(status.st_mode)) {
        snprintf(error, size, "'%s' is there already and no socket", address->sun_path);
        return false;
    }
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const bool listens =
        fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
                    errno != ECONNREFUSED);
    if (fd >= 0)
        close(fd);
    if (listens) {
        snprintf(error, size, "another gateway listens on '%s'", address->sun_path);
        return false;
    }
    return unlink(address->sun_path) == 0 ||
           failed("cannot remove", address->sun_path, error, size);
}

static bool own_by_group(const char *path, const char *name, char *error, size_t size)
{
    if (name[0] == '\0')
        return true;
    errno = 0;
    const struct group *group = getgrnam(name);
    if (!group) {
        snprintf(error, size, "there is no group '%s' for the control socket", name);
        return false;
    }
    return chown(path, (uid_t)-1, group->gr_gid) == 0 ||
           failed("cannot give the group to", path, error, size);
}

bool control_open(struct control_server *server, const char *path, unsigned mode, const char *group,
                  char *error, size_t error_size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
        server->client[i].fd = -1;
    server->fd = -1;
    if (strlen(path) >= sizeof address.sun_path) {
        snprintf(error, error_size, "the path '%s' is longer than a socket's may be", path);
        return false;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (!clear_path(&address, error, error_size))
        return false;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* Nobody may connect before owner and mode are right: without listen() nobody can. */
    const mode_t before = umask(0777);
    const bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    umask(before);
    bool good = bound || failed("cannot make the control socket", path, error, error_size);
    good = good && own_by_group(path, group, error, error_size);
    if (good && (chmod(path, (mode_t)mode) != 0 || listen(fd, CONTROL_CLIENTS) != 0))
        good = failed("cannot open the control socket", path, error, error_size);
    if (good) {
        server->fd = fd;
        memcpy(server->path, path, strlen(path) + 1);
        return true;
    }
    if (bound)
        unlink(path);
    if (fd >= 0)
        close(fd);
    return false;
}

static void drop(struct control_client *client)
{
    close(client->fd);
    free(client->reply);
    *client = (struct control_client){.fd = -1};
}

void control_close(struct control_server *server)
{
    if (server->fd < 0)
        return;
    for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
        if (server->client[i].fd >= 0)
            drop(&server->client[i]);
    close(server->fd);
    unlink(server->path);
    server->fd = -1;
}

nfds_t control_poll_set(const struct control_server *server, struct pollfd *set)
{
    nfds_t count = 0;
    bool room = false;
    for (unsigned i = 0; server->fd >= 0 && i < CONTROL_CLIENTS; i++) {
        const struct control_client *client = &server->client[i];
        room |= client->fd < 0;
        /* Who waits for an answer is only asked whether it is still there. */
        if (client->fd >= 0)
            set[count++] = (struct pollfd){.fd = client->fd,
                                           .events = client->reply   ? POLLOUT
                                                     : client->whole ? 0
                                                                     : POLLIN};
    }
    if (room)
        set[count++] = (struct pollfd){.fd = server->fd, .events = POLLIN};
    return count;
}

uint64_t control_deadline(const struct control_server *server)
{
    uint64_t first = UINT64_MAX;
    for (unsigned i = 0; server->fd >= 0 && i < CONTROL_CLIENTS; i++) {
        const struct control_client *client = &server->client[i];
        if (client->fd >= 0 && !client->held && client->since + CONTROL_IDLE_NS < first)
            first = client->since + CONTROL_IDLE_NS;
    }
    return first;
}

static void accept_clients(struct control_server *server, uint64_t now)
{
    for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
        struct control_client *client = &server->client[i];
        if (client->fd >= 0)
            continue;
        const int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct ucred peer = {.uid = (uid_t)-1};
        socklen_t size = sizeof peer;
        if (fd < 0)
            return;
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
        *client = (struct control_client){.fd = fd, .uid = peer.uid, .since = now};
    }
}

/* False: the client is to be dropped. */
static bool read_request(struct control_client *client, uint64_t now)
{
    const ssize_t got = recv(client->fd, client->request + client->length,
                             sizeof client->request - 1 - client->length, 0);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    if (got == 0)
        return false; /* ended without a whole request, or it is too long */
    client->since = now;
    client->length += (size_t)got;
    client->request[client->length] = '\0';
    client->whole = strlen(client->request) == client->length && strstr(client->request, "\n\n");
    return true;
}

static bool write_reply(struct control_client *client, uint64_t now)
{
    const ssize_t sent = send(client->fd, client->reply + client->sent,
                              client->reply_length - client->sent, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR;
    client->since = now;
    client->sent += (size_t)sent;
    return client->sent < client->reply_length;
}

static bool still_there(struct control_client *client)
{
    struct pollfd hung_up = {.fd = client->fd};
    return poll(&hung_up, 1, 0) == 0;
}

void control_serve(struct control_server *server, uint64_t now)
{
    if (server->fd < 0)
        return;
    accept_clients(server, now);
    for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
        struct control_client *client = &server->client[i];
        if (client->fd < 0)
            continue;
        bool stays = client->reply   ? write_reply(client, now)
                     : client->whole ? still_there(client)
                                     : read_request(client, now);
        if (!client->held && now >= client->since + CONTROL_IDLE_NS)
            stays = false;
        if (!stays)
            drop(client);
    }
}

struct control_client *control_next(struct control_server *server)
{
    for (unsigned i = 0; server->fd >= 0 && i < CONTROL_CLIENTS; i++) {
        struct control_client *client = &server->client[i];
        if (client->fd >= 0 && client->whole && !client->held && !client->reply)
            return client;
    }
    return NULL;
}

void control_answer(struct control_client *client, int status, char *text)
{
    char *reply = NULL;
    const int length = asprintf(&reply, "%d\n%s", status, text ? text : "");
    free(text);
    client->held = false;
    client->reply = length < 0 ? NULL : reply;
    client->reply_length = length < 0 ? 0 : (size_t)length;
    if (!client->reply)
        drop(client);
}
