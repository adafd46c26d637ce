/* SPDX-License-Identifier: BSD-2-Clause */
/* One direction of a connection: every order and overlap of segments gives the same bytes. */
// link: src/cli/tcp_stream.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/tcp_stream.h"

struct seen {
    uint8_t bytes[4096];
    size_t length;
    unsigned conflicts, ends;
    uint64_t conflict_at, missing, end_offset;
};

static void on_data(void *context, const uint8_t *bytes, size_t length)
{
    struct seen *seen = context;
    assert_true(length && seen->length + length <= sizeof seen->bytes);
    memcpy(seen->bytes + seen->length, bytes, length);
    seen->length += length;
}

static void on_conflict(void *context, uint64_t offset)
{
    struct seen *seen = context;
    seen->conflicts++;
    seen->conflict_at = offset;
}

static void on_end(void *context, uint64_t offset, uint64_t missing)
{
    struct seen *seen = context;
    seen->ends++;
    seen->end_offset = offset;
    seen->missing = missing;
}

static const struct tcp_stream_events events = {on_data, on_conflict, on_end};

static void open_stream(struct tcp_stream *stream, struct seen *seen)
{
    memset(seen, 0, sizeof *seen);
    tcp_stream_init(stream, &events, seen);
}

static void syn(struct tcp_stream *stream, uint32_t sequence)
{
    tcp_stream_segment(stream, &(struct tcp_segment){.sequence = sequence, .syn = true});
}

static void fin(struct tcp_stream *stream, uint32_t sequence)
{
    tcp_stream_segment(stream, &(struct tcp_segment){.sequence = sequence, .fin = true});
}

static void data(struct tcp_stream *stream, uint32_t sequence, const char *text)
{
    tcp_stream_segment(stream, &(struct tcp_segment){.sequence = sequence,
                                                     .payload = (const uint8_t *)text,
                                                     .length = strlen(text)});
}

static void check_bytes(const struct seen *seen, const char *text)
{
    assert_int_equal(seen->length, strlen(text));
    assert_memory_equal(seen->bytes, text, seen->length);
}

static void test_in_order_with_both_ends(void **state)
{
    (void)state;
    struct tcp_stream stream;
    struct seen seen;
    open_stream(&stream, &seen);
    syn(&stream, 99);
    data(&stream, 100, "abc");
    data(&stream, 103, "def");
    assert_int_equal(seen.ends, 0);
    fin(&stream, 106);
    check_bytes(&seen, "abcdef");
    assert_int_equal(seen.ends, 1);
    assert_int_equal(seen.missing, 0);
    data(&stream, 106, "after the end");
    check_bytes(&seen, "abcdef");
    tcp_stream_close(&stream);
    assert_int_equal(seen.ends, 1);
}

/* Five segments in all 120 orders, at a sequence number that wraps in the middle. */
static void test_any_order_over_the_wrap(void **state)
{
    (void)state;
    static const char *const part[5] = {"ab", "cde", "f", "ghij", "kl"};
    static const uint32_t at[5] = {0, 2, 5, 6, 10};
    for (unsigned order = 0; order < 120; order++) {
        unsigned left[5] = {0, 1, 2, 3, 4}, code = order;
        struct tcp_stream stream;
        struct seen seen;
        open_stream(&stream, &seen);
        syn(&stream, UINT32_MAX - 5);
        fin(&stream, UINT32_MAX - 4 + 12);
        for (unsigned count = 5; count > 0; count--) {
            unsigned chosen = code % count, index = left[chosen];
            code /= count;
            left[chosen] = left[count - 1];
            data(&stream, UINT32_MAX - 4 + at[index], part[index]);
        }
        check_bytes(&seen, "abcdefghijkl");
        assert_int_equal(seen.ends, 1);
        assert_int_equal(seen.missing + seen.conflicts, 0);
    }
}

static void test_retransmission_is_taken_once(void **state)
{
    (void)state;
    struct tcp_stream stream;
    struct seen seen;
    open_stream(&stream, &seen);
    syn(&stream, 0);
    data(&stream, 1, "abcd");
    data(&stream, 1, "abcd");
    data(&stream, 3, "cdef");
    syn(&stream, 0);
    tcp_stream_close(&stream);
    check_bytes(&seen, "abcdef");
    assert_int_equal(seen.conflicts, 0);
}

static void test_first_bytes_win_over_those_handed_on(void **state)
{
    (void)state;
    struct tcp_stream stream;
    struct seen seen;
    open_stream(&stream, &seen);
    syn(&stream, 0);
    data(&stream, 1, "abcd");
    data(&stream, 1, "abXYef");
    tcp_stream_close(&stream);
    check_bytes(&seen, "abcdef");
    assert_int_equal(seen.conflicts, 1);
    assert_int_equal(seen.conflict_at, 2);
}

static void test_first_bytes_win_over_those_waiting(void **state)
{
    (void)state;
    struct tcp_stream stream;
    struct seen seen;
    open_stream(&stream, &seen);
    syn(&stream, 0);
    data(&stream, 4, "def");     /* waits for abc */
    data(&stream, 2, "bcXXXgh"); /* overlaps on both sides */
    assert_int_equal(seen.length, 0);
    data(&stream, 1, "aB");
    tcp_stream_close(&stream);
    check_bytes(&seen, "abcdefgh");
    assert_int_equal(seen.conflicts, 2);
}

