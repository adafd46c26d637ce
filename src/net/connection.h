/* SPDX-License-Identifier: BSD-2-Clause */
/* What both frontends do with a TCP connection beside reading and writing it. */
#ifndef SLUICE_NET_CONNECTION_H
#define SLUICE_NET_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "lwip/tcp.h"

/* tcp_poll counts in these, ms. */
#define CONNECTION_POLL_MS 200u

/* No Nagle, keepalive (60 s idle, then 5 probes 10 s apart), a first retransmission after 1 s
 * (RFC 6298 2.1). */
void connection_tune(struct tcp_pcb *pcb);

/* FIN after what is queued; whatever still comes is refused. `unread` bytes had been received and
 * not given back. Aborted when the other end has not finished within 10 s. Not for use inside
 * callbacks of `pcb`, which is gone for the caller; no callback comes any more. */
void connection_close(struct tcp_pcb *pcb, uint16_t unread);

/* RST at once. Likewise. */
void connection_abort(struct tcp_pcb *pcb);

/* True while bytes written have not been acknowledged by the other end. */
bool connection_unacknowledged(const struct tcp_pcb *pcb);

/* Room that `length` bytes have in the other end's window and ours right now, so that they would
 * leave at once. With nothing under way there always is. */
bool connection_takes(const struct tcp_pcb *pcb, uint16_t length);

/* Puts all of `bytes` in the send queue, in pieces that fit lwIP's blocks. NONE: nothing was put.
 * BROKEN: a part was, and the connection is of no use any more. */
enum connection_put { CONNECTION_ALL, CONNECTION_NONE, CONNECTION_BROKEN };
enum connection_put connection_write(struct tcp_pcb *pcb, const uint8_t *bytes, uint16_t length);

#endif
