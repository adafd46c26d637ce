/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole messages: application control, the canonical form's bounds, what validate refuses,
 * answers and refusals, the description. */
#include "dnp3/wire.h"
#include "protocols/dnp3/link.h"

static void application_control(void **state)
{
    (void)state;
    for (unsigned control = 0; control < 256; control += 16) {
        char text[64];
        static const char *const no = "application-control";
        snprintf(text, sizeof text, "%02x00", control);
        assert_request(text, control == 0xc0 || control == 0xd0 ? "accept" : no);
        snprintf(text, sizeof text, "%02x01 3c0206", control);
        assert_request(text, control == 0xc0 ? "accept" : no);
        snprintf(text, sizeof text, "%02x81 0000", control);
        assert_reply(text, control & 0x10 ? no : "accept");
        snprintf(text, sizeof text, "%02x82 0000", control);
        assert_reply(text, control == 0xf0 ? "accept" : no);
        snprintf(text, sizeof text, "%02x83 0000 780f 5b01 0100 00", control);
        assert_reply(text, (control & 0x30) == 0x10 ? no : "accept");
    }
}

static void function_codes(void **state)
{
    (void)state;
    for (unsigned function = 0; function < 256; function++) {
        char text[64];
        bool request = function <= 33, reply = function >= 129 && function <= 131;
        snprintf(text, sizeof text, "c0%02x 0000", function);
        if (!request)
            assert_request(text, "function-unknown");
        if (!reply)
            assert_reply(text, "function-unknown");
        assert_int_equal(dnp3_function_name(function) != NULL, request || reply);
    }
    assert_request("c0", "truncated");
    assert_reply("c081", "truncated");
    assert_reply("c081 00", "truncated");
}

static void function_of_what_is_malformed(void **state)
{
    (void)state;
    struct wire wire = wire_message(SL_REQUEST, "c901 ee0006");
    struct decoded decoded = wire_decode(SL_REQUEST, &wire);
    assert_int_equal(decoded.reason, SL_REASON_OBJECT_UNKNOWN);
    assert_int_equal(decoded.message.known, DNP3_KNOWS_LINK | DNP3_KNOWS_APPLICATION);
    assert_int_equal(decoded.message.function, DNP3_READ);
    assert_int_equal(decoded.message.sequence, 9);
    assert_int_equal(decoded.message.source, WIRE_MASTER);
    assert_int_equal(decoded.message.destination, WIRE_OUTSTATION);
    wire.bytes[LINK_HEADER_SIZE + 1] ^= 1; /* the block's CRC is wrong now: nothing of it holds */
    decoded = wire_decode(SL_REQUEST, &wire);
    assert_int_equal(decoded.reason, SL_REASON_CRC);
    assert_int_equal(decoded.message.known, DNP3_KNOWS_LINK);
    wire.bytes[4] ^= 1;
    decoded = wire_decode(SL_REQUEST, &wire);
    assert_int_equal(decoded.message.known, 0);
}

/* The canonical form widens single octets; it must fit whatever a fragment holds. */
static void largest_canonical(void **state)
{
    (void)state;
    /* lists of one-octet indexes without data grow most: 7 of 255 and one of 229 */
    char text[8192] = "c001";
    for (int i = 0; i < 7; i++)
        strcat(text, " 0100 17ff [05*255]");
    strcat(text, " 0100 17e5 [05*229]");
    assert_request(text, "accept");
    struct wire wire = wire_message(SL_REQUEST, text);
    struct decoded decoded = wire_decode(SL_REQUEST, &wire);
    assert_int_equal(decoded.message.objects_length, 8 * 5 + 2 * (7 * 255 + 229));
    assert_in_range(decoded.length, 4000, sizeof(struct dnp3_message));
    /* the fewest octets a header can take */
    assert_request("c001 [3c0206*682]", "accept");
    assert_request("c001 [01000000 00*409]", "accept");
    assert_reply("c081 0000 [0201 1701 00 81*340]", "accept");
    assert_reply("c081 0000 0101 01 0000 4f3f [ff*2026]", "accept");
}

