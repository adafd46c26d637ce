/* SPDX-License-Identifier: BSD-2-Clause */
/* Stations' addresses: the clients' on one side of the gateway, the device's on the other. */
#include "protocols/dnp3/rules.h"

#include "policy/image.h"

/* In monitor mode what is between stations that are not listed passes with the addresses that it
 * has, as long as these are not those of others on the other side. */
static bool passes_unlisted(const struct policy_service *service,
                            const struct dnp3_station *other_side)
{
    return service->flags & POLICY_SERVICE_MONITOR && !other_side;
}

bool dnp3_translate(const struct policy_service *service, enum sl_direction direction,
                    void *canonical, size_t length)
{
    struct dnp3_message *const message = canonical;
    const struct dnp3_station *station;
    if (length < DNP3_HEAD_SIZE)
        return false;
    if (direction == SL_REQUEST) {
        station = dnp3_station_of(service, message->source, message->destination);
        if (!station)
            return passes_unlisted(
                service, dnp3_station_of_device(service, message->source, message->destination));
        message->source = station->device_master;
        message->destination = station->device_outstation;
        return true;
    }
    station = dnp3_station_of_device(service, message->destination, message->source);
    if (!station)
        return passes_unlisted(service,
                               dnp3_station_of(service, message->destination, message->source));
    message->source = station->outstation;
    message->destination = station->master;
    return true;
}
