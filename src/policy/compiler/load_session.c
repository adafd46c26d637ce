/* SPDX-License-Identifier: BSD-2-Clause */
/* How a service's requests go to its device: time-outs, connections, who answers. */
#include <stddef.h>

#include "policy/compiler/load.h"
#include "policy/compiler/scalars.h"

#define SHORTEST_TIMEOUT   UINT64_C(1000000)      /* 1 ms */
#define LONGEST_TIMEOUT    UINT64_C(600000000000) /* 10 min */
#define DEFAULT_TIMEOUT    UINT64_C(1000000000)
#define SHARED_CONNECTIONS (SL_MAX_SESSIONS / 8) /* NET_MAX_SHARED: of all services */

static void load_time(struct loader *loader, const struct node *node, const char *key,
                      uint64_t *time)
{
    uint64_t found;
    if (node->kind != NODE_SCALAR || !parse_duration(node->text, &found) ||
        found < SHORTEST_TIMEOUT || found > LONGEST_TIMEOUT)
        unexpected(loader, node, "%s: a time from 1ms to 10min, such as 500ms or 1s", key);
    else
        *time = found;
}

static void load_count(struct loader *loader, const struct node *node, const char *key,
                       unsigned most, uint16_t *count)
{
    const struct field bounds = {.key = key, .low = 1, .high = most};
    load_u16(loader, node, &bounds, count);
}

static void load_connections(struct loader *loader, const struct session_nodes *nodes,
                             struct site_service *service)
{
    static const char *const words[] = {"per-client", "shared"};
    unsigned word = 0;
    if (nodes->connections)
        (void)load_word(loader, nodes->connections, "connections", words, 2, &word);
    service->shared = word == 1;
    if (nodes->max_connections)
        load_count(loader, nodes->max_connections, "max-connections",
                   service->shared ? SHARED_CONNECTIONS : SL_MAX_SESSIONS,
                   &service->max_connections);
    if (!service->shared)
        return;
    if (service->max_connections == 0)
        service->max_connections = 1;
    unsigned all = service->max_connections;
    for (unsigned i = 0; i < loader->service; i++)
        all += loader->site->service[i].shared ? loader->site->service[i].max_connections : 0u;
    if (all > SHARED_CONNECTIONS)
        unexpected(loader, nodes->max_connections ? nodes->max_connections : nodes->connections,
                   "at most %u shared connections of all services; with this one they are %u",
                   SHARED_CONNECTIONS, all);
}

void load_session_keys(struct loader *loader, const struct session_nodes *nodes,
                       struct site_service *service)
{
    static const char *const unit_0[] = {"device", "broadcast"};
    static const char *const reply_unit[] = {"same", "any"};
    unsigned word = 0;
    service->timeout = DEFAULT_TIMEOUT;
    if (nodes->timeout)
        load_time(loader, nodes->timeout, "timeout", &service->timeout);
    if (nodes->queue_timeout) {
        load_time(loader, nodes->queue_timeout, "queue-timeout", &service->queue_timeout);
        if (service->queue_timeout >= service->timeout)
            unexpected(loader, nodes->queue_timeout, "queue-timeout: less than the timeout");
    }
    if (nodes->pipeline)
        load_count(loader, nodes->pipeline, "pipeline", SL_MAX_SLOTS, &service->pipeline);
    if (nodes->queue)
        load_count(loader, nodes->queue, "queue", SL_MAX_SLOTS, &service->queue);
    load_connections(loader, nodes, service);
    if (nodes->unit_0 && load_word(loader, nodes->unit_0, "unit-0", unit_0, 2, &word))
        service->broadcast = word == 1;
    if (nodes->reply_unit &&
        load_word(loader, nodes->reply_unit, "reply-unit", reply_unit, 2, &word))
        service->reply_unit_any = word == 1;
}