static struct decoded decoded_from(enum sl_direction direction, const char *text)
{
    struct wire wire = wire_message(direction, text);
    struct decoded decoded = wire_decode(direction, &wire);
    assert_int_equal(decoded.reason, SL_REASON_NONE);
    assert_int_equal(dnp3_validate(direction, NULL, &decoded.message, decoded.length),
                     SL_REASON_NONE);
    return decoded;
}

#define assert_invalid(direction, change)                                                          \
    do {                                                                                           \
        struct decoded d = good;                                                                   \
        change;                                                                                    \
        assert_int_not_equal(dnp3_validate(direction, NULL, &d.message, d.length),                 \
                             SL_REASON_NONE);                                                      \
    } while (0)

static void hostile_canonical(void **state)
{
    (void)state;
    struct decoded good = decoded_from(SL_REQUEST, "c305 0c01 1701 05 4101 [00*8] 00");
    assert_invalid(SL_REPLY, (void)d);
    assert_invalid(SL_REQUEST, d.length--);
    assert_invalid(SL_REQUEST, d.length++);
    assert_invalid(SL_REQUEST, d.length = 0);
    assert_invalid(SL_REQUEST, d.length = SIZE_MAX);
    assert_invalid(SL_REQUEST, d.message.kind = 0);
    assert_invalid(SL_REQUEST, d.message.kind = DNP3_LINK);
    assert_invalid(SL_REQUEST, d.message.kind = DNP3_MALFORMED);
    assert_invalid(SL_REQUEST, d.message.known = 1);
    assert_invalid(SL_REQUEST, d.message.link_control = 0x44);
    assert_invalid(SL_REQUEST, d.message.function = DNP3_RESPONSE);
    assert_invalid(SL_REQUEST, d.message.function = 34);
    assert_invalid(SL_REQUEST, d.message.function = DNP3_READ);
    assert_invalid(SL_REQUEST, d.message.control |= 1);
    assert_invalid(SL_REQUEST, d.message.control = DNP3_FIR);
    assert_invalid(SL_REQUEST, d.message.sequence = 16);
    assert_invalid(SL_REQUEST, d.message.source = 0xfff0);
    assert_invalid(SL_REQUEST, d.message.destination = 0xfff0);
    assert_invalid(SL_REQUEST, d.message.iin = 1);
    assert_invalid(SL_REQUEST, d.message.header_count = 0);
    assert_invalid(SL_REQUEST, d.message.header_count = 2);
    assert_invalid(SL_REQUEST, d.message.objects_length = UINT16_MAX; d.length = sizeof d.message);
    assert_invalid(SL_REQUEST, d.message.objects[0] = 0xee); /* group */
    assert_invalid(SL_REQUEST, d.message.objects[2] = 0x00); /* qualifier */
    assert_invalid(SL_REQUEST, d.message.objects[4] = 1);    /* count 257 of one octet */
    assert_invalid(SL_REQUEST, d.message.objects[3] = 2);    /* count */
    assert_invalid(SL_REQUEST, d.message.objects[6] = 1);    /* index 261 of one octet */
    assert_invalid(SL_REQUEST, d.message.objects[7] = 0xc0); /* control code */
    good = decoded_from(SL_REQUEST, "c001 0100 00 0509");
    assert_invalid(SL_REQUEST, d.message.objects[3] = 10); /* start above stop */
    assert_invalid(SL_REQUEST, d.message.objects[6] = 1);  /* stop 265 of one octet */
    /* a fragment longer than 2048: 700 headers of 3 octets */
    good.message.header_count = 700;
    good.message.objects_length = 2100;
    good.length = DNP3_HEAD_SIZE + 2100;
    for (size_t i = 0; i < 700; i++)
        memcpy(good.message.objects + 3 * i, "\x3c\x02\x06", 3);
    assert_invalid(SL_REQUEST, (void)d);
    struct dnp3_message malformed = {.kind = DNP3_MALFORMED};
    assert_int_equal(dnp3_validate_malformed(&malformed, DNP3_HEAD_SIZE), SL_REASON_NONE);
    for (size_t length = 0; length <= sizeof malformed; length += 8)
        if (length != DNP3_HEAD_SIZE)
            assert_int_not_equal(dnp3_validate_malformed(&malformed, length), SL_REASON_NONE);
    malformed.known = 4;
    assert_int_not_equal(dnp3_validate_malformed(&malformed, DNP3_HEAD_SIZE), SL_REASON_NONE);
}

