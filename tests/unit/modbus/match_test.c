/* SPDX-License-Identifier: BSD-2-Clause */
/* Which reply answers which request, and what becomes of it. */
#include "modbus/wire.h"

struct pair {
    const char *request, *reply;
    enum sl_reason reason;
};
#define PAIR(request, reply, reason)                                                               \
    {                                                                                              \
        request, reply, SL_REASON_##reason                                                         \
    }

static const struct pair pairs[] = {
    PAIR("01 0000 0001", "01 01 01", NONE),
    PAIR("01 0000 0008", "01 01 01", NONE),
    PAIR("01 0000 0009", "01 01 01", REPLY_SHAPE),
    PAIR("01 0000 0008", "01 02 0101", REPLY_SHAPE),
    PAIR("01 0000 0009", "01 02 0101", NONE),
    PAIR("01 0000 0008", "02 01 01", REPLY_FUNCTION),
    PAIR("02 0000 07d0", "02 fa [00*250]", NONE),
    PAIR("02 0000 07c8", "02 fa [00*250]", REPLY_SHAPE),
    PAIR("03 0000 0002", "03 04 00000000", NONE),
    PAIR("03 0000 0002", "03 02 0000", REPLY_SHAPE),
    PAIR("03 0000 0001", "03 04 00000000", REPLY_SHAPE),
    PAIR("03 0000 0001", "04 02 0000", REPLY_FUNCTION),
    PAIR("04 0000 007d", "04 fa [00*250]", NONE),
    PAIR("04 0000 007c", "04 fa [00*250]", REPLY_SHAPE),
    PAIR("05 0001 ff00", "05 0001 ff00", NONE),
    PAIR("05 0001 ff00", "05 0001 0000", REPLY_ECHO),
    PAIR("05 0001 ff00", "05 0002 ff00", REPLY_ECHO),
    PAIR("06 0001 1234", "06 0001 1234", NONE),
    PAIR("06 0001 1234", "06 0001 1235", REPLY_ECHO),
    PAIR("06 0001 1234", "06 0000 1234", REPLY_ECHO),
    PAIR("07", "07 00", NONE),
    PAIR("08 0000 a537", "08 0000 a537", NONE),
    PAIR("08 0000 a537", "08 0000 a538", REPLY_ECHO),
    PAIR("08 0000 a537", "08 0000 a537 a537", REPLY_ECHO),
    PAIR("08 0000 a537 a537", "08 0000 a537", REPLY_ECHO),
    PAIR("08 0001 ff00", "08 0001 0000", REPLY_ECHO),
    PAIR("08 0002 0000", "08 0002 1234", NONE),
    PAIR("08 0002 0000", "08 000b 1234", REPLY_ECHO),
    PAIR("08 000a 0000", "08 000a 0000", NONE),
    PAIR("08 0012 0000", "08 0012 0007", NONE),
    PAIR("0b", "0b 0000 0001", NONE),
    PAIR("0c", "0c 06 0000 0001 0002", NONE),
    PAIR("0f 0001 000a 02 0000", "0f 0001 000a", NONE),
    PAIR("0f 0001 000a 02 0000", "0f 0002 000a", REPLY_ECHO),
    PAIR("0f 0001 000a 02 0000", "0f 0001 000b", REPLY_ECHO),
    PAIR("10 0001 0001 02 0000", "10 0001 0001", NONE),
    PAIR("10 0001 0001 02 0000", "10 0001 0002", REPLY_ECHO),
    PAIR("10 0001 0001 02 0000", "10 0000 0001", REPLY_ECHO),
    PAIR("11", "11 02 01ff", NONE),
    PAIR("14 07 06 0001 0000 0001", "14 04 03 06 0000", NONE),
    PAIR("14 07 06 0001 0000 0001", "14 06 05 06 00000000", REPLY_SHAPE),
    PAIR("14 0e [06 0001 0000 0001*2]", "14 08 [03 06 0000*2]", NONE),
    PAIR("14 0e [06 0001 0000 0001*2]", "14 06 05 06 00000000", REPLY_SHAPE),
    PAIR("14 07 06 0001 0000 0001", "14 08 [03 06 0000*2]", REPLY_SHAPE),
    PAIR("15 09 06 0001 0002 0001 1111", "15 09 06 0001 0002 0001 1111", NONE),
    PAIR("15 09 06 0001 0002 0001 1111", "15 09 06 0001 0002 0001 1112", REPLY_ECHO),
    PAIR("15 09 06 0001 0002 0001 1111", "15 09 06 0001 0003 0001 1111", REPLY_ECHO),
    PAIR("15 09 06 0001 0002 0001 1111", "15 09 06 0002 0002 0001 1111", REPLY_ECHO),
    PAIR("15 09 06 0001 0002 0001 1111", "15 12 [06 0001 0002 0001 1111*2]", REPLY_ECHO),
    PAIR("16 0001 0002 0003", "16 0001 0002 0003", NONE),
    PAIR("16 0001 0002 0003", "16 0000 0002 0003", REPLY_ECHO),
    PAIR("16 0001 0002 0003", "16 0001 0000 0003", REPLY_ECHO),
    PAIR("16 0001 0002 0003", "16 0001 0002 0000", REPLY_ECHO),
    PAIR("17 0000 0002 0000 0001 02 0000", "17 04 00000000", NONE),
    PAIR("17 0000 0002 0000 0001 02 0000", "17 02 0000", REPLY_SHAPE),
    PAIR("18 0001", "18 0004 0001 0000", NONE),
    PAIR("2b 0d 00", "2b 0d 0102", NONE),
    PAIR("2b 0d 00", "2b 0e 01 01 00 00 00", REPLY_SHAPE),
    PAIR("2b 0e 01 00", "2b 0e 01 01 00 00 01 00 00", NONE),
    PAIR("2b 0e 01 00", "2b 0e 02 01 00 00 01 00 00", REPLY_ECHO),
    PAIR("2b 0e 01 00", "2b 0d 00", REPLY_SHAPE),
    PAIR("2b 0e 01 00", "2b 0e 01 01 00 00 01 02 00", NONE),
    PAIR("2b 0e 01 00", "2b 0e 01 01 00 00 01 03 00", REPLY_SHAPE),
    PAIR("2b 0e 02 00", "2b 0e 02 01 00 00 01 7f 00", NONE),
    PAIR("2b 0e 02 00", "2b 0e 02 01 00 00 01 80 00", REPLY_SHAPE),
    PAIR("2b 0e 03 00", "2b 0e 03 01 00 00 01 80 00", NONE),
    PAIR("2b 0e 04 02", "2b 0e 04 81 00 00 01 02 00", NONE),
    PAIR("2b 0e 04 02", "2b 0e 04 81 00 00 01 01 00", REPLY_ECHO),
    /* an exception answers any request of its function, and no other */
    PAIR("03 0000 0002", "83 02", NONE),
    PAIR("03 0000 0002", "84 02", REPLY_FUNCTION),
    PAIR("2b 0e 01 00", "ab 04", NONE),
};

