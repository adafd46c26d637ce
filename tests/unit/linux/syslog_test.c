/* SPDX-License-Identifier: BSD-2-Clause */
// link: src/hosts/linux/syslog.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "hosts/linux/syslog.h"

static void test_severities(void **state)
{
    (void)state;
    /* What must wake somebody, and what is RFC 5424's number for it; facility local0 is 16. */
    static const struct {
        const char *member, *value;
        unsigned severity;
    } cases[] = {
        {"event", "component-died", 2},    {"event", "launcher-hung", 2},
        {"event", "audit-lost", 3},        {"event", "override-start", 4},
        {"event", "override-reminder", 4}, {"event", "override-end", 4},
        {"event", "reload-failed", 4},     {"verdict", "deny", 4},
        {"event", "reloaded", 5},          {"event", "launcher-resumed", 5},
        {"verdict", "allow", 6},           {"event", "session-open", 6},
    };
    struct syslog syslog = {.to = {.facility = 16}, .process = 7, .host = "here"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[128], message[1024], head[16];
        const int length =
            snprintf(line, sizeof line, "{\"%s\":\"%s\"}", cases[i].member, cases[i].value);
        const size_t used = syslog_format(&syslog, line, (size_t)length, message, sizeof message);
        snprintf(head, sizeof head, "<%u>1 ", 16 * 8 + cases[i].severity);
        assert_true(used > strlen(head));
        assert_memory_equal(message, head, strlen(head));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_severities)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
