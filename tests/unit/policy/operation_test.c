/* SPDX-License-Identifier: BSD-2-Clause */
/* What the file says of operation: the control socket, overrides, and which changes of it a running
 * gateway can take. */
#include "policy_fixture.h"

#define HEAD                                                                                       \
    "gateway:\n"                                                                                   \
    "  external: { nic: ext0, address: 192.168.96.2/24 }\n"                                        \
    "  internal: { nic: int0, address: 192.168.95.1/24 }\n"
#define REST                                                                                       \
    "services:\n"                                                                                  \
    "  - { name: boiler, protocol: modbus-tcp, listen: 192.168.96.2:502,\n"                        \
    "      device: 192.168.95.2:502, rules: [ { allow: read, address: 0-9 } ] }\n"
#define OVERRIDE(what) HEAD "overrides:\n  - { name: m, max: 2h,\n      rules: " what " }\n" REST
#define CONTROL(what)  HEAD "  control: " what "\n" REST

static struct site *load(const char *text, char **said)
{
    size_t size;
    FILE *out = open_memstream(said, &size);
    struct site *site = site_load_text("f", text, strlen(text), out);
    fclose(out);
    return site;
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {OVERRIDE("{ boiler: [ { allow: wriite } ] }"), "f:6:35: found 'wriite'"},
        {OVERRIDE("{ boiler: [ { allow: read, address: 3 } ] }"),
         "f:6:26: found rule 'm/boiler/rule-1', all of which rule 'boiler/rule-1' on line 9 "
         "allows"},
        {OVERRIDE("{ kettle: [ { allow: write } ] }"),
         "f:6:16: found 'kettle', expected the name of a service of this file"},
        {OVERRIDE("[]"), "f:6:14: found a list, expected rules: a map of services"},
        {OVERRIDE("{ boiler: 7 }"), "f:6:24: found '7', expected rules: a list"},
        {HEAD "overrides: {}\n" REST, "f:4:12: found a map, expected overrides: a list"},
        {HEAD "overrides: [ { name: m, rules: { boiler: [] } } ]\n" REST, "without 'max'"},
        {HEAD
         "overrides: [ { name: m, max: 32d, rules: { boiler: [ { allow: write } ] } } ]\n" REST,
         "f:4:30: found '32d', expected max: how long"},
        {HEAD
         "overrides: [ { name: boiler, max: 1h, rules: { boiler: [ { allow: write } ] } } ]\n" REST,
         "f:4:14: found override 'boiler', expected another name than a service's"},
        {HEAD "overrides: [ { name: m, max: 1h, rules: { boiler: [ { allow: write } ] } },\n"
              "  { name: m, max: 1h, rules: { boiler: [ { allow: write } ] } } ]\n" REST,
         "f:5:11: found 'm', expected a name of its own: the override on line 4"},
        {CONTROL("{ socket: plant.sock }"),
         "f:4:22: found 'plant.sock', expected socket: a path from the root, or none"},
        {CONTROL("{ mode: 0666 }"), "f:4:20: found '0666', expected mode: the rights of owner"},
        {CONTROL("{ mode: 660x }"), "f:4:20: found '660x'"},
        {CONTROL("{ mode: 0060 }"), "f:4:20: found '0060'"},
        {CONTROL("{ metrics: [] }"), "f:4:23: found a list, expected metrics: a path"},
        {CONTROL("{ port: 9100 }"), "f:4:14: found unknown key 'port'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *said = NULL;
        struct site *site = load(cases[i].text, &said);
        if (site || !strstr(said, cases[i].said)) {
            print_error("%s\nexpected: %s\nsaid: %s\n", cases[i].text, cases[i].said, said);
            fail();
        }
        free(said);
    }
}

/* An override that makes rules of the file void is what overrides are for. */
static void test_an_override_may_be_wider_than_the_file(void **state)
{
    (void)state;
    char *said = NULL;
    struct site *site =
        load(OVERRIDE("{ boiler: [ { name: all, allow: [read, write] } ] }"), &said);
    assert_non_null(site);
    uint64_t longest = 0;
    assert_true(site_override(site, "m", &longest));
    assert_true(longest == UINT64_C(7200000000000));
    assert_false(site_override(site, "n", &longest));
    assert_string_equal(site_override_name(site, 0), "m");
    assert_null(site_override_name(site, 1));
    struct site *with = site_with_override(site, "m", stderr);
    assert_non_null(with);
    size_t size;
    void *plain = site_compile(site, &size, stderr);
    assert_null(policy_override_name(plain));
    assert_false(policy_rule_overrides(plain, 0));
    void *image = site_compile(with, &size, stderr);
    assert_null(policy_image_check(image, size));
    assert_string_equal(policy_override_name(image), "m");
    assert_string_equal(policy_rule_name(image, 0), "boiler/rule-1");
    assert_string_equal(policy_rule_name(image, 1), "m/all");
    assert_false(policy_rule_overrides(image, 0));
    assert_true(policy_rule_overrides(image, 1));
    assert_false(policy_rule_overrides(image, 2));
    ((struct policy_image *)image)->override = (uint32_t)size;
    assert_string_equal(policy_image_check(image, size),
                        "the override's name is outside the strings");
    free(image);
    free(plain);
    free(said);
    site_free(with);
    site_free(site);
}

static void test_control(void **state)
{
    (void)state;
    char *said = NULL;
    struct site *site =
        load(CONTROL("{ socket: /run/x.sock, mode: 660, group: ops, state: none }"), &said);
    assert_non_null(site);
    assert_string_equal(site->control.socket, "/run/x.sock");
    assert_int_equal(site->control.mode, 0660);
    assert_string_equal(site->control.group, "ops");
    assert_string_equal(site->control.state, "none");
    free(said);
    site_free(site);
}

static void expect_same(const char *before, const char *after, const char *wanted)
{
    char *said = NULL, *other = NULL, *difference = NULL;
    size_t size;
    struct site *one = load(before, &said), *two = load(after, &other);
    assert_non_null(one);
    assert_non_null(two);
    FILE *out = open_memstream(&difference, &size);
    const bool same = site_same_plant(one, two, out);
    fclose(out);
    if (same != (wanted == NULL) || (wanted && !strstr(difference, wanted))) {
        print_error("%s\nexpected: %s\nsaid: %s\n", after, wanted, difference);
        fail();
    }
    free(said);
    free(other);
    free(difference);
    site_free(one);
    site_free(two);
}

static void test_what_a_running_gateway_takes(void **state)
{
    (void)state;
    static const char plain[] = HEAD REST;
    expect_same(plain, plain, NULL);
    expect_same(plain, "# words\n" HEAD "hosts: { a: 192.168.96.7 }\n" REST, NULL);
    expect_same(plain, OVERRIDE("{ boiler: [ { allow: write } ] }"), NULL);
    expect_same(plain, HEAD "  mode: monitor\n" REST, NULL);
    expect_same(HEAD "  mode: two-way\n" REST, plain, NULL);
    expect_same(plain, CONTROL("{ mode: 0660 }"), "f:4:3: found 'control', expected it not to");
    expect_same(CONTROL("{ mode: 0660 }"), plain, "f:2:3: found no 'control', expected it");
    expect_same(CONTROL("{ mode: 0660 }"), CONTROL("{ mode: 0600 }"),
                "f:4:20: found mode '0600', expected '0660' as in the running gateway");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_an_override_may_be_wider_than_the_file),
        cmocka_unit_test(test_control),
        cmocka_unit_test(test_what_a_running_gateway_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
