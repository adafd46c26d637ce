/* SPDX-License-Identifier: BSD-2-Clause */
#include "policy/compiler/void_rules.h"

void report_void(struct loader *loader, const struct rule_head *rule, enum rule_limit limit,
                 const struct rule_head *by, enum rule_limit limit_by)
{
    if (by->deny)
        mistake_at(loader->mistakes, rule->line, rule->column,
                   "found rule '%s', all of which rule '%s' on line %u denies, expected a rule "
                   "that lets something pass: remove one of them",
                   rule->name, by->name, by->line);
    else if (limit != RULE_UNLIMITED && limit_by == RULE_UNLIMITED)
        mistake_at(loader->mistakes, rule->line, rule->column,
                   "found rule '%s', whose %s void as rule '%s' on line %u allows "
                   "the same without it, expected the wider rule to leave this out",
                   rule->name, limit == RULE_LIMITS_VALUES ? "limit on values is" : "condition is",
                   by->name, by->line);
    else
        mistake_at(loader->mistakes, rule->line, rule->column,
                   "found rule '%s', all of which rule '%s' on line %u allows already, expected a "
                   "rule that lets something more pass: narrow the other or remove this one",
                   rule->name, by->name, by->line);
}

void report_evaded(struct loader *loader, const struct rule_head *rule, enum rule_limit limit,
                   const struct rule_head *by)
{
    mistake_at(&loader->policy->warnings, rule->line, rule->column,
               "warning: some of what rule '%s' limits by %s, rule '%s' on line %u allows "
               "without that limit",
               rule->name, limit == RULE_LIMITS_VALUES ? "value" : "a condition", by->name,
               by->line);
}

void report_shadowed(struct loader *loader, const struct rule_head *rule,
                     const struct rule_head *by)
{
    mistake_at(&loader->policy->warnings, rule->line, rule->column,
               "warning: all that rule '%s' denies, rule '%s' on line %u denies already",
               rule->name, by->name, by->line);
}

void report_needless(struct loader *loader, const struct rule_head *rule)
{
    mistake_at(&loader->policy->warnings, rule->line, rule->column,
               "warning: rule '%s' denies nothing that any rule allows", rule->name);
}
