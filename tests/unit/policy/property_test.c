/* SPDX-License-Identifier: BSD-2-Clause */
/* The compiled policy against an evaluator that reads the rules one by one as docs/policy.md
 * says them, over random rules and random requests; and the search for void rules against
 * taking each rule out. */
#include "policy_fixture.h"

#include "policy/state.h"

#include <float.h>

static uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

static unsigned pick(unsigned below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % below;
}

#define ADDRESSES 24u
#define MOST      40u

/* What the evaluator knows of a rule; its own words, none of the compiler's. */
struct plain_rule {
    bool deny;
    unsigned clients; /* bits: which of `client_pool` */
    bool any_client, any_unit, any_address;
    unsigned units;     /* bits */
    uint32_t functions; /* bits by number; 29 = function 23's write, 30 = 43/13, 31 = 43/14 */
    uint32_t addresses; /* bits 0..ADDRESSES-1; any_address: all */
    unsigned start;     /* of the one range, where values are of 32 bits */
    bool limited;
    enum modbus_value_type type;
    bool little;
    double low, high;
    bool expired, other_hours; /* now, see NOW */
    uint32_t files;            /* bits; functions 20, 21 */
    bool any_file;
};

#define READ_WRITES 29u
#define CANOPEN     30u
#define DEVICE_ID   31u
#define BIT(n)      (UINT32_C(1) << (n))

static const char *const client_words[] = {"hmi", "10.1.2.0/24", "office", "10.1.2.3",
                                           "[historian, 10.1.2.4]"};
static const uint32_t client_pool[] = {HMI,        HISTORIAN,  0x0a010203, 0x0a010204, 0x0a010205,
                                       0x0a010909, 0x0b000000, 0,          0xffffffff};
#define CLIENTS (sizeof client_pool / sizeof client_pool[0])
/* by client_words: which clients each word means */
static const unsigned client_meaning[] = {0x01, 0x1c, 0x3c, 0x04, 0x0a};

struct function_word {
    const char *word;
    uint32_t functions;
    bool group, addressed, coils, registers, files;
};
static const struct function_word function_words[] = {
    {"read", BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(23) | BIT(24), true, true, false, false,
     false},
    {"write", BIT(5) | BIT(6) | BIT(15) | BIT(16) | BIT(22) | BIT(READ_WRITES), true, true, false,
     true, false},
    {"diagnostic", BIT(7) | BIT(8) | BIT(11) | BIT(12) | BIT(17) | BIT(DEVICE_ID), true, false,
     false, false, false},
    {"3", BIT(3), false, true, false, false, false},
    {"read-coils", BIT(1), false, true, false, false, false},
    {"[4, 24]", BIT(4) | BIT(24), false, true, false, false, false},
    {"5", BIT(5), false, true, true, false, false},
    {"[5, 15]", BIT(5) | BIT(15), false, true, true, false, false},
    {"write-single-register", BIT(6), false, true, false, true, false},
    {"[6, 16]", BIT(6) | BIT(16), false, true, false, true, false},
    {"22", BIT(22), false, true, false, true, false},
    {"23", BIT(23) | BIT(READ_WRITES), false, true, false, true, false},
    {"read-file-record", BIT(20), false, false, false, false, true},
    {"[20, 21]", BIT(20) | BIT(21), false, false, false, false, true},
    {"43", BIT(CANOPEN) | BIT(DEVICE_ID), false, false, false, false, false},
    {"read-device-identification", BIT(DEVICE_ID), false, false, false, false, false},
};

static size_t add(char *text, size_t size, size_t used, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
    assert_true(n >= 0 && (size_t)n < size - used);
    return used + (size_t)n;
}

