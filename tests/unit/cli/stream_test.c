/* SPDX-License-Identifier: BSD-2-Clause */
/* From bytes to messages: the same lines however the bytes are split; what ends a stream. */
// link: src/cli/stream.c src/cli/stream_link.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/stream.h"
#include "fake_protocol.h"
#include "policy/image.h"

/* The messages of one run, as text: "offset+length verdict reason rule;". */
struct seen {
    char text[1024];
};

static void on_message(void *context, const struct stream_message *message)
{
    struct seen *seen = context;
    size_t used = strlen(seen->text);
    snprintf(seen->text + used, sizeof seen->text - used, "%u+%u %u %s %d;",
             (unsigned)message->offset, (unsigned)message->length, message->verdict,
             sl_reason_name(message->reason), message->rule == SL_NO_RULE ? -1 : message->rule);
    assert_int_equal(message->canonical == NULL,
                     message->verdict == SL_VERDICT_INCOMPLETE ||
                         message->reason == SL_REASON_PROTOCOL_IDENTIFIER ||
                         message->reason == SL_REASON_LENGTH_FIELD);
}

static const struct policy_service any_service;

static void run(struct seen *seen, const char *bytes, size_t step,
                const struct policy_service *service, uint32_t client, enum sl_direction direction)
{
    struct stream stream = {.protocol = &fake_protocol,
                            .direction = direction,
                            .service = service,
                            .client = client,
                            .sink = on_message,
                            .context = seen};
    seen->text[0] = '\0';
    assert_true(stream_open(&stream));
    size_t length = strlen(bytes);
    for (size_t at = 0; at < length; at += step)
        stream_push(&stream, (const uint8_t *)bytes + at, length - at < step ? length - at : step);
    stream_end(&stream);
    stream_end(&stream);
    stream_free(&stream);
}

static void check_run(const char *bytes, const struct policy_service *service, uint32_t client,
                      enum sl_direction direction, const char *expected)
{
    struct seen seen;
    for (size_t step = 1; step <= strlen(bytes) + 1; step++) {
        run(&seen, bytes, step, service, client, direction);
        assert_string_equal(seen.text, expected);
    }
}

static void test_messages_in_any_split(void **state)
{
    (void)state;
    check_run("<1a<9bcdefghij<2kl", NULL, 0, SL_REQUEST,
              "0+3 0 none -1;3+11 0 none -1;14+4 0 none -1;");
    check_run("", NULL, 0, SL_REQUEST, "");
}

static void test_malformed_content_goes_on(void **state)
{
    (void)state;
    check_run("<1!<1a<2~b<1c", NULL, 0, SL_REQUEST,
              "0+3 3 function-unknown -1;3+3 0 none -1;6+4 3 canonical-invalid -1;10+3 0 none -1;");
}

static void test_lost_framing_ends_the_stream(void **state)
{
    (void)state;
    check_run("<1aHTTP<1b", NULL, 0, SL_REQUEST, "0+3 0 none -1;3+1 3 protocol-identifier -1;");
    check_run("<1a<0bcde<1b", NULL, 0, SL_REPLY, "0+3 0 none -1;3+2 3 length-field -1;");
}

static void test_end_inside_a_message(void **state)
{
    (void)state;
    check_run("<1a<5bc", NULL, 0, SL_REQUEST, "0+3 0 none -1;3+4 4 none -1;");
    check_run("<", NULL, 0, SL_REPLY, "0+1 4 none -1;");
}

static void test_policy_decides_requests(void **state)
{
    (void)state;
    check_run("<1a<1d<1!", &any_service, 1, SL_REQUEST,
              "0+3 1 none 2;3+3 2 deny-rule 3;6+3 3 function-unknown -1;");
    check_run("<1a", &any_service, 2, SL_REQUEST, "0+3 2 no-rule-for-client -1;");
    check_run("<1d", &any_service, 1, SL_REPLY, "0+3 0 none -1;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_in_any_split),
        cmocka_unit_test(test_malformed_content_goes_on),
        cmocka_unit_test(test_lost_framing_ends_the_stream),
        cmocka_unit_test(test_end_inside_a_message),
        cmocka_unit_test(test_policy_decides_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
