/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions outside the public set that a service carries unread: what an `opaque` entry of
 * the configuration allows. The image holds a list of these a service; rules.c finds them.
 */
#ifndef SLUICE_MODBUS_OPAQUE_H
#define SLUICE_MODBUS_OPAQUE_H

#include <stdint.h>

#include "sluice/config.h"

struct policy_service;

#define MODBUS_OPAQUE_PREFIX 16u

/* Lengths count the PDU's bytes after the function code: 0 to 252. The leading `prefix_length`
 * bytes must equal `prefix`. */
struct modbus_opaque {
    uint8_t function;      /* 1..127 */
    uint8_t direction;     /* enum sl_direction */
    uint8_t prefix_length; /* 0..MODBUS_OPAQUE_PREFIX, at most min_length */
    uint8_t prefix[MODBUS_OPAQUE_PREFIX];
    uint16_t min_length, max_length;
};

/* The service's entry for this function and direction; NULL when there is none or `service` is
 * NULL. Points into the policy image. */
const struct modbus_opaque *modbus_opaque_find(const struct policy_service *service,
                                               uint8_t function, enum sl_direction direction);

#endif
