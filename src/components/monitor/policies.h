/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policies that audit records may still be of: the one in force and, while records of it may
 * be on the rings, the one before. Services and hosts have the same numbers in both.
 */
#ifndef SLUICE_MONITOR_POLICIES_H
#define SLUICE_MONITOR_POLICIES_H

#include "components/monitor/audit_line.h"

#define POLICY_HASH_SHOWN 8u

struct policies {
    const void *now, *before; /* images; `before` NULL: there is none to be named any more */
    uint8_t tag_now, tag_before;
    uint8_t hash[UINT8_MAX + 1][POLICY_HASH_SHOWN]; /* by tag: also of those that are gone */
};

/* `tag` 0: the only policy there will be. */
void policies_adopt(struct policies *policies, const void *image, uint8_t tag);
/* The one before is gone. */
void policies_retire(struct policies *policies);

/* Fills in by what the line of `record` is rendered. Of a policy that is gone only the hash is
 * left: the record's rule is taken from it. */
void policies_choose(const struct policies *policies, struct audit_run *run,
                     struct sl_audit *record);

#endif