static enum sl_reason match(const struct decoded *request, uint16_t key,
                            const struct decoded *reply)
{
    return modbus_match(NULL, request->message, request->length, key, reply->message,
                        reply->length);
}

static void content_decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct decoded request = wire_decode_pdu(SL_REQUEST, pairs[i].request);
        struct decoded reply = wire_decode_pdu(SL_REPLY, pairs[i].reply);
        assert_int_equal(request.reason, SL_REASON_NONE);
        assert_int_equal(reply.reason, SL_REASON_NONE);
        enum sl_reason reason = match(&request, WIRE_TRANSACTION, &reply);
        if (reason != pairs[i].reason)
            fail_msg("%s, %s: %s, not %s", pairs[i].request, pairs[i].reply, sl_reason_name(reason),
                     sl_reason_name(pairs[i].reason));
        if (pairs[i].reason == SL_REASON_NONE) {
            assert_int_equal(match(&request, WIRE_TRANSACTION + 1, &reply),
                             SL_REASON_REPLY_TRANSACTION);
            request.message->unit++;
            assert_int_equal(match(&request, WIRE_TRANSACTION, &reply), SL_REASON_REPLY_UNIT);
        }
        free(request.message);
        free(reply.message);
    }
}

/* The device is asked with the gateway's key; the client's own transaction does not matter. */
static void key_is_the_gateways(void **state)
{
    (void)state;
    struct decoded request = wire_decode_pdu(SL_REQUEST, "03 0000 0001");
    struct decoded reply = wire_decode_pdu(SL_REPLY, "03 02 0000");
    reply.message->transaction = 7;
    assert_int_equal(match(&request, 7, &reply), SL_REASON_NONE);
    assert_int_equal(match(&request, WIRE_TRANSACTION, &reply), SL_REASON_REPLY_TRANSACTION);
    free(request.message);
    free(reply.message);
}

static void normalise_clears_what_was_not_asked_for(void **state)
{
    (void)state;
    struct decoded request = wire_decode_pdu(SL_REQUEST, "01 0000 000b");
    struct decoded reply = wire_decode_pdu(SL_REPLY, "01 02 ffff");
    size_t length = modbus_normalise(request.message, request.length, reply.message, reply.length);
    assert_int_equal(length, reply.length);
    assert_int_equal(length, modbus_canonical_size(reply.message));
    assert_int_equal(reply.message->count, 11);
    uint8_t bytes[MODBUS_MAX_ADU];
    size_t written =
        modbus_encode(SL_REPLY, reply.message, length, WIRE_TRANSACTION, bytes, sizeof bytes);
    struct wire expected = wire_adu("01 02 ff07");
    assert_int_equal(written, expected.length);
    assert_memory_equal(bytes, expected.bytes, written);
    free(request.message);
    free(reply.message);

    request = wire_decode_pdu(SL_REQUEST, "01 0000 0010");
    reply = wire_decode_pdu(SL_REPLY, "01 02 ffff");
    modbus_normalise(request.message, request.length, reply.message, reply.length);
    assert_int_equal(reply.message->value.coils[1], 0xff);
    free(reply.message);

    reply = wire_decode_pdu(SL_REPLY, "81 02");
    modbus_normalise(request.message, request.length, reply.message, reply.length);
    assert_int_equal(reply.message->count, 0);
    assert_true(modbus_notable(reply.message, reply.length));
    assert_false(modbus_notable(request.message, request.length));
    free(request.message);
    free(reply.message);
}

static void only_listen_only_mode_goes_unanswered(void **state)
{
    (void)state;
    for (size_t i = 0; i < WIRE_EXAMPLES; i++) {
        if (wire_examples[i].direction != SL_REQUEST)
            continue;
        struct decoded request = wire_decode_pdu(SL_REQUEST, wire_examples[i].pdu);
        bool silent = strncmp(wire_examples[i].pdu, "08 0004", 7) == 0;
        assert_int_equal(modbus_expects_reply(NULL, request.message, request.length), !silent);
        free(request.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_decides),
        cmocka_unit_test(key_is_the_gateways),
        cmocka_unit_test(normalise_clears_what_was_not_asked_for),
        cmocka_unit_test(only_listen_only_mode_goes_unanswered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
