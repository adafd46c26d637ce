/* SPDX-License-Identifier: BSD-2-Clause */
/* IP fragments in any order, overlapping, impossible, and more of them than are held. */
// link: src/cli/ip_fragments.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/ip_fragments.h"

static size_t total;
static uint8_t protocol;

static const uint8_t *add(struct ip_fragments *fragments, uint32_t identification, size_t offset,
                          bool more, const char *text)
{
    const struct fragment_key key = {.identification = identification, .family = 4};
    return ip_fragments_add(fragments, &key, offset ? 99 : 6, offset, more, (const uint8_t *)text,
                            strlen(text), &total, &protocol);
}

static void test_any_order(void **state)
{
    (void)state;
    struct ip_fragments *fragments = ip_fragments_new();
    assert_null(add(fragments, 1, 16, false, "end"));
    assert_null(add(fragments, 1, 8, true, "ABCDEFGH"));
    assert_null(add(fragments, 2, 0, true, "another1"));
    const uint8_t *datagram = add(fragments, 1, 0, true, "abcdefgh");
    assert_non_null(datagram);
    assert_int_equal(total, 19);
    assert_int_equal(protocol, 6);
    assert_memory_equal(datagram, "abcdefghABCDEFGHend", 19);
    assert_int_equal(ip_fragments_free(fragments), 1);
}

static void test_first_bytes_win(void **state)
{
    (void)state;
    struct ip_fragments *fragments = ip_fragments_new();
    assert_null(add(fragments, 1, 0, true, "abcdefgh"));
    assert_null(add(fragments, 1, 0, true, "XXXXXXXXABCDEFGH"));
    const uint8_t *datagram = add(fragments, 1, 8, false, "YYYYYYYYend");
    assert_non_null(datagram);
    assert_int_equal(total, 19);
    assert_memory_equal(datagram, "abcdefghABCDEFGHend", 19);
    ip_fragments_free(fragments);
}

static void test_impossible_fragments_are_dropped(void **state)
{
    (void)state;
    static char large[65536 + 1];
    memset(large, 'x', sizeof large - 1);
    struct ip_fragments *fragments = ip_fragments_new();
    assert_null(add(fragments, 1, 0, true, "seven b"));  /* not whole units */
    assert_null(add(fragments, 1, 0, true, ""));         /* empty, more to come */
    assert_null(add(fragments, 1, 65528, false, large)); /* past the largest */
    assert_null(add(fragments, 1, 4, false, "off the units"));
    assert_int_equal(ip_fragments_free(fragments), 4);
}

static void test_the_oldest_gives_way(void **state)
{
    (void)state;
    struct ip_fragments *fragments = ip_fragments_new();
    for (uint32_t i = 0; i <= 64; i++)
        assert_null(add(fragments, i, 0, true, "abcdefgh"));
    assert_null(add(fragments, 0, 8, false, "end")); /* its first part is gone, and 1's now too */
    assert_non_null(add(fragments, 64, 8, false, "end"));
    assert_non_null(add(fragments, 2, 8, false, "end"));
    assert_int_equal(ip_fragments_free(fragments), 65 - 2 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_first_bytes_win),
        cmocka_unit_test(test_impossible_fragments_are_dropped),
        cmocka_unit_test(test_the_oldest_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