static size_t random_ranges(struct plain_rule *rule, char *text, size_t size, size_t used,
                            bool even)
{
    const unsigned count = even ? 1 : 1 + pick(3);
    used = add(text, size, used, ", address: [");
    for (unsigned i = 0; i < count; i++) {
        unsigned low = pick(ADDRESSES), high = low + pick(8);
        if (even)
            high = low + 1 + 2 * pick(3);
        if (high >= ADDRESSES) {
            high = ADDRESSES - 1;
            low -= even && (high - low) % 2 == 0;
        }
        used = add(text, size, used, "%s%u-%u", i ? ", " : "", low, high);
        for (unsigned a = low; a <= high; a++)
            rule->addresses |= BIT(a);
        rule->start = low;
    }
    return add(text, size, used, "]");
}

static size_t random_value(struct plain_rule *rule, const struct function_word *word, char *text,
                           size_t size, size_t used)
{
    static const char *const types[] = {"uint16", "int16", "uint32", "int32", "float32"};
    rule->limited = true;
    if (word->coils) {
        rule->type = MODBUS_COIL;
        rule->low = rule->high = pick(2);
        return add(text, size, used, ", value: %s", rule->low > 0 ? "on" : "0");
    }
    rule->functions &= ~(BIT(5) | BIT(15));
    const bool is_signed =
        rule->type == MODBUS_INT16 || rule->type == MODBUS_INT32 || rule->type == MODBUS_FLOAT32;
    rule->low = (double)pick(6) - (is_signed ? 3 : 0);
    rule->high = rule->low + pick(4);
    used =
        add(text, size, used, ", type: %s, value: %g-%g", types[rule->type], rule->low, rule->high);
    if (modbus_value_is_wide(rule->type) && pick(2)) {
        rule->little = true;
        used = add(text, size, used, ", word-order: little");
    }
    return used;
}

/* Monday, 2026-11-23 12:00 UTC */
#define NOW UINT64_C(1795435200000000000)

static size_t random_condition(struct plain_rule *rule, char *text, size_t size, size_t used)
{
    static const struct {
        const char *text;
        bool expired, other_hours;
    } conditions[] = {
        {", expires: 2026-11-22", true, false},
        {", expires: 2026-11-23", false, false},
        {", when: { days: mon, zone: UTC }", false, false},
        {", when: { hours: 12:30-13:00, zone: UTC }", false, true},
        {", when: { hours: 12:30-13:30, zone: Europe/Berlin }, expires: 2030-01-01", false, false},
        {", when: { days: tue-sun, zone: UTC }, expires: 2026-11-01", true, false},
    };
    if (pick(6))
        return add(text, size, used, " }\n");
    const unsigned i = pick(sizeof conditions / sizeof conditions[0]);
    rule->expired = conditions[i].expired;
    rule->other_hours = conditions[i].other_hours;
    return add(text, size, used, "%s }\n", conditions[i].text);
}

static size_t random_rule(struct plain_rule *rule, char *text, size_t size, size_t used)
{
    const struct function_word *word =
        &function_words[pick(sizeof function_words / sizeof function_words[0])];
    *rule = (struct plain_rule){.deny = pick(4) == 0, .functions = word->functions};
    used = add(text, size, used, "      - { %s: %s", rule->deny ? "deny" : "allow", word->word);
    rule->any_client = pick(3) == 0;
    if (!rule->any_client) {
        const unsigned who = pick(sizeof client_words / sizeof client_words[0]);
        rule->clients = client_meaning[who];
        used = add(text, size, used, ", from: %s", client_words[who]);
    }
    rule->any_unit = pick(2);
    if (!rule->any_unit) {
        const unsigned low = pick(3);
        rule->units = BIT(low) | BIT(low + 1);
        used = add(text, size, used, ", unit: %u-%u", low, low + 1);
    }
    /* rules that can allow nothing are mistakes: a value for 22, one of 32 bits for 6 */
    const bool limited =
        (word->coils || word->registers) && pick(2) && (rule->deny || word->functions != BIT(22));
    const bool narrow = !rule->deny && word->functions == BIT(6);
    rule->type = limited ? (enum modbus_value_type)pick(narrow ? 2 : 5) : MODBUS_UINT16;
    const bool wide = limited && !word->coils && modbus_value_is_wide(rule->type);
    rule->any_address = !word->addressed || (pick(4) == 0 && !wide);
    if (!rule->any_address)
        used = random_ranges(rule, text, size, used, wide);
    if (limited)
        used = random_value(rule, word, text, size, used);
    rule->any_file = true;
    if (rule->deny && word->group && rule->any_address && !limited)
        rule->functions |= rule->functions & BIT(3)   ? BIT(20)
                           : rule->functions & BIT(6) ? BIT(21)
                                                      : 0;
    if (word->files && pick(2)) {
        const unsigned low = 1 + pick(4);
        rule->any_file = false;
        rule->files = BIT(low) | BIT(low + 1);
        used = add(text, size, used, ", file: %u-%u", low, low + 1);
        if (pick(2)) {
            const unsigned first = pick(16), last = first + pick(8);
            rule->any_address = false;
            for (unsigned a = first; a <= last; a++)
                rule->addresses |= BIT(a);
            used = add(text, size, used, ", record: %u-%u", first, last);
        }
    }
    return random_condition(rule, text, size, used);
}

