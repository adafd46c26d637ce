/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host seam: all that a component may ask of what it runs on. Adding a host means
 * implementing this header (and src/drivers' device seam for its NIC drivers), nothing else.
 * Implementations: src/hosts/linux, src/hosts/microkit, src/hosts/camkes; tests bring a fake.
 *
 * Semantics are seL4's: notifications coalesce, spurious wakes are legal, start order is not
 * defined. No call blocks.
 */
#ifndef SLUICE_HOST_H
#define SLUICE_HOST_H

#include <stddef.h>
#include <stdint.h>

struct sl_host; /* the host's state for one component; opaque */

#define SL_NEVER UINT64_MAX

/* Wakes the component at the other end of `channel`; takes effect at the latest when the
 * current wake returns. Notifying SL_NO_CHANNEL (component.h) does nothing. */
void sl_notify(struct sl_host *host, unsigned channel);

/* Nanoseconds since an arbitrary start; never goes backwards; the same clock in every
 * component of one gateway. */
uint64_t sl_now(struct sl_host *host);

/* Unix time in nanoseconds; 0 where nothing here tells it. May be wrong until the machine's clock
 * was set, and may jump. */
uint64_t sl_wall(struct sl_host *host);

/* Asks for a wake with SL_BADGE_DEADLINE set at `when` (sl_now's clock), or as soon after as the
 * host can. One deadline a component: a later call replaces it; SL_NEVER takes it back. */
void sl_deadline(struct sl_host *host, uint64_t when);

/* Fills `bytes` with unpredictable bytes (initial sequence numbers, port numbers). */
void sl_random(struct sl_host *host, void *bytes, size_t length);

/* One line for whoever runs the gateway; for start and stop, never per message (that is what
 * audit.h is for). Not kept where the host has no place for it. */
void sl_log(struct sl_host *host, const char *line);

/* Monitor only: one finished audit line to the outside, without its newline. Never waits longer
 * than the outside takes to accept it; the host adds the newline. */
void sl_emit_line(struct sl_host *host, const char *line, size_t length);

/* A broken invariant that the component cannot go on with, e.g. an impossible ring index.
 * Does not return: the host stops all traffic, logs `what` with both numbers, and restarts the
 * pipeline or stays closed. */
_Noreturn void sl_fault(struct sl_host *host, const char *what, uint64_t found, uint64_t expected);

#endif
