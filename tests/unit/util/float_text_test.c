/* SPDX-License-Identifier: BSD-2-Clause */
/* Floating point numbers as text, against the C library's own. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/float_text.h"

static const char *text4(float value)
{
    static char text[FLOAT_TEXT_SIZE];
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    float_text(bits, 4, text);
    return text;
}

static const char *text8(double value)
{
    static char text[FLOAT_TEXT_SIZE];
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    float_text(bits, 8, text);
    return text;
}

static void test_known(void **state)
{
    (void)state;
    assert_string_equal(text4(0.0f), "0");
    assert_string_equal(text4(-0.0f), "-0");
    assert_string_equal(text4(7.5f), "7.5");
    assert_string_equal(text4(-6.25f), "-6.25");
    assert_string_equal(text4(0.1f), "0.1");
    assert_string_equal(text8(0.000001), "0.000001");
    assert_string_equal(text8(1e-9), "0.000000");
    assert_string_equal(text8(-1e-300), "-0.000000");
    assert_string_equal(text8(0.9999999), "1");
    assert_string_equal(text8(99.9999999), "100");
    assert_string_equal(text4(16777216.0f), "16777216");
    assert_string_equal(text8(9007199254740993.0), "9007199254740992");
    assert_string_equal(text8(9223372036854774784.0), "9223372036854774784");
    assert_string_equal(text8(9223372036854775808.0), "2^63");
    assert_string_equal(text4(-3.0e38f), "-2^127");
    assert_string_equal(text8(1e308), "2^1023");
    assert_string_equal(text4(INFINITY), "infinity");
    assert_string_equal(text8(-INFINITY), "-infinity");
    assert_string_equal(text8(NAN), "nan");
}

/* Rounded to six places; where six places are a tie or lost, either neighbour. */
static void check(double value, const char *text)
{
    char *end;
    double read = strtod(text, &end);
    assert_true(*end == '\0');
    assert_true(fabs(read - value) <= 0.5000001e-6 + fabs(value) * 1e-15);
    assert_true(text[strlen(text) - 1] != '.');
}

static void test_any(void **state)
{
    (void)state;
    srand(7);
    for (unsigned round = 0; round < 200000; round++) {
        uint64_t bits = 0;
        char text[FLOAT_TEXT_SIZE];
        for (unsigned i = 0; i < 8; i++)
            bits = bits << 8 | (unsigned)(rand() & 0xff);
        float single;
        double number;
        const uint32_t low = (uint32_t)bits;
        memcpy(&single, &low, sizeof single);
        if (float_text(low, 4, text))
            check((double)single, text);
        assert_true(strlen(text) < sizeof text);
        /* exponents near zero, which random bits would hardly hit */
        bits = (bits & ~(UINT64_C(0x7ff) << 52)) | (uint64_t)(960 + rand() % 130) << 52;
        memcpy(&number, &bits, sizeof number);
        if (float_text(bits, 8, text))
            check(number, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