struct plain_part {
    unsigned function; /* as in plain_rule.functions */
    uint32_t file;
    unsigned first, last;
    const struct modbus_message *message;
    bool registers, coils, unknown; /* what it writes, and whether that is known */
};

static bool covers_client(const struct plain_rule *rule, unsigned client)
{
    return rule->any_client || (rule->clients >> client & 1);
}

static bool covers_unit(const struct plain_rule *rule, unsigned unit)
{
    return rule->any_unit || (unit < 32 && rule->units >> unit & 1);
}

static bool has_address(const struct plain_rule *rule, unsigned address)
{
    return rule->any_address || (address < 32 && rule->addresses >> address & 1);
}

static bool has_file(const struct plain_rule *rule, const struct plain_part *part)
{
    return rule->any_file || !(part->function == 20 || part->function == 21) ||
           (part->file < 32 && rule->files >> part->file & 1);
}

/* The value that lies at `address`, if it is wholly in the part: 1 known, 0 not. */
static bool value_at(const struct plain_rule *rule, const struct plain_part *part, unsigned address,
                     double *value)
{
    if (part->unknown)
        return false;
    const unsigned i = address - part->first;
    const uint16_t *r = part->message->value.registers;
    if (rule->type == MODBUS_COIL) {
        *value = part->message->value.coils[i / 8] >> i % 8 & 1;
        return true;
    }
    if (!modbus_value_is_wide(rule->type)) {
        *value = rule->type == MODBUS_INT16 ? (double)(int16_t)r[i] : (double)r[i];
        return true;
    }
    const unsigned base = (address - rule->start) % 2 ? address - 1 : address;
    if (base < part->first || base + 1 > part->last)
        return false;
    const uint16_t *pair = r + (base - part->first);
    const uint32_t bits =
        rule->little ? (uint32_t)pair[1] << 16 | pair[0] : (uint32_t)pair[0] << 16 | pair[1];
    float f;
    memcpy(&f, &bits, sizeof f);
    *value = rule->type == MODBUS_UINT32  ? (double)bits
             : rule->type == MODBUS_INT32 ? (double)(int32_t)bits
                                          : (double)f;
    return true;
}

static bool limits(const struct plain_rule *rule, const struct plain_part *part)
{
    return rule->limited && (part->registers || part->coils || part->unknown);
}

static bool denies(const struct plain_rule *rule, unsigned client, unsigned unit,
                   const struct plain_part *part)
{
    if (!rule->deny || rule->expired || rule->other_hours || !covers_client(rule, client) ||
        !covers_unit(rule, unit) || !(rule->functions & BIT(part->function)) ||
        !has_file(rule, part))
        return false;
    if (rule->limited && !limits(rule, part))
        return false; /* a value says nothing of what is read */
    for (unsigned a = part->first; a <= part->last; a++) {
        double value;
        if (!has_address(rule, a))
            continue;
        if (!limits(rule, part) || !value_at(rule, part, a, &value))
            return true;
        if (value >= rule->low && value <= rule->high)
            return true;
    }
    return false;
}

