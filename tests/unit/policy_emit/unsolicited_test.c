/* SPDX-License-Identifier: BSD-2-Clause */
/* No event is confirmed to an outstation for a master that did not get it. */
#include "emit_fixture.h"

static const char policy[] = DNP3_SERVICE "    unsolicited: allow\n"
                                          "    stations:\n"
                                          "      - { master: 3, outstation: 4 }\n"
                                          "      - { master: 3, outstation: 5, "
                                          "device-outstation: 1 }\n"
                                          "      - { master: 7, outstation: 4 }\n"
                                          "    rules:\n"
                                          "      - { allow: [read, control] }\n";

static const struct party scada = {.session = 1, .generation = 9, .master = 3, .outstation = 4};

#define EVENT(sequence)   "f" sequence " 82 0000 0201 17 01 05 81"
#define CONFIRM(sequence) "d" sequence " 00"

/* True when the client's message went on to the outstation. */
static bool passes(const struct party *party, const char *text)
{
    static uint16_t slot;
    slot = (uint16_t)((slot + 1) % SLOTS);
    const struct sl_record message = ask(party, slot, text);
    const bool passed = message.type == SL_RECORD_MESSAGE;
    if (passed) { /* nothing answers a confirmation */
        struct sl_record sent = record_of(party, SL_RECORD_SENT, slot);
        sent.key = message.key;
        put_bytes(&reply_instance.in, sent, NULL, 0);
    }
    wake(&reply_instance);
    while (taken(&reply_instance.out).type)
        ;
    return passed;
}

static void an_event_is_confirmed_once(void **unused)
{
    (void)unused;
    assert_false(passes(&scada, CONFIRM("2")));
    assert_string_equal(audited(&request_instance), "confirm-unmatched");
    const struct sl_record message = tell(&scada, EVENT("2"));
    assert_int_equal(message.type, SL_RECORD_MESSAGE);
    assert_int_equal(message.slot, SL_NO_SLOT);
    assert_int_equal(message.session, scada.session);
    assert_string_equal(audited(&reply_instance), "none");
    assert_true(passes(&scada, CONFIRM("2")));
    assert_false(passes(&scada, CONFIRM("2")));
    assert_string_equal(audited(&request_instance), "confirm-unmatched");
}

static void by_whom_it_was_for(void **unused)
{
    struct party other = scada;
    (void)unused;
    tell(&scada, EVENT("2"));
    other.session = 2;
    assert_false(passes(&other, CONFIRM("2")));
    other = scada;
    other.generation++; /* the session's number, used anew */
    assert_false(passes(&other, CONFIRM("2")));
    other = scada;
    other.master = 7;
    assert_false(passes(&other, CONFIRM("2")));
    other = scada;
    other.outstation = 5;
    assert_false(passes(&other, CONFIRM("2")));
    assert_false(passes(&scada, CONFIRM("3")));
    assert_false(passes(&scada, "c2 00")); /* of a response, not of an unsolicited one */
    assert_true(passes(&scada, CONFIRM("2")));
}

/* What the device calls outstation 1 is 5 to its masters, in what they confirm too. */
static void stations_of_other_numbers(void **unused)
{
    struct party party = scada;
    (void)unused;
    party.outstation = 1;
    assert_int_equal(tell(&party, EVENT("2")).type, SL_RECORD_MESSAGE);
    assert_false(passes(&party, CONFIRM("2")));
    party.outstation = 5;
    assert_true(passes(&party, CONFIRM("2")));
}

/* The same event again is one event; the same number after sixteen others is another one. */
static void sequence_numbers_come_again(void **unused)
{
    static const char digits[] = "0123456789abcdef";
    char text[64];
    (void)unused;
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < 16; i++) {
            snprintf(text, sizeof text, "f%c 82 0000 0201 17 01 05 81", digits[i]);
            tell(&scada, text);
            if (i % 5 == 0)
                tell(&scada, text); /* it was not confirmed in time */
            snprintf(text, sizeof text, "d%c 00", digits[i]);
            assert_true(passes(&scada, text));
            assert_false(passes(&scada, text));
        }
}

