/* SPDX-License-Identifier: BSD-2-Clause */
/* Every mistake in a DNP3 service at its place, and all of them at once. */
#include "dnp3_fixture.h"

#define SERVICE_LINE 6 /* of the service; its further keys from line 10 on */
#define KEYS(keys)   DNP3_SERVICE keys
#define STATIONS     "    stations: [ { master: 3, outstation: 4 } ]\n"
#define RULE(rule)   DNP3_RULES "      - " rule "\n"
#define MOST         4

static const struct {
    const char *text;
    const char *lines[MOST];
} cases[] = {
    {KEYS(""), {"f:6:5: found a service of protocol dnp3 without 'stations', expected it"}},
    {KEYS("    stations: []\n"), {"f:10:15: found a list, expected stations: a list"}},
    {KEYS("    stations: 3\n"), {"f:10:15: found '3', expected stations: a list"}},
    {KEYS("    stations: [ {}, 7 ]\n"),
     {"f:10:17: found a station without 'master', expected it",
      "f:10:17: found a station without 'outstation', expected it",
      "f:10:21: found '7', expected a station: a map of master, outstation, device-master"}},
    {KEYS("    stations: [ { master: 65520, outstation: 65532 } ]\n"),
     {"f:10:27: found '65520', expected master: a station's address from 0 to 65519"}},
    {KEYS("    stations: [ { master: 65535, outstation: 4 }, { master: 3, outstation: 65532 } ]\n"),
     {"f:10:27: found '65535', expected master: a station's address from 0 to 65519",
      "f:10:76: found '65532', expected outstation: a station's address from 0 to 65519, or a "
      "broadcast address from 65533 to 65535"}},
    {KEYS("    stations: [ { master: 3, outstation: 3 } ]\n"),
     {"f:10:42: found '3', expected another address than the master's"}},
    {KEYS("    stations: [ { master: 3, outstation: 65535, device-outstation: 4 } ]\n"),
     {"f:10:68: found '4', expected none: a broadcast address is the same on both sides"}},
    {KEYS("    stations: [ { master: 3, outstation: 4 }, { master: 3, outstation: 4 } ]\n"),
     {"f:10:47: found master 3 and outstation 4 twice, expected each pair once"}},
    {KEYS("    stations: [ { master: 3, outstation: 4 },"
          " { master: 5, outstation: 6, device-master: 3, device-outstation: 4 } ]\n"),
     {"f:10:47: found device-master 3 and device-outstation 4 twice, expected each pair once: "
      "what the device sends must be for one pair of stations"}},
    {KEYS(STATIONS "    noise: drop\n"), {"f:11:12: found 'drop', expected noise: close or skip"}},
    {KEYS(STATIONS "    unsolicited: true\n"),
     {"f:11:18: found 'true', expected unsolicited: deny or allow"}},
    {KEYS(STATIONS "    response-fragments: 0\n"),
     {"f:11:25: found '0', expected response-fragments: a number from 1 to 1024"}},
    {KEYS(STATIONS "    response-size: 100\n"),
     {"f:11:20: found '100', expected response-size: octets of one response in all, 292 to"}},
    {KEYS(STATIONS "    unit-0: device\n    points: {}\n"),
     {"f:11:5: found 'unit-0' in a service of protocol dnp3, expected it only where the protocol "
      "is modbus-tcp"}},
    {KEYS(STATIONS "    points: [ a ]\n"), {"f:11:13: found a list, expected points: a map"}},
    {KEYS(STATIONS
          "    points: { a: { group: 5, index: 3 }, b: { index: x }, c: { group: 1, at: 3 } }\n"),
     {"f:11:27: found '5', expected group: one of the object library",
      "f:11:45: found a point without 'group'", "f:11:74: found unknown key 'at' in a point",
      "f:11:62: found a point without 'index'"}},
#define POINTS(rule)                                                                               \
    KEYS(STATIONS "    points: { breaker: { group: [10, 12], index: 3 },"                          \
                  " level: { group: 41, index: 0 } }\n"                                            \
                  "    rules:\n      - " rule "\n")
    {POINTS("{ allow: control, point: braker }"),
     {"f:13:34: found 'braker', expected point: a name under the service's 'points'; did you mean "
      "'breaker'?"}},
    {POINTS("{ allow: control, point: [breaker, level] }"),
     {"f:13:44: found 'level', expected points of the same groups as 'breaker'"}},
    {POINTS("{ allow: control, point: breaker, index: 4 }"),
     {"f:13:43: found 'index' beside 'point', expected it under 'points'"}},
    {POINTS("{ allow: control, point: level, operation: nul }"),
     {"f:13:41: found 'operation' in a rule for other groups, expected it for group 12"}},
    {POINTS("{ allow: freeze, point: level }"), {"f:13:26: found 'point' in a rule for 'freeze'"}},

    {RULE("{ allow: raed }"),
     {"f:16:18: found 'raed', expected a DNP3 function of requests: its number, its name such as "
      "direct-operate, or read, write, control, freeze, restart, application, time, file, "
      "configuration; did you mean 'read'?"}},
    {RULE("{ allow: [34, response, 129] }"),
     {"f:16:19: found '34', expected a DNP3 function of requests",
      "f:16:23: found 'response', expected a DNP3 function of requests",
      "f:16:33: found '129', expected a DNP3 function of requests"}},
    {RULE("{ allow: confirm }"), {"f:16:18: found 'confirm', expected no rule for confirm"}},
    {RULE("{ allow: read, unit: 1 }"), {"f:16:24: found unknown key 'unit' in a rule, expected"}},
    {RULE("{ group: 30 }"), {"f:16:9: found a rule without 'allow' or 'deny'"}},
    {RULE("{ allow: read, deny: write }"), {"f:16:24: found 'allow' and 'deny' in one rule"}},
    {RULE("{ allow: read, outstation: 9 }"),
     {"f:16:36: found '9', expected outstation: of those under 'stations'; there is no outstation "
      "9"}},
    {RULE("{ allow: read, master: [3, 8-9] }"),
     {"f:16:32: found a list, expected master: of those under 'stations'; there is no master 8"}},
    {RULE("{ allow: read, master: 7, outstation: 5 }"),
     {"f:16:9: found a rule for a master and an outstation that are no pair under 'stations'"}},
    {RULE("{ allow: read, variation: 2 }"),
     {"f:16:24: found 'variation' without 'group', expected both"}},
    {RULE("{ allow: read, group: 5 }"),
     {"f:16:31: found '5', expected group: one of the object library, such as 12 or 30; there is "
      "no group 5"}},
    {RULE("{ allow: read, group: 256, index: x }"),
     {"f:16:31: found '256', expected group: a number from 0 to 255 or a range",
      "f:16:43: found 'x', expected index: a number from 0 to 4294967295"}},
    {RULE("{ allow: read, group: 12 }"),
     {"f:16:24: found 'group' in a rule for 'read', expected it only for functions that have "
      "such"}},
    {RULE("{ allow: cold-restart, group: 30 }"),
     {"f:16:32: found 'group' in a rule for 'cold-restart'"}},
    {RULE("{ allow: cold-restart, index: 3 }"),
     {"f:16:32: found 'index' in a rule for 'cold-restart'"}},
    {RULE("{ allow: read, group: 60, index: 3 }"), {"f:16:35: found 'index' in a rule for 'read'"}},
    {RULE("{ allow: read, operation: pulse-on }"),
     {"f:16:24: found 'operation' in a rule for 'read'"}},
    {RULE("{ allow: control, operation: puls-on }"),
     {"f:16:38: found 'puls-on', expected operation: nul, pulse-on, pulse-off, latch-on, "
      "latch-off; did you mean 'pulse-on'?"}},
    {RULE("{ allow: control, trip-close: [close, open] }"),
     {"f:16:47: found 'open', expected trip-close: nul, close, trip"}},
    {RULE("{ allow: control, on-time: 1s, count: 256 }"),
     {"f:16:36: found '1s', expected on-time: a number from 0 to 4294967295",
      "f:16:47: found '256', expected count: a number from 0 to 255"}},
    {RULE("{ allow: control, value: high }"),
     {"f:16:34: found 'high', expected value: a number such as 15 or -2.5, or a range"}},
    {RULE("{ allow: control, value: [9-3, 1e999] }"),
     {"f:16:35: found '9-3', expected the lower value first",
      "f:16:40: found '1e999', expected value: a number"}},
    {RULE("{ allow: control, value: 3, count: 1 }"),
     {"f:16:27: found 'value' beside 'count', expected a rule of its own for analog commands"}},
    {RULE("{ allow: control, group: 41, count: 1 }"),
     {"f:16:38: found 'count' in a rule for other groups, expected it for group 12"}},
    {RULE("{ allow: control, group: 12, value: 1 }"),
     {"f:16:38: found 'value' in a rule for other groups, expected it for group 41"}},
    {RULE("{ allow: control, max-step: 5 }"),
     {"f:16:27: found 'max-step' here, expected it in an allow rule that names its 'index' or"}},
    {RULE("{ deny: control, max-step: 5, index: 3 }"), {"f:16:26: found 'max-step' here"}},
    {RULE("{ allow: control, max-step: { by: 0, first: maybe }, index: 3 }"),
     {"f:16:43: found '0', expected max-step: how far a value may move at once, above 0",
      "f:16:53: found 'maybe', expected first: deny or allow"}},
    {RULE("{ allow: control, max-step: 5, index: 0-300 }"),
     {"f:16:37: found '5', expected fewer points: at most 256 outstations' points"}},
    {RULE("{ allow: control, max-step: 5, index: 70000 }"), {"f:16:27: found 'max-step' here"}},
    {RULE("{ allow: direct-operate, select-before-operate: required }"),
     {"f:16:34: found 'select-before-operate' in a rule for 'direct-operate'"}},
    {RULE("{ allow: control, select-before-operate: yes }"),
     {"f:16:50: found 'yes', expected select-before-operate: required, or { within: 10s }"}},
    {RULE("{ allow: control, select-before-operate: { within: 11min } }"),
     {"f:16:60: found '11min', expected within: a time up to 10min"}},
    {RULE("{ deny: operate, select-before-operate: required }"),
     {"f:16:26: found 'select-before-operate' in a deny rule"}},
    {RULE("{ deny: read, rate: 5/s }"), {"f:16:23: found 'rate' in a deny rule"}},
    {RULE("{ allow: read, name: a }\n      - { allow: freeze, name: a }"),
     {"f:17:32: found 'a', expected a name of its own: the rule on line 16"}},
    {RULE("{ allow: raed, outstation: 9 }\n      - { allow: control, value: x, group: 300 }\n"),
     {"f:16:18: ", "f:16:36: ", "f:17:34: ", "f:17:44: "}},
};

