/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules that ask for the time, a rate or the last value. */
#include "policy_fixture.h"

#include "policy/state.h"

#define RULES(text) FIXTURE_HEAD "    rules:\n" text
#define SECOND      UINT64_C(1000000000)

static struct policy_state state;

static void start(struct fixture *f, const char *text)
{
    fixture_want_image(f, text);
    memset(&state, 0, sizeof state);
    policy_state_init(&state, f->image);
}

/* Decides as policy_emit does, `wall` in Unix seconds. */
static enum sl_reason ask(const struct fixture *f, uint64_t now, int64_t wall, uint32_t client,
                          struct modbus_message m)
{
    const struct policy_service *service = policy_service(f->image, 0);
    policy_state_begin(&state, now, (uint64_t)wall * SECOND, client);
    const struct sl_decision decision = modbus_decide_in(service, &state, client, &m, sizeof m);
    if (!decision.allowed)
        return decision.reason;
    if (!policy_rate_allows(&state, f->image, service->rate))
        return SL_REASON_RATE;
    policy_state_spend(&state);
    return SL_REASON_NONE;
}

/* 2026-11-23 is a Monday. */
#define MONDAY_NOON_UTC INT64_C(1795435200)
#define HOUR            3600

static void test_hours(void **unused)
{
    (void)unused;
    struct fixture f;
    start(&f, RULES("      - { allow: 3, address: 1, when: { days: mon-fri, hours: 06:00-13:00, "
                    "zone: Europe/Berlin } }\n"
                    "      - { allow: 3, address: 2, when: { days: [sun], hours: 22:00-06:00, "
                    "zone: UTC } }\n"
                    "      - { allow: 3, address: 3, when: { days: sat-mon, zone: UTC } }\n"
                    "      - { allow: 3, address: 4-5 }\n"
                    "      - { deny: 3, address: 5, when: { hours: 12:00-13:00, zone: UTC } }\n"));
    const int64_t noon = MONDAY_NOON_UTC; /* 13:00 in Berlin, in winter */
    assert_int_equal(ask(&f, 1, noon - 1, HMI, reads(3, 1, 1)), SL_REASON_NONE);
    assert_int_equal(ask(&f, 1, noon, HMI, reads(3, 1, 1)), SL_REASON_OUTSIDE_HOURS);
    assert_int_equal(ask(&f, 1, noon - 7 * HOUR, HMI, reads(3, 1, 1)), SL_REASON_NONE);
    assert_int_equal(ask(&f, 1, noon - 7 * HOUR - 1, HMI, reads(3, 1, 1)), SL_REASON_OUTSIDE_HOURS);
    /* the same Monday half a year earlier, 2026-05-25, Berlin is two hours ahead */
    const int64_t summer = noon - INT64_C(26) * 7 * 24 * HOUR;
    assert_int_equal(ask(&f, 1, summer - HOUR - 1, HMI, reads(3, 1, 1)), SL_REASON_NONE);
    assert_int_equal(ask(&f, 1, summer - HOUR, HMI, reads(3, 1, 1)), SL_REASON_OUTSIDE_HOURS);
    /* Sunday night goes over the week's end */
    assert_int_equal(ask(&f, 1, noon - 14 * HOUR, HMI, reads(3, 2, 1)), SL_REASON_NONE);
    assert_int_equal(ask(&f, 1, noon - 6 * HOUR - 1, HMI, reads(3, 2, 1)), SL_REASON_NONE);
    assert_int_equal(ask(&f, 1, noon - 6 * HOUR, HMI, reads(3, 2, 1)), SL_REASON_OUTSIDE_HOURS);
    assert_int_equal(ask(&f, 1, noon - 36 * HOUR, HMI, reads(3, 3, 1)), SL_REASON_NONE);
    assert_int_equal(ask(&f, 1, noon + 12 * HOUR, HMI, reads(3, 3, 1)), SL_REASON_OUTSIDE_HOURS);
    /* a deny rule with hours */
    assert_int_equal(ask(&f, 1, noon, HMI, reads(3, 5, 1)), SL_REASON_DENY_RULE_ADDRESS);
    assert_int_equal(ask(&f, 1, noon - 1, HMI, reads(3, 5, 1)), SL_REASON_NONE);
    assert_int_equal(ask(&f, 1, noon, HMI, reads(3, 4, 1)), SL_REASON_NONE);
    /* without a clock nothing is allowed by hours, and what is denied by them stays so */
    assert_int_equal(ask(&f, 1, 0, HMI, reads(3, 1, 1)), SL_REASON_CLOCK_NOT_SET);
    assert_int_equal(ask(&f, 1, 1000, HMI, reads(3, 3, 1)), SL_REASON_CLOCK_NOT_SET);
    assert_int_equal(ask(&f, 1, 0, HMI, reads(3, 5, 1)), SL_REASON_DENY_RULE_ADDRESS);
    assert_int_equal(
        decide(&f, HMI,
               &(struct modbus_message){
                   .kind = MODBUS_REQUEST, .function = 3, .unit = 1, .address = 1, .quantity = 1})
            .reason,
        SL_REASON_CLOCK_NOT_SET);
    fixture_close(&f);
}

