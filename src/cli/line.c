/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/line.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/image.h"
#include "sluice/json.h"
#include "util/utf8.h"

#define LINE_SIZE   ((size_t)64 * 1024) /* a path and the longest canonical message fit */
#define SOURCE_SIZE ((size_t)8 * 1024)

static const char *const verdict_names[] = {
    [SL_VERDICT_ACCEPT] = "accept",
    [SL_VERDICT_ALLOW] = "allow",
    [SL_VERDICT_DENY] = "deny",
    [SL_VERDICT_MALFORMED] = "malformed",
    [SL_VERDICT_INCOMPLETE] = "incomplete",
};

static void address_text(const struct endpoint *endpoint, char text[INET6_ADDRSTRLEN])
{
    inet_ntop(endpoint->family == 4 ? AF_INET : AF_INET6, endpoint->address, text,
              INET6_ADDRSTRLEN);
}

void endpoint_text(const struct endpoint *endpoint, char text[ENDPOINT_TEXT])
{
    char address[INET6_ADDRSTRLEN];
    address_text(endpoint, address);
    snprintf(text, ENDPOINT_TEXT, endpoint->family == 4 ? "%s:%u" : "[%s]:%u", address,
             endpoint->port);
}

/* A file's name is any bytes, JSON is UTF-8: what is not becomes U+FFFD. */
static void copy_utf8(char *to, size_t size, const char *from)
{
    static const char replacement[] = "\xef\xbf\xbd";
    size_t length = 0;
    while (*from && length + 5 < size) {
        size_t sequence = utf8_length(from, UTF8_LONGEST);
        memcpy(to + length, sequence ? from : replacement, sequence ? sequence : 3);
        length += sequence ? sequence : 3;
        from += sequence ? sequence : 1;
    }
    to[length] = '\0';
}

/* As EVE writes it: "2016-11-02T13:01:01.123456+0000" */
static void put_timestamp(struct sl_json *json, const struct timeval *time)
{
    struct tm utc;
    char seconds[64], text[96];
    if (!gmtime_r(&time->tv_sec, &utc) ||
        !strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &utc)) {
        sl_json_null(json, "timestamp");
        return;
    }
    snprintf(text, sizeof text, "%s.%06ld+0000", seconds, (long)time->tv_usec);
    sl_json_string(json, "timestamp", text);
}

static void put_flow(struct sl_json *json, const struct line_origin *origin)
{
    char address[INET6_ADDRSTRLEN];
    put_timestamp(json, origin->time);
    address_text(origin->from, address);
    sl_json_string(json, "src_ip", address);
    sl_json_number(json, "src_port", origin->from->port);
    address_text(origin->to, address);
    sl_json_string(json, "dest_ip", address);
    sl_json_number(json, "dest_port", origin->to->port);
}

static void put_policy(struct sl_json *json, enum sl_direction direction,
                       const struct policy_service *service, const struct stream_message *message)
{
    sl_json_string(json, "service", policy_service_name(service));
    if (direction != SL_REQUEST ||
        (message->verdict != SL_VERDICT_ALLOW && message->verdict != SL_VERDICT_DENY))
        return;
    const void *image = (const uint8_t *)service - service->image;
    sl_json_string(json, "rule", policy_rule_name(image, message->rule));
}

void line_print(FILE *out, const struct line_origin *origin, const struct sl_protocol *protocol,
                enum sl_direction direction, const struct policy_service *service,
                const struct stream_message *message)
{
    char text[LINE_SIZE], source[SOURCE_SIZE];
    struct sl_json json;
    sl_json_start(&json, text, sizeof text);
    sl_json_open_object(&json, NULL);
    copy_utf8(source, sizeof source, origin->source);
    sl_json_string(&json, "source", source);
    sl_json_number(&json, "offset", message->offset);
    sl_json_number(&json, "length", message->length);
    sl_json_string(&json, "protocol", protocol->name);
    sl_json_string(&json, "direction", direction == SL_REQUEST ? "request" : "reply");
    sl_json_string(&json, "verdict", verdict_names[message->verdict]);
    sl_json_string(&json, "reason",
                   message->reason == SL_REASON_NONE ? NULL : sl_reason_name(message->reason));
    if (origin->time)
        put_flow(&json, origin);
    if (service)
        put_policy(&json, direction, service, message);
    if (message->canonical)
        protocol->describe(&json, direction, message->canonical, message->canonical_length, false);
    sl_json_close_object(&json);
    fwrite(text, 1, json.length, out);
    putc('\n', out);
}

bool line_all_written(FILE *out, const char *verb)
{
    if (fflush(out) == 0 && !ferror(out))
        return true;
    fprintf(stderr, "sluice %s: the output could not be written: %s\n", verb, strerror(errno));
    return false;
}