enum coverage {
    NOT_ITS_CLIENT,
    NOT_ITS_UNIT,
    NOT_ITS_FUNCTION,
    NOT_ITS_ADDRESS,
    NOT_ITS_VALUE,
    IS_EXPIRED,
    NOT_ITS_HOURS,
    COVERED
};

static enum coverage allows(const struct plain_rule *rule, unsigned client, unsigned unit,
                            const struct plain_part *part)
{
    if (rule->deny || !covers_client(rule, client))
        return NOT_ITS_CLIENT;
    if (!covers_unit(rule, unit))
        return NOT_ITS_UNIT;
    if (!(rule->functions & BIT(part->function)))
        return NOT_ITS_FUNCTION;
    if (!has_file(rule, part))
        return NOT_ITS_ADDRESS;
    for (unsigned a = part->first; a <= part->last; a++)
        if (!has_address(rule, a))
            return NOT_ITS_ADDRESS;
    for (unsigned a = part->first; limits(rule, part) && a <= part->last; a++) {
        double value;
        if (!value_at(rule, part, a, &value) || !(value >= rule->low && value <= rule->high))
            return NOT_ITS_VALUE;
    }
    if (rule->expired)
        return IS_EXPIRED;
    return rule->other_hours ? NOT_ITS_HOURS : COVERED;
}

static unsigned plain_parts(const struct modbus_message *m, struct plain_part *parts)
{
    struct plain_part part = {
        .function = m->function, .first = m->address, .last = m->address, .message = m};
    unsigned count = 0;
    switch (m->function) {
    case 1:
    case 2:
    case 3:
    case 4:
        part.last = m->address + m->quantity - 1u;
        break;
    case 5:
    case 15:
        part.coils = true;
        part.last = m->address + m->count - 1u;
        break;
    case 6:
    case 16:
        part.registers = true;
        part.last = m->address + m->count - 1u;
        break;
    case 22:
        part.unknown = true;
        break;
    case 23:
        part.last = m->address + m->quantity - 1u;
        parts[count++] = part;
        part.function = READ_WRITES;
        part.registers = true;
        part.first = m->write_address;
        part.last = m->write_address + m->count - 1u;
        break;
    case 24:
        break;
    case 20:
    case 21:
        for (; count < m->parts; count++)
            parts[count] =
                (struct plain_part){.function = m->function,
                                    .file = m->part[count].file,
                                    .first = m->part[count].record,
                                    .last = m->part[count].record + m->part[count].length - 1u,
                                    .message = m};
        return count;
    case 43:
        part.function = m->mei == 13 ? CANOPEN : DEVICE_ID;
        part.first = part.last = 0;
        break;
    default:
        part.first = part.last = 0;
    }
    parts[count++] = part;
    return count;
}

static struct sl_decision decide_now(const struct fixture *f, uint32_t client,
                                     const struct modbus_message *m)
{
    static struct policy_state state;
    policy_state_init(&state, f->image);
    policy_state_begin(&state, 1, NOW, client);
    return modbus_decide_in(policy_service(f->image, 0), &state, client, m, sizeof *m);
}

