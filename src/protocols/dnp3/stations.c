/* SPDX-License-Identifier: BSD-2-Clause */
/* Stations' addresses: the clients' on one side of the gateway, the device's on the other. */
#include "protocols/dnp3/rules.h"

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
            return false;
        message->source = station->device_master;
        message->destination = station->device_outstation;
        return true;
    }
    station = dnp3_station_of_device(service, message->destination, message->source);
    if (!station)
        return false;
    message->source = station->outstation;
    message->destination = station->master;
    return true;
}
