/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests in words: whole, cut short as in an audit record, hostile. */
#include "modbus/wire.h"

static const struct {
    const char *pdu, *text;
} cases[] = {
    {"03 006b 0003", "read holding registers 107-109, unit 17"},
    {"01 0000 0001", "read coil 0, unit 17"},
    {"02 0000 0002", "read discrete inputs 0-1, unit 17"},
    {"04 ffff 0001", "read input register 65535, unit 17"},
    {"05 00ac ff00", "switch coil 172 on, unit 17"},
    {"05 00ac 0000", "switch coil 172 off, unit 17"},
    {"06 0001 0003", "write 3 to register 1, unit 17"},
    {"0f 0013 000a 02 cd01", "switch coils 19-28 (on, off, on, ...), unit 17"},
    {"10 0001 0002 04 000a 0102", "write 10, 258 to registers 1-2, unit 17"},
    {"16 0004 00f2 0025", "change bits of register 4, unit 17"},
    {"17 0003 0006 000e 0001 02 00ff",
     "read holding registers 3-8 and write 255 to register 14, unit 17"},
    {"18 04de", "read the queue at register 1246, unit 17"},
    {"08 0004 0000", "diagnostics 4, unit 17"},
    {"11", "report-server-id, unit 17"},
    {"5a 01", "function 90, unit 17"},
};

static void decode(const char *pdu, struct modbus_message *message, size_t *length)
{
    const struct wire wire = wire_adu(pdu);
    modbus_decode(SL_REQUEST, NULL, wire.bytes, wire.length, message, length);
}

static void test_requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct modbus_message message;
        size_t length;
        char text[160];
        decode(cases[i].pdu, &message, &length);
        modbus_phrase(text, sizeof text, SL_REQUEST, &message, length);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_replies(void **state)
{
    (void)state;
    struct modbus_message message;
    size_t length;
    char text[160];
    decode("03 0000 0001", &message, &length);
    modbus_phrase(text, sizeof text, SL_REPLY, &message, length);
    assert_string_equal(text, "reply to read-holding-registers, unit 17");
}

static void test_cut_off_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct modbus_message message;
        size_t length;
        decode(cases[i].pdu, &message, &length);
        for (size_t cut = 0; cut <= length; cut++)
            for (size_t size = 1; size < 80; size++) {
                void *exact = malloc(cut ? cut : 1);
                char *text = malloc(size);
                assert_non_null(exact);
                assert_non_null(text);
                memcpy(exact, &message, cut);
                modbus_phrase(text, size, SL_REQUEST, exact, cut);
                assert_true(strlen(text) < size);
                free(exact);
                free(text);
            }
    }
}

static void test_any_bytes(void **state)
{
    (void)state;
    uint8_t bytes[sizeof(struct modbus_message)];
    char text[160];
    srand(1);
    for (unsigned round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)rand();
        bytes[0] = (uint8_t)(rand() % 6);
        bytes[1] = (uint8_t)(rand() % 48);
        modbus_phrase(text, sizeof text, (enum sl_direction)(rand() & 1), bytes,
                      (size_t)rand() % (sizeof bytes + 1));
        assert_true(strlen(text) < sizeof text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_replies),
        cmocka_unit_test(test_cut_off_anywhere),
        cmocka_unit_test(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
