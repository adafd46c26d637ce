/* SPDX-License-Identifier: BSD-2-Clause */
/* The languages of rules, one line a protocol. */
#include "policy/compiler/language.h"

#include "policy/compiler/image_build.h"

static const struct policy_language languages[SL_PROTOCOL_COUNT] = {
    [SL_PROTOCOL_MODBUS_TCP] = {load_modbus_service, load_modbus_rules, modbus_body,
                                find_void_modbus_rules, modbus_explain_rules, modbus_warn,
                                modbus_message_of, modbus_explain_decision},
    [SL_PROTOCOL_DNP3] = {load_dnp3_service, load_dnp3_rules, dnp3_body, find_void_dnp3_rules,
                          dnp3_explain_rules, dnp3_warn, dnp3_message_of, dnp3_explain_decision},
};

const struct policy_language *policy_language(unsigned protocol)
{
    return &languages[protocol < SL_PROTOCOL_COUNT ? protocol : SL_PROTOCOL_MODBUS_TCP];
}

void find_void_rules(struct loader *loader)
{
    for (unsigned s = 0; s < loader->site->service_count; s++) {
        struct arena arena = {0};
        loader->service = s;
        policy_language(loader->site->service[s].protocol)->find_void_rules(loader, &arena);
        arena_free(&arena);
    }
}
