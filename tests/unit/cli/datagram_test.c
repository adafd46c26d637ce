/* SPDX-License-Identifier: BSD-2-Clause */
/* Datagrams of a protocol that has them: whole link frames go on, anything else ends with its
 * datagram, and every byte is accounted for. */
// link: src/cli/stream.c src/cli/stream_link.c
#include "dnp3/wire.h"

#include "cli/stream.h"

struct seen {
    char text[2048];
};

static void on_message(void *context, const struct stream_message *message)
{
    struct seen *seen = context;
    size_t used = strlen(seen->text);
    snprintf(seen->text + used, sizeof seen->text - used, "%u+%u %u %s;", (unsigned)message->offset,
             (unsigned)message->length, message->verdict, sl_reason_name(message->reason));
}

static void open_stream(struct stream *stream, struct seen *seen)
{
    *seen = (struct seen){.text = ""};
    *stream = (struct stream){
        .protocol = &dnp3_protocol, .direction = SL_REQUEST, .sink = on_message, .context = seen};
    assert_true(stream_open(stream));
}

/* A read in three frames of 16 bytes each but the last. */
static struct wire three_frames(void)
{
    struct wire fragment = {.length = 0}, wire = {.length = 0};
    wire_hex(&fragment, "c001 3c0206 3c0306 3c");
    wire_hex(&fragment, "0406");
    wire_segments(&wire, USER_DATA | FROM_MASTER, WIRE_OUTSTATION, WIRE_MASTER, &fragment, 4, 0);
    assert_int_equal(wire.length, 17 + 17 + 16);
    return wire;
}

static void frames_go_on(void **state)
{
    (void)state;
    struct stream stream;
    struct seen seen;
    struct wire wire = three_frames();
    open_stream(&stream, &seen);
    stream_datagram(&stream, wire.bytes, 17, 0);
    stream_datagram(&stream, wire.bytes + 17, 17, 0);
    assert_string_equal(seen.text, "");
    stream_datagram(&stream, wire.bytes + 34, 16, 0);
    stream_end(&stream);
    assert_string_equal(seen.text, "0+50 0 none;");
    stream_free(&stream);
}

static void parts_of_frames_do_not(void **state)
{
    (void)state;
    struct wire wire = three_frames();
    for (size_t cut = 1; cut < wire.length; cut++) {
        struct stream stream;
        struct seen seen;
        open_stream(&stream, &seen);
        stream_datagram(&stream, wire.bytes, cut, 0);
        if (cut == 17 || cut == 34) {
            assert_string_equal(seen.text, "");
        } else {
            char wanted[64];
            snprintf(wanted, sizeof wanted, "0+%u 3 truncated;", (unsigned)cut);
            assert_string_equal(seen.text, wanted);
        }
        stream_free(&stream);
    }
}

static void captures_that_cut(void **state)
{
    (void)state;
    struct stream stream;
    struct seen seen;
    struct wire wire = three_frames();
    open_stream(&stream, &seen);
    stream_datagram(&stream, wire.bytes, 17, 17); /* the rest was not captured */
    stream_datagram(&stream, wire.bytes, wire.length, 0);
    stream_end(&stream);
    assert_string_equal(seen.text, "0+17 4 none;17+50 0 none;");
    stream_free(&stream);
}

static void lost_framing_ends_with_the_datagram(void **state)
{
    (void)state;
    struct stream stream;
    struct seen seen;
    struct wire wire = three_frames(), junk = three_frames();
    open_stream(&stream, &seen);
    wire_put(&junk, 0x05);
    wire_put(&junk, 0x65);
    for (size_t i = 0; i < 6000; i++) /* more than the buffer holds */
        wire_put(&junk, 0);
    stream_datagram(&stream, junk.bytes, junk.length, 0);
    stream_datagram(&stream, wire.bytes, wire.length, 0);
    stream_datagram(&stream, wire.bytes, 0, 0);
    stream_end(&stream);
    assert_string_equal(seen.text, "0+50 0 none;50+2 3 start-octets;6052+50 0 none;");
    stream_free(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_go_on),
        cmocka_unit_test(parts_of_frames_do_not),
        cmocka_unit_test(captures_that_cut),
        cmocka_unit_test(lost_framing_ends_with_the_datagram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
