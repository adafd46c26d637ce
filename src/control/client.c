/* SPDX-License-Identifier: BSD-2-Clause */
/* The side that asks: `sluice status`, `reload`, `override`. */
#include "control/control.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_S 30 /* a gateway that restarts may need some of it */
#define UNABLE     2  /* CLI_UNABLE */

static bool is_socket_name(const char *name)
{
    const size_t length = strlen(name);
    return length > 5 && strcmp(name + length - 5, ".sock") == 0;
}

bool control_find(const char *verb, const char *given, char path[CONTROL_PATH_SIZE])
{
    if (given) {
        if (strlen(given) < CONTROL_PATH_SIZE) {
            memcpy(path, given, strlen(given) + 1);
            return true;
        }
        fprintf(stderr, "sluice %s: the path of the socket is longer than %u bytes: '%s'\n", verb,
                CONTROL_PATH_SIZE - 1, given);
        return false;
    }
    char found[1024] = "";
    unsigned count = 0;
    DIR *directory = opendir(CONTROL_DIRECTORY);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        if (!is_socket_name(entry->d_name))
            continue;
        const size_t used = strlen(found);
        snprintf(found + used, sizeof found - used, "%s" CONTROL_DIRECTORY "/%s",
                 count++ ? ", " : "", entry->d_name);
    }
    if (!directory && errno == EACCES) {
        fprintf(stderr, "sluice %s: you may not look into " CONTROL_DIRECTORY ": ask as root\n",
                verb);
        return false;
    }
    if (directory)
        closedir(directory);
    if (count == 1 && strlen(found) < CONTROL_PATH_SIZE) {
        memcpy(path, found, strlen(found) + 1);
        return true;
    }
    if (count == 0)
        fprintf(stderr,
                "sluice %s: there is no socket in " CONTROL_DIRECTORY ": is the gateway running? "
                "Where its file names another place, say so: --socket PATH\n",
                verb);
    else
        fprintf(stderr, "sluice %s: which gateway? --socket PATH names one of %s\n", verb, found);
    return false;
}

static int connect_to(const char *verb, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    memcpy(address.sun_path, path, strlen(path) + 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
        connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    const int error = errno;
    fprintf(stderr, "sluice %s: %s: %s%s\n", verb, path, strerror(error),
            error == EACCES ? ": the file's permissions say who may; ask as root, or see "
                              "gateway/control in docs/policy.md"
            : error == ENOENT || error == ECONNREFUSED
                ? ": no gateway listens there; is it running?"
                : "");
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool send_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        const ssize_t sent = send(fd, text, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        text += sent;
        length -= (size_t)sent;
    }
    return true;
}

int control_ask(const char *verb, const char *path, const char *request)
{
    const int fd = connect_to(verb, path);
    if (fd < 0)
        return UNABLE;
    char text[4096];
    FILE *out = NULL;
    int status = UNABLE;
    ssize_t got = 0;
    bool asked = send_all(fd, request, strlen(request)) && send_all(fd, "\n", 1);
    while (asked && (got = recv(fd, text, sizeof text, 0)) > 0) {
        const char *from = text;
        if (!out && got >= 2 && text[1] == '\n') {
            status = text[0] - '0';
            out = status == 0 ? stdout : stderr;
            from += 2;
        }
        if (!out)
            break;
        fwrite(from, 1, (size_t)(text + got - from), out);
    }
    if (!out || got < 0) {
        fprintf(stderr, "sluice %s: %s: no answer%s%s\n", verb, path, got < 0 ? ": " : "",
                got < 0 ? strerror(errno) : "");
        status = UNABLE;
    }
    close(fd);
    return status;
}
