/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines to the audit stream, without ever waiting for its reader: what the reader does not take
 * now stays here, and what does not fit here is dropped and counted.
 */
#ifndef SLUICE_LINUX_OUTPUT_H
#define SLUICE_LINUX_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTPUT_SIZE 65536u

struct output {
    int fd;
    size_t length; /* of what waits in text */
    uint64_t lost; /* lines dropped and not yet reported by output_take_lost */
    char text[OUTPUT_SIZE];
};

/* Opens `path` to append lines, "-" for standard output, so that writing never blocks. Returns
 * the descriptor; -1: errno says why. */
int output_open(const char *path);

/* Adds `line` and a newline. */
void output_line(struct output *output, const char *line, size_t length);

/* Writes what the reader takes. True when nothing is left. */
bool output_flush(struct output *output);

#endif
