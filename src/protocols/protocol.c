/* SPDX-License-Identifier: BSD-2-Clause */
/* The protocols that this gateway knows, one line each. */
#include "sluice/protocol.h"

static const struct sl_protocol *const protocols[SL_PROTOCOL_COUNT] = {
    [SL_PROTOCOL_MODBUS_TCP] = &modbus_tcp_protocol,
    [SL_PROTOCOL_DNP3] = &dnp3_protocol,
};

const struct sl_protocol *sl_protocol(unsigned id)
{
    return id < SL_PROTOCOL_COUNT ? protocols[id] : NULL;
}

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

const struct sl_protocol *sl_protocol_by_name(const char *name)
{
    for (unsigned id = 0; id < SL_PROTOCOL_COUNT; id++)
        if (same(protocols[id]->name, name))
            return protocols[id];
    return NULL;
}