static void compare(const struct fixture *f, const char *text, const struct plain_rule *rules,
                    unsigned rule_count, unsigned client, const struct modbus_message *m)
{
    static const enum sl_reason reasons[] = {
        [NOT_ITS_CLIENT] = SL_REASON_NO_RULE_CLIENT,
        [NOT_ITS_UNIT] = SL_REASON_NO_RULE_UNIT,
        [NOT_ITS_FUNCTION] = SL_REASON_NO_RULE_FUNCTION,
        [NOT_ITS_ADDRESS] = SL_REASON_NO_RULE_ADDRESS,
        [NOT_ITS_VALUE] = SL_REASON_NO_RULE_VALUE,
        [IS_EXPIRED] = SL_REASON_RULE_EXPIRED,
        [NOT_ITS_HOURS] = SL_REASON_OUTSIDE_HOURS,
        [COVERED] = SL_REASON_NONE,
    };
    struct plain_part parts[MODBUS_MAX_PARTS];
    const unsigned part_count = plain_parts(m, parts);
    enum sl_reason want = SL_REASON_NONE;
    uint64_t denying = 0, allowing = 0;
    for (unsigned p = 0; p < part_count; p++) {
        enum coverage best = NOT_ITS_CLIENT;
        for (unsigned r = 0; r < rule_count; r++) {
            if (denies(&rules[r], client, m->unit, &parts[p]))
                denying |= UINT64_C(1) << r;
            const enum coverage c = allows(&rules[r], client, m->unit, &parts[p]);
            if (c == COVERED)
                allowing |= UINT64_C(1) << r;
            best = c > best ? c : best;
        }
        if (want == SL_REASON_NONE)
            want = reasons[best];
    }
    const struct sl_decision got = decide_now(f, client_pool[client], m);
    if (denying) /* any of them may be named; the reason says what the named one names */
        want = got.rule >= rule_count    ? SL_REASON_DENY_RULE
               : rules[got.rule].limited ? SL_REASON_DENY_RULE_VALUE
               : rules[got.rule].any_address && rules[got.rule].any_file
                   ? SL_REASON_DENY_RULE
                   : SL_REASON_DENY_RULE_ADDRESS;
    const uint64_t named = denying ? denying : allowing;
    const bool rule_right = got.allowed || denying
                                ? got.rule < rule_count && (named >> got.rule & 1)
                                : got.rule == SL_NO_RULE;
    if (got.reason == want && got.allowed == (want == SL_REASON_NONE) && rule_right)
        return;
    print_error("%s\nclient %u unit %u function %u address %u quantity %u count %u value %u %u\n"
                "got %s rule %u, expected %s\n",
                text, client, m->unit, m->function, m->address, m->quantity, m->count,
                m->value.registers[0], m->value.registers[1], sl_reason_name(got.reason), got.rule,
                sl_reason_name(want));
    fail();
}

static uint16_t random_word(void)
{
    static const uint16_t words[] = {0,      0,      0,      1,      2,      3,     0xffff,
                                     0xfffe, 0x3f80, 0xbf80, 0x4000, 0x7fc0, 0x8000};
    return words[pick(sizeof words / sizeof words[0])];
}

static struct modbus_message random_message(void)
{
    static const uint8_t functions[] = {1,  2,  3,  4,  5,  6,  7,  8,  11, 12, 15, 16,
                                        16, 16, 17, 20, 21, 22, 23, 23, 24, 43, 6,  16};
    struct modbus_message m = {
        .kind = MODBUS_REQUEST,
        .function = functions[pick(sizeof functions)],
        .unit = (uint8_t)(pick(20) ? pick(5) : 255),
        .address = (uint16_t)(pick(30) ? pick(ADDRESSES + 2) : 65530),
        .quantity = (uint16_t)(1 + pick(5)),
        .write_address = (uint16_t)pick(ADDRESSES + 2),
        .mei = (uint8_t)(13 + pick(2)),
    };
    for (unsigned i = 0; i < 8; i++)
        m.value.registers[i] = random_word();
    m.count = m.function == 5 || m.function == 6 ? 1 : m.quantity;
    if (m.function == 23) {
        m.count = (uint16_t)(1 + pick(4));
        m.write_quantity = m.count;
    }
    m.parts = (uint8_t)(1 + pick(3));
    for (unsigned i = 0; i < m.parts; i++)
        m.part[i] = (struct modbus_file_part){(uint16_t)pick(7), (uint16_t)pick(24),
                                              (uint16_t)(1 + pick(4))};
    return m;
}

