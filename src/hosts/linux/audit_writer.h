/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The audit writer: a process beside the pipeline, started once and kept through all restarts,
 * that takes the lines of the monitor and of the launcher from a pipe each and brings them to the
 * file and to syslog. It alone has to do with a disk that is full, a file that is rotated and a
 * receiver that is slow; whoever writes to a pipe never waits for any of these. It ends when
 * nobody can write to it any more, after the last line. It and the launcher look after each other:
 * one that hangs has its line in the log.
 */
#ifndef SLUICE_LINUX_AUDIT_WRITER_H
#define SLUICE_LINUX_AUDIT_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "hosts/linux/pulse.h"
#include "policy/site.h"

struct launch; /* launch.h */

struct audit_writer {
    const struct site *site;
    const char *path;    /* of the file; "-": standard output */
    const uint8_t *boot; /* 8 bytes */
    pid_t pid;           /* 0: none at the moment */
    int pidfd;           /* readable when the process has ended */
    int monitor[2];      /* pipes; [1] is what lines are written to */
    int launcher[2];
    struct pulse pulse;
    struct pulse_watch watch;    /* of the process */
    bool killed;                 /* because it hung */
    uint64_t started, died, due; /* monotonic ns; `due`: when the next one starts */
};

/* Opens the file, then starts the process. False: `error` says why not. `path` and `site` stay
 * the caller's and must last. */
bool audit_writer_start(struct audit_writer *writer, const struct site *site, const char *path,
                        const uint8_t *boot, char *error, size_t error_size);

/* Where the file was moved away (logrotate): begins it anew. Lines that were written before this
 * call may still go to the old one. */
void audit_writer_reopen(const struct audit_writer *writer);

/* When pidfd is readable, and every PULSE_MS: starts another one where it died or hangs; what was
 * in the pipes is not lost. Both have a line in the log. */
void audit_writer_tend(struct audit_writer *writer, const struct launch *launch, uint32_t epoch);

/* After the last line: waits until all are where they belong, at most 2 s, and once more for
 * another process where this one hangs. */
void audit_writer_finish(struct audit_writer *writer);

#endif