static void a_late_confirmation(void **unused)
{
    (void)unused;
    tell(&scada, EVENT("2"));
    tell(&scada, EVENT("3"));
    assert_true(passes(&scada, CONFIRM("3")));
    assert_true(passes(&scada, CONFIRM("2"))); /* the outstation knows whether it still waits */
    /* of so many it is one, and with one more it is forgotten */
    for (unsigned others = AWAITED_MAX - 1; others <= AWAITED_MAX; others++) {
        struct party other = scada;
        tell(&scada, EVENT("2"));
        for (other.generation = 1000; other.generation < 1000 + others; other.generation++)
            tell(&other, EVENT("7"));
        assert_int_equal(passes(&scada, CONFIRM("2")), others < AWAITED_MAX);
        pipeline_free();
        pipeline_make();
    }
}

static void nothing_is_remembered_over_a_restart(void **unused)
{
    (void)unused;
    tell(&scada, EVENT("2"));
    pipeline_free();
    pipeline_make();
    assert_false(passes(&scada, CONFIRM("2")));
    tell(&scada, EVENT("2"));
    assert_true(passes(&scada, CONFIRM("2")));
}

/* What does not reach its client, the client cannot confirm. */
static void what_is_not_passed_on(void **unused)
{
    static const struct {
        const char *text, *reason;
        uint16_t master, outstation, session;
    } cases[] = {
        {EVENT("2"), "no-station", 3, 6, 1},
        {EVENT("2"), "no-station", 3, 5, 1}, /* the device calls it 1 */
        {EVENT("2"), "no-station", 8, 4, 1},
        {EVENT("2"), "record-invalid", 3, 4, SESSIONS},
        {"e2 81 0000 0201 17 01 05 81", "reply-unmatched", 3, 4, 1}, /* not unsolicited */
        {"62 81 0000 0201 17 01 05 81", "reply-unmatched", 3, 4, 1},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct party party = {.session = cases[i].session,
                                    .generation = 9,
                                    .master = cases[i].master,
                                    .outstation = cases[i].outstation};
        assert_int_equal(tell(&party, cases[i].text).type, 0);
        assert_string_equal(audited(&reply_instance), cases[i].reason);
        assert_false(passes(&scada, CONFIRM("2")));
        assert_false(passes(&scada, "c2 00"));
    }
}

static void what_is_malformed(void **unused)
{
    struct decoded told = dnp3_message(SL_REPLY, 3, 4, EVENT("2"));
    struct sl_record record = record_of(&scada, SL_RECORD_MALFORMED, SL_NO_SLOT);
    (void)unused;
    record.reason = SL_REASON_OBJECT_UNKNOWN;
    put_bytes(&reply_instance.in, record, &told.message, told.length);
    wake(&reply_instance);
    assert_int_equal(taken(&reply_instance.out).type, 0);
    assert_string_equal(audited(&reply_instance), "object-unknown");
    /* said to be well-formed, and is not */
    record.type = SL_RECORD_MESSAGE;
    told.message.header_count++;
    put_bytes(&reply_instance.in, record, &told.message, told.length);
    wake(&reply_instance);
    assert_int_equal(taken(&reply_instance.out).type, 0);
    assert_string_equal(audited(&reply_instance), "canonical-invalid");
    assert_false(passes(&scada, CONFIRM("2")));
    /* of a service that is none */
    told.message.header_count--;
    record.service = 1;
    put_bytes(&reply_instance.in, record, &told.message, told.length);
    wake(&reply_instance);
    assert_int_equal(taken(&reply_instance.out).type, 0);
    assert_string_equal(audited(&reply_instance), "record-invalid");
}

static void policy_forbids_it(void **unused)
{
    (void)unused;
    pipeline_free();
    fixture_close(&policy_fixture);
    fixture_want_image(&policy_fixture, DNP3_RULES "      - { allow: read }\n");
    pipeline_make();
    assert_int_equal(tell(&scada, EVENT("2")).type, 0);
    assert_string_equal(audited(&reply_instance), "unsolicited-denied");
    assert_false(passes(&scada, CONFIRM("2")));
    pipeline_free();
    fixture_close(&policy_fixture);
    fixture_want_image(&policy_fixture, policy);
    pipeline_make();
}

