/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the connections to one device have in common.
 *
 * A unit behind a serial gateway that lets a request time out is silent until it answers one.
 * Requests for silent units go one at a time, beside those that `pipeline` counts: a dead unit
 * costs the others its first time-out and no more, and the device never has more than one
 * request above `pipeline`.
 */
#include "components/int_frontend/int_frontend.h"

#include "sluice/host.h"

#define FIRST_BACKOFF   UINT64_C(100000000) /* ns */
#define LONGEST_BACKOFF UINT64_C(5000000000)

struct service *service_of(const struct device *device)
{
    return &device->frontend->service[device->service];
}

static void add_service(struct int_frontend *frontend, const struct sl_frontend_config *config,
                        unsigned number, uint16_t *shared)
{
    const struct sl_service_endpoint *endpoint = &config->service[number];
    struct service *service = &frontend->service[number];
    const uint16_t left = (uint16_t)(NET_MAX_SHARED - *shared);
    *service = (struct service){
        .protocol = sl_protocol(endpoint->protocol),
        .datagrams = endpoint->datagrams != 0,
        .source_port = endpoint->source_port,
        .timeout = endpoint->timeout,
        .queue_timeout = endpoint->queue_timeout,
        .address = endpoint->address,
        .port = endpoint->port,
        .pipeline = endpoint->pipeline ? (uint16_t)endpoint->pipeline : UINT16_MAX,
        .connections = endpoint->connections ? endpoint->connections : UINT16_MAX,
        .queue = endpoint->queue ? endpoint->queue : UINT16_MAX,
        .look_at = SL_NEVER,
        .stations = link_stations(config, number),
        .skip_noise = endpoint->skip_noise,
        .first = NO_REQUEST,
        .last = NO_REQUEST,
    };
    if (!service->protocol ||
        (service->protocol->link ? service->protocol->max_emitted > NET_LONG_SEND_BUFFER
                                 : service->protocol->max_message > NET_MAX_MESSAGE))
        sl_fault(frontend->links.host,
                 "a service's protocol is none that int_frontend has room for", endpoint->protocol,
                 NET_MAX_MESSAGE);
    if (!endpoint->shared)
        return;
    if (left == 0)
        sl_fault(frontend->links.host, "more shared connections than int_frontend has room for",
                 number, NET_MAX_SHARED);
    service->first_shared = (uint16_t)(NET_MAX_SESSIONS + *shared);
    service->shared = service->connections < left ? service->connections : left;
    *shared = (uint16_t)(*shared + service->shared);
    for (uint16_t i = 0; i < service->shared; i++) {
        const struct sl_record nobody = {.service = (uint8_t)number};
        device_begin(&frontend->device[service->first_shared + i], &nobody);
    }
}

void services_init(struct int_frontend *frontend, const struct sl_frontend_config *config)
{
    uint16_t shared = 0;
    frontend->service_count = config->service_count;
    for (unsigned i = 0; i < NET_MAX_SESSIONS + NET_MAX_SHARED; i++)
        frontend->device[i].frontend = frontend;
    for (unsigned i = 0; i < config->service_count; i++)
        add_service(frontend, config, i, &shared);
}

uint16_t service_longest(const struct int_frontend *frontend, unsigned number)
{
    const struct sl_protocol *protocol = frontend->service[number].protocol;
    return (uint16_t)(protocol->link ? protocol->max_emitted : (size_t)NET_MAX_MESSAGE);
}

/* An idle connection that is up, else a new one, else the one with the least to do. */
static uint16_t least_busy(struct int_frontend *frontend, const struct service *service)
{
    uint16_t best = service->first_shared;
    for (uint16_t i = 1; i < service->shared; i++) {
        const uint16_t number = (uint16_t)(service->first_shared + i);
        const struct device *device = &frontend->device[number];
        const struct device *other = &frontend->device[best];
        if (device->requests < other->requests ||
            (device->requests == other->requests && device->state > other->state))
            best = number;
    }
    return best;
}

/* A client with requests under way stays where they are: their order is its own. */
struct device *service_carrier(struct device *client)
{
    struct int_frontend *frontend = client->frontend;
    const struct service *service = service_of(client);
    if (service->shared == 0)
        return client;
    if (client->requests == 0)
        client->carrier = least_busy(frontend, service);
    return &frontend->device[client->carrier];
}

bool service_backs_off(const struct service *service, uint64_t now)
{
    return service->backoff > 0 && now < service->retry_at;
}

void service_failed(struct service *service, uint64_t now)
{
    if (service_backs_off(service, now))
        return; /* of several attempts at once one counts */
    const uint64_t next = service->backoff ? 2 * service->backoff : FIRST_BACKOFF;
    service->backoff = next < LONGEST_BACKOFF ? next : LONGEST_BACKOFF;
    service->retry_at = now + service->backoff;
}

static bool marked(const struct service *service, uint8_t unit)
{
    return service->silent[unit / 8] & 1u << (unit % 8);
}

bool service_unit_silent(const struct service *service, uint8_t unit)
{
    return service->silent_count > 0 && marked(service, unit);
}

void service_unit_timed_out(struct service *service, uint8_t unit)
{
    if (marked(service, unit))
        return;
    service->silent[unit / 8] = (uint8_t)(service->silent[unit / 8] | 1u << (unit % 8));
    service->silent_count++;
}

void service_answered(struct service *service, uint8_t unit)
{
    service->backoff = 0;
    if (!service_unit_silent(service, unit))
        return;
    service->silent[unit / 8] = (uint8_t)(service->silent[unit / 8] & ~(1u << (unit % 8)));
    service->silent_count--;
}
