/* SPDX-License-Identifier: BSD-2-Clause */
/* The application fragment: control, function, internal indications, objects (1815 4.2.2). */
#ifndef SLUICE_DNP3_FRAGMENT_H
#define SLUICE_DNP3_FRAGMENT_H

#include "protocols/dnp3/dnp3.h"
#include "sluice/cursor.h"

/* Reads a whole fragment into `message`, whose addresses and kind stay. */
enum sl_reason fragment_decode(enum sl_direction direction, struct sl_reader *in,
                               struct dnp3_message *message);

/* Writes the fragment with this sequence number. `*changed` is set where the message has reserved
 * bits that are not zero: they are written as zero. Not NONE where it is no message. */
enum sl_reason fragment_encode(const struct dnp3_message *message, uint8_t sequence,
                               struct sl_writer *out, bool *changed);

/* The application's part of dnp3_validate(); sizes agree already. */
enum sl_reason fragment_validate(enum sl_direction direction, const struct dnp3_message *message);

#endif
