/* SPDX-License-Identifier: BSD-2-Clause */
// link: src/hosts/microkit/console.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "hosts/microkit/console.h"
#include "hosts/microkit/domain_time.h"
#include "hosts/microkit/uart.h"

static struct domain_status status;
static struct domain_life life;
static struct domain_config config;
static char said[4096];

void uart_write(void *registers, const char *text, size_t length)
{
    (void)registers;
    strncat(said, text, length);
}

uint64_t domain_now(void)
{
    return UINT64_C(7000000000);
}

/* `turns` of the monitor's that find the supervisor silent since `alive`. */
static void silent(uint64_t alive, unsigned turns)
{
    config.status.base = (uint64_t)(uintptr_t)&status;
    config.life.base = (uint64_t)(uintptr_t)&life;
    status.alive = alive;
    while (turns-- > 0)
        assert_true(console_without_supervisor(&config));
}

/* The supervisor may lose the processor while it writes the boot's identifier. */
static void test_half_a_name_is_none(void **state)
{
    (void)state;
    config.status.base = (uint64_t)(uintptr_t)&status;
    status.boot[0] = 2;
    assert_false(console_ready(&config));
    status.named = 1;
    assert_true(console_ready(&config));
    memset(&status, 0, sizeof status);
}

/* The monitor may be the first to run then, and the supervisor hears the clock next. */
static void test_a_machine_that_stood_still_is_no_silence(void **state)
{
    (void)state;
    for (uint64_t stop = 1; stop < 100; stop++)
        silent(stop, 2);
    assert_string_equal(said, "");
}

static void test_silence_that_lasts_is_said_once(void **state)
{
    (void)state;
    silent(1000, 1000);
    const char *line =
        strstr(said, "\"died\":\"supervisor\",\"cause\":\"silent\",\"action\":\"closed\"");
    assert_non_null(line);
    assert_string_equal(strchr(line, '\n'), "\n");
    assert_int_equal(life.turns, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_a_name_is_none),
        cmocka_unit_test(test_a_machine_that_stood_still_is_no_silence),
        cmocka_unit_test(test_silence_that_lasts_is_said_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