/* --- answers ------------------------------------------------------------------------------- */

static const char *matched(const char *request, const char *reply)
{
    struct decoded asked = decoded_from(SL_REQUEST, request);
    struct decoded told = decoded_from(SL_REPLY, reply);
    return sl_reason_name(dnp3_match(NULL, &asked.message, asked.length,
                                     dnp3_key(&asked.message, asked.length), &told.message,
                                     told.length));
}

static void replies(void **state)
{
    (void)state;
    assert_string_equal(matched("c301 3c0106", "c381 8000"), "none");
    assert_string_equal(matched("c301 3c0106", "c481 8000"), "reply-transaction");
    assert_string_equal(matched("c301 3c0106", "f382 0000"), "reply-unmatched");
    assert_string_equal(matched("c300", "c381 0000"), "reply-unmatched");
    assert_string_equal(matched("c306 0c01 1701 05 4101 [00*8] 00", "c381 0000"),
                        "reply-unmatched");
#define OPERATE "c305 0c01 1701 05 4101 [00*8] 00"
    assert_string_equal(matched(OPERATE, "c381 0000 0c01 1701 05 4101 [00*8] 00"), "none");
    assert_string_equal(matched(OPERATE, "c381 0000 0c01 1701 05 4101 [00*8] 04"), "none");
    assert_string_equal(matched(OPERATE, "c381 0000 0c01 1701 06 4101 [00*8] 00"), "reply-echo");
    assert_string_equal(matched(OPERATE, "c381 0000 0c01 1701 05 8101 [00*8] 00"), "reply-echo");
    assert_string_equal(matched(OPERATE, "c381 0000 0c01 1702 [05 4101 0000000000000000 00*2]"),
                        "reply-echo");
    assert_string_equal(matched(OPERATE, "c381 0000"), "reply-echo");
    assert_string_equal(matched(OPERATE, "c381 0004"), "none");
    assert_string_equal(
        matched("c305 2902 28 0100 0500 1234 00", "c381 0000 2902 28 0100 0500 1234 04"), "none");
    assert_string_equal(
        matched("c305 2902 28 0100 0500 1234 00", "c381 0000 2902 28 0100 0500 1235 04"),
        "reply-echo");
    struct decoded asked = decoded_from(SL_REQUEST, "c301 3c0106");
    struct decoded told = decoded_from(SL_REPLY, "c381 0000");
    told.message.source = 77;
    assert_int_equal(dnp3_match(NULL, &asked.message, asked.length, 3, &told.message, told.length),
                     SL_REASON_REPLY_STATION);
    asked.message.destination = 0xfffd; /* a broadcast has no answer */
    assert_false(dnp3_expects_reply(NULL, &asked.message, asked.length));
    static const uint8_t unanswered[] = {0, 6, 8, 10, 12, 33};
    for (unsigned function = 0; function < 34; function++) {
        struct dnp3_message request = {.kind = DNP3_FRAGMENT, .function = (uint8_t)function};
        assert_int_equal(dnp3_expects_reply(NULL, &request, DNP3_HEAD_SIZE),
                         memchr(unanswered, (int)function, sizeof unanswered) == NULL);
    }
}

static void assert_refused(const char *request, enum sl_reason reason, const char *wanted)
{
    struct wire wire = wire_message(SL_REQUEST, request), answer = {.length = 0};
    struct decoded decoded = wire_decode(SL_REQUEST, &wire);
    answer.length =
        dnp3_refuse(&decoded.message, decoded.length, reason, answer.bytes, sizeof answer.bytes);
    if (!wanted) {
        assert_int_equal(answer.length, 0);
        return;
    }
    assert_true(dnp3_expects_reply(NULL, &decoded.message, decoded.length)); /* else not asked */
    struct wire expected = wire_message(SL_REPLY, wanted);
    assert_int_equal(answer.length, expected.length);
    assert_memory_equal(answer.bytes, expected.bytes, expected.length);
    assert_int_equal(wire_decode(SL_REPLY, &answer).reason, SL_REASON_NONE);
    for (size_t size = 0; size < expected.length; size++)
        assert_int_equal(dnp3_refuse(&decoded.message, decoded.length, reason, answer.bytes, size),
                         0);
}