static void test_expiry(void **unused)
{
    (void)unused;
    struct fixture f;
    start(&f, RULES("      - { allow: 3, address: 1, expires: 2026-11-23, owner: J. Smith }\n"
                    "      - { allow: 3, address: 2, expires: 2026-11-23T13:00+01:00 }\n"
                    "      - { allow: [20, 7], expires: 2026-11-23T12:00Z }\n"));
    const int64_t noon = MONDAY_NOON_UTC;
    assert_int_equal(ask(&f, 1, noon + 12 * HOUR - 1, HMI, reads(3, 1, 1)), SL_REASON_NONE);
    assert_int_equal(ask(&f, 1, noon + 12 * HOUR, HMI, reads(3, 1, 1)), SL_REASON_RULE_EXPIRED);
    assert_int_equal(ask(&f, 1, noon - 1, HMI, reads(3, 2, 1)), SL_REASON_NONE);
    assert_int_equal(ask(&f, 1, noon, HMI, reads(3, 2, 1)), SL_REASON_RULE_EXPIRED);
    struct modbus_message file = reads(20, 0, 0);
    file.parts = 1;
    file.part[0] = (struct modbus_file_part){4, 1, 1};
    assert_int_equal(ask(&f, 1, noon - 1, HMI, file), SL_REASON_NONE);
    assert_int_equal(ask(&f, 1, noon, HMI, file), SL_REASON_RULE_EXPIRED);
    assert_int_equal(ask(&f, 1, noon - 1, HMI, reads(7, 0, 0)), SL_REASON_NONE);
    assert_int_equal(ask(&f, 1, noon, HMI, reads(7, 0, 0)), SL_REASON_RULE_EXPIRED);
    assert_int_equal(ask(&f, 1, 0, HMI, reads(7, 0, 0)), SL_REASON_CLOCK_NOT_SET);
    fixture_close(&f);
}

static void test_rates(void **unused)
{
    (void)unused;
    struct fixture f;
    start(&f, FIXTURE_HEAD "    rate: { limit: 1/s, burst: 8 }\n"
                           "    rules:\n"
                           "      - { allow: 3, address: 1, rate: 2/s }\n"
                           "      - { allow: 3, address: 2, rate: { limit: 60/min, burst: 1, per: "
                           "client } }\n"
                           "      - { allow: 3, address: 3 }\n");
    uint64_t now = 1000 * SECOND;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(ask(&f, now, 0, i ? HMI : OFFICE, reads(3, 1, 1)), SL_REASON_NONE);
    assert_int_equal(ask(&f, now, 0, HMI, reads(3, 1, 1)), SL_REASON_RATE);
    now += SECOND / 2 - 1;
    assert_int_equal(ask(&f, now, 0, HMI, reads(3, 1, 1)), SL_REASON_RATE);
    now += 1;
    assert_int_equal(ask(&f, now, 0, HMI, reads(3, 1, 1)), SL_REASON_NONE);
    assert_int_equal(ask(&f, now, 0, HMI, reads(3, 1, 1)), SL_REASON_RATE);
    /* each client its own */
    assert_int_equal(ask(&f, now, 0, HMI, reads(3, 2, 1)), SL_REASON_NONE);
    assert_int_equal(ask(&f, now, 0, HMI, reads(3, 2, 1)), SL_REASON_RATE);
    assert_int_equal(ask(&f, now, 0, OFFICE, reads(3, 2, 1)), SL_REASON_NONE);
    /* five of the service's eight are gone */
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(ask(&f, now, 0, HMI, reads(3, 3, 1)), SL_REASON_NONE);
    assert_int_equal(ask(&f, now, 0, HMI, reads(3, 3, 1)), SL_REASON_RATE);
    now += SECOND;
    assert_int_equal(ask(&f, now, 0, HMI, reads(3, 3, 1)), SL_REASON_NONE);
    /* what is denied draws on nothing */
    now += 100 * SECOND;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(ask(&f, now, 0, HMI, reads(3, 9, 1)), SL_REASON_NO_RULE_ADDRESS);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(ask(&f, now, 0, HMI, reads(3, 3, 1)), SL_REASON_NONE);
    fixture_close(&f);
}

