/* SPDX-License-Identifier: BSD-2-Clause */
/* Points and profiles: rules in the plant's words decide as the same rules in numbers would. */
#include "policy_fixture.h"

#include "policy/compiler/decimal.h"

#define SIDES                                                                                      \
    "gateway:\n"                                                                                   \
    "  external: { nic: ext0, address: 192.168.96.2/24 }\n"                                        \
    "  internal: { nic: int0, address: 192.168.95.1/24 }\n"                                        \
    "hosts: { hmi: 192.168.96.10, historian: 192.168.96.20 }\n"
#define SERVICE(name, port)                                                                        \
    "  - name: " name "\n"                                                                         \
    "    protocol: modbus-tcp\n"                                                                   \
    "    listen: 192.168.96.2:" port "\n"                                                          \
    "    device: 192.168.95.2\n"

static struct sl_decision ask(const struct fixture *f, unsigned service, struct modbus_message m)
{
    return modbus_decide(policy_service(f->image, service), HMI, &m, sizeof m);
}

static struct modbus_message word(uint8_t function, uint16_t address, uint16_t value)
{
    return writes(function, address, 1, &value);
}

static void test_values_in_the_plants_units(void **state)
{
    (void)state;
    struct fixture f;
    fixture_want_image(
        &f, SIDES "points:\n"
                  "  setpoint: { register: 40003, type: int16, scale: 0.1, unit: °C }\n"
                  "  level: { address: 7, table: input-registers, scale: 5 }\n"
                  "  flow: { register: 400021, type: float32, word-order: little }\n"
                  "  pump: { register: 00001 }\n"
                  "services:\n" SERVICE(
                      "a", "502") "    rules:\n"
                                  "      - { allow: write, point: setpoint, value: -5.0-25.0 }\n"
                                  "      - { allow: read, point: [level, pump, setpoint] }\n"
                                  "      - { allow: write, point: flow, value: -1.5-20 }\n"
                                  "      - { allow: write, point: pump, value: on }\n");
    assert_true(ask(&f, 0, word(6, 2, 250)).allowed);
    assert_true(ask(&f, 0, word(16, 2, 0xffce)).allowed); /* -50 */
    assert_int_equal(ask(&f, 0, word(6, 2, 251)).reason, SL_REASON_NO_RULE_VALUE);
    assert_int_equal(ask(&f, 0, word(6, 2, 0xffcd)).reason, SL_REASON_NO_RULE_VALUE);
    assert_int_equal(ask(&f, 0, word(6, 3, 100)).reason, SL_REASON_NO_RULE_ADDRESS);
    assert_true(ask(&f, 0, reads(4, 7, 1)).allowed);
    assert_true(ask(&f, 0, reads(1, 0, 1)).allowed);
    assert_true(ask(&f, 0, reads(3, 2, 1)).allowed);
    assert_false(ask(&f, 0, reads(3, 7, 1)).allowed);
    assert_false(ask(&f, 0, reads(2, 0, 1)).allowed);
    assert_false(ask(&f, 0, reads(24, 2, 1)).allowed);
    const uint16_t flow[] = {0, 0x41a0}; /* 20.0, low word first */
    const uint16_t more[] = {1, 0x41a0};
    assert_true(ask(&f, 0, writes(16, 20, 2, flow)).allowed);
    assert_false(ask(&f, 0, writes(16, 20, 2, more)).allowed);
    struct modbus_message coil = reads(5, 0, 1);
    coil.count = 1;
    assert_false(ask(&f, 0, coil).allowed);
    coil.value.coils[0] = 1;
    assert_true(ask(&f, 0, coil).allowed);
    fixture_close(&f);
}

static void test_a_rule_for_points_of_several_tables_is_one(void **state)
{
    (void)state;
    struct fixture f;
    fixture_want_image(
        &f, SIDES
        "points: { a: { address: 1 }, b: { address: 2 }, c: { register: "
        "30001 } }\n"
        "services:\n" SERVICE("a", "502") "    rules:\n"
                                          "      - { name: all, allow: read, point: [a, c, b] }\n"
                                          "      - { name: next, allow: read, address: 100 }\n");
    assert_int_equal(ask(&f, 0, reads(3, 1, 2)).rule, 0); /* neighbours in a list add up */
    assert_int_equal(ask(&f, 0, reads(4, 0, 1)).rule, 0);
    assert_int_equal(ask(&f, 0, reads(3, 100, 1)).rule, 1);
    assert_string_equal(policy_rule_name(f.image, 1), "next");
    assert_null(policy_rule_name(f.image, 2));
    fixture_close(&f);
}

