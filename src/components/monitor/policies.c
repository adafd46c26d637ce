/* SPDX-License-Identifier: BSD-2-Clause */
#include "components/monitor/policies.h"

#include <string.h>

#include "policy/image.h"

void policies_adopt(struct policies *policies, const void *image, uint8_t tag)
{
    const struct policy_image *const head = image;
    policies->before = policies->now;
    policies->tag_before = policies->tag_now;
    policies->now = image;
    policies->tag_now = tag;
    memcpy(policies->hash[tag], head->hash, POLICY_HASH_SHOWN);
}

void policies_retire(struct policies *policies)
{
    policies->before = NULL;
}

void policies_choose(const struct policies *policies, struct audit_run *run,
                     struct sl_audit *record)
{
    /* Who has no policy says none: what happens now happens under the one in force. */
    const uint8_t tag = record->policy ? record->policy : policies->tag_now;
    const bool before = policies->before && tag == policies->tag_before;
    run->policy = before ? policies->before : policies->now;
    run->hash = policies->hash[tag];
    if (!before && tag != policies->tag_now)
        record->rule = SL_NO_RULE;
}
