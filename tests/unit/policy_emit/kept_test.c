/* SPDX-License-Identifier: BSD-2-Clause */
/* What is kept from one message for the next: whole or not at all, and never another's. */
#include "emit_fixture.h"

static struct policy_emit *emit;

static void fill(uint8_t *bytes, size_t length, unsigned seed)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(seed * 31 + i);
}

static bool keeps(unsigned slot, unsigned seed, uint16_t length)
{
    uint8_t bytes[SL_MAX_PAYLOAD + 8];
    fill(bytes, sizeof bytes, seed);
    return slot_keep(emit, &emit->slot[slot], bytes, length);
}

static void holds(unsigned slot, unsigned seed, uint16_t length)
{
    uint8_t bytes[SL_MAX_PAYLOAD];
    fill(bytes, sizeof bytes, seed);
    assert_int_equal(emit->slot[slot].request_length, length);
    assert_memory_equal(slot_request(emit, &emit->slot[slot]), bytes, length);
}

static void short_requests_have_their_own_place(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < SL_MAX_SLOTS; i++)
        assert_true(keeps(i, i, (uint16_t)(1 + i % STORED_REQUEST_MAX)));
    for (unsigned i = 0; i < SL_MAX_SLOTS; i++)
        holds(i, i, (uint16_t)(1 + i % STORED_REQUEST_MAX));
    assert_int_equal(emit->link.long_free_count, LONG_REQUESTS);
}

static void long_requests_share_a_few(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < LONG_REQUESTS; i++)
        assert_true(keeps(i, i, (uint16_t)(i % 2 ? SL_MAX_PAYLOAD : STORED_REQUEST_MAX + 1)));
    assert_false(keeps(LONG_REQUESTS, 99, STORED_REQUEST_MAX + 1));
    assert_int_equal(emit->slot[LONG_REQUESTS].request_length, 0);
    assert_true(keeps(LONG_REQUESTS, 99, STORED_REQUEST_MAX)); /* a short one always */
    holds(LONG_REQUESTS, 99, STORED_REQUEST_MAX);
    for (unsigned i = 0; i < LONG_REQUESTS; i++)
        holds(i, i, (uint16_t)(i % 2 ? SL_MAX_PAYLOAD : STORED_REQUEST_MAX + 1));
    slot_forget(emit, &emit->slot[5]);
    slot_forget(emit, &emit->slot[5]); /* gives its place back once */
    assert_int_equal(emit->link.long_free_count, 1);
    assert_int_equal(emit->slot[5].request_length, 0);
    assert_true(keeps(LONG_REQUESTS, 7, 1000));
    holds(LONG_REQUESTS, 7, 1000);
    assert_int_equal(emit->link.long_free_count, 0);
    /* a slot that is used anew leaves its place first */
    assert_true(keeps(LONG_REQUESTS, 8, 2000));
    assert_true(keeps(3, 9, 3));
    assert_int_equal(emit->link.long_free_count, 1);
    holds(LONG_REQUESTS, 8, 2000);
    holds(3, 9, 3);
}

static void too_long_is_not_kept(void **unused)
{
    (void)unused;
    assert_false(keeps(0, 1, SL_MAX_PAYLOAD + 1));
    assert_int_equal(emit->link.long_free_count, LONG_REQUESTS);
    /* where no protocol has a link layer there are no long places at all */
    emit->has_link = false;
    assert_false(keeps(0, 1, STORED_REQUEST_MAX + 1));
    assert_int_equal(emit->slot[0].request_length, 0);
    assert_true(keeps(0, 1, STORED_REQUEST_MAX));
    holds(0, 1, STORED_REQUEST_MAX);
}

/* A place is one slot's, whatever comes and goes. */
static void places_are_never_shared(void **unused)
{
    unsigned seed[SL_MAX_SLOTS] = {0};
    uint16_t length[SL_MAX_SLOTS] = {0};
    (void)unused;
    srand(5);
    for (unsigned round = 0; round < 3000; round++) {
        const unsigned i = (unsigned)rand() % (3 * LONG_REQUESTS);
        length[i] = 0;
        if (rand() % 4 == 0) {
            slot_forget(emit, &emit->slot[i]);
            if (emit->slot[i].request_length) /* a short one stays where it is, unused */
                emit->slot[i].request_length = 0;
        } else {
            const uint16_t wanted = (uint16_t)(1 + rand() % SL_MAX_PAYLOAD);
            seed[i] = round;
            if (keeps(i, round, wanted))
                length[i] = wanted;
        }
        unsigned held = 0;
        for (unsigned k = 0; k < 3 * LONG_REQUESTS; k++) {
            held += emit->slot[k].place != NO_PLACE;
            assert_int_equal(emit->slot[k].request_length, length[k]);
        }
        assert_int_equal(held + emit->link.long_free_count, LONG_REQUESTS);
        for (unsigned k = 0; round % 50 == 0 && k < 3 * LONG_REQUESTS; k++)
            holds(k, seed[k], length[k]);
    }
}

static struct sl_record reply(uint16_t session, uint32_t generation, uint16_t key)
{
    return (struct sl_record){.session = session, .generation = generation, .key = key};
}

static void awaited_once(void **unused)
{
    const struct sl_record record = reply(1, 2, 3);
    (void)unused;
    assert_false(awaited_take(emit, &record, 4, 3));
    awaited_add(emit, &record, 4);
    awaited_add(emit, &record, 4); /* sent again: still one */
    assert_false(awaited_take(emit, &record, 4, 2));
    assert_false(awaited_take(emit, &record, 5, 3));
    const struct sl_record other = reply(2, 2, 3), later = reply(1, 3, 3);
    assert_false(awaited_take(emit, &other, 4, 3));
    assert_false(awaited_take(emit, &later, 4, 3));
    assert_true(awaited_take(emit, &record, 4, 3));
    assert_false(awaited_take(emit, &record, 4, 3));
}

static void the_oldest_goes(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < AWAITED_MAX; i++) {
        const struct sl_record record = reply(0, i, 1);
        awaited_add(emit, &record, 4);
    }
    const struct sl_record first = reply(0, 0, 1), second = reply(0, 1, 1);
    awaited_add(emit, &second, 4); /* known: nobody goes */
    assert_true(awaited_take(emit, &first, 4, 1));
    awaited_add(emit, &first, 4); /* in the oldest's place, which was its own */
    const struct sl_record more = reply(0, AWAITED_MAX, 1);
    awaited_add(emit, &more, 4);
    assert_false(awaited_take(emit, &second, 4, 1));
    assert_true(awaited_take(emit, &first, 4, 1));
    assert_true(awaited_take(emit, &more, 4, 1));
    unsigned left = 0;
    for (unsigned i = 0; i < AWAITED_MAX; i++) {
        const struct sl_record record = reply(0, i, 1);
        left += awaited_take(emit, &record, 4, 1);
    }
    assert_int_equal(left, AWAITED_MAX - 2);
}

static int make(void **unused)
{
    (void)unused;
    emit = calloc(1, sizeof *emit);
    emit->has_link = true;
    kept_init(emit);
    return 0;
}

static int release(void **unused)
{
    (void)unused;
    free(emit);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(short_requests_have_their_own_place, make, release),
        cmocka_unit_test_setup_teardown(long_requests_share_a_few, make, release),
        cmocka_unit_test_setup_teardown(too_long_is_not_kept, make, release),
        cmocka_unit_test_setup_teardown(places_are_never_shared, make, release),
        cmocka_unit_test_setup_teardown(awaited_once, make, release),
        cmocka_unit_test_setup_teardown(the_oldest_goes, make, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