static void test_profiles(void **state)
{
    (void)state;
    struct fixture f;
    fixture_want_image(&f, SIDES "points: { speed: { address: 5, scale: 10 } }\n"
                                 "profiles:\n"
                                 "  skid:\n"
                                 "    points: { level: { address: 9 } }\n"
                                 "    rules:\n"
                                 "      - { allow: read, point: level }\n"
                                 "      - { allow: 6, point: speed, value: 0-100 }\n"
                                 "services:\n" SERVICE("one", "502") "    profile: skid\n" SERVICE(
                                     "two", "503") "    points: { speed: { address: 6 } }\n"
                                                   "    profile: [skid]\n"
                                                   "    rules: [ { allow: 7 } ]\n");
    for (unsigned service = 0; service < 2; service++)
        assert_true(ask(&f, service, reads(3, 9, 1)).allowed);
    assert_true(ask(&f, 0, word(6, 5, 10)).allowed);
    assert_false(ask(&f, 0, word(6, 5, 11)).allowed);
    assert_true(ask(&f, 1, word(6, 6, 100)).allowed); /* the service's own point comes first */
    assert_false(ask(&f, 1, word(6, 5, 10)).allowed);
    assert_true(ask(&f, 1, reads(7, 0, 0)).allowed);
    assert_string_equal(policy_rule_name(f.image, 1), "one/skid/rule-2");
    assert_string_equal(policy_rule_name(f.image, 4), "two/rule-1");
    fixture_close(&f);
}

static char *said_of(const char *text)
{
    char *said = NULL;
    size_t size;
    FILE *out = open_memstream(&said, &size);
    struct site *site = site_load_text("f", text, strlen(text), out);
    if (site)
        site_explain(site, out);
    site_free(site);
    fclose(out);
    return said;
}

static void expect_said(const char *text, const char *words)
{
    char *said = said_of(text);
    if (strstr(said, words) == NULL) {
        print_error("%s\nexpected: %s\nsaid:\n%s", text, words, said);
        fail();
    }
    free(said);
}

