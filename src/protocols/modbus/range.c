/* SPDX-License-Identifier: BSD-2-Clause */
/* Address and quantity alone: requests of 1 to 4, replies to 15 and 16; and no data at all. */
#include "protocols/modbus/codec.h"

#define ADDRESS_SPACE 65536u /* AP 4.4: data is numbered from 0 to 65535 */

enum sl_reason modbus_check_range(const struct modbus_message *message, unsigned quantity_max)
{
    if (message->quantity < 1 || message->quantity > quantity_max)
        return SL_REASON_QUANTITY_OUT_OF_RANGE;
    if ((unsigned)message->address + message->quantity > ADDRESS_SPACE)
        return SL_REASON_ADDRESS_OUT_OF_RANGE;
    return SL_REASON_NONE;
}

enum sl_reason modbus_check(const struct modbus_codec *codec, const struct modbus_message *message)
{
    if (codec->quantity_max) {
        enum sl_reason reason = modbus_check_range(message, codec->quantity_max);
        if (reason != SL_REASON_NONE)
            return reason;
    }
    return codec->check ? codec->check(message) : SL_REASON_NONE;
}

enum sl_reason modbus_decode_range(struct sl_reader *pdu, struct modbus_message *message)
{
    message->address = sl_read_u16be(pdu);
    message->quantity = sl_read_u16be(pdu);
    return SL_REASON_NONE;
}

void modbus_encode_range(struct sl_writer *pdu, const struct modbus_message *message)
{
    sl_write_u16be(pdu, message->address);
    sl_write_u16be(pdu, message->quantity);
}

enum sl_reason modbus_decode_nothing(struct sl_reader *pdu, struct modbus_message *message)
{
    (void)pdu;
    (void)message;
    return SL_REASON_NONE;
}

void modbus_encode_nothing(struct sl_writer *pdu, const struct modbus_message *message)
{
    (void)pdu;
    (void)message;
}
