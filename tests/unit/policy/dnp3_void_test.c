/* SPDX-License-Identifier: BSD-2-Clause */
/* DNP3 rules without effect: mistakes, and what deserves a warning. */
#include "dnp3_fixture.h"

static char *said;
static size_t said_length;

static void look(const char *rules)
{
    static struct fixture f;
    static char text[8192];
    snprintf(text, sizeof text, "%s%s", DNP3_RULES, rules);
    free(said);
    FILE *out = open_memstream(&said, &said_length);
    fixture_open(&f, text);
    find_void_rules(&f.loader);
    mistakes_print(&f.mistakes, "f", out);
    mistakes_print(&f.policy.warnings, "f", out);
    fclose(out);
    fixture_close(&f);
}

#define assert_said(rules, words)                                                                  \
    do {                                                                                           \
        look(rules);                                                                               \
        if (!strstr(said, words)) {                                                                \
            fprintf(stderr, "%s\nsays '%s', not '%s'\n", rules, said, words);                      \
            fail();                                                                                \
        }                                                                                          \
    } while (0)
#define assert_quiet(rules)                                                                        \
    do {                                                                                           \
        look(rules);                                                                               \
        assert_string_equal(said, "");                                                             \
    } while (0)

static void void_rules(void **unused)
{
    (void)unused;
    assert_said("      - { name: a, allow: read }\n"
                "      - { name: b, allow: read, group: 30 }\n",
                "f:17:9: found rule 'b', all of which rule 'a' on line 16 allows already");
    assert_said("      - { name: a, allow: read, group: 30 }\n"
                "      - { name: b, allow: read, group: 30 }\n",
                "found rule 'b', all of which rule 'a'");
    assert_said("      - { name: a, allow: control, index: 3, operation: pulse-on }\n"
                "      - { name: b, allow: control, index: 0-9 }\n",
                "f:16:9: found rule 'a', whose limit on values is void as rule 'b' on line 17");
    assert_said("      - { name: a, allow: control, select-before-operate: required }\n"
                "      - { name: b, allow: control }\n",
                "found rule 'a', whose condition is void as rule 'b'");
    assert_said("      - { name: a, allow: read, group: 30, index: 0-9 }\n"
                "      - { name: b, deny: read, group: 30 }\n",
                "found rule 'a', all of which rule 'b' on line 17 denies");
    assert_said("      - { name: a, allow: control, value: 0-10, index: 3 }\n"
                "      - { name: b, allow: control, value: [5, 7-8], index: 3 }\n",
                "found rule 'b', all of which rule 'a' on line 16 allows already");
    /* together the others are for all of its clients, functions and stations */
    assert_said("      - { name: a, allow: [select, operate], outstation: 4 }\n"
                "      - { name: b, allow: [direct-operate, 6], outstation: 4 }\n"
                "      - { name: c, allow: control, outstation: 5 }\n"
                "      - { name: d, allow: control, outstation: [4, 5], from: hmi }\n",
                "found rule 'd', all of which");
    assert_said("      - { name: a, allow: read, from: 10.1.0.0/17 }\n"
                "      - { name: b, allow: read, from: 10.1.128.0/17 }\n"
                "      - { name: c, allow: read, from: office, group: 1 }\n",
                "found rule 'c', all of which");
}

static void rules_with_effect(void **unused)
{
    (void)unused;
    assert_quiet("      - { allow: read, group: 30, index: 0-4 }\n"
                 "      - { allow: read, group: 30, index: 5-9 }\n"
                 "      - { allow: read, group: 30, index: 2-7 }\n"); /* one rule for all of it */
    assert_quiet("      - { allow: read, group: 0-255 }\n"
                 "      - { allow: file }\n"); /* opening is not reading */
    assert_quiet("      - { allow: restart }\n"
                 "      - { allow: time }\n");
    assert_quiet("      - { allow: control, value: 0-10, index: 3 }\n"
                 "      - { allow: control, value: 5-11, index: 3 }\n");
    assert_quiet("      - { allow: control, operation: pulse-on, count: 1 }\n"
                 "      - { allow: control, operation: pulse-on, trip-close: trip }\n");
    assert_quiet("      - { allow: [write, time] }\n"
                 "      - { deny: write, group: 80 }\n");
    assert_quiet("      - { allow: initialize-application }\n"
                 "      - { deny: initialize-application, group: 90 }\n");
}

static void warnings(void **unused)
{
    (void)unused;
    assert_said("      - { name: a, allow: control, index: 0-9, operation: pulse-on }\n"
                "      - { name: b, allow: control, index: 5-20 }\n",
                "f:16:9: warning: some of what rule 'a' limits by value, rule 'b' on line 17 "
                "allows without that limit");
    assert_said("      - { name: a, allow: control, index: 0-9, select-before-operate: required }\n"
                "      - { name: b, allow: direct-operate, index: 9 }\n",
                "warning: some of what rule 'a' limits by a condition, rule 'b'");
    assert_said("      - { name: a, allow: read }\n"
                "      - { name: b, deny: write }\n",
                "f:17:9: warning: rule 'b' denies nothing that any rule allows");
    assert_said("      - { name: a, allow: read, outstation: 5 }\n"
                "      - { name: b, deny: read, outstation: 4 }\n",
                "warning: rule 'b' denies nothing");
    assert_said("      - { name: a, allow: read, from: office }\n",
                "warning: rule 'a' is for clients outside the external network");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(void_rules),
        cmocka_unit_test(rules_with_effect),
        cmocka_unit_test(warnings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
