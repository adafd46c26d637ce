/* SPDX-License-Identifier: BSD-2-Clause */
/* The compiled policy of a DNP3 service against an evaluator that reads the rules one by one as
 * docs/policy.md says them, over random rules and random requests; and the search for void rules
 * against taking each rule out. */
#include "dnp3_fixture.h"

#include "policy/state.h"

static uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

static unsigned pick(unsigned below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % below;
}

#define BIT(n)   (UINT64_C(1) << (n))
#define GROUP(g) BIT((g) % 64) /* no two of those used are the same */
#define INDEXES  16u           /* that rules and requests speak of */
#define MOST     24u
#define POLICIES 600u
#define MESSAGES 500u
#define WALL     (UINT64_C(1800000000) * UINT64_C(1000000000)) /* in 2027 */

/* --- rules, in words of their own ---------------------------------------------------------- */

struct plain_rule {
    bool deny, expired;
    unsigned clients;  /* bits: which of `client_pool` */
    unsigned stations; /* bits: which of `station_pool` */
    uint64_t functions;
    uint64_t write_50; /* functions, with group 50 alone */
    bool names_groups;
    uint64_t groups; /* bits */
    int variation;   /* -1: any */
    bool names_indexes;
    unsigned indexes; /* bits */
    bool limits_operation, limits_count, limits_value;
    unsigned operations; /* bits */
    unsigned count_low, count_high;
    int value_low, value_high;
};

static const uint32_t client_pool[] = {HMI, HISTORIAN, 0x0a010203, 0x0b000000};
static const char *const client_words[] = {NULL, "hmi", "[hmi, historian]", "office", "10.1.2.3"};
static const unsigned client_meaning[] = {0xf, 0x1, 0x3, 0x4, 0x4};

static const struct {
    uint16_t master, outstation;
} station_pool[] = {{3, 4}, {3, 5}, {7, 4}, {3, 65535}};
static const struct {
    const char *words;
    unsigned allowed, denied; /* bits: a broadcast reaches whom a deny rule is about */
} station_words[] = {{"", 0xf, 0xf},
                     {", outstation: 4", 0x5, 0xd},
                     {", outstation: 5", 0x2, 0xa},
                     {", master: 7", 0x4, 0x4},
                     {", master: 3, outstation: [4, 65535]", 0x9, 0x9}};

static const struct {
    const char *word;
    uint64_t functions, write_50;
    unsigned groups[3]; /* that may be named with it; 0: none */
    bool control;
} function_words[] = {
    {"read", BIT(1), 0, {1, 30, 60}, false},
    {"control", BIT(3) | BIT(4) | BIT(5) | BIT(6), 0, {12, 41}, true},
    {"[select, operate]", BIT(3) | BIT(4), 0, {12, 41}, true},
    {"direct-operate", BIT(5), 0, {12, 41}, true},
    {"restart", BIT(13) | BIT(14), 0, {0}, false},
    {"time", BIT(23) | BIT(24), BIT(2), {0}, false},
    {"write", BIT(2), 0, {50, 80}, false},
    {"[immediate-freeze, read]", BIT(1) | BIT(7), 0, {30}, false},
};

