/* SPDX-License-Identifier: BSD-2-Clause */
/* What the compiler's parts on DNP3 rules share. */
#ifndef SLUICE_POLICY_DNP3_RULES_H
#define SLUICE_POLICY_DNP3_RULES_H

#include "policy/compiler/load.h"

struct dnp3_rule_nodes {
    struct rule_head_nodes head;
    const struct node *master, *outstation, *point, *group, *variation, *index;
    const struct node *operation, *trip_close, *on_time, *off_time, *count; /* control blocks */
    const struct node *value, *max_step;                                    /* analog commands */
    const struct node *select;
};

/* A service's `points`; the points that a rule names, as its objects and indexes. */
void load_dnp3_points(struct loader *loader, const struct node *node);
void load_dnp3_point_names(struct loader *loader, const struct dnp3_rule_nodes *nodes,
                           struct dnp3_rule *rule);
/* True when the library has one of these groups. */
bool dnp3_group_exists(uint32_t low, uint32_t high);

/* What a rule asks of the content of commands (dnp3_content.c); after its functions, stations,
 * objects and indexes. */
void load_dnp3_content(struct loader *loader, const struct dnp3_rule_nodes *nodes,
                       struct dnp3_rule *rule);

/* True when the rule is about these stations. A deny rule for an outstation is about broadcasts
 * too: they reach it. */
bool dnp3_rule_has_station(const struct dnp3_rule *rule, const struct dnp3_station *station);

/* True when some client at some station is concerned by both. */
bool dnp3_rules_meet_at(const struct dnp3_service_rules *service, const struct dnp3_rule *a,
                        const struct dnp3_rule *b);

/* True when some object within `objects` may stand in a request of `function`, with one of these
 * qualifiers (QUALIFIER_*; 0: any). */
bool dnp3_function_carries(unsigned function, const struct spans *objects, unsigned qualifiers);

/* "scada (192.168.96.10) may ..." */
void dnp3_explain_rule(struct arena *arena, const struct dnp3_rule *rule, FILE *out);
const char *dnp3_objects_text(struct arena *arena, const struct spans *objects);

#endif
