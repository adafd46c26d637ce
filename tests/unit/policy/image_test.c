/* SPDX-License-Identifier: BSD-2-Clause */
/* The image: small for a thousand rules, the same each time, and safe to use after its check
 * however it was damaged. */
#include "policy_fixture.h"

static uint64_t seed = 88172645463325252u;

static unsigned pick(unsigned below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % below;
}

static const char mixed[] = FIXTURE_HEAD
    "    opaque:\n"
    "      - { function: 90, length: 2-10, bytes: 00 01 }\n"
    "    rules:\n"
    "      - { allow: read, from: [hmi, historian], unit: 1-3, address: 0-99 }\n"
    "      - { allow: 6, from: hmi, unit: 1, address: [2, 4, 9-12], value: 150-250 }\n"
    "      - { allow: write, from: office, address: 20-23, value: -9-7, type: int32 }\n"
    "      - { deny: write, unit: 2, address: 22, value: 7 }\n"
    "      - { allow: 20, file: 3-4, record: 1-9 }\n"
    "      - { deny: 20, file: 4 }\n"
    "      - { allow: [90, diagnostic], from: 10.1.2.0/24 }\n";

/* All that components ask of an image, for a request of any kind. */
static void use(const void *image)
{
    const struct policy_image *const head = image;
    for (unsigned i = 0; i < head->rule_count; i++)
        assert_non_null(policy_rule_name(image, i));
    policy_host_name(image, HMI);
    static const uint32_t clients[] = {HMI, OFFICE, 0, UINT32_MAX};
    for (unsigned s = 0; s < head->service_count; s++) {
        const struct policy_service *service = policy_service(image, s);
        assert_true(strlen(policy_service_name(service)) < head->size);
        modbus_opaque_find(service, 90, SL_REPLY);
        for (unsigned function = 0; function < 128; function++)
            for (unsigned i = 0; i < 4; i++) {
                struct modbus_message m =
                    writes((uint8_t)function, (uint16_t)(i * 11), 4, (const uint16_t[4]){7});
                m.kind = function == 90 ? MODBUS_OPAQUE : MODBUS_REQUEST;
                m.unit = (uint8_t)i;
                m.write_address = (uint16_t)(i * 21845);
                m.parts = 2;
                modbus_decide(service, clients[i], &m, sizeof m);
            }
    }
}

static void test_damage(void **state)
{
    (void)state;
    struct fixture f;
    fixture_want_image(&f, mixed);
    use(f.image);
    unsigned accepted = 0;
    for (unsigned round = 0; round < 60000; round++) {
        /* an allocation of just this size, so that the sanitizer sees a byte beyond */
        size_t size = pick(8) ? f.size : 8 * pick((unsigned)f.size / 8 + 1);
        uint8_t *copy = malloc(size + !size);
        memcpy(copy, f.image, size);
        for (unsigned hits = pick(4); size && hits-- > 0;) {
            static const uint8_t bytes[] = {0, 1, 0x7f, 0x80, 0xff};
            copy[pick((unsigned)size)] = pick(2) ? bytes[pick(5)] : (uint8_t)pick(256);
        }
        if (policy_image_check(copy, size) == NULL) {
            use(copy);
            accepted++;
        }
        free(copy);
    }
    assert_true(accepted > 100);
    fixture_close(&f);
}

static void test_what_is_no_image(void **state)
{
    (void)state;
    struct fixture f;
    fixture_want_image(&f, mixed);
    assert_non_null(policy_image_check(NULL, 0));
    assert_non_null(policy_image_check(f.image, 63));
    assert_non_null(policy_image_check(f.image, f.size - 1));
    uint64_t zeros[64] = {0};
    assert_non_null(policy_image_check(zeros, sizeof zeros));
    fixture_close(&f);
}

static void test_the_same_text_makes_the_same_image(void **state)
{
    (void)state;
    struct fixture a, b;
    fixture_want_image(&a, mixed);
    fixture_want_image(&b, mixed);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.image, b.image, a.size);
    fixture_close(&a);
    fixture_close(&b);
}

/* One rule an address; one a client; one a unit and address. */
static void test_a_thousand_rules(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 3; way++) {
        char *text = NULL;
        size_t length;
        FILE *out = open_memstream(&text, &length);
        fprintf(out, "%s    rules:\n", FIXTURE_HEAD);
        for (unsigned i = 0; i < 1000; i++)
            if (way == 0)
                fprintf(out, "      - { allow: 6, from: hmi, unit: 1, address: %u, value: 0-%u }\n",
                        3 * i, i);
            else if (way == 1)
                fprintf(out, "      - { allow: read, from: 172.16.%u.%u, address: %u-%u }\n",
                        i / 250, i % 250 + 1, i, i + 50);
            else
                fprintf(out, "      - { allow: 3, from: 172.16.0.%u, unit: %u, address: %u }\n",
                        i % 40 + 1, i % 240 + 1, i);
        fclose(out);
        struct fixture f;
        fixture_want_image(&f, text);
        free(text);
        print_message("a thousand rules, way %u: %zu bytes\n", way, f.size);
        assert_true(f.size < 256u << 10);
        for (unsigned i = 0; i < 1000; i++) {
            struct modbus_message m;
            uint32_t client = UINT32_C(0xac100000);
            if (way == 0) {
                m = writes(6, (uint16_t)(3 * i), 1, (const uint16_t[]){(uint16_t)i});
                client = HMI;
            } else if (way == 1) {
                m = reads(3, (uint16_t)i, 51);
                client += i / 250 << 8 | (i % 250 + 1);
            } else {
                m = reads(3, (uint16_t)i, 1);
                m.unit = (uint8_t)(i % 240 + 1);
                client += i % 40 + 1;
            }
            assert_int_equal(decide(&f, client, &m).rule, i);
            m.address++;
            assert_false(decide(&f, client, &m).allowed);
        }
        fixture_close(&f);
    }
}

static void test_too_many_limits_at_one_address(void **state)
{
    (void)state;
    char text[4096];
    size_t used = (size_t)sprintf(text, "%s    rules:\n", FIXTURE_HEAD);
    for (unsigned i = 0; i < 9; i++)
        used +=
            (size_t)sprintf(text + used, "      - { allow: 6, address: 5, value: %u }\n", 2 * i);
    char *said = NULL;
    size_t size;
    FILE *out = open_memstream(&said, &size);
    assert_null(site_load_text("f", text, used, out));
    fclose(out);
    assert_non_null(strstr(said, "f:19:9: found rule 'boiler/rule-9', one more with 'value' at "
                                 "address 5, expected at most 8"));
    free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_what_is_no_image),
        cmocka_unit_test(test_the_same_text_makes_the_same_image),
        cmocka_unit_test(test_a_thousand_rules),
        cmocka_unit_test(test_too_many_limits_at_one_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
