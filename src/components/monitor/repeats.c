/* SPDX-License-Identifier: BSD-2-Clause */
#include "components/monitor/repeats.h"

#include <string.h>

#include "sluice/host.h"
#include "sluice/protocol.h"

void repeats_init(struct repeats *repeats, uint64_t interval)
{
    repeats->interval = interval;
    repeats->next = SL_NEVER;
}

/* FNV-1a (draft-eastlake-fnv): a mark to search by, never a proof. */
static uint32_t mark_of(const struct sl_audit *same)
{
    uint32_t mark = UINT32_C(2166136261);
    for (size_t i = 0; i < sizeof *same; i++)
        mark = (mark ^ ((const uint8_t *)same)[i]) * UINT32_C(16777619);
    return mark;
}

/* What two records must share to be the same: all but when, over which slot, and how long it
 * took; drops, which come before a session exists, also from which port. */
static struct sl_audit common(const struct sl_audit *record, const struct sl_protocol *protocol)
{
    struct sl_audit same = *record;
    same.time = 0;
    same.value = 0;
    same.slot = 0;
    same.client_port = 0;
    if (record->event == SL_AUDIT_DROPPED) {
        same.session = 0;
        same.generation = 0;
    }
    if (protocol && protocol->untie) {
        const size_t length = same.detail_length <= SL_AUDIT_DETAIL ? same.detail_length : 0;
        const size_t left =
            protocol->untie((enum sl_direction)(same.direction & 1u), same.detail, length);
        memset(same.detail + left, 0, sizeof same.detail - left);
        same.detail_length = (uint8_t)left;
    }
    return same;
}

static void tell_entry(struct repeat *entry, repeats_tell *tell, void *context)
{
    if (entry->count == 0)
        return;
    struct sl_audit record = entry->same;
    record.time = entry->last;
    record.client_port = (uint16_t)entry->client_port;
    const struct audit_tally tally = {.count = entry->count, .since = entry->since};
    entry->count = 0;
    tell(context, &record, &tally);
}

static struct repeat *place_for(struct repeats *repeats, repeats_tell *tell, void *context)
{
    struct repeat *oldest = &repeats->entry[0];
    for (unsigned i = 0; i < REPEATS; i++) {
        struct repeat *entry = &repeats->entry[i];
        if (entry->same.event == 0)
            return entry;
        if (entry->last < oldest->last)
            oldest = entry;
    }
    tell_entry(oldest, tell, context);
    return oldest;
}

bool repeats_take(struct repeats *repeats, const struct sl_audit *record,
                  const struct sl_protocol *protocol, uint64_t now, repeats_tell *tell,
                  void *context)
{
    const struct sl_audit same = common(record, protocol);
    const uint32_t mark = mark_of(&same);
    const uint64_t times = record->event == SL_AUDIT_DROPPED ? record->value : 1;
    for (unsigned i = 0; i < REPEATS; i++) {
        struct repeat *entry = &repeats->entry[i];
        if (repeats->mark[i] != mark || memcmp(&entry->same, &same, sizeof same) != 0)
            continue;
        if (entry->count == 0)
            entry->since = record->time;
        entry->count += times;
        entry->last = record->time;
        entry->client_port = record->client_port;
        return true;
    }
    struct repeat *entry = place_for(repeats, tell, context);
    repeats->mark[entry - repeats->entry] = mark;
    *entry = (struct repeat){.same = same,
                             .last = record->time,
                             .due = now + AUDIT_FIRST_WAIT,
                             .wait = AUDIT_FIRST_WAIT,
                             .client_port = record->client_port};
    if (entry->due < repeats->next)
        repeats->next = entry->due;
    return false;
}

void repeats_tell_flow(struct repeats *repeats, const struct sl_audit *record, bool ended,
                       uint64_t now, repeats_tell *tell, void *context)
{
    for (unsigned i = 0; i < REPEATS; i++) {
        struct repeat *entry = &repeats->entry[i];
        if (entry->same.event == 0 || entry->same.event == SL_AUDIT_DROPPED ||
            entry->same.session != record->session || entry->same.generation != record->generation)
            continue;
        if (!ended) {
            tell_entry(entry, tell, context);
            continue;
        }
        /* Records of other components may still be on their way. */
        entry->wait = 0;
        if (now + AUDIT_END_WAIT < entry->due)
            entry->due = now + AUDIT_END_WAIT;
        if (entry->due < repeats->next)
            repeats->next = entry->due;
    }
}

void repeats_tell_due(struct repeats *repeats, uint64_t now, repeats_tell *tell, void *context)
{
    if (repeats->next > now)
        return;
    repeats->next = SL_NEVER;
    for (unsigned i = 0; i < REPEATS; i++) {
        struct repeat *entry = &repeats->entry[i];
        if (entry->same.event == 0)
            continue;
        if (entry->due <= now) {
            /* What stays away for a whole wait is forgotten: should it come back, it is news. */
            const bool over = entry->count == 0 || entry->wait == 0 || now == SL_NEVER;
            tell_entry(entry, tell, context);
            if (over) {
                repeats->mark[i] = 0;
                *entry = (struct repeat){0};
                continue;
            }
            entry->wait = entry->wait * 2 < repeats->interval ? entry->wait * 2 : repeats->interval;
            entry->due = now + entry->wait;
        }
        if (entry->due < repeats->next)
            repeats->next = entry->due;
    }
}