/* More clients than there is room for: none gets more than its share, and room comes back. */
static void test_many_clients(void **unused)
{
    (void)unused;
    struct fixture f;
    start(&f, RULES("      - { allow: 3, rate: { limit: 1/s, per: client } }\n"));
    uint64_t now = 5000 * SECOND;
    unsigned passed = 0;
    for (uint32_t client = 0; client < 5000; client++)
        passed += ask(&f, now, 0, client, reads(3, 0, 1)) == SL_REASON_NONE;
    assert_true(passed > POLICY_CLIENT_BUCKETS / 2 && passed <= POLICY_CLIENT_BUCKETS);
    for (uint32_t client = 0; client < 5000; client++)
        assert_int_equal(ask(&f, now, 0, client, reads(3, 0, 1)), SL_REASON_RATE);
    now += SECOND;
    assert_int_equal(ask(&f, now, 0, 4999, reads(3, 0, 1)), SL_REASON_NONE);
    fixture_close(&f);
}

static const struct policy_service *service_of(const struct fixture *f)
{
    return policy_service(f->image, 0);
}

/* A request that passes; its order. */
static uint32_t sent(const struct fixture *f, struct modbus_message m)
{
    modbus_note_sent(service_of(f), &state, &m, sizeof m);
    return state.order;
}

static void answered(const struct fixture *f, struct modbus_message request, uint32_t order,
                     const struct modbus_message *reply)
{
    modbus_note_outcome(service_of(f), &state, &request, sizeof request, order, reply,
                        reply ? sizeof *reply : 0);
}

static void read_as(const struct fixture *f, uint16_t address, uint16_t count,
                    const uint16_t *values)
{
    struct modbus_message reply = writes(3, address, count, values);
    reply.kind = MODBUS_REPLY;
    answered(f, reads(3, address, count), sent(f, reads(3, address, count)), &reply);
}

static struct modbus_message word(uint16_t address, uint16_t value)
{
    return writes(6, address, 1, &value);
}

