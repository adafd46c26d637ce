/* SPDX-License-Identifier: BSD-2-Clause */
/* What the compiler asks of a protocol: how its rules are read, placed in the image, and said. */
#ifndef SLUICE_POLICY_COMPILER_LANGUAGE_H
#define SLUICE_POLICY_COMPILER_LANGUAGE_H

#include <stdio.h>

#include "policy/compiler/load.h"
#include "policy/state.h"
#include "sluice/protocol.h"

struct policy_language {
    /* A service's keys of this protocol alone; its profiles and rules follow. */
    void (*load_service)(struct loader *loader, const struct service_nodes *nodes);
    void (*load_rules)(struct loader *loader, const struct node *node);
    /* Of the loader's service: the body in the image, in `arena`; NULL after a mistake. */
    const uint8_t *(*body)(struct loader *loader, struct arena *arena, uint32_t *size);
    /* Of the loader's service: rules that others make void are mistakes, warnings where in part. */
    void (*find_void_rules)(struct loader *loader, struct arena *arena);
    /* A sentence a rule, and warnings of what deserves a look. */
    void (*explain_rules)(const struct site *site, struct arena *arena, unsigned service,
                          FILE *out);
    void (*warn)(const struct site *site, struct arena *arena, unsigned service, FILE *out);
    /* site_message() and the part of site_explain_message() after the decision (policy/site.h):
     * the sentence of the rule that decided, or the nearest one that would have allowed. */
    bool (*message)(const struct site *site, unsigned service, const char *const *words,
                    size_t count, uint8_t *bytes, size_t *length, FILE *errors);
    void (*explain_decision)(const struct site *site, struct arena *arena, unsigned service,
                             struct policy_state *state, const struct sl_decision *decision,
                             const void *request, size_t length, FILE *out);
};
const struct policy_language *policy_language(unsigned protocol);

void load_modbus_service(struct loader *loader, const struct service_nodes *nodes);
void load_modbus_rules(struct loader *loader, const struct node *node);
void find_void_modbus_rules(struct loader *loader, struct arena *arena);
void modbus_explain_rules(const struct site *site, struct arena *arena, unsigned service,
                          FILE *out);
void modbus_warn(const struct site *site, struct arena *arena, unsigned service, FILE *out);
bool modbus_message_of(const struct site *site, unsigned service, const char *const *words,
                       size_t count, uint8_t *adu, size_t *length, FILE *errors);
void modbus_explain_decision(const struct site *site, struct arena *arena, unsigned service,
                             struct policy_state *state, const struct sl_decision *decision,
                             const void *request, size_t length, FILE *out);

void load_dnp3_service(struct loader *loader, const struct service_nodes *nodes);
void load_dnp3_rules(struct loader *loader, const struct node *node);
void find_void_dnp3_rules(struct loader *loader, struct arena *arena);
void dnp3_explain_rules(const struct site *site, struct arena *arena, unsigned service, FILE *out);
void dnp3_warn(const struct site *site, struct arena *arena, unsigned service, FILE *out);
bool dnp3_message_of(const struct site *site, unsigned service, const char *const *words,
                     size_t count, uint8_t *bytes, size_t *length, FILE *errors);
void dnp3_explain_decision(const struct site *site, struct arena *arena, unsigned service,
                           struct policy_state *state, const struct sl_decision *decision,
                           const void *request, size_t length, FILE *out);

#endif
