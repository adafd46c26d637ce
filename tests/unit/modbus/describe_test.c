/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages in words: whole, cut short as in an audit record, hostile. */
#include "modbus/wire.h"
#include "sluice/audit.h"

static char text[MODBUS_DESCRIBE_MAX];

static const char *describe(enum sl_direction direction, const void *canonical, size_t length,
                            size_t size)
{
    struct sl_json json;
    void *exact = malloc(length ? length : 1);
    assert_non_null(exact);
    memcpy(exact, canonical, length);
    sl_json_start(&json, text, size);
    modbus_describe(&json, direction, exact, length, true);
    if (size == sizeof text)
        assert_false(json.overflow);
    free(exact);
    return text;
}

#define HEAD(function, name)                                                                       \
    "\"function\":" function ",\"function_name\":\"" name "\",\"unit\":17,\"transaction\":4660"

static const struct {
    enum sl_direction direction;
    const char *pdu, *text;
} cases[] = {
    {SL_REQUEST, "03 006b 0003",
     HEAD("3", "read-holding-registers") ",\"address\":107,\"quantity\":3"},
    {SL_REPLY, "03 04 022b 0064", HEAD("3", "read-holding-registers") ",\"values\":[555,100]"},
    {SL_REPLY, "01 01 05", HEAD("1", "read-coils") ",\"values\":[1,0,1,0,0,0,0,0]"},
    {SL_REQUEST, "05 00ac ff00", HEAD("5", "write-single-coil") ",\"address\":172,\"value\":1"},
    {SL_REQUEST, "06 0001 0003", HEAD("6", "write-single-register") ",\"address\":1,\"value\":3"},
    {SL_REPLY, "07 6d", HEAD("7", "read-exception-status") ",\"status\":109"},
    {SL_REQUEST, "08 0000 a537", HEAD("8", "diagnostics") ",\"subfunction\":0,\"data\":\"a537\""},
    {SL_REPLY, "0c 08 0000 0108 0121 2000",
     HEAD("12", "get-comm-event-log") ",\"status\":0,\"event_count\":264,\"message_count\":289,"
                                      "\"data\":\"2000\""},
    {SL_REQUEST, "0f 0013 000a 02 cd01",
     HEAD("15", "write-multiple-coils") ",\"address\":19,\"quantity\":10,"
                                        "\"values\":[1,0,1,1,0,0,1,1,1,0]"},
    {SL_REQUEST, "14 07 06 0004 0001 0002",
     HEAD("20", "read-file-record") ",\"records\":[{\"file\":4,\"record\":1,\"length\":2}]"},
    {SL_REPLY, "14 04 03 06 0dfe",
     HEAD("20", "read-file-record") ",\"records\":[{\"length\":1}],\"values\":[3582]"},
    {SL_REQUEST, "16 0004 00f2 0025",
     HEAD("22", "mask-write-register") ",\"address\":4,\"and_mask\":242,\"or_mask\":37"},
    {SL_REQUEST, "17 0003 0006 000e 0001 02 00ff",
     HEAD("23", "read-write-multiple-registers") ",\"address\":3,\"quantity\":6,"
                                                 "\"write_address\":14,\"write_quantity\":1,"
                                                 "\"values\":[255]"},
    {SL_REQUEST, "18 04de", HEAD("24", "read-fifo-queue") ",\"address\":1246"},
    {SL_REQUEST, "2b 0e 04 02",
     HEAD("43", "encapsulated-interface-transport") ",\"mei\":14,\"read_code\":4,\"object\":2"},
    {SL_REPLY, "2b 0e 01 01 ff 02 02 00 02 4142 01 01 07",
     HEAD("43", "encapsulated-interface-transport") ",\"mei\":14,\"read_code\":1,"
                                                    "\"conformity\":1,\"more_follows\":true,\"next_"
                                                    "object\":2,\"objects\":["
                                                    "{\"id\":0,\"value\":\"AB\"},{\"id\":1,\"value_"
                                                    "hex\":\"07\"}]"},
    {SL_REPLY, "83 02",
     HEAD("3", "read-holding-registers") ",\"exception\":2,"
                                         "\"exception_name\":\"illegal-data-address\""},
    {SL_REPLY, "83 ff", HEAD("3", "read-holding-registers") ",\"exception\":255"},
    /* malformed: what was there */
    {SL_REQUEST, "03 0001 0000",
     HEAD("3", "read-holding-registers") ",\"address\":1,\"quantity\":0"},
    {SL_REQUEST, "03 0001", HEAD("3", "read-holding-registers") ",\"address\":1"},
    {SL_REQUEST, "08 0005 0000", HEAD("8", "diagnostics") ",\"subfunction\":5"},
    {SL_REQUEST, "2b 0f", HEAD("43", "encapsulated-interface-transport") ",\"mei\":15"},
    {SL_REQUEST, "83 00", "\"function\":131,\"unit\":17,\"transaction\":4660"},
};

static void says_what_the_message_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct decoded decoded = wire_decode_pdu(cases[i].direction, cases[i].pdu);
        assert_string_equal(
            describe(cases[i].direction, decoded.message, decoded.length, sizeof text),
            cases[i].text);
        free(decoded.message);
    }
}

static void says_what_is_left_out(void **state)
{
    (void)state;
    struct decoded decoded = wire_decode_pdu(SL_REPLY, "03 fa [0001*125]");
    describe(SL_REPLY, decoded.message, SL_AUDIT_DETAIL, sizeof text);
    assert_non_null(strstr(text, "1,1,1],\"values_omitted\":99"));
    describe(SL_REPLY, decoded.message, decoded.length, 200);
    assert_non_null(strstr(text, "\"values\":[],\"values_omitted\":125"));
    free(decoded.message);
}

/* What is printed always closes what it opened. */
static void is_well_formed(const char *what)
{
    int depth = 0;
    bool quoted = false;
    for (const char *c = what; *c; c++) {
        if (*c == '"' && (c == what || c[-1] != '\\'))
            quoted = !quoted;
        if (quoted)
            continue;
        depth += *c == '[' || *c == '{';
        depth -= *c == ']' || *c == '}';
        assert_true(depth >= 0);
    }
    assert_int_equal(depth, 0);
    assert_false(quoted);
}

static void any_length_will_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < WIRE_EXAMPLES; i++) {
        enum sl_direction direction = wire_examples[i].direction;
        struct decoded decoded = wire_decode_pdu(direction, wire_examples[i].pdu);
        for (size_t length = 0; length <= decoded.length; length++)
            is_well_formed(describe(direction, decoded.message, length, sizeof text));
        free(decoded.message);
    }
}

static void hostile_bytes(void **state)
{
    (void)state;
    for (unsigned function = 0; function < 256; function++) {
        for (unsigned kind = 0; kind < 8; kind++) {
            uint8_t bytes[sizeof(struct modbus_message) + 8];
            memset(bytes, 0xff, sizeof bytes);
            bytes[0] = (uint8_t)kind;
            bytes[1] = (uint8_t)function;
            bytes[26] = function % 2 ? MODBUS_MEI_DEVICE_IDENTIFICATION : MODBUS_MEI_CANOPEN;
            for (size_t length = 0; length < sizeof bytes; length += 17) {
                is_well_formed(describe(SL_REQUEST, bytes, length, sizeof text));
                is_well_formed(describe(SL_REPLY, bytes, length, sizeof text));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_the_message_says),
        cmocka_unit_test(says_what_is_left_out),
        cmocka_unit_test(any_length_will_do),
        cmocka_unit_test(hostile_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
