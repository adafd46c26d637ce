/* SPDX-License-Identifier: BSD-2-Clause */
/* The JSON writer: separators, escapes, numbers at their limits, and what a full buffer does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sluice/json.h"

static void test_members_are_separated(void **state)
{
    (void)state;
    char text[256];
    struct sl_json json;
    sl_json_start(&json, text, sizeof text);
    sl_json_open_object(&json, NULL);
    sl_json_string(&json, "a", "b");
    sl_json_open_array(&json, "list");
    sl_json_number(&json, NULL, 1);
    sl_json_number(&json, NULL, 2);
    sl_json_open_object(&json, NULL);
    sl_json_close_object(&json);
    sl_json_close_array(&json);
    sl_json_bool(&json, "yes", true);
    sl_json_bool(&json, "no", false);
    sl_json_null(&json, "nothing");
    sl_json_open_array(&json, "empty");
    sl_json_close_array(&json);
    sl_json_close_object(&json);
    assert_string_equal(text, "{\"a\":\"b\",\"list\":[1,2,{}],\"yes\":true,\"no\":false,"
                              "\"nothing\":null,\"empty\":[]}");
    assert_int_equal(json.length, strlen(text));
    assert_false(json.overflow);
}

static void check_string(const char *value, const char *expected)
{
    char text[128];
    struct sl_json json;
    sl_json_start(&json, text, sizeof text);
    sl_json_string(&json, NULL, value);
    assert_string_equal(text, expected);
}

static void test_strings_are_escaped(void **state)
{
    (void)state;
    check_string("", "\"\"");
    check_string("say \"no\" \\ yes", "\"say \\\"no\\\" \\\\ yes\"");
    check_string("a\nb\x01\x1f\x7f", "\"a\\u000ab\\u0001\\u001f\\u007f\"");
    check_string("caf\xc3\xa9", "\"caf\xc3\xa9\"");
    check_string("\xf0\x9f\x94\xa5", "\"\xf0\x9f\x94\xa5\"");
    check_string("a\xff"
                 "b\xed\xa0\x80",
                 "\"a\xef\xbf\xbd"
                 "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    check_string("caf\xc3", "\"caf\xef\xbf\xbd\"");
    check_string("\xe2\x82\"", "\"\xef\xbf\xbd\xef\xbf\xbd\\\"\"");
    check_string(NULL, "null");
}

static void test_keys_are_escaped(void **state)
{
    (void)state;
    char text[64];
    struct sl_json json;
    sl_json_start(&json, text, sizeof text);
    sl_json_number(&json, "a\"b", 1);
    assert_string_equal(text, "\"a\\\"b\":1");
}

static void test_numbers_at_their_limits(void **state)
{
    (void)state;
    char text[128];
    struct sl_json json;
    sl_json_start(&json, text, sizeof text);
    sl_json_open_array(&json, NULL);
    sl_json_number(&json, NULL, 0);
    sl_json_number(&json, NULL, UINT64_MAX);
    sl_json_signed(&json, NULL, INT64_MIN);
    sl_json_signed(&json, NULL, -1);
    sl_json_signed(&json, NULL, INT64_MAX);
    sl_json_close_array(&json);
    assert_string_equal(text, "[0,18446744073709551615,-9223372036854775808,-1,"
                              "9223372036854775807]");
}

static void test_hex_and_addresses(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x00, 0x7f, 0xff, 0xa5};
    char text[128];
    struct sl_json json;
    sl_json_start(&json, text, sizeof text);
    sl_json_open_object(&json, NULL);
    sl_json_hex(&json, "h", bytes, sizeof bytes);
    sl_json_hex(&json, "e", bytes, 0);
    sl_json_ipv4(&json, "i", UINT32_C(0xc0a8600a));
    sl_json_ipv4(&json, "z", 0);
    sl_json_close_object(&json);
    assert_string_equal(
        text, "{\"h\":\"007fffa5\",\"e\":\"\",\"i\":\"192.168.96.10\",\"z\":\"0.0.0.0\"}");
}

/* At every size: never a byte past the end, always a NUL, never half a member. */
static void test_what_does_not_fit_is_left_out_whole(void **state)
{
    (void)state;
    static const char whole[] = "\"first\":1,\"second\":\"two\"";
    for (size_t size = 0; size <= sizeof whole + 1; size++) {
        char text[sizeof whole + 8];
        memset(text, 'x', sizeof text);
        struct sl_json json;
        sl_json_start(&json, text, size);
        sl_json_number(&json, "first", 1);
        sl_json_string(&json, "second", "two");
        assert_int_equal(text[size], 'x');
        if (size == 0)
            continue;
        const char *expected = size >= sizeof whole ? whole : size >= 10 ? "\"first\":1" : "";
        assert_string_equal(text, expected);
        assert_int_equal(json.overflow, size < sizeof whole);
        assert_int_equal(json.length, strlen(text));
    }
}

/* Whatever the room, brackets that were opened are closed. */
static void test_a_line_cut_short_is_closed(void **state)
{
    (void)state;
    for (size_t size = 3; size < 80; size++) {
        char text[80];
        struct sl_json json;
        sl_json_start(&json, text, size);
        sl_json_open_object(&json, NULL);
        sl_json_number(&json, "first", 1);
        sl_json_open_object(&json, "inner");
        sl_json_open_array(&json, "list");
        sl_json_string(&json, NULL, "something");
        sl_json_close_array(&json);
        sl_json_close_object(&json);
        sl_json_number(&json, "last", 2);
        sl_json_close_object(&json);
        int depth = 0;
        for (size_t i = 0; i < json.length; i++)
            depth += text[i] == '{' || text[i] == '['   ? 1
                     : text[i] == '}' || text[i] == ']' ? -1
                                                        : 0;
        assert_int_equal(depth, 0);
        assert_int_equal(text[json.length - 1], '}');
        assert_true(json.length < size);
    }
}

static void test_nothing_follows_an_overflow(void **state)
{
    (void)state;
    char text[16];
    struct sl_json json;
    sl_json_start(&json, text, sizeof text);
    sl_json_number(&json, "a", 1);
    sl_json_string(&json, "long", "more than there is room for");
    sl_json_number(&json, "b", 2);
    assert_string_equal(text, "\"a\":1");
    assert_true(json.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_are_separated),
        cmocka_unit_test(test_strings_are_escaped),
        cmocka_unit_test(test_keys_are_escaped),
        cmocka_unit_test(test_numbers_at_their_limits),
        cmocka_unit_test(test_hex_and_addresses),
        cmocka_unit_test(test_what_does_not_fit_is_left_out_whole),
        cmocka_unit_test(test_a_line_cut_short_is_closed),
        cmocka_unit_test(test_nothing_follows_an_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
