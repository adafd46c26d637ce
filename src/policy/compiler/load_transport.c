/* SPDX-License-Identifier: BSD-2-Clause */
/* Over what a service is spoken: TCP or UDP, on each side of the gateway. */
#include "policy/compiler/load.h"
#include "policy/compiler/scalars.h"
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

/* One socket may have it: what comes to the port is told apart by the device alone. */
void load_source_port(struct loader *loader, const struct node *node, struct site_service *service)
{
    const struct field bounds = {.key = "device-source-port", .low = 1, .high = UINT16_MAX};
    load_u16(loader, node, &bounds, &service->source_port);
    if (!service->device_datagrams)
        mistake_at(loader->mistakes, node->key->line, node->key->column,
                   "found 'device-source-port' where the device is spoken to over TCP, expected it "
                   "only with 'device-transport: udp'");
    else if (service->max_connections != 1)
        mistake_at(loader->mistakes, node->key->line, node->key->column,
                   "found 'device-source-port' with more than one socket to the device, expected "
                   "'connections: shared', or 'max-connections: 1'");
    for (unsigned i = 0; i < loader->service; i++) {
        const struct site_service *const other = &loader->site->service[i];
        if (service->source_port && other->source_port == service->source_port &&
            other->device_address == service->device_address &&
            other->device_port == service->device_port)
            unexpected(loader, node,
                       "another port than that of service '%s' on line %u, which has the same "
                       "device",
                       other->name, loader->policy->service[i].line);
    }
}
