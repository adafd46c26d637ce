/* SPDX-License-Identifier: BSD-2-Clause */
/* SipHash-2-4 by its authors' vectors; what RFC 6528 asks of initial sequence numbers. */
// link: src/net/isn.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/isn.h"

/* vectors_sip64 of the reference implementation: key 00..0f, message 00..length-1 */
static void siphash_matches_its_authors_vectors(void **state)
{
    static const struct {
        size_t length;
        uint64_t hash;
    } vector[] = {
        {0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd},  {7, 0xab0200f58b01d137},
        {8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5},
    };
    uint8_t key[ISN_KEY_SIZE], message[16];
    (void)state;
    for (uint8_t i = 0; i < 16; i++)
        key[i] = message[i] = i;
    for (size_t i = 0; i < sizeof vector / sizeof *vector; i++)
        assert_true(siphash(key, message, vector[i].length) == vector[i].hash);
}

static void numbers_depend_on_time_key_and_every_end(void **state)
{
    uint8_t key[ISN_KEY_SIZE] = {1, 2, 3};
    (void)state;
    const uint32_t first = isn(key, 0, 1, 2, 3, 4);
    assert_int_equal(isn(key, 4000, 1, 2, 3, 4) - first, 1); /* 4 microseconds */
    assert_int_not_equal(isn(key, 0, 9, 2, 3, 4), first);
    assert_int_not_equal(isn(key, 0, 1, 9, 3, 4), first);
    assert_int_not_equal(isn(key, 0, 1, 2, 9, 4), first);
    assert_int_not_equal(isn(key, 0, 1, 2, 3, 9), first);
    key[15] = 1;
    assert_int_not_equal(isn(key, 0, 1, 2, 3, 4), first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_matches_its_authors_vectors),
        cmocka_unit_test(numbers_depend_on_time_key_and_every_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
