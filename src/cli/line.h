/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line that `decode` and `replay` print for a message: one JSON object.
 */
#ifndef SLUICE_CLI_LINE_H
#define SLUICE_CLI_LINE_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/capture.h"
#include "cli/stream.h"

/* Where a message was found. */
struct line_origin {
    const char *source; /* the file as the command line named it */
    /* A capture's message: when it was complete, who sent it to whom. NULL: no capture. */
    const struct timeval *time;
    const struct endpoint *from, *to;
};

/* `service` as stream's; it names itself and the rule on the line. */
void line_print(FILE *out, const struct line_origin *origin, const struct sl_protocol *protocol,
                enum sl_direction direction, const struct policy_service *service,
                const struct stream_message *message);

#define ENDPOINT_TEXT 64u
/* "192.168.96.10:502", "[2001:db8::1]:502" */
void endpoint_text(const struct endpoint *endpoint, char text[ENDPOINT_TEXT]);

/* False, and said on standard error for `verb`, when not all lines could be written. */
bool line_all_written(FILE *out, const char *verb);

#endif
