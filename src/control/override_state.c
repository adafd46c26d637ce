/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/override_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/control.h"
#include "util/utf8.h"

#define HEAD      "sluice-override 1\n"
#define FILE_SIZE 2048u
#define LONGEST   (INT64_C(31) * 24 * 3600) /* any override's `max` */

bool override_text_good(const char *text)
{
    const char *c = text;
    bool seen = false;
    for (size_t length; *c; c += length) {
        length = utf8_length(c, UTF8_LONGEST);
        if (length == 0 || (unsigned char)*c < 0x20 || *c == 0x7f ||
            (*c == '\xc2' && (unsigned char)c[1] < 0xa0)) /* control characters above ASCII */
            return false;
        seen |= *c != ' ';
    }
    return seen && c - text < (long)OVERRIDE_TEXT;
}

static bool failed(const char *what, const char *path, char *error, size_t size)
{
    snprintf(error, size, "%s '%s': %s", what, path, strerror(errno));
    return false;
}

/* So that a name in a directory is there after the power fails. */
static bool sync_directory(const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    const int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

bool override_save(const char *path, const struct override_state *state, char *error,
                   size_t error_size)
{
    char text[FILE_SIZE], other[PATH_MAX];
    const int length = snprintf(
        text, sizeof text,
        HEAD "ruleset %s\nstarted %" PRId64 "\nuntil %" PRId64 "\nuid %u\nwho %s\nwhy %s\n",
        state->ruleset, state->started, state->until, state->uid, state->who, state->why);
    snprintf(other, sizeof other, "%s.new", path);
    const int fd = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed("cannot write", other, error, error_size);
    bool good = write(fd, text, (size_t)length) == length && fsync(fd) == 0;
    good = close(fd) == 0 && good;
    if (good && rename(other, path) == 0 && sync_directory(path))
        return true;
    failed("cannot write", other, error, error_size);
    unlink(other);
    return false;
}

bool override_forget(const char *path, char *error, size_t error_size)
{
    if ((unlink(path) == 0 && sync_directory(path)) || errno == ENOENT)
        return true;
    return failed("cannot remove", path, error, error_size);
}

static bool number_of(const char *text, const char *key, int64_t *number)
{
    char value[32], *end;
    if (!control_value(text, key, value, sizeof value))
        return false;
    errno = 0;
    *number = strtoll(value, &end, 10);
    return errno == 0 && *end == '\0' && end != value;
}

static bool parse(const char *text, struct override_state *state)
{
    int64_t uid;
    if (strncmp(text, HEAD, strlen(HEAD)) != 0 ||
        !control_value(text, "ruleset", state->ruleset, sizeof state->ruleset) ||
        !number_of(text, "started", &state->started) || !number_of(text, "until", &state->until) ||
        !number_of(text, "uid", &uid) ||
        !control_value(text, "who", state->who, sizeof state->who) ||
        !control_value(text, "why", state->why, sizeof state->why))
        return false;
    state->uid = (uint32_t)uid;
    return state->ruleset[0] && state->started >= 0 && state->until > state->started &&
           state->until - state->started <= LONGEST && override_text_good(state->who) &&
           override_text_good(state->why);
}

enum override_loaded override_load(const char *path, struct override_state *state, char *error,
                                   size_t error_size)
{
    char text[FILE_SIZE];
    *state = (struct override_state){0};
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return OVERRIDE_NONE;
    struct stat status;
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    const bool ours = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                      (status.st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
                      (status.st_uid == geteuid() || status.st_uid == 0);
    if (fd >= 0)
        close(fd);
    if (length < 0) {
        failed("cannot read", path, error, error_size);
        return OVERRIDE_SPOILT;
    }
    text[length] = '\0';
    if (ours && parse(text, state))
        return OVERRIDE_KEPT;
    snprintf(error, error_size, "'%s' is %s", path,
             ours ? "no state that this gateway wrote"
                  : "another user's, or others may write to it");
    *state = (struct override_state){0};
    return OVERRIDE_SPOILT;
}