static void each_mistake_at_its_place(void **unused)
{
    unsigned wrong = 0;
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *said = NULL;
        size_t length;
        FILE *out = open_memstream(&said, &length);
        struct site *site = site_load_text("f", cases[i].text, strlen(cases[i].text), out);
        fclose(out);
        bool good = site == NULL;
        unsigned lines = 0, wanted = 0;
        for (const char *at = said; (at = strchr(at, '\n')) != NULL; at++)
            lines++;
        for (; wanted < MOST && cases[i].lines[wanted]; wanted++)
            good = good && strstr(said, cases[i].lines[wanted]);
        if (!good || lines != wanted) {
            fprintf(stderr, "--- of\n%s--- said\n%s", cases[i].text, said);
            wrong++;
        }
        free(said);
        site_free(site);
    }
    assert_int_equal(wrong, 0);
}

#define ONE_WAY                                                                                    \
    "gateway:\n  mode: one-way\n"                                                                  \
    "  external: { nic: a, address: 192.168.96.2/24 }\n"                                           \
    "  internal: { nic: b, address: 192.168.95.1/24 }\n"                                           \
    "services:\n"                                                                                  \
    "  - { name: a, protocol: dnp3, listen: 192.168.96.2, device: 192.168.95.2,\n"                 \
    "      stations: [ { master: 3, outstation: 4 } ], rules: [ "