static size_t say_rule(struct plain_rule *rule, char *text, size_t size)
{
    const unsigned f = pick(sizeof function_words / sizeof function_words[0]);
    const unsigned c = pick(5), s = pick(5);
    char more[512] = "";
    size_t length = 0;
    *rule = (struct plain_rule){.deny = pick(4) == 0,
                                .expired = pick(10) == 0,
                                .clients = client_meaning[c],
                                .functions = function_words[f].functions,
                                .write_50 = function_words[f].write_50,
                                .variation = -1};
    rule->stations = rule->deny ? station_words[s].denied : station_words[s].allowed;
    if (client_words[c])
        length += (size_t)sprintf(more + length, ", from: %s", client_words[c]);
    length += (size_t)sprintf(more + length, "%s", station_words[s].words);
    bool indexed = function_words[f].groups[0] && function_words[f].groups[0] != 50;
    if (function_words[f].groups[0] && pick(3)) {
        const unsigned group = function_words[f].groups[pick(3)];
        if (group) {
            rule->names_groups = true;
            rule->groups = GROUP(group);
            indexed = group != 60 && group != 50;
            length += (size_t)sprintf(more + length, ", group: %u", group);
            if (pick(4) == 0) {
                const int variations[] = {0, 1, 2};
                rule->variation = group == 60                                 ? 2
                                  : group == 80 || group == 50 || group == 12 ? 1
                                                                              : variations[pick(3)];
                if (function_words[f].functions & BIT(7))
                    rule->variation = 0;
                if (group == 41)
                    rule->variation = 1 + (int)pick(2);
                if (group == 12)
                    rule->variation = 1 + 2 * (int)pick(2);
                length += (size_t)sprintf(more + length, ", variation: %d", rule->variation);
            }
        }
    }
    const bool analog_only = rule->groups == GROUP(41), block_only = rule->groups == GROUP(12);
    if (indexed && pick(2)) {
        const unsigned low = pick(INDEXES), high = low + pick(INDEXES - low), one = pick(INDEXES);
        rule->names_indexes = true;
        for (unsigned i = low; i <= high; i++)
            rule->indexes |= 1u << i;
        rule->indexes |= 1u << one;
        length += (size_t)sprintf(more + length, ", index: [%u-%u, %u]", low, high, one);
    }
    if (function_words[f].control && !analog_only && pick(3) == 0) {
        rule->names_groups = rule->limits_operation = true;
        rule->groups = GROUP(12);
        rule->operations = 1u << pick(5) | 1u << 1;
        length += (size_t)sprintf(more + length, ", operation: [pulse-on");
        static const char *const words[] = {"nul", "pulse-on", "pulse-off", "latch-on",
                                            "latch-off"};
        for (unsigned i = 0; i < 5; i++)
            if (rule->operations >> i & 1)
                length += (size_t)sprintf(more + length, ", %s", words[i]);
        length += (size_t)sprintf(more + length, "]");
        if (pick(2)) {
            rule->limits_count = true;
            rule->count_low = pick(3);
            rule->count_high = rule->count_low + pick(3);
            length +=
                (size_t)sprintf(more + length, ", count: %u-%u", rule->count_low, rule->count_high);
        }
    } else if (function_words[f].control && !block_only && pick(3) == 0) {
        rule->names_groups = rule->limits_value = true;
        rule->groups = GROUP(41);
        rule->value_low = (int)pick(20) - 10;
        rule->value_high = rule->value_low + (int)pick(10);
        length +=
            (size_t)sprintf(more + length, ", value: %d-%d", rule->value_low, rule->value_high);
    }
    if (rule->expired)
        length += (size_t)sprintf(more + length, ", expires: 2025-06-30");
    return (size_t)snprintf(text, size, "      - { %s: %s%s }\n", rule->deny ? "deny" : "allow",
                            function_words[f].word, more);
}

/* --- requests ------------------------------------------------------------------------------ */

struct part {
    unsigned group, variation;
    bool all;           /* no index, or every one */
    unsigned low, high; /* indexes */
    unsigned left_out;  /* bits: points of these that it is not about */
    bool block, analog;
    unsigned operation, count;
    int value;
};
struct request {
    unsigned function, client, station;
    unsigned header_count, count;
    struct part part[12];
    char hex[1024];
};

static size_t add_read(struct request *r, char *hex)
{
    static const unsigned groups[][2] = {{1, 0},  {1, 1},  {30, 0}, {30, 2},
                                         {60, 1}, {60, 2}, {60, 3}};
    const unsigned g = pick(7);
    struct part part = {.group = groups[g][0], .variation = groups[g][1]};
    const unsigned how = part.group == 60 ? 0 : pick(4);
    size_t length = (size_t)sprintf(hex, "%02x%02x", part.group, part.variation);
    r->header_count++;
    if (how == 0) {
        part.all = true;
        r->part[r->count++] = part;
        return length + (size_t)sprintf(hex + length, "06");
    }
    if (how < 3) {
        part.low = pick(INDEXES);
        part.high = part.low + (how == 1 ? 0 : pick(INDEXES - part.low));
        r->part[r->count++] = part;
        return length + (size_t)sprintf(hex + length, "00%02x%02x", part.low, part.high);
    }
    length += (size_t)sprintf(hex + length, "1702");
    for (unsigned i = 0; i < 2; i++) {
        part.low = part.high = pick(INDEXES);
        r->part[r->count++] = part;
        length += (size_t)sprintf(hex + length, "%02x", part.low);
    }
    return length;
}

static size_t add_command(struct request *r, char *hex)
{
    const bool analog = pick(2);
    const unsigned count = 1 + pick(2);
    struct part part = {.group = analog ? 41 : 12, .variation = analog ? 2 : 1};
    size_t length = (size_t)sprintf(hex, "%02x%02x17%02x", part.group, part.variation, count);
    r->header_count++;
    for (unsigned i = 0; i < count; i++) {
        part.low = part.high = pick(INDEXES);
        part.block = !analog;
        part.analog = analog;
        part.operation = pick(3) ? 1 : pick(5);
        part.count = pick(4);
        part.value = (int)pick(30) - 15;
        r->part[r->count++] = part;
        if (analog)
            length +=
                (size_t)sprintf(hex + length, "%02x%02x%02x00", part.low,
                                (unsigned)part.value & 0xff, (unsigned)part.value >> 8 & 0xff);
        else
            length += (size_t)sprintf(hex + length, "%02x%02x%02x640000000000000000", part.low,
                                      part.operation, part.count);
    }
    return length;
}

