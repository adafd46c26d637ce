/* SPDX-License-Identifier: BSD-2-Clause */
/* Over what a service is spoken: TCP or UDP, on each side of the gateway. */
#include "policy/compiler/load.h"
#include "sluice/protocol.h"

static void load_one(struct loader *loader, const struct node *node, const char *key,
                     const struct site_service *service, bool *datagrams)
{
    static const char *const words[] = {"tcp", "udp"};
    const struct sl_protocol *const protocol = sl_protocol(service->protocol);
    unsigned word = 0;
    if (!load_word(loader, node, key, words, 2, &word))
        return;
    *datagrams = word == 1;
    if (*datagrams && !protocol->datagrams)
        unexpected(loader, node, "%s: tcp; %s is not spoken over UDP", key, protocol->name);
}

void load_transport(struct loader *loader, const struct transport_nodes *nodes,
                    struct site_service *service)
{
    if (nodes->transport)
        load_one(loader, nodes->transport, "transport", service, &service->datagrams);
    service->device_datagrams = service->datagrams;
    if (nodes->device_transport)
        load_one(loader, nodes->device_transport, "device-transport", service,
                 &service->device_datagrams);
}
