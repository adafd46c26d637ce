/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Streams of a protocol with a link layer: from frames to messages, as the gateway's frontends do
 * (net/link_end.h), but that frames of the link layer alone are messages too, and nobody answers.
 */
#ifndef SLUICE_CLI_STREAM_LINK_H
#define SLUICE_CLI_STREAM_LINK_H

#include "cli/stream.h"

/* Other protocols need nothing. False: no memory. */
bool stream_link_open(struct stream *stream);
void stream_link_free(struct stream *stream);

/* Takes the frame at the buffer's head; its length, 0 where that needs more bytes or framing is
 * lost. */
size_t stream_link_take(struct stream *stream);

/* No more will come of the messages under way. True: the bytes held were taken for more of the one
 * that a frame came for last, and reported with it. */
bool stream_link_cut(struct stream *stream, enum sl_verdict verdict, enum sl_reason reason);

#endif
