/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/metrics_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/status.h"

static bool replace(const char *path, const char *text, size_t length)
{
    char other[sizeof((struct site_control *)0)->metrics + 8];
    snprintf(other, sizeof other, "%s.new", path);
    const int fd = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    bool good = fd >= 0 && fchmod(fd, 0644) == 0 && write(fd, text, length) == (ssize_t)length;
    int saved = errno;
    if (fd >= 0 && close(fd) != 0 && good) {
        saved = errno;
        good = false;
    }
    if (good && rename(other, path) == 0)
        return true;
    if (good)
        saved = errno;
    unlink(other);
    errno = saved;
    return false;
}

void metrics_file_write(struct operation *operation, const struct operation_view *view)
{
    const char *const path = operation->site->control.metrics;
    char *text = status_text(operation, view, "status\nformat metrics\n\n");
    const bool good = text && replace(path, text, strlen(text));
    if (!good && !operation->metrics_failed)
        fprintf(stderr, "sluice: cannot write metrics to '%s': %s\n", path, strerror(errno));
    operation->metrics_failed = !good;
    operation->metrics_due = view->now + METRICS_FILE_NS;
    free(text);
}
