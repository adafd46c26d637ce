/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines to a file or stream, without ever waiting for its reader or for room on its disk: what
 * cannot be written now stays here, and what does not fit here is dropped and counted. Lines are
 * written whole: one that a full disk cut is taken back.
 */
#ifndef SLUICE_LINUX_OUTPUT_H
#define SLUICE_LINUX_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTPUT_SIZE 65536u

struct output {
    int fd;
    bool file;     /* a regular one: what a full disk cut can be taken back */
    int error;     /* errno of the last writing that failed; 0: all was written since */
    size_t length; /* of what waits in text */
    uint64_t lost; /* lines dropped; whoever reports them takes them back */
    char text[OUTPUT_SIZE];
};

/* Opens `path` to append lines, "-" for standard output, so that writing never blocks. Returns
 * the descriptor; -1: errno says why. */
int output_open(const char *path);

/* Lines go to `fd` from now on. (Without this call: to output->fd, as if to a stream.) */
void output_use(struct output *output, int fd);

/* Begins the file anew at `path` (whoever rotated it has moved the old one away). False: errno
 * says why, and the old one stays. */
bool output_reopen(struct output *output, const char *path);

/* Moves path to path.1, that to path.2 and so on, so that at most `keep` old files remain, and
 * begins path anew. False: errno says why, and writing goes on where it was. */
bool output_rotate(struct output *output, const char *path, unsigned keep);

/* Adds `line` and a newline. */
void output_line(struct output *output, const char *line, size_t length);

/* Writes what the reader takes and the disk has room for. True when nothing is left. */
bool output_flush(struct output *output);

#endif
