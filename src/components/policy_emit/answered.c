/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long requests took to be answered: a byte each, told in bundles, since an audit record for
 * every reply would be as many as the replies.
 */
#include "components/policy_emit/policy_emit.h"

static void tell(struct policy_emit *emit, unsigned service)
{
    struct answered *answered = &emit->answered[service];
    if (answered->count == 0)
        return;
    struct sl_audit audit = {.time = emit->now,
                             .event = SL_AUDIT_ANSWERED,
                             .service = (uint8_t)service,
                             .direction = SL_REPLY,
                             .rule = SL_NO_RULE,
                             .session = UINT16_MAX,
                             .slot = SL_NO_SLOT,
                             .component = (uint8_t)emit->config->component,
                             .policy = emit->policy_tag,
                             .value = answered->sum};
    audit_detail(&audit, answered->bucket, answered->count);
    audit_put(&emit->audit, &audit);
    answered->count = 0;
    answered->sum = 0;
}

void answered_note(struct policy_emit *emit, const struct sl_record *request)
{
    if (request->service >= SL_MAX_SERVICES)
        return;
    struct answered *answered = &emit->answered[request->service];
    const uint64_t took = emit->now > request->time ? emit->now - request->time : 0;
    answered->bucket[answered->count++] = sl_duration_bucket(took);
    answered->sum += took;
    if (answered->count == SL_AUDIT_DETAIL)
        tell(emit, request->service);
}

void answered_tick(struct policy_emit *emit)
{
    for (unsigned i = 0; i < SL_MAX_SERVICES; i++)
        tell(emit, i);
}