/* A pattern control block and its masks; the block is about the points of all of them. */
static size_t add_pattern(struct request *r, char *hex)
{
    struct part part = {.group = 12, .block = true, .operation = pick(3) ? 1 : pick(5)};
    const unsigned masks = 1 + pick(2);
    part.count = pick(4);
    size_t length =
        (size_t)sprintf(hex, "0c020701%02x%02x640000000000000000", part.operation, part.count);
    r->header_count += 1 + masks;
    for (unsigned i = 0; i < masks; i++) {
        part.low = pick(INDEXES);
        part.high = part.low + pick(INDEXES - part.low);
        const unsigned width = part.high - part.low + 1, all = (1u << width) - 1;
        const unsigned bits = pick(4) ? pick(all + 1) : 1u << pick(width);
        part.left_out = bits ? ~(bits << part.low) : 0;
        for (part.variation = 2; part.variation <= 3; part.variation++)
            r->part[r->count++] = part;
        length += (size_t)sprintf(hex + length,
                                  width > 8 ? "0c0300%02x%02x%02x%02x" : "0c0300%02x%02x%02x",
                                  part.low, part.high, bits & 0xff, bits >> 8);
    }
    return length;
}

static void make_request(struct request *r)
{
    static const unsigned functions[] = {1, 1, 1, 3, 4, 5, 5, 6, 13, 23, 2, 2, 7};
    *r = (struct request){.function = functions[pick(sizeof functions / sizeof functions[0])],
                          .client = pick(4),
                          .station = pick(4)};
    size_t length = (size_t)sprintf(r->hex, "c0%02x", r->function);
    const unsigned headers = 1 + pick(2);
    if (r->function == 1)
        for (unsigned i = 0; i < headers; i++)
            length += add_read(r, r->hex + length);
    else if (r->function >= 3 && r->function <= 6)
        for (unsigned i = 0; i < headers; i++)
            length += pick(4) ? add_command(r, r->hex + length) : add_pattern(r, r->hex + length);
    else if (r->function == 7) {
        r->header_count = r->count = 1;
        r->part[0] = (struct part){.group = 30, .low = pick(8), .high = 8};
        sprintf(r->hex + length, "1e0000%02x08", r->part[0].low);
    } else if (r->function == 2) {
        r->header_count = r->count = 1;
        r->part[0] = pick(2) ? (struct part){.group = 50, .variation = 1, .all = true}
                             : (struct part){.group = 80, .variation = 1, .low = 7, .high = 7};
        strcat(r->hex, r->part[0].all ? "32010701000000000000" : "500100070700");
    }
}

/* --- the slow evaluator -------------------------------------------------------------------- */

static bool has_group(const struct plain_rule *rule, unsigned function, const struct part *part)
{
    if (!(rule->functions & BIT(function)) && part->group != 50)
        return false; /* by `write_50` alone */
    if (!rule->names_groups)
        return true;
    if (!(rule->groups & GROUP(part->group)))
        return false;
    return rule->variation < 0 || (unsigned)rule->variation == part->variation ||
           (rule->deny && part->variation == 0);
}

static bool has_content(const struct plain_rule *rule, const struct part *part)
{
    if (rule->limits_operation && part->block && !(rule->operations >> part->operation & 1))
        return false;
    if (rule->limits_count && part->block &&
        (part->count < rule->count_low || part->count > rule->count_high))
        return false;
    return !rule->limits_value || !part->analog ||
           (rule->value_low <= part->value && part->value <= rule->value_high);
}

static bool has_part(const struct plain_rule *rule, unsigned function, const struct part *part)
{
    if (!has_group(rule, function, part) || !has_content(rule, part))
        return false;
    if (!rule->names_indexes)
        return true;
    if (part->all)
        return rule->deny;
    bool any = false, every = true;
    for (unsigned i = part->low; i <= part->high; i++) {
        if (part->left_out >> i & 1)
            continue;
        any = any || rule->indexes >> i & 1;
        every = every && rule->indexes >> i & 1;
    }
    return rule->deny ? any : every;
}

/* True where the rule decides: a deny rule on any part, an allow rule on all. */
static bool decides(const struct plain_rule *rule, const struct request *r)
{
    if (rule->expired || !(rule->clients >> r->client & 1) || !(rule->stations >> r->station & 1) ||
        !((rule->functions | rule->write_50) & BIT(r->function)))
        return false;
    if (r->header_count == 0)
        return rule->deny || !(rule->names_groups || rule->names_indexes);
    for (unsigned i = 0; i < r->count; i++)
        if (has_part(rule, r->function, &r->part[i]) == rule->deny)
            return rule->deny;
    return !rule->deny;
}