static void refusals(void **state)
{
    (void)state;
    assert_refused("c301 ee0006", SL_REASON_OBJECT_UNKNOWN, "c381 0002");
    assert_refused("c301 0100 00 0100", SL_REASON_RANGE, "c381 0004");
    assert_refused("c37f", SL_REASON_FUNCTION_UNKNOWN, "c381 0001");
    assert_refused("c3c8", SL_REASON_FUNCTION_UNKNOWN, NULL); /* a response's number */
    assert_refused("c381 0000", SL_REASON_FUNCTION_UNKNOWN, NULL);
    assert_refused("c301 3c0106", SL_REASON_NO_RULE, "c381 0001");
    assert_refused("c301 3c0106", SL_REASON_NO_RULE_OBJECT, "c381 0002");
    assert_refused("c301 3c0106", SL_REASON_DENY_RULE_OBJECT, "c381 0002");
    assert_refused("c30d", SL_REASON_OUTSIDE_HOURS, "c381 0001");
    assert_refused("c302 5001 00 0707 00", SL_REASON_RATE, "c381 0001");
    assert_refused("c301 3c0106", SL_REASON_NO_STATION, NULL);
    assert_refused("c301 3c0106", SL_REASON_RESPONSE_LIMIT, NULL);
    /* a control is repeated with status 9, not authorised */
    assert_refused("c305 0c01 28 0200 [0500 4101 0000000000000000 00*2]", SL_REASON_NO_RULE,
                   "c381 0000 0c01 28 0200 [0500 4101 0000000000000000 09*2]");
    assert_refused("c303 2902 1701 05 1234 00", SL_REASON_DENY_RULE,
                   "c381 0000 2902 1701 05 1234 09");
    /* but one that is too long with the indications before it */
    assert_refused("c303 2902 28 9801 [0500 1234 00*408]", SL_REASON_NO_RULE_VALUE, "c381 0004");
    /* never answered */
    assert_refused("c306 2902 1701 05 1234 00", SL_REASON_NO_RULE, NULL);
    assert_refused("c308 1400 06", SL_REASON_NO_RULE, NULL);
    assert_refused("c300", SL_REASON_NO_RULE, NULL);
    assert_refused("c300 ff", SL_REASON_OBJECT_UNKNOWN, NULL);
    assert_refused("c301 3c0106", SL_REASON_DEVICE_TIMEOUT, NULL);
    assert_refused("c301 3c0106", SL_REASON_CLIENT_LEFT, NULL);
    assert_refused("c301 3c0106", SL_REASON_CRC, NULL);
    struct decoded request = decoded_from(SL_REQUEST, "c301 3c0106");
    uint8_t bytes[64];
    request.message.destination = 0xffff; /* broadcast */
    assert_int_equal(
        dnp3_refuse(&request.message, request.length, SL_REASON_NO_RULE, bytes, sizeof bytes), 0);
}

/* --- description --------------------------------------------------------------------------- */

static const char *described(enum sl_direction direction, const char *text, size_t shown)
{
    static char line[DNP3_DESCRIBE_MAX];
    struct wire wire = wire_message(direction, text);
    struct decoded decoded = wire_decode(direction, &wire);
    struct sl_json json;
    sl_json_start(&json, line, sizeof line);
    sl_json_open_object(&json, NULL);
    dnp3_describe(&json, direction, &decoded.message,
                  shown < decoded.length ? shown : decoded.length, false);
    sl_json_close_object(&json);
    assert_false(json.overflow);
    return line;
}

#define STATIONS "\"destination\":4,\"dnp3\":{\"source\":3,\"destination\":4},"
#define CONTROL                                                                                    \
    "\"sequence\":3,\"first\":true,\"final\":true,\"confirm\":false,\"unsolicited\":false,"

