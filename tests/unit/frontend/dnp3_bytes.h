/* SPDX-License-Identifier: BSD-2-Clause */
/* DNP3 link frames for frontends, which look at no more than their heads. */
#ifndef TESTS_FRONTEND_DNP3_BYTES_H
#define TESTS_FRONTEND_DNP3_BYTES_H

#include "dnp3/wire.h"

#define MASTER     1u
#define OUTSTATION 10u

static const struct sl_station dnp3_stations[] = {{0, MASTER, OUTSTATION}, {0, MASTER, 11}};

/* One more frame of user data: `transport` octet, then the fragment's octets. */
static inline void put_data(struct wire *wire, bool from_master, uint16_t outstation,
                            uint8_t transport, const char *octets)
{
    struct wire data = {0};
    wire_put(&data, transport);
    wire_hex(&data, octets);
    wire_frame(wire, (uint8_t)(USER_DATA | (from_master ? FROM_MASTER : 0)),
               from_master ? outstation : MASTER, from_master ? MASTER : outstation, data.bytes,
               data.length);
}

/* A fragment of `size` octets in full segments: application control, function, then filling. */
static inline struct wire long_message(bool from_master, uint8_t control, uint8_t function,
                                       size_t size)
{
    struct wire fragment = {0}, wire = {0};
    wire_put(&fragment, control);
    wire_put(&fragment, function);
    while (fragment.length < size)
        wire_put(&fragment, (uint8_t)fragment.length);
    wire_segments(&wire, (uint8_t)(USER_DATA | (from_master ? FROM_MASTER : 0)),
                  from_master ? OUTSTATION : MASTER, from_master ? MASTER : OUTSTATION, &fragment,
                  249, 0);
    return wire;
}

static inline struct wire message(bool from_master, uint16_t outstation, const char *octets)
{
    struct wire wire = {0};
    put_data(&wire, from_master, outstation, 0xc0, octets);
    return wire;
}

/* A frame without user data. */
static inline struct wire link_frame(uint8_t control, uint16_t destination, uint16_t source)
{
    struct wire wire = {0};
    wire_frame(&wire, control, destination, source, NULL, 0);
    return wire;
}

#endif
