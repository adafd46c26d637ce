/* SPDX-License-Identifier: BSD-2-Clause */
#include "components/monitor/read_flows.h"

#include "sluice/host.h"

void read_flows_init(struct read_flows *flows, uint64_t interval)
{
    flows->interval = interval;
    flows->next = SL_NEVER;
}

static bool touch(const struct sl_extent *a, const struct sl_extent *b)
{
    return a->place == b->place && b->first <= a->last + UINT64_C(1) &&
           a->first <= b->last + UINT64_C(1);
}

static void widen(struct sl_extent *run, const struct sl_extent *by)
{
    if (by->first < run->first)
        run->first = by->first;
    if (by->last > run->last)
        run->last = by->last;
}

/* Runs that have grown together become one. */
static void join(struct read_flow *flow, unsigned grown)
{
    for (unsigned i = 0; i < flow->extent_count; i++) {
        const struct audit_extent *other = &flow->extent[i];
        if (i == grown || !touch(&flow->extent[grown].run, &other->run))
            continue;
        widen(&flow->extent[grown].run, &other->run);
        flow->extent[grown].gaps |= other->gaps;
        flow->extent[grown].more |= other->more;
        const unsigned last = --flow->extent_count;
        flow->extent[i] = flow->extent[last];
        if (grown == last)
            grown = i;
        i = UINT32_MAX; /* from the beginning: it may touch one looked at before */
    }
}

/* Where no run is free, one of the same place takes the addresses in, and says that not all
 * between were read. */
static void cover(struct read_flow *flow, const struct sl_extent *extent)
{
    unsigned like = READ_EXTENTS;
    for (unsigned i = 0; i < flow->extent_count; i++) {
        struct audit_extent *known = &flow->extent[i];
        if (touch(&known->run, extent)) {
            widen(&known->run, extent);
            join(flow, i);
            return;
        }
        if (known->run.place == extent->place)
            like = i;
    }
    if (flow->extent_count < READ_EXTENTS) {
        flow->extent[flow->extent_count++] = (struct audit_extent){.run = *extent};
        return;
    }
    if (like == READ_EXTENTS) {
        flow->extent[0].more = true; /* of other places: not said which */
        return;
    }
    flow->extent[like].gaps = true;
    widen(&flow->extent[like].run, extent);
    join(flow, like);
}

bool read_flows_take(struct read_flows *flows, const struct sl_audit *record,
                     const struct read_runs *runs, uint64_t now)
{
    if (record->session >= NET_MAX_SESSIONS)
        return false;
    struct read_flow *flow = &flows->flow[record->session];
    if (flow->used && flow->generation != record->generation) {
        if (flow->count)
            return false; /* the one before has not been told yet */
        flow->used = false;
    }
    if (!flow->used) {
        *flow = (struct read_flow){.used = true,
                                   .service = record->service,
                                   .component = record->component,
                                   .policy = record->policy,
                                   .client_port = record->client_port,
                                   .session = record->session,
                                   .client = record->client,
                                   .generation = record->generation,
                                   .due = SL_NEVER,
                                   .wait = AUDIT_FIRST_WAIT};
        return false;
    }
    if (flow->policy != record->policy) {
        if (flow->count) { /* counts are of one policy: those of the one before are told first */
            flow->due = now;
            flows->next = now;
            return false;
        }
        flow->policy = record->policy;
    }
    if (flow->count++ == 0) {
        flow->since = record->time;
        flow->due = now + flow->wait;
        flow->wait = flow->wait * 2 < flows->interval ? flow->wait * 2 : flows->interval;
        flow->extent_count = 0;
    }
    flow->last = record->time;
    if (flow->due < flows->next)
        flows->next = flow->due;
    for (unsigned i = 0; i < runs->count; i++)
        cover(flow, &runs->extent[i]);
    flow->extent[0].more |= runs->more;
    return true;
}

void read_flows_end(struct read_flows *flows, const struct sl_audit *record, uint64_t now)
{
    if (record->session >= NET_MAX_SESSIONS)
        return;
    struct read_flow *flow = &flows->flow[record->session];
    if (!flow->used || flow->generation != record->generation)
        return;
    flow->ending = true;
    if (now + AUDIT_END_WAIT < flow->due)
        flow->due = now + AUDIT_END_WAIT;
    if (flow->due < flows->next)
        flows->next = flow->due;
}

bool read_flows_due(struct read_flows *flows, uint64_t now, struct sl_audit *record,
                    struct audit_tally *tally)
{
    if (flows->next > now)
        return false;
    flows->next = SL_NEVER;
    for (unsigned i = 0; i < NET_MAX_SESSIONS; i++) {
        struct read_flow *flow = &flows->flow[i];
        if (flow->used && flow->due <= now && (flow->count || flow->ending)) {
            const uint64_t count = flow->count;
            flow->count = 0;
            flow->due = SL_NEVER;
            flow->used = !flow->ending;
            if (count == 0)
                continue;
            *record = (struct sl_audit){.time = flow->last,
                                        .event = SL_AUDIT_READS,
                                        .verdict = SL_VERDICT_ALLOW,
                                        .service = flow->service,
                                        .rule = SL_NO_RULE,
                                        .session = flow->session,
                                        .client_port = flow->client_port,
                                        .client = flow->client,
                                        .generation = flow->generation,
                                        .component = flow->component,
                                        .policy = flow->policy};
            *tally = (struct audit_tally){.count = count,
                                          .since = flow->since,
                                          .extent = flow->extent,
                                          .extents = flow->extent_count};
            flows->next = 0; /* there may be more */
            return true;
        }
        if (flow->used && flow->due < flows->next)
            flows->next = flow->due;
    }
    return false;
}