static void test_steps(void **unused)
{
    (void)unused;
    struct fixture f;
    start(&f,
          RULES("      - { allow: write, unit: 1, address: 2-3, value: 100-300, max-step: 10 }\n"
                "      - { allow: [6], unit: 1, address: 5, type: int16, max-step: { by: 4, "
                "first: allow } }\n"));
    struct modbus_message reply;
    /* nothing is known yet */
    assert_int_equal(ask(&f, 1, 0, HMI, word(2, 200)), SL_REASON_NO_RULE_STEP);
    assert_int_equal(ask(&f, 1, 0, HMI, word(2, 99)), SL_REASON_NO_RULE_VALUE);
    assert_int_equal(ask(&f, 1, 0, HMI, word(5, 0xffff)), SL_REASON_NONE);
    read_as(&f, 0, 4, (const uint16_t[]){0, 0, 200, 250});
    assert_int_equal(ask(&f, 1, 0, HMI, word(2, 210)), SL_REASON_NONE);
    assert_int_equal(ask(&f, 1, 0, HMI, word(2, 190)), SL_REASON_NONE);
    assert_int_equal(ask(&f, 1, 0, HMI, word(2, 211)), SL_REASON_NO_RULE_STEP);
    assert_int_equal(ask(&f, 1, 0, HMI, word(2, 189)), SL_REASON_NO_RULE_STEP);
    assert_int_equal(ask(&f, 1, 0, HMI, word(3, 211)), SL_REASON_NO_RULE_STEP);
    const uint16_t both[] = {205, 241}, one_off[] = {205, 239};
    assert_int_equal(ask(&f, 1, 0, HMI, writes(16, 2, 2, both)), SL_REASON_NONE);
    assert_int_equal(ask(&f, 1, 0, HMI, writes(16, 2, 2, one_off)), SL_REASON_NO_RULE_STEP);

    /* while a write is under way the value may be the old or the new */
    const uint32_t order = sent(&f, word(2, 210));
    assert_int_equal(ask(&f, 1, 0, HMI, word(2, 220)), SL_REASON_NO_RULE_STEP);
    assert_int_equal(ask(&f, 1, 0, HMI, word(2, 195)), SL_REASON_NO_RULE_STEP);
    assert_int_equal(ask(&f, 1, 0, HMI, word(2, 203)), SL_REASON_NONE);
    reply = word(2, 210);
    reply.kind = MODBUS_REPLY;
    answered(&f, word(2, 210), order, &reply);
    assert_int_equal(ask(&f, 1, 0, HMI, word(2, 220)), SL_REASON_NONE);

    /* a write that failed may have been done all the same */
    answered(&f, word(2, 220), sent(&f, word(2, 220)), NULL);
    assert_int_equal(ask(&f, 1, 0, HMI, word(2, 225)), SL_REASON_NO_RULE_STEP);
    assert_int_equal(ask(&f, 1, 0, HMI, word(2, 205)), SL_REASON_NO_RULE_STEP);
    assert_int_equal(ask(&f, 1, 0, HMI, word(2, 215)), SL_REASON_NONE);
    read_as(&f, 2, 1, (const uint16_t[]){220});
    assert_int_equal(ask(&f, 1, 0, HMI, word(2, 225)), SL_REASON_NONE);

    /* a read that a write overtook does not count as the last word */
    const uint32_t read = sent(&f, reads(3, 2, 1));
    const uint32_t write = sent(&f, word(2, 230));
    reply = word(2, 230);
    reply.kind = MODBUS_REPLY;
    answered(&f, word(2, 230), write, &reply);
    struct modbus_message old = writes(3, 2, 1, (const uint16_t[]){220});
    old.kind = MODBUS_REPLY;
    answered(&f, reads(3, 2, 1), read, &old);
    assert_int_equal(ask(&f, 1, 0, HMI, word(2, 212)), SL_REASON_NO_RULE_STEP);
    assert_int_equal(ask(&f, 1, 0, HMI, word(2, 240)), SL_REASON_NO_RULE_STEP);

    /* a mask write makes the value unknown, which is not the same as never seen */
    struct modbus_message mask = reads(22, 5, 0);
    sent(&f, mask);
    assert_int_equal(ask(&f, 1, 0, HMI, word(5, 0)), SL_REASON_NO_RULE_STEP);
    fixture_close(&f);
}

