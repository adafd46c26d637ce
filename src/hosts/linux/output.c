/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/linux/output.h"

#include <fcntl.h>
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

bool output_flush(struct output *output)
{
    size_t done = 0;
    while (done < output->length) {
        ssize_t written = write(output->fd, output->text + done, output->length - done);
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    output->length -= done;
    memmove(output->text, output->text + done, output->length);
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
