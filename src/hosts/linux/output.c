/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/linux/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int output_open(const char *path)
{
    const int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    if (strcmp(path, "-") != 0)
        return open(path, flags | O_CREAT, 0640);

    /* O_NONBLOCK belongs to the open file, which our caller may share: open it once more. A
     * socket cannot be opened so, and a closed terminal neither: these stay as they are. */
    struct stat status;
    if (fstat(STDOUT_FILENO, &status) == 0 &&
        (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode))) {
        int fd = open("/proc/self/fd/1", flags);
        if (fd >= 0)
            return fd;
    }
    return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

void output_use(struct output *output, int fd)
{
    struct stat status;
    output->fd = fd;
    output->file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

bool output_reopen(struct output *output, const char *path)
{
    int fd = output_open(path);
    if (fd < 0)
        return false;
    if (output->fd >= 0)
        close(output->fd);
    output_use(output, fd);
    return true;
}

bool output_rotate(struct output *output, const char *path, unsigned keep)
{
    char older[PATH_MAX], newer[PATH_MAX];
    for (unsigned number = keep; number > 0; number--) {
        snprintf(older, sizeof older, "%s.%u", path, number);
        if (number > 1)
            snprintf(newer, sizeof newer, "%s.%u", path, number - 1);
        else
            snprintf(newer, sizeof newer, "%s", path);
        if (rename(newer, older) != 0 && errno != ENOENT)
            return false;
    }
    return output_reopen(output, path);
}

static size_t whole_lines(const char *text, size_t length)
{
    while (length > 0 && text[length - 1] != '\n')
        length--;
    return length;
}

/* A file took only some of what was written: there was no room for more. The line that was cut is
 * taken back. Returns how much of it is whole and stays. */
static size_t take_back(const struct output *output, size_t written)
{
    struct stat status;
    const size_t whole = whole_lines(output->text, written);
    if (whole == written || fstat(output->fd, &status) != 0 ||
        ftruncate(output->fd, status.st_size - (off_t)(written - whole)) != 0)
        return written;
    return whole;
}

bool output_flush(struct output *output)
{
    size_t done = 0;
    int error = 0;
    while (done < output->length && error == 0) {
        ssize_t written = write(output->fd, output->text + done, output->length - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            error = written < 0 ? errno : ENOSPC;
            break;
        }
        done += (size_t)written;
        if (output->file && done < output->length) {
            done = take_back(output, done);
            error = ENOSPC; /* or a limit on its size, with the same effect */
        }
    }
    output->length -= done;
    memmove(output->text, output->text + done, output->length);
    if (error && error != EAGAIN)
        output->error = error;
    else if (output->length == 0)
        output->error = 0;
    return output->length == 0;
}

void output_line(struct output *output, const char *line, size_t length)
{
    if (output->length + length + 1 > OUTPUT_SIZE)
        output_flush(output);
    if (output->length + length + 1 > OUTPUT_SIZE) {
        output->lost++;
        return;
    }
    memcpy(output->text + output->length, line, length);
    output->length += length;
    output->text[output->length++] = '\n';
}