static void test_same_as_the_plain_evaluator(void **state)
{
    (void)state;
    static char text[16384];
    static struct plain_rule rules[MOST];
    unsigned allowed = 0, compared = 0, too_many = 0;
    for (unsigned round = 0; round < 1500; round++) {
        size_t used = add(text, sizeof text, 0, "%s    rules:\n", FIXTURE_HEAD);
        const unsigned count = 1 + pick(round % 3 ? 6 : MOST);
        for (unsigned r = 0; r < count; r++)
            used = random_rule(&rules[r], text, sizeof text, used);
        struct fixture f;
        fixture_open(&f, text);
        if (f.image == NULL) { /* only where more limits overlap than a segment holds */
            char *message = NULL;
            size_t size;
            FILE *out = open_memstream(&message, &size);
            mistakes_print(&f.mistakes, "test", out);
            fclose(out);
            if (!strstr(message, "one more with "))
                print_error("%s%s", text, message);
            assert_non_null(strstr(message, "one more with "));
            free(message);
            too_many++;
            fixture_close(&f);
            continue;
        }
        for (unsigned i = 0; i < 800; i++) {
            const struct modbus_message m = random_message();
            const unsigned client = pick(CLIENTS);
            compare(&f, text, rules, count, client, &m);
            allowed += decide_now(&f, client_pool[client], &m).allowed;
            compared++;
        }
        fixture_close(&f);
    }
    print_message("%u compared, %u allowed, %u policies with too many limits\n", compared, allowed,
                  too_many);
    assert_true(allowed > compared / 50 && too_many < 400);
}

/* Every read of function 3 within the addresses, decided without rule `without`. */
static bool some_read_needs(const struct plain_rule *rules, unsigned count, unsigned without,
                            uint64_t gone)
{
    for (unsigned first = 0; first < ADDRESSES; first++)
        for (unsigned last = first; last < ADDRESSES; last++) {
            const struct plain_part part = {.function = 3, .first = first, .last = last};
            bool with = false, others = false, denied = false;
            for (unsigned r = 0; r < count; r++) {
                denied = denied || denies(&rules[r], 0, 1, &part);
                const bool covered = !(gone >> r & 1) && allows(&rules[r], 0, 1, &part) == COVERED;
                with = with || (covered && r == without);
                others = others || (covered && r != without);
            }
            if (with && !others && !denied)
                return true;
        }
    return false;
}

static void test_void_rules_are_those_that_change_nothing(void **state)
{
    (void)state;
    static char text[4096];
    struct plain_rule rules[8];
    unsigned found = 0;
    for (unsigned round = 0; round < 2000; round++) {
        size_t used = add(text, sizeof text, 0, "%s    rules:\n", FIXTURE_HEAD);
        const unsigned count = 1 + pick(6);
        for (unsigned r = 0; r < count; r++) {
            rules[r] = (struct plain_rule){.deny = pick(3) == 0,
                                           .any_client = true,
                                           .any_unit = true,
                                           .any_file = true,
                                           .functions = BIT(3)};
            used =
                add(text, sizeof text, used, "      - { %s: 3", rules[r].deny ? "deny" : "allow");
            used = random_ranges(&rules[r], text, sizeof text, used, false);
            used = add(text, sizeof text, used, " }\n");
        }
        uint64_t gone = 0;
        unsigned want = 0;
        for (unsigned r = count; r-- > 0;)
            if (!rules[r].deny && !some_read_needs(rules, count, r, gone)) {
                gone |= UINT64_C(1) << r;
                want++;
            }
        struct fixture f;
        fixture_want_image(&f, text);
        find_void_rules(&f.loader);
        if (f.mistakes.list.count != want) {
            print_error("%sexpected %u void rules:\n", text, want);
            mistakes_print(&f.mistakes, "test", stderr);
            fail();
        }
        found += want;
        fixture_close(&f);
    }
    assert_true(found > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_the_plain_evaluator),
        cmocka_unit_test(test_void_rules_are_those_that_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
