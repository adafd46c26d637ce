/* SPDX-License-Identifier: BSD-2-Clause */
/* A write's confirmation is what the strict decoder takes as a matching reply, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocols/modbus/modbus.h"

static uint8_t reply[MODBUS_MAX_ADU];

static void expect_match(const uint8_t *request, size_t length)
{
    _Alignas(8) struct modbus_message asked, answered;
    size_t asked_length, answered_length;
    const size_t confirmed = modbus_confirm(request, length, reply, sizeof reply);
    assert_true(confirmed > 0);
    assert_int_equal(modbus_decode(SL_REQUEST, NULL, request, length, &asked, &asked_length), 0);
    assert_int_equal(modbus_decode(SL_REPLY, NULL, reply, confirmed, &answered, &answered_length),
                     0);
    assert_int_equal(
        modbus_match(NULL, &asked, asked_length, asked.transaction, &answered, answered_length), 0);
    for (size_t room = 0; room < confirmed; room++)
        assert_int_equal(modbus_confirm(request, length, reply, room), 0);
}
#define EXPECT_MATCH(...)                                                                          \
    do {                                                                                           \
        static const uint8_t bytes[] = {__VA_ARGS__};                                              \
        expect_match(bytes, sizeof bytes);                                                         \
    } while (0)

static void test_every_write(void **state)
{
    (void)state;
    EXPECT_MATCH(0, 1, 0, 0, 0, 6, 1, 5, 0, 7, 0xff, 0);
    EXPECT_MATCH(0, 2, 0, 0, 0, 6, 1, 6, 0, 7, 1, 2);
    EXPECT_MATCH(0, 3, 0, 0, 0, 8, 1, 15, 0, 7, 0, 3, 1, 5);
    EXPECT_MATCH(0, 4, 0, 0, 0, 11, 1, 16, 0, 7, 0, 2, 4, 1, 2, 3, 4);
    EXPECT_MATCH(0, 5, 0, 0, 0, 12, 1, 21, 9, 6, 0, 4, 0, 7, 0, 1, 1, 2);
    EXPECT_MATCH(0, 6, 0, 0, 0, 8, 1, 22, 0, 4, 0, 0xf2, 0, 0x25);
}

static void test_nothing_else(void **state)
{
    (void)state;
    uint8_t request[MODBUS_MAX_ADU] = {0, 1, 0, 0, 0, 6, 1};
    for (unsigned function = 0; function < 256; function++) {
        request[7] = (uint8_t)function;
        const size_t confirmed = modbus_confirm(request, 30, reply, sizeof reply);
        const int writes = function == 5 || function == 6 || function == 15 || function == 16 ||
                           function == 21 || function == 22;
        assert_int_equal(confirmed > 0, writes);
        for (size_t length = 0; length < 12; length++)
            assert_int_equal(modbus_confirm(request, length, reply, sizeof reply), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_write),
        cmocka_unit_test(test_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
