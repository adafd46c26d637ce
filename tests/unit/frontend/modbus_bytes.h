/* SPDX-License-Identifier: BSD-2-Clause */
/* Modbus/TCP messages for frontends, which look at nothing but the MBAP header. */
#ifndef TESTS_FRONTEND_MODBUS_BYTES_H
#define TESTS_FRONTEND_MODBUS_BYTES_H

#include <stdint.h>
#include <string.h>

#define READ_SIZE  12u
#define LONG_SIZE  260u
#define REPLY_SIZE 11u

/* A message of `size` bytes with this transaction. */
static inline uint16_t message_bytes(uint8_t *bytes, uint16_t transaction, uint16_t size)
{
    memset(bytes, 0, size);
    bytes[0] = (uint8_t)(transaction >> 8);
    bytes[1] = (uint8_t)transaction;
    bytes[4] = (uint8_t)((size - 6) >> 8);
    bytes[5] = (uint8_t)(size - 6);
    bytes[6] = 1;
    bytes[7] = 3;
    for (uint16_t i = 8; i < size; i++)
        bytes[i] = (uint8_t)(i + transaction);
    return size;
}

static inline uint16_t transaction_of(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

#endif
