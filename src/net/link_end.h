/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A frontend's end of a link, for protocols that have a link layer (sluice/protocol.h): from the
 * bytes of a connection to whole messages. What the protocol's link layer answers by itself is
 * answered here; a message goes on as the link frames that it came in.
 *
 * Looking changes nothing, so that what cannot go on yet is looked at again later.
 */
#ifndef SLUICE_NET_LINK_END_H
#define SLUICE_NET_LINK_END_H

#include "net/assembly.h"
#include "sluice/protocol.h"

struct link_end {
    struct sl_link_state state;
    uint32_t noise; /* bytes skipped since it was last reported */
};

struct link_look {
    struct sl_link_step step; /* MESSAGE also where a frame completes one */
    struct sl_link_state state;
    struct assembly *assembly; /* what the frame ends or continues */
    const uint8_t *message;    /* MESSAGE: the whole of it */
    uint16_t length;           /* of it */
};

/* At the head of `bytes`, which `owner` has received. `skip_noise`: what is no frame is skipped,
 * and so is the beginning of one that a broken check shows to be none. */
void link_look(struct assemblies *all, const struct link_end *end, uint16_t owner,
               const struct sl_protocol *protocol, enum sl_direction direction,
               const struct sl_link_view *view, bool skip_noise, const uint8_t *bytes,
               size_t length, struct link_look *look);

/* Takes what was looked at. Not NONE: why an unfinished message had to be given up for it. */
enum sl_reason link_take(struct assemblies *all, struct link_end *end, uint16_t owner,
                         const uint8_t *bytes, const struct link_look *look);

/* Bytes of the whole frame at the head of a datagram's; 0: there is none. */
uint16_t link_frame_length(const struct sl_protocol *protocol, enum sl_direction direction,
                           const uint8_t *bytes, size_t length);

/* The stations of one service in a frontend's configuration. */
struct sl_link_view link_stations(const struct sl_frontend_config *config, unsigned service);

#endif