static void test_steps_of_32_bits(void **unused)
{
    (void)unused;
    struct fixture f;
    start(&f, FIXTURE_HEAD
          "    points: { flow: { address: 10, type: float32, scale: 0.1 } }\n"
          "    rules:\n"
          "      - { allow: 16, unit: 1, point: flow, max-step: 0.25 }\n"
          "      - { allow: 16, unit: 1, address: 20-21, type: int32, max-step: 70000 }\n");
    const uint16_t twenty[] = {0x41a0, 0}, more[] = {0x41b4, 0}, much[] = {0x41b4, 1},
                   nan[] = {0x7fc0, 0}, infinite[] = {0x7f80, 0};
    read_as(&f, 10, 2, twenty);
    assert_int_equal(ask(&f, 1, 0, HMI, writes(16, 10, 2, more)), SL_REASON_NONE); /* 22.5 */
    assert_int_equal(ask(&f, 1, 0, HMI, writes(16, 10, 2, much)), SL_REASON_NO_RULE_STEP);
    assert_int_equal(ask(&f, 1, 0, HMI, writes(16, 10, 2, infinite)), SL_REASON_NO_RULE_STEP);
    assert_int_not_equal(ask(&f, 1, 0, HMI, writes(16, 10, 2, nan)), SL_REASON_NONE);
    const uint16_t minus[] = {0xffff, 0xffff}, up[] = {1, 0x116f}, above[] = {1, 0x1170};
    read_as(&f, 20, 2, minus);                                                   /* -1 */
    assert_int_equal(ask(&f, 1, 0, HMI, writes(16, 20, 2, up)), SL_REASON_NONE); /* 69999 */
    assert_int_equal(ask(&f, 1, 0, HMI, writes(16, 20, 2, above)), SL_REASON_NO_RULE_STEP);
    sent(&f, word(21, 7)); /* half of it: nothing is known of the whole */
    assert_int_equal(ask(&f, 1, 0, HMI, writes(16, 20, 2, minus)), SL_REASON_NO_RULE_STEP);
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

static void test_sentences(void **unused)
{
    (void)unused;
    expect_said(
        RULES("      - { allow: 6, unit: 1, address: 2, max-step: { by: 5, first: allow }, "
              "rate: { limit: 10/s, per: client }, expires: 2099-12-31, owner: J. Smith,\n"
              "          when: { days: [mon-fri, sun], hours: 06:00-22:00, zone: UTC } }\n"),
        "may write register 2 (function 6) of unit 1, by at most 5 from the last value (any "
        "while none is known), at most 10/s for each client, mon-fri, sun 06:00-22:00 UTC, "
        "until 2099-12-31, owner J. Smith [boiler/rule-1, line 11];");
    expect_said(RULES("      - { name: old, allow: read, expires: 2025-01-31, owner: J. Smith }\n"),
                "f:11:44: warning: rule 'old' expired (2025-01-31), owner: J. Smith: it does not "
                "match any more");
    expect_said(FIXTURE_HEAD "    mode: monitor\n    rate: 5/s\n",
                "WARNING: service 'boiler' is in mode monitor: its rules are not enforced.");
    expect_said(FIXTURE_HEAD "    on-deny: close\n", "everything is denied and closes the conn");
    expect_said(RULES("      - { allow: read, address: 1 }\n      - { deny: read, address: 2 }\n"),
                "f:12:9: warning: rule 'boiler/rule-2' denies nothing that any rule allows");
    expect_said(
        RULES("      - { allow: read, from: office }\n"),
        "f:11:9: warning: rule 'boiler/rule-1' is for clients outside the external network");
    /* an unconditional rule makes a conditional one void, not the other way round */
    expect_said(RULES("      - { allow: 3, rate: 1/s, address: 4 }\n      - { allow: read }\n"),
                "f:11:9: found rule 'boiler/rule-1', whose condition is void as rule "
                "'boiler/rule-2' on line 12 allows the same without it");
    expect_said(RULES("      - { allow: 3, rate: 1/s }\n      - { allow: 3, address: 4 }\n"),
                "f:11:9: warning: some of what rule 'boiler/rule-1' limits by a condition");
    expect_said(RULES("      - { allow: read, expires: 2025-01-31 }\n      - { allow: 3 }\n"),
                "any client may read holding registers at any address of any unit");
    expect_said(RULES("      - { allow: 3 }\n      - { deny: read, expires: 2099-01-31 }\n"),
                "any client may read holding registers at any address of any unit");
}

static void test_mistakes(void **unused)
{
    (void)unused;
    static const struct {
        const char *rule, *said;
    } cases[] = {
        {"{ allow: read, expires: soon }", "f:11:33: found 'soon', expected expires: a day"},
        {"{ allow: read, expires: 2026-02-30 }", "f:11:33: found '2026-02-30', expected expires"},
        {"{ allow: read, expires: 2026-02-03T10:00 }", "f:11:33: found '2026-02-03T10:00', expe"},
        {"{ allow: read, when: mon }", "f:11:30: found 'mon', expected when: a map of days"},
        {"{ allow: read, when: { days: mon } }", "f:11:30: found when without 'zone', expected it"},
        {"{ allow: read, when: { days: mo, zone: UTC } }", "f:11:38: found 'mo', expected days"},
        {"{ allow: read, when: { hours: 6-22, zone: UTC } }", "f:11:39: found '6-22', expected ho"},
        {"{ allow: read, when: { hours: 25:00-26:00, zone: UTC } }", "f:11:39: found '25:00-26:00"},
        {"{ allow: read, when: { zone: Mars/Olympus } }", "f:11:38: found 'Mars/Olympus', expecte"},
        {"{ allow: read, when: { zone: ../../etc/passwd } }", "f:11:38: found '../../etc/passwd'"},
        {"{ allow: read, rate: 5 }", "f:11:30: found '5', expected rate: messages in a time"},
        {"{ allow: read, rate: 0/s }", "f:11:30: found '0/s', expected rate: messages in a time"},
        {"{ allow: read, rate: { limit: 1/s, per: unit } }", "f:11:49: found 'unit', expected per"},
        {"{ allow: read, rate: { limit: 1/s, burst: 0 } }", "f:11:51: found '0', expected burst"},
        {"{ deny: read, rate: 5/s }", "f:11:23: found 'rate' in a deny rule, expected it only"},
        {"{ allow: read, owner: }", "f:11:31: found nothing, expected owner: who answers"},
        {"{ allow: 6, max-step: 5 }", "f:11:21: found 'max-step' here, expected it in an allow r"},
        {"{ deny: 6, unit: 1, address: 1, max-step: 5 }", "f:11:41: found 'max-step' here, expec"},
        {"{ allow: 6, unit: 1, address: 1, max-step: 0 }", "f:11:52: found '0', expected max-step"},
        {"{ allow: 6, unit: 1, address: 1, max-step: { by: 1, first: no } }",
         "f:11:68: found 'no', expected first: deny or allow"},
        {"{ allow: 6, unit: 0-9, address: 0-99, max-step: 5 }", "expected fewer points: at most 2"},
        {"{ allow: read, max-step: 5 }", "f:11:24: found 'max-step' in a rule for 'read', expecte"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, RULES("      - %s\n"), cases[i].rule);
        expect_said(text, cases[i].said);
    }
    static const char *const replies[] = {"    mode: monitor\n", "    on-deny: drop\n",
                                          "    rules: [ { allow: 6, unit: 1, address: 1, "
                                          "max-step: 5 } ]\n"};
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        char text[2048];
        snprintf(text, sizeof text, "%s%s", FIXTURE_HEAD, replies[i]);
        char *hosts = strstr(text, "hosts:");
        const size_t head = (size_t)(hosts - text);
        char one_way[2048];
        snprintf(one_way, sizeof one_way, "%.*s  mode: one-way\n%s", (int)head, text, hosts);
        expect_said(one_way, "in one-way mode, expected it only where replies come back");
    }
    expect_said(FIXTURE_HEAD "    on-deny: shout\n", "f:10:14: found 'shout', expected on-deny: ");
    expect_said(FIXTURE_HEAD "    mode: two-way\n", "f:10:11: found 'two-way', expected mode: enf");
    expect_said(FIXTURE_HEAD "    rate: x\n", "f:10:11: found 'x', expected rate: messages");
}