static void descriptions(void **state)
{
    (void)state;
    assert_string_equal(described(SL_REQUEST, "c301 3c0206 0100 00 0509 0200 07 0a", SIZE_MAX),
                        "{" STATIONS "\"function\":1,\"function_name\":\"read\"," CONTROL
                        "\"objects\":[{\"group\":60,\"variation\":2,\"qualifier\":6},"
                        "{\"group\":1,\"variation\":0,\"qualifier\":0,\"start\":5,\"stop\":9},"
                        "{\"group\":2,\"variation\":0,\"qualifier\":7,\"count\":10}]}");
    assert_string_equal(
        described(SL_REQUEST,
                  "c305 0c01 1701 05 8102 64000000 c8000000 00 2902 28 0100 0600 feff 00",
                  SIZE_MAX),
        "{" STATIONS "\"function\":5,\"function_name\":\"direct-operate\"," CONTROL
        "\"objects\":[{\"group\":12,\"variation\":1,\"qualifier\":23,\"count\":1,\"commands\":["
        "{\"index\":5,\"control_code\":129,\"operation\":\"pulse-on\",\"trip_close\":\"trip\","
        "\"count\":2,\"on_time\":100,\"off_time\":200,\"status\":0}]},"
        "{\"group\":41,\"variation\":2,\"qualifier\":40,\"count\":1,\"commands\":["
        "{\"index\":6,\"value\":-2,\"status\":0}]}]}");
    assert_non_null(strstr(described(SL_REPLY, "c381 9004", SIZE_MAX),
                           "\"iin\":36868,\"iin_names\":[\"parameter-error\",\"need-time\","
                           "\"device-restart\"]"));
    assert_non_null(
        strstr(described(SL_REQUEST, "c302 3201 0701 40420f000000", SIZE_MAX), "\"time\":1000000"));
    assert_non_null(strstr(described(SL_REPLY, "c381 0000 0201 1702 0181 0701", SIZE_MAX),
                           "\"count\":2,\"indexes\":[1,7]"));
    assert_string_equal(described(SL_REQUEST, "c301 ee0006", SIZE_MAX),
                        "{" STATIONS "\"function\":1,\"function_name\":\"read\","
                        "\"sequence\":3,\"first\":true,\"final\":true,\"confirm\":false,"
                        "\"unsolicited\":false}");
}

/* Audit records carry the head of a message only. */
static void descriptions_of_a_head(void **state)
{
    (void)state;
    const char *text = "c305 0c01 1702 [05 4101 0000000000000000 00*2] 2902 28 0100 0600 feff 00";
    for (size_t shown = 0; shown < 120; shown++)
        assert_non_null(described(SL_REQUEST, text, shown));
    assert_non_null(strstr(described(SL_REQUEST, text, 40), "\"objects_omitted\":1"));
}

static void long_descriptions(void **state)
{
    (void)state;
    static const char *const requests[] = {"c001 [3c0206*682]", "c001 [01000000 00*409]",
                                           "c001 [0100 09 ffffffff*292]"};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        assert_null(strstr(described(SL_REQUEST, requests[i], SIZE_MAX), "omitted"));
    char text[8192] = "c005";
    for (int i = 0; i < 19; i++)
        strcat(text, " 0c01 17 09 [ff 92ff ffffffff ffffffff 7f*9]");
    assert_null(strstr(described(SL_REQUEST, text, SIZE_MAX), "omitted"));
    strcpy(text, "c001");
    for (int i = 0; i < 7; i++)
        strcat(text, " 0100 17ff [ff*255]");
    assert_null(strstr(described(SL_REQUEST, text, SIZE_MAX), "omitted"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(application_control),
        cmocka_unit_test(function_codes),
        cmocka_unit_test(function_of_what_is_malformed),
        cmocka_unit_test(largest_canonical),
        cmocka_unit_test(hostile_canonical),
        cmocka_unit_test(replies),
        cmocka_unit_test(refusals),
        cmocka_unit_test(descriptions),
        cmocka_unit_test(descriptions_of_a_head),
        cmocka_unit_test(long_descriptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
