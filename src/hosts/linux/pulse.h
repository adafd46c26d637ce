/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The launcher and the audit writer each say here that they take turns, and each looks whether
 * the other one still does. One page that both write and no component has.
 */
#ifndef SLUICE_LINUX_PULSE_H
#define SLUICE_LINUX_PULSE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum pulse_of { PULSE_LAUNCHER, PULSE_WRITER, PULSES };

/* At least so often each says that it takes turns, and looks. */
#define PULSE_MS 500

struct pulse {
    _Atomic uint64_t *last; /* monotonic ns, of each; shared */
};

/* What one of them knows of the other. */
struct pulse_watch {
    uint64_t looked; /* last */
    uint64_t from;   /* not to be blamed for what was before */
};

/* Makes the page; what is forked from here on does not have it. False: errno says why. */
bool pulse_create(struct pulse *pulse);
/* Whether what is forked from here on has it. */
void pulse_share(const struct pulse *pulse, bool shared);
void pulse_destroy(struct pulse *pulse);

void pulse_beat(const struct pulse *pulse, enum pulse_of who, uint64_t now);
void pulse_watch_begin(struct pulse_watch *watch, uint64_t now);
/* For how long `who` has taken no turn, in ns. Looked at every PULSE_MS; whoever looks much later
 * did not run itself, and then blames nobody for the time until now. */
uint64_t pulse_silence(const struct pulse *pulse, enum pulse_of who, struct pulse_watch *watch,
                       uint64_t now);

#endif