/* However the section is damaged, a checked image is used within its bounds. */
static void test_damage(void **unused)
{
    (void)unused;
    struct fixture f;
    start(&f, RULES("      - { allow: write, unit: 1, address: 2-9, max-step: 10, rate: 9/s }\n"
                    "      - { allow: read, when: { hours: 06:00-22:00, zone: Europe/Berlin }, "
                    "rate: { limit: 5/s, per: client }, expires: 2099-01-01 }\n"
                    "      - { deny: [3, 7], when: { days: sun, zone: UTC } }\n"));
    const struct policy_image *head = (const void *)f.image;
    const size_t section = head->conditions, end = head->strings;
    uint64_t seed = 7;
    unsigned accepted = 0;
    static struct policy_state damaged;
    for (unsigned round = 0; round < 40000; round++) {
        uint8_t *copy = malloc(f.size);
        memcpy(copy, f.image, f.size);
        for (unsigned hits = 0; hits < 1 + round % 3; hits++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            copy[section + (seed >> 33) % (end - section)] = (uint8_t)(seed >> 20);
        }
        if (policy_image_check(copy, f.size) == NULL) {
            accepted++;
            memset(&damaged, 0, sizeof damaged);
            policy_state_init(&damaged, copy);
            const struct policy_service *service = policy_service(copy, 0);
            for (unsigned i = 0; i < 6; i++) {
                policy_state_begin(&damaged, round * SECOND,
                                   (uint64_t)(MONDAY_NOON_UTC + round * 4000) * SECOND, HMI + i);
                struct modbus_message m = i % 2 ? writes(16, 2, 3, (const uint16_t[]){1, 2, 3})
                                                : reads(3, (uint16_t)i, 3);
                if (modbus_decide_in(service, &damaged, HMI + i, &m, sizeof m).allowed)
                    policy_state_spend(&damaged);
                modbus_note_sent(service, &damaged, &m, sizeof m);
                struct modbus_message reply = m;
                reply.kind = MODBUS_REPLY;
                reply.count = 3;
                modbus_note_outcome(service, &damaged, &m, sizeof m, damaged.order, &reply,
                                    sizeof reply);
            }
        }
        free(copy);
    }
    assert_true(accepted > 100);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hours),     cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_rates),     cmocka_unit_test(test_many_clients),
        cmocka_unit_test(test_steps),     cmocka_unit_test(test_steps_of_32_bits),
        cmocka_unit_test(test_sentences), cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