static void test_conflict_far_back_is_not_invented(void **state)
{
    (void)state;
    static char block[1024 + 1];
    struct tcp_stream stream;
    struct seen seen;
    open_stream(&stream, &seen);
    syn(&stream, 0);
    data(&stream, 1, "first");
    memset(block, 'x', sizeof block - 1);
    for (uint32_t i = 0; i < TCP_STREAM_HISTORY / 1024 + 1; i++) {
        seen.length = 0;
        data(&stream, 6 + i * 1024, block);
    }
    data(&stream, 1, "other"); /* no longer known */
    assert_int_equal(seen.conflicts, 0);
    data(&stream, 6 + 10 * 1024, "y"); /* still known */
    assert_int_equal(seen.conflicts, 1);
    assert_int_equal(seen.conflict_at, 5 + 10 * 1024);
    tcp_stream_close(&stream);
}

static void test_keep_alive_carries_nothing(void **state)
{
    (void)state;
    struct tcp_stream stream;
    struct seen seen;
    open_stream(&stream, &seen);
    syn(&stream, 0);
    data(&stream, 1, "abc");
    data(&stream, 3, "?"); /* one byte before the next: a probe */
    tcp_stream_close(&stream);
    check_bytes(&seen, "abc");
    assert_int_equal(seen.conflicts, 0);
}

static void test_gap_ends_the_stream_and_says_how_much(void **state)
{
    (void)state;
    struct tcp_stream stream;
    struct seen seen;
    open_stream(&stream, &seen);
    syn(&stream, 0);
    data(&stream, 1, "abc");
    data(&stream, 10, "later");
    assert_int_equal(seen.ends, 0); /* it may still come */
    tcp_stream_close(&stream);
    check_bytes(&seen, "abc");
    assert_int_equal(seen.ends, 1);
    assert_int_equal(seen.end_offset, 3);
    assert_int_equal(seen.missing, 6);
}

static void test_gap_before_the_fin(void **state)
{
    (void)state;
    struct tcp_stream stream;
    struct seen seen;
    open_stream(&stream, &seen);
    syn(&stream, 0);
    data(&stream, 1, "abc");
    fin(&stream, 8);
    tcp_stream_close(&stream);
    assert_int_equal(seen.missing, 4);
}

static void test_what_the_capture_cut_off_is_missing(void **state)
{
    (void)state;
    struct tcp_stream stream;
    struct seen seen;
    open_stream(&stream, &seen);
    syn(&stream, 0);
    tcp_stream_segment(
        &stream, &(struct tcp_segment){
                     .sequence = 1, .payload = (const uint8_t *)"ab", .length = 2, .missing = 3});
    data(&stream, 6, "xyz");
    tcp_stream_close(&stream);
    check_bytes(&seen, "ab");
    assert_int_equal(seen.missing, 3);
}

static void test_too_much_waiting_is_a_gap(void **state)
{
    (void)state;
    static char block[1024 + 1];
    struct tcp_stream stream;
    struct seen seen;
    open_stream(&stream, &seen);
    syn(&stream, 0);
    memset(block, 'x', sizeof block - 1);
    for (uint32_t i = 0; i < TCP_STREAM_HELD / 1024; i++)
        data(&stream, 11 + i * 1024, block);
    assert_int_equal(seen.ends, 0);
    data(&stream, 11 + TCP_STREAM_HELD, "x");
    assert_int_equal(seen.ends, 1);
    assert_int_equal(seen.missing, 10);

    open_stream(&stream, &seen);
    syn(&stream, 0);
    for (uint32_t i = 0; i < TCP_STREAM_PIECES; i++)
        data(&stream, 11 + i * 2, "x");
    assert_int_equal(seen.ends, 0);
    data(&stream, 11 + TCP_STREAM_PIECES * 2, "x");
    assert_int_equal(seen.ends, 1);
}

static void test_capture_starts_inside_the_connection(void **state)
{
    (void)state;
    struct tcp_stream stream;
    struct seen seen;
    open_stream(&stream, &seen);
    tcp_stream_segment(&stream, &(struct tcp_segment){.sequence = 500}); /* a bare ACK */
    data(&stream, 500, "abc");
    data(&stream, 490, "before 500"); /* older than the capture's first: not part of it */
    data(&stream, 503, "def");
    tcp_stream_close(&stream);
    check_bytes(&seen, "abcdef");
    assert_int_equal(seen.conflicts + seen.missing, 0);
}

static void test_data_in_the_syn(void **state)
{
    (void)state;
    struct tcp_stream stream;
    struct seen seen;
    open_stream(&stream, &seen);
    tcp_stream_segment(
        &stream, &(struct tcp_segment){
                     .sequence = 7, .syn = true, .payload = (const uint8_t *)"abc", .length = 3});
    data(&stream, 11, "def");
    tcp_stream_close(&stream);
    check_bytes(&seen, "abcdef");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order_with_both_ends),
        cmocka_unit_test(test_any_order_over_the_wrap),
        cmocka_unit_test(test_retransmission_is_taken_once),
        cmocka_unit_test(test_first_bytes_win_over_those_handed_on),
        cmocka_unit_test(test_first_bytes_win_over_those_waiting),
        cmocka_unit_test(test_conflict_far_back_is_not_invented),
        cmocka_unit_test(test_keep_alive_carries_nothing),
        cmocka_unit_test(test_gap_ends_the_stream_and_says_how_much),
        cmocka_unit_test(test_gap_before_the_fin),
        cmocka_unit_test(test_what_the_capture_cut_off_is_missing),
        cmocka_unit_test(test_too_much_waiting_is_a_gap),
        cmocka_unit_test(test_capture_starts_inside_the_connection),
        cmocka_unit_test(test_data_in_the_syn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