/* A client that takes nothing does not get what it is then told that it may confirm. */
static void a_full_ring(void **unused)
{
    unsigned passed = 0, confirmed = 0;
    char text[64];
    struct party party = scada;
    (void)unused;
    for (party.generation = 0; party.generation < 4000; party.generation++) {
        const struct decoded told = dnp3_message(SL_REPLY, 3, 4, EVENT("2"));
        put_bytes(&reply_instance.in, record_of(&party, SL_RECORD_MESSAGE, SL_NO_SLOT),
                  &told.message, told.length);
        wake(&reply_instance);
        if (strcmp(audited(&reply_instance), "none") != 0)
            break;
    }
    assert_true(party.generation > 100 && party.generation < 4000);
    while (taken(&reply_instance.out).type)
        passed++;
    assert_int_equal(passed, party.generation);
    snprintf(text, sizeof text, "%s", CONFIRM("2"));
    assert_false(passes(&party, text));
    for (unsigned back = 1; back <= AWAITED_MAX; back++) {
        party.generation = passed - back;
        confirmed += passes(&party, text);
    }
    assert_int_equal(confirmed, AWAITED_MAX);
}

/* The other way round: what the request instance does not hear of, it does not let through. */
static void a_full_ring_between_the_instances(void **unused)
{
    (void)unused;
    const struct sl_record filler = {.type = SL_RECORD_SILENT};
    while (message_ring_put(&reply_instance.emit->peer_out, &filler, sizeof filler, NULL, 0) ==
           RING_OK)
        ;
    assert_int_equal(tell(&scada, EVENT("2")).type, SL_RECORD_MESSAGE);
    assert_false(passes(&scada, CONFIRM("2")));
}

static void responses_are_confirmed_apart(void **unused)
{
    (void)unused;
    const struct sl_record sent = ask(&scada, 0, "c2 01 3c02 06");
    assert_int_equal(sent.type, SL_RECORD_MESSAGE);
    const struct decoded told = dnp3_message(SL_REPLY, 3, 4, "e2 81 0000 0201 17 01 05 81");
    struct sl_record reply = record_of(&scada, SL_RECORD_MESSAGE, 0);
    reply.key = sent.key;
    assert_false(passes(&scada, "c2 00")); /* it has not come yet */
    put_bytes(&reply_instance.in, reply, &told.message, told.length);
    wake(&reply_instance);
    assert_int_equal(taken(&reply_instance.out).type, SL_RECORD_MESSAGE);
    assert_false(passes(&scada, CONFIRM("2")));
    assert_true(passes(&scada, "c2 00"));
    assert_false(passes(&scada, "c2 00"));
}

static int make(void **unused)
{
    (void)unused;
    pipeline_make();
    return 0;
}

static int release(void **unused)
{
    (void)unused;
    pipeline_free();
    return 0;
}

static int open_policy(void **unused)
{
    (void)unused;
    fixture_want_image(&policy_fixture, policy);
    return 0;
}

static int close_policy(void **unused)
{
    (void)unused;
    fixture_close(&policy_fixture);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_event_is_confirmed_once, make, release),
        cmocka_unit_test_setup_teardown(by_whom_it_was_for, make, release),
        cmocka_unit_test_setup_teardown(stations_of_other_numbers, make, release),
        cmocka_unit_test_setup_teardown(sequence_numbers_come_again, make, release),
        cmocka_unit_test_setup_teardown(a_late_confirmation, make, release),
        cmocka_unit_test_setup_teardown(nothing_is_remembered_over_a_restart, make, release),
        cmocka_unit_test_setup_teardown(what_is_not_passed_on, make, release),
        cmocka_unit_test_setup_teardown(what_is_malformed, make, release),
        cmocka_unit_test_setup_teardown(policy_forbids_it, make, release),
        cmocka_unit_test_setup_teardown(a_full_ring, make, release),
        cmocka_unit_test_setup_teardown(a_full_ring_between_the_instances, make, release),
        cmocka_unit_test_setup_teardown(responses_are_confirmed_apart, make, release),
    };
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
