/* SPDX-License-Identifier: BSD-2-Clause */
// link: src/hosts/linux/output.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hosts/linux/output.h"

static struct output output;
static int reader;

static int make(void **state)
{
    (void)state;
    int pipe_ends[2];
    memset(&output, 0, sizeof output);
    if (pipe2(pipe_ends, O_NONBLOCK) != 0)
        return -1;
    reader = pipe_ends[0];
    output.fd = pipe_ends[1];
    return 0;
}

static int release(void **state)
{
    (void)state;
    close(reader);
    close(output.fd);
    return 0;
}

static void lines_are_whole(void **state)
{
    (void)state;
    char got[32];
    output_line(&output, "one", 3);
    output_line(&output, "", 0);
    output_line(&output, "three!", 5);
    assert_true(output_flush(&output));
    assert_int_equal(read(reader, got, sizeof got), 11);
    assert_memory_equal(got, "one\n\nthree\n", 11);
    assert_int_equal(output.lost, 0);
}

/* A reader that takes nothing costs lines, counted, and never time; what it does get, once it
 * reads again, are whole lines in order. */
static void slow_reader_costs_lines(void **state)
{
    (void)state;
    char line[8];
    unsigned put = 0;
    memset(line, 'x', sizeof line);
    while (output.lost < 5 && put < 1000000) {
        line[0] = (char)('a' + put++ % 26);
        output_line(&output, line, sizeof line);
    }
    assert_int_equal(output.lost, 5);
    assert_false(output_flush(&output));

    unsigned lines = 0;
    char got[9 * 512];
    for (;;) {
        ssize_t length = read(reader, got, sizeof got);
        if (length <= 0 && output.length == 0)
            break;
        if (length <= 0) {
            output_flush(&output);
            continue;
        }
        for (ssize_t i = 0; i < length; i += 9) {
            if (length - i < 9) { /* the rest of a line that the pipe cut */
                assert_int_equal(read(reader, got + length, (size_t)(9 - (length - i))),
                                 9 - (length - i));
            }
            assert_int_equal(got[i], 'a' + lines++ % 26);
            assert_int_equal(got[i + 8], '\n');
        }
        output_flush(&output);
    }
    assert_int_equal(lines, put - 5);
}

static void line_longer_than_all_is_lost(void **state)
{
    (void)state;
    static char line[OUTPUT_SIZE];
    output_line(&output, line, sizeof line);
    assert_int_equal(output.lost, 1);
    output_line(&output, line, sizeof line - 1);
    assert_int_equal(output.lost, 1);
}

static void file_is_appended_to(void **state)
{
    (void)state;
    char path[] = "/tmp/sluice-output-XXXXXX", got[16];
    int made = mkstemp(path);
    assert_int_equal(write(made, "old\n", 4), 4);
    int fd = output_open(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "new\n", 4), 4);
    assert_int_equal(pread(made, got, sizeof got, 0), 8);
    assert_memory_equal(got, "old\nnew\n", 8);
    assert_int_equal(output_open("/nonexistent/audit"), -1);
    close(fd);
    close(made);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_are_whole, make, release),
        cmocka_unit_test_setup_teardown(slow_reader_costs_lines, make, release),
        cmocka_unit_test_setup_teardown(line_longer_than_all_is_lost, make, release),
        cmocka_unit_test(file_is_appended_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