enum outcome { DENIED_BY_RULE, NOT_ALLOWED, ALLOWED };

/* Without the rule number `without`. */
static enum outcome slow(const struct plain_rule *rules, unsigned count, const struct request *r,
                         unsigned without)
{
    enum outcome outcome = NOT_ALLOWED;
    for (unsigned i = 0; i < count; i++) {
        if (i == without || !decides(&rules[i], r))
            continue;
        if (rules[i].deny)
            return DENIED_BY_RULE;
        outcome = ALLOWED;
    }
    return outcome;
}

/* --- the comparison ------------------------------------------------------------------------ */

static bool by_deny_rule(enum sl_reason reason)
{
    return reason == SL_REASON_DENY_RULE || reason == SL_REASON_DENY_RULE_OBJECT ||
           reason == SL_REASON_DENY_RULE_VALUE;
}

static enum outcome fast(const struct fixture *f, const struct request *r, uint16_t *rule)
{
    static struct policy_state state;
    const struct decoded asked = dnp3_message(SL_REQUEST, station_pool[r->station].master,
                                              station_pool[r->station].outstation, r->hex);
    memset(&state, 0, sizeof state);
    policy_state_init(&state, f->image);
    policy_state_begin(&state, 1, WALL, client_pool[r->client]);
    const struct sl_decision decision = dnp3_decide_in(
        policy_service(f->image, 0), &state, client_pool[r->client], &asked.message, asked.length);
    *rule = decision.rule;
    return decision.allowed                ? ALLOWED
           : by_deny_rule(decision.reason) ? DENIED_BY_RULE
                                           : NOT_ALLOWED;
}

static void compiled_as_read(void **unused)
{
    static struct plain_rule rules[MOST];
    static char text[MOST * 600 + 2048];
    static struct fixture f;
    unsigned outcomes[3] = {0};
    (void)unused;
    for (unsigned p = 0; p < POLICIES; p++) {
        const unsigned count = 1 + pick(p % 3 ? 6 : MOST);
        size_t length = (size_t)sprintf(text, "%s", DNP3_RULES);
        for (unsigned i = 0; i < count; i++)
            length += say_rule(&rules[i], text + length, sizeof text - length);
        fixture_want_image(&f, text);
        for (unsigned m = 0; m < MESSAGES; m++) {
            struct request r;
            uint16_t by;
            make_request(&r);
            const enum outcome read = slow(rules, count, &r, UINT32_MAX);
            const enum outcome compiled = fast(&f, &r, &by);
            outcomes[read]++;
            if (read != compiled || (read != NOT_ALLOWED &&
                                     (by >= count || rules[by].deny != (read == DENIED_BY_RULE) ||
                                      !decides(&rules[by], &r)))) {
                fprintf(stderr, "%s%s from client %u to station %u: %d, compiled %d by rule %d\n",
                        text, r.hex, r.client, r.station, read, compiled, by);
                fail();
            }
        }
        fixture_close(&f);
    }
    fprintf(stderr, "%u denied by rule, %u not allowed, %u allowed\n", outcomes[0], outcomes[1],
            outcomes[2]);
    assert_true(outcomes[0] > 1000 && outcomes[2] > 10000);
}

/* What is said to be void makes no difference. */
static void void_rules_make_no_difference(void **unused)
{
    static struct plain_rule rules[MOST];
    static char text[MOST * 600 + 2048];
    static struct fixture f;
    unsigned found = 0;
    (void)unused;
    for (unsigned p = 0; p < POLICIES; p++) {
        const unsigned count = 2 + pick(MOST - 2);
        size_t length = (size_t)sprintf(text, "%s", DNP3_RULES);
        for (unsigned i = 0; i < count; i++)
            length += say_rule(&rules[i], text + length, sizeof text - length);
        char *said = NULL;
        size_t said_length;
        FILE *out = open_memstream(&said, &said_length);
        fixture_open(&f, text);
        f.loader.now = WALL / UINT64_C(1000000000);
        find_void_rules(&f.loader);
        mistakes_print(&f.mistakes, "f", out);
        fclose(out);
        for (unsigned i = 0; i < count; i++) {
            char name[64];
            sprintf(name, "found rule 'substation/rule-%u',", i + 1);
            if (!strstr(said, name))
                continue;
            found++;
            for (unsigned m = 0; m < MESSAGES; m++) {
                struct request r;
                make_request(&r);
                if (slow(rules, count, &r, i) != slow(rules, count, &r, UINT32_MAX)) {
                    fprintf(stderr, "%srule %u is not void: %s\n%s", text, i + 1, r.hex, said);
                    fail();
                }
            }
        }
        free(said);
        fixture_close(&f);
    }
    assert_true(found > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiled_as_read),
        cmocka_unit_test(void_rules_make_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
