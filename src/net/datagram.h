/* SPDX-License-Identifier: BSD-2-Clause */
/* What both frontends do with UDP beside its sockets. */
#ifndef SLUICE_NET_DATAGRAM_H
#define SLUICE_NET_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lwip/udp.h"
#include "sluice/protocol.h"

/* True when the bytes are whole messages, or whole parts of one that goes on in the next datagram:
 * what one datagram may hold. Otherwise `*reason`. */
bool datagram_is_whole(const struct sl_protocol *protocol, enum sl_direction direction,
                       const uint8_t *bytes, size_t length, enum sl_reason *reason);

/* To `address` (IPv4, host byte order) from the socket's own. False: no memory, or no buffer for
 * one more frame; nothing was sent. */
bool datagram_send_to(struct udp_pcb *socket, uint32_t address, uint16_t port, const uint8_t *bytes,
                      uint16_t length);

/* The same for what may be longer: link frames, each but the last NET_MAX_FRAME bytes, in a
 * datagram of its own, since there are stations (OpenDNP3) that read no more than one of each. */
bool datagram_send_all(struct udp_pcb *socket, uint32_t address, uint16_t port,
                       const uint8_t *bytes, uint16_t length);

#endif