static void test_sentences(void **state)
{
    (void)state;
    const char *text =
        SIDES "points:\n"
              "  setpoint: { register: 40003, scale: 0.1, unit: °C }\n"
              "  pump: { register: 000001 }\n"
              "profiles: { old: { rules: [] } }\n"
              "services:\n" SERVICE("a", "502") "    rules:\n"
                                                "      - { name: s, allow: write, point: "
                                                "setpoint, value: 15-25, from: hmi }\n"
                                                "      - { allow: [5], point: pump }\n"
                                                "      - { allow: read, point: [pump] }\n";
    expect_said(text, "hmi (192.168.96.10) may write setpoint 15.0 to 25.0 °C, holding register 2 "
                      "(40003), of any unit [s, line 15];");
    expect_said(text, "any client may write pump, coil 0 (00001), by function 5, of any unit");
    expect_said(text, "any client may read pump, coil 0 (00001), of any unit");
    expect_said(text, "WARNING: f:8: no service uses profile 'old'");
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *points, *rule, *said;
    } cases[] = {
        {"{ a: { register: 20001 } }", "{}", "f:5:26: found '20001', expected register: five"},
        {"{ a: { register: 40000 } }", "{}", "f:5:26: found '40000', expected register: five"},
        {"{ a: { register: 465537 } }", "{}", "f:5:26: found '465537', expected register: five"},
        {"{ a: { register: 4003 } }", "{}", "f:5:26: found '4003', expected register: five"},
        {"{ a: { scale: 1 } }", "{}", "f:5:14: found a point with neither 'register' nor"},
        {"{ a: { register: 40001, address: 0 } }", "{}", "f:5:14: found a point with 'register'"},
        {"{ a: { register: 40001, table: coils } }", "{}", "f:5:40: found 'coils', expected no ta"},
        {"{ a: { address: 1, table: coil } }", "{}", "did you mean 'coils'?"},
        {"{ a: { register: 00001, scale: 2 } }", "{}", "f:5:40: found '2', expected no scale: a"},
        {"{ a: { register: 40001, scale: 0 } }", "{}", "f:5:40: found '0', expected scale: what"},
        {"{ a: { register: 40001, scale: 1e3 } }", "{}", "f:5:40: found '1e3', expected scale"},
        {"{ a: { register: 465536, type: int32 } }", "{}", "expected an address below 65535"},
        {"{ a: { register: 40001, unit: far too long a measure } }", "{}", "expected unit: of mea"},
        {"7", "{}", "f:5:9: found '7', expected points: a map"},
        {"{ a: { register: 40001 } }", "{ allow: read, point: b }",
         "f:12:31: found 'b', expected a name under 'points'"},
        {"{ a: { register: 40001 } }", "{ allow: read, point: a, address: 2 }",
         "f:12:34: found 'address' beside 'point', expected it under 'points'"},
        {"{ a: { register: 30001 } }", "{ allow: write, point: a }",
         "f:12:32: found a in a rule for 'write', expected points that this function reaches"},
        {"{ a: { register: 40001 } }", "{ allow: diagnostic, point: a }",
         "f:12:30: found 'point' in a rule for 'diagnostic', expected it only for functions that"},
        {"{ a: { register: 40001, scale: 0.1, unit: bar } }",
         "{ allow: write, point: a, value: 1.25 }",
         "f:12:42: found '1.25', expected value: what 'a' can hold, or a range such as 15-25 "
         "(uint16 in steps of 0.1 bar)"},
        {"{ a: { register: 40001, scale: 0.1 } }", "{ allow: write, point: a, value: 0-6553.6 }",
         "f:12:42: found '0-6553.6', expected value: what 'a' can hold"},
        {"{ a: { register: 40001 } }", "{ allow: write, point: a, value: 2-1 }",
         "f:12:42: found '2-1', expected the lower value first"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%spoints: %s\nservices:\n%s    rules:\n      - %s\n", SIDES,
                 cases[i].points, SERVICE("a", "502"), cases[i].rule);
        expect_said(text, cases[i].said);
    }
    expect_said(
        SIDES "profiles: { p: { rules: [] } }\nservices:\n" SERVICE("a", "502") "    profile: q\n",
        "f:11:14: found 'q', expected a name under 'profiles'; did you mean 'p'?");
    expect_said(SIDES "profiles: { p: { rules: [] } }\nservices:\n" SERVICE(
                    "a", "502") "    profile: [p, p]\n",
                "f:11:18: found 'p', expected each profile once");
}

/* A mistake in a profile is one, however many services use it. */
static void test_a_profiles_mistake_is_said_once(void **state)
{
    (void)state;
    char *said = said_of(SIDES "profiles: { p: { rules: [ { allow: raed } ] } }\n"
                               "services:\n" SERVICE("a", "502") "    profile: p\n" SERVICE(
                                   "b", "503") "    profile: p\n");
    const char *first = strstr(said, "f:5:36: found 'raed'");
    assert_non_null(first);
    assert_null(strstr(first + 12, "found"));
    free(said);
}

static void test_decimals_are_exact(void **state)
{
    (void)state;
    static const char *const good[] = {"0", "-0", "0.1", "-17.5", "12345678.123456789"};
    static const char *const bad[] = {"",     "-",     ".5",           "5.",
                                      "01",   "+1",    "1e3",          "1 ",
                                      "0x10", "1.2.3", "1.1234567890", "123456789012345678"};
    struct decimal d;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(parse_decimal(good[i], strlen(good[i]), &d));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(parse_decimal(bad[i], strlen(bad[i]), &d));
    uint32_t order;
    const struct decimal thousandth = {1, 3};
    assert_true(scaled_value("65.535", 6, MODBUS_UINT16, thousandth, &order));
    assert_int_equal(order, 65535);
    assert_false(scaled_value("65.536", 6, MODBUS_UINT16, thousandth, &order));
    assert_false(scaled_value("0.0005", 6, MODBUS_UINT16, thousandth, &order));
    struct arena arena = {0};
    assert_string_equal(scaled_text(&arena, MODBUS_INT16, thousandth, 0x8000 - 5), "-0.005");
    assert_string_equal(scaled_text(&arena, MODBUS_INT32, (struct decimal){25, 1}, 0x80000003u),
                        "7.5");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_in_the_plants_units),
        cmocka_unit_test(test_a_rule_for_points_of_several_tables_is_one),
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_a_profiles_mistake_is_said_once),
        cmocka_unit_test(test_decimals_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
