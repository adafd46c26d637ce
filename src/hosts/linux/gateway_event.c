/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/linux/gateway_event.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "util/timestamp.h"

#define WAIT_MS 100

void gateway_event_start(struct gateway_event *event, const struct launch *launch,
                         const char *component, const char *name, uint32_t epoch)
{
    static uint64_t sequence;
    char timestamp[TIMESTAMP_SIZE], counter[32];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    timestamp_format((uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec,
                     timestamp);

    struct sl_json *json = &event->json;
    sl_json_start(json, event->text, sizeof event->text - 1); /* room for the newline */
    sl_json_open_object(json, NULL);
    sl_json_string(json, "timestamp", timestamp);
    sl_json_string(json, "event_type", "gateway");
    snprintf(counter, sizeof counter, "%s_seq", component);
    sl_json_number(json, counter, sequence++);
    sl_json_hex(json, "boot", launch->boot, sizeof launch->boot);
    sl_json_number(json, "epoch", epoch);
    if (launch->policy_hash[0])
        sl_json_string(json, "policy", launch->policy_hash);
    sl_json_string(json, "component", component);
    sl_json_string(json, "event", name);
}

void gateway_event_finish(struct gateway_event *event)
{
    sl_json_close_object(&event->json);
}

void gateway_event_send(struct gateway_event *event, const struct launch *launch)
{
    gateway_event_finish(event);
    const size_t length = event->json.length + 1;
    event->text[length - 1] = '\n';
    size_t done = 0;
    while (done < length) {
        ssize_t written = write(launch->launcher_fd, event->text + done, length - done);
        if (written > 0)
            done += (size_t)written;
        else if (written == 0 || errno != EAGAIN ||
                 poll(&(struct pollfd){.fd = launch->launcher_fd, .events = POLLOUT}, 1, WAIT_MS) <=
                     0)
            break;
    }
    if (done < length)
        fprintf(stderr, "sluice: audit line lost: %.*s", (int)length, event->text);
}
