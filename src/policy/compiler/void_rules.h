/* SPDX-License-Identifier: BSD-2-Clause */
/* How rules without effect are reported, in every protocol. */
#ifndef SLUICE_POLICY_VOID_RULES_H
#define SLUICE_POLICY_VOID_RULES_H

#include "policy/compiler/load.h"

/* What a rule limits besides what it names. */
enum rule_limit { RULE_UNLIMITED, RULE_LIMITS_VALUES, RULE_HAS_CONDITION };

/* A mistake: all that `rule` allows, `by` denies or allows. */
void report_void(struct loader *loader, const struct rule_head *rule, enum rule_limit limit,
                 const struct rule_head *by, enum rule_limit limit_by);
/* A warning: some of what `rule` limits, `by` allows without that limit. */
void report_evaded(struct loader *loader, const struct rule_head *rule, enum rule_limit limit,
                   const struct rule_head *by);
/* A warning: the deny rule `by` denies all that the deny rule `rule` does. */
void report_shadowed(struct loader *loader, const struct rule_head *rule,
                     const struct rule_head *by);
/* A warning: no rule allows any of what the deny rule is about. */
void report_needless(struct loader *loader, const struct rule_head *rule);

#endif
