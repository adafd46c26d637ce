/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking records off a message ring, the same in every stage: copied once, header checked
 * against what was taken, at most RECORD_BATCH a wake so that a producer that never stops
 * cannot keep a consumer from its other work.
 */
#ifndef SLUICE_COMPONENTS_RECORD_IO_H
#define SLUICE_COMPONENTS_RECORD_IO_H

#include <string.h>

#include "ring/message_ring.h"
#include "sluice/record.h"

/* No honest producer has more than every slot's record and every session's end under way. */
#define RECORD_BATCH 1024u

struct record_inbox {
    struct message_ring_consumer ring;
    _Alignas(8) uint8_t taken[SL_MAX_RECORD]; /* private copy: header, then payload */
};

/* RING_OK with `*record` filled; its payload, record->length bytes, is at record_payload().
 * A header that does not fit what was taken comes out with type 0, which nobody handles. */
static inline enum ring_result record_take(struct record_inbox *inbox, struct sl_record *record)
{
    uint32_t length = 0;
    enum ring_result result =
        message_ring_take(&inbox->ring, inbox->taken, sizeof inbox->taken, &length);
    if (result != RING_OK)
        return result;
    if (length < sizeof *record) {
        memset(record, 0, sizeof *record);
        return RING_OK;
    }
    memcpy(record, inbox->taken, sizeof *record);
    if (record->length != length - sizeof *record)
        record->type = 0;
    return RING_OK;
}

static inline const uint8_t *record_payload(const struct record_inbox *inbox)
{
    return inbox->taken + sizeof(struct sl_record);
}

/* Hands every waiting record, up to RECORD_BATCH, to `handle`. True when the inbox is empty and
 * its producer will notify; false when there is more: come back at once. `*fault` is set when
 * the producer's half of the ring is impossible. */
static inline bool record_drain(struct record_inbox *inbox,
                                void (*handle)(void *self, const struct sl_record *record,
                                               const uint8_t *payload),
                                void *self, bool *fault)
{
    struct sl_record record;
    unsigned handled = 0;
    do {
        while (handled < RECORD_BATCH) {
            enum ring_result result = record_take(inbox, &record);
            if (result == RING_FAULT)
                *fault = true;
            if (result != RING_OK)
                break;
            handle(self, &record, record_payload(inbox));
            handled++;
        }
        if (*fault || handled == RECORD_BATCH)
            return false;
    } while (!message_ring_may_sleep(&inbox->ring));
    return true;
}

#endif