static void one_way(void **unused)
{
    static const struct {
        const char *rule, *said; /* NULL: good */
    } rules[] = {
        {"{ allow: direct-operate }", NULL},
        {"{ allow: [write, freeze, 6] }", NULL},
        {"{ allow: control }", NULL}, /* without select and operate */
        {"{ allow: read }", "found 'read' allowed in one-way mode"},
        {"{ allow: operate }", "found 'operate' allowed in one-way mode"},
        {"{ allow: restart }", "found 'restart' allowed in one-way mode"},
        {"{ allow: direct-operate, index: 3, max-step: 5 }", "found 'max-step' in one-way mode"},
        {"{ allow: write } ], one-way-reply: echo, x: [",
         "found 'echo', expected one-way-reply: none"},
        {"{ allow: write } ], unsolicited: allow, x: [", "found 'unsolicited' in one-way mode"},
        {"{ allow: write } ], response-fragments: 4, x: [", "found 'response-fragments' in one"},
        {"{ allow: write } ], response-size: 4000, x: [", "found 'response-size' in one-way mode"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        char text[2048], *said = NULL;
        size_t length;
        snprintf(text, sizeof text, "%s%s ] }\n", ONE_WAY, rules[i].rule);
        FILE *out = open_memstream(&said, &length);
        struct site *site = site_load_text("f", text, strlen(text), out);
        fclose(out);
        if (rules[i].said ? !strstr(said, rules[i].said) : site == NULL) {
            fprintf(stderr, "%s: '%s'\n", rules[i].rule, said);
            fail();
        }
        free(said);
        site_free(site);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_at_its_place),
        cmocka_unit_test(one_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
