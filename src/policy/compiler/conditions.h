/* SPDX-License-Identifier: BSD-2-Clause */
/* The conditions of rules (policy/conditions.h) while the file is read: equal ones are one. */
#ifndef SLUICE_POLICY_COMPILER_CONDITIONS_H
#define SLUICE_POLICY_COMPILER_CONDITIONS_H

#include "policy/compiler/image_build.h"
#include "policy/conditions.h"

/* Number of the condition; -1: too many. */
int condition_number(struct site_policy *policy, const struct policy_condition *condition);
/* Number of the zone; -1: this machine knows none of that name. */
int condition_zone(struct site_policy *policy, const char *name);
/* First of the windows, minutes of the week. */
uint16_t condition_windows(struct site_policy *policy, const struct spans *spans);
/* False: too many. */
bool condition_step_point(struct site_policy *policy, const struct policy_step_point *point);

/* The section, at a multiple of 8; 0 where the policy has no conditions. */
uint32_t conditions_place(struct site_policy *policy, struct buffer *image);

void load_rule_conditions(struct loader *loader, const struct condition_nodes *nodes,
                          struct rule_head *rule);
/* `places_given`: the rule names its units and addresses. After its values were read. */
void load_max_step(struct loader *loader, const struct node *node, bool places_given,
                   struct modbus_rule *rule);
/* Marks a rate (POLICY_NONE: nothing) as that of a rule, or of a service where `rule` is "". */
void mark_rate(struct loader *loader, uint16_t rate, const char *rule);
/* Number of the rate, POLICY_NONE after a mistake; `whole`: what it is per where not per client. */
uint16_t load_rate(struct loader *loader, const struct node *node, const char *whole,
                   const char **text);

#endif
