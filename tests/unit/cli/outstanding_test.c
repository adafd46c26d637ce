/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies against the requests that await them on one captured connection. */
// link: src/cli/outstanding.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/outstanding.h"
#include "fake_protocol.h"

static void add(struct outstanding *outstanding, uint16_t key, const char *request)
{
    assert_true(outstanding_add(outstanding, key, request, strlen(request), 0));
}

static enum sl_reason match(struct outstanding *outstanding, uint16_t key, const char *reply)
{
    return outstanding_match(outstanding, &fake_protocol, NULL, key, reply, strlen(reply));
}

static void test_each_request_is_answered_once(void **state)
{
    (void)state;
    struct outstanding outstanding = {0};
    assert_int_equal(match(&outstanding, 1, "a"), SL_REASON_REPLY_UNMATCHED);
    add(&outstanding, 1, "a");
    add(&outstanding, 2, "b");
    assert_int_equal(match(&outstanding, 2, "B"), SL_REASON_NONE);
    assert_int_equal(match(&outstanding, 2, "B"), SL_REASON_REPLY_UNMATCHED);
    assert_int_equal(match(&outstanding, 1, "A"), SL_REASON_NONE);
    add(&outstanding, 3, "c"); /* after the list ran empty */
    assert_int_equal(match(&outstanding, 3, "C"), SL_REASON_NONE);
    outstanding_free(&outstanding);
}

static void test_one_transaction_for_several_requests(void **state)
{
    (void)state;
    struct outstanding outstanding = {0};
    add(&outstanding, 0, "one");
    add(&outstanding, 0, "longer");
    assert_int_equal(match(&outstanding, 0, "LONGER"), SL_REASON_NONE);
    assert_int_equal(match(&outstanding, 0, "ONE"), SL_REASON_NONE);
    assert_int_equal(match(&outstanding, 0, "ONE"), SL_REASON_REPLY_UNMATCHED);
    outstanding_free(&outstanding);
}

static void test_a_bad_reply_costs_its_request(void **state)
{
    (void)state;
    struct outstanding outstanding = {0};
    add(&outstanding, 1, "a");
    add(&outstanding, 2, "b");
    assert_int_equal(match(&outstanding, 1, "too long"), SL_REASON_REPLY_SHAPE);
    assert_int_equal(match(&outstanding, 1, "A"), SL_REASON_REPLY_UNMATCHED);
    outstanding_drop(&outstanding, 7); /* nobody's */
    outstanding_drop(&outstanding, 2);
    assert_int_equal(match(&outstanding, 2, "B"), SL_REASON_REPLY_UNMATCHED);
    add(&outstanding, 4, "left behind"); /* freed with the rest */
    outstanding_free(&outstanding);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_request_is_answered_once),
        cmocka_unit_test(test_one_transaction_for_several_requests),
        cmocka_unit_test(test_a_bad_reply_costs_its_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
